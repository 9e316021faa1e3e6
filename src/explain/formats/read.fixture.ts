// A text as the formats read it, in a form that is easy to compare: codes as "field=code", messages as their text.
import type { Facts } from "../explanation.ts";
import { normalise } from "../normalise.ts";
import { recognise } from "../recognise.ts";

export interface ReadText {
  readonly format: string | null;
  readonly benign: boolean;
  readonly facts: Facts;
  readonly codes: readonly string[];
  readonly messages: readonly string[];
  readonly wrappers: readonly string[];
}

/** Normalises and recognises. */
export function read(text: string): ReadText {
  const normalised = normalise(text);
  const { format, benign, facts, codes, messages } = recognise(normalised);
  return {
    format,
    benign,
    facts,
    codes: codes.map(({ of, code }) => `${of}=${code}`),
    messages: messages.map(([start, end]) => normalised.text.slice(start, end)),
    wrappers: normalised.wrappers,
  };
}
