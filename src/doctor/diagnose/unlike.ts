// All that is behind the address fails when doctor asks it, and the address answers: then visitors are served from what
// the gateway keeps, or its requests differ from doctor's (fields that it sets, addresses that are let in). Only the first
// is a fault, so that without a sign of a cache the failure is possible, and no more.
import { CAUSES, isCauseId } from "../../failure/causes.ts";
import type { Leg } from "../evidence.ts";
import type { Clue } from "./clue.ts";
import type { TargetState } from "./judge.ts";

/** The clues of members and origins, weaker where whoever is behind the address must have answered it. */
export function unlikeGateway(
  clues: readonly Clue[],
  url: TargetState,
  inner: readonly TargetState[],
  way: readonly Leg[],
): Clue[] {
  if (isKept(url)) return [...clues];
  return clues.map((clue) => {
    if (!dependsOnRequest(clue) || siblings(clue, inner, way).some(({ condition }) => condition !== "bad")) return clue;
    const text = `the address answers all the same: its gateway has kept the answer, or asks ${clue.hop} otherwise than doctor does (fields that it sets, its own address)`;
    return { ...clue, certainty: "possible", more: [...(clue.more ?? []), { text, source: "probe url" }] };
  });
}

/** What a server may do to one request and not to another. */
function dependsOnRequest({ class: of }: Clue): boolean {
  return (
    isCauseId(of) && (/^(?:write|response-|upstream$)/.test(CAUSES[of].phase) || of === "upstream-error-passthrough")
  );
}

/** Those of which the gateway could have asked another: the members of one pool, or all origins. */
function siblings({ hop }: Clue, inner: readonly TargetState[], way: readonly Leg[]): TargetState[] {
  const leg = way.find(({ targets }) => targets.includes(hop));
  const tested = inner.filter(({ condition }) => condition !== "untested");
  return tested.filter(({ seen: { target } }) => (leg ? leg.targets.includes(target.id) : target.role === "origin"));
}

/** Whether the answer says that it was kept: RFC 9111's Age, RFC 9211's Cache-Status, and what CDNs say. */
function isKept({ response }: TargetState): boolean {
  const fields = response?.fields ?? [];
  return fields.some(([name, value]) => {
    const lower = name.toLowerCase();
    if (lower === "age") return Number(value) > 0;
    return (
      /^(?:cache-status|x-cache|x-cache-status|cf-cache-status|x-proxy-cache)$/.test(lower) && /hit|stale/i.test(value)
    );
  });
}
