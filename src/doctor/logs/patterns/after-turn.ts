// Failures that begin within seconds after something happened to a program: a reload, a start, a deploy, a crash. It
// counts only where it was quiet before (a reload amid failures is no cause of them), and where there are many such events
// most of them must be followed by failures, since otherwise some would by chance. Pure.
import type { Ms } from "../../../std/units.ts";
import type { LogPattern, LogTurn } from "../model.ts";
import { linesOf, mainCause, pattern, type Story } from "./story.ts";
import { counted, momentOf, number, spanOf } from "./words.ts";

const FAILURES_MIN = 5;
const BEGINS_WITHIN_MS = 10_000;
/** Logs print seconds, and clocks differ. */
const BLUR_MS = 1000;
const WINDOW_MS = 60_000;
const FEW_TURNS = 3;
const TOGETHER_MS = 5000;

const CAUSES: ReadonlySet<LogTurn["kind"]> = new Set([
  "start",
  "stop",
  "reload",
  "crash",
  "oom-kill",
  "deploy",
  "worker-killed",
]);

type Timed = LogTurn & { readonly atMs: number };

/** after-turn: at most one for each kind of event. */
export function turnPatterns(story: Story): LogPattern[] {
  const found: LogPattern[] = [];
  const clusters = clustersOf(story);
  for (const kind of CAUSES) {
    const own = clusters.filter(([first]) => first?.kind === kind);
    const followed = own.map((cluster) => followedBy(story, cluster)).filter((each) => each !== null);
    if (followed.length === 0) continue;
    const isRule = own.length <= FEW_TURNS || followed.length * 2 >= own.length;
    const most = followed.reduce((best, each) => (each.after > best.after ? each : best));
    found.push(patternOf(story, followed, most, own.length, isRule));
  }
  return found;
}

/** What happens within seconds is one event, called by what came first. */
function clustersOf({ turns, fromMs, toMs }: Story): Timed[][] {
  const timed = turns.filter((turn): turn is Timed => turn.atMs !== null && CAUSES.has(turn.kind));
  const clusters: Timed[][] = [];
  for (const turn of timed.filter(({ atMs }) => atMs >= fromMs - WINDOW_MS && atMs <= toMs)) {
    const last = clusters.at(-1);
    if (last && turn.atMs - (last.at(-1)?.atMs ?? 0) <= TOGETHER_MS) last.push(turn);
    else clusters.push([turn]);
  }
  return clusters;
}

interface Followed {
  readonly turn: Timed;
  readonly delayMs: Ms;
  readonly after: number;
  readonly before: number;
  /** The log tells of the time before. */
  readonly covered: boolean;
  readonly rows: Story["timed"];
}

function followedBy({ timed, fromMs, failing }: Story, [turn]: readonly Timed[]): Followed | null {
  if (!turn) return null;
  const at = turn.atMs;
  const within = (from: number, to: number) => timed.filter(({ atMs }) => atMs >= from && atMs < to);
  const rows = within(at - BLUR_MS, at + WINDOW_MS);
  const first = rows[0];
  const after = rows.length * failing.stride;
  if (!first || first.atMs > at + BEGINS_WITHIN_MS || after < FAILURES_MIN) return null;
  // The line of the event itself may be one of the failures.
  const before = within(at - BLUR_MS - WINDOW_MS, at - BLUR_MS).length * failing.stride;
  if (before * 5 > after) return null;
  return { turn, delayMs: Math.max(0, first.atMs - at), after, before, covered: fromMs <= at - WINDOW_MS / 2, rows };
}

function patternOf(
  story: Story,
  followed: readonly Followed[],
  most: Followed,
  all: number,
  isRule: boolean,
): LogPattern {
  const { turn, delayMs, after, before, covered, rows } = most;
  const each = all > 1 ? ` So it was after ${number(followed.length)} of ${number(all)} such events.` : "";
  return pattern({
    id: "after-turn",
    class: mainCause(rows),
    certainty: isRule && covered ? "likely" : "possible",
    count: followed.reduce((sum, { after: count }) => sum + count, 0),
    text: `${counted(after, "failure")} within a minute, beginning ${delayMs < 1000 ? "at once" : spanOf(delayMs)} after this: ${turn.what}, ${momentOf(turn.atMs)}; ${number(before)} in the minute before${covered ? "" : " (which the log covers only in part)"}.${each}`,
    fromMs: turn.atMs,
    toMs: rows.at(-1)?.atMs ?? null,
    lines: [{ file: turn.file, line: turn.line }, ...linesOf(story.failing.file, rows).slice(0, 4)],
  });
}
