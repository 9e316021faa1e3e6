// One failed request drawn over time in a terminal: a line per phase of each attempt, its bar where it lay, its length.
import { cutTo, padded } from "../doctor/report/columns.ts";
import { span } from "../failure/words.ts";
import type { KeptAttempt } from "../observe/report.ts";
import type { Ms } from "../std/units.ts";
import type { StoredFailure } from "../store/model.ts";
import { printable } from "../wire/printable.ts";
import type { Paint } from "./paint.ts";

const NAME_COLUMNS = 12;
const TIME_COLUMNS = 10;
const BAR_MIN = 12;
const BAR_MAX = 60;

interface Phase {
  readonly name: string;
  readonly from: Ms;
  readonly to: Ms;
  readonly failed: boolean;
}

/** The lines of the drawing. */
export function waterfall({ attempts, durationMs }: StoredFailure, columns: number, paint: Paint): string[] {
  const wholeMs = Math.max(durationMs, ...attempts.map(({ endMs }) => endMs), 0.1);
  const width = Math.min(BAR_MAX, Math.max(BAR_MIN, columns - NAME_COLUMNS - TIME_COLUMNS - 8));
  return attempts.flatMap((attempt, index) => {
    const kept = attempt.reused ? " on a kept connection" : "";
    const status = attempt.status > 0 ? `, ${attempt.status}` : "";
    const title = `attempt ${index + 1}: ${printable(attempt.endpoint)}${kept}${status}`;
    const lines = [`  ${cutTo(title, columns - 2)}`];
    for (const phase of phasesOf(attempt)) {
      const bar = barOf(phase, wholeMs, width);
      const shown = paint(phase.failed ? "red" : "cyan", bar);
      const tail = `${span(phase.to - phase.from)}${phase.failed ? ` ${attempt.cause ?? "failed"}` : ""}`;
      lines.push(`    ${padded(phase.name, NAME_COLUMNS)}${shown} ${cutTo(tail, columns - width - NAME_COLUMNS - 5)}`);
    }
    return lines;
  });
}

/** What an attempt did when; the phase that it failed in is the last. */
export function phasesOf(attempt: KeptAttempt): Phase[] {
  const { startMs, resolvedMs, tcpMs, connectedMs, sentMs, headMs, endMs, cause, status } = attempt;
  const isTls = tcpMs !== null && connectedMs !== null && connectedMs > tcpMs;
  const ends: readonly (readonly [name: string, at: Ms | null])[] = attempt.reused
    ? [
        ["write", sentMs],
        ["wait", headMs],
      ]
    : [
        ["resolve", resolvedMs],
        ["connect", tcpMs ?? connectedMs],
        ["tls", isTls || (tcpMs !== null && connectedMs === null) ? connectedMs : startMs],
        ["write", sentMs],
        ["wait", headMs],
      ];
  const phases: Phase[] = [];
  let from = startMs;
  for (const [name, at] of ends) {
    if (name === "tls" && at === startMs) continue;
    if (at === null) return [...phases, { name, from, to: endMs, failed: cause !== null }];
    phases.push({ name, from, to: Math.max(from, at), failed: false });
    from = Math.max(from, at);
  }
  phases.push({
    name: status === 101 ? "tunnel" : "body",
    from,
    to: Math.max(from, endMs),
    failed: cause !== null && status < 500,
  });
  return phases;
}

/** Its place in the whole, at least one character where anything took time. */
export function barOf({ from, to, failed }: Phase, wholeMs: Ms, width: number): string {
  const start = Math.min(width - 1, Math.floor((from / wholeMs) * width));
  const length = Math.max(1, Math.min(width - start, Math.round(((to - from) / wholeMs) * width)));
  // Two characters, so that it is told without colour, too.
  return padded(" ".repeat(start) + (failed ? "▒" : "█").repeat(length), width);
}
