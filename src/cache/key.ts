// What a kept response is found by. The key is any text; its MD5 names the file, so that the folder can be read by what
// knows nginx's (levels are taken from the end of the name). A response that varies is kept under a second hash, of the
// first one and of the request's fields that Vary names.
import { createHash } from "node:crypto";

/** Hexadecimal digits of a hash. */
export const HASH_LENGTH = 32;

/** The hash of a key (byte text). */
export function keyHash(key: string): string {
  return createHash("md5").update(key, "latin1").digest("hex");
}

/** The folder of a hash below the root, "/a/bc" for levels 1:2; "" without levels. */
export function levelsOf(levels: readonly number[], hash: string): string {
  let end = HASH_LENGTH;
  let path = "";
  for (const digits of levels) {
    path += `/${hash.slice(end - digits, end)}`;
    end -= digits;
  }
  return path;
}

/** Where the response of a hash is kept. */
export function entryPath(root: string, levels: readonly number[], hash: string): string {
  return `${root}${levelsOf(levels, hash)}/${hash}`;
}

/** These are lists: how their elements are set apart makes no variant. */
const LISTS: ReadonlySet<string> = new Set(["accept-charset", "accept-encoding", "accept-language"]);

/** The hash of one variant: `vary` is the response's field, `valuesOf` gives the request's values of a field. */
export function variantHash(
  mainHash: string,
  vary: string,
  valuesOf: (lowerName: string) => readonly string[],
): string {
  const hash = createHash("md5").update(mainHash);
  for (const name of vary.toLowerCase().split(/[ ,]+/)) {
    if (name === "") continue;
    const values = valuesOf(name);
    const parts = LISTS.has(name) ? values.flatMap(elementsOf) : values;
    hash.update(`${name}:${parts.join(",")}\r\n`, "latin1");
  }
  return hash.digest("hex");
}

function elementsOf(list: string): string[] {
  return list.split(/[ ,]+/).filter((element) => element !== "");
}
