// What the parts of completing share.
import type { Position, Problem } from "./config.ts";
import type { Path } from "./document.ts";

/** What completing needs beside the values. */
export interface CompleteContext {
  /** The configuration file, which names of files are relative to. */
  readonly file: string;
  readonly report: (problem: Problem, path: Path, which?: "value" | "key") => void;
  /** The plain values of the file, with the defaults that it chose. */
  readonly written?: unknown;
  readonly positionOf?: (path: Path) => Position | undefined;
}

/** Whether a field is switched off. */
export function isOff(value: unknown): value is "off" | false {
  return value === "off" || value === false;
}
