// What a log is to its reader, whether it is a file or a pipe: bytes that become lines, within bounds, with what went wrong
// said as problems.
import type { Bytes, Ms } from "../../std/units.ts";
import type { InputProblem } from "../evidence.ts";
import { LINE_MAX, type LineSplitter, type TakeLine } from "./split-lines.ts";

/** Of a file that is larger, its end is read. */
export const TAIL_MAX: Bytes = 256 * 1024 * 1024;
export const CHUNK: Bytes = 128 * 1024;
export const SAMPLE: Bytes = 64 * 1024;

export interface SourceOptions {
  readonly file: string;
  /** By then reading stops (std/clock). */
  readonly deadlineAt: Ms;
  readonly take: TakeLine;
  readonly problem: (text: string, next: string) => void;
}

/** A log that is being read. */
export interface Source {
  /** Size when doctor began; of a pipe, what came. */
  readonly bytes: Bytes;
  readonly readBytes: Bytes;
  readonly encoding: string;
  /** Reads to the end that it had at first. */
  readonly read: () => Promise<void>;
  /** Reads what was appended since; says whether there was something. */
  readonly readAppended: () => Promise<boolean>;
  readonly close: () => Promise<void>;
}

/** Says which lines were cut. */
export function sayCut({ cut }: LineSplitter, { problem }: SourceOptions): void {
  if (cut === 0) return;
  const what = cut === 1 ? "one line was" : `${cut} lines were`;
  problem(`${what} cut: longer than ${LINE_MAX / 1024} KiB`, "Nothing, unless what matters stands behind that.");
}

/** "12 MB", "0.3 MB". */
export function megabytes(bytes: Bytes): string {
  const mb = bytes / (1024 * 1024);
  return `${mb >= 10 ? Math.round(mb) : Math.max(0.1, Math.round(mb * 10) / 10)} MB`;
}

/** A problem of an input, as evidence has it. */
export function problemOf(file: string, text: string, next: string): InputProblem {
  return { input: `--log ${file}`, place: null, text, next };
}
