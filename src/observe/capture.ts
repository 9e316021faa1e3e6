// What one process saw, gathered for the console a tick at a time: failures as sums and some of them whole, how each
// endpoint does, what happened to upstreams, the slowest exchanges, the live tail. It outlives reloads.
// A request that went well costs a look-up and some comparisons; one that failed some look-ups in small Maps; only
// what is kept whole costs more, and that is bounded by the second. All that is gathered is bounded, whether somebody
// takes it or not; of a record nothing is kept.
import { CAUSES } from "../failure/causes.ts";
import type { Failure } from "../failure/failure.ts";
import type { Ms } from "../std/units.ts";
import type { UpstreamEvent } from "../upstream/events.ts";
import { Choice, type Weight } from "./capture-choice.ts";
import { ENDED_WELL, type Ending, endingOf, isPlain, isRefusal, OWN_ERRORS_FROM } from "./capture-ending.ts";
import { type Asked, askedOf, type GroupKey, GroupTally, type Shown } from "./capture-group.ts";
import { keptFailure } from "./capture-kept.ts";
import type { Random } from "./capture-sketch.ts";
import { Slowest, Tail } from "./capture-tail.ts";
import { shownEvent, shownHost, shownName, shownText } from "./capture-text.ts";
import { type AttemptRecord, type ExchangeRecord, overAt, statusOf } from "./record.ts";
import {
  type EndpointTally,
  GROUPS_MAX,
  type Outcome,
  type Report,
  type SeenEvent,
  type TailEntry,
  type TailFilter,
} from "./report.ts";

const SLOW_MAX = 20;
/** Groups by the cause alone always find room. */
const FULL_GROUPS_MAX = GROUPS_MAX - Object.keys(CAUSES).length;
/** Endpoints beyond (names that requests bring, say) are counted as one. */
const ENDPOINTS_MAX = 2_000;
const OTHERS = "other";
/** Events of a tick; beyond, only the last of each kind of change of an endpoint, so that how it stands is right. */
const EVENTS_MAX = 1_000;
const LAST_EVENTS_MAX = 4_000;

/** An EndpointTally that grows. */
interface Tally {
  readonly upstream: string;
  readonly endpoint: string;
  answered: number;
  failed: number;
  errors: number;
  headMs: Ms;
  headMaxMs: Ms;
  /** Of another upstream that has the same endpoint. */
  readonly next: Tally | null;
}

export class Capture {
  readonly #random: Random;
  #since: Ms = Number.NaN;
  #tallies = new Map<string, Tally>();
  #talliesCount = 0;
  #groups = new Map<string, GroupTally>();
  /** The group that was met last: a storm is mostly of one. */
  #lastGroup: GroupTally | null = null;
  #failedExchanges = 0;
  #events: SeenEvent[] = [];
  #lastEvents = new Map<string, SeenEvent>();
  readonly #choice = new Choice();
  readonly #slowest = new Slowest(SLOW_MAX);
  /** By the number of who looks; null = nobody does. */
  #tails: Map<number, Tail> | null = null;

  constructor(random: Random = Math.random) {
    this.#random = random;
  }

  /** Takes one exchange that ended now, by the wall clock. */
  observe(record: ExchangeRecord, wall: Ms): void {
    const { attempts } = record;
    for (let i = 0; i < attempts.length; i++) this.#tally(attempts[i]!.upstream ?? record.upstream, attempts[i]!, wall);
    let ending = ENDED_WELL;
    if (!isPlain(record)) {
      ending = endingOf(record);
      this.#notPlain(record, ending, wall);
    }
    if (record.endedAt - record.startedAt > this.#slowest.floorMs) this.#slowest.offer(record, ending, wall);
    if (this.#tails !== null) for (const tail of this.#tails.values()) tail.observe(record, ending, wall);
  }

  /** Takes what happened to an upstream. */
  event(event: UpstreamEvent, wall: Ms): void {
    if (Number.isNaN(this.#since)) this.#since = wall;
    if (this.#events.length < EVENTS_MAX) {
      this.#events.push({ at: wall, event });
      return;
    }
    const key = `${event.upstream}\n${"endpoint" in event ? event.endpoint : ""}\n${event.kind}`;
    // Behind those of other kinds: the order tells how it stands now.
    this.#lastEvents.delete(key);
    if (this.#lastEvents.size < LAST_EVENTS_MAX) this.#lastEvents.set(key, { at: wall, event });
  }

  /** All since it was taken last; null = nothing happened. */
  take(wall: Ms): Report | null {
    const endpoints = this.#takeTallies();
    const events = [...this.#events, ...this.#lastEvents.values()];
    const slow = this.#slowest.take();
    const failures = this.#choice.take();
    const groups = this.#takeGroups();
    const notKept = this.#failedExchanges - failures.length;
    const spanMs = Math.max(0, wall - this.#since) || 0;
    this.#since = wall;
    this.#failedExchanges = 0;
    this.#events = [];
    this.#lastEvents = new Map();
    if (groups.length + endpoints.length + events.length + slow.length === 0) return null;
    const seen = events.map(({ at, event }) => ({ at, event: shownEvent(event) }));
    return { at: wall, spanMs, groups, failures, endpoints, events: seen, slow, notKept };
  }

  /** Begins a live tail, or ends it; each who looks has a number. */
  setTail(filter: TailFilter | null, id = 0): void {
    const tails = this.#tails ?? new Map<number, Tail>();
    if (filter === null) tails.delete(id);
    else tails.set(id, new Tail(filter));
    this.#tails = tails.size === 0 ? null : tails;
  }

  /** What a tail let through since it was taken last, and how many more there were. */
  takeTail(id = 0): { entries: TailEntry[]; left: number } {
    return this.#tails?.get(id)?.take() ?? { entries: [], left: 0 };
  }

  #tally(upstream: string, attempt: AttemptRecord, wall: Ms): void {
    let tally = this.#tallies.get(attempt.endpoint) ?? null;
    if (tally === null || tally.upstream !== upstream) tally = this.#tallyOf(upstream, attempt.endpoint, tally, wall);
    if (attempt.failure !== null && attempt.failure.cause !== "upstream-error-passthrough") tally.failed++;
    else if (attempt.headAt > 0) {
      tally.answered++;
      if (attempt.status >= OWN_ERRORS_FROM) tally.errors++;
      const headMs = attempt.headAt - (attempt.sentAt || attempt.startedAt);
      if (headMs > 0) {
        tally.headMs += headMs;
        if (headMs > tally.headMaxMs) tally.headMaxMs = headMs;
      }
    }
  }

  #tallyOf(upstream: string, endpoint: string, first: Tally | null, wall: Ms): Tally {
    for (let tally = first; tally !== null; tally = tally.next) if (tally.upstream === upstream) return tally;
    if (Number.isNaN(this.#since)) this.#since = wall;
    if (this.#talliesCount >= ENDPOINTS_MAX && !(endpoint === OTHERS && upstream === OTHERS)) {
      return this.#tallyOf(OTHERS, OTHERS, this.#tallies.get(OTHERS) ?? null, wall);
    }
    const fresh = { upstream, endpoint, answered: 0, failed: 0, errors: 0, headMs: 0, headMaxMs: 0, next: first };
    this.#tallies.set(endpoint, fresh);
    this.#talliesCount++;
    return fresh;
  }

  #takeTallies(): EndpointTally[] {
    const taken: EndpointTally[] = [];
    for (const first of this.#tallies.values()) {
      for (let tally: Tally | null = first; tally !== null; tally = tally.next) {
        const { upstream, endpoint, answered, failed, errors, headMs, headMaxMs } = tally;
        if (answered + failed === 0) continue;
        const names = { upstream: shownName(upstream), endpoint: shownName(endpoint) };
        taken.push({ ...names, answered, failed, errors, headMs: micros(headMs), headMaxMs: micros(headMaxMs) });
      }
    }
    this.#tallies = new Map();
    this.#talliesCount = 0;
    return taken;
  }

  /** An exchange in which something failed, or that waited. */
  #notPlain(record: ExchangeRecord, ending: Ending, wall: Ms): void {
    const { attempts } = record;
    let asked: Asked | null = null;
    let decided: GroupTally | null = null;
    for (let i = 0; i < attempts.length; i++) {
      const attempt = attempts[i]!;
      const failure = attempt.failure ?? (i === ending.attempt ? ending.failure : null);
      if (failure === null) continue;
      asked ??= askedOf(record);
      const upstream = attempt.upstream ?? record.upstream;
      // An attempt that another one mended failed earlier than its exchange ended.
      const at = attempt.endedAt > 0 ? wall - Math.floor(Math.max(0, record.endedAt - attempt.endedAt)) : wall;
      const group = this.#groupOf(record.route, failure, upstream, attempt.endpoint, at);
      group.failed(asked, failure.evidence, attempt.reused, at, this.#random);
      if (failure.cause === "upstream-error-passthrough") group.status(attempt.status, this.#random);
      if (i === ending.attempt) decided = group;
      if (ending.savedBefore !== null && i === ending.savedBefore.attempt) {
        group.ended("saved", ending.savedBefore.by, wall);
      }
    }
    if (ending.outcome === "ok") return;
    const failure = ending.failure!;
    if (decided === null) {
      decided = this.#groupOf(record.route, failure, ending.upstream, ending.endpoint, wall);
      const evidence = ending.outcome === "client-left" ? waitedFor(record, failure) : failure.evidence;
      decided.failed(asked ?? askedOf(record), evidence, false, wall, this.#random);
    }
    decided.ended(ending.outcome, ending.savedBy, wall);
    if (ending.outcome !== "saved" && failure.cause !== "upstream-error-passthrough") {
      decided.status(statusOf(record), this.#random);
    }
    if (ending.savedBefore !== null && ending.savedBefore.attempt < 0) this.#savedByWaiting(record, ending, wall);
    this.#failedExchanges++;
    this.#choice.offer(decided, weightOf(ending), wall, () => keptFailure(record, ending, wall, this.#random));
  }

  /** It waited with success for an answer that was an error of the upstream's own. */
  #savedByWaiting(record: ExchangeRecord, ending: Ending, wall: Ms): void {
    const { failure, by } = ending.savedBefore!;
    const group = this.#groupOf(record.route, failure, record.upstream, "", wall);
    group.failed(askedOf(record), failure.evidence, false, wall, this.#random);
    group.ended("saved", by, wall);
  }

  #groupOf(route: string, failure: Failure, upstream: string, endpoint: string, wall: Ms): GroupTally {
    const { cause, phase } = failure;
    const last = this.#lastGroup;
    if (last !== null && isSame(last.key, cause, phase, route, upstream, endpoint)) return last;
    const name = `${cause}|${phase}|${route}\n${upstream}\n${endpoint}`;
    let group = this.#groups.get(name);
    if (group === undefined) {
      if (Number.isNaN(this.#since)) this.#since = wall;
      if (this.#groups.size >= FULL_GROUPS_MAX) return this.#groupOfCause(failure, wall);
      group = new GroupTally({ cause, phase, route, upstream, endpoint }, wall);
      this.#groups.set(name, group);
    }
    this.#lastGroup = group;
    return group;
  }

  #groupOfCause({ cause }: Failure, wall: Ms): GroupTally {
    let group = this.#groups.get(cause);
    if (group === undefined) {
      group = new GroupTally({ cause, phase: CAUSES[cause].phase, route: "", upstream: "", endpoint: "" }, wall);
      this.#groups.set(cause, group);
    }
    return group;
  }

  #takeGroups(): Report["groups"] {
    const shown: Shown = { name: remembered(shownName), host: remembered(shownHost), text: remembered(shownText) };
    const groups = [...this.#groups.values()].map((group) => group.report(shown));
    this.#groups = new Map();
    this.#lastGroup = null;
    return groups;
  }
}

function isSame(
  key: GroupKey,
  cause: string,
  phase: string,
  route: string,
  upstream: string,
  endpoint: string,
): boolean {
  return (
    key.cause === cause &&
    key.endpoint === endpoint &&
    key.route === route &&
    key.upstream === upstream &&
    key.phase === phase
  );
}

/** What a client that left had waited for the upstream. */
function waitedFor(record: ExchangeRecord, { evidence }: Failure): Failure["evidence"] {
  const last = record.attempts[record.attempts.length - 1];
  if (last === undefined) return evidence;
  const waitedMs = overAt(record) - (last.headAt || last.sentAt || last.startedAt);
  return { ...evidence, waitedMs: Math.max(0, waitedMs) };
}

const WEIGHTS: Readonly<Record<Outcome, Weight>> = {
  shown: "shown",
  cut: "shown",
  saved: "mild",
  "client-left": "mild",
  passed: "mild",
};

function weightOf(ending: Ending): Weight {
  return isRefusal(ending) ? "refused" : WEIGHTS[ending.outcome as Outcome];
}

/** The same text is asked for in many groups. */
function remembered(make: (text: string) => string): (text: string) => string {
  const made = new Map<string, string>();
  return (text) => {
    let result = made.get(text);
    if (result === undefined) {
      result = make(text);
      made.set(text, result);
    }
    return result;
  };
}

/** With whole microseconds, as logs have them. */
function micros(ms: Ms): Ms {
  return Math.round(ms * 1000) / 1000;
}
