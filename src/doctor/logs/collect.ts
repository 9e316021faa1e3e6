// One file, line by line: groups of what failed (as `goodgate explain --log` has them), events, turns, and the counts for
// the patterns, all in one pass in which each kind of line is explained once. What is kept of lines is bounded, and
// redacted when the file is closed.
import type { Explanation } from "../../explain/explanation.ts";
import { createLogGroups, type LogGroups, type SeenEntry } from "../../explain/log/groups.ts";
import type { LogReport } from "../../explain/log/log-report.ts";
import { normalise } from "../../explain/normalise.ts";
import { recognise } from "../../explain/recognise.ts";
import { redactText } from "../../std/redact.ts";
import type { LogEvent, LogTurn } from "./model.ts";
import { durationOf, memberOf, seenOf } from "./seen.ts";
import { saysZone, type TimeReader } from "./time.ts";
import { turnFinder } from "./turns.ts";
import { ownCopy, View } from "./view.ts";

/** What tells that a line is about a request that doctor sent. */
export interface Probes {
  /** Of X-Request-Id. */
  readonly requestIds: readonly string[];
  readonly userAgent: string;
  readonly startedAtMs: number;
  readonly paths: readonly string[];
  /** Addresses that this machine's requests come from. */
  readonly addresses: ReadonlySet<string>;
}

export interface Collected {
  readonly report: LogReport;
  readonly events: readonly LogEvent[];
  readonly turns: readonly LogTurn[];
  readonly duringProbes: readonly LogEvent[];
  /** Requests with an id, newest last: for joining, whatever became of them. */
  readonly identified: readonly LogEvent[];
  readonly formats: readonly { readonly format: string; readonly lines: number }[];
  readonly software: string | null;
  readonly fromMs: number | null;
  readonly toMs: number | null;
  /** The newest time that is printed without a zone. */
  readonly unzonedToMs: number | null;
  readonly views: readonly View[];
}

const FIRSTS_MAX = 200;
const EVENTS_MAX = 500;
const TURNS_MAX = 200;
const PROBES_MAX = 100;
const IDENTIFIED_MAX = 2000;
const KEPT_CHARS = 4000;
const TEXT_MAX = 600;

/** Of a line, until it is read again and redacted: what lives longer than a moment is expensive, and most are dropped. */
type Kept = Pick<SeenEntry, "line" | "class" | "confidence"> & { readonly atMs: number | null; readonly text: string };

export class Collector {
  readonly #file: string;
  readonly #groups: LogGroups;
  readonly #time: TimeReader;
  readonly #turnOf = turnFinder();
  readonly #requests: View;
  readonly #messages: View;
  readonly #happenings: View;
  readonly #formats = new Map<string, number>();
  readonly #software = new Map<string, number>();
  readonly #firsts: Kept[] = [];
  readonly #newest = new Newest<Kept>(EVENTS_MAX);
  readonly #identified = new Newest<Kept>(IDENTIFIED_MAX);
  readonly #turns = new Newest<LogTurn>(TURNS_MAX);
  readonly #during: Kept[] = [];
  #probes: Probes | null = null;
  #fromMs = Number.POSITIVE_INFINITY;
  #toMs = Number.NEGATIVE_INFINITY;
  #unzonedToMs = Number.NEGATIVE_INFINITY;
  #zoneKnown = "";

  constructor(file: string, explainLine: (text: string) => Explanation, time: TimeReader) {
    this.#file = file;
    this.#time = time;
    this.#groups = createLogGroups(explainLine, { onEntry: (entry) => this.#take(entry) });
    this.#requests = new View(file, "requests");
    this.#messages = new View(file, "messages");
    this.#happenings = new View(file, "turns");
  }

  add(line: string, number: number): void {
    this.#groups.add(line, number);
  }

  /** What comes now was written after doctor began: its own requests are looked for. */
  watchFor(probes: Probes): void {
    this.#probes = probes;
  }

  /** May be called once, at the end. */
  result(): Collected {
    const report = redacted(this.#groups.result());
    const event = (kept: Kept) => eventOf(this.#file, kept);
    const newest = this.#newest.list();
    const oldestLine = newest[0]?.line ?? Number.POSITIVE_INFINITY;
    const firsts = this.#firsts.filter(({ line }) => line < oldestLine);
    return {
      report,
      events: [...firsts, ...newest.slice(-(EVENTS_MAX - firsts.length))].map(event),
      turns: this.#turns.list(),
      duringProbes: this.#during.map(event),
      identified: this.#identified.list().map(event),
      formats: byCount(this.#formats).map(([format, lines]) => ({ format, lines })),
      software: byCount(this.#software)[0]?.[0] ?? null,
      fromMs: finite(this.#fromMs),
      toMs: finite(this.#toMs),
      unzonedToMs: finite(this.#unzonedToMs),
      views: [this.#requests, this.#messages, this.#happenings].filter(
        ({ requests, failures }) => requests + failures > 0,
      ),
    };
  }

  #take(entry: SeenEntry): void {
    const { recognised, lines } = entry;
    const { facts, format } = recognised;
    const atMs = this.#time(facts.time, format);
    if (atMs !== null) this.#note(atMs, facts.time ?? "", format);
    count(this.#formats, format ?? "text", lines);
    if (facts.software !== undefined) count(this.#software, facts.software, lines);
    const seen = seenOf(entry, atMs);
    const isTurn = !seen.isRequest && this.#takeTurn(entry, atMs);
    (seen.isRequest ? this.#requests : isTurn ? this.#happenings : this.#messages).add(seen);
    const keeps = entry.of === "failure";
    const isOurs = this.#probes !== null && isProbe(this.#probes, entry, atMs);
    if (facts.requestId !== undefined && !keeps) this.#identified.add(keptOf(entry, atMs));
    if (keeps || isOurs) {
      const kept = keptOf(entry, atMs);
      if (entry.isNew && this.#firsts.length < FIRSTS_MAX) this.#firsts.push(kept);
      if (keeps) this.#newest.add(kept);
      if (isOurs && this.#during.length < PROBES_MAX) this.#during.push(kept);
    }
  }

  #note(atMs: number, time: string, format: string | null): void {
    if (atMs < this.#fromMs) this.#fromMs = atMs;
    if (atMs <= this.#toMs) return;
    this.#toMs = atMs;
    // Asked again only where the newest time is in another format.
    const shape = `${format} ${time.length}`;
    if (this.#zoneKnown !== shape && saysZone(time, format)) this.#zoneKnown = shape;
    if (this.#zoneKnown !== shape) this.#unzonedToMs = atMs;
  }

  #takeTurn({ normalised, text, line, key }: SeenEntry, atMs: number | null): boolean {
    const turn = this.#turnOf(normalised, key);
    if (!turn) return false;
    const { kind, what } = turn;
    this.#turns.add({ file: this.#file, line, atMs, kind, what: redactText(ownCopy(what)), text: textOf(text) });
    return true;
  }
}

/** The newest of many, in order. */
class Newest<Item> {
  readonly #max: number;
  #items: Item[] = [];

  constructor(max: number) {
    this.#max = max;
  }

  add(item: Item): void {
    this.#items.push(item);
    // Twice as many before some go: moving the rest costs less than one step each.
    if (this.#items.length >= this.#max * 2) this.#items = this.#items.slice(-this.#max);
  }

  list(): Item[] {
    return this.#items.slice(-this.#max);
  }
}

function keptOf({ text, line, class: of, confidence }: SeenEntry, atMs: number | null): Kept {
  return { line, class: of, confidence, atMs, text };
}

function isProbe(probes: Probes, { text, recognised }: SeenEntry, atMs: number | null): boolean {
  if (probes.requestIds.some((id) => id !== "" && text.includes(id))) return true;
  if (probes.userAgent !== "" && text.includes(probes.userAgent)) return true;
  // These say who asked: it was somebody else.
  if (recognised.format !== null && SAYS_AGENT.test(recognised.format)) return false;
  const { client, path } = recognised.facts;
  if (client === undefined || path === undefined || atMs === null) return false;
  if (atMs < probes.startedAtMs - 1000 || !isOwnAddress(client, probes.addresses)) return false;
  return probes.paths.some((each) => each === path || each === path.split("?", 1)[0]);
}

const SAYS_AGENT = /^(?:access-combined|nginx-access|ingress-nginx-access|traefik-access|envoy-access|cloudfront)/;

/** With or without a port. */
function isOwnAddress(client: string, addresses: ReadonlySet<string>): boolean {
  const bare = client.replace(/^\[([^\]]*)\](?::\d+)?$/, "$1").replace(/^([\d.]+):\d+$/, "$1");
  return bare.startsWith("127.") || bare === "::1" || bare.startsWith("unix:") || addresses.has(bare);
}

function eventOf(file: string, { line, class: of, confidence, atMs, text }: Kept): LogEvent {
  const { facts } = recognise(normalise(text));
  return {
    file,
    line,
    atMs,
    time: facts.time ?? null,
    class: of,
    confidence,
    upstream: memberOf(facts),
    client: facts.client ?? null,
    host: facts.host ?? facts.server ?? null,
    method: facts.method ?? null,
    path: facts.path === undefined ? null : redactText(facts.path).slice(0, TEXT_MAX),
    status: facts.status ?? null,
    upstreamStatus: facts.upstreamStatus ?? null,
    durationMs: durationOf(facts),
    requestId: facts.requestId ?? null,
    pid: facts.pid ?? null,
    software: facts.software ?? null,
    text: textOf(text),
  };
}

const textOf = (text: string): string => redactText(text.slice(0, KEPT_CHARS)).slice(0, TEXT_MAX);

/** The report with every text in it redacted. */
function redacted(report: LogReport): LogReport {
  return deep(report) as LogReport;
}

function deep(value: unknown): unknown {
  if (typeof value === "string") return value.length < 8 ? value : redactText(value);
  if (Array.isArray(value)) return value.map(deep);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, deep(inner)]));
}

function count(into: Map<string, number>, name: string, by: number): void {
  const known = into.get(name);
  if (known !== undefined) into.set(name, known + by);
  else if (into.size < 64) into.set(ownCopy(name), by);
}

const byCount = (counts: ReadonlyMap<string, number>): [string, number][] =>
  [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
