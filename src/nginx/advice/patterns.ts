// What rules ask of regular expressions: how each match begins, and which bytes a group can hold.
import { byte, type Chars, NONE } from "../../config/pcre-chars.ts";
import { parsePattern } from "../../config/pcre-parse.ts";
import { PatternError, type PatternNode, type PatternTree } from "../../config/pcre-tree.ts";

function treeOf(source: string, ignoreCase: boolean): PatternTree | null {
  try {
    return parsePattern(source, ignoreCase);
  } catch (error) {
    if (error instanceof PatternError) return null;
    throw error;
  }
}

/** What every text that matches begins with; "" = nothing certain. */
export function beginningOf(source: string, ignoreCase = false): string {
  const root = treeOf(source, ignoreCase)?.root;
  if (!root) return "";
  const parts = root.kind === "sequence" ? root.parts : [root];
  const [first, ...rest] = parts;
  if (first?.kind !== "edge" || first.where !== "start") return "";
  let text = "";
  for (const part of rest) {
    const code = part.kind === "chars" ? onlyByte(part.chars) : undefined;
    if (code === undefined) break;
    text += String.fromCharCode(code);
  }
  return text;
}

function onlyByte(chars: Chars): number | undefined {
  for (let code = 0; code < 256; code++) if (chars === byte(code)) return code;
  return undefined;
}

/** Whether the pattern fits every path: "/", ".", "^/", "^.*$". */
export function fitsEveryPath(source: string): boolean {
  return /^\^?(?:\/|\/?\(?\.[*+]?\)?\$?|\/\(?\.\*\)?\$?)$/.test(source);
}

/** The bytes that a group can hold, by its number or its name; undefined = there is no such group. */
export function bytesOfGroup(source: string, group: string): Chars | undefined {
  const tree = treeOf(source, false);
  if (!tree) return undefined;
  const byName = [...tree.names].find(([name]) => name.toLowerCase() === group)?.[1];
  const numbers = /^\d$/.test(group) ? [Number(group)] : (byName ?? []);
  const nodes = numbers.flatMap((number) => groupsIn(tree.root, number));
  return nodes.length === 0 ? undefined : nodes.reduce((all, node) => all | bytesIn(node), NONE);
}

function groupsIn(node: PatternNode, number: number): PatternNode[] {
  switch (node.kind) {
    case "sequence":
    case "either":
      return node.parts.flatMap((part) => groupsIn(part, number));
    case "group":
      return node.number === number ? [node.part] : groupsIn(node.part, number);
    case "repeat":
    case "atomic":
    case "look":
      return groupsIn(node.part, number);
    default:
      return [];
  }
}

function bytesIn(node: PatternNode): Chars {
  switch (node.kind) {
    case "chars":
      return node.chars;
    case "sequence":
    case "either":
      return node.parts.reduce((all, part) => all | bytesIn(part), NONE);
    case "group":
    case "repeat":
    case "atomic":
      return bytesIn(node.part);
    default:
      return NONE;
  }
}

/** Whether a pattern is bound to the end of the text. */
export function endsAtEnd(source: string): boolean {
  const root = treeOf(source, false)?.root;
  return root ? isBoundAtEnd(root) : true;
}

function isBoundAtEnd(node: PatternNode): boolean {
  if (node.kind === "edge") return node.where === "end" || node.where === "last-line-end";
  if (node.kind === "sequence") return node.parts.length > 0 && isBoundAtEnd(node.parts.at(-1)!);
  if (node.kind === "either") return node.parts.every(isBoundAtEnd);
  return node.kind === "group" || node.kind === "atomic" ? isBoundAtEnd(node.part) : false;
}
