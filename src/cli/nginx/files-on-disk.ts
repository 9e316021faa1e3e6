// Configuration files as the loader reads them: bytes for text, names in bytes too, failures as the system tells them.
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { byteText } from "../../nginx/byte-text.ts";
import type { Files, ReadFailure } from "../../nginx/load.ts";
import { systemError } from "./strerror.ts";

/** A name for node:fs, of byte text. */
export function fileName(path: string): Buffer {
  return Buffer.from(path, "latin1");
}

/** The files of this machine. */
export const FILES_ON_DISK: Files = { read, list };

function read(path: string): string | ReadFailure {
  let descriptor: number;
  try {
    descriptor = openSync(fileName(path), "r");
  } catch (error) {
    return { call: "open", ...systemError(error) };
  }
  try {
    return byteText(readFileSync(descriptor));
  } catch (error) {
    return { call: "pread", ...systemError(error) };
  } finally {
    closeSync(descriptor);
  }
}

function list(path: string): readonly string[] | null {
  try {
    return readdirSync(fileName(path), "latin1");
  } catch {
    // As glob(3) has it: what cannot be listed holds nothing that fits.
    return null;
  }
}
