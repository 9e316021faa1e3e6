// What may be said of a request outside the process. Of a query the names of its parameters, never a value: nobody
// knows which of them is a secret. Fields that hold secrets, and what looks like one anywhere else, are replaced
// (std/redact.ts); what could steer a terminal or turn a line round is escaped; everything is cut to a bound.
import type { Evidence, Failure } from "../failure/failure.ts";
import { isSecretName, REDACTED, redactField, redactText } from "../std/redact.ts";
import type { UpstreamEvent } from "../upstream/events.ts";
import { eachField, type Fields } from "../wire/head.ts";
import { printable } from "../wire/printable.ts";
import { withoutQuery } from "./event-text.ts";
import type { HeadField } from "./report.ts";

/** Characters of a value, of a target, of a name. */
const VALUE_MAX = 512;
const TARGET_MAX = 1024;
const NAME_MAX = 256;
/** Of the fields of one head together. */
const HEAD_MAX = 4096;
/** More of a text is not looked at. */
const READ_MAX = 4096;
const PARAMETERS_MAX = 100;

/** Free text: a message, a user agent, a path. */
export function shownText(text: string, max = VALUE_MAX): string {
  if (text.length <= max && PLAIN.test(text)) return text;
  return cut(printable(redacted(withoutValues(readable(text)))), max);
}

/** Most names and paths: words too short for a key, and a port. */
const PLAIN = /^(?:[\w.-]{0,15}\/)*[\w.-]{0,15}(?::\d{1,5})?$/;

/** A name: of an endpoint, a host, a method, a client. */
export function shownName(name: string): string {
  return shownText(name, NAME_MAX);
}

/** A host as it was asked for. */
export function shownHost(host: string): string {
  return shownName(host.replace(/^.*@/s, `${REDACTED}@`));
}

/** "/cart?page=[redacted]" */
export function shownTarget(target: string): string {
  return cut(printable(urlWithoutValues(readable(target))), TARGET_MAX);
}

/** The path of a target without secrets, not escaped: for lines that escape by themselves. */
export function redactedPath(target: string): string {
  return redacted(withoutValues(target.replace(/[?#].*$/s, "").slice(0, READ_MAX)));
}

/** All behind the first "?" is the query, whatever characters it has. */
function urlWithoutValues(url: string): string {
  const end = url.search(/[?#]/);
  if (end < 0) return redacted(withoutValues(url));
  const hash = url.indexOf("#", end);
  const query = url.slice(end, hash < 0 ? undefined : hash).slice(1);
  const fragment = hash < 0 ? "" : hash === url.length - 1 ? "#" : `#${REDACTED}`;
  return `${redacted(withoutValues(url.slice(0, end)))}${url[end] === "?" ? `?${parameterNames(query)}` : ""}${fragment}`;
}

/** The fields of a head, as many as there is room for; the last entry then says how many are missing. */
export function shownFields(fields: Fields): HeadField[] {
  const shown: HeadField[] = [];
  let room = HEAD_MAX;
  let missing = 0;
  eachField(fields, (name, value) => {
    if (room <= 0) {
      missing++;
      return;
    }
    const field: HeadField = [cut(printable(name), NAME_MAX), shownValue(name, readable(value))];
    room -= field[0].length + field[1].length;
    if (room >= 0) shown.push(field);
    else missing++;
  });
  if (missing > 0) shown.push(["…", `${missing} more`]);
  return shown;
}

function shownValue(name: string, value: string): string {
  const lower = name.toLowerCase();
  if (lower === "authorization" || lower === "proxy-authorization") {
    // The first word is a scheme where it is the name of one; else it is a part of the secret.
    return SCHEME.test(value) ? cut(printable(redactField(name, value)), VALUE_MAX) : REDACTED;
  }
  if (lower.includes("cookie")) return cut(printable(withoutValues(redactField("set-cookie", value))), VALUE_MAX);
  if (isSecretName(name)) return REDACTED;
  // Without a blank it may be a URL: Referer, Location, X-Original-URL …
  const shown = /\s/.test(value) ? withoutValues(redactField(name, value)) : urlWithoutValues(value);
  return cut(printable(shown), VALUE_MAX);
}

const SCHEME =
  /^(?:basic|bearer|digest|negotiate|ntlm|hoba|mutual|dpop|hawk|vapid|token|apikey|signature|gnap|concealed|aws4-hmac-sha256|scram-sha-(?:1|256))\s/i;

/** Evidence as it may be shown. */
export function shownEvidence(evidence: Evidence): Evidence {
  const entries = Object.entries(evidence).map(([name, value]) => [
    name,
    typeof value === "string" ? shownText(value) : value,
  ]);
  return Object.fromEntries(entries) as Evidence;
}

/** The failure with evidence that may be shown. */
export function shownFailure(failure: Failure): Failure {
  return { ...failure, evidence: shownEvidence(failure.evidence) };
}

/** An event of an upstream as it may be shown. */
export function shownEvent(event: UpstreamEvent): UpstreamEvent {
  const detail = "detail" in event ? { detail: shownText(event.detail) } : null;
  const endpoint = "endpoint" in event ? { endpoint: shownName(event.endpoint) } : null;
  const request = "request" in event ? { request: shownText(withoutQuery(event.request)) } : null;
  return { ...event, ...detail, ...endpoint, ...request } as UpstreamEvent;
}

/** So much of it as is looked at. */
function readable(text: string): string {
  return text.length > READ_MAX ? wholeWords(text, READ_MAX) : text;
}

/** At most so many characters. A word that was cut through goes, since half a secret is not recognised as one. */
export function wholeWords(text: string, max: number): string {
  let end = max;
  while (end > 0 && !ENDS_WORD.test(text[end - 1]!)) end--;
  return text.slice(0, end);
}

const ENDS_WORD = /[\s;,&?/]/;

/** Links that let in whoever has them: /reset-password/3f2a9c8b7d6e5f4a. */
const SECRET_SEGMENT =
  /(\/[\w-]{0,40}(?:token|reset|verif|invit|confirm|activat|magic|secret|passw|session|auth|api-?key|unsubscribe)[\w-]{0,40}\/)(?=[^\s/?#]{0,200}\d)[^\s/?#]{16,}/gi;

function redacted(text: string): string {
  return redactText(text.replace(SECRET_SEGMENT, (_, before: string) => before + REDACTED));
}

/** Queries within the text without their values, and fragments without what they say. */
function withoutValues(text: string): string {
  if (!/[?#]|%3f/i.test(text)) return text;
  return text
    .replace(/%3f[^\s"<>#]+/gi, `%3F${REDACTED}`)
    .replace(/#[^\s"<>?#]*=[^\s"<>]*/g, `#${REDACTED}`)
    .replace(/\?([^\s"<>#]+)/g, (_, query: string) => `?${parameterNames(query)}`);
}

function parameterNames(query: string): string {
  const parts = query.split("&", PARAMETERS_MAX + 1);
  const named = parts.slice(0, PARAMETERS_MAX).map(parameterName);
  return (parts.length > PARAMETERS_MAX ? [...named, "…"] : named).join("&");
}

/** "page=[redacted]". What stands alone may be a value as well as a name ("?eyJhbGci…"). */
function parameterName(part: string): string {
  if (part === "" || part === "…") return part;
  const [, name, value] = /^([\w.~%[\]+:-]{1,64})=(?==*[^=])(.*)$/s.exec(part) ?? [];
  if (name === undefined || value === undefined || looksLikeKey(name)) return REDACTED;
  return `${name}=${REDACTED}`;
}

const looksLikeKey = (name: string): boolean =>
  /[\da-f]{16}/i.test(name) || /^(?=.*\d)(?=.*[A-Za-z])[\w~%+:-]{24,}$/.test(name) || redactText(name) !== name;

function cut(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max - 1)}…` : text;
}
