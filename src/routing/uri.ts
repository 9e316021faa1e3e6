// The path of a request as virtual servers route on it, and back again: byte text (one character is one byte) in, byte
// text out. Unlike the one normal form of wire/target.ts this one is decoded: "%2F" is a slash, "%2E%2E" goes up,
// "//" is one slash where the server says so. What is no path at all (bad triplet, NUL, above the root) gives null.
// Bytes that no request line may have (controls, spaces) are refused by whoever reads the head, not here.
import { DEL, DOT, HEX_VALUE, PERCENT, QUESTION, SLASH } from "../wire/bytes.ts";

/** A target taken apart. */
export interface Uri {
  /** The path, decoded and without dot segments. */
  readonly uri: string;
  /** Behind "?", as received; undefined = there is nothing. */
  readonly args: string | undefined;
  /** The path had percent-encoding: what is made of `uri` has to be escaped again. */
  readonly quoted: boolean;
  /** The path has a plus: captures of it are escaped where they become arguments. */
  readonly plus: boolean;
}

const HASH = 0x23;
const PLUS = 0x2b;

// "/." need not be a dot segment, and "//" may stay; both are rare. One expression is faster than a loop here.
const MAYBE_COMPLEX = /[%#]|\/[./]/;

/** Reads a target that begins with "/" (an absolute one without its authority); null = it is none. */
export function readUri(target: string, mergeSlashes: boolean): Uri | null {
  if (target.charCodeAt(0) !== SLASH) return null;
  const question = target.indexOf("?");
  const uri = question < 0 ? target : target.slice(0, question);
  if (MAYBE_COMPLEX.test(uri)) return readComplex(target, mergeSlashes);
  const args = question < 0 ? undefined : argsFrom(target, question + 1);
  return { uri, args, quoted: false, plus: uri.includes("+") };
}

/** A fragment ends the arguments, as it ends the path: some clients send it. */
function argsFrom(target: string, from: number): string | undefined {
  const hash = target.indexOf("#", from);
  if (hash >= 0) return target.slice(from, hash);
  return from === target.length ? undefined : target.slice(from);
}

/** Decoded bytes of the path that is being read; never kept. */
let scratch = Buffer.allocUnsafeSlow(1024);

function readComplex(target: string, mergeSlashes: boolean): Uri | null {
  if (scratch.length < target.length) scratch = Buffer.allocUnsafeSlow(target.length * 2);
  let to = 0;
  /** Where in `scratch` the segment begins that is being read. */
  let segment = 0;
  let quoted = false;
  let plus = false;
  let i = 0;
  for (; i < target.length; i++) {
    let c = target.charCodeAt(i);
    if (c === QUESTION || c === HASH) break;
    if (c === PERCENT) {
      // Beyond the end charCodeAt gives NaN, which has no value, either.
      const high = HEX_VALUE[target.charCodeAt(i + 1)] ?? 255;
      const low = HEX_VALUE[target.charCodeAt(i + 2)] ?? 255;
      c = high * 16 + low;
      if (high > 15 || low > 15 || c === 0) return null;
      quoted = true;
      i += 2;
    }
    if (c === SLASH && to > 0) {
      const kept = endSegment(segment, to);
      if (kept < 0) return null;
      // Where a dot segment went, the slash before it stands for the one behind it.
      const isGone = kept !== to || (kept === segment && mergeSlashes);
      to = segment = kept;
      if (isGone) continue;
    }
    if (c === PLUS) plus = true;
    scratch[to++] = c;
    if (c === SLASH) segment = to;
  }
  const length = endSegment(segment, to);
  if (length < 0) return null;
  const args = target.charCodeAt(i) === QUESTION ? argsFrom(target, i + 1) : undefined;
  return { uri: scratch.toString("latin1", 0, length), args, quoted, plus };
}

/** How much of the path stays when its last segment has ended at `to`; -1 = it leads above the root. */
function endSegment(from: number, to: number): number {
  const length = to - from;
  if (length > 2 || length === 0 || scratch[from] !== DOT) return to;
  if (length === 1) return from;
  if (scratch[from + 1] !== DOT) return to;
  for (let i = from - 2; i >= 0; i--) if (scratch[i] === SLASH) return i + 1;
  return -1;
}

/** A path with arguments as a configuration or an upstream names it (error pages, rewrites): parted at the first "?". */
export function splitArgs(text: string): { readonly uri: string; readonly args: string | undefined } {
  const at = text.indexOf("?");
  if (at < 0) return { uri: text, args: undefined };
  return { uri: text.slice(0, at), args: at + 1 === text.length ? undefined : text.slice(at + 1) };
}

/** A path that an upstream names (X-Accel-Redirect): decoded, not normalised; null = "..", NUL or nothing in it. */
export function readNamedUri(text: string): { readonly uri: string; readonly args: string | undefined } | null {
  const { uri, args } = splitArgs(text);
  if (!isSafe(uri)) return null;
  if (!uri.includes("%")) return { uri, args };
  const decoded = unescapeUri(uri);
  return isSafe(decoded) ? { uri: decoded, args } : null;
}

function isSafe(uri: string): boolean {
  return uri !== "" && !uri.includes("\0") && !/(?:^|\/)\.\.(?:\/|$)/.test(uri);
}

// What looks like a triplet and is none goes with its digit and what follows it, or without its "%" alone.
const TRIPLET = /%(?:([0-9A-Fa-f]{2})|[0-9A-Fa-f].?|(.)?)/gs;
const TRIPLET_OR_QUESTION = /%(?:([0-9A-Fa-f]{2})|[0-9A-Fa-f].?|(.)?)|\?/gs;

/** Decodes all triplets. */
export function unescapeUri(text: string): string {
  if (!text.includes("%")) return text;
  return text.replace(TRIPLET, (_part, digits: string | undefined, other: string | undefined) =>
    digits === undefined ? (other ?? "") : String.fromCharCode(Number.parseInt(digits, 16)),
  );
}

/** What a rewrite sends as Location: triplets up to the first "?" are decoded where a URI may have the character. */
export function unescapeRedirect(text: string): string {
  if (!text.includes("%")) return text;
  let inArguments = false;
  return text.replace(TRIPLET_OR_QUESTION, (part, digits: string | undefined, other: string | undefined) => {
    if (inArguments) return part;
    const byte = digits === undefined ? 0 : Number.parseInt(digits, 16);
    if (part === "?" || byte === QUESTION) inArguments = true;
    if (part === "?") return part;
    if (digits === undefined) return other ?? "";
    return byte > PERCENT && byte < DEL ? String.fromCharCode(byte) : part;
  });
}
