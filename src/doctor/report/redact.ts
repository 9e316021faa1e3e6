// Secrets never reach an output: this is the first step of all four formats. Fields of heads lose their value by their
// name, forms in pages by the name of the input, every other text by its form (doctor/redact.ts). What is found that way
// is then looked for in all texts, since a page or a log may repeat what a cookie said. Idempotent; nothing else changes.

import { isSecretName, REDACTED, redactField, redactText } from "../../std/redact.ts";
import type { DoctorReport } from "../diagnose/model.ts";

const SECRETS_MAX = 300;
const LONG = 16;
const SHORT = 8;

/** The same report without its secrets. */
export function redactReport(report: DoctorReport): DoctorReport {
  const secrets = new Set<string>();
  collect(report, null, secrets);
  const again = patternOf(secrets);
  const clean = (text: string): string => {
    const redacted = redactText(inputs(text));
    return again === null ? redacted : redacted.replace(again, REDACTED);
  };
  return mapped(report, null, clean) as DoctorReport;
}

type Clean = (text: string) => string;

/** A copy with each text cleaned; pairs below `fields` are fields of a head. */
function mapped(value: unknown, key: string | null, clean: Clean): unknown {
  if (typeof value === "string") return clean(value);
  if (Array.isArray(value)) {
    if (key === "fields")
      return value.map((pair) => (isPair(pair) ? headField(pair, clean) : mapped(pair, null, clean)));
    return value.map((each) => mapped(each, null, clean));
  }
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, mapped(each, name, clean)]));
}

type Pair = readonly [name: string, value: string];

const isPair = (value: unknown): value is Pair =>
  Array.isArray(value) && value.length === 2 && value.every((each) => typeof each === "string");

/** Names that doctor/redact.ts does not know and that say themselves that they are secret. */
const SECRET_FIELD =
  /token|secret|passw|api[-_]?key|access[-_]?key|private[-_]?key|credential|jwt|csrf|xsrf|session|assertion|signature|(?:^|[-_])auth(?:$|[-_])|^authentication-info$/i;

function headField([name, value]: Pair, clean: Clean): Pair {
  const own = SECRET_FIELD.test(name) ? REDACTED : redactField(name, value);
  return [clean(name), clean(own)];
}

/** `<input name="csrf_token" value="…">`, `<meta name="csrf-token" content="…">`: in either order. */
function inputs(text: string): string {
  return text.replace(/<(?:input|meta)\b[^<>]{1,2000}>/gi, (tag) => {
    const name = /\b(?:name|id)\s*=\s*["']?([^\s"'>]{1,120})/i.exec(tag)?.[1];
    if (name === undefined || !isSecretName(name)) return tag;
    return tag.replace(
      /\b(value|content)(\s*=\s*)("[^"]*"|'[^']*'|[^\s"'>]+)/gi,
      (_, attribute: string, equals: string) => `${attribute}${equals}"${REDACTED}"`,
    );
  });
}

/** Values of secret fields and parameters, wherever they stand in the report. */
function collect(value: unknown, key: string | null, secrets: Set<string>): void {
  if (secrets.size >= SECRETS_MAX) return;
  if (typeof value === "string") fromText(value, secrets);
  else if (Array.isArray(value)) {
    for (const each of value) {
      if (key === "fields" && isPair(each)) fromField(each, secrets);
      else collect(each, null, secrets);
    }
  } else if (value !== null && typeof value === "object") {
    for (const [name, each] of Object.entries(value)) collect(each, name, secrets);
  }
}

function fromField([name, value]: Pair, secrets: Set<string>): void {
  const lower = name.toLowerCase();
  if (/cookie/.test(lower)) {
    // Cookies for stickiness name servers: only what looks random is a secret elsewhere, too.
    const pairs = lower.startsWith("set-") ? [value.split(";", 1)[0] ?? ""] : value.split(";");
    for (const pair of pairs) keep(pair.slice(pair.indexOf("=") + 1), LONG, secrets);
  } else if (SECRET_FIELD.test(name) || redactField(name, "x") === REDACTED) {
    for (const word of value.split(/[\s,]+/)) keep(word, SHORT, secrets);
  } else fromText(value, secrets);
}

function fromText(text: string, secrets: Set<string>): void {
  if (text.length > 100_000 || !/[?&]|:\/\//.test(text)) return;
  for (const [, name = "", value = ""] of text.matchAll(/[?&]([\w.\-[\]%]{1,80})=([^&\s"'<>#]{8,2048})/g))
    if (isSecretName(name)) keep(value, SHORT, secrets);
  for (const [, password = ""] of text.matchAll(/:\/\/[^\s/:?#"'<>@]{0,200}:([^\s/?#"'<>]{1,500})@/g))
    keep(password, SHORT, secrets);
}

/** A value is a secret wherever it stands only where it is long and nothing that anybody would write as a name. */
function keep(raw: string, lengthMin: number, secrets: Set<string>): void {
  for (const value of new Set([raw.trim().replace(/^"|"$/g, ""), decoded(raw.trim())])) {
    const random = /\d/.test(value) && /[A-Za-z]/.test(value) && !/^[\w-]+(?:\.[\w-]+)+(?::\d+)?$/.test(value);
    if (value.length >= lengthMin && value.length <= 4096 && random && !value.includes(REDACTED)) secrets.add(value);
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A lone "%": it stands for itself.
    return text;
  }
}

function patternOf(secrets: ReadonlySet<string>): RegExp | null {
  if (secrets.size === 0) return null;
  const longestFirst = [...secrets].sort((a, b) => b.length - a.length);
  return new RegExp(longestFirst.map((each) => each.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&")).join("|"), "g");
}
