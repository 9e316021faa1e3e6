// New times for a kept response that its origin says is still the same. They are written over the prefix in place, if the
// file is still the one that was read: another request may have put another in its place meanwhile.
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { decodeEntry, type Entry, type EntryFacts, encodePrefix, HEADS_BYTES_MAX } from "./entry-file.ts";
import { nameOf } from "./file-writer.ts";

/** What tells a file from its successor. */
export interface SeenFile {
  readonly path: string;
  readonly key: string;
  readonly entry: Entry;
}

/** Writes the new times. A file that went away, or is another one by now, is left alone. */
export async function updateTimes({ path, key, entry }: SeenFile, facts: EntryFacts): Promise<void> {
  const handle = await open(nameOf(path), constants.O_RDWR);
  try {
    const { size } = await handle.stat();
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEADS_BYTES_MAX), 0, HEADS_BYTES_MAX, 0);
    const found = decodeEntry(buffer.subarray(0, bytesRead), size, key);
    if (typeof found === "string" || !isSame(found, entry)) return;
    const prefix = encodePrefix(facts, key, found.head.length, found.bodyBytes);
    await handle.write(prefix, 0, prefix.length, 0);
  } finally {
    await handle.close();
  }
}

function isSame(one: Entry, other: Entry): boolean {
  return one.bodyBytes === other.bodyBytes && one.dateSec === other.dateSec && one.head.equals(other.head);
}
