// The keeper: takes what the serving processes tell, makes incidents and figures of it, gives them to the store and the
// webhooks, and tells whoever watches. It runs in the main process, beside the data path and never in front of it:
// reports are sums of half a second, the store writes behind a queue, and nothing here is waited for.
//   every 500 ms   reports → incident book → store, webhooks, watchers
//   every 1 s      while somebody watches: rates and the state of all upstreams (Now)
//   every 10 s     points of every series → store
import type { Config } from "../../config/config.ts";
import { type Changes, IncidentBook } from "../../incidents/book.ts";
import type { Incident, Mark, MarkKind } from "../../incidents/model.ts";
import { Webhooks } from "../../notify/webhooks.ts";
import { eventText } from "../../observe/event-text.ts";
import { History, mergePoints } from "../../observe/history.ts";
import { Metrics } from "../../observe/metrics.ts";
import { RateMeter } from "../../observe/rates.ts";
import type { KeptFailure, Point, Report, SeenEvent, TailEntry, TailFilter } from "../../observe/report.ts";
import { log } from "../../std/log.ts";
import type { Ms } from "../../std/units.ts";
import type { GatewayInfo, Store, StoredFailure } from "../../store/model.ts";
import { registerStoreMetrics } from "../../store/store-metrics.ts";
import type { Language } from "../target.ts";
import { newId } from "./ids.ts";
import { settingOf } from "./setting.ts";
import type { Source } from "./source.ts";

const REPORT_MS = 500;
const WATCHED_MS = 1_000;
const UNWATCHED_MS = 5_000;
const POINTS_MS = 10_000;
const TAIL_MS = 250;
const RESTORED_MAX = 200;
const LOOSE_MAX = 200;
/** Written on the way out, or lost. */
const CLOSE_MS = 2_000;

/** What watchers are told of at once. */
export type Told = { readonly incident: Incident } | { readonly mark: Mark };

export interface KeeperOptions {
  readonly config: Config;
  /** The configuration's file; null = from the command line. */
  readonly file: string | null;
  /** Of the file, as it was read last. */
  readonly language: () => Language;
  readonly gateway: GatewayInfo;
  readonly source: Source;
  readonly store: Store;
}

/** Keeps what happens, for one gateway. */
export class Keeper {
  readonly gateway: GatewayInfo;
  readonly store: Store;
  readonly rates = new RateMeter();
  /** Figures of the store and the webhooks, beside those of the traffic. */
  readonly metrics = new Metrics();
  readonly #source: Source;
  readonly #history = new History();
  readonly #file: string | null;
  readonly #language: () => Language;
  readonly #watchers = new Set<(told: Told) => void>();
  readonly #beats = new Set<() => void>();
  readonly #timers: NodeJS.Timeout[] = [];
  #book: IncidentBook;
  readonly #webhooks: Webhooks;
  #config: Config;
  #figuresTimer: NodeJS.Timeout | null = null;
  /** Of the ten seconds that run. */
  #points: Point[] = [];
  #pointsDue: Ms = 0;
  /** Failures that belong to no incident yet. */
  #loose: KeptFailure[] = [];
  #working = false;
  #toldOpen = "[]";
  /** Tails begun so far. */
  #tails = 0;

  constructor(options: KeeperOptions, restored: readonly Incident[]) {
    this.gateway = options.gateway;
    this.store = options.store;
    this.#source = options.source;
    this.#config = options.config;
    this.#file = options.file;
    this.#language = options.language;
    this.#book = new IncidentBook({
      gateway: options.gateway.id,
      newId,
      setting: settingOf(options.config, options.file, options.language()),
      restore: restored,
    });
    const { id, name } = options.gateway;
    this.#webhooks = new Webhooks(options.config.observability.webhooks, { id, name });
    registerStoreMetrics(this.metrics, () => this.store.state());
    this.#webhooks.registerMetrics(this.metrics);
  }

  /** Opens what was open when the gateway ended, and begins. */
  static async open(options: KeeperOptions): Promise<Keeper> {
    let restored: readonly Incident[] = [];
    try {
      const { items } = await options.store.incidents({
        state: "open",
        gateway: options.gateway.id,
        limit: RESTORED_MAX,
      });
      restored = items;
    } catch (error) {
      log.warn(`incidents of before cannot be read: ${(error as Error).message}`);
    }
    const keeper = new Keeper(options, restored);
    keeper.start();
    return keeper;
  }

  start(): void {
    const every = (ms: Ms, what: string, work: () => void | Promise<void>): void => {
      const timer = setInterval(() => void this.#guarded(what, work), ms);
      timer.unref();
      this.#timers.push(timer);
    };
    every(REPORT_MS, "reports", () => this.collect());
    this.#scheduleFigures();
    // What comes from here on is counted from here on.
    void this.#guarded("figures", () => this.refresh());
    this.mark("started", `goodgate ${this.gateway.version} started`);
  }

  /** Incidents that are open now, most severe first. */
  open(): readonly Incident[] {
    return [...this.#book.open()].sort(bySeverity);
  }

  /** Takes what was told since the last time. Never rejects by what a report holds. */
  async collect(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    try {
      for (const report of await this.#source.reports()) this.#take(report);
      this.#changed(this.#book.tick(Date.now()));
      if (this.#loose.length > 0) this.#keepFailures([]);
    } finally {
      this.#working = false;
    }
  }

  #take(report: Report): void {
    for (const seen of report.events) this.#eventSeen(seen);
    this.#changed(this.#book.take(report));
    this.#keepFailures(report.failures);
    if (report.slow.length > 0) this.store.putSlow(report.slow);
  }

  /** Those that belong to no incident yet are kept again when they do: it may open some failures later. */
  #keepFailures(fresh: readonly KeptFailure[]): void {
    const found = this.#loose.flatMap((failure) => this.#withIncident(failure) ?? []);
    const known = new Set(found.map(({ id }) => id));
    this.#loose = this.#loose.filter(({ id }) => !known.has(id));
    for (const failure of fresh) {
      const belongs = this.#withIncident(failure);
      found.push(belongs ?? { ...failure, incident: "", gateway: this.gateway.id });
      if (belongs === null) this.#loose.push(failure);
    }
    if (this.#loose.length > LOOSE_MAX) this.#loose = this.#loose.slice(-LOOSE_MAX);
    if (found.length > 0) this.store.putFailures(found);
  }

  #withIncident(failure: KeptFailure): StoredFailure | null {
    const incident = this.#book.incidentOf(failure);
    return incident === null ? null : { ...failure, incident, gateway: this.gateway.id };
  }

  #eventSeen({ at, event }: SeenEvent): void {
    const { level, text } = eventText(event);
    const endpoint = "endpoint" in event ? event.endpoint : "";
    this.#keep({ ...this.#markOf(event.kind, text, at), level, upstream: event.upstream, endpoint });
  }

  /** Something that happened to the gateway, or that somebody did. */
  mark(kind: MarkKind, text: string, by = "", of: { upstream?: string; endpoint?: string } = {}): Mark {
    const level = kind === "reload-refused" ? "warn" : "info";
    const mark: Mark = { ...this.#markOf(kind, text, Date.now()), level, by, ...of };
    this.#keep(mark);
    this.#changed(this.#book.mark(mark));
    return mark;
  }

  #markOf(kind: MarkKind, text: string, at: Ms): Mark {
    return {
      id: newId(at),
      gateway: this.gateway.id,
      at,
      kind,
      text,
      level: "info",
      upstream: "",
      endpoint: "",
      by: "",
    };
  }

  #keep(mark: Mark): void {
    this.store.putMarks([mark]);
    for (const watcher of this.#watchers) watcher({ mark });
  }

  #changed({ opened, changed, closed }: Changes): void {
    const all = [...opened, ...changed, ...closed];
    if (all.length === 0) return;
    this.store.putIncidents(all);
    for (const incident of opened) this.#tell("opened", incident);
    // It may have become worse than what a webhook waits for, or better understood.
    for (const incident of changed) this.#webhooks.tell("opened", incident);
    for (const incident of closed) this.#tell("closed", incident);
    for (const incident of all) for (const watcher of this.#watchers) watcher({ incident });
    this.#tellOpen();
  }

  /** Told again only where what a response needs to know has changed. */
  #tellOpen(): void {
    const open = this.#book.open().map(({ id, upstream, causes, endpoints }) => ({
      id,
      upstream,
      causes: Object.keys(causes),
      endpoints: Object.keys(endpoints),
    }));
    const told = JSON.stringify(open);
    if (told === this.#toldOpen) return;
    this.#toldOpen = told;
    this.#source.tellOpen(open);
  }

  #tell(what: "opened" | "closed", incident: Incident): void {
    const { verdict, severity, id } = incident;
    if (severity === "outage" || severity === "degraded")
      log.warn(`incident ${what}: ${verdict.sentence}`, { incident: id });
    else log.info(`incident ${what}: ${verdict.sentence}`, { incident: id });
    this.#webhooks.tell(what, incident);
  }

  /** Another configuration runs. */
  reloaded(config: Config, text: string): void {
    this.#config = config;
    this.#webhooks.configure(config.observability.webhooks);
    this.#book.setSetting(settingOf(config, this.#file, this.#language()), Date.now());
    this.mark("reload", text);
  }

  get config(): Config {
    return this.#config;
  }

  /** Calls with what happens, and about once a second when figures are fresh. Returns how to stop. */
  watch(told: (told: Told) => void, beat: () => void): () => void {
    this.#watchers.add(told);
    this.#beats.add(beat);
    this.#scheduleFigures();
    return () => {
      this.#watchers.delete(told);
      this.#beats.delete(beat);
    };
  }

  /** Figures at this moment; asked for by who does not watch, too. */
  async refresh(): Promise<void> {
    const wall = Date.now();
    const points = this.#history.take(await this.#source.families(), wall);
    this.rates.add(points, wall);
    this.#points.push(...points);
    if (wall < this.#pointsDue) return;
    this.#pointsDue = wall - (wall % POINTS_MS) + POINTS_MS;
    const due = mergePoints(this.#points, POINTS_MS);
    this.#points = [];
    if (due.length > 0) this.store.putPoints(due);
  }

  #scheduleFigures(): void {
    if (this.#figuresTimer) clearTimeout(this.#figuresTimer);
    const ms = this.#beats.size > 0 ? WATCHED_MS : UNWATCHED_MS;
    this.#figuresTimer = setTimeout(() => {
      void this.#guarded("figures", () => this.refresh()).then(() => {
        for (const beat of this.#beats) beat();
        if (this.#figuresTimer) this.#scheduleFigures();
      });
    }, ms);
    this.#figuresTimer.unref();
  }

  /** Tells requests as they end; each who looks has a filter of its own. */
  tail(filter: TailFilter, take: (entries: readonly TailEntry[], left: number) => void): () => void {
    const id = ++this.#tails;
    this.#source.tail(id, filter);
    const timer = setInterval(() => {
      const { entries, left } = this.#source.tailed(id);
      if (entries.length > 0 || left > 0) take(entries, left);
    }, TAIL_MS);
    timer.unref();
    return () => {
      clearInterval(timer);
      this.#source.tail(id, null);
    };
  }

  /** A defect of what is kept must not become one of the traffic. */
  async #guarded(what: string, work: () => void | Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      log.error(`console: ${what}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
  }

  /** Takes the last reports and writes what waits, for at most two seconds. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    if (this.#figuresTimer) clearTimeout(this.#figuresTimer);
    this.#figuresTimer = null;
    await this.#guarded("the last reports", () => this.collect());
    this.mark("stopping", "goodgate ends");
    await Promise.race([
      Promise.all([this.#webhooks.close(CLOSE_MS), this.store.flush()]),
      new Promise((resolve) => setTimeout(resolve, CLOSE_MS).unref()),
    ]);
    await this.store.close();
  }
}

const SEVERITIES = ["outage", "degraded", "saved", "notice"];

function bySeverity(a: Incident, b: Incident): number {
  return SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) || b.lastAt - a.lastAt;
}
