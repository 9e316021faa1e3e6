// The kinds of parameters that calls take: each bounded, each with words for the OpenAPI document, each with a message
// that says what to write instead. Parameters of a query come as text, those of a body as JSON.
import * as z from "zod/mini";
import type { Problem as ConfigProblem } from "../../config/config.ts";
import { field, found, mapping, refusal, textAs } from "../../config/fields.ts";
import { type Ms, parseDuration } from "../../std/units.ts";

export { field, mapping };

const DAY_MS = 86_400_000;
/** Nothing is kept for longer. */
export const RANGE_MAX_MS: Ms = 400 * DAY_MS;
/** Of a time in the year 2100: what is later is microseconds, or a slip. */
const INSTANT_MAX_MS: Ms = 4_102_444_800_000;

/** `schema` with what the document says of it instead of its own: a query brings numbers as text. */
function shownAs<S extends z.ZodMiniType>(schema: S, json: Readonly<Record<string, unknown>>): S {
  z.globalRegistry.add(schema, { ...z.globalRegistry.get(schema), ...json });
  return schema;
}

const problem = (message: string, hint: string): ConfigProblem => ({ severity: "error", message, hint });

/** Text without control characters. */
export function textOf(description: string, max: number, { min = 1 }: { min?: number } = {}) {
  const error = ({ input }: { input?: unknown }) => refusal(`expected text, found ${found(input)}`);
  return field(
    z
      .string({ error })
      .check(
        z.minLength(min, "it is empty\nleave it out, or write something"),
        z.maxLength(max, `it is longer than ${max} characters\nshorten it`),
        z.regex(/^[^\x00-\x1f\x7f\u2028\u2029]*$/, "it has a control character\ntake line breaks and tabs out"),
      ),
    description,
  );
}

/** An instant: milliseconds since 1970, ISO 8601, or so long ago ("-1h"). */
export function instant(description: string) {
  return field(
    textAs("an instant", (text): Instant | ConfigProblem => {
      if (/^\d{1,16}$/.test(text) && Number(text) <= INSTANT_MAX_MS) return { at: Number(text) };
      const ago = /^-(.+)$/.exec(text)?.[1];
      const agoMs = ago === undefined ? undefined : parseDuration(ago);
      if (agoMs !== undefined && agoMs <= RANGE_MAX_MS) return { agoMs };
      if (text === "now") return { agoMs: 0 };
      const iso = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/.test(text);
      const at = iso ? Date.parse(text) : Number.NaN;
      if (at >= 0 && at <= INSTANT_MAX_MS) return { at };
      return problem(
        `"${text.slice(0, 60)}" is not an instant`,
        "write milliseconds since 1970, 2026-01-31T12:00:00Z, or a time ago: -15m, -1h, -7d",
      );
    }),
    description,
  );
}

/** As written: absolute, or relative to the moment of the request. */
export type Instant = { readonly at: Ms } | { readonly agoMs: Ms };

/** A whole number in a query. */
export function number(description: string, min: number, max: number) {
  const schema = field(
    textAs(`a whole number from ${min} to ${max}`, (text): number | ConfigProblem => {
      const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
      if (value >= min && value <= max) return value;
      return problem(
        `"${text.slice(0, 60)}" is not a whole number from ${min} to ${max}`,
        `write a number from ${min} to ${max}`,
      );
    }),
    description,
  );
  return shownAs(schema, { type: "integer", minimum: min, maximum: max });
}

/** true, false, 1, 0 in a query. */
export function flagText(description: string) {
  const schema = field(
    textAs("true or false", (text): boolean | ConfigProblem => {
      if (text === "true" || text === "1") return true;
      if (text === "false" || text === "0") return false;
      return problem(`"${text.slice(0, 60)}" is neither true nor false`, "write true or false");
    }),
    description,
  );
  return shownAs(schema, { type: "boolean" });
}

/** One of several words. */
export function wordOf<const T extends readonly string[]>(description: string, words: T) {
  return field(
    z.enum(words, {
      error: ({ input }) =>
        refusal(`expected ${words.join(", ")}, found ${found(input)}`, `write one of: ${words.join(", ")}`),
    }),
    description,
  );
}

/** Words that may be given several times, or with commas between. */
export function wordsOf<const T extends readonly string[]>(description: string, words: T) {
  const list = z.union([z.string(), z.array(z.string()).check(z.maxLength(20, "more than 20 of them\nask for fewer"))]);
  const schema = field(
    z.pipe(
      list,
      z.transform((value, context): readonly T[number][] => {
        const given = [value].flat().flatMap((text) => text.split(",", 20).map((part) => part.trim()));
        const wrong = given.find((part) => !words.includes(part));
        if (wrong === undefined) return given;
        const message = `"${wrong.slice(0, 60)}" is not one of ${words.join(", ")}`;
        context.issues.push({
          code: "custom",
          input: value,
          message: refusal(message, `write one of: ${words.join(", ")}`),
        });
        return z.NEVER;
      }),
    ),
    description,
  );
  return shownAs(schema, { anyOf: undefined, type: "array", items: { type: "string", enum: words } });
}

/** Names that may hold commas: one per parameter. */
export function namesOf(description: string, max: number, charsMax: number) {
  const name = textOf(description, charsMax);
  const list = z.union([name, z.array(name).check(z.maxLength(max, `more than ${max} of them\nask for fewer`))]);
  const schema = field(
    z.pipe(
      list,
      z.transform((value): readonly string[] => [value].flat()),
    ),
    description,
  );
  return shownAs(schema, { anyOf: undefined, type: "array", items: { type: "string" }, maxItems: max });
}

/** Parameters of a time span; `rangeOf` makes it. */
export const rangeFields = {
  from: z.optional(instant("Begin: milliseconds since 1970, ISO 8601, or a time ago such as -1h.")),
  to: z.optional(instant("End, written as `from`; now where it is left out.")),
};

export interface RangeText {
  readonly from?: Instant | undefined;
  readonly to?: Instant | undefined;
}

/** The span that was asked for; null = it ends before it begins. */
export function rangeOf({ from, to }: RangeText, nowMs: Ms, standardMs: Ms): { from: Ms; to: Ms } | null {
  const end = to === undefined ? nowMs : absolute(to, nowMs);
  const begin = from === undefined ? end - standardMs : absolute(from, nowMs);
  return begin < end ? { from: Math.max(begin, end - RANGE_MAX_MS), to: end } : null;
}

const absolute = (instant: Instant, nowMs: Ms): Ms => ("at" in instant ? instant.at : nowMs - instant.agoMs);

/** What is answered where `rangeOf` gives null. */
export const EMPTY_RANGE = {
  problem: {
    status: 400,
    title: "The span is empty",
    field: "to",
    detail: "`to` is not later than `from`: exchange them, or leave `to` out for now.",
  },
} as const;
