// Failures of one path or one method, where requests for others go well. Known requests decide; where only failures are
// known, one path among them is worth a look and no more. Pure.
import type { LogPattern } from "../model.ts";
import type { Row, View } from "../view.ts";
import { chanceOf, rateOf } from "./statistics.ts";
import { linesOf, mainCause, pattern, type Story } from "./story.ts";
import { counted, number, percent } from "./words.ts";

const FAILURES_MIN = 5;
const ALONE_MIN = 10;
const SHARE_MIN = 0.8;
const OTHERS_MIN = 20;
const CHANCE_MAX = 1e-4;

type Tallies = View["paths"];

/** one-path: of the path, else of the method. */
export function pathPatterns(story: Story): LogPattern[] {
  const { asked, failing } = story;
  if (asked) {
    const path = byShare(story, asked, asked.paths, ({ path }) => path, "requests for");
    const found = path ?? byShare(story, asked, asked.methods, ({ method }) => method, "requests with");
    return found ? [found] : [];
  }
  const found = byCount(failing);
  return found ? [found] : [];
}

function byShare(
  { failing }: Story,
  asked: View,
  tallies: Tallies,
  nameOf: (row: Row) => string | null,
  what: string,
): LogPattern | null {
  const totals = { requests: 0, failures: 0 };
  let name: string | null = null;
  let most = 0;
  for (const [each, { requests, failures }] of tallies) {
    totals.requests += requests;
    totals.failures += failures;
    if (failures > most) [name, most] = [each, failures];
  }
  const top = name === null ? undefined : tallies.get(name);
  if (name === null || !top || top.failures < FAILURES_MIN || top.failures < totals.failures * SHARE_MIN) return null;
  const own = { hits: top.failures, of: Math.max(top.requests, top.failures) };
  const rest = { hits: totals.failures - top.failures, of: totals.requests - top.requests };
  if (rest.of < OTHERS_MIN || rateOf(own) < 5 * rateOf(rest) || chanceOf(own, rest) >= CHANCE_MAX) return null;
  const rows = failing.rows.filter((row) => nameOf(row) === name);
  return pattern({
    id: "one-path",
    class: mainCause(rows),
    certainty: own.hits >= 20 ? "proven" : "likely",
    count: own.hits,
    text: `${number(own.hits)} of ${counted(own.of, "request")} ${what.slice("requests ".length)} ${name} failed (${percent(rateOf(own))}); of ${counted(rest.of, "other request")} ${number(rest.hits)} did.`,
    ...rowsOf(asked === failing || rows.length > 0 ? failing : asked, rows),
  });
}

function byCount(failing: View): LogPattern | null {
  const rows = failing.rows.filter(({ path }) => path !== null);
  const counts = new Map<string, number>();
  for (const { path } of rows) if (path !== null) counts.set(path, (counts.get(path) ?? 0) + 1);
  const [top] = [...counts].sort((a, b) => b[1] - a[1]);
  if (!top || counts.size < 2 || top[1] < ALONE_MIN || top[1] < rows.length * 0.9) return null;
  const own = rows.filter(({ path }) => path === top[0]);
  return pattern({
    id: "one-path",
    class: mainCause(own),
    certainty: "possible",
    count: top[1] * failing.stride,
    text: `${number(top[1])} of ${counted(rows.length, "failure")} are of requests for ${top[0]}; how often other paths were asked for is not in this log.`,
    ...rowsOf(failing, own),
  });
}

function rowsOf({ file }: View, rows: readonly Row[]): Partial<LogPattern> {
  const timed = rows.filter(({ atMs }) => atMs !== null);
  return { fromMs: timed[0]?.atMs ?? null, toMs: timed.at(-1)?.atMs ?? null, lines: linesOf(file, rows) };
}
