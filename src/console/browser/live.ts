// One stream of server-sent events for all pages: the newest "now", and whoever wants the single events. A broken stream
// is opened again with growing pauses; a page that nobody looks at lets go of it after half a minute, and catches up
// when it is seen again. What is shown meanwhile says how old it is (the shell does).
import type { LiveEvent, Now } from "../model.ts";
import { LIVE_ADDRESS, loggedOut } from "./api.ts";
import { createStore, type Store, useStore } from "./store.ts";

export type Connection = "connecting" | "live" | "reconnecting" | "paused";

export interface LiveState {
  readonly now: Now | null;
  readonly connection: Connection;
  /** performance.now() when the last figures came. */
  readonly takenAt: number;
  /** Wall clock of the gateway less that of this browser. */
  readonly skewMs: number;
}

const PAUSE_FIRST_MS = 500;
const PAUSE_MAX_MS = 10_000;
const HIDDEN_MS = 30_000;
/** "now" comes about each second: without anything for that long the stream is dead, whatever the browser thinks. */
const SILENT_MS = 12_000;

export const live: Store<LiveState> = createStore<LiveState>({
  now: null,
  connection: "connecting",
  takenAt: 0,
  skewMs: 0,
});

const takers = new Set<(event: LiveEvent) => void>();

/** Called with every event of the stream. Returns how to stop. */
export function onLive(take: (event: LiveEvent) => void): () => void {
  takers.add(take);
  return () => takers.delete(take);
}

/** The newest figures; null until the first have come. */
export const useNow = (): Now | null => useStore(live, ({ now }) => now);

/** A part of the newest figures: drawn again only when that part changes. */
export const useNowPart = <S>(select: (now: Now | null) => S): S => useStore(live, ({ now }) => select(now));

/** Milliseconds of the gateway's wall clock, now. */
export const gatewayTime = (): number => Date.now() + live.get().skewMs;

let source: EventSource | null = null;
let retry = 0;
let hiding = 0;
let silence = 0;
let pauseMs = PAUSE_FIRST_MS;
let started = false;

/** Opens the stream; more calls do nothing. */
export function startLive(): void {
  if (started) return;
  started = true;
  document.addEventListener("visibilitychange", () => {
    window.clearTimeout(hiding);
    if (document.hidden) hiding = window.setTimeout(pause, HIDDEN_MS);
    else if (source === null) open();
  });
  loggedOut.subscribe(() => {
    if (!loggedOut.get()) open();
  });
  open();
}

function open(): void {
  close();
  const stream = new EventSource(LIVE_ADDRESS);
  source = stream;
  listenForSilence();
  for (const name of ["now", "incident", "mark"] as const) {
    stream.addEventListener(name, (message) => {
      if (stream === source) take(name, String(message.data));
    });
  }
  stream.addEventListener("error", () => {
    if (stream === source) again();
  });
}

function take(name: LiveEvent["event"], data: string): void {
  const parsed = JSON.parse(data) as unknown;
  // Sent whole ({ event, now }) or bare: both are understood.
  const inner = parsed !== null && typeof parsed === "object" && name in parsed ? parsed : { [name]: parsed };
  const event = { ...(inner as object), event: name } as LiveEvent;
  listenForSilence();
  pauseMs = PAUSE_FIRST_MS;
  if (event.event === "now") {
    live.set({
      now: event.now,
      connection: "live",
      takenAt: performance.now(),
      skewMs: event.now.at - Date.now(),
    });
  }
  for (const taker of [...takers]) taker(event);
}

function again(): void {
  close();
  live.set({ ...live.get(), connection: live.get().now ? "reconnecting" : "connecting" });
  if (loggedOut.get() || document.hidden) return;
  retry = window.setTimeout(open, pauseMs);
  pauseMs = Math.min(PAUSE_MAX_MS, pauseMs * 2);
}

function pause(): void {
  close();
  live.set({ ...live.get(), connection: "paused" });
}

function close(): void {
  window.clearTimeout(retry);
  window.clearTimeout(silence);
  source?.close();
  source = null;
}

function listenForSilence(): void {
  window.clearTimeout(silence);
  silence = window.setTimeout(again, SILENT_MS);
}
