// What one file says of one kind (requests: the lines of an access log; messages: all others), counted in bounded memory.
// Failures are kept as rows for the patterns; when there are too many every second is dropped and from then on every
// second is taken, and so on, so that the rows stay evenly spread over the log. Counts are exact whatever is dropped.
import type { EntryClass } from "../../knowledge/entry.ts";
import type { Ms } from "../../std/units.ts";
import { Buckets } from "./buckets.ts";
import { type Seen, withoutScheme } from "./seen.ts";
import { pairOf, type StatusPair } from "./status-pair.ts";

/** A failure, as the patterns look at it. */
export interface Row {
  readonly line: number;
  readonly atMs: number | null;
  readonly class: EntryClass | null;
  readonly member: string | null;
  readonly path: string | null;
  readonly method: string | null;
  readonly status: number | null;
  readonly durationMs: Ms | null;
  readonly pair: StatusPair | null;
  readonly software: string | null;
}

export interface MemberTally {
  requests: number;
  failures: number;
  readonly classes: Map<EntryClass | null, number>;
  /** Paths that it was asked for, to tell which members serve the same. */
  readonly paths: Set<string>;
  /** Seconds in which it finished requests, ascending, and how many: for the gaps between them. */
  readonly seconds: number[];
  readonly counts: number[];
}

export interface Chain {
  count: number;
  /** Of these, how many another member answered well. */
  recovered: number;
  line: number;
  readonly others: Set<string>;
}

const ROWS_MAX = 40_000;
const MEMBERS_MAX = 256;
const PATHS_MAX = 4096;
const MEMBER_PATHS_MAX = 64;
const SECONDS_MAX = 100_000;

export class View {
  readonly buckets = new Buckets();
  readonly members = new Map<string, MemberTally>();
  /** All requests together. */
  readonly everybody: MemberTally = newTally();
  readonly paths = new Map<string, { requests: number; failures: number }>();
  readonly methods = new Map<string, { requests: number; failures: number }>();
  /** Requests that went well, by duration in steps of 1 %. */
  readonly fineDurations = new Map<number, number>();
  /** By the member that was tried first. */
  readonly chains = new Map<string, Chain>();
  rows: Row[] = [];
  /** Each row stands for as many failures. */
  stride = 1;
  requests = 0;
  failures = 0;
  fromMs = Number.POSITIVE_INFINITY;
  toMs = Number.NEGATIVE_INFINITY;
  #skipped = 0;
  readonly file: string;
  /** turns: what happened to programs; a process that was killed is no failed request. */
  readonly tells: "requests" | "messages" | "turns";

  constructor(file: string, tells: View["tells"]) {
    this.file = file;
    this.tells = tells;
  }

  add(seen: Seen): void {
    const { atMs, isFailure, class: of, path, facts } = seen;
    if (atMs !== null) {
      if (atMs < this.fromMs) this.fromMs = atMs;
      if (atMs > this.toMs) this.toMs = atMs;
      if (seen.isRequest) this.buckets.request(atMs);
      if (isFailure) this.buckets.failure(atMs, of);
    }
    if (seen.isRequest) {
      this.requests++;
      if (atMs !== null) addSecond(this.everybody, Math.floor(atMs / 1000));
    }
    if (isFailure) this.failures++;
    if (!seen.isRequest && !isFailure) return;
    tally(this.paths, path, PATHS_MAX, seen);
    tally(this.methods, facts.method ?? null, 32, seen);
    this.#addMember(seen);
    if (isFailure) this.#addRow(seen);
    else if (seen.durationMs !== null && seen.durationMs >= 500) {
      const step = durationStep(seen.durationMs);
      this.fineDurations.set(step, (this.fineDurations.get(step) ?? 0) + 1);
    }
  }

  #addMember(seen: Seen): void {
    if (seen.attempts.length < 2) {
      this.#count(seen.member, seen, seen.isFailure, seen.class);
      return;
    }
    const last = seen.attempts.length - 1;
    for (const [index, { upstream, status }] of seen.attempts.entries()) {
      const failed = index < last ? true : seen.isFailure;
      this.#count(withoutScheme(upstream), seen, failed, index < last ? classOfStatus(status) : seen.class);
    }
    this.#addChain(seen);
  }

  #count(name: string | null, seen: Seen, failed: boolean, of: EntryClass | null): void {
    if (name === null) return;
    const member = this.#member(name);
    if (!member) return;
    if (seen.isRequest) member.requests++;
    if (failed) {
      member.failures++;
      member.classes.set(of, (member.classes.get(of) ?? 0) + 1);
    }
    if (seen.path === null || member.paths.size >= MEMBER_PATHS_MAX) return this.#countSecond(member, seen);
    const { host, server } = seen.facts;
    const place = host ?? server;
    const asked = place === undefined ? seen.path : place + seen.path;
    if (!member.paths.has(asked)) member.paths.add(interned(asked));
    this.#countSecond(member, seen);
  }

  #countSecond(member: MemberTally, seen: Seen): void {
    if (seen.isRequest && seen.atMs !== null) addSecond(member, Math.floor(seen.atMs / 1000));
  }

  #member(name: string): MemberTally | null {
    const known = this.members.get(name);
    if (known) return known;
    if (this.members.size >= MEMBERS_MAX) return null;
    const member = newTally();
    this.members.set(ownCopy(name), member);
    return member;
  }

  #addChain({ attempts, isFailure, line }: Seen): void {
    const first = withoutScheme(attempts[0]?.upstream ?? "");
    let chain = this.chains.get(first);
    if (!chain) {
      if (this.chains.size >= MEMBERS_MAX) return;
      chain = { count: 0, recovered: 0, line, others: new Set() };
      this.chains.set(ownCopy(first), chain);
    }
    chain.count++;
    if (!isFailure) chain.recovered++;
    for (const { upstream } of attempts.slice(1)) if (chain.others.size < 16) chain.others.add(ownCopy(upstream));
  }

  #addRow({ line, atMs, class: of, member, path, facts, durationMs, attempts }: Seen): void {
    this.#skipped++;
    if (this.#skipped < this.stride) return;
    this.#skipped = 0;
    if (this.rows.length >= ROWS_MAX) {
      this.rows = this.rows.filter((_, index) => index % 2 === 1);
      this.stride *= 2;
    }
    this.rows.push({
      line,
      atMs,
      class: of,
      member: member === null ? null : interned(member),
      path: path === null ? null : interned(path),
      method: facts.method === undefined ? null : interned(facts.method),
      status: facts.status ?? null,
      durationMs,
      pair: pairOf(facts, attempts),
      software: facts.software === undefined ? null : interned(facts.software),
    });
  }
}

const newTally = (): MemberTally => ({
  requests: 0,
  failures: 0,
  classes: new Map(),
  paths: new Set(),
  seconds: [],
  counts: [],
});

function tally(
  into: Map<string, { requests: number; failures: number }>,
  name: string | null,
  max: number,
  seen: Seen,
): void {
  if (name === null) return;
  let known = into.get(name);
  if (!known) {
    if (into.size >= max) return;
    known = { requests: 0, failures: 0 };
    into.set(ownCopy(name), known);
  }
  if (seen.isRequest) known.requests++;
  if (seen.isFailure) known.failures++;
}

/** Lines of an access log come in the order of their ends; a little disorder only blurs a gap. */
function addSecond({ seconds, counts }: MemberTally, second: number): void {
  const last = seconds.length - 1;
  if (last >= 0 && (seconds[last] ?? 0) >= second) counts[last] = (counts[last] ?? 0) + 1;
  else if (seconds.length < SECONDS_MAX) {
    seconds.push(second);
    counts.push(1);
  }
}

/** What is known of a try that another followed. */
function classOfStatus(status: number | null): EntryClass | null {
  return status === null ? null : "status-only-502";
}

/** Durations that differ by less than 1 % share a step. */
export const durationStep = (ms: Ms): number => Math.round(Math.log(ms) / Math.log(1.01));

/** Few values stand in many rows; a piece of a line would keep its whole chunk alive. */
const INTERNED = new Map<string, string>();
const INTERNED_MAX = 20_000;

function interned(text: string): string {
  const known = INTERNED.get(text);
  if (known !== undefined) return known;
  if (INTERNED.size >= INTERNED_MAX) INTERNED.clear();
  const own = ownCopy(text);
  INTERNED.set(own, own);
  return own;
}

/** A copy that holds nothing else. */
export function ownCopy(text: string): string {
  return ` ${text}`.slice(1);
}
