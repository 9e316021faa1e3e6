// Reads an upload, raw or multipart/form-data (RFC 7578), and says what arrived. Bounded: a longer one is refused while
// it still runs.
import { createHash } from "node:crypto";
import type { Bytes } from "../std/units.ts";
import type { LabRequest } from "./fault.ts";

export interface Upload {
  /** File name as the sender gave it; "body" for a raw upload. */
  readonly name: string;
  readonly bytes: Bytes;
  readonly sha256: string;
}

/** What was uploaded; null = longer than the limit. */
export async function readUpload(request: LabRequest, bytesMax: Bytes): Promise<Upload | null> {
  const length = Number(request.header("content-length") ?? 0);
  if (length > bytesMax) return null;
  const body = await request.body.collect(bytesMax);
  if (body === null) return null;
  const boundary = /^multipart\/form-data;.*boundary="?([^";]+)"?/i.exec(request.header("content-type") ?? "")?.[1];
  const file = boundary === undefined ? null : firstFile(body, boundary);
  const content = file?.content ?? body;
  const sha256 = createHash("sha256").update(content).digest("hex");
  return { name: file?.name ?? "body", bytes: content.length, sha256 };
}

/** The first part that has a file name. */
export function firstFile(body: Buffer, boundary: string): { name: string; content: Buffer } | null {
  const delimiter = Buffer.from("\r\n--" + boundary);
  // The first delimiter has no CRLF before it.
  let at = body.indexOf(delimiter.subarray(2));
  while (at >= 0) {
    const headEnd = body.indexOf("\r\n\r\n", at);
    if (headEnd < 0) return null;
    const end = body.indexOf(delimiter, headEnd + 2);
    if (end < 0) return null;
    const name = /filename="([^"\r\n]*)"/i.exec(body.toString("utf8", at, headEnd))?.[1];
    if (name !== undefined) return { name, content: body.subarray(Math.min(headEnd + 4, end), end) };
    at = end + 2;
  }
  return null;
}
