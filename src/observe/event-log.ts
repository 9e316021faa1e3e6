// What happened to upstreams and endpoints: a line each in the program's log, and the last of them in memory for the
// console. An endpoint that flaps must not fill the log: at most 20 lines a second, then how many were left out.
// It outlives a reload; events of workers are merged by their time (mergeEvents).
import { log } from "../std/log.ts";
import type { Ms } from "../std/units.ts";
import type { UpstreamEvent } from "../upstream/events.ts";
import { shownEvent } from "./capture-text.ts";
import { eventText, withoutQuery } from "./event-text.ts";
import { isoTime } from "./text.ts";

/** An event as the console shows it: when by the wall clock, in words, and its facts. */
export interface ShownEvent {
  /** "2026-11-21T09:17:00.123Z" */
  readonly time: string;
  readonly level: "info" | "warn";
  readonly message: string;
  readonly kind: UpstreamEvent["kind"];
  readonly upstream: string;
  /** What else the kind has: endpoint, cause, detail, spans in milliseconds. */
  readonly [fact: string]: unknown;
}

/** Events kept. */
export const EVENTS_MAX = 200;
const LINES_PER_SECOND = 20;
const WINDOW_MS = 1000;

/** The events of one process. */
export class EventLog {
  readonly #kept: { readonly event: UpstreamEvent; readonly wall: Ms }[] = [];
  /** Where the next one goes once EVENTS_MAX are kept. */
  #next = 0;
  readonly #write: (level: "info" | "warn", line: string) => void;
  #windowAt = Number.NaN;
  #written = 0;
  #left = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(write: (level: "info" | "warn", line: string) => void = (level, line) => log[level](line)) {
    this.#write = write;
  }

  /** Keeps and logs one event that happened now, by the wall clock. */
  take(told: UpstreamEvent, wall: Ms): void {
    const event = shownEvent(told);
    this.#kept[this.#next] = { event, wall };
    this.#next = (this.#next + 1) % EVENTS_MAX;
    if (!(wall >= this.#windowAt && wall < this.#windowAt + WINDOW_MS)) {
      this.summarise();
      this.#windowAt = wall;
    }
    if (this.#written < LINES_PER_SECOND) {
      this.#written++;
      const { level, text } = eventText(event);
      this.#write(level, text);
      return;
    }
    this.#left++;
    if (this.#timer === null) {
      this.#timer = setTimeout(() => this.summarise(), WINDOW_MS);
      this.#timer.unref();
    }
  }

  /** The last events, newest first. */
  recent(): ShownEvent[] {
    const inOrder = [...this.#kept.slice(this.#next), ...this.#kept.slice(0, this.#next)];
    return inOrder.reverse().map(({ event, wall }) => shown(event, wall));
  }

  /** Ends the second: says how many lines it left out. */
  summarise(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#left > 0) {
      this.#write("warn", `… and ${this.#left.toLocaleString("en-US")} more events of upstreams (last 1 s)`);
    }
    this.#windowAt = Number.NaN;
    this.#written = 0;
    this.#left = 0;
  }
}

/** The last events of several processes, newest first. */
export function mergeEvents(lists: readonly (readonly ShownEvent[])[]): ShownEvent[] {
  return lists
    .flat()
    .sort((a, b) => (a.time < b.time ? 1 : a.time > b.time ? -1 : 0))
    .slice(0, EVENTS_MAX);
}

function shown(event: UpstreamEvent, wall: Ms): ShownEvent {
  // A monotonic instant says nothing outside the process.
  const { at: _, kind, upstream, ...facts } = event;
  const { level, text } = eventText(event);
  const shownFacts = Object.entries(facts).map(([name, value]) => [name, shownFact(name, value)]);
  return { time: isoTime(wall), level, message: text, kind, upstream, ...Object.fromEntries(shownFacts) };
}

/** Spans with whole microseconds, as logs have them; a request without its query. */
function shownFact(name: string, value: unknown): unknown {
  if (typeof value === "number") return Math.round(value * 1000) / 1000;
  return name === "request" ? withoutQuery(String(value)) : value;
}
