// retry-budget: all tries together must end before the hop in front gives up, else the last ones are for nobody.
// connect-short: inside one network a connection is there in milliseconds or not at all; a long wait only delays the
// next try. Both are notes where nobody chose the values.
import type { Ms } from "../../std/units.ts";
import { SOFTWARE } from "../software.ts";
import { called, inversion, isChosen, withSource } from "./inversion.ts";
import { type Link, lengthOf, timerOf } from "./link.ts";
import type { ChainHop, HopTimer, Inversion } from "./model.ts";
import { recipeOf } from "./recipes.ts";
import { patienceOf } from "./rule-response.ts";
import { shownMs } from "./values.ts";

const CONNECT_GOOD_MS = 5000;
const CONNECT_LONG_MS = 10_000;

interface Budget {
  readonly tries: number;
  readonly each: HopTimer;
  readonly allMs: Ms;
  /** Who says how many. */
  readonly by: string;
  readonly chosen: boolean;
}

/** Each hop whose tries together outlast the hop in front. */
export function retryBudget(links: readonly Link[]): readonly Inversion[] {
  return links.flatMap((link, index) => {
    const budget = budgetOf(link);
    const front = links.slice(0, index).findLast(({ hop }) => patienceOf(hop) !== null);
    const wait = front ? patienceOf(front.hop) : null;
    if (budget === null || !front || wait === null || budget.allMs <= lengthOf(wait)) return [];
    // Where already one try outlasts it, response-order says so.
    if (lengthOf(budget.each) >= lengthOf(wait)) return [];
    const inner = called(link.hop);
    return [
      inversion({
        rule: "retry-budget",
        severity: budget.chosen && isChosen(budget.each) ? "risk" : "note",
        class: "response-timeout",
        outer: { hop: front.hop, timer: wait },
        inner: { hop: link.hop, timer: budget.each },
        text: `${inner} tries up to ${budget.tries} times (${budget.by}), each for ${withSource(budget.each)}, together ${shownMs(budget.allMs)}, and ${called(front.hop)} gives up after ${withSource(wait)}: the last tries are for nobody`,
        fix: budgetFix(link.hop, budget, lengthOf(wait)),
        about: "inner",
      }),
    ];
  });
}

function budgetOf({ hop, members }: Link): Budget | null {
  const total = timerOf(hop, "total");
  if (total?.value != null) return null;
  const count = timerOf(hop, "tries");
  const tries = count?.value == null ? (hop.software === "nginx" ? members : null) : count.value + extraTry(count);
  // HAProxy and CloudFront repeat what could not be connected; the others what got no answer, too.
  const onlyConnect = hop.software === "haproxy" || hop.software === "cloudfront";
  const each = timerOf(hop, onlyConnect ? "connect" : "response");
  if (tries === null || tries < 2 || each === null || each.value === null) return null;
  const limit = timerOf(hop, "try-total");
  // A limit on all tries lets no new one begin; the one that runs goes on to its own end.
  const allMs = Math.min(
    tries * each.value,
    limit?.value == null ? Number.POSITIVE_INFINITY : limit.value + each.value,
  );
  const by = count?.value == null ? `${members} members in the pool` : `${count.setting} ${count.value}`;
  return { tries, each, allMs, by, chosen: count?.value != null && isChosen(count) };
}

/** "retries 3" is three after the first; where a file says so, it was counted when that was read. */
function extraTry({ setting, place }: HopTimer): number {
  return setting === "retries" || (place === null && /retries$/i.test(setting)) ? 1 : 0;
}

function budgetFix(hop: ChainHop, { tries, each }: Budget, waitMs: Ms): string {
  const ms = Math.max(1000, Math.floor(waitMs / (tries + 1) / 1000) * 1000);
  const shorter = recipeOf(hop.software, each, ms) ?? `${each.setting} ${shownMs(ms)}`;
  if (hop.software !== "nginx")
    return `shorter tries, so that all fit into ${shownMs(waitMs)}: ${shorter}; or fewer of them`;
  const limitMs = Math.max(1000, waitMs - lengthOf(each) - 1000);
  return `\`proxy_next_upstream_timeout ${Math.floor(limitMs / 1000)}s;\` and \`proxy_next_upstream_tries 2;\`, or shorter tries: ${shorter}`;
}

/** Each gateway that waits long for a connection. */
export function connectShort(links: readonly Link[]): readonly Inversion[] {
  return links.flatMap((link, index) => {
    const timer = timerOf(link.hop, "connect");
    const next = links[index + 1];
    if (timer === null || timer.value === null || !next || SOFTWARE[link.hop.software].kind !== "gateway") return [];
    if (lengthOf(timer) <= CONNECT_LONG_MS) return [];
    const name = called(link.hop);
    return [
      inversion({
        rule: "connect-short",
        severity: "note",
        class: "connect-timeout",
        outer: { hop: link.hop, timer },
        inner: { hop: next.hop, timer },
        text: `${name} waits ${withSource(timer)} for a connection to ${called(next.hop)}: inside one network it comes in milliseconds or not at all, and the next member is tried only after that`,
        fix: `1 to 5 seconds: ${recipeOf(link.hop.software, timer, CONNECT_GOOD_MS) ?? timer.setting}`,
        about: "outer",
      }),
    ];
  });
}
