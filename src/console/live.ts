// Server-sent events: one stream per listener, and the hub that gives all of them what happens. The backend is asked
// only while somebody listens, and each event becomes text once, whoever reads it.
// A reader that is slow does not make the others wait and does not grow the heap: while its socket takes nothing, the
// latest "now" replaces the one before, incidents are kept once each in their latest state, and tail entries are counted
// instead of kept. One that takes nothing for STUCK_MS is cut; its browser comes back (`retry`) and reads afresh.
// What happened while a reader was away for a moment is sent again by the id that it had last (Last-Event-ID).
import { randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";
import { log } from "../std/log.ts";
import type { Ms } from "../std/units.ts";
import type { Backend, LiveEvent, Now } from "./model.ts";

export interface HubOptions {
  readonly streamsMax?: number;
  readonly heartbeatMs?: Ms;
  readonly stuckMs?: Ms;
  /** How long the backend is listened to after the last reader left: it may come back at once. */
  readonly lingerMs?: Ms;
}

const STREAMS_MAX = 32;
const HEARTBEAT_MS: Ms = 15_000;
const STUCK_MS: Ms = 20_000;
const LINGER_MS: Ms = 10_000;
const RETRY_MS: Ms = 2_000;
/** A "now" that is younger is good enough for who comes. */
const FRESH_MS: Ms = 1_500;
/** Incidents and marks that are kept for who comes back. */
const KEPT_MAX = 256;
/** Incidents and marks that wait for one slow reader; with more it reads afresh. */
const PENDING_MAX = 256;

/** One reader's stream. */
export class EventStream {
  readonly lastEventId: string;
  /** Since when its socket takes nothing; null = it does. */
  blockedSince: Ms | null = null;
  lastWriteAt: Ms;
  onFree: () => void = () => undefined;
  readonly #response: ServerResponse;
  readonly #isAllowed: () => boolean;

  constructor(response: ServerResponse, lastEventId: string, isAllowed: () => boolean) {
    this.#response = response;
    this.#isAllowed = isAllowed;
    this.lastEventId = lastEventId;
    this.lastWriteAt = performance.now();
  }

  begin(): void {
    this.#response.writeHead(200, { "Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no" });
    this.#response.on("drain", () => {
      this.blockedSince = null;
      this.onFree();
    });
    this.write(`retry: ${RETRY_MS}\n\n`);
  }

  get isBlocked(): boolean {
    return this.blockedSince !== null;
  }

  /** Whether who opened it may still read it: a session may have ended. */
  get isAllowed(): boolean {
    return this.#isAllowed();
  }

  write(text: string): void {
    if (this.#response.destroyed || this.#response.writableEnded) return;
    this.lastWriteAt = performance.now();
    if (!this.#response.write(text)) this.blockedSince ??= this.lastWriteAt;
  }

  end(): void {
    this.#response.end();
  }

  cut(): void {
    this.#response.destroy();
  }
}

/** An event as it goes over the wire. Data is JSON, which has no line breaks of its own. */
export function eventText(event: string, data: unknown, id?: string): string {
  return `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

interface Listener {
  readonly stream: EventStream;
  /** What waits while the stream is blocked: "now", "incident ID", "mark ID" → text. */
  readonly pending: Map<string, string>;
}

export class LiveHub {
  readonly #backend: Pick<Backend, "now" | "live">;
  readonly #options: Required<HubOptions>;
  readonly #streams = new Set<EventStream>();
  readonly #listeners = new Set<Listener>();
  readonly #kept: { readonly number: number; readonly text: string }[] = [];
  /** Numbers begin anew with the process; ids of another are not known. */
  readonly #run = randomBytes(4).toString("hex");
  #number = 0;
  #stopBackend: (() => void) | null = null;
  #linger: NodeJS.Timeout | undefined;
  #beat: NodeJS.Timeout | undefined;
  #latest: { readonly text: string; readonly at: Ms } | null = null;

  constructor(backend: Pick<Backend, "now" | "live">, options: HubOptions = {}) {
    this.#backend = backend;
    this.#options = {
      streamsMax: options.streamsMax ?? STREAMS_MAX,
      heartbeatMs: options.heartbeatMs ?? HEARTBEAT_MS,
      stuckMs: options.stuckMs ?? STUCK_MS,
      lingerMs: options.lingerMs ?? LINGER_MS,
    };
  }

  get isFull(): boolean {
    return this.#streams.size >= this.#options.streamsMax;
  }

  /** Takes a stream of any kind into care: heartbeats, and an end where it is stuck or not allowed any more. */
  add(stream: EventStream): void {
    this.#streams.add(stream);
    const everyMs = Math.max(10, Math.min(this.#options.heartbeatMs, this.#options.stuckMs) / 3);
    this.#beat ??= setInterval(() => this.#tend(), everyMs).unref();
  }

  remove(stream: EventStream): void {
    this.#streams.delete(stream);
    if (this.#streams.size > 0) return;
    clearInterval(this.#beat);
    this.#beat = undefined;
  }

  /** Sends a stream what happens. Returns how to stop. */
  listen(stream: EventStream): () => void {
    const listener: Listener = { stream, pending: new Map() };
    stream.onFree = () => release(listener);
    this.#replay(listener);
    this.#listeners.add(listener);
    this.#begin();
    void this.#greet(listener);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#endSoon();
    };
  }

  /** Ends all streams: the console closes. */
  close(): void {
    for (const stream of this.#streams) stream.end();
    clearTimeout(this.#linger);
    clearInterval(this.#beat);
    this.#stopBackend?.();
    this.#stopBackend = null;
  }

  #begin(): void {
    clearTimeout(this.#linger);
    this.#stopBackend ??= this.#backend.live((event) => this.#take(event));
  }

  #endSoon(): void {
    clearTimeout(this.#linger);
    this.#linger = setTimeout(() => {
      this.#stopBackend?.();
      this.#stopBackend = null;
    }, this.#options.lingerMs).unref();
  }

  /** The state at once, so that nobody looks at an empty page for a second. */
  async #greet(listener: Listener): Promise<void> {
    try {
      if (this.#latest === null || performance.now() - this.#latest.at > FRESH_MS) {
        this.#keepNow(await this.#backend.now());
      }
    } catch (error) {
      // The next tick brings it; who listens sees heartbeats meanwhile.
      log.warn("console: the state cannot be told", { error: (error as Error).message });
      return;
    }
    if (this.#latest !== null && this.#listeners.has(listener)) give(listener, "now", this.#latest.text);
  }

  #keepNow(now: Now): void {
    this.#number += 1;
    this.#latest = { text: eventText("now", now, `${this.#run}-${this.#number}`), at: performance.now() };
  }

  #take(event: LiveEvent): void {
    if (event.event === "now") {
      this.#keepNow(event.now);
      for (const listener of this.#listeners) give(listener, "now", this.#latest!.text);
      return;
    }
    this.#number += 1;
    const data = event.event === "incident" ? event.incident : event.mark;
    const text = eventText(event.event, data, `${this.#run}-${this.#number}`);
    this.#kept.push({ number: this.#number, text });
    if (this.#kept.length > KEPT_MAX) this.#kept.shift();
    for (const listener of this.#listeners) give(listener, `${event.event} ${data.id}`, text);
  }

  /** What a reader that comes back has missed. */
  #replay({ stream }: Listener): void {
    const [run, number] = stream.lastEventId.split("-", 2);
    if (run !== this.#run || !/^\d{1,15}$/.test(number ?? "")) return;
    const missed = this.#kept.filter((kept) => kept.number > Number(number)).map(({ text }) => text);
    if (missed.length > 0) stream.write(missed.join(""));
  }

  #tend(): void {
    const now = performance.now();
    for (const stream of this.#streams) {
      if (!stream.isAllowed) stream.end();
      else if (stream.blockedSince !== null && now - stream.blockedSince > this.#options.stuckMs) stream.cut();
      else if (!stream.isBlocked && now - stream.lastWriteAt >= this.#options.heartbeatMs) stream.write(": alive\n\n");
    }
  }
}

function give(listener: Listener, key: string, text: string): void {
  const { stream, pending } = listener;
  if (!stream.isBlocked && pending.size === 0) return stream.write(text);
  // Taken out first: the latest stands last, in the order of what happened.
  pending.delete(key);
  pending.set(key, text);
  if (pending.size > PENDING_MAX) stream.cut();
}

function release({ stream, pending }: Listener): void {
  for (const [key, text] of pending) {
    if (stream.isBlocked) return;
    pending.delete(key);
    stream.write(text);
  }
}
