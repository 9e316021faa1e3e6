// The content of a response: what its codings say, decoded as far as it may grow, its hash and its beginning as text.
// A body that was not read to its end is decoded for its beginning only: nothing is concluded from where it stops.
import { createHash } from "node:crypto";
import type { Transform } from "node:stream";
import zlib from "node:zlib";
import type { Bytes } from "../../std/units.ts";

/** Of the decoded body, as text. */
export const EXCERPT_BYTES: Bytes = 4 * 1024;
/** A small body may unpack to any size: no more of it is looked at. */
const DECODED_BYTES_MAX: Bytes = 8 * 1024 * 1024;

/** Nothing to be read by people. */
const NO_TEXT = /^\s*(?:image\/(?!svg)|video\/|audio\/|font\/|application\/(?:octet-stream|pdf|zip|gzip|wasm)\b)/i;

/** What a body says. */
export interface Content {
  readonly excerpt: string;
  /** SHA-256 of the decoded body; null = not whole, too large, or of a coding that is not known here. */
  readonly hash: string | null;
  /** What is wrong with the coding; null = nothing. */
  readonly problem: string | null;
}

/** Decodes what was read. `whole`: to its end. */
export async function contentOf(body: Buffer, coding: string, contentType: string, whole: boolean): Promise<Content> {
  const name = coding.trim().toLowerCase();
  if (name === "" || name === "identity" || body.length === 0) {
    return { excerpt: textOf(body, contentType), hash: whole ? hashOf(body) : null, problem: null };
  }
  const decoder = decoderOf(name, body, whole);
  // Several codings, or one that Node cannot take off: the bytes mean nothing.
  if (decoder === null) return { excerpt: "", hash: null, problem: null };
  return decoded(decoder, body, contentType, whole, name);
}

function decoderOf(name: string, body: Buffer, whole: boolean): Transform | null {
  const finishFlush = whole ? zlib.constants.Z_FINISH : zlib.constants.Z_SYNC_FLUSH;
  switch (name) {
    case "gzip":
    case "x-gzip":
      return zlib.createGunzip({ finishFlush });
    case "deflate":
      // RFC 9110 §8.4.1.2 means zlib's format; some send the bare stream.
      return ((body[0] ?? 0) & 0x0f) === 8
        ? zlib.createInflate({ finishFlush })
        : zlib.createInflateRaw({ finishFlush });
    case "br":
      return zlib.createBrotliDecompress({
        finishFlush: whole ? zlib.constants.BROTLI_OPERATION_FINISH : zlib.constants.BROTLI_OPERATION_FLUSH,
      });
    default:
      return null;
  }
}

function decoded(decoder: Transform, body: Buffer, type: string, whole: boolean, name: string): Promise<Content> {
  return new Promise((resolve) => {
    const hash = createHash("sha256");
    const beginning: Buffer[] = [];
    let bytes = 0;
    const finish = (complete: boolean, problem: string | null) => {
      const excerpt = textOf(Buffer.concat(beginning), type);
      resolve({ excerpt, hash: complete && whole ? hash.digest("hex") : null, problem });
      decoder.destroy();
    };
    decoder.on("data", (part: Buffer) => {
      if (bytes < EXCERPT_BYTES) beginning.push(part);
      bytes += part.length;
      hash.update(part);
      if (bytes > DECODED_BYTES_MAX) finish(false, null);
    });
    decoder.on("end", () => finish(true, null));
    decoder.on("error", (error) => {
      // The rest of a body that was not read may well be what is missing.
      const missing = !whole && (error as NodeJS.ErrnoException).code === "Z_BUF_ERROR";
      finish(false, missing ? null : `Content-Encoding: ${name}, but the body does not decode: ${error.message}`);
    });
    decoder.end(body);
  });
}

function hashOf(body: Buffer): string {
  return createHash("sha256").update(body).digest("hex");
}

function textOf(body: Buffer, contentType: string): string {
  if (NO_TEXT.test(contentType)) return "";
  const label = /;\s*charset="?([\w.:-]+)/i.exec(contentType)?.[1] ?? "utf-8";
  // `stream`: a character that the cut divides is left out.
  return textDecoder(label).decode(body.subarray(0, EXCERPT_BYTES), { stream: true });
}

function textDecoder(label: string): InstanceType<typeof TextDecoder> {
  try {
    return new TextDecoder(label);
  } catch {
    // A label that nobody knows: most of what is sent today is this.
    return new TextDecoder("utf-8");
  }
}
