// The store in its thread: opens the database, writes batches, answers questions, deletes what is too old or too much.
// Where the folder cannot be used it keeps everything in memory, says so, and looks again from time to time.
import type { Transaction } from "kysely";
import { mergePoints } from "../observe/history.ts";
import type { Point } from "../observe/report.ts";
import type { Bytes, Ms } from "../std/units.ts";
import { type Batch, halves, joined, recordsIn } from "./batch.ts";
import type { Database } from "./database.ts";
import { findFailure, findFailures } from "./find-failures.ts";
import { findIncident, findIncidents } from "./find-incidents.ts";
import { findAudit, findGateways, findMarks, findPaths, findPoints, type OwnPoints } from "./find-traffic.ts";
import { insertRows } from "./insert.ts";
import type { Store, StoreOptions } from "./model.ts";
import { openPostgres } from "./postgres.ts";
import { type Problem, readProblem } from "./problem.ts";
import { SPANS } from "./resolution.ts";
import { keepWithin } from "./retention.ts";
import { Rollup } from "./rollup.ts";
import * as rows from "./rows.ts";
import { type Db, NewerSchema, type Tables } from "./schema.ts";
import { openMemory, openSqlite, type SqliteOptions, setAside } from "./sqlite.ts";

/** What can be asked. */
export type Question =
  | "incidents"
  | "incident"
  | "failures"
  | "failure"
  | "marks"
  | "points"
  | "paths"
  | "audit"
  | "gateways";
export type Arguments<Q extends Question> = Parameters<Store[Q]>;
export type Answer<Q extends Question> = Awaited<ReturnType<Store[Q]>>;

export interface Figures {
  readonly bytes: Bytes;
  readonly oldestAt: Ms | null;
}

/** What became of a batch. */
export interface Outcome {
  readonly written: number;
  readonly dropped: number;
  /** Why it is to be given again; null = it is done with. */
  readonly again: Problem | null;
  /** What is to be given again. */
  readonly rest: Batch | null;
  /** Why some were dropped; null = none. */
  readonly lost: string | null;
}

export interface EngineSettings {
  /** For tests. */
  readonly pragmas?: readonly string[];
  readonly now?: () => Ms;
}

const MEMORY_MAX: Bytes = 64 * 1024 * 1024;
const NAMES_MAX = 500;
/** Written at once while there is little room. */
const TIGHT_RECORDS = 16;

export class Engine {
  readonly #options: StoreOptions;
  readonly #settings: EngineSettings;
  readonly #now: () => Ms;
  readonly #rollup = new Rollup();
  /** Sums are being written. */
  #summing: Promise<void> = Promise.resolve();
  /** Questions under way. */
  #asking = 0;
  #database: Database;
  #closed = false;
  /** The disk is nearly full: small parts, and the log is cut after each, so that it does not keep the last room. */
  #tight = false;
  /** What people should know of how it was opened; null = nothing. */
  notice: string | null;
  /** It is not where it should be. */
  makeshift: boolean;

  private constructor(options: StoreOptions, settings: EngineSettings, opened: Opened) {
    this.#options = options;
    this.#settings = settings;
    this.#now = settings.now ?? Date.now;
    this.#database = opened.database;
    this.notice = opened.notice;
    this.makeshift = opened.makeshift;
  }

  /** Rejects only for a PostgreSQL that cannot be reached now. */
  static async open(options: StoreOptions, settings: EngineSettings = {}): Promise<Engine> {
    const engine = new Engine(options, settings, await open(options, settings));
    await engine.#begin();
    return engine;
  }

  get kind(): Database["kind"] {
    return this.#database.kind;
  }

  get where(): string {
    return this.#database.where;
  }

  /** Writes a batch in one transaction; of a batch that does not fit, what does. */
  async write(batch: Batch): Promise<Outcome> {
    if (this.#tight && recordsIn(batch) > TIGHT_RECORDS) return this.#writeParts(halves(batch));
    try {
      await this.#database.db.transaction().execute((tx) => writeBatch(tx, batch, this.#options.gateway.id));
    } catch (error) {
      const problem = this.#database.read(error);
      if (problem.kind === "broken") await this.#renew();
      // The log, moved into the file, gives its room back; what is left may be enough for a part of the batch.
      if (problem.kind === "full") await this.cutLog();
      const inParts = recordsIn(batch) > 1 && (problem.kind === "full" || problem.kind === "other");
      if (inParts) return this.#writeParts(halves(batch));
      if (problem.kind === "other") return { written: 0, dropped: 1, again: null, rest: null, lost: problem.words };
      return { written: 0, dropped: 0, again: problem, rest: batch, lost: null };
    }
    this.#rollup.add(named(batch.points));
    await this.#writeSums();
    if (this.#tight) await this.cutLog();
    return { written: recordsIn(batch), dropped: 0, again: null, rest: null, lost: null };
  }

  /** In order: where the first part cannot be written now, the second waits, too. */
  async #writeParts([one, other]: readonly Batch[]): Promise<Outcome> {
    const first = await this.write(one!);
    if (first.again !== null) return { ...first, rest: joined(first.rest, other!) };
    const then = await this.write(other!);
    return {
      ...then,
      written: first.written + then.written,
      dropped: first.dropped + then.dropped,
      lost: first.lost ?? then.lost,
    };
  }

  /** Sums of longer spans; what cannot be written now waits. */
  #writeSums(everything = false): Promise<void> {
    // They are in no hurry: a question for points sees each of them once, in a row or waiting.
    if (this.#asking === 0 || everything) this.#summing = this.#summing.then(() => this.#addSums(everything));
    return this.#summing;
  }

  async #addSums(everything: boolean): Promise<void> {
    const due = this.#rollup.take(everything);
    if (due.length === 0) return;
    const { id } = this.#options.gateway;
    try {
      await this.#database.db.transaction().execute(async (tx) => {
        for (const { spanMs, points } of due) await writePoints(tx, points, spanMs, id);
      });
    } catch {
      // They wait; what stands in the way is told by the next batch, which meets it, too.
      this.#rollup.putBack(due);
    }
  }

  async ask<Q extends Question>(question: Q, args: Arguments<Q>): Promise<Answer<Q>> {
    const own = { gateway: this.#options.gateway.id, waiting: (spanMs: Ms) => this.#rollup.waiting(spanMs) };
    this.#asking += 1;
    try {
      if (question === "points") await this.#summing;
      return (await answer(this.#database.db, own, this.#now, question, args)) as Answer<Q>;
    } catch (error) {
      // Words about the question itself; everything else is the database's.
      if (error instanceof Error && error.message.startsWith("before: ")) throw error;
      const problem = this.#database.read(error);
      if (problem.kind === "broken") await this.#renew();
      throw new Error(`the store cannot answer: ${problem.words}`);
    } finally {
      this.#asking -= 1;
    }
  }

  async figures(): Promise<Figures> {
    const { db } = this.#database;
    const { id } = this.#options.gateway;
    const oldest = await Promise.all([
      db.selectFrom("goodgate_failures").select("at").orderBy("at").limit(1).executeTakeFirst(),
      db.selectFrom("goodgate_incidents").select("opened_at as at").orderBy("opened_at").limit(1).executeTakeFirst(),
      db
        .selectFrom("goodgate_points")
        .select("at")
        .where("gateway", "=", rows.name(id))
        .where("kind", "=", "all")
        .where("span_ms", "=", SPANS[0]!.spanMs)
        .orderBy("at")
        .limit(1)
        .executeTakeFirst(),
    ]);
    const times = oldest.flatMap((row) => (row ? [row.at] : []));
    return { bytes: await this.#database.bytes(), oldestAt: times.length === 0 ? null : Math.min(...times) };
  }

  /** Says that the gateway is alive. */
  async greet(): Promise<void> {
    await this.#database.db
      .updateTable("goodgate_gateways")
      .set({ seen_at: this.#now() })
      .where("id", "=", rows.name(this.#options.gateway.id))
      .execute();
  }

  /** One step of deleting; true = there is more to do. */
  async keep(): Promise<boolean> {
    const { keep, gateway } = this.#options;
    await this.#measure();
    const bytes = this.kind === "memory" ? Math.min(keep.bytes, MEMORY_MAX) : keep.bytes;
    return keepWithin(this.#database, rows.name(gateway.id), { ...keep, bytes }, this.#now());
  }

  /** Where it is not where it should be: looks whether it can be now. */
  async settle(): Promise<boolean> {
    if (!this.makeshift || this.#closed) return false;
    const opened = await open(this.#options, this.#settings);
    if (opened.makeshift) {
      await opened.database.close();
      this.notice = opened.notice;
      return false;
    }
    const before = this.#database;
    this.#database = opened.database;
    this.notice = opened.notice;
    this.makeshift = false;
    await this.#begin();
    await before.close();
    return true;
  }

  read(error: unknown): Problem {
    return this.#database.read(error);
  }

  /** The write-ahead log keeps the room that it once took: on a full disk that is needed. */
  async cutLog(): Promise<void> {
    try {
      await this.#database.compact();
    } catch {
      // Not even that fits, or somebody reads: the next write that does not fit tries it again.
    }
    await this.#measure();
  }

  async #measure(): Promise<void> {
    // A disk that does not say how much room it has is written with care.
    this.#tight = await this.#database.tight().catch(() => true);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#writeSums(true);
    try {
      await this.#database.compact();
    } catch (error) {
      // What is in the log is safe there; the next one who opens the file takes it in.
      this.notice = this.#database.read(error).words;
    }
    await this.#database.close();
  }

  async #begin(): Promise<void> {
    await this.#measure();
    const row = rows.gatewayRow(this.#options.gateway);
    try {
      await this.#database.db.transaction().execute((tx) => insertRows(tx, "goodgate_gateways", [row], ["id"]));
    } catch (error) {
      const { kind, words } = this.#database.read(error);
      if (kind === "broken" || this.kind === "postgres") throw error;
      // A full disk: everything else says so, too, and goes on when there is room.
      this.notice = words;
    }
  }

  /** The file broke while it was in use: sets it aside and begins a new one. */
  async #renew(): Promise<void> {
    const { target } = this.#options;
    if (target.kind !== "sqlite" || this.kind !== "sqlite") return;
    const file = this.where;
    await this.#database.close();
    let aside = "";
    try {
      aside = await setAside(file);
    } catch (error) {
      // Another gateway of the same folder has done it, or the folder cannot be written: opening will tell.
      aside = `(it could not be renamed: ${readProblem(error, false).words})`;
    }
    const opened = await open(this.#options, this.#settings);
    this.#database = opened.database;
    this.makeshift = opened.makeshift;
    await this.#begin();
    this.notice = opened.notice ?? `${file} was damaged: it is set aside as ${aside}, and a new one is begun`;
  }
}

interface Opened {
  readonly database: Database;
  readonly notice: string | null;
  readonly makeshift: boolean;
}

async function open({ target, keep }: StoreOptions, settings: EngineSettings): Promise<Opened> {
  const options: SqliteOptions = { bytes: keep.bytes, ...(settings.pragmas ? { pragmas: settings.pragmas } : {}) };
  if (target.kind === "memory") return { database: await openMemory(options), notice: null, makeshift: false };
  try {
    if (target.kind === "postgres") return { database: await openPostgres(target.url), notice: null, makeshift: false };
    return { ...(await openSqlite(target.folder, options)), makeshift: false };
  } catch (error) {
    if (target.kind === "postgres" && !(error instanceof NewerSchema)) throw error;
    const why = error instanceof NewerSchema ? error.message : readProblem(error, false).words;
    const what = target.kind === "sqlite" ? `the folder ${target.folder} cannot be used` : "the database is not used";
    const notice = `${what}: ${why}. What happens is kept in memory only, and is lost with the process`;
    return { database: await openMemory({ bytes: Math.min(keep.bytes, MEMORY_MAX) }), notice, makeshift: true };
  }
}

async function writeBatch(tx: Transaction<Tables>, batch: Batch, gateway: string): Promise<void> {
  const { incidents, failures, marks, points, slow, audit } = batch;
  await insertRows(tx, "goodgate_audit", audit.map(rows.auditRow), ["id"]);
  await insertRows(tx, "goodgate_incidents", incidents.map(rows.incidentRow), ["id"]);
  await insertRows(tx, "goodgate_incident_bodies", incidents.map(rows.incidentBody), ["id"]);
  await insertRows(tx, "goodgate_marks", marks.map(rows.markRow), ["id"]);
  await insertRows(tx, "goodgate_failures", failures.map(rows.failureRow), ["id"]);
  await insertRows(tx, "goodgate_failure_bodies", failures.map(rows.failureBody), ["id"]);
  await insertRows(
    tx,
    "goodgate_slow",
    slow.map((entry) => rows.slowRow(entry, gateway)),
    [],
  );
  if (points.length > 0) await writePoints(tx, named(points), SPANS[0]!.spanMs, gateway);
}

function named(points: readonly Point[]): readonly Point[] {
  return points.map((point) => ({ ...point, name: rows.seriesName(point.name) }));
}

/** Adds points to what is there of their spans. */
async function writePoints(
  tx: Transaction<Tables>,
  points: readonly Point[],
  spanMs: Ms,
  gateway: string,
): Promise<void> {
  const fresh = mergePoints(points, spanMs);
  const before = await pointsThere(tx, fresh, spanMs, gateway);
  const sums = before.length === 0 ? fresh : mergePoints([...before, ...fresh], spanMs);
  const all = sums.map((point) => rows.pointRow(point, gateway));
  await insertRows(tx, "goodgate_points", all, ["gateway", "kind", "name", "span_ms", "at"]);
}

async function pointsThere(
  tx: Transaction<Tables>,
  fresh: readonly Point[],
  spanMs: Ms,
  gateway: string,
): Promise<Point[]> {
  const found: Point[] = [];
  const times = [...new Set(fresh.map(({ at }) => at))];
  for (const kind of new Set(fresh.map((point) => point.kind))) {
    const names = [...new Set(fresh.filter((point) => point.kind === kind).map((point) => point.name))];
    for (let at = 0; at < names.length; at += NAMES_MAX) {
      const there = await tx
        .selectFrom("goodgate_points")
        .select(["kind", "name", "span_ms", "at", "requests", "body"])
        .where("gateway", "=", rows.name(gateway))
        .where("kind", "=", kind)
        .where("name", "in", names.slice(at, at + NAMES_MAX))
        .where("span_ms", "=", spanMs)
        .where("at", "in", times)
        .execute();
      found.push(...there.map(rows.pointOf));
    }
  }
  return found;
}

/** Asks a database; `mine` null = no gateway of its own: a question that names none is about all. */
export async function answer(
  db: Db,
  mine: OwnPoints | null,
  now: () => Ms,
  question: Question,
  args: readonly unknown[],
): Promise<unknown> {
  const own = mine?.gateway ?? null;
  const ask: { readonly [Q in Question]: (...args: Arguments<Q>) => Promise<Answer<Q>> } = {
    incidents: (query) => findIncidents(db, own, query),
    incident: (id) => findIncident(db, id),
    failures: (query) => findFailures(db, own, query),
    failure: (id) => findFailure(db, id),
    marks: (range, gateway, kinds) => findMarks(db, own, range, gateway, kinds),
    points: (query) => findPoints(db, mine, query, now()),
    paths: (range, gateway) => findPaths(db, own, range, gateway),
    audit: (limit) => findAudit(db, limit),
    gateways: () => findGateways(db),
  };
  return (ask[question] as (...args: readonly unknown[]) => Promise<unknown>)(...args);
}
