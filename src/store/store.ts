// The store as the gateway has it: what is given goes into a bounded queue and, a batch at a time, to the thread that
// owns the database (thread.ts); nothing here waits for a disk or another machine. What cannot be written now is tried
// again, ever more slowly; what the queue has no place for is dropped and counted. Questions go the same way and take
// with them what was given before them.
import { log } from "../std/log.ts";
import type { Ms } from "../std/units.ts";
import type { Batch, Kind } from "./batch.ts";
import type { Answer, Arguments, Question } from "./engine.ts";
import { LINK_TIMES, Link, type LinkTimes } from "./link.ts";
import type { FromThread, Place } from "./messages.ts";
import type { Store, StoreOptions, StoreState } from "./model.ts";
import { readPostgresUrl } from "./problem.ts";
import { QUEUE_BOUNDS, Queue, type QueueBounds } from "./queue.ts";

/** For tests: how it runs apart from what it keeps. */
export interface StoreSettings {
  readonly thread?: URL;
  readonly times?: Partial<LinkTimes>;
  readonly bounds?: Partial<QueueBounds>;
  readonly keepEveryMs?: Ms;
  /** So long openStore waits for the database; what it is not open for waits in the queue. */
  readonly openMs?: Ms;
  readonly pragmas?: readonly string[];
}

/** What comes within this time is written together. */
const GATHER_MS: Ms = 200;
const AGAIN_MS: Ms = 500;
const AGAIN_MAX_MS: Ms = 15_000;
/** For the first word of the thread. */
const OPEN_MS: Ms = 6_000;
const FLUSH_MS: Ms = 10_000;
const CLOSE_MS: Ms = 5_000;
const KEEP_EVERY_MS: Ms = 10_000;

/** Opens the store. Rejects only for options that make no sense: a place that cannot be used is said in state(). */
export async function openStore(options: StoreOptions, settings: StoreSettings = {}): Promise<Store> {
  checkOptions(options);
  const store = new ThreadStore(options, settings);
  await store.opened;
  return store;
}

function checkOptions({ target, keep, gateway }: StoreOptions): void {
  if (target.kind === "postgres") readPostgresUrl(target.url);
  if (target.kind === "sqlite" && target.folder === "") throw new Error("store: the folder has no name");
  if (!(keep.forMs > 0)) throw new Error(`store: keep.forMs is ${keep.forMs}; it must be above 0`);
  if (!(keep.bytes > 0)) throw new Error(`store: keep.bytes is ${keep.bytes}; it must be above 0`);
  if (gateway.id === "" || gateway.id === "all") throw new Error(`store: "${gateway.id}" cannot be a gateway's id`);
}

class ThreadStore implements Store {
  readonly opened: Promise<void>;
  readonly #queue: Queue;
  readonly #link: Link;
  #place: Place;
  /** Why the last batch came back; null = it was written. */
  #problem: string | null = null;
  #said: string | null = null;
  #written = 0;
  #dropped = 0;
  #againMs = AGAIN_MS;
  #gathering: NodeJS.Timeout | undefined;
  #again: NodeJS.Timeout | undefined;
  #flushing: (() => void)[] = [];
  #onOpened: () => void = () => undefined;
  #closing: Promise<void> | null = null;

  constructor(options: StoreOptions, settings: StoreSettings) {
    const { target } = options;
    const where =
      target.kind === "postgres"
        ? readPostgresUrl(target.url).shown
        : target.kind === "sqlite"
          ? target.folder
          : "memory";
    const figures = { bytes: 0, oldestAt: null };
    this.#place = { kind: target.kind, where, notice: "the database is not open yet", settled: false, figures };
    this.#queue = new Queue({ ...QUEUE_BOUNDS, ...settings.bounds });
    this.opened = new Promise((resolve) => {
      const timer = setTimeout(resolve, settings.openMs ?? OPEN_MS);
      this.#onOpened = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    const data = { options, pragmas: settings.pragmas, keepEveryMs: settings.keepEveryMs ?? KEEP_EVERY_MS };
    const events = {
      onPlace: (place: Place) => this.#onPlace(place),
      onWritten: (told: Extract<FromThread, { told: "written" }>) => this.#onWritten(told),
      onLost: (records: number, words: string) => this.#onLost(records, words),
    };
    // Beside this file, compiled as it is.
    const thread = settings.thread ?? new URL("./thread.js", import.meta.url);
    this.#link = new Link(thread, data, events, { ...LINK_TIMES, ...settings.times });
  }

  putIncidents(incidents: Batch["incidents"]): void {
    this.#put("incidents", incidents);
  }

  putFailures(failures: Batch["failures"]): void {
    this.#put("failures", failures);
  }

  putMarks(marks: Batch["marks"]): void {
    this.#put("marks", marks);
  }

  putPoints(points: Batch["points"]): void {
    this.#put("points", points);
  }

  putSlow(entries: Batch["slow"]): void {
    this.#put("slow", entries);
  }

  putAudit(entries: Batch["audit"]): void {
    this.#put("audit", entries);
  }

  incidents = (...args: Arguments<"incidents">) => this.#ask("incidents", args);
  incident = (...args: Arguments<"incident">) => this.#ask("incident", args);
  failures = (...args: Arguments<"failures">) => this.#ask("failures", args);
  failure = (...args: Arguments<"failure">) => this.#ask("failure", args);
  marks = (...args: Arguments<"marks">) => this.#ask("marks", args);
  points = (...args: Arguments<"points">) => this.#ask("points", args);
  paths = (...args: Arguments<"paths">) => this.#ask("paths", args);
  audit = (...args: Arguments<"audit">) => this.#ask("audit", args);
  gateways = (...args: Arguments<"gateways">) => this.#ask("gateways", args);

  state(): StoreState {
    const { kind, where, notice, settled, figures } = this.#place;
    return {
      kind,
      where,
      ok: settled && this.#problem === null,
      problem: this.#problem ?? notice,
      bytes: figures.bytes,
      queued: this.#queue.records + this.#link.underWay,
      written: this.#written,
      dropped: this.#dropped + this.#queue.dropped,
      oldestAt: figures.oldestAt,
    };
  }

  flush(): Promise<void> {
    if (this.#idle) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, FLUSH_MS);
      this.#flushing.push(() => {
        clearTimeout(timer);
        resolve();
      });
      clearTimeout(this.#again);
      this.#again = undefined;
      this.#pump();
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    await this.flush();
    clearTimeout(this.#gathering);
    clearTimeout(this.#again);
    await this.#link.close(CLOSE_MS);
    this.#dropped += this.#queue.records;
    this.#endFlush();
  }

  get #idle(): boolean {
    return this.#queue.records + this.#link.underWay === 0;
  }

  #put<K extends Kind>(kind: K, records: Batch[K]): void {
    if (records.length === 0) return;
    if (this.#closing) {
      this.#dropped += records.length;
      return;
    }
    this.#queue.put(kind, records);
    if (this.#gathering !== undefined || this.#again !== undefined) return;
    this.#gathering = setTimeout(() => {
      this.#gathering = undefined;
      this.#pump();
    }, GATHER_MS);
    this.#gathering.unref();
  }

  #pump(): void {
    if (!this.#link.free || this.#again !== undefined) return;
    const batch = this.#queue.take();
    if (batch !== null) this.#link.write(batch);
    else this.#endFlush();
  }

  async #ask<Q extends Question>(question: Q, args: Arguments<Q>): Promise<Answer<Q>> {
    if (this.#closing) throw new Error("the store is closed");
    this.#pump();
    return (await this.#link.ask(question, args)) as Answer<Q>;
  }

  #onPlace(place: Place): void {
    this.#place = place;
    this.#onOpened();
    this.#say();
    // It may be back before the next try.
    if (place.settled && this.#again !== undefined) this.#tryAgain(0);
  }

  #onWritten({ written, dropped, rest, problem }: Extract<FromThread, { told: "written" }>): void {
    this.#written += written;
    this.#dropped += dropped;
    this.#problem = problem;
    this.#say();
    if (rest === null) {
      this.#againMs = AGAIN_MS;
      this.#pump();
      return;
    }
    this.#queue.putBack(rest);
    this.#tryAgain(this.#againMs);
    this.#againMs = Math.min(this.#againMs * 2, AGAIN_MAX_MS);
    // Whoever waits for it has waited for what can be.
    this.#endFlush();
  }

  #onLost(records: number, words: string): void {
    this.#dropped += records;
    this.#problem = `${words}; another one is begun${records > 0 ? `, ${records} records are lost` : ""}`;
    this.#say();
    this.#tryAgain(this.#againMs);
    this.#endFlush();
  }

  #tryAgain(ms: Ms): void {
    clearTimeout(this.#again);
    this.#again = setTimeout(() => {
      this.#again = undefined;
      if (this.#link.free) this.#pump();
      else if (this.#link.underWay === 0) this.#tryAgain(this.#againMs);
    }, ms);
    this.#again.unref();
  }

  #endFlush(): void {
    const waiting = this.#flushing;
    this.#flushing = [];
    for (const done of waiting) done();
  }

  /** Each problem once, and that it is over. */
  #say(): void {
    const { problem, ok, where } = this.state();
    if (problem === this.#said) return;
    if (problem !== null) log.warn("store", { problem, where });
    else if (ok && this.#said !== null) log.info("store: writing again", { where });
    this.#said = problem;
  }
}
