// The kinds of fields that the schema is made of. Each takes what a person writes, gives what the program uses, and
// carries the words for the reference page. What is wrong is said as "message\nhint" in an issue; issues.ts gives it
// its place in the file. zod/mini: 34 KB instead of 140.
import * as z from "zod/mini";
import { type Bytes, type Ms, parseDuration, parseSize } from "../std/units.ts";
import { errorOf, isProblem } from "./address.ts";
import type { Problem } from "./config.ts";
import { parseTemplate } from "./template.ts";

/** What the reference page and the JSON Schema say of a field, beside its type. */
export interface FieldWords {
  readonly description: string;
  /** How the value is written. */
  readonly unit?: string;
  readonly pattern?: string;
  readonly examples?: readonly unknown[];
}

/** The schema with the words of a field; the schema that is passed in keeps its own. */
export function field<S extends z.ZodMiniType>(
  schema: S,
  description: string,
  words: Omit<FieldWords, "description"> = {},
): S {
  const copy = z.clone(schema, schema._zod.def) as S;
  z.globalRegistry.add(copy, { ...z.globalRegistry.get(schema), description, ...words });
  return copy;
}

/** A part of the file that may be left out: its fields have their defaults then. */
export function group<Shape extends Record<string, z.ZodMiniType>>(description: string, shape: Shape) {
  return z.prefault(field(mapping(shape), description), {} as never);
}

/** Why a value is refused, for a schema's `error`. */
export function refusal(message: string, hint = ""): string {
  return hint === "" ? message : `${message}\n${hint}`;
}

/** Text that `read` turns into a value or a problem. */
export function textAs<T>(
  expects: string,
  read: (text: string) => T | Problem,
  words: { unit?: string; pattern?: string } = {},
  numberHint: (value: number) => string = quoteHint,
): z.ZodMiniPipe<z.ZodMiniString, z.ZodMiniTransform<T, string>> {
  const text = z.string({
    error: (issue) =>
      refusal(
        `expected ${expects}, found ${found(issue.input)}`,
        typeof issue.input === "number" ? numberHint(issue.input) : quoteHint(issue.input),
      ),
  });
  const transform = z.transform((value: string, context): T => {
    const result = read(value);
    if (typeof result === "object" && result !== null && isProblem(result)) {
      context.issues.push({ code: "custom", input: value, message: refusal(result.message, result.hint) });
      return z.NEVER;
    }
    return result as T;
  });
  const pipe = z.pipe(text, transform);
  pipe.register(z.globalRegistry, words);
  return pipe as z.ZodMiniPipe<z.ZodMiniString, z.ZodMiniTransform<T, string>>;
}

const DURATION_PATTERN = String.raw`^(\d+(\.\d+)?(d|h|ms|m|s))+$`;
const SIZE_PATTERN = String.raw`^\d+(\.\d+)? ?([kKmMgG]([iI]?[bB])?|[bB])?$`;

/** "5s", "250ms", "1m30s"; a number without a unit is refused. */
export function duration(description: string, standard: string, { min = 1 }: { min?: Ms } = {}) {
  return z.prefault(field(durationOf(min), description, { unit: "duration", pattern: DURATION_PATTERN }), standard);
}

/** As duration, without a default. */
export function optionalDuration(description: string) {
  return z.optional(field(durationOf(1), description, { unit: "duration", pattern: DURATION_PATTERN }));
}

export function durationOf(min: Ms) {
  const schema = z.string({
    error: ({ input }) => {
      if (typeof input !== "number")
        return refusal(`expected a duration, found ${found(input)}`, 'write "5s", "250ms", "1m30s"');
      return refusal(`the duration ${input} has no unit`, unitHint(input));
    },
  });
  return z.pipe(
    schema,
    z.transform((text: string, context): Ms => {
      const ms = parseDuration(text);
      if (ms !== undefined && ms >= min) return ms;
      const bare = /^\d+$/.test(text);
      const message = bare
        ? `the duration ${text} has no unit`
        : ms === undefined
          ? `"${text}" is not a duration`
          : `${text} is too short`;
      const hint = bare ? unitHint(text) : 'write "5s", "250ms", "1m30s"';
      context.issues.push({ code: "custom", input: text, message: refusal(message, hint) });
      return z.NEVER;
    }),
  );
}

/** What to write instead of a bare number. */
export function unitHint(value: number | string): string {
  return `write "${value}s" for seconds, "${value}ms" for milliseconds`;
}

/** "64KiB", "10m", 512 (bytes). With `off`, "off" means no limit and gives 0. */
export function sizeOf({ off = false, min = 1 }: { off?: boolean; min?: Bytes } = {}) {
  const forms = off ? 'write "64KiB", "10MiB", or off for no limit' : 'write "64KiB", "10MiB"';
  const schema = z.union([z.string(), z.number(), z.literal(false)], {
    error: ({ input }) => refusal(`expected a size, found ${found(input)}`, forms),
  });
  return z.pipe(
    schema,
    z.transform((value: string | number | false, context): Bytes => {
      if (off && (value === "off" || value === false || value === 0)) return 0;
      const bytes = parseSize(String(value));
      if (bytes !== undefined && bytes >= min) return bytes;
      const message = bytes === undefined ? `${JSON.stringify(value)} is not a size` : `${value} is too small`;
      context.issues.push({ code: "custom", input: value, message: refusal(message, forms) });
      return z.NEVER;
    }),
  );
}

export function size(description: string, standard: string, options: { off?: boolean; min?: Bytes } = {}) {
  return z.prefault(
    field(sizeOf(options), description, {
      unit: options.off ? "size or off" : "size",
      pattern: options.off ? `${SIZE_PATTERN}|^off$` : SIZE_PATTERN,
    }),
    standard,
  );
}

/** A whole number from `min` to `max`. */
export function count(min: number, max: number = Number.MAX_SAFE_INTEGER) {
  const bounds = max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `from ${min} to ${max}`;
  const error = ({ input }: { input?: unknown }) => `expected a whole number, ${bounds}, found ${found(input)}`;
  return z.int({ error }).check(z.minimum(min, { error }), z.maximum(max, { error }));
}

/** true or false. */
export function flag(description: string, standard: boolean) {
  return z.prefault(field(z.boolean(), description), standard);
}

/** "20%" as 0.2. */
export const percent = textAs(
  'a percentage such as "20%"',
  (text): number | Problem => {
    const match = /^(\d{1,3}(?:\.\d+)?)%$/.exec(text);
    const value = match ? Number(match[1]) : Number.NaN;
    return value <= 100 ? value / 100 : errorOf(`"${text}" is not a percentage`, 'write "20%"');
  },
  { unit: "percentage", pattern: String.raw`^\d{1,3}(\.\d+)?%$` },
  percentHint,
);

/** What to write instead of a bare number. */
export function percentHint(value: number): string {
  return `write "${value}%"`;
}

/** Text with placeholders; kept as text, so that the program compiles it once. */
export function templateOf({ allowed, lines = false, check }: TemplateOptions = {}) {
  return textAs(
    "text",
    (text): string | Problem => {
      if (lines ? text.includes("\0") : /[\r\n\0]/.test(text)) return errorOf("the value has a line break or a NUL");
      const parts = parseTemplate(text, allowed);
      return "message" in parts ? parts : (check?.(text) ?? text);
    },
    { unit: "template" },
  );
}

interface TemplateOptions {
  /** Placeholders that make sense here; all where it is left out. */
  readonly allowed?: readonly string[] | undefined;
  /** Whether it may have several lines. */
  readonly lines?: boolean;
  readonly check?: (text: string) => Problem | null;
}

/** Plain text. */
export const text = textAs("text", (value) => value);

/** Off, as `off` or `false`. */
export const off = z.literal(["off", false]);

/** A mapping; "off" stands for none of what it does. */
export function offOr<M extends z.ZodMiniType>(fields: M) {
  const error = ({ input }: { input?: unknown }) =>
    refusal(
      `expected a mapping, or "off", found ${found(input)}`,
      input === true || input === "on" ? "write { } for the defaults" : "",
    );
  return z.union([z.literal(["off", false], { error }), fields], { error });
}

/** One of several forms; `expects` names them for the message. */
export function either<const T extends readonly z.ZodMiniType[]>(
  expects: string,
  forms: T,
  numberHint: (value: number) => string = quoteHint,
) {
  return z.union(forms, {
    error: ({ input }) =>
      refusal(
        `expected ${expects}, found ${found(input)}`,
        typeof input === "number" ? numberHint(input) : quoteHint(input),
      ),
  });
}

/** One value or a list of them; gives a list. */
export function listOf<S extends z.ZodMiniType>(item: S, expects: string) {
  return z.pipe(
    either(expects, [item, z.array(item)]),
    z.transform((value): z.output<S>[] => (Array.isArray(value) ? value : [value as z.output<S>])),
  );
}

/** A mapping with these keys and no others; the issue of an unknown key carries the known ones. */
export function mapping<Shape extends Record<string, z.ZodMiniType>>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code === "unrecognized_keys") return Object.keys(shape).join(" ");
      return refusal(`expected a mapping, found ${found(issue.input)}`, `its keys: ${Object.keys(shape).join(", ")}`);
    },
  });
}

/** What a value is, for a message. */
export function found(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "nothing (null)";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  if (typeof value === "string") return `"${value.length > 60 ? `${value.slice(0, 57)}…` : value}"`;
  return `${typeof value === "number" ? "the number " : ""}${String(value)}`;
}

/** {client.ip} without quotes is a YAML mapping, 1.10 a number, yes a text: quotes make it plain. */
function quoteHint(value: unknown): string {
  if (typeof value === "number" || typeof value === "boolean") return `put it in quotes: "${value}"`;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "";
  const [key, ...more] = Object.keys(value);
  return key !== undefined && more.length === 0 && Object.values(value)[0] === null
    ? `put it in quotes: "{${key}}"`
    : "";
}
