// What is known around failures: how each endpoint stood and answered lately, what somebody did, what changed in the
// configuration. Evidence for verdicts ("right after a reload", "app-1 healthy", "gone and back five times") and for
// closing (an endpoint that is still away keeps its incident open). Bounded: endpoints, events each, marks in all.
// Each worker tells the same of the same endpoint: a state that is repeated is one.
import type { CauseId } from "../failure/causes.ts";
import type { EndpointTally, SeenEvent } from "../observe/report.ts";
import type { Ms } from "../std/units.ts";
import type { UpstreamEvent } from "../upstream/events.ts";
import type { Mark, MarkKind, Setting, UpstreamSetting } from "./model.ts";

const ENDPOINTS_MAX = 2_000;
const EVENTS_MAX = 40;
const MARKS_MAX = 100;
const SLOT_MS: Ms = 5_000;
const SLOTS_MAX = 120;
const SAME_WITHIN_MS: Ms = 2_000;

/** Something that happened to an endpoint or upstream. */
export interface Happening {
  readonly at: Ms;
  readonly kind: MarkKind;
  readonly upstream: string;
  readonly endpoint: string;
  readonly text: string;
  readonly detail: string;
  /** Of an endpoint that went away. */
  readonly cause: CauseId | null;
}

/** Figures of five seconds. */
interface Slot {
  readonly at: Ms;
  answered: number;
  failed: number;
  errors: number;
  headMs: Ms;
  headMaxMs: Ms;
}

/** Sums over some time. */
export interface Figures {
  readonly answered: number;
  readonly failed: number;
  readonly errors: number;
  readonly meanMs: Ms;
  readonly maxMs: Ms;
}

/** One endpoint as it was seen lately. */
export class EndpointSeen {
  readonly upstream: string;
  readonly label: string;
  events: Happening[] = [];
  slots: Slot[] = [];
  goneAt: Ms | null = null;
  unhealthyAt: Ms | null = null;
  ejectedAt: Ms | null = null;
  firstAt: Ms | null = null;
  answeredEver = 0;
  lastAnsweredAt: Ms | null = null;

  constructor(upstream: string, label: string) {
    this.upstream = upstream;
    this.label = label;
  }

  /** Since when it is out of use because nothing listens or checks fail; null = it is not, as far as known. */
  get awayAt(): Ms | null {
    if (this.goneAt === null) return this.unhealthyAt;
    return this.unhealthyAt === null ? this.goneAt : Math.min(this.goneAt, this.unhealthyAt);
  }

  /** Since when it was out of use at a time; null = it was not. */
  outAt(at: Ms): Ms | null {
    let outAt: Ms | null = null;
    for (const group of ["gone", "health", "ejected"]) {
      const last = this.events.findLast((event) => GROUP_OF[event.kind] === group && event.at <= at);
      if (last !== undefined && OUT.has(last.kind)) outAt = Math.min(outAt ?? last.at, last.at);
    }
    return outAt;
  }

  happened(happening: Happening): boolean {
    const { at, kind } = happening;
    const group = GROUP_OF[kind];
    const before = this.events.findLast((event) => GROUP_OF[event.kind] === group && event.at <= at + SAME_WITHIN_MS);
    if (before?.kind === kind && (group !== "" || Math.abs(before.at - at) < SAME_WITHIN_MS)) return false;
    this.events.push(happening);
    this.events.sort((a, b) => a.at - b.at);
    if (this.events.length > EVENTS_MAX) this.events.shift();
    const last = this.events.findLast((event) => GROUP_OF[event.kind] === group);
    if (group === "gone") this.goneAt = last?.kind === "endpoint-gone" ? last.at : null;
    if (group === "health") this.unhealthyAt = last?.kind === "health-down" ? last.at : null;
    if (group === "ejected") this.ejectedAt = last?.kind === "ejected" ? last.at : null;
    // Who accepts connections again is no longer gone, and checks that pass say the same.
    if (kind === "health-up" || kind === "returned") this.goneAt = null;
    return true;
  }

  tallied(at: Ms, tally: EndpointTally): void {
    const slotAt = Math.floor(at / SLOT_MS) * SLOT_MS;
    let slot = this.slots.findLast((one) => one.at === slotAt);
    if (slot === undefined) {
      slot = { at: slotAt, answered: 0, failed: 0, errors: 0, headMs: 0, headMaxMs: 0 };
      this.slots.push(slot);
      this.slots.sort((a, b) => a.at - b.at);
      if (this.slots.length > SLOTS_MAX) this.slots.shift();
    }
    slot.answered += tally.answered;
    slot.failed += tally.failed;
    slot.errors += tally.errors;
    slot.headMs += tally.headMs;
    slot.headMaxMs = Math.max(slot.headMaxMs, tally.headMaxMs);
    this.firstAt ??= at;
    this.answeredEver += tally.answered;
    if (tally.answered > 0) this.lastAnsweredAt = Math.max(this.lastAnsweredAt ?? 0, at);
  }

  figures(fromAt: Ms, toAt: Ms): Figures {
    let [answered, failed, errors, headMs, maxMs] = [0, 0, 0, 0, 0];
    for (const slot of this.slots) {
      if (slot.at + SLOT_MS <= fromAt || slot.at > toAt) continue;
      answered += slot.answered;
      failed += slot.failed;
      errors += slot.errors;
      headMs += slot.headMs;
      maxMs = Math.max(maxMs, slot.headMaxMs);
    }
    return { answered, failed, errors, meanMs: answered === 0 ? 0 : headMs / answered, maxMs };
  }
}

const GROUP_OF: { readonly [kind in MarkKind]?: string } = {
  "endpoint-gone": "gone",
  "endpoint-back": "gone",
  "health-down": "health",
  "health-up": "health",
  ejected: "ejected",
  returned: "ejected",
  "breaker-opened": "breaker",
  "breaker-closed": "breaker",
  "outage-begun": "outage",
  "outage-ended": "outage",
  "keepalive-learnt": "",
  "poison-request": "",
};

const OUT: ReadonlySet<MarkKind> = new Set(["endpoint-gone", "health-down", "ejected"]);
/** What actions on endpoints say of themselves (cli/backend). */
const TAKES_OUT = /\b(drain|disabl|weight 0\b)/i;
const TAKES_BACK = /\b(enabl|weight [1-9])/i;

/** All that is known around failures. */
export class Surroundings {
  setting: Setting;
  readonly endpoints = new Map<string, EndpointSeen>();
  /** Reloads, deploys, actions, changes of addresses: what people and pipelines do. */
  marks: Mark[] = [];

  constructor(setting: Setting) {
    this.setting = setting;
  }

  upstream(name: string): UpstreamSetting | null {
    return this.setting.upstreams.find((one) => one.name === name) ?? null;
  }

  hostOf(upstream: string, endpoint: string): string {
    return this.upstream(upstream)?.endpoints.find(({ label }) => label === endpoint)?.host ?? hostPart(endpoint);
  }

  /** Where an endpoint is dialled, as far as known: its label where the file says no more. */
  addressOf(upstream: string, endpoint: string): string {
    return this.upstream(upstream)?.endpoints.find(({ label }) => label === endpoint)?.address || endpoint;
  }

  seen(upstream: string, endpoint: string): EndpointSeen {
    const key = `${upstream}\n${endpoint}`;
    let seen = this.endpoints.get(key);
    if (seen === undefined) {
      seen = new EndpointSeen(upstream, endpoint);
      this.endpoints.set(key, seen);
      if (this.endpoints.size > ENDPOINTS_MAX) this.endpoints.delete(this.endpoints.keys().next().value!);
    }
    return seen;
  }

  /** Endpoints of an upstream: those of the file, and what was seen beside them. */
  members(upstream: string): EndpointSeen[] {
    const configured = this.upstream(upstream)?.endpoints.map(({ label }) => label) ?? [];
    const labels = new Set(configured);
    if (configured.length === 0) {
      for (const one of this.endpoints.values()) if (one.upstream === upstream && one.label) labels.add(one.label);
    }
    return [...labels].map((label) => this.seen(upstream, label));
  }

  /** What happened to the upstream itself: breaker, outages, poison requests. */
  whole(upstream: string): EndpointSeen {
    return this.seen(upstream, "");
  }

  tallied(at: Ms, tallies: readonly EndpointTally[]): void {
    for (const tally of tallies) this.seen(tally.upstream, tally.endpoint).tallied(at, tally);
  }

  /** null = it was known already. */
  happened(seen: SeenEvent, text: string): Happening | null {
    const { event, at } = seen;
    const endpoint = "endpoint" in event ? event.endpoint : "";
    const happening: Happening = {
      at,
      kind: event.kind,
      upstream: event.upstream,
      endpoint,
      text,
      detail: detailOf(event),
      cause: "cause" in event ? event.cause : null,
    };
    return this.seen(event.upstream, endpoint).happened(happening) ? happening : null;
  }

  /** A mark: of an endpoint's state, or of what somebody did. Whether it is news. */
  marked(mark: Mark): boolean {
    if (GROUP_OF[mark.kind] !== undefined) {
      const { at, kind, upstream, endpoint, text } = mark;
      return this.seen(upstream, endpoint).happened({ at, kind, upstream, endpoint, text, detail: "", cause: null });
    }
    const known = this.marks.some(
      (one) => one.id === mark.id || (one.kind === mark.kind && one.text === mark.text && one.at === mark.at),
    );
    if (known) return false;
    this.marks.push(mark);
    this.marks.sort((a, b) => a.at - b.at);
    if (this.marks.length > MARKS_MAX) this.marks.shift();
    return true;
  }

  /** The last mark of these kinds in [fromAt, toAt], for all or for this upstream. */
  lastMark(kinds: readonly MarkKind[], fromAt: Ms, toAt: Ms, upstream: string): Mark | null {
    return (
      this.marks.findLast(
        (mark) =>
          kinds.includes(mark.kind) &&
          mark.at >= fromAt &&
          mark.at <= toAt &&
          (mark.upstream === "" || upstream === "" || mark.upstream === upstream),
      ) ?? null
    );
  }

  /** Since when no endpoint of an upstream can be used, as it told; null = there are some, as far as known. */
  outageOf(upstream: string): Happening | null {
    if (this.upstream(upstream) === null && this.setting.upstreams.length > 0) return null;
    const last = this.endpoints.get(`${upstream}\n`)?.events.findLast(({ kind }) => GROUP_OF[kind] === "outage");
    return last?.kind === "outage-begun" ? last : null;
  }

  /** Who had taken an endpoint out of use at a time, by a mark of an action; null = nobody. */
  takenOut(upstream: string, endpoint: string, at: Ms): Mark | null {
    const last = this.marks.findLast(
      (mark) =>
        mark.kind === "action" &&
        mark.upstream === upstream &&
        mark.endpoint === endpoint &&
        mark.at <= at &&
        (TAKES_OUT.test(mark.text) || TAKES_BACK.test(mark.text)),
    );
    return last !== undefined && TAKES_OUT.test(last.text) ? last : null;
  }

  /** The action after which an upstream had nothing left to use at a time; null = it was none that emptied it. */
  emptiedBy(upstream: string, at: Ms): Mark | null {
    if (!this.marks.some((mark) => mark.kind === "action" && mark.upstream === upstream)) return null;
    let last: Mark | null = null;
    let lostAt = 0;
    const off = new Set(
      this.upstream(upstream)
        ?.endpoints.filter(({ down }) => down)
        .map(({ label }) => label) ?? [],
    );
    for (const member of this.members(upstream)) {
      if (member.label === "" || off.has(member.label)) continue;
      const taken = this.takenOut(upstream, member.label, at);
      if (taken !== null) {
        if (last === null || taken.at > last.at) last = taken;
        continue;
      }
      const goneAt = member.outAt(at);
      if (goneAt === null) return null;
      lostAt = Math.max(lostAt, goneAt);
    }
    return last !== null && last.at >= lostAt - SAME_WITHIN_MS ? last : null;
  }

  /** Whether an endpoint is configured still; unknown upstreams count as configured. */
  isMember(upstream: string, endpoint: string): boolean {
    const known = this.upstream(upstream);
    return known === null || known.endpoints.length === 0 || known.endpoints.some(({ label }) => label === endpoint);
  }
}

function detailOf(event: UpstreamEvent): string {
  if (event.kind === "endpoint-back") return String(event.awayMs);
  if (event.kind === "outage-ended") return String(event.lastedMs);
  if (event.kind === "poison-request") return event.request;
  if (event.kind === "keepalive-learnt") return String(event.limitMs);
  return "detail" in event ? event.detail : "";
}

/** The host of "10.0.0.7:3000", "[::1]:80" or "app-2:3000"; a label without a port is all host. */
export function hostPart(label: string): string {
  const bracketed = /^\[([^\]]+)\]/.exec(label);
  if (bracketed) return bracketed[1]!;
  const at = label.lastIndexOf(":");
  return at > 0 && /^\d+$/.test(label.slice(at + 1)) ? label.slice(0, at) : label;
}

/** The port of a label; null = it says none. */
export function portPart(label: string): string | null {
  return /:(\d+)$/.exec(label)?.[1] ?? null;
}
