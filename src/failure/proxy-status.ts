// The Proxy-Status field (RFC 9209): a List of Structured Fields (RFC 9651 §3.1), one member per hop, the first
// nearest the origin, ours last. A recipient throws the whole field away if any part of it is malformed, so members
// that came from further in are kept only where they can be read.
// The parser takes what anyone may send: it never throws and looks at a bounded number of bytes and members.

import { proxyStatusExtra, proxyStatusType } from "./facets.ts";
import type { Failure } from "./failure.ts";

export { proxyStatusType } from "./facets.ts";

/** One hop as it is written. */
export interface ProxyStatusMember {
  /** The deployment, not the product (RFC 9209 §2). */
  readonly name: string;
  readonly error?: string | null | undefined;
  readonly receivedStatus?: number | undefined;
  readonly nextHop?: string | undefined;
  /** An ALPN protocol id: "http/1.1", "h2". */
  readonly nextProtocol?: string | undefined;
  readonly details?: string | undefined;
  /** Parameters that belong to the error type. */
  readonly extra?: Readonly<Record<string, string | number | boolean>> | undefined;
}

/** Value of a parameter; tokens, strings and display strings are all text. */
export type SfValue = string | number | boolean | Uint8Array;

/** One hop as it was read. */
export interface ParsedMember {
  readonly name: string;
  readonly params: ReadonlyMap<string, SfValue>;
}

/** What a field value said. Not valid = to be ignored as a whole; then there are no members. */
export interface ParsedProxyStatus {
  readonly members: readonly ParsedMember[];
  readonly valid: boolean;
}

const DETAILS_MAX = 200;
const FIELD_CHARS_MAX = 8192;
const MEMBERS_MAX = 32;
const PARAMS_MAX = 32;

const TOKEN = /^[A-Za-z*][!#$%&'*+\-.^_`|~\w:/]*$/;
const KEY = /^[a-z*][a-z0-9_\-.*]*$/;

const sfString = (text: string): string =>
  `"${text.replace(/[^\x20-\x7e]/g, "?").replace(/["\\]/g, (character) => `\\${character}`)}"`;

const tokenOrString = (text: string): string => (TOKEN.test(text) ? text : sfString(text));

function sfValue(value: string | number | boolean): string {
  if (typeof value === "string") return sfString(value);
  if (typeof value === "boolean") return value ? "?1" : "?0";
  return String(Math.trunc(value));
}

/** One member of the field. Text that Structured Fields cannot carry is replaced by "?". */
export function serialiseMember(member: ProxyStatusMember): string {
  let text = tokenOrString(member.name);
  if (member.error) text += `; error=${tokenOrString(member.error)}`;
  for (const [key, value] of Object.entries(member.extra ?? {})) {
    if (KEY.test(key)) text += `; ${key}=${sfValue(value)}`;
  }
  if (member.receivedStatus) text += `; received-status=${member.receivedStatus}`;
  if (member.nextHop) text += `; next-hop=${sfString(member.nextHop)}`;
  if (member.nextProtocol) text += `; next-protocol=${tokenOrString(member.nextProtocol)}`;
  if (member.details) text += `; details=${sfString(member.details.slice(0, DETAILS_MAX))}`;
  return text;
}

/** The member that tells of a failure. Without `showDetail` it names neither address nor error code. */
export function failureMember(
  failure: Failure,
  hop: { readonly name: string; readonly showDetail: boolean; readonly receivedStatus?: number | undefined },
): string {
  const { evidence } = failure;
  const detail = [evidence.errno ?? evidence.tlsCode, evidence.detail].filter(Boolean).join(": ");
  return serialiseMember({
    name: hop.name,
    error: proxyStatusType(failure),
    extra: proxyStatusExtra(failure),
    receivedStatus: hop.receivedStatus,
    nextHop: hop.showDetail ? evidence.address : undefined,
    details: hop.showDetail && detail !== "" ? detail : undefined,
  });
}

/** The field value with our member last; what came before is kept if it can be read, else left out. */
export function appendMember(existing: readonly string[], member: string): string {
  const before = existing.join(", ").trim();
  return before !== "" && parseProxyStatus(before).valid ? `${before}, ${member}` : member;
}

/** The hop that reported an error, of several the one nearest the origin: the others only passed it on. */
export function hopAtFault(members: readonly ParsedMember[]): ParsedMember | null {
  return members.find((member) => member.params.has("error")) ?? null;
}

/** Reads a field value (several lines joined by commas). */
export function parseProxyStatus(value: string): ParsedProxyStatus {
  const reader = new SfReader(value);
  const members = value.length > FIELD_CHARS_MAX ? null : reader.list();
  return members ? { members, valid: true } : { members: [], valid: false };
}

/** RFC 9651 §4.2. Each method reads one production at the position; null = it does not stand there. */
class SfReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  list(): ParsedMember[] | null {
    const members: ParsedMember[] = [];
    this.#skip(/ */y);
    while (this.#at < this.#text.length) {
      if (members.length === MEMBERS_MAX) return null;
      const member = this.#member();
      if (!member) return null;
      members.push(member);
      this.#skip(/[ \t]*/y);
      if (this.#at === this.#text.length) return members;
      if (this.#take(/,[ \t]*/y) === null || this.#at === this.#text.length) return null;
    }
    return members;
  }

  /** RFC 9209 §2: a String or a Token with parameters. */
  #member(): ParsedMember | null {
    const first = this.#text[this.#at] ?? "";
    const name = first === '"' || /[A-Za-z*]/.test(first) ? this.#bareItem() : null;
    if (typeof name !== "string") return null;
    const params = this.#params();
    return params && { name, params };
  }

  #params(): Map<string, SfValue> | null {
    const params = new Map<string, SfValue>();
    for (let count = 0; this.#take(/;/y) !== null; count++) {
      if (count === PARAMS_MAX) return null;
      this.#skip(/ */y);
      const key = this.#take(/[a-z*][a-z0-9_\-.*]*/y);
      if (key === null) return null;
      const value = this.#take(/=/y) === null ? true : this.#bareItem();
      if (value === null) return null;
      params.set(key, value);
    }
    return params;
  }

  #bareItem(): SfValue | null {
    switch (this.#text[this.#at]) {
      case '"': {
        const quoted = this.#take(/"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"/y);
        return quoted === null ? null : quoted.slice(1, -1).replace(/\\(["\\])/g, "$1");
      }
      case "?": {
        const flag = this.#take(/\?[01]/y);
        return flag === null ? null : flag === "?1";
      }
      case ":": {
        const bytes = this.#take(/:[A-Za-z0-9+/=]*:/y);
        return bytes === null ? null : Buffer.from(bytes.slice(1, -1), "base64");
      }
      case "@":
        return toNumber(this.#take(/@-?\d{1,15}(?![\d.])/y)?.slice(1));
      case "%": {
        const display = this.#take(/%"(?:[\x20\x21\x23\x24\x26-\x7e]|%[0-9a-f]{2})*"/y);
        return display === null ? null : decodeDisplay(display.slice(2, -1));
      }
      default:
        return (
          this.#take(/[A-Za-z*][!#$%&'*+\-.^_`|~\w:/]*/y) ??
          toNumber(this.#take(/-?(?:\d{1,12}\.\d{1,3}|\d{1,15})(?![\d.])/y) ?? undefined)
        );
    }
  }

  #take(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (!match) return null;
    this.#at = pattern.lastIndex;
    return match[0];
  }

  #skip(pattern: RegExp): void {
    this.#take(pattern);
  }
}

const toNumber = (digits: string | undefined): number | null => (digits === undefined ? null : Number(digits));

function decodeDisplay(escaped: string): string | null {
  try {
    return decodeURIComponent(escaped);
  } catch {
    // Not UTF-8: RFC 9651 §4.2.10 makes the field malformed.
    return null;
  }
}
