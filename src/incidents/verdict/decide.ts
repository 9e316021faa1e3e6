// From candidates to the verdict: the most specific story that fits wins; the next ones stay as alternatives, with what
// speaks against them. Texts that come from requests (paths, details) are cut here, once for all.

import type { CauseId } from "../../failure/causes.ts";
import type { Facts } from "../facts.ts";
import type { Confidence, Verdict } from "../model.ts";
import { answers } from "./answers.ts";
import { application } from "./application.ts";
import { callers } from "./callers.ts";
import type { Candidate, Pattern } from "./candidate.ts";
import { allDown, crash, neverWorked, oneHost, overloadCrash, processDown, unasked } from "./down.ts";
import { gateway, plainVerdict } from "./gateway.ts";
import { crashLoop, maintenance, restart, rollingRestart } from "./restarts.ts";
import { room } from "./room.ts";
import { slow } from "./slow.ts";
import { timers } from "./timers.ts";
import { tls } from "./tls.ts";
import { way } from "./way.ts";

const down: readonly Pattern[] = [
  unasked,
  processDown,
  crash,
  overloadCrash,
  crashLoop,
  rollingRestart,
  restart,
  neverWorked,
  maintenance,
  allDown,
  oneHost,
];

/** Every pattern; the order does not matter. */
export const PATTERNS: readonly Pattern[] = [
  ...down,
  ...way,
  tls,
  ...slow,
  ...timers,
  ...answers,
  ...application,
  ...room,
  ...callers,
  ...gateway,
];

const SHORT_MAX = 72;
const SENTENCE_MAX = 600;
const ALTERNATIVES_MAX = 3;

/** So long after its first failure a verdict rests on little; a few seconds more often tell another story. */
const YOUNG_MS = 2_000;

/** What one failure proves by itself: it was read, or the system said so. */
const BY_ITSELF: ReadonlySet<CauseId> = new Set([
  "tls-cert-expired",
  "tls-cert-name-mismatch",
  "tls-cert-untrusted",
  "gateway-resource-exhausted",
  "connect-permission-denied",
  "proxy-loop",
  "backend-absent",
]);

/** How sure it is, with regard to how little was seen so far. */
function soFar(facts: Facts, { confidence, entry, pattern }: Candidate): Confidence {
  const young = !facts.over && facts.now - facts.firstAt < YOUNG_MS;
  if (!young || BY_ITSELF.has(entry) || pattern === "maintenance") return confidence;
  return confidence === "proven" ? "likely" : "possible";
}

/** What an incident is, as far as it is known now. */
export function judge(facts: Facts): Verdict {
  const candidates = [plainVerdict(facts)];
  for (const pattern of PATTERNS) {
    const candidate = pattern(facts);
    if (candidate !== null) candidates.push(candidate);
  }
  candidates.sort((a, b) => b.weight - a.weight || (a.pattern < b.pattern ? -1 : 1));
  const [best] = candidates as [Candidate, ...Candidate[]];
  const others = candidates
    .slice(1)
    .filter(({ pattern, weight }) => pattern !== best.pattern && weight > 0)
    .map((other) => ({
      text: cut(other.short, SENTENCE_MAX),
      why: other.against ?? "It explains less of what was seen.",
    }));
  return {
    sentence: cut(capital(best.sentence), SENTENCE_MAX),
    short: cut(best.short, SHORT_MAX),
    pattern: best.pattern,
    confidence: soFar(facts, best),
    reasons: best.reasons.map((reason) => cut(reason, SENTENCE_MAX)).slice(0, 8),
    settle: best.confidence === "proven" && best.settle.length > 2 ? best.settle.slice(0, 2) : best.settle,
    fixes: best.fixes,
    alternatives: [...(best.confidence === "proven" ? [] : (best.alternatives ?? [])), ...others].slice(
      0,
      ALTERNATIVES_MAX,
    ),
    entry: best.entry,
  };
}

function cut(text: string, most: number): string {
  const whole = text.replace(/\s+/g, " ").trim();
  return whole.length > most ? `${whole.slice(0, most - 1)}…` : whole;
}

/** Names keep their spelling; sentences that begin with a word begin with a capital only if it is one. */
const capital = (text: string): string =>
  /^(no|the|all|both|every|requests|so)\b/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
