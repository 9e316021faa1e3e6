// Values with variables: nginx's "$name", "${name}" and "$1" become "{$name}" and "{$1}" of Config, a brace by itself
// "{{". A capture is one digit. What nginx refuses is told in its words; the rest of the text is kept.
import type { Text } from "../../config/servers.ts";
import { literalText, variableText } from "../../config/text.ts";
import type { Arg, Directive } from "../tree.ts";
import type { Scope } from "./scope.ts";

/** What a value is made of. */
export type Part = { readonly text: string } | { readonly variable: string };

/** A value with variables, as Config has it. */
export function textOf(scope: Scope, directive: Directive, value: string | Arg): Text {
  const { parts, error } = partsOf(typeof value === "string" ? value : value.value);
  if (error !== null) scope.problems.complain(directive, error, typeof value === "string" ? undefined : value);
  for (const part of parts) if ("variable" in part) noteUse(scope, directive, part.variable);
  return textOfParts(parts);
}

/** The text of parts. */
export function textOfParts(parts: readonly Part[]): Text {
  return parts.map((part) => ("text" in part ? literalText(part.text) : variableText(part.variable))).join("");
}

/** Whether nginx sees a variable in it. */
export function hasVariables(value: string): boolean {
  return value.includes("$");
}

/** The name of "$name" where a directive takes a variable; undefined = nginx's complaint was made. */
export function variableName(scope: Scope, directive: Directive, arg: Arg | undefined): string | undefined {
  const value = arg?.value ?? "";
  if (value.startsWith("$") && value.length > 1) return value.slice(1).toLowerCase();
  scope.problems.complain(directive, `invalid variable name "${value}"`, arg);
  return undefined;
}

/** The value of "$name" where nginx takes all behind the "$" for the name, brackets too. */
export function wholeVariable(scope: Scope, directive: Directive, value: string): Text {
  if (/^\$\w+$/.test(value)) return textOf(scope, directive, value);
  scope.problems.complain(directive, `unknown "${value.slice(1)}" variable`, undefined, { placeless: true });
  return "";
}

/** Remembers that a variable is used, so that an unknown one is told. */
export function noteUse({ variables }: Scope, directive: Directive, name: string): void {
  if (!/^[1-9]$/.test(name) && !variables.used.has(name)) variables.used.set(name, directive);
}

/** Splits a value at its variables. */
export function partsOf(value: string): { readonly parts: readonly Part[]; readonly error: string | null } {
  const parts: Part[] = [];
  let error: string | null = null;
  let text = "";
  const push = (variable: string): void => {
    if (text !== "") parts.push({ text });
    text = "";
    parts.push({ variable });
  };
  for (let at = 0; at < value.length; ) {
    if (value[at] !== "$") {
      text += value[at];
      at += 1;
      continue;
    }
    const [, capture, bracket, name] = /^\$(?:([1-9])|(\{?)(\w*))/.exec(value.slice(at, at + 1024))!;
    at += 1 + (capture ?? `${bracket}${name}`).length;
    const closed = bracket !== "{" || value[at] === "}";
    if (capture !== undefined) push(capture);
    else if (!closed && !(bracket === "{" && at >= value.length && name === ""))
      error ??= `the closing bracket in "${name}" variable is missing`;
    else if (name === undefined || name === "") error ??= "invalid variable name";
    else push(name.toLowerCase());
    if (bracket === "{" && closed) at += 1;
  }
  if (text !== "") parts.push({ text });
  return { parts, error };
}
