// The book of incidents: failures of all processes become troubles, troubles become incidents (what belongs together:
// belong.ts; when it is worth one: thresholds.ts; what it is: verdict/). No clock, no timers: time comes with reports
// and with tick(); ids come from a source that is passed in. Everything is bounded: at most 200 incidents are open, the
// rest joins the ones of its upstream; verdicts are made anew at most every two seconds each, or when the picture
// changes, and at most a few per report.
import type { CauseId } from "../failure/causes.ts";
import { eventText } from "../observe/event-text.ts";
import type { FailureGroup, KeptFailure, Report } from "../observe/report.ts";
import type { Ms } from "../std/units.ts";
import { absences } from "./absence.ts";
import { degreeOf } from "./belong.ts";
import { Facts, localTime, type TimeOf } from "./facts.ts";
import { kindOf } from "./kinds.ts";
import type { Confidence, Incident, Mark, Setting, TimelineEntry } from "./model.ts";
import { differencesOf } from "./setting-changes.ts";
import { type Happening, Surroundings } from "./surroundings.ts";
import { awayParts, isIncident, isOver, isRate, rememberedMs, severityOf } from "./thresholds.ts";
import { restoreTrouble, Trouble } from "./trouble.ts";
import { judge } from "./verdict/decide.ts";

const OPEN_MAX = 200;
const TROUBLES_MAX = 600;
const REOPEN_MS: Ms = 600_000;
const JUDGE_EVERY_MS: Ms = 2_000;
/** The first verdict rests on half a second; these after its opening it is looked at anew. */
const JUDGE_AGAIN_MS: readonly Ms[] = [1_000, 2_000, 5_000, 10_000];
const JUDGE_AT_ONCE_MAX = 8;
const WIDE_MAX = 32;
const SHARED: ReadonlySet<CauseId> = new Set([
  "dns-timeout",
  "connect-timeout",
  "network-unreachable",
  "connect-refused",
]);

const DEGREES: readonly Confidence[] = ["possible", "likely", "proven"];

/** What became of incidents; each as it is now, and never changed afterwards. */
export interface Changes {
  /** New ones, and ones that were closed and have begun again (same id). */
  readonly opened: readonly Incident[];
  readonly changed: readonly Incident[];
  readonly closed: readonly Incident[];
}

export interface BookOptions {
  /** Id of this gateway. */
  readonly gateway: string;
  /** A new id for an incident that begins at this time; sorts by time. */
  readonly newId: (at: Ms) => string;
  readonly setting: Setting;
  /** Open incidents from before a restart. */
  readonly restore?: readonly Incident[];
  /** How sentences tell the time; default HH:MM:SS of the machine's zone. */
  readonly timeOf?: TimeOf;
}

/** Keeps incidents: see the top of the file. */
export class IncidentBook {
  readonly #gateway: string;
  readonly #newId: (at: Ms) => string;
  readonly #timeOf: TimeOf;
  readonly #around: Surroundings;
  /** Open incidents, what may become one, and those that were closed a while ago. */
  readonly #troubles = new Set<Trouble>();
  readonly #byUpstream = new Map<string, Set<Trouble>>();
  /** Where the last failures of a sort went. */
  readonly #lastPlace = new Map<string, Trouble>();
  /** The latest troubles that other upstreams may share. */
  readonly #wide: Trouble[] = [];
  #now: Ms = 0;
  /** How many incidents are open. */
  #open = 0;
  #judged = 0;
  #opened = new Set<Trouble>();
  #closed = new Set<Trouble>();

  constructor(options: BookOptions) {
    this.#gateway = options.gateway;
    this.#newId = options.newId;
    this.#timeOf = options.timeOf ?? localTime;
    this.#around = new Surroundings(options.setting);
    for (const incident of options.restore ?? []) {
      if (incident.closedAt !== null) continue;
      this.#keep(restoreTrouble(incident));
      this.#open += 1;
      this.#now = Math.max(this.#now, incident.lastAt);
    }
  }

  /** What a process told of a tick. Reports of several processes may come in any order within a few seconds. */
  take(report: Report): Changes {
    this.#now = Math.max(this.#now, report.at);
    this.#around.tallied(report.at, report.endpoints);
    for (const seen of report.events) {
      const happening = this.#around.happened(seen, eventText(seen.event).text);
      if (happening !== null) this.#tellHappening(happening);
    }
    const touched = new Set<Trouble>();
    // In the order of time, so that what came first is the beginning.
    for (const group of [...report.groups].sort((a, b) => a.firstAt - b.firstAt)) {
      const trouble = this.#placeOf(group);
      trouble.add(group);
      touched.add(trouble);
      if (SHARED.has(group.cause) && !this.#wide.includes(trouble)) {
        this.#wide.push(trouble);
        if (this.#wide.length > WIDE_MAX) this.#wide.shift();
      }
    }
    for (const failure of report.failures) this.#placeOfKept(failure)?.addKept(failure);
    for (const tally of report.endpoints) this.#countRequests(tally.upstream, tally.answered + tally.failed);
    for (const trouble of touched) this.#consider(trouble);
    return this.#changes(false);
  }

  /** Something that happened. Events of upstreams may come here as well as in reports: they count once. */
  mark(mark: Mark): Changes {
    this.#now = Math.max(this.#now, mark.at);
    this.#takeMark(mark);
    return this.#changes(true);
  }

  /** Time goes on: closes what has been quiet, forgets what never became one. */
  tick(now: Ms): Changes {
    this.#now = Math.max(this.#now, now);
    this.#seeAbsent();
    for (const trouble of this.#troubles) {
      if (trouble.closedAt !== null) {
        if (this.#now - trouble.closedAt > REOPEN_MS) this.#forget(trouble);
      } else if (trouble.id === null) {
        this.#consider(trouble);
        const age = this.#now - (isRate(trouble) ? trouble.firstAt : trouble.lastAt);
        if (trouble.id === null && age > rememberedMs(trouble)) this.#forget(trouble);
      } else if (isOver(trouble, this.#now, this.#around)) this.#close(trouble);
      else this.#consider(trouble);
    }
    return this.#changes(true);
  }

  /** After a reload: what is different is evidence. */
  setSetting(setting: Setting, at: Ms): Changes {
    this.#now = Math.max(this.#now, at);
    const before = this.#around.setting;
    this.#around.setting = setting;
    for (const { upstream, text } of differencesOf(before, setting)) {
      const mark: Mark = {
        id: "",
        gateway: this.#gateway,
        at,
        kind: "reload",
        text: `reload: ${text}`,
        level: "info",
        upstream,
        endpoint: "",
        by: "",
      };
      this.#takeMark({ ...mark, id: `${at} ${text}` });
    }
    return this.#changes(true);
  }

  /** The open ones, oldest first. */
  open(): readonly Incident[] {
    return [...this.#troubles]
      .filter((trouble) => trouble.id !== null && trouble.closedAt === null)
      .map((trouble) => trouble.snapshot(this.#gateway))
      .sort((a, b) => a.openedAt - b.openedAt || (a.id < b.id ? -1 : 1));
  }

  /** The incident that a kept failure belongs to; null = none (yet). */
  incidentOf(failure: KeptFailure): string | null {
    return this.#placeOfKept(failure)?.id ?? null;
  }

  // ── Where failures go ─────────────────────────────────────────────────────────────────────────────────────────

  #placeOf(group: FailureGroup): Trouble {
    const key = placeKey(group.cause, group.upstream, group.endpoint, group.route, Object.keys(group.paths)[0] ?? "");
    // What only follows goes where the reason is, as soon as there is one.
    const kind = kindOf(group.cause);
    const last = kind === "left" || kind === "room" ? undefined : this.#lastPlace.get(key);
    if (
      last !== undefined &&
      this.#troubles.has(last) &&
      last.closedAt === null &&
      group.firstAt - last.lastAt <= 30_000
    )
      return last;
    const trouble = this.#bestFor(group) ?? this.#begin(group);
    this.#lastPlace.set(key, trouble);
    if (this.#lastPlace.size > 8_000) this.#lastPlace.delete(this.#lastPlace.keys().next().value!);
    return trouble;
  }

  #bestFor(group: FailureGroup): Trouble | null {
    const near = this.#byUpstream.get(group.upstream) ?? [];
    // What upstreams share: the gateway itself, hosts, the resolver.
    const wide =
      kindOf(group.cause) === "gateway" ? this.#troubles : SHARED.has(group.cause) ? [...near, ...this.#wide] : near;
    let best: Trouble | null = null;
    let bestDegree = 0;
    for (const trouble of wide) {
      let degree = degreeOf(trouble, group, this.#around);
      if (degree === 0) continue;
      // An open one before a closed one before what is none yet, and the latest.
      degree += trouble.id === null ? 0 : trouble.closedAt === null ? 0.4 : 0.2;
      if (degree > bestDegree || (degree === bestDegree && best !== null && trouble.lastAt > best.lastAt)) {
        best = trouble;
        bestDegree = degree;
      }
    }
    if (best !== null && best.closedAt !== null) this.#reopen(best, group.firstAt);
    return best;
  }

  #begin(group: FailureGroup): Trouble {
    if (this.#troubles.size >= TROUBLES_MAX) this.#makeRoom();
    if (this.#troubles.size >= TROUBLES_MAX || this.#open >= OPEN_MAX) {
      const [any] = this.#byUpstream.get(group.upstream) ?? this.#troubles;
      if (any !== undefined && any.closedAt === null) return any;
      const [other] = this.#troubles;
      if (other !== undefined && other.closedAt === null) return other;
    }
    const trouble = new Trouble(group.upstream, group.firstAt);
    this.#keep(trouble);
    return trouble;
  }

  #placeOfKept(failure: KeptFailure): Trouble | null {
    const { cause, upstream, endpoint, route, target } = failure;
    const path = target.replace(/[?#].*/s, "");
    const exact = this.#lastPlace.get(placeKey(cause, upstream, endpoint, route, path));
    if (exact !== undefined && this.#troubles.has(exact) && near(exact, failure.at)) return exact;
    let best: Trouble | null = null;
    let bestScore = 0;
    for (const trouble of this.#byUpstream.get(upstream) ?? []) {
      if (!trouble.causes.has(cause) || !near(trouble, failure.at)) continue;
      const score =
        1 +
        (trouble.endpoints.has(endpoint) ? 4 : 0) +
        (trouble.paths.counts.has(path) ? 2 : 0) +
        (trouble.id === null ? 0 : 1);
      if (score > bestScore) [best, bestScore] = [trouble, score];
    }
    return best;
  }

  /** An endpoint that checks found away is a trouble although no request met it. */
  #seeAbsent(): void {
    const known = (upstream: string, label: string, awayAt: Ms): boolean =>
      [...(this.#byUpstream.get(upstream) ?? [])].some(
        (trouble) =>
          trouble.closedAt === null &&
          trouble.endpoints.has(label) &&
          (trouble.kinds.has(label === "" ? "room" : "away") || trouble.lastAt >= awayAt - 60_000),
      );
    for (const group of absences(this.#around, this.#now, known)) this.#placeOf(group).add(group);
  }

  // ── Their life ────────────────────────────────────────────────────────────────────────────────────────────────

  #consider(trouble: Trouble): void {
    if (trouble.closedAt !== null) return;
    if (trouble.id === null) {
      if (!isIncident(trouble, this.#now, this.#around)) return;
      if (this.#open >= OPEN_MAX) return;
      this.#openUp(trouble);
    }
    trouble.severity = severityOf(trouble, this.#now, this.#around);
    this.#judge(trouble);
  }

  #openUp(trouble: Trouble): void {
    trouble.openedAt = trouble.firstAt;
    trouble.foundAt = this.#now;
    trouble.id = this.#newId(trouble.openedAt);
    this.#open += 1;
    for (const entry of this.#shortlyBefore(trouble)) trouble.tell(entry);
    trouble.tell({ at: trouble.openedAt, kind: "opened", text: "first failure" });
    this.#opened.add(trouble);
  }

  #reopen(trouble: Trouble, at: Ms): void {
    trouble.closedAt = null;
    this.#open += 1;
    trouble.reopened += 1;
    trouble.tell({ at, kind: "opened", text: "it has begun again" });
    this.#opened.add(trouble);
  }

  #close(trouble: Trouble): void {
    trouble.closedAt = this.#now;
    this.#open -= 1;
    if (trouble.counts.failures > 0) trouble.tell({ at: trouble.lastAt, kind: "last-failure", text: "last failure" });
    this.#judge(trouble, true);
    trouble.tell({ at: this.#now, kind: "closed", text: "quiet since" });
    this.#closed.add(trouble);
  }

  #judge(trouble: Trouble, now = false): void {
    const picture = `${[...trouble.causes.keys()].sort().join()}|${[...trouble.endpoints.keys()].sort().join()}|${awayParts(trouble, this.#around).length}`;
    const again = this.#now - trouble.foundAt >= (JUDGE_AGAIN_MS[trouble.judgedAgain] ?? Number.POSITIVE_INFINITY);
    const due = this.#now - trouble.judgedAt >= JUDGE_EVERY_MS || picture !== trouble.judgedFor;
    const wanted = now || again || (due && trouble.judgedCount !== trouble.told);
    if (trouble.verdict !== null && !now && (!wanted || this.#judged >= JUDGE_AT_ONCE_MAX)) return;
    while (this.#now - trouble.foundAt >= JUDGE_AGAIN_MS[trouble.judgedAgain]!) trouble.judgedAgain += 1;
    this.#judged += 1;
    trouble.judgedAt = this.#now;
    trouble.judgedFor = picture;
    trouble.judgedCount = trouble.told;
    if (trouble.firstShownAt !== null && !trouble.timeline.some(({ kind }) => kind === "first-shown")) {
      trouble.tell({ at: trouble.firstShownAt, kind: "first-shown", text: "first error shown to a client" });
    }
    // What was known before a restart of the gateway stays until there is more to say.
    const restored = trouble.restored;
    if (restored !== null && trouble.counts.failures < restored.counts.failures + 3) return;
    const verdict = judge(new Facts(trouble, this.#around, this.#now, this.#timeOf));
    const before = trouble.verdict;
    // The process of before saw it begin; what this one cannot know makes it no less sure.
    if (restored !== null && DEGREES.indexOf(verdict.confidence) < DEGREES.indexOf(restored.verdict.confidence)) return;
    if (before !== null && before.pattern !== verdict.pattern && this.#now - trouble.openedAt > 1_000) {
      trouble.tell({ at: this.#now, kind: "verdict-changed", text: verdict.short });
    }
    if (before?.sentence !== verdict.sentence || before.confidence !== verdict.confidence) trouble.changed = true;
    trouble.verdict = verdict;
  }

  #shortlyBefore(trouble: Trouble): TimelineEntry[] {
    const [from, to] = [trouble.firstAt - 120_000, this.#now];
    const entries: TimelineEntry[] = this.#around.marks
      .filter(
        (mark) =>
          mark.at >= trouble.firstAt - 600_000 && (mark.upstream === "" || trouble.upstreams.has(mark.upstream)),
      )
      .slice(-10);
    for (const seen of this.#around.endpoints.values()) {
      if (!trouble.upstreams.has(seen.upstream)) continue;
      for (const { at, kind, text } of seen.events) if (at >= from && at <= to) entries.push({ at, kind, text });
      if (entries.length > 40) break;
    }
    return entries.map(({ at, kind, text }) => ({ at, kind, text }));
  }

  #takeMark(mark: Mark): void {
    if (!this.#around.marked(mark)) return;
    for (const trouble of this.#troubles) {
      const concerns = mark.upstream === "" || trouble.upstreams.has(mark.upstream);
      if (trouble.id !== null && trouble.closedAt === null && concerns) {
        trouble.tell({ at: mark.at, kind: mark.kind, text: mark.text });
      }
    }
  }

  #tellHappening({ at, kind, text, upstream, endpoint }: Happening): void {
    for (const trouble of this.#byUpstream.get(upstream) ?? []) {
      if (trouble.id === null || trouble.closedAt !== null) continue;
      if (
        endpoint === "" ||
        trouble.endpoints.has(endpoint) ||
        trouble.kinds.has("away") ||
        trouble.kinds.has("room")
      ) {
        trouble.tell({ at, kind, text });
      }
    }
  }

  #countRequests(upstream: string, requests: number): void {
    for (const trouble of this.#byUpstream.get(upstream) ?? []) {
      if (trouble.closedAt === null) trouble.counts.requests += requests;
    }
  }

  /** What was told of the last call: snapshots, and of changed ones at most `all` or those judged just now. */
  #changes(all: boolean): Changes {
    const opened: Incident[] = [];
    const changed: Incident[] = [];
    const closed: Incident[] = [];
    for (const trouble of this.#troubles) {
      if (trouble.id === null || trouble.verdict === null) continue;
      const told = this.#opened.has(trouble) ? opened : this.#closed.has(trouble) ? closed : changed;
      if (told === changed && !(trouble.changed && (all || trouble.judgedAt === this.#now))) continue;
      told.push(trouble.snapshot(this.#gateway));
      // Opened and over within one call.
      if (told === opened && this.#closed.has(trouble)) closed.push(trouble.snapshot(this.#gateway));
      trouble.changed = false;
    }
    this.#opened.clear();
    this.#closed.clear();
    this.#judged = 0;
    return { opened, changed, closed };
  }

  #keep(trouble: Trouble): void {
    this.#troubles.add(trouble);
    const known = this.#byUpstream.get(trouble.upstream);
    if (known === undefined) this.#byUpstream.set(trouble.upstream, new Set([trouble]));
    else known.add(trouble);
  }

  #forget(trouble: Trouble): void {
    this.#troubles.delete(trouble);
    const wide = this.#wide.indexOf(trouble);
    if (wide !== -1) this.#wide.splice(wide, 1);
    const known = this.#byUpstream.get(trouble.upstream);
    known?.delete(trouble);
    if (known?.size === 0) this.#byUpstream.delete(trouble.upstream);
    for (const [key, place] of this.#lastPlace) if (place === trouble) this.#lastPlace.delete(key);
  }

  /** The oldest that is closed, or no incident, goes. */
  #makeRoom(): void {
    for (const trouble of this.#troubles) {
      if (trouble.id !== null && trouble.closedAt === null) continue;
      this.#forget(trouble);
      return;
    }
  }
}

const near = (trouble: Trouble, at: Ms): boolean => at >= trouble.firstAt - 60_000 && at <= trouble.lastAt + 60_000;

const placeKey = (cause: string, upstream: string, endpoint: string, route: string, path: string): string =>
  `${cause}\n${upstream}\n${endpoint}\n${route}\n${path}`;
