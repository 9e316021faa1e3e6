// The small languages within SSI commands: texts with variables, conditions, and how echo encodes.
import { escapeEcho, escapeEntities } from "../wire/escape.ts";

export type Encoding = "none" | "url" | "entity";

/** The value of a variable (lower case); undefined = not found. */
export type Lookup = (name: string) => string | undefined;

/** A text with its variables put in; { problem } = it cannot be read. */
export function evaluateText(text: string, lookup: Lookup): string | { readonly problem: string } {
  let out = "";
  let at = 0;
  while (at < text.length) {
    if (text[at] !== "$") {
      const end = literalEnd(text, at);
      out += unescapeLiteral(text.slice(at, end));
      at = end;
      continue;
    }
    const braced = text[at + 1] === "{";
    const start = at + (braced ? 2 : 1);
    const name = /^[A-Za-z0-9_]*/.exec(text.slice(start))![0];
    at = start + name.length;
    if (braced && text[at] !== "}") return { problem: `the closing bracket in "${name}" variable is missing` };
    if (name === "") return { problem: `invalid variable name in "${text}"` };
    if (braced) at += 1;
    out += lookup(name.toLowerCase()) ?? "";
  }
  return out;
}

/** A condition taken apart. */
export type Expression =
  | { readonly kind: "set"; readonly left: string }
  | {
      readonly kind: "equals" | "matches";
      readonly left: string;
      readonly right: string;
      readonly not: boolean;
    };

/** "$a", "$a = text", "$a != /pattern/"; null = it cannot be read. */
export function parseExpression(text: string): Expression | null {
  const word = /^[A-Za-z0-9${}_"']*/.exec(text)![0];
  const left = word.toLowerCase();
  const rest = text.slice(word.length).replace(/^ +/, "");
  if (rest === "") return { kind: "set", left };
  const operator = /^(!?=) *([\s\S]*)$/.exec(rest);
  if (!operator) return null;
  const not = operator[1] === "!=";
  const right = operator[2]!;
  if (right.length > 1 && right.startsWith("/")) {
    return right.endsWith("/") ? { kind: "matches", left, right: right.slice(1, -1), not } : null;
  }
  return { kind: "equals", left, right: right.length > 1 && right.startsWith("\\/") ? right.slice(1) : right, not };
}

/** How echo writes a value. */
export function encodeValue(value: string, encoding: Encoding): string {
  if (encoding === "none") return value;
  return encoding === "entity" ? escapeEntities(value) : escapeEcho(value);
}

/** Up to a variable; an escaped "$" is none. */
function literalEnd(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === "$") return at;
  }
  return text.length;
}

/** Only these may be escaped; before anything else the backslash is itself. */
function unescapeLiteral(text: string): string {
  return text.replace(/\\([\s\S]?)/g, (_, char: string) => (char === "" || /[\\'"$]/.test(char) ? char : `\\${char}`));
}
