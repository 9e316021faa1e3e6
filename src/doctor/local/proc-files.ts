// Files of /proc as they are read: bounded, and nothing throws. A process may end between two reads, and files of other
// users' processes may not be opened: both give null, and what that means is said where it is known.
import { open, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import type { Bytes } from "../../std/units.ts";

const TEXT_MAX: Bytes = 64 * 1024;
const NET_MAX: Bytes = 16 * 1024 * 1024;
const CHUNK: Bytes = 64 * 1024;

/** A text, cut at `max`; null where it cannot be read. */
export async function readText(path: string, max: Bytes = TEXT_MAX): Promise<string | null> {
  let file: Awaited<ReturnType<typeof open>> | null = null;
  try {
    file = await open(path, "r");
    const parts: Buffer[] = [];
    let size = 0;
    while (size < max) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(CHUNK, max - size)), 0, undefined, null);
      if (bytesRead === 0) break;
      parts.push(buffer.subarray(0, bytesRead));
      size += bytesRead;
    }
    return Buffer.concat(parts).toString("utf8");
  } catch {
    // Gone, or not ours to read.
    return null;
  } finally {
    await file?.close();
  }
}

/** A table of sockets: longer than other files. */
export const readTable = (path: string): Promise<string | null> => readText(path, NET_MAX);

/** Names in a folder; null where it cannot be read. */
export async function namesIn(path: string): Promise<readonly string[] | null> {
  try {
    return await readdir(path);
  } catch {
    return null;
  }
}

/** Where a symbolic link leads; null where that cannot be read. */
export async function linkOf(...parts: readonly string[]): Promise<string | null> {
  try {
    return await readlink(join(...parts));
  } catch {
    return null;
  }
}

/** Numbers of the processes, smallest first. */
export async function processIds(proc: string): Promise<readonly number[]> {
  const names = (await namesIn(proc)) ?? [];
  return names
    .filter((name) => /^\d{1,9}$/.test(name))
    .map(Number)
    .sort((one, other) => one - other);
}
