// What logs tell by themselves, where no request could be sent or those that were sent are answered: the failures that
// were written, with what they show together.
import { refines } from "../../explain/resolve.ts";
import type { EntryClass } from "../../knowledge/entry.ts";
import type { Evidence } from "../evidence.ts";
import type { LogEvent, LogPattern } from "../logs/model.ts";
import { bare, failureClass, targetAt } from "./clues-logs.ts";
import type { Case } from "./decide.ts";
import { RANK } from "./judge.ts";
import type { Certainty, FaultClass, Reason } from "./model.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Fewer failures than these, longer ago than an hour, are no outage of a site that answers; older ones are none at all. */
const FEW = 3;

interface Group {
  readonly class: FaultClass;
  readonly count: number;
  readonly lastMs: number | null;
  readonly firstMs: number | null;
  readonly upstream: string | null;
  readonly certainty: Certainty;
  readonly sample: LogEvent | null;
  readonly file: string;
  readonly line: number;
}

/** The failures of the logs as cases, the weightiest first; [] = they tell of none that matters. */
export function pastCases(evidence: Evidence, answering: boolean): Case[] {
  const groups = groupsOf(evidence).filter((group) => !answering || matters(group, evidence.startedAtMs));
  const cases = groups.map((group) => caseOf(group, evidence)).sort((a, b) => b.score - a.score);
  return explained(cases);
}

/** A failure of which the logs tell the reason, too (in a worker's own log, say) is called by the reason. */
function explained(cases: readonly Case[]): Case[] {
  const [first, ...others] = cases;
  const reason = first && others.find((each) => refines(each.class as EntryClass, first.class as EntryClass));
  if (!first || !reason) return [...cases];
  const joined: Case = {
    ...reason,
    hop: first.hop,
    address: first.address ?? reason.address,
    depth: first.depth,
    reasons: [...reason.reasons.slice(0, 2), ...first.reasons.slice(0, 3)],
    sinceMs: first.sinceMs ?? reason.sinceMs,
    certainty: RANK[first.certainty] < RANK[reason.certainty] ? first.certainty : reason.certainty,
    score: first.score,
  };
  return [joined, ...others.filter((each) => each !== reason)];
}

function matters({ count, lastMs }: Group, nowMs: number): boolean {
  if (lastMs === null) return count >= FEW;
  return nowMs - lastMs < (count >= FEW ? DAY_MS : HOUR_MS);
}

function groupsOf({ logs }: Evidence): Group[] {
  return logs.files.flatMap(({ file, report, events }) =>
    report.groups.flatMap((group) => {
      const own = events.filter((event) => event.class === group.class);
      const of = failureClass({ class: group.class, status: own[0]?.status ?? null });
      if (of === null || group.confidence === "none") return [];
      const times = own.map(({ atMs }) => atMs).filter((ms) => ms !== null);
      return [
        {
          class: of,
          count: group.count,
          firstMs: times.length > 0 ? Math.min(...times) : null,
          lastMs: times.length > 0 ? Math.max(...times) : null,
          upstream: group.upstreams[0]?.value ?? null,
          certainty: group.confidence,
          sample: own[0] ?? null,
          file,
          line: group.first.line,
        },
      ];
    }),
  );
}

function caseOf(group: Group, evidence: Evidence): Case {
  const { upstream, count, sample } = group;
  const target = upstream === null ? null : targetAt(upstream, evidence);
  const when = group.lastMs === null ? "" : `, the last at ${clock(group.lastMs)}`;
  const reasons: Reason[] = [
    {
      text: `${count.toLocaleString("en")} ${count === 1 ? "line tells" : "lines tell"} of it${when}`,
      source: `log ${group.file}:${group.line}`,
    },
    ...(sample ? [{ text: sample.text, source: `log ${sample.file}:${sample.line}` }] : []),
    ...patternsOf(group, evidence).map(({ text, lines }) => ({
      text,
      source: lines[0] ? `log ${lines[0].file}:${lines[0].line}` : "logs",
    })),
  ];
  const vague = group.class === "status-only-502" || group.class === "upstream-error-passthrough";
  return {
    class: group.class,
    certainty: group.certainty,
    hop: target?.id ?? (upstream === null ? "behind url" : `upstream ${bare(upstream)}`),
    address: upstream === null ? null : bare(upstream),
    depth: target?.depth ?? 1,
    reasons,
    sinceMs: group.firstMs,
    from: ["log"],
    score: Math.log10(count + 1) * 10 + RANK[group.certainty] * 6 - (vague ? 15 : 0),
  };
}

function patternsOf({ class: of, upstream }: Group, { logs }: Evidence): LogPattern[] {
  return logs.patterns
    .filter((pattern) => pattern.class === null || pattern.class === of)
    .filter((pattern) => pattern.upstream === null || upstream === null || bare(pattern.upstream) === bare(upstream))
    .slice(0, 3);
}

/** "2026-11-21 20:15:03 UTC". */
export function clock(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
