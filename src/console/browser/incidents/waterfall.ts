// Where the time of a failed exchange went, as bars on one axis: waits of the gateway (held, queued, before the next
// try), then the phases of each attempt. Instants that did not happen end nothing: the phase that was under way runs to
// the end of the attempt, and is the one that failed where it failed. Pure; what is drawn and the table that says the
// same in words both come from here, so that they cannot differ.
// A kept failure says how long it was held and queued, not when: the time between attempts is where a request waits,
// and it is given to queue and hold in that order, from the first on.
import { span } from "../../../failure/words.ts";
import type { KeptAttempt, KeptFailure } from "../../../observe/report.ts";
import type { Ms } from "../../../std/units.ts";

export type BarKind =
  | "queued"
  | "held"
  | "pause"
  | "pool"
  | "resolve"
  | "connect"
  | "tls"
  | "write"
  | "wait"
  | "body"
  | "after";

export interface Bar {
  readonly kind: BarKind;
  readonly fromMs: Ms;
  readonly toMs: Ms;
  /** It ended here. */
  readonly failed: boolean;
}

export interface Row {
  /** "before attempt 1", "attempt 1". */
  readonly label: string;
  /** Of the endpoint; "" for waits. */
  readonly endpoint: string;
  /** Index into the attempts; null for waits. */
  readonly attempt: number | null;
  readonly bars: readonly Bar[];
}

export interface Waterfall {
  /** Length of the axis. */
  readonly spanMs: Ms;
  readonly ticks: readonly Ms[];
  readonly rows: readonly Row[];
}

export const BAR_NAMES: Readonly<Record<BarKind, string>> = {
  queued: "queued",
  held: "held",
  pause: "before the next try",
  pool: "wait for a connection",
  resolve: "resolve",
  connect: "connect",
  tls: "TLS",
  write: "write",
  wait: "wait for head",
  body: "body",
  after: "until the answer had gone",
};

/** Waits below this are the gateway's own work, and only clutter. */
const PAUSE_MIN_MS: Ms = 1;

/** Lays out a failure. */
export function waterfallOf(failure: KeptFailure): Waterfall {
  const end = Math.max(failure.durationMs, ...failure.attempts.map(({ endMs }) => endMs), 0);
  const waits = waitRows(failure, end);
  const rows: Row[] = [];
  failure.attempts.forEach((attempt, index) => {
    const before = waits[index];
    if (before) rows.push(before);
    const bars = attemptBars(attempt);
    rows.push({ label: `attempt ${index + 1}`, endpoint: attempt.endpoint, attempt: index, bars });
  });
  const last = waits[failure.attempts.length];
  if (last) rows.push(last);
  const spanMs = Math.max(end, 0.1);
  return { spanMs, ticks: ticksOf(spanMs), rows };
}

/** Phases of one attempt, in the order in which they took place. */
export function attemptBars(attempt: KeptAttempt): Bar[] {
  const bars: Bar[] = [];
  let at = attempt.startMs;
  const upTo = (kind: BarKind, instant: Ms | null): void => {
    if (instant === null) return;
    const to = Math.min(Math.max(instant, at), Math.max(attempt.endMs, at));
    if (to > at) bars.push({ kind, fromMs: at, toMs: to, failed: false });
    at = to;
  };
  upTo("resolve", attempt.resolvedMs);
  upTo("connect", attempt.tcpMs);
  // Without an instant for TCP, all of it is the connect; what is behind TCP is TLS.
  upTo(attempt.tcpMs === null ? "connect" : "tls", attempt.connectedMs);
  // An answer may come before all of the request has gone.
  const sent = attempt.sentMs ?? null;
  const head = attempt.headMs ?? null;
  upTo("write", sent !== null && head !== null ? Math.min(sent, head) : (sent ?? head));
  if (sent !== null) upTo("wait", head);
  const failed = attempt.cause !== null;
  const last = lastKind(attempt);
  if (attempt.endMs > at) bars.push({ kind: last, fromMs: at, toMs: attempt.endMs, failed });
  else if (failed && !markFailed(bars, last)) bars.push({ kind: last, fromMs: at, toMs: at, failed: true });
  return bars;
}

/** The phase that was under way when the attempt ended. */
function lastKind({ phase, cause, ...instants }: KeptAttempt): BarKind {
  if (cause !== null) {
    if (phase === "dns") return "resolve";
    if (phase === "connect") return "connect";
    if (phase === "tls") return "tls";
    if (phase === "pool") return "pool";
    if (phase === "write") return "write";
    if (phase === "response-body") return "body";
    if (phase === "response-head" || phase === "upgrade") return instants.headMs === null ? "wait" : "body";
  }
  if (instants.headMs !== null) return "body";
  if (instants.sentMs !== null) return "wait";
  if (instants.reused || instants.connectedMs !== null) return "write";
  if (instants.tcpMs !== null) return "tls";
  if (instants.resolvedMs !== null) return "connect";
  return "pool";
}

/** Marks the last bar as the one that failed, where it is of this kind. */
function markFailed(bars: Bar[], kind: BarKind): boolean {
  const last = bars[bars.length - 1];
  if (last?.kind !== kind) return false;
  bars[bars.length - 1] = { ...last, failed: true };
  return true;
}

/** What was waited before each attempt, and behind the last. */
function waitRows({ attempts, queuedMs, heldMs, outcome }: KeptFailure, end: Ms): (Row | null)[] {
  let queued = queuedMs;
  let held = heldMs;
  let at = 0;
  const rows: (Row | null)[] = [];
  for (let index = 0; index <= attempts.length; index += 1) {
    const next = attempts[index];
    const to = next ? next.startMs : end;
    const bars: Bar[] = [];
    const take = (kind: BarKind, ms: Ms): Ms => {
      const taken = to - at < Math.min(PAUSE_MIN_MS, ms) ? 0 : Math.min(ms, to - at);
      if (taken > 0) bars.push({ kind, fromMs: at, toMs: at + taken, failed: false });
      at += taken;
      return taken;
    };
    queued -= take("queued", queued);
    held -= take("held", held);
    if (to - at >= PAUSE_MIN_MS) take(next ? "pause" : "after", to - at);
    // Ended while it waited: nothing was tried behind it.
    const waited = bars[bars.length - 1];
    if (!next && waited && (waited.kind === "held" || waited.kind === "queued") && outcome !== "saved") {
      bars[bars.length - 1] = { ...waited, failed: true };
    }
    const label = next ? `before attempt ${index + 1}` : attempts.length > 0 ? "after the last attempt" : "waiting";
    rows.push(bars.length > 0 ? { label, endpoint: "", attempt: null, bars } : null);
    at = Math.max(at, next ? next.endMs : to);
  }
  return rows;
}

/** A bar in words: "wait for head 30 s, failed". */
export function barWords({ kind, fromMs, toMs, failed }: Bar): string {
  return `${BAR_NAMES[kind]} ${span(toMs - fromMs)}${failed ? ", failed here" : ""}`;
}

/** Even instants on the axis: 1, 2 or 5 of a power of ten, 3 to 6 of them. */
export function ticksOf(spanMs: Ms): Ms[] {
  const rough = spanMs / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const ticks: Ms[] = [];
  for (let index = 0; index * step <= spanMs * 1.000_001; index += 1) ticks.push(Number((index * step).toPrecision(6)));
  return ticks;
}
