// The rules of alignment over a chain. Each takes the links and gives the inversions it finds; none knows the others.
import type { Link } from "./link.ts";
import type { Inversion } from "./model.ts";
import { keepaliveOrder } from "./rule-keepalive.ts";
import { drainOrder, streamHeartbeat } from "./rule-long-lived.ts";
import { responseOrder, workerBelowGateway } from "./rule-response.ts";
import { connectShort, retryBudget } from "./rule-retries.ts";

const RULES: readonly ((links: readonly Link[]) => readonly Inversion[])[] = [
  keepaliveOrder,
  responseOrder,
  retryBudget,
  workerBelowGateway,
  connectShort,
  streamHeartbeat,
  drainOrder,
];

/** All inversions of the chain. */
export function inversionsOf(links: readonly Link[]): readonly Inversion[] {
  return inOrder(
    links,
    RULES.flatMap((rule) => rule(links)),
  );
}

/** Risks before notes, certain ones first, then from the outside in. */
export function inOrder(links: readonly Link[], all: readonly Inversion[]): readonly Inversion[] {
  const place = new Map(links.map(({ hop }, index) => [hop.name, index]));
  const order = ({ severity, certain, between }: Inversion): number =>
    (severity === "risk" ? 0 : 1e6) + (certain ? 0 : 1e3) + (place.get(between[0]) ?? 0);
  return all.toSorted((a, b) => order(a) - order(b));
}
