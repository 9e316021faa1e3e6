// The host that a request is for (RFC 9110 §7.2), from Host, :authority or an absolute target: lower case, without port
// and final dot. More is taken than wire/authority.ts takes ("%" and "," in names), since virtual servers may have
// patterns for anything; a name that is no host at all (spaces, "/", "..", half a bracket) is null: 400.
import { COLON, DIGIT_0, DIGIT_9, DOT } from "../wire/bytes.ts";

/** A host and its port, without leading zeros; undefined = none, or 0. */
export interface Host {
  readonly host: string;
  readonly port: string | undefined;
}

const IN_NAME = new Uint8Array(256);
for (const character of "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=%") {
  IN_NAME[character.charCodeAt(0)] = 1;
}

const OPENING = 0x5b;
const CLOSING = 0x5d;
const PORT_MAX = 65_535;

/** Reads host and port; null = invalid, or no host. */
export function readHost(value: string): Host | null {
  const literal = value.charCodeAt(0) === OPENING;
  let to = literal ? endOfLiteral(value) : endOfName(value);
  if (to < 0) return null;
  const port = readPort(value, to);
  if (port < 0) return null;
  if (!literal && value.charCodeAt(to - 1) === DOT) to -= 1;
  if (to === 0) return null;
  return { host: lowerCase(value, to), port: port === 0 ? undefined : String(port) };
}

function endOfName(value: string): number {
  let before = 0;
  let i = 0;
  for (; i < value.length; i++) {
    const c = value.charCodeAt(i);
    if (c === COLON) break;
    if (IN_NAME[c] !== 1 || (c === DOT && before === DOT)) return -1;
    before = c;
  }
  return i;
}

/** Behind the "]". The address itself is not read: a name is looked up, nothing is connected to. */
function endOfLiteral(value: string): number {
  let before = 0;
  for (let i = 1; i < value.length; i++) {
    const c = value.charCodeAt(i);
    if (c === CLOSING) return i + 1;
    if ((c !== COLON && IN_NAME[c] !== 1) || c === 0x25 || (c === DOT && before === DOT)) return -1;
    before = c;
  }
  return -1;
}

/** What ":" and digits at `from` say; 0 = nothing, -1 = they are no port. */
function readPort(value: string, from: number): number {
  if (from === value.length) return 0;
  if (value.charCodeAt(from) !== COLON) return -1;
  let port = 0;
  for (let i = from + 1; i < value.length; i++) {
    const c = value.charCodeAt(i);
    if (c < DIGIT_0 || c > DIGIT_9) return -1;
    port = port * 10 + c - DIGIT_0;
    if (port > PORT_MAX) return -1;
  }
  return port;
}

/** Most hosts come in lower case: those are not copied. */
function lowerCase(value: string, to: number): string {
  const host = to === value.length ? value : value.slice(0, to);
  for (let i = 0; i < to; i++) {
    const c = value.charCodeAt(i);
    if (c >= 0x41 && c <= 0x5a) return host.toLowerCase();
  }
  return host;
}
