// Texts of the configuration as functions. They run several times per request, so the usual shapes (a constant, one
// variable, two parts) are closures of their own; a longer text concatenates, and nothing but the string is made.
import { textParts } from "../config/text.ts";
import type { CompiledText, Subject, Variable } from "./subject.ts";

/** A text whose variables `find` knows; `unknown` is the first name that it does not. */
export function compileText(
  text: string,
  find: (name: string) => Variable | undefined,
): CompiledText | { readonly unknown: string } {
  const parts = boundParts(text, find);
  return "unknown" in parts ? parts : rendering(parts);
}

/** The parts of a text, its variables as functions; `unknown` is the first name that `find` does not know. */
export function boundParts(
  text: string,
  find: (name: string) => Variable | undefined,
): readonly (string | Variable)[] | { readonly unknown: string } {
  const parts: (string | Variable)[] = [];
  for (const part of textParts(text)) {
    if (part.kind === "literal") {
      parts.push(part.text);
      continue;
    }
    const variable = find(part.name);
    if (variable === undefined) return { unknown: part.name };
    parts.push(variable);
  }
  return parts;
}

/** A text without variables. */
export function constantText(text: string): CompiledText {
  return { constant: text, render: () => text };
}

function rendering(parts: readonly (string | Variable)[]): CompiledText {
  const [first, second] = parts;
  if (first === undefined) return constantText("");
  if (parts.length === 1) {
    return typeof first === "string" ? constantText(first) : { constant: null, render: (of) => first(of) ?? "" };
  }
  if (parts.length === 2 && second !== undefined) return { constant: null, render: pair(first, second) };
  return { constant: null, render: chain(parts) };
}

function pair(first: string | Variable, second: string | Variable): (subject: Subject) => string {
  if (typeof first !== "string" && typeof second !== "string") {
    return (subject) => (first(subject) ?? "") + (second(subject) ?? "");
  }
  if (typeof first !== "string") return (subject) => (first(subject) ?? "") + second;
  return typeof second === "string" ? () => first + second : (subject) => first + (second(subject) ?? "");
}

function chain(parts: readonly (string | Variable)[]): (subject: Subject) => string {
  return (subject) => {
    let text = "";
    for (let index = 0; index < parts.length; index++) {
      const part = parts[index]!;
      text += typeof part === "string" ? part : (part(subject) ?? "");
    }
    return text;
  };
}
