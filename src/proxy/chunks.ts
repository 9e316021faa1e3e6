// Chunked bodies on their way through: decoded to check and count them, and passed on in the chunks in which they
// came, without their extensions and with the trailers that may pass.
import type { ChunkedDecoder } from "../wire/chunked.ts";
import { isWireError, type WireError } from "../wire/head.ts";

export const CHUNK_LIMITS = { extensionBytes: 16 * 1024, trailerBytes: 16 * 1024 };

export interface Chunks {
  /** Offset behind the last byte read. */
  readonly consumed: number;
  /** Data bytes, without framing. */
  readonly bytes: number;
  /** What goes on; null = the bytes that were read, as they are. */
  readonly framed: Buffer | null;
}

/** Reads what [start, end) holds of a chunked body. */
export function readChunks(
  decoder: ChunkedDecoder,
  buffer: Buffer,
  start: number,
  end: number,
  withTrailers = true,
): Chunks | WireError {
  let bytes = 0;
  const consumed = decoder.decode(buffer, start, end, (from, to) => {
    bytes += to - from;
  });
  if (isWireError(consumed)) return consumed;
  return { consumed, bytes, framed: decoder.canonical(buffer, start, consumed, withTrailers) };
}

/** Only the data, for a peer that knows no chunks (HTTP/1.0). */
export function readChunkData(decoder: ChunkedDecoder, buffer: Buffer, start: number, end: number): Chunks | WireError {
  const parts: Buffer[] = [];
  const consumed = decoder.decode(buffer, start, end, (from, to) => {
    parts.push(buffer.subarray(from, to));
  });
  if (isWireError(consumed)) return consumed;
  const framed = Buffer.concat(parts);
  return { consumed, bytes: framed.length, framed };
}
