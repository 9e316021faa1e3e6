// What is known of one trouble while it lasts: sums per cause and per endpoint, and how it went over time. It becomes
// an incident when it is worth one (thresholds.ts). Adding is sums, minima and maxima only, so that reports may come
// in any order and in any parts.
import { CAUSES, type CauseId, type Fault } from "../failure/causes.ts";
import type { FailureGroup, KeptFailure } from "../observe/report.ts";
import type { Ms } from "../std/units.ts";
import { decisiveCause, type Kind, kindOf } from "./kinds.ts";
import type { Incident, IncidentCounts, Severity, TimelineEntry, Verdict } from "./model.ts";
import { Samples, Series, Tally } from "./tally.ts";

const TIMELINE_MAX = 60;
const RECENT_SLOT_MS: Ms = 5_000;
const RECENT_SLOTS = 14;
/** Failures that are further apart belong to two bursts. */
const BURST_GAP_MS: Ms = 5_000;

/** One cause within a trouble. */
export class CauseSeen {
  failures = 0;
  shown = 0;
  cut = 0;
  left = 0;
  passed = 0;
  savedCount = 0;
  firstAt: Ms = Number.POSITIVE_INFINITY;
  lastAt: Ms = 0;
  reused = 0;
  withoutByte = 0;
  keepAliveMs: Ms = 0;
  readonly phases = new Tally();
  readonly endpoints = new Tally();
  readonly paths = new Tally();
  readonly methods = new Tally();
  readonly clients = new Tally();
  readonly statuses = new Tally();
  readonly errnos = new Tally();
  readonly deadlines = new Tally();
  readonly details = new Tally();
  readonly proxyStatus = new Tally();
  readonly closedBy = new Tally();
  /** Codes of single failures that groups do not carry: TLS codes, why it was not tried again. */
  readonly codes = new Tally();
  readonly notRetried = new Tally();
  readonly waitedMs = new Samples();
  readonly idleMs = new Samples();
  readonly ageMs = new Samples();
  readonly bytes = new Samples();

  add(group: FailureGroup, count: number): void {
    this.failures += count;
    this.shown += group.shown;
    this.cut += group.cut;
    this.left += group.clientLeft;
    this.passed += group.passed;
    this.savedCount += savedOf(group);
    this.firstAt = Math.min(this.firstAt, group.firstAt);
    this.lastAt = Math.max(this.lastAt, group.lastAt);
    this.reused += group.reused;
    this.withoutByte += group.withoutByte;
    this.keepAliveMs = Math.max(this.keepAliveMs, group.keepAliveMs);
    this.phases.add(group.phase, count);
    if (group.endpoint !== "") this.endpoints.add(group.endpoint, count);
    this.paths.addAll(group.paths);
    this.methods.addAll(group.methods);
    this.clients.addAll(group.clients);
    this.statuses.addAll(group.statuses);
    this.errnos.addAll(group.errnos);
    this.deadlines.addAll(group.deadlines);
    this.details.addAll(group.details);
    this.proxyStatus.addAll(group.upstreamProxyStatus);
    this.closedBy.addAll(group.closedBy);
    this.waitedMs.addAll(group.waitedMs);
    this.idleMs.addAll(group.idleMs);
    this.ageMs.addAll(group.ageMs);
    this.bytes.addAll(group.bytesReceived);
  }
}

/** One endpoint within a trouble. */
export interface PartSeen {
  failures: number;
  shown: number;
  firstAt: Ms;
  lastAt: Ms;
  readonly causes: Map<CauseId, number>;
}

/** How many failures a group stands for. */
export function countOf(group: FailureGroup): number {
  return group.failures || group.shown + group.cut + group.clientLeft + group.passed + savedOf(group);
}

/** How many exchanges of a group were mended. */
export function savedOf({ saved }: FailureGroup): number {
  return (saved.hold ?? 0) + (saved.queue ?? 0) + (saved.retry ?? 0) + (saved.failover ?? 0);
}

/** A trouble: an incident, or what may become one. */
export class Trouble {
  /** null = not an incident yet. */
  id: string | null = null;
  readonly upstream: string;
  readonly upstreams = new Set<string>();
  readonly kinds = new Set<Kind>();
  readonly causes = new Map<CauseId, CauseSeen>();
  readonly endpoints = new Map<string, PartSeen>();
  readonly routes = new Tally();
  readonly paths = new Tally();
  readonly methods = new Tally();
  readonly hosts = new Tally();
  readonly statuses = new Tally();
  readonly clients = new Tally();
  readonly counts: { -readonly [key in keyof IncidentCounts]: number } = {
    failures: 0,
    shown: 0,
    cut: 0,
    clientLeft: 0,
    passed: 0,
    held: 0,
    queued: 0,
    retried: 0,
    failedOver: 0,
    requests: 0,
    clients: 0,
  };
  firstAt: Ms;
  openedAt: Ms = 0;
  lastAt: Ms;
  closedAt: Ms | null = null;
  /** Instants of bursts: a flap has many. */
  bursts: Ms[] = [];
  reopened = 0;
  severity: Severity = "saved";
  verdict: Verdict | null = null;
  timeline: TimelineEntry[] = [];
  series: Series;
  firstShownAt: Ms | null = null;
  /** It has news that nobody was told of. */
  changed = false;
  /** When it was found to be an incident, and how often it was looked at anew since. */
  foundAt: Ms = 0;
  judgedAgain = 0;
  /** Groups and entries that were added so far, and how many of them the last verdict knew. */
  told = 0;
  judgedCount = -1;
  judgedAt: Ms = Number.NEGATIVE_INFINITY;
  /** What decided the last verdict: causes and endpoints; another one judges at once. */
  judgedFor = "";
  #recent: { at: Ms; failures: number; shown: number }[] = [];
  /** Counts from before a restart of the gateway. */
  restored: Incident | null = null;

  constructor(upstream: string, at: Ms) {
    this.upstream = upstream;
    if (upstream !== "") this.upstreams.add(upstream);
    this.firstAt = at;
    this.lastAt = at;
    this.series = new Series(at);
  }

  add(group: FailureGroup): void {
    const count = countOf(group);
    const { cause } = group;
    const kind = kindOf(cause);
    let seen = this.causes.get(cause);
    if (seen === undefined) {
      seen = new CauseSeen();
      this.causes.set(cause, seen);
    }
    seen.add(group, count);
    this.kinds.add(kind);
    if (group.upstream !== "") this.upstreams.add(group.upstream);
    this.#addPart(group, count);
    this.routes.add(group.route, count);
    this.paths.addAll(group.paths);
    this.methods.addAll(group.methods);
    this.hosts.addAll(group.hosts);
    this.statuses.addAll(group.statuses);
    if (group.shown + group.cut + group.clientLeft > 0) this.clients.addAll(group.clients);
    this.#addCounts(group, count);
    // Clients that leave now and then would keep a trouble of another kind open for ever.
    if (kind !== "left" || this.kinds.size === 1) this.lastAt = Math.max(this.lastAt, group.lastAt);
    this.firstAt = Math.min(this.firstAt, group.firstAt);
    this.#addBurst(group.firstAt, group.lastAt);
    this.#addRecent(group, count);
    this.series.add(group.lastAt, group.shown + group.cut + group.passed, savedOf(group));
    if (group.shown + group.cut > 0) this.firstShownAt = Math.min(this.firstShownAt ?? group.firstAt, group.firstAt);
    this.changed = true;
    this.told += 1;
  }

  /** A single failure has codes that groups do not carry. */
  addKept(failure: KeptFailure): void {
    const seen = this.causes.get(failure.cause);
    if (seen === undefined) return;
    for (const attempt of failure.attempts) {
      if (attempt.evidence === null || attempt.cause !== failure.cause) continue;
      const { tlsCode, tlsAlert, rcode, notRetried } = attempt.evidence;
      if (tlsCode !== undefined) seen.codes.add(tlsCode, 1);
      if (tlsAlert !== undefined) seen.codes.add(`alert ${tlsAlert}`, 1);
      if (rcode !== undefined) seen.codes.add(rcode, 1);
      if (notRetried !== undefined) seen.notRetried.add(notRetried, 1);
    }
  }

  /** Failures, and those shown, in the minute before. */
  recent(now: Ms, withinMs: Ms = 60_000): { failures: number; shown: number } {
    let [failures, shown] = [0, 0];
    for (const slot of this.#recent) {
      if (slot.at + RECENT_SLOT_MS <= now - withinMs) continue;
      failures += slot.failures;
      shown += slot.shown;
    }
    return { failures, shown };
  }

  get cause(): CauseId {
    const counts = new Map<CauseId, number>();
    for (const [cause, seen] of this.causes) counts.set(cause, Math.max(1, seen.failures));
    return decisiveCause(counts);
  }

  get savedCount(): number {
    const { held, queued, retried, failedOver } = this.counts;
    return held + queued + retried + failedOver;
  }

  tell(entry: TimelineEntry): void {
    const same = this.timeline.some((one) => one.kind === entry.kind && one.at === entry.at && one.text === entry.text);
    if (same) return;
    this.timeline.push(entry);
    this.timeline.sort((a, b) => a.at - b.at);
    // The beginning and the end say most.
    if (this.timeline.length > TIMELINE_MAX) this.timeline.splice(TIMELINE_MAX / 3, 1);
    this.changed = true;
    this.told += 1;
  }

  snapshot(gateway: string): Incident {
    const { cause } = this;
    const causes = new Tally();
    for (const [id, seen] of this.causes) causes.add(id, Math.max(1, seen.failures));
    const faults = new Set<Fault>(CAUSES[cause].fault);
    const parts = new Tally();
    for (const [label, part] of this.endpoints) parts.add(label, Math.max(1, part.failures));
    return {
      id: this.id ?? "",
      gateway,
      openedAt: this.openedAt,
      lastAt: this.lastAt,
      closedAt: this.closedAt,
      severity: this.severity,
      cause,
      causes: causes.toCounts(44),
      phase: (this.causes.get(cause)?.phases.top(1)[0]?.[0] as Incident["phase"] | undefined) ?? CAUSES[cause].phase,
      fault: [...faults],
      upstream: this.upstream,
      routes: this.routes.toCounts(),
      endpoints: parts.toCounts(64),
      counts: { ...this.counts, clients: Math.max(this.counts.clients, this.clients.counts.size) },
      series: this.series.snapshot(),
      methods: this.methods.toCounts(),
      paths: this.paths.toCounts(),
      hosts: this.hosts.toCounts(),
      statuses: this.statuses.toCounts(),
      verdict: this.verdict!,
      timeline: this.timeline.map((entry) => ({ ...entry })),
    };
  }

  #addPart(group: FailureGroup, count: number): void {
    let part = this.endpoints.get(group.endpoint);
    if (part === undefined) {
      if (this.endpoints.size >= 512) return;
      part = { failures: 0, shown: 0, firstAt: group.firstAt, lastAt: group.lastAt, causes: new Map() };
      this.endpoints.set(group.endpoint, part);
    }
    part.failures += count;
    part.shown += group.shown + group.cut;
    part.firstAt = Math.min(part.firstAt, group.firstAt);
    part.lastAt = Math.max(part.lastAt, group.lastAt);
    part.causes.set(group.cause, (part.causes.get(group.cause) ?? 0) + count);
  }

  #addCounts(group: FailureGroup, count: number): void {
    const { counts } = this;
    counts.failures += count;
    counts.shown += group.shown;
    counts.cut += group.cut;
    counts.clientLeft += group.clientLeft;
    counts.passed += group.passed;
    counts.held += group.saved.hold ?? 0;
    counts.queued += group.saved.queue ?? 0;
    counts.retried += group.saved.retry ?? 0;
    counts.failedOver += group.saved.failover ?? 0;
    if (group.shown + group.cut + group.clientLeft > 0) counts.clients = Math.max(counts.clients, group.clientCount);
  }

  #addBurst(firstAt: Ms, lastAt: Ms): void {
    const near = this.bursts.findIndex((at) => Math.abs(at - firstAt) <= BURST_GAP_MS);
    // The end of a burst is where the next gap is measured from.
    if (near !== -1) this.bursts[near] = Math.max(this.bursts[near]!, lastAt);
    else this.bursts.push(lastAt);
    this.bursts.sort((a, b) => a - b);
    if (this.bursts.length > 32) this.bursts.shift();
  }

  #addRecent(group: FailureGroup, failures: number): void {
    const at = Math.floor(group.lastAt / RECENT_SLOT_MS) * RECENT_SLOT_MS;
    const slot = this.#recent.find((one) => one.at === at);
    const shown = group.shown + group.cut;
    if (slot === undefined) this.#recent.push({ at, failures, shown });
    else {
      slot.failures += failures;
      slot.shown += shown;
    }
    if (this.#recent.length > RECENT_SLOTS) {
      this.#recent.sort((a, b) => a.at - b.at);
      this.#recent.shift();
    }
  }
}

/** The trouble of an incident that was open when the gateway ended: its sums go on. */
export function restoreTrouble(incident: Incident): Trouble {
  const trouble = new Trouble(incident.upstream, incident.openedAt);
  trouble.restored = incident;
  Object.assign(trouble.counts, incident.counts);
  trouble.id = incident.id;
  trouble.openedAt = incident.openedAt;
  trouble.lastAt = incident.lastAt;
  trouble.severity = incident.severity;
  trouble.verdict = incident.verdict;
  trouble.timeline = [...incident.timeline];
  trouble.bursts = [incident.lastAt];
  trouble.series.stepMs = incident.series.stepMs;
  trouble.series.shown = [...incident.series.shown];
  trouble.series.saved = [...incident.series.saved];
  for (const name of ["routes", "methods", "paths", "hosts", "statuses"] as const) trouble[name].addAll(incident[name]);
  for (const [cause, count] of Object.entries(incident.causes) as [CauseId, number][]) {
    if (!Object.hasOwn(CAUSES, cause)) continue;
    const seen = new CauseSeen();
    seen.failures = count;
    seen.firstAt = incident.openedAt;
    seen.lastAt = incident.lastAt;
    trouble.causes.set(cause, seen);
    trouble.kinds.add(kindOf(cause));
  }
  for (const [label, failures] of Object.entries(incident.endpoints)) {
    const [firstAt, lastAt] = [incident.openedAt, incident.lastAt];
    trouble.endpoints.set(label, { failures, shown: 0, firstAt, lastAt, causes: new Map() });
  }
  return trouble;
}
