// The report for programs: one stable document. Names are camelCase, nothing is left out: what is not known is null.
// How certain a verdict is stands there as `certainty`, and as `confidence`, the word of `explain --json`.
import type { DoctorReport, Verdict } from "../diagnose/model.ts";
import { redactReport } from "./redact.ts";

/** The document of --json. */
export function toJson(report: DoctorReport): unknown {
  const { version, diagnosis, evidence } = redactReport(report);
  const { url, startedAtMs, tookMs, problems, chain, ...seen } = evidence;
  return plain({
    version,
    url,
    startedAt: isoTime(startedAtMs),
    startedAtMs,
    tookMs,
    outcome: diagnosis.outcome,
    summary: diagnosis.summary,
    class: diagnosis.verdict?.class ?? null,
    confidence: diagnosis.verdict?.certainty ?? "none",
    hop: diagnosis.verdict?.hop ?? null,
    verdict: diagnosis.verdict === null ? null : verdictOf(diagnosis.verdict),
    alternatives: diagnosis.alternatives.map(verdictOf),
    chain: diagnosis.chain,
    risks: diagnosis.risks,
    excluded: diagnosis.excluded,
    notTested: diagnosis.notTested,
    nextCheck: diagnosis.nextCheck,
    tested: diagnosis.tested,
    evidence: { restarts: [], findings: [], ...seen, timeouts: chain },
    problems,
  });
}

function verdictOf(verdict: Verdict): unknown {
  const { since } = verdict;
  return {
    ...verdict,
    confidence: verdict.certainty,
    since: since === null ? null : { ...since, at: isoTime(since.atMs) },
  };
}

function isoTime(atMs: number): string | null {
  const date = new Date(atMs);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

/** Only what JSON has: undefined and numbers that are none become null. */
function plain(value: unknown): unknown {
  if (value === undefined || (typeof value === "number" && !Number.isFinite(value))) return null;
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (value !== null && typeof value === "object")
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
  return value;
}
