// Reads a TLS ClientHello (RFC 8446 §4.1.2; the same bytes in TLS 1.0 to 1.2) out of the first records of a connection,
// so that the server that is meant can be chosen before OpenSSL sees anything: its versions, ciphers and rules for
// certificates of clients then hold for the whole handshake. Nothing here judges the message: what cannot be read is
// "opaque", and OpenSSL answers it with the alert that is due.
import type { Bytes } from "../std/units.ts";

export interface ClientHello {
  /** As sent; undefined = none was. */
  readonly serverName: string | undefined;
  /** Of TLS 1.2; what TLS 1.3 sends here means nothing. */
  readonly sessionId: Buffer;
  readonly ciphers: readonly number[];
  readonly groups: readonly number[];
  readonly signatureAlgorithms: readonly number[];
  /** The session that a TLS 1.3 client would resume; null = none. */
  readonly pskIdentity: Buffer | null;
}

/** "incomplete": more bytes are needed; "not-tls": no record begins here; "opaque": a record that holds no readable hello. */
export type HelloResult = ClientHello | "incomplete" | "not-tls" | "opaque";

/** Larger ones exist (post-quantum key shares are about 1.2 KB), but not by far. */
export const HELLO_BYTES_MAX: Bytes = 32 * 1024;

const HANDSHAKE = 0x16;
const SSL2 = 0x80;
const CLIENT_HELLO = 1;
const RECORD_HEAD = 5;
const RECORD_BYTES_MAX = 16_384;

const SERVER_NAME = 0;
const SUPPORTED_GROUPS = 10;
const SIGNATURE_ALGORITHMS = 13;
const PRE_SHARED_KEY = 41;

/** Reads the hello at the beginning of `bytes`. */
export function readClientHello(bytes: Buffer): HelloResult {
  const first = bytes[0];
  if (first === undefined) return "incomplete";
  if (first !== HANDSHAKE) return (first & SSL2) !== 0 ? "opaque" : "not-tls";
  const message = handshakeMessage(bytes);
  return typeof message === "string" ? message : parseHello(message);
}

/** The body of the first handshake message, out of as many records as it takes. */
function handshakeMessage(bytes: Buffer): Buffer | "incomplete" | "opaque" {
  const parts: Buffer[] = [];
  let gathered = 0;
  let at = 0;
  for (;;) {
    if (bytes.length > HELLO_BYTES_MAX) return "opaque";
    if (bytes.length < at + RECORD_HEAD) return "incomplete";
    const length = bytes.readUInt16BE(at + 3);
    if (bytes[at] !== HANDSHAKE || bytes[at + 1] !== 3 || length === 0 || length > RECORD_BYTES_MAX) return "opaque";
    const from = at + RECORD_HEAD;
    at = from + length;
    parts.push(bytes.subarray(from, at));
    gathered += Math.min(length, bytes.length - from);
    const whole = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    if (gathered >= 4) {
      if (whole[0] !== CLIENT_HELLO) return "opaque";
      const size = whole.readUIntBE(1, 3);
      if (size > HELLO_BYTES_MAX) return "opaque";
      if (gathered >= 4 + size) return whole.subarray(4, 4 + size);
    }
    if (bytes.length < at) return "incomplete";
  }
}

/** A place in a message; reading past the end makes it broken, and everything read after that is empty. */
interface Cursor {
  readonly bytes: Buffer;
  at: number;
  broken: boolean;
}

function take(cursor: Cursor, length: number): Buffer {
  const { bytes, at } = cursor;
  if (cursor.broken || at + length > bytes.length) {
    cursor.broken = true;
    return bytes.subarray(0, 0);
  }
  cursor.at = at + length;
  return bytes.subarray(at, at + length);
}

/** A vector with its length in one or two bytes before it. */
function vector(cursor: Cursor, lengthBytes: 1 | 2): Buffer {
  const length = take(cursor, lengthBytes);
  return cursor.broken ? length : take(cursor, length.readUIntBE(0, lengthBytes));
}

function parseHello(message: Buffer): ClientHello | "opaque" {
  const cursor: Cursor = { bytes: message, at: 0, broken: false };
  take(cursor, 2 + 32);
  const sessionId = vector(cursor, 1);
  const ciphers = numbers(vector(cursor, 2));
  vector(cursor, 1);
  if (cursor.broken) return "opaque";
  let serverName: string | undefined;
  let groups: readonly number[] = [];
  let signatureAlgorithms: readonly number[] = [];
  let pskIdentity: Buffer | null = null;
  // A hello of TLS 1.0 may end here.
  if (cursor.at < message.length) {
    const extensions: Cursor = { bytes: vector(cursor, 2), at: 0, broken: false };
    while (extensions.at < extensions.bytes.length && !extensions.broken) {
      const type = take(extensions, 2);
      const body = vector(extensions, 2);
      if (extensions.broken) break;
      switch (type.readUInt16BE(0)) {
        case SERVER_NAME:
          serverName = hostName(body);
          break;
        case SUPPORTED_GROUPS:
          groups = numbers(vector({ bytes: body, at: 0, broken: false }, 2));
          break;
        case SIGNATURE_ALGORITHMS:
          signatureAlgorithms = numbers(vector({ bytes: body, at: 0, broken: false }, 2));
          break;
        case PRE_SHARED_KEY:
          pskIdentity = firstIdentity(body);
      }
    }
    if (cursor.broken || extensions.broken) return "opaque";
  }
  return { serverName, sessionId, ciphers, groups, signatureAlgorithms, pskIdentity };
}

function numbers(bytes: Buffer): number[] {
  const result: number[] = [];
  for (let at = 0; at + 1 < bytes.length; at += 2) result.push(bytes.readUInt16BE(at));
  return result;
}

/** RFC 6066 §3: a list of names, of which there is one kind. */
function hostName(body: Buffer): string | undefined {
  const list: Cursor = { bytes: vector({ bytes: body, at: 0, broken: false }, 2), at: 0, broken: false };
  while (list.at < list.bytes.length && !list.broken) {
    const kind = take(list, 1);
    const name = vector(list, 2);
    if (!list.broken && kind[0] === 0 && name.length > 0) return name.toString("latin1");
  }
  return undefined;
}

function firstIdentity(body: Buffer): Buffer | null {
  const list: Cursor = { bytes: vector({ bytes: body, at: 0, broken: false }, 2), at: 0, broken: false };
  const identity = vector(list, 2);
  return list.broken || identity.length === 0 ? null : identity;
}
