import { afterEach, expect, test } from "vitest";
import type { EndpointConfig, UpstreamConfig } from "../config/config.ts";
import { loadConfig } from "../config/load.ts";
import { failureOf } from "../failure/classify.ts";
import type { Failure } from "../failure/failure.ts";
import { useClock } from "../std/clock.ts";
import type { UpstreamEvent } from "./events.ts";
import { Dials, death, refusal } from "./group.fixture.ts";
import { type GroupContext, UpstreamGroup } from "./group.ts";
import type { Judged } from "./judge.ts";
import { serverConfig } from "./peers.fixture.ts";

afterEach(() => useClock(null));

/** A group as an nginx.conf has it, and attempts on it. */
class Scene {
  readonly events: UpstreamEvent[] = [];
  readonly dials = new Dials();
  nowMs = 50_000;
  group: UpstreamGroup;

  constructor(servers: readonly EndpointConfig[], more: Partial<UpstreamConfig> = {}, context: GroupContext = {}) {
    this.group = this.make(servers, more, context);
    this.group.start();
  }

  make(
    servers: readonly EndpointConfig[],
    more: Partial<UpstreamConfig> = {},
    context: GroupContext = {},
  ): UpstreamGroup {
    useClock(() => this.nowMs);
    const { config } = loadConfig("upstreams: { app: [127.0.0.1:1] }", "goodgate.yaml", {});
    const own = { health: null, eject: null, breaker: null, hold: null, queue: null, panic: 0 };
    const upstream = { ...config!.upstreams.get("app")!, ...own, endpoints: servers, ...more };
    return new UpstreamGroup(upstream, {
      clock: () => this.nowMs,
      onEvent: (event) => this.events.push(event),
      dial: this.dials.dial,
      dialTarget: ({ config: { address } }) => ({ address }) as never,
      ...context,
    });
  }

  /** An attempt on the next server: a status, a status that is dropped for another attempt, or a failure. */
  attempt(outcome: number | { readonly dropped: number } | Failure): string {
    const target = this.group.pick([]);
    if (typeof target === "string") return target;
    const judged: Judged & { headAt: number; status: number; dropped: boolean } = {
      target,
      endpointPermit: 0,
      upstreamPermit: 0,
      awaited: false,
      requestKey: "",
      clientKey: "",
      startedAt: this.nowMs,
      headAt: 0,
      status: 0,
      dropped: false,
    };
    const { judge } = this.group;
    target.active++;
    judge.begin(judged);
    if (typeof outcome === "object" && "cause" in outcome) judge.failed(judged, outcome);
    else {
      const status = typeof outcome === "number" ? outcome : outcome.dropped;
      Object.assign(judged, { headAt: this.nowMs, status });
      judge.answered(judged, status);
      judged.dropped = typeof outcome === "object";
      if (judged.dropped) judge.abandoned(judged);
      judge.completed(judged);
    }
    target.active--;
    return target.label.slice(0, 1);
  }

  attempts(count: number, outcome: Parameters<Scene["attempt"]>[0]): string {
    return Array.from({ length: count }, () => this.attempt(outcome)).join(" ");
  }
}

const address = (host: string): EndpointConfig["address"] => ({ kind: "tcp", host, port: 80 });
const two = () => [serverConfig("a:80", { address: address("a") }), serverConfig("b:80", { address: address("b") })];
const OUT = "no-healthy-upstream";

test("a failure puts a server out of use for fail_timeout, and that is told", () => {
  const scene = new Scene(two());
  expect(scene.attempts(4, refusal())).toBe(`a b ${OUT} ${OUT}`);
  expect(scene.group.whyOut()).toBe(
    "a:80 is left alone for 10 s after 1 failed attempt; b:80 is left alone for 10 s after 1 failed attempt",
  );
  scene.nowMs += 11_000;
  // The share of one that has failed grows back with each look.
  expect(scene.attempts(4, 200)).toBe("b b a b");
  expect(scene.events.map(({ kind }) => kind)).toEqual(["ejected", "ejected", "returned", "returned"]);
});

test("nothing is marked as gone, nobody waits, and nothing is dialled to look after it", async () => {
  const scene = new Scene(two());
  for (const endpoint of scene.group.endpoints) scene.group.watch.refused(endpoint, refusal());
  await new Promise((resolve) => setImmediate(resolve));
  expect([scene.group.outageSince, scene.group.mayHold(), scene.dials.all]).toEqual([0, false, []]);
  let gone = true;
  scene.group.watch.ask(scene.group.endpoints[0]!, (answer) => (gone = answer));
  expect(gone).toBe(false);
  expect(scene.attempts(2, 200)).toBe("a b");
});

test("a response counts as a failure only where it is given up, and 403 and 404 not even then", () => {
  expect(new Scene(two()).attempts(4, 500)).toBe("a b a b");
  expect(new Scene(two()).attempts(4, { dropped: 500 })).toBe(`a b ${OUT} ${OUT}`);
  expect(new Scene(two()).attempts(4, { dropped: 404 })).toBe("a b a b");
  expect(new Scene(two()).attempts(4, { dropped: 429 })).toBe(`a b ${OUT} ${OUT}`);
});

test("what is not the server's counts against none: names, descriptors, bodies that break off", () => {
  const scene = new Scene(two());
  expect(scene.attempts(4, failureOf("gateway-resource-exhausted", { errno: "EMFILE" }))).toBe("a b a b");
  expect(scene.attempts(4, failureOf("dns-not-resolved", {}))).toBe("a b a b");
  expect(new Scene(two()).attempts(4, death())).toBe(`a b ${OUT} ${OUT}`);
});

test("an attempt is told once, however often its end is", () => {
  const scene = new Scene([serverConfig("a:80", { address: address("a"), maxFails: 2 }), ...two().slice(1)]);
  expect(scene.attempts(3, { dropped: 500 })).toBe("a b a");
  expect(scene.attempt(200)).toBe(OUT);
});

test("a reload begins with fresh counts, and the same address twice is two servers", () => {
  const scene = new Scene([...two(), ...two().slice(0, 1)]);
  expect(scene.group.endpoints.length).toBe(3);
  expect(scene.group.peers!.triesMax).toBe(3);
  scene.attempts(3, refusal());
  expect(scene.attempt(200)).toBe(OUT);
  const next = scene.make([...two(), ...two().slice(0, 1)], {}, { previous: scene.group });
  next.start();
  scene.group.close();
  scene.group = next;
  expect(scene.attempts(3, 200)).toBe("a b a");
  expect(new Set(next.endpoints.map(({ standing }) => standing)).size).toBe(3);
});

const named = (told: Partial<EndpointConfig> = {}): EndpointConfig =>
  serverConfig("app.test", { address: address("app.test"), resolve: "at-load", ...told });

test("a name that was resolved at load is one server per address", () => {
  const addressesOf = (): readonly string[] => ["192.0.2.1", "192.0.2.2"];
  const { group } = new Scene([named()], {}, { addressesOf });
  expect(group.endpoints.map(({ label, server }) => `${label} ${server}`)).toEqual([
    "192.0.2.1:80 app.test",
    "192.0.2.2:80 app.test",
  ]);
  expect([group.peers!.triesMax, group.peers!.single]).toEqual([2, false]);
});

test("at run time addresses come and go; those that stay keep their failures and their place", () => {
  const server = named({ resolve: "at-run-time" });
  const scene = new Scene([server]);
  expect(scene.attempt(200)).toBe(OUT);
  const tell = (...hosts: string[]): void =>
    scene.group.setAddresses(
      server,
      hosts.map((host) => ({ address: host })),
    );
  tell("192.0.2.1", "192.0.2.2");
  const [first] = scene.group.endpoints;
  scene.attempts(1, refusal());
  tell("192.0.2.1", "192.0.2.3");
  expect(scene.group.endpoints[0]).toBe(first);
  expect(scene.group.whyOut()).toBe(
    "192.0.2.1:80 is left alone for 10 s after 1 failed attempt; 192.0.2.3:80 is in use",
  );
  const next = scene.make([server], {}, { previous: scene.group });
  expect(next.endpoints.map(({ label }) => label)).toEqual(["192.0.2.1:80", "192.0.2.3:80"]);
  tell();
  expect(scene.attempt(200)).toBe(OUT);
});
