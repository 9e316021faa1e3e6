// The timers of a chain of hops, outermost first: how long each waits, keeps idle connections and repeats.
import type { Ms } from "../../std/units.ts";
import type { Finding } from "../configs/model.ts";
import type { Place } from "../evidence.ts";
import type { SoftwareId } from "../software.ts";

/**
 * What a timer limits, whichever program has it.
 * client-idle: how long it keeps an idle connection from the side of the client · upstream-idle: how long it reuses an
 * idle connection to the next hop · connect: TCP (and TLS) to the next hop · response: silence of the next hop, until
 * the head and between reads · total: the whole of an exchange · try-total: all tries together · tries: how many ·
 * worker: when it kills a request of its own · request: until the client has sent its request · tunnel-idle: an
 * upgraded connection · drain: how long running requests may go on at a stop · pre-stop: how long it still serves
 * after it was told to stop · dns: resolving a name.
 */
export const TIMER_IDS = [
  "client-idle",
  "upstream-idle",
  "connect",
  "response",
  "total",
  "try-total",
  "tries",
  "worker",
  "request",
  "tunnel-idle",
  "drain",
  "pre-stop",
  "dns",
] as const;
export type TimerId = (typeof TIMER_IDS)[number];

/** A timer of one hop, and how it is known. */
export interface HopTimer {
  readonly id: TimerId;
  readonly setting: string;
  /** null = off: it never ends. For tries the count. */
  readonly value: Ms | null;
  readonly from: "config" | "measured" | "header" | "default" | "what-if";
  readonly place: Place | null;
  /** Of a default: how well it is known (timeouts.json). */
  readonly confidence: "source" | "doc" | "known" | "unsure" | null;
  /** "502 of the proxy", "FIN to client". */
  readonly atExpiry: string;
}

export interface ChainHop {
  /** Unique in the chain: "nginx", "nginx-2". */
  readonly name: string;
  readonly software: SoftwareId;
  readonly timers: readonly HopTimer[];
}

/** A rule that the chain breaks. */
export interface Inversion extends Finding {
  readonly rule:
    | "keepalive-order"
    | "response-order"
    | "retry-budget"
    | "worker-not-below-gateway-silently"
    | "connect-short"
    | "stream-heartbeat"
    | "drain-order";
  /** Names of the hops, outer first. */
  readonly between: readonly [outer: string, inner: string];
  readonly outer: HopTimer;
  readonly inner: HopTimer;
  /** All values are written or measured: the order is certain, rather than of defaults. */
  readonly certain: boolean;
}

export interface TimeoutChain {
  /** Outermost first. */
  readonly hops: readonly ChainHop[];
  readonly inversions: readonly Inversion[];
  /** What --what-if was asked, and what it makes of the inversions. */
  readonly whatIf: {
    readonly changes: readonly {
      readonly hop: string;
      readonly setting: string;
      readonly before: string;
      readonly after: string;
    }[];
    readonly solved: readonly Inversion[];
    readonly created: readonly Inversion[];
  } | null;
}
