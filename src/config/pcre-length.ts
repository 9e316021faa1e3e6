// The length of what a node matches, where it is always the same: PCRE's lookbehind takes nothing else.
import type { PatternNode } from "./pcre-tree.ts";

/** null = it varies. */
export function fixedLength(node: PatternNode): number | null {
  switch (node.kind) {
    case "chars":
      return 1;
    case "edge":
    case "look":
      return 0;
    case "sequence":
      return node.parts.reduce<number | null>((sum, part) => plus(sum, fixedLength(part)), 0);
    case "either": {
      const lengths = new Set(node.parts.map(fixedLength));
      return lengths.size === 1 ? [...lengths][0]! : null;
    }
    case "group":
    case "atomic":
      return fixedLength(node.part);
    case "repeat": {
      const length = fixedLength(node.part);
      if (length === null || (length > 0 && node.min !== node.max)) return null;
      return length * node.min;
    }
    case "back":
      // Fixed where its group is; the engine takes it either way.
      return 0;
  }
}

function plus(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b;
}
