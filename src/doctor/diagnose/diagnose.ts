// Evidence in, diagnosis out; pure. The order of thought: does the address answer? If it fails before a request can be
// sent, that is the fault, whatever lies behind. If a gateway answers with an error, what it met is looked for behind it:
// in what was written meanwhile, in its members and origins, in the machine. If it answers, members that fail unnoticed
// and failures of the logs are told. What nothing shows is not claimed.
import { CAUSES, isCauseId } from "../../failure/causes.ts";
import type { Evidence, TargetEvidence } from "../evidence.ts";
import type { Clue } from "./clue.ts";
import { compareClues } from "./clues-compare.ts";
import { fitClues, timingClues } from "./clues-fit.ts";
import { logClues } from "./clues-logs.ts";
import { innerClues, loopClues, routeClues, urlClues } from "./clues-targets.ts";
import { type Case, decide, isBeforeRequest } from "./decide.ts";
import { excludedOf, testedOf } from "./excluded.ts";
import { hopsOf } from "./hops.ts";
import { stateOf, type TargetState, type Told } from "./judge.ts";
import type { Certainty, Diagnosis, NextCheck, Verdict } from "./model.ts";
import { isRead, pastCases, quietOf } from "./past.ts";
import { ofThisSite, withoutPolicy } from "./policy.ts";
import { localClues, refineLocally } from "./refine-local.ts";
import { lockedOrigins, risksOf } from "./risks.ts";
import type { Setting } from "./setting.ts";
import { unlikeGateway } from "./unlike.ts";
import { verdictOf } from "./verdict.ts";

const ALTERNATIVES_MAX = 4;

/** What the evidence means. */
export function diagnose(evidence: Evidence): Diagnosis {
  const states = evidence.targets.map((seen) => stateOf(seen, toldOf(seen, evidence)));
  const url = states.find(({ seen }) => seen.target.role === "url") ?? null;
  const setting: Setting = { evidence, url, states };
  const cases = casesOf(setting);
  const [best] = cases;
  const certainty = best ? certaintyOf(best, setting) : "possible";
  const verdict = best ? verdictOf(best, setting, certainty) : null;
  const outcome = !verdict
    ? anythingSeen(evidence, states)
      ? "healthy"
      : "unknown"
    : isOpen(verdict)
      ? "unknown"
      : "fault";
  const alternatives = cases
    .slice(1, 1 + ALTERNATIVES_MAX)
    .map((each) => verdictOf(each, setting, besideVerdict(each)));
  return {
    outcome,
    summary: summaryOf(outcome, verdict, setting),
    verdict,
    alternatives,
    chain: hopsOf(setting, verdict),
    risks: risksOf(evidence, states),
    excluded: excludedOf(states, evidence, verdict),
    notTested: [
      ...evidence.notTested,
      ...evidence.targets.flatMap(({ notTested }) => notTested),
      ...(evidence.local?.notTested ?? []),
    ],
    nextCheck: nextOf(verdict, evidence),
    tested: testedOf(states, evidence),
  };
}

function toldOf(seen: TargetEvidence, evidence: Evidence): Told {
  const limiting = evidence.logs.duringProbes.some(({ class: of }) => of === "rate-limited");
  return { leadsOn: leadsOn(seen, evidence), limiting };
}

/** Whether the configurations make a target a gateway, with something behind it. */
function leadsOn({ target: { spot, depth } }: TargetEvidence, { way }: Evidence): boolean {
  return way.some(
    (leg) =>
      leg.depth > 0 &&
      leg.depth >= depth &&
      leg.pool !== null &&
      leg.listens.some(({ port, socket }) => (spot.kind === "tcp" ? port === spot.port : socket === spot.path)),
  );
}

const isOpen = ({ class: of }: Verdict): boolean => of === "status-only-502" || of === "unknown";

/** What was seen stays proven beside a verdict that is another; what only fits is less likely than what fits better. */
function besideVerdict({ certainty, from }: Case): Certainty {
  return certainty === "proven" && !from.includes("probe") && !from.includes("local") ? "likely" : certainty;
}

function anythingSeen(evidence: Evidence, states: readonly TargetState[]): boolean {
  const { configs, chain, url } = evidence;
  if (url !== null) return states.some(({ condition }) => condition === "good");
  return (
    isRead(evidence) ||
    configs.some(({ kind }) => kind !== null) ||
    chain !== null ||
    states.some(({ condition }) => condition === "good")
  );
}

// ── Cases ───────────────────────────────────────────────────────────────────────────────────────────────────────

function casesOf(setting: Setting): Case[] {
  const { evidence, url, states } = setting;
  const inner = states.filter((state) => state !== url);
  if (!url || url.condition === "untested") {
    const own = decide(refined(innerClues(inner, evidence), evidence));
    // Old lines say nothing of an address that could not be asked in time.
    return [...own, ...pastCases(evidence, url !== null)].filter(isWorthTelling);
  }
  if (url.condition === "good") return casesOfGood(setting, inner);
  const { symptom } = url;
  const unsent = symptom?.where === "here" && symptom.response?.status == null && isBeforeRequest(symptom.class);
  if (url.condition === "bad" && unsent) return decide(refined(urlClues(url), evidence));
  const behindIt = evidence.way.length > 0 || inner.length > 0;
  const clues = [
    ...urlClues(url),
    ...innerClues(inner, evidence).filter((clue) => mayCause(clue, setting)),
    ...logClues(evidence),
    ...loopClues(evidence.way, url),
    ...fitClues(url, inner, evidence),
    ...timingClues(url, evidence),
    ...(symptom?.where === "behind" ? localClues(evidence) : []),
  ];
  const cases = decide(refined(presentOf(clues), evidence));
  return behindIt ? cases.map((each) => betweenHops(each, inner)) : cases;
}

/** The address answers: what fails unnoticed behind it, what only variants show, what the logs tell. */
function casesOfGood({ evidence, url }: Setting, inner: readonly TargetState[]): Case[] {
  const locked = new Set(lockedOrigins(inner, evidence));
  const members = innerClues(inner, evidence).filter(
    (clue) => clue.certainty !== "possible" && mattersUnseen(clue) && !locked.has(clue.hop),
  );
  const present = decide(
    refined(
      [
        ...urlClues(url!),
        ...routeClues(url!, evidence),
        ...compareClues(url!, inner),
        ...unlikeGateway(members, url!, inner, evidence.way),
      ],
      evidence,
    ),
  );
  const past = pastCases(ofThisSite(withoutPolicy(evidence)), true).filter(
    ({ class: of, hop }) => !present.some((each) => each.class === of && each.hop === hop),
  );
  return [...present, ...past];
}

/** Where something shows the present failure, older lines count only as more of the same. */
function presentOf(clues: readonly Clue[]): Clue[] {
  const present = clues
    .filter(({ from, class: of }) => from !== "log" && of !== "status-only-502")
    .map((clue) => clue.class);
  return present.length === 0
    ? [...clues]
    : clues.filter((clue) => clue.from !== "log" || present.includes(clue.class));
}

/** Where visitors are served: what a member may do to doctor and not to its gateway is no fault. */
function mattersUnseen({ hop, class: of }: Clue): boolean {
  if (of === "no-healthy-upstream" || !isCauseId(of)) return false;
  if (hop.startsWith("origin ") && of.startsWith("tls-cert-")) return false;
  return !["client", "gateway", "config"].includes(CAUSES[of].phase);
}

const isWorthTelling = ({ class: of }: Case): boolean => of !== "unknown";

const refined = (clues: readonly Clue[], evidence: Evidence): Clue[] =>
  clues.map((clue) => refineLocally(clue, evidence));

/** An untrusted certificate of an origin matters only to a gateway that verifies it. */
function mayCause(clue: Clue, { evidence }: Setting): boolean {
  if (!clue.class.startsWith("tls-cert-") || !clue.hop.startsWith("origin ")) return true;
  return evidence.way.every(({ pool }) => pool === null || pool.verify !== false);
}

/** A gateway reports trouble behind it, and all that is behind it answers from here: the fault is between the two. */
function betweenHops(found: Case, inner: readonly TargetState[]): Case {
  const tested = inner.filter(({ condition }) => condition !== "untested");
  if (found.hop !== "behind url" || tested.length === 0 || tested.some(({ condition }) => condition !== "good"))
    return found;
  // The application's own error, which comes and goes.
  if (found.class === "upstream-error-passthrough") return found;
  const names = tested.map(({ seen }) => seen.target.id).join(", ");
  const reason = {
    text: `${names} ${tested.length === 1 ? "answers" : "answer"} the same request from here: the fault is between the gateway and it (an old address there, an allow-list, its TLS settings, its own timers)`,
    source: "probe",
  };
  return { ...found, hop: "url", reasons: [...found.reasons, reason] };
}

// ── How sure ────────────────────────────────────────────────────────────────────────────────────────────────────

function certaintyOf(found: Case, { url, states, evidence }: Setting): Certainty {
  const { certainty, hop, from } = found;
  // That a gateway answers with an error is certain, and no cause.
  if (found.class === "status-only-502") return "possible";
  if (certainty !== "proven" || !url || url.condition !== "bad" || from.includes("log-now")) return certainty;
  // Every request fails and only some members of the pool do: the gateway had others to go to.
  const leg = evidence.way.find(({ targets }) => targets.includes(hop));
  if (!leg) return certainty;
  const members = states.filter(({ seen }) => leg.targets.includes(seen.target.id));
  const good = members.filter(({ condition }) => condition === "good").length;
  return good > 0 && !from.includes("timing") && !from.includes("local") ? "likely" : certainty;
}

// ── Words ───────────────────────────────────────────────────────────────────────────────────────────────────────

const SAID: Readonly<Record<Certainty, string>> = { proven: "", likely: "Likely: ", possible: "Possibly: " };

function summaryOf(outcome: Diagnosis["outcome"], verdict: Verdict | null, { url, evidence }: Setting): string {
  if (outcome === "fault" && verdict) return `${SAID[verdict.certainty]}${verdict.headline}`;
  if (outcome === "unknown") return verdict?.headline ?? nothingSeen(evidence);
  if (url) return healthySummary(url);
  if (!isRead(evidence)) return "No fault found in what was given.";
  const quiet = quietOf(evidence);
  return `No fault found: ${quiet === null ? "the logs tell of no failure" : quiet}.`;
}

/** What leads elsewhere is told with where: nobody asked there. */
function healthySummary({ seen: { redirects, http }, response }: TargetState): string {
  const last = redirects?.urls.at(-1);
  const asked = http.findLast(({ what }) => what === "redirect") ?? response;
  if (last !== undefined && asked && REDIRECTS.test(String(asked.status)))
    return `No fault found: the address redirects to ${last.slice(0, ADDRESS_MAX)}${last.length > ADDRESS_MAX ? "…" : ""}, which was not asked.`;
  return "No fault found: the address answers as it should.";
}

const REDIRECTS = /^3/;
const ADDRESS_MAX = 120;

function nothingSeen(evidence: Evidence): string {
  const { url, problems, logs } = evidence;
  const [first] = problems;
  const lines = logs.files.reduce((sum, { report }) => sum + report.lines, 0);
  if (url === null && lines > 0)
    return "No line of the logs is in a format that is known, and none tells of a failure.";
  if (url !== null) return "Nothing could be tested in the time that was given.";
  return first ? `Nothing could be looked at: ${first.text}` : "There was nothing to look at.";
}

function nextOf(verdict: Verdict | null, { notTested, configs, logs, url }: Evidence): NextCheck | null {
  if (!verdict || verdict.certainty === "proven") return null;
  const command = (more: string): string | null => (url === null ? null : `goodgate doctor '${url}' ${more}`);
  if (verdict.hop.startsWith("behind ") && configs.length === 0 && logs.files.length === 0)
    return {
      text: "Run it on the gateway's own machine with its configuration and error log: they name what it met.",
      command: command("--config /etc/nginx/nginx.conf --log /var/log/nginx/error.log"),
    };
  const open = notTested.find(({ how }) => how !== null);
  return verdict.settles ?? (open ? { text: open.reason, command: open.how } : null);
}
