// What the estimates of a pattern's cost ask of it, for patterns of routes (regex-cost.ts) and of virtual servers
// (pcre-risk.ts): what a part can begin with, and whether it can be nothing.
import { ALL, type Chars } from "./pcre-chars.ts";
import type { PatternNode } from "./pcre-tree.ts";

/** Whether the part can match nothing. */
export function nullable(node: PatternNode): boolean {
  switch (node.kind) {
    case "chars":
      return false;
    case "sequence":
      return node.parts.every(nullable);
    case "either":
      return node.parts.some(nullable);
    case "repeat":
      return node.min === 0 || nullable(node.part);
    case "group":
    case "atomic":
      return nullable(node.part);
    default:
      return true;
  }
}

/** Characters that a match of the part can begin with. */
export function first(node: PatternNode): Chars {
  switch (node.kind) {
    case "chars":
      return node.chars;
    case "either":
      return node.parts.reduce((set, part) => set | first(part), 0n);
    case "repeat":
    case "group":
    case "atomic":
      return first(node.part);
    case "back":
      return ALL;
    case "sequence": {
      let set: Chars = 0n;
      for (const part of node.parts) {
        set |= first(part);
        if (!nullable(part)) break;
      }
      return set;
    }
    default:
      return 0n;
  }
}

/** Whether two of the parts can begin alike before characters of `follow`, so that the next one does not decide. */
export function overlapping(parts: readonly PatternNode[], follow: Chars = 0n): boolean {
  let seen: Chars = 0n;
  for (const part of parts) {
    const own = nullable(part) ? first(part) | follow : first(part);
    if ((seen & own) !== 0n) return true;
    seen |= own;
  }
  return false;
}

/** Whether the part matches at the start of a text only. */
export function beginsAtStart(node: PatternNode): boolean {
  if (node.kind === "edge") return node.where === "start";
  if (node.kind === "either") return node.parts.every(beginsAtStart);
  if (node.kind === "group" || node.kind === "atomic") return beginsAtStart(node.part);
  return node.kind === "sequence" && node.parts[0] !== undefined && beginsAtStart(node.parts[0]);
}
