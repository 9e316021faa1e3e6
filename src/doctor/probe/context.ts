// What the probes of one target are given beside the target and its limits, and what they hand round among themselves.
// One budget counts the HTTP requests of a target, whoever sends them; connections and handshakes are not requests.
// Each wait ends at its own limit or at `deadlineAt`, whichever comes first.
import type { Socket } from "node:net";
import type { SecureContext } from "node:tls";
import { now } from "../../std/clock.ts";
import type { Ms } from "../../std/units.ts";
import type { NotTested, ProbeLimits, Target } from "../evidence.ts";

/** How many HTTP requests may still be sent. */
export class RequestBudget {
  readonly max: number;
  #used = 0;

  constructor(max: number) {
    this.max = max;
  }

  get used(): number {
    return this.#used;
  }

  get left(): number {
    return this.max - this.#used;
  }

  /** One request is about to be sent; false = none may be. */
  take(): boolean {
    if (this.#used >= this.max) return false;
    this.#used++;
    return true;
  }
}

/** Where names are looked up; missing parts are the system's. */
export interface NameSources {
  /** getaddrinfo; rejects with its code. */
  readonly lookup?: (host: string) => Promise<readonly { readonly address: string }[]>;
  /** "127.0.0.1:53": the servers of resolv.conf. */
  readonly servers?: readonly string[];
}

/** What the probes of one target are given. */
export interface ProbeContext {
  /** "goodgate-doctor/1.0.0". */
  readonly userAgent: string;
  /** Each request has X-Request-Id: the prefix and its number; logs are searched for it. */
  readonly requestIdPrefix: string;
  /** By then everything has ended (std/clock's now()). */
  readonly deadlineAt: Ms;
  readonly budget: RequestBudget;
  /** What is being done, for a progress display. */
  readonly onStep: (text: string) => void;
  /** Redirects to other hosts are followed (url targets only); "origin" = not even those to another port. */
  readonly redirects: boolean | "origin";
  readonly names?: NameSources;
}

/** What all probes of one target share. */
export interface Scene {
  readonly target: Target;
  readonly limits: ProbeLimits;
  readonly context: ProbeContext;
  readonly notTested: NotTested[];
  /** Open sockets: what is left of them at the deadline is closed. */
  readonly sockets: Set<Socket>;
  /** Trusts the target's own authorities and the system's. */
  readonly trust: SecureContext;
}

/** What gives a probe more time, and more requests: how a check that was left out can be made. */
export const MORE_TIME = "--timeout 30s";
export const MORE_REQUESTS = "--requests 20";

/** A time as it is shown: finer than a tenth of a millisecond is noise. */
export function roundedMs(ms: Ms): Ms {
  return Math.round(ms * 10) / 10;
}

/** Time until the deadline. */
export function leftMs({ context }: Scene): Ms {
  return Math.max(0, context.deadlineAt - now());
}

/** A limit, or what is left of the time where that is less. */
export function within(scene: Scene, limitMs: Ms): Ms {
  return Math.min(limitMs, leftMs(scene));
}

/** Notes once that a check was not made. */
export function leaveOut(scene: Scene, check: string, reason: string, how: string | null): void {
  if (scene.notTested.some((other) => other.check === check && other.reason === reason)) return;
  scene.notTested.push({ check, target: scene.target.id, reason, how });
}

/** Keeps a socket until it closes, so that the end of the probe closes it. */
export function keepTrack(scene: Scene, socket: Socket): void {
  scene.sockets.add(socket);
  socket.once("close", () => scene.sockets.delete(socket));
}

/** Waits; at most until the deadline. */
export function pause(scene: Scene, ms: Ms): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, within(scene, ms));
  });
}

/** An error of our own costs what it happened in, and is said. */
export function guarded<Value>(scene: Scene, work: Promise<Value>): Promise<Value | null> {
  return work.catch((error: unknown) => {
    const text = error instanceof Error ? error.message : String(error);
    leaveOut(scene, `a part of ${scene.target.id}`, `an error of doctor itself: ${text}`, null);
    return null;
  });
}
