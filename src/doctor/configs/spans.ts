// Times of values in documents, and times as people say them. The units of each program are durations.ts's.
import type { Ms } from "../../std/units.ts";
import { at, numberOf, type Tree, textOf } from "./tree.ts";

/** The time that a value says, read by its program's rules; protobuf's {seconds, nanos} too. undefined = none. */
export function treeSpan(tree: Tree | undefined, read: (text: string) => Ms | undefined): Ms | undefined {
  const text = textOf(tree);
  if (text !== undefined) return read(text);
  const seconds = numberOf(at(tree, "seconds"));
  const nanos = numberOf(at(tree, "nanos"));
  return seconds === undefined && nanos === undefined ? undefined : (seconds ?? 0) * 1000 + (nanos ?? 0) / 1e6;
}

/** A time as people say it: "90 s", "250 ms", "1 h". */
export function said(ms: Ms): string {
  if (ms >= 3_600_000 && ms % 3_600_000 === 0) return `${ms / 3_600_000} h`;
  return ms >= 1000 || ms === 0 ? `${ms / 1000} s` : `${ms} ms`;
}
