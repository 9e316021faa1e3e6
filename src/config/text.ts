// The grammar of Text (servers.ts): byte text with variables. "{$name}" is a variable, "{$1}" to "{$9}" what a group of
// the last match captured, "{{" a brace by itself; everything else stands for itself, a lone brace too.
import type { Text } from "./servers.ts";

export type TextPart =
  | { readonly kind: "literal"; readonly text: string }
  /** In lower case: names know no case. */
  | { readonly kind: "variable"; readonly name: string };

/** The parts of a text; neighbouring literals are one. */
export function textParts(text: Text): readonly TextPart[] {
  const parts: TextPart[] = [];
  let literal = "";
  let at = 0;
  for (const match of text.matchAll(/\{\{|\{\$(\w+)\}/g)) {
    literal += text.slice(at, match.index);
    at = match.index + match[0].length;
    if (match[1] === undefined) {
      literal += "{";
      continue;
    }
    if (literal !== "") parts.push({ kind: "literal", text: literal });
    literal = "";
    parts.push({ kind: "variable", name: match[1].toLowerCase() });
  }
  literal += text.slice(at);
  if (literal !== "") parts.push({ kind: "literal", text: literal });
  return parts;
}

/** The text that stands for `literal` and has no variables. */
export function literalText(literal: string): Text {
  return literal.replaceAll("{", "{{");
}

/** What a text without variables says. */
export function plainText(text: Text): string {
  return text.replaceAll("{{", "{");
}

/** The text that stands for a variable. */
export function variableText(name: string): Text {
  return `{$${name.toLowerCase()}}`;
}
