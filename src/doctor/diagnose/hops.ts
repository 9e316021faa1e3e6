// The chain as it is drawn: who stands between the visitor and the application, outermost first, and how each does.
import { span } from "../../failure/words.ts";
import type { Evidence, Leg, TargetEvidence } from "../evidence.ts";
import { spotText } from "../options.ts";
import { SOFTWARE, type SoftwareId } from "../software.ts";
import { isBehind } from "./clue.ts";
import type { TargetState } from "./judge.ts";
import type { Hop, Verdict } from "./model.ts";
import type { Setting } from "./setting.ts";
import { nameOfHop, targetName } from "./verdict.ts";

/** The hops of the chain, with the one at fault marked. */
export function hopsOf(setting: Setting, verdict: Verdict | null): Hop[] {
  const { evidence, url, states } = setting;
  const hops: Hop[] = [];
  if (url) {
    hops.push({
      id: "client",
      kind: "client",
      name: "this machine",
      software: null,
      address: null,
      mark: "good",
      said: "",
    });
    if (url.seen.dns) hops.push(dnsHop(url.seen));
    hops.push(...passedHops(url, evidence), urlHop(url, evidence));
  }
  for (const state of states.filter(({ seen }) => seen.target.role === "origin")) hops.push(targetHop(state));
  for (const leg of evidence.way) {
    if (leg.depth > 0) addLeg(leg, hops);
    for (const state of states) if (leg.targets.includes(state.seen.target.id)) hops.push(targetHop(state));
  }
  for (const state of states)
    if (state.seen.target.role === "endpoint" && !hops.some(({ id }) => id === state.seen.target.id))
      hops.push(targetHop(state));
  return withFault(hops, verdict, setting);
}

function dnsHop(seen: TargetEvidence): Hop {
  const dns = seen.dns!;
  const { failure, addresses, tookMs } = dns.system;
  const said = failure
    ? (failure.evidence.rcode ?? failure.evidence.errno ?? failure.cause)
    : `${addresses.length} ${addresses.length === 1 ? "address" : "addresses"} in ${span(tookMs)}`;
  const mark = failure && seen.tcp.length === 0 ? "bad" : failure ? "warn" : "good";
  return { id: "dns", kind: "dns", name: "DNS", software: null, address: dns.name, mark, said };
}

/** What stands before the maker of the response: a CDN that passed it on. */
function passedHops({ response, condition }: TargetState, { way }: Evidence): Hop[] {
  const page = response?.page;
  if (!page || page.passed.length < 2) return [];
  const own = page.madeBy ?? way[0]?.software ?? null;
  const outer: Hop[] = [];
  for (const { software, mark } of page.passed) {
    if (software === own) break;
    const kind = SOFTWARE[software].kind;
    outer.push({
      id: `passed ${software}`,
      kind,
      name: SOFTWARE[software].name,
      software,
      address: null,
      mark: condition === "good" ? "good" : "unknown",
      said: mark,
    });
  }
  return outer;
}

function urlHop(url: TargetState, evidence: Evidence): Hop {
  const software: SoftwareId | null = url.response?.page?.madeBy ?? evidence.way[0]?.software ?? null;
  const kind = software ? SOFTWARE[software].kind : "gateway";
  return {
    ...targetHop(url),
    id: "url",
    kind,
    name: nameOfHop({ hop: "url", address: null }, { evidence }),
    software,
  };
}

/** A further gateway: the member of the one before that it is, where that was probed. */
function addLeg({ hop, software, listens }: Leg, hops: Hop[]): void {
  const name = hop === software ? SOFTWARE[software].name : `${hop} (${SOFTWARE[software].name})`;
  const at = hops.findIndex(
    ({ address, id }) => id.startsWith("endpoint ") && listens.some(({ port, socket }) => isAt(address, port, socket)),
  );
  const probed = hops[at];
  if (probed) hops[at] = { ...probed, kind: "gateway", name: `${name} ${probed.address ?? ""}`.trim(), software };
  else
    hops.push({
      id: `gateway ${hop}`,
      kind: "gateway",
      name,
      software,
      address: null,
      mark: "unknown",
      said: "as its configuration says",
    });
}

const isAt = (address: string | null, port: number | null, socket: string | null): boolean =>
  address !== null && (port === null ? address === `unix:${socket}` : address.endsWith(`:${port}`));

function targetHop(state: TargetState): Hop {
  const { target } = state.seen;
  const software = state.response?.page?.madeBy ?? null;
  return {
    id: target.id,
    kind: software ? SOFTWARE[software].kind : "app",
    name: targetName(state.seen),
    software,
    address: spotText(target.spot),
    mark: markOf(state),
    said: saidOf(state),
  };
}

function markOf({ condition, symptom, besides }: TargetState): Hop["mark"] {
  if (condition === "untested") return "unknown";
  if (condition === "good") return besides.length > 0 ? "warn" : "good";
  // A gateway that tells of what is behind it works.
  return symptom?.where === "behind" ? "warn" : condition === "bad" ? "bad" : "warn";
}

function saidOf({ condition, symptom, response, bad, of }: TargetState): string {
  if (condition === "untested") return "not tested";
  const some = condition === "sometimes" ? `${bad} of ${of}: ` : "";
  if (symptom?.failure) return some + symptom.failure.cause.replaceAll("-", " ");
  if (!response || response.status === null) return some + (symptom?.class ?? "no answer");
  const took = response.timings.headMs;
  return `${some}${response.status}${took === null ? "" : ` in ${span(took)}`}`;
}

/** A hop before (< 0), at (0) or behind the fault; behind a name that does not resolve nothing was reached. */
function markedAfter(hop: Hop, distance: number, isDns: boolean): Hop {
  if (distance === 0) return { ...hop, mark: "bad" };
  if (distance < 0) return hop;
  if (isDns && hop.mark === "bad") return { ...hop, mark: "behind", said: "not reached" };
  return hop.mark === "unknown" ? { ...hop, mark: "behind" } : hop;
}

function withFault(hops: readonly Hop[], verdict: Verdict | null, setting: Setting): Hop[] {
  if (!verdict) return [...hops];
  const at = hops.findIndex(({ id }) => id === verdict.hop);
  if (at >= 0) return hops.map((hop, index) => markedAfter(hop, index - at, verdict.hop === "dns"));
  // It is none of the hops that were probed: something behind them, or an address that only a log names.
  const name = nameOfHop(verdict, setting);
  const extra: Hop = {
    id: verdict.hop,
    kind: "app",
    name,
    software: null,
    address: verdict.address,
    mark: "bad",
    said: verdict.class.replaceAll("-", " "),
  };
  if (!isBehind(verdict.hop)) return [...hops, extra];
  const before = hops.findIndex(({ id }) => id === verdict.hop.slice("behind ".length));
  return before < 0 ? [...hops, extra] : [...hops.slice(0, before + 1), extra, ...hops.slice(before + 1)];
}
