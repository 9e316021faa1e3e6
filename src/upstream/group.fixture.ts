// A group as the gateway makes it, but with a clock, chance and connections that the test has in its hand.
import type { Socket } from "node:net";
import { afterEach } from "vitest";
import { loadConfig } from "../config/load.ts";
import { failureOf } from "../failure/classify.ts";
import type { Failure } from "../failure/failure.ts";
import type { DialHandle, DialResult } from "../net/dial.ts";
import { useClock, wheel } from "../std/clock.ts";
import type { Ms } from "../std/units.ts";
import { seededRandom } from "./balance-two.ts";
import type { Endpoint } from "./endpoint.ts";
import type { UpstreamEvent } from "./events.ts";
import { UpstreamGroup } from "./group.ts";
import type { Judged } from "./judge.ts";
import type { Dial } from "./watch.ts";

const TICK_MS: Ms = 20;

let nowMs: Ms = 0;

/** Time stands still until `pass`; instants begin well above 0, as they do in a process. */
export function stopTheClock(): void {
  nowMs = 10_000;
  useClock(() => nowMs);
}

afterEach(() => useClock(null));

/** Lets time pass; timers fire in their order, and what they begin has its turn. */
export async function pass(ms: Ms): Promise<void> {
  for (const end = nowMs + ms; nowMs < end; ) {
    nowMs = Math.min(end, nowMs + TICK_MS);
    wheel.advance(nowMs);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The connections that a group asks for: what `answers` says of an address, at once. */
export class Dials {
  /** Addresses dialled, in their order. */
  readonly all: string[] = [];
  /** Address → why it cannot be connected to; all others accept. */
  readonly broken = new Map<string, Failure>();

  readonly dial: Dial = ({ address }, _reader, done): DialHandle => {
    const label = address.kind === "tcp" ? `${address.host}:${address.port}` : address.path;
    this.all.push(label);
    let open = true;
    setImmediate(() => {
      if (!open) return;
      const failure = this.broken.get(label);
      done((failure ? { ok: false, failure } : { ok: true, socket: SOCKET }) as DialResult);
    });
    return { cancel: () => (open = false) } as unknown as DialHandle;
  };
}

const SOCKET = { destroy: () => SOCKET } as unknown as Socket;

/** Nothing listens. */
export const refusal = (): Failure => failureOf("connect-refused", { errno: "ECONNREFUSED", bytesSent: 0 });
/** It takes the request and dies. */
export const death = (): Failure => failureOf("closed-before-response", { closedBy: "rst", bytesSent: 100 });
/** Nobody answers. */
export const silence = (): Failure => failureOf("connect-timeout", { deadline: "connect", bytesSent: 0 });

/** A group of an upstream that is written as in a configuration file, and what is told of it. */
export class Scene {
  readonly events: UpstreamEvent[] = [];
  readonly dials = new Dials();
  readonly random = seededRandom(1);
  group: UpstreamGroup;

  constructor(upstream: string) {
    this.group = this.#make(upstream, undefined);
    this.group.start();
  }

  #make(upstream: string, previous: UpstreamGroup | undefined): UpstreamGroup {
    const { config, problems } = loadConfig(`upstreams: { app: ${upstream} }`, "goodgate.yaml", {});
    if (!config) throw new Error(problems.map(({ message }) => message).join("\n"));
    return new UpstreamGroup(config.upstreams.get("app")!, {
      random: this.random,
      clock: () => nowMs,
      onEvent: (event) => this.events.push(event),
      dial: this.dials.dial,
      dialTarget: ({ config: { address } }) => ({ address }) as never,
      previous,
    });
  }

  /** As the gateway goes over to another configuration. Gives the generation before. */
  reload(upstream: string): UpstreamGroup {
    const before = this.group;
    this.group = this.#make(upstream, before);
    this.group.start();
    before.close();
    return before;
  }

  endpoint(index: number): Endpoint {
    return this.group.endpoints[index]!;
  }

  /** What is picked, by the first letter of its address; or why nothing is. */
  pick(tried: readonly Endpoint[] = []): string {
    const picked = this.group.pick(tried);
    return typeof picked === "string" ? picked : picked.label.slice(0, 1);
  }

  /** How often each is picked. */
  picks(times: number): Record<string, number> {
    const counts: Record<string, number> = {};
    for (let n = 0; n < times; n++) {
      const picked = this.pick();
      counts[picked] = (counts[picked] ?? 0) + 1;
    }
    return counts;
  }

  /** An attempt, from its beginning to what came of it: a status, or why there is none. */
  attempt(index: number, outcome: number | Failure, request = "GET /", client = "192.0.2.1"): void {
    const judged = this.begin(index, request, client);
    if (typeof outcome !== "number") return this.group.judge.failed(judged, outcome);
    this.group.judge.connected(judged);
    this.group.judge.answered(judged, outcome);
  }

  begin(index: number, request = "GET /", client = "192.0.2.1"): Judged {
    const judged = {
      target: this.endpoint(index),
      endpointPermit: 0,
      upstreamPermit: 0,
      awaited: false,
      requestKey: request,
      clientKey: client,
      startedAt: nowMs,
      headAt: 0,
      status: 0,
      dropped: false,
    };
    this.group.judge.begin(judged);
    return judged;
  }

  /** Events of a kind. */
  told<K extends UpstreamEvent["kind"]>(kind: K): Extract<UpstreamEvent, { kind: K }>[] {
    return this.events.filter((event): event is Extract<UpstreamEvent, { kind: K }> => event.kind === kind);
  }
}
