// Reads a folder for autoindex and random_index. Names that begin with a dot are left out; links are followed, and one
// that leads nowhere is what it is itself. A folder may be large, so this always waits for the thread pool, in batches.
import type { Stats } from "node:fs";
import { lstat, readdir, stat } from "node:fs/promises";
import type { Bytes } from "../std/units.ts";
import { lastModifiedSeconds } from "./etag.ts";
import { type FileProblem, fileProblem, problemOf } from "./file-problem.ts";
import { errnoOf, strerror } from "./strerror.ts";

/** What a listing says of a file. */
export interface DirectoryEntry {
  /** Byte text. */
  readonly name: string;
  readonly isDirectory: boolean;
  readonly isFile: boolean;
  readonly modifiedSeconds: number;
  readonly sizeBytes: Bytes;
}

const AT_ONCE = 32;

/** Entries in no order. `report` is told of what was left out because nobody may look at it. */
export async function readDirectory(
  path: string,
  report: (problem: FileProblem) => void,
): Promise<readonly DirectoryEntry[] | FileProblem> {
  if (path.includes("\0")) return problemOf("opendir", path.replaceAll("\0", "\\0"), "ENOENT", strerror("ENOENT", 2));
  let names: string[];
  try {
    names = await readdir(Buffer.from(path, "latin1"), { encoding: "latin1" });
  } catch (error) {
    return fileProblem("opendir", path, error);
  }
  const shown = names.filter((name) => !name.startsWith("."));
  const entries: DirectoryEntry[] = [];
  for (let from = 0; from < shown.length; from += AT_ONCE) {
    const batch = shown.slice(from, from + AT_ONCE).map(async (name) => ({
      name,
      stats: await statEntry(path.endsWith("/") ? path + name : `${path}/${name}`),
    }));
    for (const { name, stats } of await Promise.all(batch)) {
      if (!("problem" in stats)) entries.push(entryOf(name, stats));
      else if (stats.code === "EACCES") report(stats);
      // Removed since the folder was read.
      else if (stats.code !== "ENOENT") return stats;
    }
  }
  return entries;
}

async function statEntry(path: string): Promise<Stats | FileProblem> {
  const bytes = Buffer.from(path, "latin1");
  try {
    return await stat(bytes);
  } catch (error) {
    const { code } = errnoOf(error);
    if (code !== "ENOENT" && code !== "ELOOP") return fileProblem("stat", path, error);
  }
  try {
    return await lstat(bytes);
  } catch (error) {
    return fileProblem("lstat", path, error);
  }
}

function entryOf(name: string, stats: Stats): DirectoryEntry {
  return {
    name,
    isDirectory: stats.isDirectory(),
    isFile: stats.isFile(),
    modifiedSeconds: lastModifiedSeconds(stats.mtimeMs),
    sizeBytes: stats.size,
  };
}
