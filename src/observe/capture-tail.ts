// Exchanges as single lines: the live tail, while somebody looks, and the slowest of a tick. What is held back is as it
// was received; it is cleaned when it is taken (capture-text.ts), and a search looks only at what may be shown, so
// that nobody can ask for a secret letter by letter.
import type { Ms } from "../std/units.ts";
import { fieldValue } from "../wire/head.ts";
import type { Ending } from "./capture-ending.ts";
import { shownHost, shownName, shownTarget } from "./capture-text.ts";
import { type AttemptRecord, type ExchangeRecord, statusOf } from "./record.ts";
import type { TailEntry, TailFilter } from "./report.ts";

/** Entries a second, in ten windows, so that they come from all of it. */
export const TAIL_PER_SECOND = 200;
const WINDOW_MS = 100;
const PER_WINDOW = TAIL_PER_SECOND / (1000 / WINDOW_MS);
/** Until somebody takes them. */
const WAITING_MAX = 2 * TAIL_PER_SECOND;

/** The live tail of one process, with one filter. */
export class Tail {
  readonly #filter: TailFilter;
  readonly #text: string;
  #entries: TailEntry[] = [];
  #left = 0;
  #windowAt: Ms = Number.NaN;
  #matched = 0;
  #kept = 0;
  /** Every so many-th of this window is kept, by how many the last had. */
  #every = 1;

  constructor(filter: TailFilter) {
    this.#filter = filter;
    this.#text = (filter.text ?? "").toLowerCase();
  }

  observe(record: ExchangeRecord, ending: Ending, wall: Ms): void {
    if (!this.#letsThrough(record, ending)) return;
    if (!(wall >= this.#windowAt && wall < this.#windowAt + WINDOW_MS)) this.#turn(wall);
    const isTurn = this.#matched++ % this.#every === 0;
    if (!isTurn || this.#kept >= PER_WINDOW || this.#entries.length >= WAITING_MAX) {
      this.#left++;
      return;
    }
    this.#kept++;
    this.#entries.push(entryOf(record, ending, wall));
  }

  take(): { entries: TailEntry[]; left: number } {
    const taken = { entries: this.#entries.map(cleaned), left: this.#left };
    this.#entries = [];
    this.#left = 0;
    return taken;
  }

  #turn(wall: Ms): void {
    const follows = wall < this.#windowAt + 2 * WINDOW_MS;
    this.#every = follows ? Math.max(1, Math.ceil(this.#matched / PER_WINDOW)) : 1;
    this.#windowAt = wall;
    this.#matched = 0;
    this.#kept = 0;
  }

  #letsThrough(record: ExchangeRecord, ending: Ending): boolean {
    const { failuresOnly, status, cause, route, upstream, endpoint, method, minMs } = this.#filter;
    if (failuresOnly && ending.outcome === "ok") return false;
    if (status && !isStatus(statusOf(record), status)) return false;
    if (cause && !hasCause(record, ending, cause)) return false;
    if (route && record.route !== route) return false;
    if (upstream && record.upstream !== upstream) return false;
    if (endpoint && !record.attempts.some((attempt) => attempt.endpoint === endpoint)) return false;
    if (method && record.method.toLowerCase() !== method.toLowerCase()) return false;
    if (minMs && record.endedAt - record.startedAt < minMs) return false;
    if (this.#text === "") return true;
    return (shownHost(record.host) + shownTarget(record.target)).toLowerCase().includes(this.#text);
  }
}

/** "404", "5xx", "50x". */
function isStatus(status: number, wanted: string): boolean {
  const digits = String(status).padStart(3, "0");
  if (wanted.length !== digits.length) return false;
  return [...wanted.toLowerCase()].every((digit, i) => digit === "x" || digit === digits[i]);
}

function hasCause(record: ExchangeRecord, ending: Ending, cause: string): boolean {
  return ending.failure?.cause === cause || record.attempts.some((attempt) => attempt.failure?.cause === cause);
}

/** The slowest exchanges of a tick. Tunnels and event streams are meant to last. */
export class Slowest {
  readonly #max: number;
  #entries: TailEntry[] = [];
  /** What takes no longer is none of them. */
  floorMs: Ms = -1;

  constructor(max: number) {
    this.#max = max;
  }

  /** For exchanges above the floor. */
  offer(record: ExchangeRecord, ending: Ending, wall: Ms): void {
    if (isMeantToLast(record)) return;
    const entries = this.#entries;
    const entry = entryOf(record, ending, wall);
    if (entries.length < this.#max) entries.push(entry);
    else entries[quickest(entries)] = entry;
    if (entries.length === this.#max) this.floorMs = entries[quickest(entries)]!.durationMs;
  }

  /** The slowest first. */
  take(): TailEntry[] {
    const taken = this.#entries.map(cleaned).sort((a, b) => b.durationMs - a.durationMs);
    this.#entries = [];
    this.floorMs = -1;
    return taken;
  }
}

function quickest(entries: readonly TailEntry[]): number {
  let at = 0;
  for (let i = 1; i < entries.length; i++) if (entries[i]!.durationMs < entries[at]!.durationMs) at = i;
  return at;
}

function isMeantToLast(record: ExchangeRecord): boolean {
  if (record.status === 101 || record.method === "CONNECT") return true;
  const head = record.attempts.at(-1)?.responseHead;
  return head != null && /^text\/event-stream\b/i.test(fieldValue(head, "content-type") ?? "");
}

/** The exchange in a line, as it was received. */
function entryOf(record: ExchangeRecord, ending: Ending, wall: Ms): TailEntry {
  const { attempts } = record;
  const last: AttemptRecord | undefined = attempts[attempts.length - 1];
  return {
    at: wall,
    requestId: record.requestId,
    method: record.method,
    host: record.host,
    target: record.target,
    status: statusOf(record),
    durationMs: record.endedAt - record.startedAt,
    route: record.route,
    upstream: record.upstream,
    endpoint: last === undefined ? "" : last.endpoint,
    attempts: attempts.length,
    cause: ending.failure === null ? null : ending.failure.cause,
    outcome: ending.outcome,
    savedBy: ending.savedBy,
    bytesSent: record.bytesSent,
    client: record.clientAddress,
  };
}

function cleaned(entry: TailEntry): TailEntry {
  const { requestId, method, host, target, route, upstream, endpoint, client } = entry;
  return {
    ...entry,
    requestId: shownName(requestId),
    method: shownName(method),
    host: shownHost(host),
    target: shownTarget(target),
    durationMs: Math.max(0, Math.round(entry.durationMs * 1000) / 1000),
    route: shownName(route),
    upstream: shownName(upstream),
    endpoint: shownName(endpoint),
    client: shownName(client),
  };
}
