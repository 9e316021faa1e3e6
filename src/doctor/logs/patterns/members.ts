// One bad member or all of them. Members are compared within a pool: HAProxy names it, elsewhere those that are asked for
// the same paths are one. With an access log the shares of failures are compared, and chance is excluded; where only
// failures are known, nothing is known of the requests that went well, and less is claimed. Pure.
import type { EntryClass } from "../../../knowledge/entry.ts";
import type { LogPattern } from "../model.ts";
import { withoutScheme } from "../seen.ts";
import type { MemberTally, View } from "../view.ts";
import { chanceOf, rateOf, type Share, sumOf } from "./statistics.ts";
import { linesOf, majority, pattern, type Story } from "./story.ts";
import { number, percent } from "./words.ts";

interface Member extends Share {
  readonly name: string;
  readonly tally: MemberTally;
}

const FAILURES_MIN = 5;
const ALL_MIN = 10;
const OTHERS_MIN = 20;
const TIMES_WORSE = 5;
const ALIKE = 3;
const CHANCE_MAX = 1e-4;
/** Of many different paths only some are remembered. */
const COMMON_MIN = 8;

/** one-bad-member and all-members, for each pool. */
export function memberPatterns(story: Story): LogPattern[] {
  const found: LogPattern[] = [];
  const asked = story.views.filter(({ members }) => [...members.values()].some(({ requests }) => requests > 0));
  const known = new Set<string>();
  for (const view of asked) {
    for (const pool of poolsOf(view)) {
      for (const { name } of pool) known.add(name);
      found.push(...comparedByShare(story, view, pool));
    }
  }
  for (const view of story.views.filter((each) => !asked.includes(each))) {
    for (const pool of poolsOf(view)) {
      if (pool.every(({ name }) => known.has(name))) continue;
      found.push(...comparedByCount(view, pool));
    }
  }
  return found;
}

/** Members that stand for each other. */
function poolsOf({ members }: View): Member[][] {
  const pools: Member[][] = [];
  for (const [name, tally] of members) {
    const member: Member = { name, tally, hits: tally.failures, of: tally.requests };
    const same = pools.filter((pool) => pool.some((other) => share(member, other)));
    for (const pool of same) pools.splice(pools.indexOf(pool), 1);
    pools.push([...same.flat(), member]);
  }
  return pools.filter((pool) => pool.length > 1);
}

const BACKEND = /^([\w.-]+)\/[^/\s]+$/;

function share(a: Member, b: Member): boolean {
  const backend = BACKEND.exec(a.name)?.[1];
  const other = BACKEND.exec(b.name)?.[1];
  if (backend !== undefined || other !== undefined) return backend === other;
  const [few, many] = a.tally.paths.size <= b.tally.paths.size ? [a, b] : [b, a];
  if (few.tally.paths.size === 0) return false;
  let common = 0;
  for (const path of few.tally.paths) if (many.tally.paths.has(path)) common++;
  return common * 3 >= few.tally.paths.size || common >= COMMON_MIN;
}

function comparedByShare(story: Story, view: View, all: readonly Member[]): LogPattern[] {
  const pool = all.filter(({ of }) => of >= FAILURES_MIN).sort((a, b) => rateOf(b) - rateOf(a));
  if (pool.length < 2) return [];
  for (let bad = Math.floor(pool.length / 2); bad >= 1; bad--) {
    const rest = together(pool.slice(bad));
    const worse = pool.slice(0, bad);
    if (rest.of >= OTHERS_MIN && worse.every((member) => isWorse(member, rest)))
      return worse.map((member) => badMember(story, view, member, rest, pool.length - bad));
  }
  return alike(pool) ? [allMembers(story, view, pool)] : [];
}

const together = (members: readonly Share[]): Share => ({
  hits: sumOf(members.map(({ hits }) => hits)),
  of: sumOf(members.map(({ of }) => of)),
});

function isWorse(member: Member, rest: Share): boolean {
  if (member.hits < FAILURES_MIN || rateOf(member) < 0.01) return false;
  if (rateOf(member) < TIMES_WORSE * ((rest.hits + 0.5) / (rest.of + 1))) return false;
  return chanceOf(member, rest) < CHANCE_MAX;
}

function badMember(story: Story, view: View, member: Member, rest: Share, others: number): LogPattern {
  const { name, hits, of } = member;
  const sure = hits >= 20 && rateOf(member) >= 20 * rateOf(rest) && chanceOf(member, rest) < 1e-9;
  const them = others === 1 ? "the other member" : `the other ${others} members`;
  return pattern({
    id: "one-bad-member",
    class: causeOf(story, name),
    certainty: sure ? "proven" : "likely",
    upstream: name,
    count: hits,
    text: `${name} failed ${number(hits)} of ${number(of)} requests (${percent(rateOf(member))}); ${them} ${number(rest.hits)} of ${number(rest.of)} (${percent(rateOf(rest))}).`,
    ...whenOf(story, view, name),
  });
}

function alike(pool: readonly Member[]): boolean {
  const rates = pool.map(rateOf);
  return (
    pool.every(({ hits }) => hits >= 3) &&
    together(pool).hits >= ALL_MIN &&
    Math.max(...rates) <= ALIKE * Math.min(...rates)
  );
}

function allMembers(story: Story, view: View, pool: readonly Member[]): LogPattern {
  const sum = together(pool);
  const shares = pool.slice(0, 4).map((member) => `${member.name} ${percent(rateOf(member))}`);
  return pattern({
    id: "all-members",
    class: causeOf(story, null),
    certainty: "likely",
    count: sum.hits,
    text: `All ${pool.length} members fail alike (${shares.join(", ")}${pool.length > 4 ? ", …" : ""}): what they have in common is at fault, not one of them.`,
    ...whenOf(story, view, null),
  });
}

/** Only failures are known, so members that never failed are not seen at all. */
function comparedByCount(view: View, all: readonly Member[]): LogPattern[] {
  const pool = all.filter(({ hits }) => hits > 0).sort((a, b) => b.hits - a.hits);
  const [first] = pool;
  const sum = sumOf(pool.map(({ hits }) => hits));
  if (pool.length < 2 || !first || sum < ALL_MIN) return [];
  const rows = view.rows;
  const even = sum / pool.length;
  if (first.hits >= sum * 0.9) {
    return [
      pattern({
        id: "one-bad-member",
        class: majority(first.tally.classes),
        certainty: "possible",
        upstream: first.name,
        count: first.hits,
        text: `${number(first.hits)} of ${number(sum)} failures name ${first.name}, ${number(sum - first.hits)} the other ${pool.length - 1}; how many requests each got is not in this log.`,
        ...spanOfRows(
          view,
          rows.filter(({ member }) => member === first.name),
        ),
      }),
    ];
  }
  if (!pool.every(({ hits }) => hits >= even * 0.4)) return [];
  return [
    pattern({
      id: "all-members",
      class: majority(classesOf(pool)),
      certainty: "possible",
      count: sum,
      text: `The failures name ${pool.length} members about equally (${pool
        .slice(0, 4)
        .map(({ name, hits }) => `${name} ${number(hits)}`)
        .join(", ")}); how many requests each got is not in this log.`,
      ...spanOfRows(view, rows),
    }),
  ];
}

function classesOf(pool: readonly Member[]): Map<EntryClass | null, number> {
  const sum = new Map<EntryClass | null, number>();
  for (const { tally } of pool) for (const [of, count] of tally.classes) sum.set(of, (sum.get(of) ?? 0) + count);
  return sum;
}

/** The access log knows how many, another log of the same traffic may know why. */
function causeOf({ views }: Story, name: string | null): LogPattern["class"] {
  for (const { members } of [...views].reverse()) {
    const counts = new Map<EntryClass | null, number>();
    for (const [each, { classes }] of members) {
      if (name !== null && withoutScheme(each) !== name) continue;
      for (const [of, count] of classes) counts.set(of, (counts.get(of) ?? 0) + count);
    }
    const cause = majority(counts);
    if (cause !== null) return cause;
  }
  return null;
}

function whenOf(story: Story, view: View, name: string | null): Partial<LogPattern> {
  const of = (each: View) => each.rows.filter(({ member }) => name === null || member === name);
  const rows = of(view);
  return rows.length > 0 ? spanOfRows(view, rows) : spanOfRows(story.failing, of(story.failing));
}

function spanOfRows({ file }: View, rows: View["rows"]): Partial<LogPattern> {
  const times = rows.map(({ atMs }) => atMs).filter((atMs) => atMs !== null);
  return {
    fromMs: times.length > 0 ? times.reduce((a, b) => Math.min(a, b)) : null,
    toMs: times.length > 0 ? times.reduce((a, b) => Math.max(a, b)) : null,
    lines: linesOf(file, rows),
  };
}
