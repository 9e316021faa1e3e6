// Forms: how a value is written in goodgate.yaml, in both directions. Each has the schema that reads it and a function
// that writes it, so that what is printed reads as what it was; `visit` finds the names in what is written, for checks
// that need the whole file. The parts of virtual servers are tables of forms (schema-servers*.ts).
import * as z from "zod/mini";
import { type Bytes, formatDuration, type Ms } from "../std/units.ts";
import { errorOf } from "./address.ts";
import { bytesOfText, textOfBytes } from "./byte-strings.ts";
import type { Problem } from "./config.ts";
import type { Path } from "./document.ts";
import { count as countOf, durationOf, type FieldWords, found, listOf, refusal, sizeOf, textAs } from "./fields.ts";
import { compilePattern } from "./pcre.ts";
import type { Pattern, Text } from "./servers.ts";

/** What a name or text in the file is, for whoever checks it: a reference, a definition, or what has such in it. */
export type NameKind =
  | "text"
  | "pattern"
  | "file"
  | "variable"
  | "slot"
  | "captured"
  | "rate-zone"
  | "connections-zone"
  | "cache"
  | "format"
  | "upstream"
  | "target";

/** Is shown every name with its place in the file. */
export type See = (kind: NameKind, value: string, path: Path) => void;

export interface Form<T> {
  readonly schema: z.ZodMiniType<T>;
  /** What reads as the value; undefined = it is left out. */
  readonly write: (value: T) => unknown;
  readonly visit?: (raw: unknown, path: Path, see: See) => void;
  readonly words?: Omit<FieldWords, "description">;
}

/** Text that `read` understands and `write` makes. */
export function textForm<T>(
  expects: string,
  read: (text: string) => T | Problem,
  write: (value: T) => string,
  words: { unit?: string } = {},
): Form<T> {
  const schema = textAs(expects, (text) => read(bytesOfText(text)), words) as unknown as z.ZodMiniType<T>;
  return { schema, write: (value) => textOfBytes(write(value)), words };
}

function seeing<T>(form: Form<T>, kind: NameKind): Form<T> {
  return {
    ...form,
    visit: (raw, path, see) => {
      if (typeof raw === "string") see(kind, bytesOfText(raw), path);
    },
  };
}

const asItIs = (text: string): string => text;

/** Plain byte text. */
export const plain: Form<string> = textForm("text", asItIs, asItIs);
/** Byte text with variables. */
export const text: Form<Text> = seeing(textForm("text", asItIs, asItIs, { unit: "text" }), "text");
/** The name of a file, relative to the configuration. */
export const file: Form<string> = seeing(textForm("the name of a file", asItIs, asItIs, { unit: "file" }), "file");
/** The same with variables. */
export const fileText: Form<Text> = {
  ...file,
  visit: (raw, path, see) => {
    file.visit?.(raw, path, see);
    text.visit?.(raw, path, see);
  },
};

/** A name that has to be (or is) defined elsewhere. */
export function nameOf(kind: NameKind, expects = "a name"): Form<string> {
  return seeing(textForm(expects, asItIs, asItIs), kind);
}

/** "~ ^/a", "~* \.png$"; other text is `otherwise`, or wrong. */
export const pattern: Form<Pattern> = seeing(
  textForm(
    'a regular expression such as "~ ^/a"',
    (written) => patternFrom(written) ?? errorOf(`"${written}" is no regular expression`, 'write "~ …" or "~* …"'),
    patternText,
    { unit: "`~ regular expression`" },
  ),
  "pattern",
);

/** Text with variables, or a regular expression; text that begins with "~" has a backslash in front. */
export const textOrPattern: Form<Text | Pattern> = {
  ...textForm<Text | Pattern>(
    "text or a regular expression",
    (written) => patternFrom(written) ?? unescaped(written),
    (value) => (typeof value === "string" ? escaped(value) : patternText(value)),
    { unit: "text or `~ regular expression`" },
  ),
  visit: (raw, path, see) => (/^~/.test(String(raw)) ? pattern : text).visit?.(raw, path, see),
};

/** The pattern that is written; undefined = it is none, a problem = it is wrong. */
export function patternFrom(written: string): Pattern | Problem | undefined {
  const match = /^~(\*?) ?(.*)$/s.exec(written);
  if (!match) return undefined;
  const made: Pattern = { source: match[2]!, ignoreCase: match[1] === "*" };
  const compiled = compilePattern(made);
  if (!("problem" in compiled)) return made;
  const rest = made.source.slice(compiled.at);
  return errorOf(`the regular expression "${made.source}" is wrong: ${compiled.problem}`, rest && `at "${rest}"`);
}

/** As patternFrom reads it. */
export function patternText({ source, ignoreCase }: Pattern): string {
  return `~${ignoreCase ? "*" : ""} ${source}`;
}

/** Text where patterns may stand, too. */
export function escaped(value: string): string {
  return /^[~\\]/.test(value) ? `\\${value}` : value;
}

export function unescaped(value: string): string {
  return value.replace(/^\\/, "");
}

export const flag: Form<boolean> = { schema: z.boolean(), write: (value) => value };

/** A whole number. */
export function count(min = 0, max?: number): Form<number> {
  return { schema: countOf(min, max), write: (value) => value };
}

/** A number. */
export const number: Form<number> = {
  schema: z.number({ error: ({ input }) => `expected a number, found ${found(input)}` }),
  write: (value) => value,
};

/** As long as a timer can be. */
export const NO_BOUND_MS: Ms = 2 ** 31 - 1;

export const duration: Form<Ms> = {
  schema: durationOf(0),
  write: (ms) => (ms === 0 ? "0s" : formatDuration(ms)),
  words: { unit: "duration" },
};

/** "off" is 0. */
export const size: Form<Bytes> = {
  schema: sizeOf({ off: true }),
  write: (bytes) => (bytes === 0 ? "off" : sizeText(bytes)),
  words: { unit: "size or off" },
};

/** A size that may be 0, and has no "off". */
export const bytes: Form<Bytes> = {
  schema: sizeOf({ min: 0 }),
  write: (value) => sizeText(value),
  words: { unit: "size" },
};

/** With a unit where it comes out even. */
export function sizeText(bytes: Bytes): string | number {
  for (const [unit, factor] of [
    ["GiB", 2 ** 30],
    ["MiB", 2 ** 20],
    ["KiB", 2 ** 10],
  ] as const)
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor}${unit}`;
  return bytes;
}

/** One of some words. */
export function words<const W extends string>(...all: readonly W[]): Form<W> {
  return { schema: z.enum(all) as unknown as z.ZodMiniType<W>, write: (value) => value };
}

/** "off" (or false) stands for null. */
export function orOff<T>(form: Form<T>): Form<T | null> {
  const none = z.pipe(
    z.literal(["off", false]),
    z.transform((): null => null),
  );
  const schema = z.union([none, form.schema], {
    error: ({ input }) => refusal(`expected a value or "off", found ${found(input)}`),
  });
  return {
    ...form,
    schema: schema as unknown as z.ZodMiniType<T | null>,
    write: (value) => (value === null ? "off" : form.write(value)),
  };
}

/** null is left out; nothing that is inherited may be so. */
export function orNothing<T>(form: Form<T>): Form<T | null> {
  const write = (value: T | null) => (value === null ? undefined : form.write(value));
  return { ...form, schema: form.schema as z.ZodMiniType<T | null>, write };
}

/** One or a list; "off" is none. */
export function list<T>(item: Form<T>, expects: string): Form<readonly T[]> {
  const many = listOf(item.schema, `${expects}, or a list of them`);
  const none = z.pipe(
    z.literal(["off", false]),
    z.transform((): T[] => []),
  );
  const { visit } = item;
  return {
    schema: z.union([none, many], {
      error: ({ input }) => refusal(`expected ${expects}, a list of them, or "off", found ${found(input)}`),
    }) as unknown as z.ZodMiniType<readonly T[]>,
    write: (values) => {
      if (values.length === 0) return "off";
      const written = values.map((value) => item.write(value));
      const [only] = written;
      // A text by itself must not mean "off".
      return written.length === 1 && typeof only !== "object" && only !== "off" && only !== false ? only : written;
    },
    ...(visit && {
      visit: (raw: unknown, path: Path, see: See) => {
        if (raw === "off") return;
        if (!Array.isArray(raw)) visit(raw, path, see);
        else raw.forEach((each, index) => void visit(each, [...path, index], see));
      },
    }),
    words: { unit: `${item.words?.unit ?? expects}, or a list` },
  };
}

/** A mapping of keys to texts, as pairs in order. */
export function pairs<T>(
  value: Form<T>,
  options: { readonly unit: string; readonly key?: NameKind },
): Form<readonly (readonly [string, T])[]> {
  const record = z.record(z.string(), value.schema, {
    error: ({ input }) => refusal(`expected a mapping of ${options.unit}, found ${found(input)}`),
  });
  return {
    schema: z.pipe(
      record,
      z.transform((all) => Object.entries(all).map(([key, each]) => [bytesOfText(key), each] as const)),
    ) as unknown as z.ZodMiniType<readonly (readonly [string, T])[]>,
    write: (all) => Object.fromEntries(all.map(([key, each]) => [textOfBytes(key), value.write(each)])),
    visit: (raw, path, see) => {
      if (typeof raw !== "object" || raw === null) return;
      for (const [key, each] of Object.entries(raw)) {
        if (options.key) see(options.key, bytesOfText(key), [...path, key]);
        value.visit?.(each, [...path, key], see);
      }
    },
    words: { unit: options.unit },
  };
}

/** A short form beside the full one: text (or what else `short` reads). */
export function orShort<T, S>(
  full: Form<T>,
  short: Form<S>,
  expects: string,
  { widen, narrow }: { readonly widen: (value: S) => T; readonly narrow: (value: T) => S | undefined },
): Form<T> {
  const shortened = z.pipe(short.schema as z.ZodMiniType, z.transform(widen as (value: unknown) => T) as never);
  return {
    schema: z.union([shortened, full.schema], {
      error: ({ input }) => refusal(`expected ${expects}, found ${found(input)}`),
    }) as unknown as z.ZodMiniType<T>,
    write: (value) => {
      const narrowed = narrow(value);
      return narrowed === undefined ? full.write(value) : short.write(narrowed);
    },
    visit: (raw, path, see) =>
      (typeof raw === "object" && raw !== null && !Array.isArray(raw) ? full : short).visit?.(raw, path, see),
  };
}

/** A form of another type, by a pair of functions. */
export function mapped<A, B>(form: Form<A>, there: (value: A) => B, back: (value: B) => A): Form<B> {
  return {
    ...form,
    schema: z.pipe(
      form.schema as z.ZodMiniType,
      z.transform(there as (value: unknown) => B) as never,
    ) as unknown as z.ZodMiniType<B>,
    write: (value) => form.write(back(value)),
  };
}
