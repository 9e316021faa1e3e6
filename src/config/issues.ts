// What the schema found wrong, as problems with their place. A union tells of the one form that was meant (the one
// that fits the kind of the value), an unknown key brings the known ones along.
import type * as z from "zod/mini";
import type { Problem } from "./config.ts";
import type { Path, SourceDocument } from "./document.ts";
import { found } from "./fields.ts";
import { suggestionHint } from "./suggest.ts";

type Issue = z.core.$ZodIssue;

/** Names of other programs, and what is their like here. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ["servers", "endpoints"],
  ["backends", "upstreams"],
  ["targets", "endpoints"],
  ["upstream", "proxy"],
  ["proxy_pass", "proxy"],
  ["server_name", "host"],
  ["return", "respond"],
  ["location", "path"],
  ["proxy_read_timeout", "timeouts: { head: …, idle-body: … }"],
  ["proxy_connect_timeout", "timeouts: { connect: … }"],
  ["client_max_body_size", "body"],
  ["retries", "retry: { attempts: … }"],
  ["timeout", "timeouts"],
  ["proxy_next_upstream", "retry: { status: … }"],
  ["max_fails", "eject: { failures: … }"],
  ["fail_timeout", "eject: { within: …, for: … }"],
  ["max_conns", "limits: { connections: … }"],
  ["slow_start", "slow-start"],
  ["health_check", "health"],
  ["healthcheck", "health"],
  ["outlier_detection", "eject"],
  ["circuit_breaker", "breaker"],
]);

/** The problems that the schema's issues stand for. */
export function problemsOf(issues: readonly Issue[], document: SourceDocument): Problem[] {
  return issues.flatMap((issue) => translate(issue, [], document));
}

function translate(issue: Issue, above: Path, document: SourceDocument): Problem[] {
  const path = [...above, ...issue.path];
  if (issue.code === "invalid_union") {
    const meant = meantForm(issue.errors, issue.input);
    if (meant) return meant.flatMap((inner) => translate(inner, path, document));
  }
  if (issue.code === "unrecognized_keys") {
    const known = issue.message.split(" ");
    return issue.keys.map((key) =>
      document.locate(
        { severity: "error", message: `unknown key "${key}"`, hint: unknownKeyHint(key, known) },
        [...path, key],
        "key",
      ),
    );
  }
  const [message, hint] = wordsOf(issue, path);
  const problem: Problem = hint === "" ? { severity: "error", message } : { severity: "error", message, hint };
  const atKey = issue.code === "custom" && issue.params?.["atKey"] === true;
  return [document.locate(problem, path, atKey ? "key" : "value")];
}

/** The form whose issues lie within the value, or concern its content and not its kind. */
function meantForm(forms: readonly (readonly Issue[])[], input: unknown): readonly Issue[] | undefined {
  const fitting = forms.filter((form) => !form.some((issue) => isOtherKind(issue, input)));
  const byContent = fitting.filter((form) =>
    form.some((issue) => issue.code !== "invalid_value" || issue.path.length > 0),
  );
  const candidates = byContent.length > 0 ? byContent : fitting;
  // A word that is one of several allowed ones in some form, and an error in another: the union knows both.
  if (candidates.length === 0 || (fitting.length > 1 && byContent.length === 0)) return undefined;
  return candidates.reduce((best, form) => (form.length < best.length ? form : best));
}

function isOtherKind(issue: Issue, input: unknown): boolean {
  if (issue.path.length > 0) return false;
  if (issue.code === "invalid_type")
    return issue.message !== "" && !(issue.expected === "int" && typeof input === "number");
  if (issue.code === "invalid_value") return !issue.values.some((value) => typeof value === typeof input);
  if (issue.code === "invalid_union")
    return issue.errors.every((form) => form.some((inner) => isOtherKind(inner, input)));
  return false;
}

function wordsOf(issue: Issue, path: Path): [message: string, hint: string] {
  const name = String(path.at(-1) ?? "");
  if (issue.code === "invalid_type" && issue.input === undefined && typeof path.at(-1) === "string")
    return [`"${name}" is missing`, ""];
  const [message = "", hint = ""] = issue.message.split("\n");
  // zod/mini has no words of its own.
  if (message !== "Invalid input") return [message, hint];
  if (issue.code === "invalid_value") {
    const values = issue.values.map(String);
    if (typeof issue.input === "string") return [`unknown value "${issue.input}"`, suggestionHint(issue.input, values)];
    return [`expected ${values.map((value) => `"${value}"`).join(" or ")}, found ${found(issue.input)}`, ""];
  }
  if (issue.code === "invalid_type" && issue.expected === "boolean") {
    const meant = /^(?:yes|on)$/i.test(String(issue.input)) ? "true" : "false";
    return [
      `expected true or false, found ${found(issue.input)}`,
      /^(?:yes|no|on|off)$/i.test(String(issue.input)) ? `write ${meant}` : "",
    ];
  }
  if (issue.code === "invalid_type")
    return [`expected ${KINDS[issue.expected] ?? issue.expected}, found ${found(issue.input)}`, ""];
  return [`"${name}" is not valid`, ""];
}

const KINDS: Readonly<Record<string, string>> = {
  object: "a mapping",
  record: "a mapping",
  array: "a list",
  boolean: "true or false",
  string: "text",
  number: "a number",
  int: "a whole number",
};

function unknownKeyHint(key: string, known: readonly string[]): string {
  const alias = ALIASES.get(key);
  if (alias !== undefined && known.includes(alias.split(":")[0]!)) return `did you mean "${alias}"?`;
  return suggestionHint(key, known);
}
