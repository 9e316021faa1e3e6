// Reads a response head, interim or final. As strict as for requests: a response that two readers can end in two places
// is how one client's answer reaches another. Nothing may stand before the status line.
import { CR, LF, SP } from "./bytes.ts";
import { connectionOptions, upgradeOffer } from "./connection.ts";
import { inResponse, wireError } from "./error.ts";
import {
  FIELD_CONNECTION,
  FIELD_CONTENT_LENGTH,
  FIELD_DATE,
  FIELD_PROXY_STATUS,
  FIELD_TRANSFER_ENCODING,
  FIELD_UPGRADE,
  kindBit,
} from "./fields.ts";
import type { Fields, HeadLimits, ResponseHead, WireError } from "./head.ts";
import { BAD_LENGTH, contentLength, isPlainLength, transferCoding } from "./length.ts";
import { endOfLine, endOfValue, INCOMPLETE, INVALID, invalid, scan, scanFields, takeMarks } from "./scan.ts";

// Bits in `seen`.
const CONTENT_LENGTH = kindBit(FIELD_CONTENT_LENGTH);
const TRANSFER_ENCODING = kindBit(FIELD_TRANSFER_ENCODING);
const CONNECTION = kindBit(FIELD_CONNECTION);
const UPGRADE = kindBit(FIELD_UPGRADE);
const PROXY_STATUS = kindBit(FIELD_PROXY_STATUS);
const DATE = kindBit(FIELD_DATE);

/** What the pass over the status line found. */
const line = { status: 0, minor: 1 as 0 | 1, reasonStart: 0, reasonEnd: 0 };

/** Reads a response head from [start, end); undefined = it is not whole yet. */
export function parseResponseHead(
  buf: Buffer,
  start: number,
  end: number,
  limits: HeadLimits,
): ResponseHead | WireError | undefined {
  scan.bareLf = false;
  const stop = Math.min(end, start + limits.headBytes);
  let at = scanStatusLine(buf, start, stop);
  if (at > 0) at = scanFields(buf, at, stop, start, limits.fields);
  if (at > 0) {
    const head = understand(buf, start, at);
    return "error" in head ? inResponse(head) : head;
  }
  if (at === INVALID) return inResponse(scan.error!);
  if (stop === end) return undefined;
  return inResponse(wireError("head-too-large", `head over ${limits.headBytes} bytes`, limits.headBytes));
}

const VERSION = Buffer.from("HTTP/1.");
const MAJOR_AT = 5;
const CODE_DIGITS = 3;
/** Content types of TLS records (RFC 8446 §5.1): what a TLS port answers to plain HTTP. */
const TLS_ALERT = 0x15;
const TLS_HANDSHAKE = 0x16;

/** Reads the status line into `line`. Returns the offset behind it, INCOMPLETE or INVALID. */
function scanStatusLine(buf: Buffer, base: number, stop: number): number {
  let i = base;
  for (let k = 0; k < VERSION.length; k++, i++) {
    if (i === stop) return INCOMPLETE;
    if (buf[i] === VERSION[k]) continue;
    if (k === 0 && (buf[i] === TLS_ALERT || buf[i] === TLS_HANDSHAKE)) return invalid("tls-bytes", "a TLS record", 0);
    if (k < MAJOR_AT && (buf[i]! | 0x20) === VERSION[k]! + 0x20)
      return invalid("bad-start-line", "HTTP in lower case", i - base);
    if (k < MAJOR_AT) return invalid("not-http", `does not begin with "HTTP/"`, i - base);
    return k === MAJOR_AT && isDigit(buf[i]!)
      ? invalid("bad-version", `HTTP major version ${String.fromCharCode(buf[i]!)}`, i - base)
      : invalid("bad-start-line", "no HTTP version", i - base);
  }
  if (i === stop) return INCOMPLETE;
  if (!isDigit(buf[i]!)) return invalid("bad-start-line", "no HTTP version", i - base);
  line.minor = buf[i] === 0x30 ? 0 : 1;
  i++;
  if (i === stop) return INCOMPLETE;
  if (buf[i] !== SP) return invalid("bad-start-line", "no space behind the version", i - base);
  i++;
  let status = 0;
  for (let k = 0; k < CODE_DIGITS; k++, i++) {
    if (i === stop) return INCOMPLETE;
    const digit = buf[i]! - 0x30;
    if (!isDigit(buf[i]!) || (k === 0 && (digit < 1 || digit > 5))) {
      return invalid("bad-start-line", "no status code from 100 to 599", i - base);
    }
    status = status * 10 + digit;
  }
  line.status = status;
  if (i === stop) return INCOMPLETE;
  // Many servers leave out the space before an empty reason; four digits are no status, though.
  if (buf[i] === SP) i++;
  else if (buf[i] !== CR && buf[i] !== LF)
    return invalid("bad-start-line", "no space behind the status code", i - base);
  line.reasonStart = i;
  i = endOfValue(buf, i, stop);
  if (i === stop) return INCOMPLETE;
  line.reasonEnd = i;
  return endOfLine(buf, i, stop, base, "bad-start-line");
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** Makes the head of what the passes found, or says what is wrong with it as a whole. */
function understand(buf: Buffer, base: number, headEnd: number): ResponseHead | WireError {
  const { status, minor } = line;
  const seen = scan.seen;
  const marks = takeMarks();
  const text = buf.toString("latin1", base, headEnd);
  const fields: Fields = { text, marks };

  let length = -1;
  let plainLength = false;
  if ((seen & CONTENT_LENGTH) !== 0) {
    length = contentLength(fields);
    if (length < 0) {
      const found = length === BAD_LENGTH ? "not a number" : "two different values";
      return wireError("bad-length", `Content-Length: ${found}`, 0);
    }
    plainLength = isPlainLength(fields, length);
  }
  let chunked = false;
  // RFC 9112 §6.1: with these statuses there is no body, whatever the fields say; they are not passed on.
  const bodyless = status < 200 || status === 204;
  if ((seen & TRANSFER_ENCODING) !== 0 && !bodyless) {
    if (length >= 0) return wireError("both-framings", "Transfer-Encoding and Content-Length", 0);
    if (minor === 0) return wireError("bad-coding", "Transfer-Encoding in an HTTP/1.0 response", 0);
    const coding = transferCoding(fields);
    if (coding === "unknown") return wireError("bad-coding", "a transfer coding other than chunked", 0);
    if (coding === "invalid") return wireError("bad-coding", "Transfer-Encoding does not end in chunked, once", 0);
    chunked = true;
  }
  let keepAlive = minor === 1;
  let upgrade = "";
  let nominated: readonly string[] | null = null;
  if ((seen & CONNECTION) !== 0) {
    const options = connectionOptions(fields);
    keepAlive = !options.close && (minor === 1 || options.keepAlive);
    nominated = options.nominated;
    if (options.upgrade && (seen & UPGRADE) !== 0) upgrade = upgradeOffer(fields);
  }
  return {
    text,
    marks,
    size: headEnd - base,
    status,
    reason: text.slice(line.reasonStart - base, line.reasonEnd - base),
    minor,
    contentLength: bodyless ? -1 : length,
    chunked,
    keepAlive,
    upgrade,
    nominated,
    seen,
    bareLf: scan.bareLf,
    plainLength,
    hasProxyStatus: (seen & PROXY_STATUS) !== 0,
    hasDate: (seen & DATE) !== 0,
  };
}
