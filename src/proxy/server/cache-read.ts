// The file of a kept response, opened and understood. Files that cannot be used (cut, of another program, of another
// key) count as none: what the upstream answers takes their place.
import { decodeEntry, type Entry, HEADS_BYTES_MAX } from "../../cache/entry-file.ts";
import { isAbsent, isProblem } from "../../content/file-problem.ts";
import { type OpenedFile, PIECE_BYTES } from "../../content/opened-file.ts";
import { isWireError, type ResponseHead } from "../../wire/head.ts";
import { parseResponseHead } from "../../wire/response-head.ts";
import type { ServerRequest } from "./request.ts";

/** A kept response that is open. */
export interface Kept {
  readonly file: OpenedFile;
  readonly entry: Entry;
  readonly head: ResponseHead;
}

const HEAD_LIMITS = { lineBytes: HEADS_BYTES_MAX, headBytes: HEADS_BYTES_MAX, fields: 1024 };

/** null = there is none that can be used; "broken" = the disk cannot be used at all. */
export async function readKept(request: ServerRequest, path: string, key: string): Promise<Kept | "broken" | null> {
  const file = await request.servers.files.open(path);
  if (isProblem(file)) {
    if (isAbsent(file)) return null;
    request.log("crit", file.problem);
    return "broken";
  }
  const kept = await understand(file, key);
  if (typeof kept !== "string") return kept;
  file.close();
  request.log("crit", `cache file "${path}" ${kept}`);
  return null;
}

async function understand(file: OpenedFile, key: string): Promise<Kept | string> {
  if (!file.isFile) return "is no file";
  const piece = await file.read(0, PIECE_BYTES);
  if (isProblem(piece)) return piece.problem;
  const entry = decodeEntry(piece, file.sizeBytes, key);
  if (typeof entry === "string") return entry;
  const head = parseResponseHead(entry.head, 0, entry.head.length, HEAD_LIMITS);
  return head === undefined || isWireError(head) ? "contains invalid header" : { file, entry, head };
}
