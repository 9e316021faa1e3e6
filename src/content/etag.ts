// Entity tags of files: "mtime-size" in hexadecimal, as nginx makes them, so that a client's cache outlives the change
// from one server to the other.
import type { Bytes } from "../std/units.ts";

/** A file's modification time as the protocol has it: whole seconds. */
export function lastModifiedSeconds(mtimeMs: number): number {
  return Math.floor(mtimeMs / 1000);
}

/** The strong tag of a file. */
export function fileEtag(modifiedSeconds: number, sizeBytes: Bytes): string {
  return `"${hexInt64(modifiedSeconds)}-${sizeBytes.toString(16)}"`;
}

/** Times before 1970 in two's complement, as C prints them. */
function hexInt64(value: number): string {
  return value < 0 ? BigInt.asUintN(64, BigInt(value)).toString(16) : value.toString(16);
}
