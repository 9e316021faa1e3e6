// From clues to one answer. Clues of one class at one hop are one case, and sources that agree make it stronger; what is
// more exact takes over what it refines (explain/resolve.ts knows which). What fails before a request could be sent is
// the answer whatever lies behind it; else what was written as doctor's own request failed comes before what a probe
// of a member shows, and the deeper hop before the outer one.
import { refines } from "../../explain/resolve.ts";
import { CAUSES, isCauseId } from "../../failure/causes.ts";
import type { EntryClass } from "../../knowledge/entry.ts";
import { type Clue, type ClueFrom, isBehind } from "./clue.ts";
import type { Certainty, FaultClass, Reason } from "./model.ts";
import { RANK } from "./symptom.ts";

/** Clues that agree. */
export interface Case {
  readonly class: FaultClass;
  readonly certainty: Certainty;
  readonly hop: string;
  readonly address: string | null;
  readonly depth: number;
  readonly reasons: readonly Reason[];
  readonly sinceMs: number | null;
  readonly from: readonly ClueFrom[];
  readonly score: number;
}

const WEIGHT: Readonly<Record<ClueFrom, number>> = {
  config: 80,
  "log-now": 60,
  local: 54,
  timing: 52,
  probe: 50,
  page: 42,
  log: 34,
  status: 8,
};
/** A line that only hints at its class counts less than what a probe proves. */
const HINT = 16;
const AGREES = 6;

/** The cases that clues make, the best first. */
export function decide(clues: readonly Clue[]): Case[] {
  const cases = new Map<string, Clue[]>();
  for (const clue of clues) {
    const key = `${clue.class} ${clue.hop}`;
    cases.set(key, [...(cases.get(key) ?? []), clue]);
  }
  const made = [...cases.values()].map(caseOf);
  return absorb(made).sort((a, b) => b.score - a.score || b.depth - a.depth);
}

function caseOf(clues: readonly Clue[]): Case {
  const ordered = [...clues].sort((a, b) => weightOf(b) - weightOf(a));
  const best = ordered[0]!;
  const from = [...new Set(ordered.map((clue) => clue.from))];
  const since = ordered.map(({ sinceMs }) => sinceMs ?? null).filter((ms) => ms !== null);
  return {
    class: best.class,
    certainty: mostCertain(ordered.map(({ certainty }) => certainty)),
    hop: best.hop,
    address: ordered.find(({ address }) => address !== null && address !== "")?.address ?? null,
    depth: best.depth,
    reasons: distinct(ordered.flatMap(({ reason, more = [] }) => [reason, ...more])),
    sinceMs: since.length > 0 ? Math.min(...since) : null,
    from,
    score: weightOf(best) + AGREES * (from.length - 1),
  };
}

/** Depth weighs little against the kind of the source: two steps are one source that agrees. */
const weightOf = ({ from, certainty, depth }: Clue): number =>
  WEIGHT[from] + RANK[certainty] * 4 + depth * 3 - (from === "log-now" && certainty !== "proven" ? HINT : 0);

const mostCertain = (all: readonly Certainty[]): Certainty =>
  [...all].sort((a, b) => RANK[b] - RANK[a])[0] ?? "possible";

const REASONS_MAX = 6;

function distinct(reasons: readonly Reason[]): Reason[] {
  const seen = new Set<string>();
  return reasons
    .filter(({ text }) => {
      const shape = text.replace(/\d+/g, "#");
      return !seen.has(shape) && seen.add(shape);
    })
    .slice(0, REASONS_MAX);
}

/** A case that another explains supports it instead of standing beside it. */
function absorb(cases: readonly Case[]): Case[] {
  const kept: Case[] = [];
  const byStrength = [...cases].sort((a, b) => b.score - a.score);
  for (const each of byStrength) {
    const into = kept.findIndex((other) => explains(other, each) || explains(each, other));
    if (into < 0) {
      kept.push(each);
      continue;
    }
    const other = kept[into]!;
    kept[into] = explains(other, each) ? join(other, each) : join(each, other);
  }
  return kept;
}

/** Whether `exact` says the same as `vague`, of the same place or nearer to it. */
function explains(exact: Case, vague: Case): boolean {
  if (!samePlace(exact, vague)) return false;
  if (exact.class === vague.class) return !isBehind(exact.hop) || isBehind(vague.hop);
  if (SEEN_AS[exact.class]?.includes(vague.class) && exact.depth > vague.depth) return true;
  return isMoreExact(exact.class, vague.class);
}

/** What a gateway shows its visitors of a failure behind it, and what it is there. */
const SEEN_AS: Partial<Record<FaultClass, readonly FaultClass[]>> = {
  "response-body-timeout": ["response-truncated"],
  "response-truncated": ["response-body-timeout"],
};

function isMoreExact(exact: FaultClass, vague: FaultClass): boolean {
  if (exact === "redirect-loop" || vague === "redirect-loop") return false;
  return refines(exact as EntryClass, vague as EntryClass);
}

function samePlace(exact: Case, vague: Case): boolean {
  if (exact.hop === vague.hop) return true;
  if (exact.address !== null && exact.address === vague.address) return true;
  // A gateway passes on what it got: where the same is seen behind it, it comes from there.
  const passedOn = exact.class === vague.class || SEEN_AS[exact.class]?.includes(vague.class);
  if (passedOn && exact.depth > vague.depth && !isEarly(vague.class, vague.depth)) return true;
  // "Something behind the gateway" is any hop that is deeper; and a gateway's page without a class is about what is behind it.
  return isBehind(vague.hop) && exact.depth >= vague.depth && !isEarly(exact.class, exact.depth);
}

/** Of the way to the address itself: nothing that a gateway says can be about it. */
const isEarly = (of: FaultClass, depth: number): boolean =>
  depth === 0 && isBeforeRequest(of) && of !== "tls-plaintext-mismatch";

/** Whether a class means that no request could be sent. */
export function isBeforeRequest(of: FaultClass): boolean {
  return isCauseId(of) && ["dns", "connect", "tls"].includes(CAUSES[of].phase);
}

function join(into: Case, from: Case): Case {
  const sources = [...new Set([...into.from, ...from.from])];
  const since = [into.sinceMs, from.sinceMs].filter((ms) => ms !== null);
  return {
    ...into,
    certainty: mostCertain([into.certainty, into.class === from.class ? from.certainty : into.certainty]),
    address: into.address ?? from.address,
    reasons: distinct([...into.reasons, ...from.reasons]),
    sinceMs: since.length > 0 ? Math.min(...since) : null,
    from: sources,
    score:
      Math.max(into.score, Math.min(from.score, into.score + 20)) +
      AGREES * (sources.length > into.from.length ? 1 : 0),
  };
}
