// Reads a request head: one pass over the bytes (request line here, fields in scan.ts), then what the fields mean
// together. A head that has not come whole yet is no error as long as nothing in it is wrong; the limits hold for the
// part that is there. What is said of a beginning stays true whatever follows, so reads may be split anywhere.

import { isAuthority } from "./authority.ts";
import { BYTE_CLASS, PLAIN_NAME, UNDERSCORE_NAME } from "./bytes.ts";
import { type ConnectionOptions, connectionOptions, upgradeOffer } from "./connection.ts";
import { unknownCoding, wireError } from "./error.ts";
import {
  FIELD_CONNECTION,
  FIELD_CONTENT_LENGTH,
  FIELD_EXPECT,
  FIELD_FORWARDED,
  FIELD_HOST,
  FIELD_TRANSFER_ENCODING,
  FIELD_UPGRADE,
  FIELD_VIA,
  FIELD_X_FORWARDED_FOR,
  FIELD_X_REQUEST_ID,
  kindBit,
} from "./fields.ts";
import { CHUNKED } from "./framing.ts";
import {
  type FieldNames,
  type Fields,
  fieldValue,
  fieldValues,
  type HeadLimits,
  type RequestHead,
  type WireError,
} from "./head.ts";
import { BAD_LENGTH, contentLength, isPlainLength, transferCoding } from "./length.ts";
import { endOfLine, INCOMPLETE, INVALID, invalid, scan, scanFields, takeMarks } from "./scan.ts";
import { INVALID_PATH, normalisePath, readTarget, type Target } from "./target.ts";

// Repeated from bytes.ts and head.ts: see scan.ts.
const LF = 0x0a;
const CR = 0x0d;
const SP = 0x20;
const PERCENT = 0x25;
const DOT = 0x2e;
const SLASH = 0x2f;
const QUESTION = 0x3f;
const HASH = 0x23;
const FIRST_HIGH = 0x80;
const IN_TOKEN = 1;
const IN_TARGET = 4;
const PLAIN_IN_PATH = 32;
const MARK = 5;

// Bits in `seen`.
const CONTENT_LENGTH = kindBit(FIELD_CONTENT_LENGTH);
const TRANSFER_ENCODING = kindBit(FIELD_TRANSFER_ENCODING);
const CONNECTION = kindBit(FIELD_CONNECTION);
const EXPECT = kindBit(FIELD_EXPECT);
const UPGRADE = kindBit(FIELD_UPGRADE);
const VIA = kindBit(FIELD_VIA);
const FORWARDED = kindBit(FIELD_FORWARDED);
const X_FORWARDED_FOR = kindBit(FIELD_X_FORWARDED_FOR);
const X_REQUEST_ID = kindBit(FIELD_X_REQUEST_ID);

/** Empty lines before a request line that are passed over (RFC 9112 §2.2 asks for one at least). */
const EMPTY_LINES_MAX = 4;
const METHOD_BYTES_MAX = 32;
const TLS_HANDSHAKE = 0x16;
const TLS_MAJOR = 0x03;

/** What the pass over the request line found; offsets into the buffer. */
const line = { methodEnd: 0, targetStart: 0, targetEnd: 0, queryStart: 0, normal: true, minor: 1 as 0 | 1 };

/** Reads a request head from [start, end); undefined = it is not whole yet. */
export function parseRequestHead(
  buf: Buffer,
  start: number,
  end: number,
  limits: HeadLimits,
): RequestHead | WireError | undefined {
  scan.bareLf = false;
  const base = skipEmptyLines(buf, start, end);
  if (base < 0) return base === INVALID ? scan.error! : undefined;
  const headStop = Math.min(end, start + limits.headBytes);
  const lineStop = Math.min(headStop, base + limits.lineBytes);
  const raw = limits.rawTargets === true;
  const fieldsStart = scanRequestLine(buf, base, lineStop, raw);
  if (fieldsStart < 0) {
    if (fieldsStart === INVALID) return scan.error!;
    if (lineStop === end) return undefined;
    return lineStop === headStop
      ? wireError("head-too-large", `head over ${limits.headBytes} bytes`, limits.headBytes)
      : wireError("line-too-long", `request line over ${limits.lineBytes} bytes`, limits.lineBytes);
  }
  // The scratch of the line is read only below: scanFields does not touch it.
  const headEnd = scanFields(buf, fieldsStart, headStop, base, limits.fields, classesFor(limits.names));
  if (limits.fieldBytes !== undefined && headStop - fieldsStart > limits.fieldBytes && headEnd !== INVALID) {
    const long = longLine(buf, fieldsStart, headEnd < 0 ? headStop : headEnd, limits.fieldBytes);
    if (long >= 0) return wireError("head-too-large", `field line over ${limits.fieldBytes} bytes`, long - start);
  }
  if (headEnd < 0) {
    if (headEnd === INVALID) return scan.error!;
    if (headStop === end) return undefined;
    return wireError("head-too-large", `head over ${limits.headBytes} bytes`, limits.headBytes);
  }
  return understand(buf, base, headEnd, headEnd - start, raw);
}

function classesFor(names: FieldNames | undefined): Uint8Array {
  if (names === undefined || names === "any") return BYTE_CLASS;
  return names === "plain" ? PLAIN_NAME : UNDERSCORE_NAME;
}

/** Offset of the first line that is too long, which the last one may be without its end; -1 = there is none. */
function longLine(buf: Buffer, from: number, to: number, bytesMax: number): number {
  let lineStart = from;
  while (to - lineStart > bytesMax) {
    const lf = buf.indexOf(LF, lineStart);
    if (lf < 0 || lf + 1 - lineStart > bytesMax) return lineStart;
    lineStart = lf + 1;
  }
  return -1;
}

/** Returns the offset of the request line, INCOMPLETE or INVALID. */
function skipEmptyLines(buf: Buffer, start: number, end: number): number {
  let at = start;
  for (let lines = 0; at < end; lines++) {
    const byte = buf[at];
    if (byte !== CR && byte !== LF) return at;
    if (lines === EMPTY_LINES_MAX) return invalid("bad-start-line", "empty lines before the request", at - start);
    const next = endOfLine(buf, at, end, start, "bad-start-line");
    if (next < 0) return next;
    // Only the head itself has to be free of bare LF.
    scan.bareLf = false;
    at = next;
  }
  return INCOMPLETE;
}

/** Reads the request line into `line`. Returns the offset behind it, INCOMPLETE or INVALID. */
function scanRequestLine(buf: Buffer, base: number, stop: number, raw: boolean): number {
  const classes = BYTE_CLASS;
  const methodStop = Math.min(stop, base + METHOD_BYTES_MAX + 1);
  let i = base;
  while (i < methodStop && (classes[buf[i]!]! & IN_TOKEN) !== 0) i++;
  if (i - base > METHOD_BYTES_MAX) return invalid("bad-start-line", "method too long", i - base);
  if (i === stop) return INCOMPLETE;
  if (buf[i] !== SP || i === base) return noMethod(buf, base, i, stop);
  line.methodEnd = i;
  const targetStart = ++i;
  let query = 0;
  let normal = true;
  for (;;) {
    while (i < stop && (classes[buf[i]!]! & PLAIN_IN_PATH) !== 0) i++;
    if (i === stop) return INCOMPLETE;
    const byte = buf[i];
    if (byte === DOT) normal &&= buf[i - 1] !== SLASH;
    else if (byte === PERCENT) normal = false;
    else if (!raw || byte! < FIRST_HIGH) break;
    i++;
  }
  if (buf[i] === QUESTION) {
    query = i;
    while (i < stop && (classes[buf[i]!]! & IN_TARGET) !== 0) i++;
  }
  if (raw) i = endOfRaw(buf, i, stop);
  if (i === stop) return INCOMPLETE;
  if (buf[i] !== SP || i === targetStart) return noTarget(buf, base, targetStart, i);
  line.targetStart = targetStart;
  line.targetEnd = i;
  line.queryStart = query === 0 ? i : query;
  line.normal = normal;
  return scanVersion(buf, base, i + 1, stop);
}

/** Offset behind a target that may have a fragment and high bytes. */
function endOfRaw(buf: Buffer, at: number, stop: number): number {
  let i = at;
  while (i < stop && (buf[i]! >= FIRST_HIGH || buf[i] === HASH || (BYTE_CLASS[buf[i]!]! & IN_TARGET) !== 0)) i++;
  return i;
}

const VERSION = Buffer.from("HTTP/1.");
const MAJOR_AT = 5;
const PREFACE = Buffer.from("PRI * ");

/** "HTTP/1." DIGIT and the line end. */
function scanVersion(buf: Buffer, base: number, at: number, stop: number): number {
  let i = at;
  for (let k = 0; k < VERSION.length; k++, i++) {
    if (i === stop) return INCOMPLETE;
    if (buf[i] === VERSION[k]) continue;
    if (k !== MAJOR_AT || !isDigit(buf[i]!))
      return invalid("bad-start-line", "no HTTP version behind the target", i - base);
    const preface = buf.compare(PREFACE, 0, PREFACE.length, base, at) === 0;
    return preface
      ? invalid("http2-preface", "an HTTP/2 connection preface", i - base)
      : invalid("bad-version", `HTTP major version ${String.fromCharCode(buf[i]!)}`, i - base);
  }
  if (i === stop) return INCOMPLETE;
  if (!isDigit(buf[i]!)) return invalid("bad-start-line", "no HTTP version behind the target", i - base);
  // A higher minor version is served as the highest that is known here (RFC 9110 §2.5).
  line.minor = buf[i] === 0x30 ? 0 : 1;
  i++;
  if (i === stop) return INCOMPLETE;
  return endOfLine(buf, i, stop, base, "bad-start-line");
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** The bytes do not begin with a method and a space. */
function noMethod(buf: Buffer, base: number, at: number, stop: number): number {
  if (at > base) return invalid("bad-start-line", "no method at the beginning", at - base);
  if (buf[at] !== TLS_HANDSHAKE) return invalid("not-http", "the first byte begins no method", 0);
  if (at + 1 === stop) return INCOMPLETE;
  return buf[at + 1] === TLS_MAJOR
    ? invalid("tls-bytes", "a TLS handshake on a plain port", 0)
    : invalid("not-http", "the first byte begins no method", 0);
}

/** The method is not followed by a target and a space. */
function noTarget(buf: Buffer, base: number, from: number, at: number): number {
  if (at === from) return invalid("bad-start-line", "no target behind the method", at - base);
  const byte = buf[at];
  // HTTP/0.9 ("GET /" and nothing more): nobody has meant it for thirty years.
  if (byte === CR || byte === LF) return invalid("http-0.9", "a request line without an HTTP version", at - base);
  return invalid("bad-target", "a byte that no target has", at - base);
}

const NO_OPTIONS: ConnectionOptions = { close: false, keepAlive: false, upgrade: false, nominated: null };

/** Fields that say where the body ends. */
const FRAMING = CONTENT_LENGTH | TRANSFER_ENCODING;

/** Makes the head of what the passes found, or says what is wrong with it as a whole. */
function understand(buf: Buffer, base: number, headEnd: number, size: number, raw: boolean): RequestHead | WireError {
  const { minor } = line;
  const { seen } = scan;
  const marks = takeMarks();
  const text = buf.toString("latin1", base, headEnd);
  const fields: Fields = { text, marks };
  const method = methodOf(text, line.methodEnd - base);
  const targetStart = line.targetStart - base;
  const targetEnd = line.targetEnd - base;
  const target = text.slice(targetStart, targetEnd);

  let host = "";
  const hostAt = hostMark(fields, minor);
  if (hostAt >= 0) host = text.slice(marks[hostAt + 3], marks[hostAt + 4]);
  else if (hostAt !== NO_HOST) return badHost(fields, hostAt);

  let form: Target["form"] = "origin";
  let path = "";
  let query = "";
  if (text.charCodeAt(targetStart) === SLASH && method !== "CONNECT") {
    const queryStart = line.queryStart - base;
    const received = withoutFragment(text.slice(targetStart, queryStart), raw);
    const normal = line.normal ? received : normalisePath(received);
    if (normal === null) return wireError("bad-target", INVALID_PATH, targetStart);
    path = normal;
    if (queryStart < targetEnd) query = text.slice(queryStart, targetEnd);
  } else {
    const read = readTarget(withoutFragment(target, raw), method);
    if (typeof read === "string") return wireError("bad-target", read, targetStart);
    ({ form, path, query } = read);
    if (read.host !== "") host = read.host;
  }

  const bodyLength = (seen & FRAMING) === 0 ? 0 : requestBodyLength(fields, seen, minor, raw);
  if (typeof bodyLength !== "number") return bodyLength;
  const options = (seen & CONNECTION) === 0 ? NO_OPTIONS : connectionOptions(fields);
  return {
    text,
    marks,
    size,
    method,
    target,
    minor,
    form,
    host,
    path,
    query,
    bodyLength,
    keepAlive: !options.close && (minor === 1 || options.keepAlive),
    // Upgrade and Expect mean nothing in HTTP/1.0 (RFC 9110 §7.8, §10.1.1).
    expectContinue: (seen & EXPECT) !== 0 && minor === 1 && expectsContinue(fields),
    upgrade: options.upgrade && minor === 1 && (seen & UPGRADE) !== 0 ? upgradeOffer(fields) : "",
    nominated: options.nominated,
    seen,
    bareLf: scan.bareLf,
    plainLength: (seen & CONTENT_LENGTH) !== 0 && isPlainLength(fields, bodyLength),
    hasVia: (seen & VIA) !== 0,
    hasForwarded: (seen & FORWARDED) !== 0,
    hasXff: (seen & X_FORWARDED_FOR) !== 0,
    hasRequestId: (seen & X_REQUEST_ID) !== 0,
  };
}

function withoutFragment(target: string, raw: boolean): string {
  const at = raw ? target.indexOf("#") : -1;
  return at < 0 ? target : target.slice(0, at);
}

/** A constant for the methods that are met daily: comparing it costs no reading of characters. */
function methodOf(text: string, length: number): string {
  const method = text.slice(0, length);
  switch (method) {
    case "GET":
      return "GET";
    case "POST":
      return "POST";
    case "HEAD":
      return "HEAD";
    case "PUT":
      return "PUT";
    default:
      return method;
  }
}

const NO_HOST = -1;
const HOST_MISSING = -2;
const HOST_TWICE = -3;
const HOST_INVALID = -4;

/** Where the Host field's mark is, or which rule it breaks (RFC 9112 §3.2). NO_HOST: an HTTP/1.0 request without. */
function hostMark(fields: Fields, minor: 0 | 1): number {
  const { text, marks } = fields;
  let at = -1;
  for (let k = 0; k < marks.length; k += MARK) {
    if (marks[k] !== FIELD_HOST) continue;
    if (at >= 0) return HOST_TWICE;
    at = k;
  }
  if (at < 0) return minor === 1 ? HOST_MISSING : NO_HOST;
  return isAuthority(text, marks[at + 3]!, marks[at + 4]!) ? at : HOST_INVALID;
}

function badHost(fields: Fields, rule: number): WireError {
  if (rule === HOST_MISSING) return wireError("bad-host", "no Host field", 0);
  const at = fields.marks[fields.marks.indexOf(FIELD_HOST) + 3] ?? 0;
  return wireError("bad-host", rule === HOST_TWICE ? "more than one Host field" : "no valid host in Host", at);
}

/** RFC 9112 §6.3, with all that it leaves to the recipient's choice refused. */
function requestBodyLength(fields: Fields, seen: number, minor: 0 | 1, raw: boolean): number | WireError {
  const hasLength = (seen & CONTENT_LENGTH) !== 0;
  if ((seen & TRANSFER_ENCODING) === 0) {
    const length = contentLength(fields);
    if (length >= 0) return length;
    const found = length === BAD_LENGTH ? "not a number" : "two different values";
    return wireError("bad-length", `Content-Length: ${found}`, 0);
  }
  if (hasLength) return wireError("both-framings", "Transfer-Encoding and Content-Length", 0);
  if (minor === 0) return wireError("bad-coding", "Transfer-Encoding in an HTTP/1.0 request", 0);
  const coding = transferCoding(fields);
  if (coding === "chunked") return CHUNKED;
  // nginx calls one field with anything else unknown, "identity" and "chunked, identity" too.
  const unknown = coding === "unknown" || (raw && fieldValues(fields, "transfer-encoding").length === 1);
  return unknown
    ? unknownCoding("a transfer coding other than chunked", 0)
    : wireError("bad-coding", "Transfer-Encoding does not end in chunked, once", 0);
}

function expectsContinue(fields: Fields): boolean {
  return fieldValue(fields, "expect")!.toLowerCase() === "100-continue";
}
