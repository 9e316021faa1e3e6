// From a request's query and body to what an operation takes, or to the problem with them: unknown parameters, a value
// given twice, what a schema refuses. Pure; the words are the schema's own (fields.ts): "message\nhint".
import type * as z from "zod/mini";
import { suggestionHint } from "../../config/suggest.ts";
import { isSecretName } from "../../std/redact.ts";
import type { Problem } from "../answer.ts";

const PARAMETERS_MAX = 100;
const SHOWN_CHARS_MAX = 200;

export type Read<T> = { readonly value: T } | { readonly problem: Problem };

/** A query ("a=1&b=2") by a schema; without a schema it must be empty. */
export function readQuery(query: string, schema: z.ZodMiniType | undefined): Read<unknown> {
  const given: Record<string, string | string[]> = Object.create(null) as Record<string, string | string[]>;
  let count = 0;
  for (const [name, value] of new URLSearchParams(query)) {
    count += 1;
    if (count > PARAMETERS_MAX)
      return refused("query", "", `more than ${PARAMETERS_MAX} parameters`, "ask for less at once");
    const before = given[name];
    given[name] = before === undefined ? value : [...(typeof before === "string" ? [before] : before), value];
  }
  const known = schema === undefined ? [] : namesIn(schema);
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    return refused(name, textOf(given[name]), "unknown parameter", suggestionHint(name, known));
  }
  return schema === undefined ? { value: {} } : readBy(schema, { ...given });
}

/** A body by a schema; "" stands for {}. */
export function readBody(text: string, schema: z.ZodMiniType | undefined): Read<unknown> {
  let value: unknown = {};
  if (text.trim() !== "") {
    try {
      value = JSON.parse(text);
    } catch (error) {
      return refused("body", text, `not JSON (${(error as Error).message.slice(0, 100)})`, "send one JSON object");
    }
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return refused("body", text, "not a JSON object", "send {} or an object with the fields that the call takes");
  }
  if (schema !== undefined) return readBy(schema, value);
  const [unknown] = Object.keys(value);
  return unknown === undefined ? { value: {} } : refused(unknown, "", "unknown field", "the call takes none: send {}");
}

function readBy(schema: z.ZodMiniType, input: unknown): Read<unknown> {
  const result = schema.safeParse(input);
  if (result.success) return { value: result.data };
  const issue = deepest(result.error.issues);
  const name = issue.path.map(String).join(".");
  const at = valueAt(input, issue.path);
  if (issue.code === "unrecognized_keys") {
    const key = issue.keys[0] ?? "";
    return refused(
      [...issue.path.map(String), key].join("."),
      "",
      "unknown field",
      suggestionHint(key, issue.message.split(" ")),
    );
  }
  if (at === undefined) return refused(name, "", "it is missing", "the OpenAPI document says what the call takes");
  const [message = "", hint = ""] = issue.message.split("\n");
  const said = message === "Invalid input" ? "it is not what is expected here" : message;
  return refused(name, textOf(at), said, hint === "" ? "the OpenAPI document says what the call takes" : hint);
}

type Issue = z.core.$ZodIssue;

/** Of a union the form whose problem is furthest in: that is the one that was meant. */
function deepest(issues: readonly Issue[]): Issue {
  const first = issues[0]!;
  if (first.code !== "invalid_union") return first;
  const forms = first.errors.flatMap((form) => (form.length === 0 ? [] : [deepest(form)]));
  const inner = forms.sort((a, b) => weightOf(b) - weightOf(a))[0];
  return inner === undefined ? first : ({ ...inner, path: [...first.path, ...inner.path] } as Issue);
}

/** A value that is wrong says more than a field that another form would want. */
function weightOf(issue: Issue): number {
  if (issue.code === "invalid_type") return issue.path.length - 0.5;
  return issue.path.length + (issue.code === "unrecognized_keys" ? 0.25 : 0.5);
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

function namesIn(schema: z.ZodMiniType): readonly string[] {
  const { def } = schema._zod as unknown as { def: { shape?: Record<string, unknown>; in?: z.ZodMiniType } };
  return def.shape ? Object.keys(def.shape) : def.in ? namesIn(def.in) : [];
}

/** As it was given; what is nested is only named, since a body may nest deeper than any stack reaches. */
function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.every(isFlat) ? JSON.stringify(value) : "[…]";
  if (typeof value === "object" && value !== null)
    return Object.values(value).every(isFlat) ? JSON.stringify(value) : "{…}";
  return JSON.stringify(value) ?? "";
}

const isFlat = (value: unknown): boolean => typeof value !== "object" || value === null;

function refused(field: string, value: string, message: string, hint: string): Read<never> {
  const shown = field.slice(0, SHOWN_CHARS_MAX);
  return {
    problem: {
      status: 400,
      title: "Not a valid request",
      detail: `${shown}: ${message}; ${hint}.`,
      field: shown,
      // A token with a slip in it is still nearly one.
      ...(value === "" || field === "body" || isSecretName(field) ? {} : { value: value.slice(0, SHOWN_CHARS_MAX) }),
    },
  };
}
