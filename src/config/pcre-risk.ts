// How long a pattern can take on a hostile text. The engine backtracks, so each place where it has a choice that the
// next byte does not decide multiplies the work. This is regex-cost.ts's estimate without its bound: whoever wrote an
// nginx.conf meant the pattern, so it is reported and runs. Atomic groups and possessive repetitions have no choices.
import { beginsAtStart, first, nullable, overlapping } from "./pattern-shape.ts";
import type { Chars } from "./pcre-chars.ts";
import { parsePattern } from "./pcre-parse.ts";
import { PatternError, type PatternNode } from "./pcre-tree.ts";
import type { Pattern } from "./servers.ts";

export interface PatternRisk {
  /** The work grows with the length to the power of `degree`; Infinity = exponentially. */
  readonly degree: number;
  readonly why: string;
}

/** Up to the square of a path's length is what ordinary patterns cost. */
const DEGREE_MAX = 2;
/** Repetitions up to this often are no growth. */
const FEW = 16;

/** What speaks against running the pattern on text from strangers; null = nothing, or it does not compile. */
export function patternRisk({ source, ignoreCase }: Pattern): PatternRisk | null {
  let root: PatternNode;
  try {
    root = parsePattern(source, ignoreCase).root;
  } catch (error) {
    if (error instanceof PatternError) return null;
    throw error;
  }
  const degree = degreeOf(root, 0n) + (beginsAtStart(root) ? 0 : 1);
  if (degree <= DEGREE_MAX) return null;
  if (degree === Infinity) {
    return { degree, why: "a repetition within a repetition can divide the same text in exponentially many ways" };
  }
  return { degree, why: `its repetitions can divide a text of length n in n^${degree} ways` };
}

/** Ambiguous unbounded repetitions that multiply one another, before bytes of `follow` (0n = the end). */
function degreeOf(node: PatternNode, follow: Chars): number {
  switch (node.kind) {
    case "sequence": {
      let degree = 0;
      let next = follow;
      for (const part of node.parts.toReversed()) {
        degree += degreeOf(part, next);
        next = nullable(part) ? first(part) | next : first(part);
      }
      return degree;
    }
    case "either":
      return Math.max(...node.parts.map((part) => degreeOf(part, follow)));
    case "group":
      return degreeOf(node.part, follow);
    case "repeat":
      return degreeOfRepeat(node, follow);
    default:
      return 0;
  }
}

function degreeOfRepeat(node: Extract<PatternNode, { readonly kind: "repeat" }>, follow: Chars): number {
  if (node.mode === "possessive") return 0;
  if (node.max <= FEW) return degreeOf(node.part, follow);
  const again = first(node.part);
  if (isAmbiguous(node.part, again) || (nullable(node.part) && hasLongRepeat(node.part))) return Infinity;
  const own = (again & follow) !== 0n || node.part.kind !== "chars" ? Number((again & follow) !== 0n) : 0;
  return own + degreeOf(node.part, follow);
}

/** Within a repetition: one round can end in several places, so that two rounds can take what one did. */
function isAmbiguous(part: PatternNode, again: Chars): boolean {
  switch (part.kind) {
    case "sequence": {
      let next = again;
      for (const inner of part.parts.toReversed()) {
        // A choice inside a round only counts where the next round can begin with what it leaves.
        if (reachesEnd(part.parts, inner) && isAmbiguous(inner, next)) return true;
        next = nullable(inner) ? first(inner) | next : first(inner);
      }
      return false;
    }
    case "either":
      return overlapping(part.parts) || part.parts.some((inner) => isAmbiguous(inner, again));
    case "group":
      return isAmbiguous(part.part, again);
    case "repeat":
      if (part.mode === "possessive") return false;
      if (part.max > FEW && (first(part.part) & again) !== 0n) return true;
      return isAmbiguous(part.part, part.max > 1 ? first(part.part) | again : again);
    default:
      return false;
  }
}

/** What stands behind `part` in the sequence may be nothing, or may be what `part` repeats. */
function reachesEnd(parts: readonly PatternNode[], part: PatternNode): boolean {
  return parts.slice(parts.indexOf(part) + 1).every((later) => nullable(later) || (first(later) & first(part)) !== 0n);
}

function hasLongRepeat(node: PatternNode): boolean {
  if (node.kind === "repeat") return node.mode !== "possessive" && (node.max > FEW || hasLongRepeat(node.part));
  if (node.kind === "sequence" || node.kind === "either") return node.parts.some(hasLongRepeat);
  return node.kind === "group" && hasLongRepeat(node.part);
}
