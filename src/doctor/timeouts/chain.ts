// The chain of timeouts: which hops there are, the timers of each, which orders they break, and what a change would do.
// Pure. Nothing throws: what could not be read becomes a problem, and the rest still holds.
import type { InputProblem } from "../evidence.ts";
import { deriveLinks, sideLinks } from "./derive.ts";
import type { ChainInput } from "./input.ts";
import type { Link } from "./link.ts";
import type { Inversion, TimeoutChain } from "./model.ts";
import { inOrder, inversionsOf } from "./rules.ts";
import { parseSpec } from "./spec.ts";
import { applyChanges, compareInversions } from "./what-if.ts";

export type { ChainInput } from "./input.ts";

/**
 * The chain with its inversions; null = there is nothing to make one from. With --what-if, hops and inversions are
 * those after the changes.
 */
export function buildChain(input: ChainInput): {
  readonly chain: TimeoutChain | null;
  readonly problems: readonly InputProblem[];
} {
  const derived = input.spec === null;
  const { links, problems } = derived ? { links: deriveLinks(input), problems: [] } : parseSpec(input.spec ?? "");
  const asked = applyChanges(links, input.whatIf);
  const all = [...problems, ...asked.problems];
  if (links.length === 0) return { chain: null, problems: all };
  const sides = derived ? sideLinks(links, input) : [];
  const changed = sides.map((side) => applyChanges(side, input.whatIf).links);
  const inversions = inOrder(links, [...inversionsOf(asked.links), ...changed.flatMap(atTheEnd)]);
  const before = [...inversionsOf(links), ...sides.flatMap(atTheEnd)];
  const whatIf =
    input.whatIf.length === 0 ? null : { changes: asked.changes, ...compareInversions(before, inversions) };
  return { chain: { hops: asked.links.map(({ hop }) => hop), inversions, whatIf }, problems: all };
}

/** What a side chain adds: the rest of it is the chain itself. */
function atTheEnd(side: readonly Link[]): readonly Inversion[] {
  const end = side.at(-1)?.hop.name;
  return inversionsOf(side).filter(({ between }) => between[1] === end);
}
