// The arguments of a directive against its row of the table: how many, and of what form, with nginx's words for what
// is wrong. What a directive reads in its own way is read where it is lowered.

import type { Problem } from "../config/config.ts";
import type { ArgCount, DirectiveSpec, Form } from "./directives/spec.ts";
import { named } from "./meant.ts";
import type { Arg, Directive } from "./tree.ts";
import { parseBuffers, parseFlag, parseNumber, parseOffset, parseSeconds, parseSize, parseTime } from "./units.ts";

/** What is wrong with an argument. */
export interface Refusal {
  /** nginx's words. */
  readonly text: string;
  readonly arg: Arg;
  readonly hint?: string;
  readonly severity?: Problem["severity"];
}

/** Whether nginx takes so many arguments. */
export function takes(count: ArgCount, given: number): boolean {
  if (count === "ANY") return true;
  if (count === "FLAG") return given === 1;
  if (count === "1MORE") return given >= 1;
  if (count === "2MORE") return given >= 2;
  return given <= 7 && count.includes(String(given));
}

/** As a sentence: "takes one or two arguments". */
export function countInWords(count: ArgCount): string {
  if (count === "FLAG") return "takes one argument: on or off";
  if (count === "1MORE") return "takes one argument or more";
  if (count === "2MORE") return "takes two arguments or more";
  const numbers = [...count.replace(/\D/g, "")].map((digit) => NUMBERS[Number(digit)] ?? digit);
  const last = numbers.at(-1);
  const listed = numbers.length === 1 ? last : `${numbers.slice(0, -1).join(", ")} or ${last}`;
  return `takes ${listed} argument${count === "TAKE1" ? "" : "s"}`;
}

const NUMBERS = ["no", "one", "two", "three", "four", "five", "six", "seven"];

/** What nginx says of the arguments, the number of which is right. */
export function refusalsOf(spec: DirectiveSpec, { args }: Directive): Refusal[] {
  const { form, name } = spec;
  if (form === "own" || form === "string") return [];
  if (typeof form === "object") return wordRefusals(form, args);
  const [first, second] = args;
  if (!first) return [];
  if (form === "flag")
    return parseFlag(first.value) === undefined
      ? [{ text: `invalid value "${first.value}" in "${name}" directive, it must be "on" or "off"`, arg: first }]
      : [];
  const value = form === "buffers" ? parseBuffers(first.value, second?.value ?? "")?.count : READERS[form](first.value);
  if (value === undefined) {
    const text = `"${name}" directive invalid ${form === "number" ? "number" : "value"}`;
    return [{ text, arg: first, hint: HINTS[form] }];
  }
  return boundRefusals(spec, value, first);
}

const READERS: Readonly<
  Record<"number" | "size" | "offset" | "time" | "seconds", (text: string) => number | undefined>
> = { number: parseNumber, size: parseSize, offset: parseOffset, time: parseTime, seconds: parseSeconds };

const HINTS: Readonly<Record<Exclude<Form, object | "own" | "string" | "flag">, string>> = {
  number: "a whole number",
  size: 'a number of bytes: "4096", "8k", "1m"',
  offset: 'a number of bytes: "4096", "8k", "1m", "1g"',
  time: 'a time: "500ms", "30s", "1m30s", "1h"; larger units first, without fractions',
  seconds: 'a time in seconds at least: "30s", "1m30s", "7d"',
  buffers: 'how many, and how large each: "8 4k"',
};

function boundRefusals({ bounds }: DirectiveSpec, value: number, arg: Arg): Refusal[] {
  if (!bounds) return [];
  const [least, most] = bounds;
  if (value >= least && value <= most) return [];
  const range = most === Infinity ? `equal to or greater than ${least}` : `between ${least} and ${most}`;
  return [{ text: `value must be ${range}`, arg }];
}

function wordRefusals(form: Form & object, args: readonly Arg[]): Refusal[] {
  const words = "oneOf" in form ? form.oneOf : form.anyOf;
  const given = "oneOf" in form ? args.slice(0, 1) : args;
  const seen = new Set<string>();
  const refusals: Refusal[] = [];
  for (const arg of given) {
    const word = arg.value.toLowerCase();
    if (!words.some((known) => known.toLowerCase() === word))
      refusals.push({ text: `invalid value "${arg.value}"`, arg, hint: `one of ${words.join(", ")}` });
    else if (seen.has(word)) refusals.push({ text: `duplicate value "${arg.value}"`, arg, severity: "warning" });
    seen.add(word);
  }
  return refusals;
}

/** What nginx says of a line in a block of entries; null = nothing. */
export function entryRefusal(block: Directive, { name, args, head }: Directive): Refusal | null {
  const words = args.length + 1;
  const single = SINGLE_WORDS[block.name];
  if (!single || words === 2 || (words === 1 && single.words.includes(name))) return null;
  return {
    text: single.text,
    arg: head,
    hint: `a line of ${named(block)} has a value to look for and a result`,
  };
}

/** Lines of one word that are none too few, and what nginx says of others. */
const SINGLE_WORDS: Readonly<Record<string, { readonly words: readonly string[]; readonly text: string }>> = {
  map: { words: ["hostnames", "volatile"], text: "invalid number of the map parameters" },
  geo: {
    words: ["ranges", "proxy_recursive", "volatile"],
    text: "invalid number of the geo parameters",
  },
  charset_map: { words: [], text: "invalid parameters number" },
};
