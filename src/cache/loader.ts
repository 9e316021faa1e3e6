// Reads the folder of a cache at start, file by file, while requests are served: names and sizes only, since what a file
// holds is looked at where it is used. Files whose names are not those of a cache are nobody's business here, but for
// temporary ones that a process left behind.
import type { Dirent } from "node:fs";
import { opendir, stat, unlink } from "node:fs/promises";
import type { CacheConfig } from "../config/servers.ts";
import type { Bytes, Ms } from "../std/units.ts";
import { nameOf, TEMPORARY_DIGITS } from "./file-writer.ts";
import { HASH_LENGTH, levelsOf } from "./key.ts";

/** Who is told what the loader finds. */
export interface Loading {
  found(hash: string, sizeBytes: Bytes): void;
  /** A file that was left behind cannot be removed. */
  failed(error: Error): void;
  /** Nobody wants to know more. */
  isUnwanted(): boolean;
}

const ENTRY = new RegExp(`^[0-9a-f]{${HASH_LENGTH}}$`);
const TEMPORARY = new RegExp(`^[0-9a-f]{${HASH_LENGTH}}\\.\\d{${TEMPORARY_DIGITS}}$`);
/** Who writes a temporary file changes it more often. */
const LEFT_BEHIND_MS: Ms = 3_600_000;

/** Walks through the folder; what cannot be read is passed over, as if it were not there. */
export async function loadFolder({ path, levels }: CacheConfig, loading: Loading): Promise<void> {
  await walk(path, "", levels.length);

  async function walk(root: string, below: string, depth: number): Promise<void> {
    const folder = await opendir(nameOf(root + below) as unknown as string, { encoding: "latin1" as "utf8" }).catch(
      () => null,
    );
    if (!folder) return;
    for await (const file of folder) {
      if (loading.isUnwanted()) return;
      if (depth > 0) {
        if (file.isDirectory()) await walk(root, `${below}/${file.name}`, depth - 1);
      } else await look(root, below, file);
    }
  }

  async function look(root: string, below: string, file: Dirent): Promise<void> {
    const isEntry = ENTRY.test(file.name) && levelsOf(levels, file.name) === below;
    if (!isEntry && !TEMPORARY.test(file.name)) return;
    const full = nameOf(`${root}${below}/${file.name}`);
    const stats = await stat(full).catch(() => null);
    if (!stats?.isFile()) return;
    if (isEntry) loading.found(file.name, stats.size);
    else if (Date.now() - stats.mtimeMs > LEFT_BEHIND_MS)
      await unlink(full).catch((error: Error) => loading.failed(error));
  }
}
