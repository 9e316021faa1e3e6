// The field names that the codec or the gateway treats in any way of its own, each with a small number ("kind"), so
// that a head is searched by comparing integers. A name is recognised by its length and first letter, which lead to at
// most one candidate, and then letter by letter. Kinds stay below 31: a set of them is a bit set in one integer.

/** Number of a field name; FIELD_OTHER for all names that get no treatment. */
export type FieldKind = number;
export const FIELD_OTHER = 0;
export const FIELD_HOST = 1;
export const FIELD_CONTENT_LENGTH = 2;
export const FIELD_TRANSFER_ENCODING = 3;
export const FIELD_CONNECTION = 4;
export const FIELD_KEEP_ALIVE = 5;
export const FIELD_PROXY_CONNECTION = 6;
export const FIELD_TE = 7;
export const FIELD_TRAILER = 8;
export const FIELD_UPGRADE = 9;
export const FIELD_EXPECT = 10;
export const FIELD_VIA = 11;
export const FIELD_FORWARDED = 12;
export const FIELD_X_FORWARDED_FOR = 13;
export const FIELD_X_FORWARDED_PROTO = 14;
export const FIELD_X_FORWARDED_HOST = 15;
export const FIELD_X_REQUEST_ID = 16;
export const FIELD_ACCEPT = 17;
export const FIELD_USER_AGENT = 18;
export const FIELD_REFERER = 19;
export const FIELD_PROXY_STATUS = 20;
export const FIELD_DATE = 21;
export const FIELD_SERVER = 22;
export const FIELD_MAX_FORWARDS = 23;
export const FIELD_CACHE_CONTROL = 24;
export const FIELD_X_REAL_IP = 25;
export const FIELD_IDEMPOTENCY_KEY = 26;
export const FIELD_RETRY_AFTER = 27;
export const FIELD_CONTENT_TYPE = 28;
/** X-Forwarded-Port, -Prefix, -Server, -Ssl …: every X-Forwarded-* that has no kind of its own. */
export const FIELD_X_FORWARDED_OTHER = 29;

/** Lower-case name of each kind. */
const NAMES: readonly string[] = [
  "",
  "host",
  "content-length",
  "transfer-encoding",
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "upgrade",
  "expect",
  "via",
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
  "x-request-id",
  "accept",
  "user-agent",
  "referer",
  "proxy-status",
  "date",
  "server",
  "max-forwards",
  "cache-control",
  "x-real-ip",
  "idempotency-key",
  "retry-after",
  "content-type",
];

const NONE = 0;
const LONGEST = 17;
const CANDIDATES = new Uint8Array((LONGEST + 1) * 32);
const LETTERS = new Uint8Array(NAMES.length * LONGEST);
const BY_NAME = new Map<string, FieldKind>();

for (const [kind, name] of NAMES.entries()) {
  if (kind === FIELD_OTHER) continue;
  const key = name.length * 32 + (name.charCodeAt(0) & 31);
  if (CANDIDATES[key] !== 0) throw new Error(`two field names share length and first letter: ${name}`);
  CANDIDATES[key] = kind;
  for (let i = 0; i < name.length; i++) LETTERS[kind * LONGEST + i] = name.charCodeAt(i);
  BY_NAME.set(name, kind);
}

/** The bit of a kind in a set of kinds. */
export function kindBit(kind: FieldKind): number {
  return 1 << kind;
}

/** The kind of a lower-case name. */
export function kindOf(lowerName: string): FieldKind {
  return BY_NAME.get(lowerName) ?? (lowerName.startsWith("x-forwarded-") ? FIELD_X_FORWARDED_OTHER : FIELD_OTHER);
}

/** The kind of the field name in [from, to), which must be a token. (NONE: see the constants in scan.ts.) */
export function kindAt(bytes: Uint8Array, from: number, to: number): FieldKind {
  const length = to - from;
  if (length > LONGEST) return familyAt(bytes, from, length);
  const kind = CANDIDATES[length * 32 + (bytes[from]! & 31)]!;
  if (kind === NONE) return familyAt(bytes, from, length);
  const letters = kind * LONGEST;
  // Among token characters, `| 0x20` makes a letter (or "-") only of that letter, so it compares without regard to case.
  for (let i = 0; i < length; i++) {
    if ((bytes[from + i]! | 0x20) !== LETTERS[letters + i]) return familyAt(bytes, from, length);
  }
  return kind;
}

const FAMILY = Buffer.from("x-forwarded-");

/** X-Forwarded-*, or no kind. */
function familyAt(bytes: Uint8Array, from: number, length: number): FieldKind {
  if ((bytes[from]! | 0x20) !== FAMILY[0] || length <= FAMILY.length) return NONE;
  for (let i = 1; i < FAMILY.length; i++) if ((bytes[from + i]! | 0x20) !== FAMILY[i]) return NONE;
  return FIELD_X_FORWARDED_OTHER;
}
