// The rewrite program of a server or location: steps in order, each a mapping with the key that says what it does.
import * as z from "zod/mini";
import { count, type Form, flag, list, mapped, nameOf, orNothing, orShort, pattern, text, words } from "./forms.ts";
import { part, type RecordForm, record } from "./forms-record.ts";
import { tagged } from "./forms-tagged.ts";
import { type BlockChange, block } from "./schema-servers-block.ts";
import type { Condition, RewriteStep } from "./servers.ts";

type Step<D extends RewriteStep["do"]> = Extract<RewriteStep, { readonly do: D }>;
type Words<D extends RewriteStep["do"]> = Omit<Step<D>, "do">;

/** Steps as the file has them: the settings of an `if` are what differs from those around it. */
export type FileStep =
  | Step<"set" | "break" | "return">
  | (Omit<Step<"rewrite">, "then"> & { readonly then: Step<"rewrite">["then"] | null })
  | {
      readonly do: "if";
      readonly condition: Condition;
      readonly then: readonly FileStep[];
      /** null = nothing is written; "off" = they stay as they are. */
      readonly settings: BlockChange | "off" | null;
    };

interface Comparison {
  readonly with: string;
  readonly value: string;
}
type Match = Pick<Extract<Condition, { kind: "matches" }>, "value" | "pattern">;
interface FileTest {
  readonly path: string;
  readonly not: boolean;
}
type Tagged =
  | ({ readonly is: "equals" | "not-equals" } & Comparison)
  | ({ readonly is: "matches" | "not-matches" } & Match)
  | ({ readonly is: "file" | "directory" | "exists" | "executable" } & FileTest);

const value = part("value", text, "What is compared.");

function comparison(key: string, description: string): RecordForm<Comparison> {
  return record<Comparison>({ value, with: part(key, text, description) });
}

function match(key: string, description: string): RecordForm<Match> {
  return record<Match>({ value, pattern: part(key, pattern, description) });
}

function fileTest(key: string, description: string): RecordForm<FileTest> {
  return record<FileTest>({ path: part(key, text, description), not: part("not", flag, "Turns it round.", false) });
}

const tests = tagged<Tagged>("is", {
  equals: comparison("equals", "Text that it equals."),
  "not-equals": comparison("not-equals", "Text that it does not equal."),
  matches: match("matches", "Regular expression that it matches."),
  "not-matches": match("not-matches", "Regular expression that it does not match."),
  file: fileTest("file", "Path of a file that is there."),
  directory: fileTest("directory", "Path of a folder that is there."),
  exists: fileTest("exists", "Path that is there."),
  executable: fileTest("executable", "Path of a file that can be run."),
});

const condition: Form<Condition> = orShort(
  mapped<Tagged, Condition>(
    tests,
    (test) => {
      const not = test.is.startsWith("not-");
      if ("with" in test) return { kind: "equals", value: test.value, with: test.with, not };
      if ("pattern" in test) return { kind: "matches", value: test.value, pattern: test.pattern, not };
      return {
        kind: "file",
        test: test.is as Extract<Condition, { kind: "file" }>["test"],
        path: test.path,
        not: test.not,
      };
    },
    (made) => {
      switch (made.kind) {
        case "equals":
          return { is: made.not ? "not-equals" : "equals", value: made.value, with: made.with };
        case "matches":
          return { is: made.not ? "not-matches" : "matches", value: made.value, pattern: made.pattern };
        case "file":
          return { is: made.test, path: made.path, not: made.not };
        case "set":
          throw new Error("a text by itself is written short");
      }
    },
  ),
  text,
  "a text, or a mapping with a test",
  {
    widen: (set): Condition => ({ kind: "set", value: set }),
    narrow: (made) => (made.kind === "set" ? made.value : undefined),
  },
);

const innerSteps: Form<readonly FileStep[]> = {
  schema: z.lazy(() => steps.schema) as unknown as z.ZodMiniType<readonly FileStep[]>,
  write: (all) => (all.length === 0 ? "off" : steps.write(all)),
  visit: (raw, path, see) => steps.visit?.(raw, path, see),
  words: { unit: "a step, or a list" },
};

type If = Omit<Extract<FileStep, { do: "if" }>, "do">;
type Rewrite = Omit<Extract<FileStep, { do: "rewrite" }>, "do">;

const ifSettings: Form<If["settings"]> = {
  schema: z.union([z.literal("off"), block.changes]) as unknown as z.ZodMiniType<If["settings"]>,
  write: (settings) =>
    settings === null || settings === "off" ? (settings ?? undefined) : block.writeChange(settings),
  visit: (raw, path, see) => block.visit?.(raw, path, see),
};

const redirect: Form<Rewrite["redirect"]> = {
  schema: z.literal([0, 301, 302]) as unknown as z.ZodMiniType<Rewrite["redirect"]>,
  write: (status) => status,
};

/** The field has this name in the program; the shorthand keeps it from being taken for a promise. */
function thenOf<T>(then: T): { readonly then: T } {
  return { then };
}

const full = tagged<Exclude<FileStep, { do: "break" }>>("do", {
  set: record<Words<"set">>({
    variable: part("set", nameOf("slot", "the name of a variable"), "Variable that gets a value."),
    value: part(
      "to",
      text,
      "Its value, or the new path of a rewrite: with `?args` it has its own, with `?` at the end none.",
    ),
  }),
  if: record<If>({
    condition: part("if", condition, "Text that is neither empty nor 0, or a mapping with a test."),
    ...thenOf(part("then", innerSteps, "Steps where it holds.", [])),
    settings: part(
      "settings",
      ifSettings,
      "Settings that hold from there on, where they differ from those around; off: no others. In a location that is all of a block, in a server nothing.",
      null,
    ),
  }),
  rewrite: record<Rewrite>({
    pattern: part("rewrite", pattern, "Regular expression of paths that are rewritten."),
    to: part("to", text, "New path; with `?args` it has its own, with `?` at the end none."),
    ...thenOf(
      part(
        "flag",
        orNothing(words("go-on", "last", "break")),
        "`last` chooses the location anew, `break` stays. Default: go-on, with redirect last.",
        null,
      ),
    ),
    redirect: part("redirect", redirect, "Status of a redirect instead; 0 for none.", 0),
    log: part("log", flag, "Whether the error log tells of it.", false),
  }),
  return: record<Words<"return">>({
    status: part("return", count(0, 999), "Status of the response; 444 closes the connection."),
    text: part("text", orNothing(text), "Its body, or where a redirect leads.", null),
  }),
});

const step: Form<FileStep> = orShort<FileStep, "break">(
  full as Form<FileStep>,
  words("break"),
  "break, or a mapping with set, if, rewrite or return",
  {
    widen: () => ({ do: "break" }),
    narrow: (made) => (made.do === "break" ? "break" : undefined),
  },
);

/** A program. */
export const steps: Form<readonly FileStep[]> = list(step, "a step");
