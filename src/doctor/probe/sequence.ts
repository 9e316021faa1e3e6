// Which HTTP requests are made of one target, on which address and connection, in which order, within its budget.
//
//   baseline   one on a fresh connection to each address (some, where there are many): one bad address must show
//   then, where one was answered, side by side:
//     held     a second one on the same connection, which is then held idle and watched
//     rested   one on a fresh connection, and after a pause another on it
//     others   redirects, HTTP/2, compressed, upgrade, health path, the edge's trace; fresh ones with what is left
//   where none was answered: two more, which tell always from sometimes.
//
// A slow target gets fewer requests: none is begun that the time is not enough for, by what the first ones took.

import { now } from "../../std/clock.ts";
import type { Ms } from "../../std/units.ts";
import type { HttpTry, IdleEvidence, TargetEvidence } from "../evidence.ts";
import { addressOf, openConnection, type ProbeConnection, type Way } from "./connection.ts";
import { guarded, leaveOut, leftMs, MORE_REQUESTS, MORE_TIME, pause, type Scene } from "./context.ts";
import { type Exchanged, exchange } from "./http1.ts";
import { watchIdle } from "./idle.ts";
import { looksLikeTlsPort } from "./other-way.ts";
import { type Ask, askFor, unsent } from "./request.ts";
import { askHealth, HEALTH, VARIANTS } from "./variants.ts";

/** Of the budget, for the first request to each address. */
const BASELINE_SHARE = 0.4;
const ENDPOINT_REQUESTS_MAX = 4;
/** How long a connection rests before it is used again. */
const REST_MS: Ms = 2_500;
/** Nothing has answered within this. */
const SILENCE_MS: Ms = 3_000;
/** Other addresses are waited for so long when one has answered. */
const PATIENCE_MS: Ms = 1_500;
/** Shorter rests say nothing of idle timers. */
const REST_MIN_MS: Ms = 500;
const REST = "a request after an idle gap";
/** Fewer are better spent on what differs. */
const SPARE_FOR_REST = 4;
/** Repeats are spread over the time that the idle connection is watched: a process that comes and goes shows then. */
const BETWEEN_REPEATS_MIN_MS: Ms = 250;
const BETWEEN_REPEATS_MAX_MS: Ms = 1_000;
const REPEATS_PER_WATCH = 8;
/** A wait that the end of our time cut short says something from here on. */
const TELLING_MS: Ms = 2_000;
/** Repeats of what failed everywhere. */
const REPEATS_OF_FAILURE = 2;

/** What HTTP has shown. */
export interface HttpSeen {
  readonly http: HttpTry[];
  readonly idle: IdleEvidence[];
  redirects: TargetEvidence["redirects"];
  /** Addresses whose plain port answers as a TLS port does. */
  readonly tlsPorts: Way[];
}

/** One baseline: what it was answered, and its connection where that can carry more. */
export interface Baseline {
  readonly way: Way;
  readonly http: HttpTry;
  readonly first: Buffer;
  readonly connection: ProbeConnection | null;
  /** Why there is none. */
  readonly whyNotKept: string;
}

/** How the requests of a target are shared out. */
export class Sequence {
  readonly scene: Scene;
  readonly seen: HttpSeen = { http: [], idle: [], redirects: null, tlsPorts: [] };
  readonly isEndpoint: boolean;
  /** How long idle connections are watched. */
  #watchMs: Ms;
  /** Requests that are kept for later. */
  #reserved = 0;
  /** Addresses that have had their first request. */
  readonly #asked: Way[] = [];
  #meanwhileDone = false;
  /** What was asked while nothing answered. */
  meanwhile: Promise<unknown> = Promise.resolve();
  #slowestMs: Ms = 0;

  constructor(scene: Scene) {
    this.scene = scene;
    this.#watchMs = scene.limits.idleMs;
    this.isEndpoint = scene.target.role === "endpoint";
  }

  /** Requests that may still be begun. */
  get spare(): number {
    const { budget } = this.scene.context;
    const over = this.isEndpoint ? Math.max(0, budget.max - ENDPOINT_REQUESTS_MAX) : 0;
    return budget.left - over - this.#reserved;
  }

  /** Whether there is time for one more, as slow as the slowest so far. */
  get hasTime(): boolean {
    return leftMs(this.scene) > this.#slowestMs * 1.2 + 300;
  }

  /** The first request to an address; null = it is left out. */
  async baseline(way: Way): Promise<Baseline | null> {
    const most = this.isEndpoint ? 1 : Math.max(2, Math.floor(this.scene.context.budget.max * BASELINE_SHARE));
    if (this.#asked.length >= most || this.spare <= 0) {
      leaveOut(
        this.scene,
        `requests to ${addressOf(way)}`,
        "the target has more addresses than requests",
        MORE_REQUESTS,
      );
      return null;
    }
    this.#asked.push(way);
    this.scene.context.onStep(`request to ${addressOf(way)}`);
    const made = await this.fresh(way, askFor(this.scene, "baseline"));
    if (made === null) return null;
    const { connection, exchanged } = made;
    const first = exchanged?.first ?? Buffer.alloc(0);
    if (exchanged && way.secure === null && looksLikeTlsPort(exchanged)) this.seen.tlsPorts.push(way);
    const whyNotKept = exchanged?.cutOff
      ? "the response is longer than what is read of it"
      : "the server closes the connection after its response";
    return { way, http: made.http, first, connection, whyNotKept };
  }

  /**
   * The baselines that there are to go on with: all, or after a while those that are answered, so that one silent
   * address does not cost the others their time. Where all are silent, they are waited for.
   */
  answersOf(baselines: readonly Promise<Baseline | null>[]): Promise<readonly Baseline[]> {
    const settled: Baseline[] = [];
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const finish = () => {
        clearTimeout(timer);
        clearTimeout(silent);
        resolve([...settled]);
      };
      const silent = setTimeout(() => {
        this.meanwhile = guarded(this.scene, this.#meanwhile());
      }, SILENCE_MS);
      for (const baseline of baselines) {
        void baseline.then((one) => {
          if (one) settled.push(one);
          if (one?.http.status != null) timer ??= setTimeout(finish, PATIENCE_MS);
        });
      }
      void Promise.all(baselines).then(finish);
    });
  }

  /** While nothing answers: one more of the same, and the health path, which may be answered though nothing else is. */
  async #meanwhile(): Promise<void> {
    const [way] = this.#asked;
    if (this.seen.http.some(({ status }) => status !== null) || way === undefined || this.spare <= 0) return;
    if (leftMs(this.scene) < TELLING_MS) return;
    const path = this.scene.target.pool?.healthPath ?? null;
    this.#meanwhileDone = true;
    await Promise.all([
      path === null ? null : askHealth(this, way),
      this.spare > 1 || path === null ? this.fresh(way, askFor(this.scene, "fresh")) : null,
    ]);
  }

  /** A request on a connection of its own. The connection is given back where it can carry more. */
  async fresh(
    way: Way,
    ask: Ask,
  ): Promise<{ http: HttpTry; exchanged: Exchanged | null; connection: ProbeConnection | null } | null> {
    const limited = leftMs(this.scene) < this.scene.limits.connectMs;
    const opened = await openConnection(this.scene, way);
    if (!opened.ok) {
      const { failure, connectMs, tlsMs } = opened;
      if (limited && failure.evidence.deadline !== undefined) {
        leaveOut(this.scene, `request (${ask.what})`, "the time was up", MORE_TIME);
        return null;
      }
      const http = unsent(ask, "http/1.1", addressOf(way), failure, connectMs, tlsMs);
      this.seen.http.push(http);
      return { http, exchanged: null, connection: null };
    }
    const exchanged = await this.on(opened.connection, ask);
    if (exchanged === null) {
      opened.connection.destroy();
      return null;
    }
    return { http: exchanged.http, exchanged, connection: exchanged.reusable ? opened.connection : null };
  }

  /** A request on a connection that is open; null = none may be sent, or it said nothing within our time. */
  async on(connection: ProbeConnection, ask: Ask): Promise<Exchanged | null> {
    const exchanged = await exchange(this.scene, connection, ask);
    if (exchanged === null) return null;
    return this.took(exchanged.http, exchanged.cutShort) ? exchanged : null;
  }

  /** Keeps the record of a request, unless our own time cut it short before it said anything. */
  took(http: HttpTry, cutShort: boolean): boolean {
    const waitedMs = http.failure?.evidence.waitedMs ?? 0;
    if (cutShort && waitedMs < TELLING_MS) {
      leaveOut(this.scene, `request (${http.what})`, "the time was up before an answer", MORE_TIME);
      return false;
    }
    this.#slowestMs = Math.max(this.#slowestMs, http.timings.totalMs);
    this.seen.http.push(http);
    return true;
  }

  /** All that follows the baselines. */
  async follow(baselines: readonly Baseline[], offersH2: (way: Way) => boolean): Promise<void> {
    const answered = baselines.filter(({ http }) => http.status !== null);
    const best = answered.find(({ http }) => http.failure === null) ?? answered[0];
    for (const { connection } of baselines) if (connection && connection !== best?.connection) connection.destroy();
    if (!best) return this.#repeatFailure(baselines, offersH2);
    const lanes: Promise<void>[] = [];
    // Why it fails is wanted soon, and not how long it keeps connections meanwhile.
    if ((best.http.status ?? 0) >= 500) this.#watchMs = 0;
    if (best.connection) lanes.push(this.#held(best.connection));
    else if (best.http.failure === null) leaveOut(this.scene, "reused connections", best.whyNotKept, null);
    if (best.connection && !this.isEndpoint && this.#watchMs > 0) lanes.push(this.#rested(baselines, best));
    lanes.push(this.#others(baselines, best, offersH2));
    await Promise.all(lanes);
  }

  async #held(connection: ProbeConnection): Promise<void> {
    const { scene } = this;
    if (this.spare > 0 && this.hasTime && connection.usable) {
      const exchanged = await this.on(connection, askFor(scene, "reused"));
      if (!exchanged?.reusable) return;
    }
    if (this.#watchMs <= 0) return connection.destroy();
    scene.context.onStep("watching an idle connection");
    this.seen.idle.push(await watchIdle(scene, connection, this.#watchMs));
    connection.destroy();
  }

  /** On another address than the one that is held, where several work. */
  async #rested(baselines: readonly Baseline[], best: Baseline): Promise<void> {
    const { scene } = this;
    if (!this.hasTime) return leaveOut(scene, REST, "the time was not enough", MORE_TIME);
    if (this.spare < SPARE_FOR_REST) return leaveOut(scene, REST, "the requests were not enough", MORE_REQUESTS);
    const other = baselines.find(({ http, way }) => http.failure === null && way !== best.way) ?? best;
    this.#reserved++;
    const made = await this.fresh(other.way, askFor(scene, "fresh"));
    this.#reserved--;
    const connection = made?.connection;
    if (!connection) return;
    const restMs = Math.min(REST_MS, this.#watchMs / 2, leftMs(scene) - this.#slowestMs * 1.5 - 500);
    if (restMs < REST_MIN_MS) {
      connection.destroy();
      return leaveOut(scene, REST, "there was no time for the gap", MORE_TIME);
    }
    this.#reserved++;
    const watched = await watchIdle(scene, connection, restMs);
    this.#reserved--;
    if (!connection.usable) {
      this.seen.idle.push(watched);
      return leaveOut(scene, REST, "the server closed the connection in the gap", null);
    }
    await this.on(connection, askFor(scene, "reused-after-gap"));
    connection.destroy();
  }

  async #others(baselines: readonly Baseline[], best: Baseline, offersH2: (way: Way) => boolean): Promise<void> {
    for (const variant of VARIANTS) {
      if (!variant.applies(this, best, offersH2) || (variant === HEALTH && this.#meanwhileDone)) continue;
      if (this.spare <= 0) {
        leaveOut(this.scene, variant.name, "all requests were used", MORE_REQUESTS);
        continue;
      }
      if (!this.hasTime) {
        leaveOut(this.scene, variant.name, "the time was not enough", MORE_TIME);
        continue;
      }
      this.scene.context.onStep(variant.name);
      await variant.run(this, best);
    }
    const ways = baselines.filter(({ http }) => http.status !== null || http.requestId !== "").map(({ way }) => way);
    await this.#repeats(ways, this.spare);
  }

  /** Fresh requests, spread over the addresses. */
  async #repeats(ways: readonly Way[], most: number): Promise<void> {
    const evenMs = this.#watchMs / REPEATS_PER_WATCH;
    const betweenMs = Math.min(BETWEEN_REPEATS_MAX_MS, Math.max(BETWEEN_REPEATS_MIN_MS, evenMs));
    for (let turn = 0; turn < most && ways.length > 0; turn++) {
      if (this.spare <= 0) return;
      if (!this.hasTime) return leaveOut(this.scene, "further repeats", "the time was not enough", MORE_TIME);
      const way = ways[turn % ways.length];
      const startedAt = now();
      const made = way && (await this.fresh(way, askFor(this.scene, "fresh")));
      made?.connection?.destroy();
      await pause(this.scene, Math.max(0, betweenMs - (now() - startedAt)));
    }
  }

  async #repeatFailure(baselines: readonly Baseline[], offersH2: (way: Way) => boolean): Promise<void> {
    const sent = baselines.filter(({ http }) => http.requestId !== "");
    // A server that wants HTTP/2 alone refuses the others in the handshake.
    const first = sent[0] ?? baselines.find(({ way }) => offersH2(way));
    if (!first) return;
    await this.#repeats(
      sent.map(({ way }) => way),
      REPEATS_OF_FAILURE,
    );
    for (const variant of VARIANTS) {
      if (variant === HEALTH && this.#meanwhileDone) continue;
      const may = variant.whenNoneAnswers && variant.applies(this, first, offersH2) && this.spare > 0 && this.hasTime;
      if (may) await variant.run(this, first);
    }
  }
}
