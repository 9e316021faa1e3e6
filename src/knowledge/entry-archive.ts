// All pages of the reference in one file of the package: a thousand small files make an install slow. Each value is
// compressed by itself, so that one page is read without the others; a table beside the file says where it lies.
import { closeSync, existsSync, openSync, readFileSync, readSync, writeFileSync } from "node:fs";
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";

/** id → where its value begins, and how many bytes it has. */
type Table = Readonly<Record<string, readonly [start: number, length: number]>>;

/** Good enough, and a thousand pages take half a second. */
const QUALITY = 5;

/** Writes FILE.pack and FILE.json. */
export function writeArchive(file: string, values: Iterable<readonly [id: string, value: unknown]>): void {
  const table: Record<string, readonly [number, number]> = {};
  const blocks: Buffer[] = [];
  let start = 0;
  for (const [id, value] of values) {
    const params = { [constants.BROTLI_PARAM_QUALITY]: QUALITY };
    const block = brotliCompressSync(JSON.stringify(value), { params });
    table[id] = [start, block.length];
    start += block.length;
    blocks.push(block);
  }
  writeFileSync(`${file}.pack`, Buffer.concat(blocks));
  writeFileSync(`${file}.json`, JSON.stringify(table));
}

export interface Archive {
  /** The value of an id; undefined where there is none. Throws where the file is damaged. */
  read(id: string): unknown;
}

/** Opens FILE.pack; null where it was not built. */
export function openArchive(file: string): Archive | null {
  if (!existsSync(`${file}.json`)) return null;
  const table = JSON.parse(readFileSync(`${file}.json`, "utf8")) as Table;
  return {
    read: (id) => {
      if (!Object.hasOwn(table, id)) return undefined;
      const [start, length] = table[id]!;
      const block = Buffer.allocUnsafe(length);
      const descriptor = openSync(`${file}.pack`, "r");
      try {
        readSync(descriptor, block, 0, length, start);
      } finally {
        closeSync(descriptor);
      }
      return JSON.parse(brotliDecompressSync(block).toString("utf8")) as unknown;
    },
  };
}
