// Chunked bodies on their way through: decoded to check them, sent on as they came where they are in plain form,
// and framed anew where they carry extensions or trailers that are not passed on.
import { ChunkedDecoder, chunkHeader, LAST_CHUNK } from "../wire/chunked.ts";
import { isWireError, type WireError } from "../wire/head.ts";

export const CHUNK_LIMITS = { extensionBytes: 16 * 1024, trailerBytes: 16 * 1024 };

export interface Chunks {
  /** Offset behind the last byte read. */
  readonly consumed: number;
  /** Data bytes, without framing. */
  readonly bytes: number;
  /** The data framed anew; null = the bytes that were read may go on as they are. */
  readonly framed: Buffer | null;
}

/** Reads what [start, end) holds of a chunked body. */
export function readChunks(decoder: ChunkedDecoder, buffer: Buffer, start: number, end: number): Chunks | WireError {
  const ranges: number[] = [];
  let bytes = 0;
  const consumed = decoder.decode(buffer, start, end, (from, to) => {
    ranges.push(from, to);
    bytes += to - from;
  });
  if (isWireError(consumed)) return consumed;
  return { consumed, bytes, framed: decoder.verbatim ? null : frame(decoder, buffer, ranges) };
}

/** The data of the given ranges as chunks, and the last chunk where the body has ended. */
function frame(decoder: ChunkedDecoder, buffer: Buffer, ranges: readonly number[]): Buffer {
  const parts: Buffer[] = [];
  for (let i = 0; i < ranges.length; i += 2) {
    const from = ranges[i]!;
    const to = ranges[i + 1]!;
    parts.push(Buffer.from(chunkHeader(to - from), "latin1"), buffer.subarray(from, to), CRLF);
  }
  if (decoder.done) {
    const end = decoder.trailers === "" ? LAST_CHUNK : `0\r\n${decoder.trailers}\r\n`;
    parts.push(Buffer.from(end, "latin1"));
  }
  return Buffer.concat(parts);
}

const CRLF = Buffer.from("\r\n");

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
