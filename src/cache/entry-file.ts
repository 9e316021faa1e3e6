// The file of a kept response: a prefix of fixed length with its times and validators, "\nKEY: …\n", the response head as
// it came, the body without its framing. Times can be written anew in place. A file says how long it has to be, and
// which key it is for: what was cut, is of another program or of another key is not used.
//
//   0 magic   8 valid  16 updating  24 error  32 date  40 last-modified  48 body bytes (doubles)
//   56 start of the head  60 start of the body (32 bits)  64 lengths of ETag and Vary  66 ETag  194 Vary  322 variant
import type { Bytes } from "../std/units.ts";
import { HASH_LENGTH } from "./key.ts";

/** What the prefix holds; times in seconds since 1970. */
export interface EntryFacts {
  readonly validSec: number;
  readonly updatingSec: number;
  readonly errorSec: number;
  readonly dateSec: number;
  /** -1 = none. */
  readonly lastModifiedSec: number;
  /** "" = none. */
  readonly etag: string;
  readonly vary: string;
  /** Hash of the variant; "" = there is one only. */
  readonly variant: string;
}

/** A kept response, but for its body. */
export interface Entry extends EntryFacts {
  readonly bodyStart: Bytes;
  readonly bodyBytes: Bytes;
  /** The response head, up to its empty line. */
  readonly head: Buffer;
}

const MAGIC = "ggcache1";
/** Bytes of the prefix. */
export const PREFIX_BYTES: Bytes = 344;
/** Longer ones are not kept: a weak comparison of a part would be wrong. */
const ETAG_LENGTH_MAX = 128;
const KEY_NAME = "\nKEY: ";
/** Prefix, key and head have to fit into the first read. */
export const HEADS_BYTES_MAX: Bytes = 60 * 1024;

/** The prefix alone. */
export function encodePrefix(facts: EntryFacts, key: string, headBytes: Bytes, bodyBytes: Bytes): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.write(MAGIC, 0, "latin1");
  const numbers = [facts.validSec, facts.updatingSec, facts.errorSec, facts.dateSec, facts.lastModifiedSec, bodyBytes];
  for (const [index, number] of numbers.entries()) prefix.writeDoubleLE(number, 8 + index * 8);
  const headStart = headStartOf(key);
  prefix.writeUInt32LE(headStart, 56);
  prefix.writeUInt32LE(headStart + headBytes, 60);
  const etag = facts.etag.length <= ETAG_LENGTH_MAX ? facts.etag : "";
  prefix[64] = etag.length;
  prefix[65] = facts.vary.length;
  prefix.write(etag, 66, "latin1");
  prefix.write(facts.vary, 194, "latin1");
  prefix.write(facts.variant, 322, "hex");
  return prefix;
}

/** All that stands before the body. */
export function encodeHeads(facts: EntryFacts, key: string, head: string, bodyBytes: Bytes): Buffer {
  const prefix = encodePrefix(facts, key, head.length, bodyBytes);
  return Buffer.concat([prefix, Buffer.from(`${KEY_NAME}${key}\n${head}`, "latin1")]);
}

/** Bytes in front of the head. */
export function headStartOf(key: string): Bytes {
  return PREFIX_BYTES + KEY_NAME.length + key.length + 1;
}

/** Reads a file from its first bytes; a text says why it is not to be used. */
export function decodeEntry(bytes: Buffer, sizeBytes: Bytes, key: string): Entry | string {
  const headStart = headStartOf(key);
  if (bytes.length < PREFIX_BYTES || bytes.length < Math.min(headStart, sizeBytes)) return "is too small";
  if (bytes.toString("latin1", 0, MAGIC.length) !== MAGIC) return "version mismatch";
  const foundKey = bytes.toString("latin1", PREFIX_BYTES, headStart);
  if (bytes.readUInt32LE(56) !== headStart || foundKey !== `${KEY_NAME}${key}\n`) return "has md5 collision";
  const bodyStart = bytes.readUInt32LE(60);
  const bodyBytes = bytes.readDoubleLE(48);
  if (bodyStart <= headStart || bodyStart > bytes.length) return "has too long header";
  if (sizeBytes !== bodyStart + bodyBytes) return "is not whole";
  const vary = bytes.toString("latin1", 194, 194 + bytes[65]!);
  return {
    validSec: bytes.readDoubleLE(8),
    updatingSec: bytes.readDoubleLE(16),
    errorSec: bytes.readDoubleLE(24),
    dateSec: bytes.readDoubleLE(32),
    lastModifiedSec: bytes.readDoubleLE(40),
    etag: bytes.toString("latin1", 66, 66 + bytes[64]!),
    vary,
    variant: vary === "" ? "" : bytes.toString("hex", 322, 322 + HASH_LENGTH / 2),
    bodyStart,
    bodyBytes,
    head: bytes.subarray(headStart, bodyStart),
  };
}
