// Numbers, instants and foreign values as text for the logs, made for the data path: no Date per line, no
// JSON.stringify, and a value is copied only where something in it has to be escaped. The scan for that is a regular
// expression because it was measured: over slices of a request head it takes 1 ns a character, charCodeAt 2.5.
// All output is ASCII: a log line cannot carry control characters, ANSI sequences (the C1 forms of ISO 6429
// included) or line separators, whatever a client or an upstream sent.
import type { Ms } from "../std/units.ts";

const DIGITS = "0123456789ABCDEF";

/** "000" to "999". */
const THREE: readonly string[] = Array.from({ length: 1000 }, (_, n) => String(n).padStart(3, "0"));
/** "0" to "999". */
const SMALL: readonly string[] = Array.from({ length: 1000 }, (_, n) => String(n));
/** "", ".001" to ".999" without trailing zeros. */
const FRACTION: readonly string[] = THREE.map((digits) => (digits === "000" ? "" : `.${digits.replace(/0+$/, "")}`));

/** A count as decimal digits; what is no such count is 0. */
export function count(value: number): string {
  if (value < 1000 && value >= 0 && Number.isInteger(value)) return SMALL[value]!;
  return value >= 0 && value <= Number.MAX_SAFE_INTEGER ? "" + Math.floor(value) : "0";
}

/** A status as three digits, "000" for none, as nginx has it. */
export function statusText(status: number): string {
  return status >= 100 ? count(status) : (THREE[status] ?? "000");
}

/** A span of milliseconds with up to 3 decimals; negative (a clock of another machine, a lost instant) is 0. */
export function millis(span: Ms): string {
  if (!(span > 0 && span < 9e12)) return "0";
  const micros = Math.floor(span * 1000 + 0.5);
  const whole = Math.floor(micros / 1000);
  return count(whole) + FRACTION[micros - whole * 1000]!;
}

/** Anything but printable ASCII, and `"` and `\`. */
const UNSAFE = /[^ !#-[\]-~]/;

/** The value with everything outside printable ASCII, `"` and `\` escaped for a JSON string. */
export function jsonEscape(value: string): string {
  return UNSAFE.test(value) ? jsonEscapeAll(value) : value;
}

/** The value escaped as nginx and Apache do in their access logs: `\xHH` outside printable ASCII and for `"` and `\`. */
export function hexEscape(value: string): string {
  return UNSAFE.test(value) ? hexEscapeAll(value) : value;
}

function isPlain(code: number): boolean {
  return code >= 0x20 && code < 0x7f && code !== 0x22 && code !== 0x5c;
}

function jsonEscapeAll(value: string): string {
  let escaped = "";
  let clean = 0;
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (isPlain(code)) continue;
    escaped += value.slice(clean, i);
    clean = i + 1;
    if (code === 0x22 || code === 0x5c) escaped += "\\" + value[i];
    else escaped += "\\u" + hexByte(code >> 8) + hexByte(code & 0xff);
  }
  return escaped + value.slice(clean);
}

function hexEscapeAll(value: string): string {
  let escaped = "";
  let clean = 0;
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (isPlain(code)) continue;
    escaped += value.slice(clean, i);
    clean = i + 1;
    // Field values are bytes read as latin1; anything above comes from the configuration and is written as UTF-8.
    if (code <= 0xff) escaped += "\\x" + hexByte(code);
    else for (const byte of Buffer.from(value[i]!, "utf8")) escaped += "\\x" + hexByte(byte);
  }
  return escaped + value.slice(clean);
}

function hexByte(byte: number): string {
  return DIGITS[byte >> 4]! + DIGITS[byte & 15]!;
}

let isoSecond = Number.NaN;
let isoPrefix = "";

/** "2026-11-21T09:17:00.123Z" of a wall clock instant. */
export function isoTime(wall: Ms): string {
  const second = Math.floor(wall / 1000);
  if (second !== isoSecond) {
    isoSecond = second;
    isoPrefix = new Date(safeWall(second * 1000)).toISOString().slice(0, -4);
  }
  return isoPrefix + (THREE[Math.floor(wall - second * 1000)] ?? "000") + "Z";
}

let clfSecond = Number.NaN;
let clfText = "";

/** "21/Nov/2026:09:17:00 +0100" in local time, as the Common Log Format has it. */
export function clfTime(wall: Ms): string {
  const second = Math.floor(wall / 1000);
  if (second !== clfSecond) {
    clfSecond = second;
    clfText = formatClf(new Date(safeWall(second * 1000)));
  }
  return clfText;
}

let localSecond = Number.NaN;
let localPrefix = "";

/** "2026-11-21 09:17:00.123" in local time. */
export function localTime(wall: Ms): string {
  const second = Math.floor(wall / 1000);
  if (second !== localSecond) {
    localSecond = second;
    const at = new Date(safeWall(second * 1000));
    const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
    localPrefix = `${date} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.`;
  }
  return localPrefix + (THREE[Math.floor(wall - second * 1000)] ?? "000");
}

/** "2026-11-21" in local time. */
export function localDate(wall: Ms): string {
  return localTime(wall).slice(0, "2026-11-21".length);
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function formatClf(at: Date): string {
  const offset = -at.getTimezoneOffset();
  const distance = Math.abs(offset);
  const zone = (offset < 0 ? "-" : "+") + two(Math.floor(distance / 60)) + two(distance % 60);
  const date = `${two(at.getDate())}/${MONTHS[at.getMonth()]}/${at.getFullYear()}`;
  return `${date}:${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())} ${zone}`;
}

function two(value: number): string {
  return value < 10 ? "0" + value : "" + value;
}

/** A Date throws in toISOString beyond ±8.64e15; a log line must not. */
function safeWall(wall: Ms): Ms {
  return wall >= 0 && wall < 253402300800000 ? wall : 0;
}
