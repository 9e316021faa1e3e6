// A text that remembers where each of its characters stood in the input. Taking something off is a list of parts of the
// text that stay, in order; a part with a text of its own stands for what was there (a decoded escape, or "\n" for a tag
// or for what lay between two pieces).
import type { Facts } from "./explanation.ts";

export interface Mapped {
  readonly text: string;
  /** offsets[i] = where text[i] stands in the input; one longer than the text; null = the text is the input. */
  readonly offsets: Int32Array | null;
}

/** text[from, to) stays; with `instead`, that text stands in its place. */
export type Part = readonly [from: number, to: number, instead?: string];

/** What a peeler left, and what the wrapper said. */
export interface Peeled {
  readonly name: string;
  readonly parts: readonly Part[];
  readonly facts: Facts;
}

/** The text that is left, with its offsets in the input. */
export function keepParts(mapped: Mapped, parts: readonly Part[]): Mapped {
  const { text } = mapped;
  if (parts.length === 1 && parts[0]![0] === 0 && parts[0]![1] === text.length && parts[0]![2] === undefined)
    return mapped;
  const kept = parts.length === 1 ? partText(text, parts[0]!) : parts.map((part) => partText(text, part)).join("");
  const offsets = new Int32Array(kept.length + 1);
  const before = mapped.offsets;
  let at = 0;
  for (const [from, to, instead] of parts) {
    const length = instead === undefined ? to - from : instead.length;
    if (instead !== undefined) offsets.fill(before ? before[from]! : from, at, at + length);
    else if (before) offsets.set(before.subarray(from, to), at);
    else for (let i = 0; i < length; i++) offsets[at + i] = from + i;
    at += length;
  }
  const end = parts.at(-1)?.[1] ?? 0;
  offsets[at] = before ? before[end]! : end;
  return { text: kept, offsets };
}

function partText(text: string, [from, to, instead]: Part): string {
  return instead ?? text.slice(from, to);
}

/** The end of the line that begins at `start`, without its "\n". */
export function lineEnd(text: string, start: number): number {
  const end = text.indexOf("\n", start);
  return end < 0 ? text.length : end;
}
