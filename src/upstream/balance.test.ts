// One specification for every balancer, then what is particular to each. All of it is seeded: no run differs.
import fc from "fast-check";
import { expect, test } from "vitest";
import { loadConfig } from "../config/load.ts";
import { administer, type EndpointAction } from "./administer.ts";
import { type Balanced, type Balancer, leastConnections, roundRobin, smoothRotation } from "./balance.ts";
import { cookieValue, sticky } from "./balance-cookie.ts";
import { consistentHash } from "./balance-hash.ts";
import { Latency, peakEwma, randomTwo, seededRandom } from "./balance-two.ts";
import type { Endpoint } from "./endpoint.ts";
import { UpstreamGroup } from "./group.ts";

interface Node extends Balanced {
  active: number;
  readonly latency: Latency;
}
const node = (label: string, weight = 1, active = 0): Node => ({ label, weight, active, latency: new Latency() });
const nodes = (...weights: number[]): Node[] => weights.map((weight, i) => node(`10.0.0.${i}:80`, weight));
const any = (): boolean => true;
const nameOf = (endpoint: Node): string => cookieValue("app", endpoint.label);

/** How each is made, and the key that the n-th request brings. */
interface Kind {
  readonly name: string;
  make(endpoints: readonly Node[], clock?: () => number): Balancer<Node>;
  key(n: number): string;
  /** How far a share may be from its weight, in parts of itself, over 20,000 picks. */
  readonly tolerance: number;
  /** With 50 in flight, where that differs: 50 divided by weights does not come out even. */
  readonly loaded?: number;
}

const KINDS: readonly Kind[] = [
  { name: "round robin", make: roundRobin, key: () => "", tolerance: 0.001 },
  { name: "least connections", make: leastConnections, key: () => "", tolerance: 0.001, loaded: 0.06 },
  { name: "random of two", make: (e) => randomTwo(e, seededRandom(1)), key: () => "", tolerance: 0.06 },
  { name: "peak EWMA", make: (e, c) => peakEwma(e, seededRandom(2), c ?? (() => 0)), key: () => "", tolerance: 0.06 },
  { name: "consistent hash", make: consistentHash, key: (n) => `/item/${n}`, tolerance: 0.06 },
  { name: "consistent hash without a key", make: consistentHash, key: () => "", tolerance: 0.001 },
  { name: "sticky, new clients", make: (e) => sticky(e, nameOf), key: () => "", tolerance: 0.001 },
  { name: "sticky, strange cookies", make: (e) => sticky(e, nameOf), key: (n) => `x${n}`, tolerance: 0.001 },
];

const PICKS = 20_000;

/** Picks by label; what is picked answers after `heldPicks` further picks. */
function share(kind: Kind, endpoints: readonly Node[], heldPicks = 0): Map<string, number> {
  let at = 0;
  const balancer = kind.make(endpoints, () => at);
  const running: Node[] = [];
  const counts = new Map<string, number>();
  for (let n = 0; n < PICKS; n++) {
    at += 1;
    const picked = balancer.pick(any, true, kind.key(n))!;
    counts.set(picked.label, (counts.get(picked.label) ?? 0) + 1);
    picked.active++;
    running.push(picked);
    if (running.length <= heldPicks) continue;
    const done = running.shift()!;
    done.active--;
    done.latency.answered(20, at);
  }
  return counts;
}

/** The largest distance of a share from its weight, in parts of itself. */
function unevenness(counts: ReadonlyMap<string, number>, endpoints: readonly Node[]): number {
  const total = endpoints.reduce((sum, { weight }) => sum + weight, 0);
  const distances = endpoints.map(({ label, weight }) => {
    const due = (PICKS * weight) / total;
    return Math.abs((counts.get(label) ?? 0) - due) / due;
  });
  return Math.max(...distances);
}

test.each(KINDS)("$name: shares follow the weights, idle and under load", (kind) => {
  for (const weights of [[1], [1, 1, 1, 1, 1], [3, 1], [5, 1, 1], [10, 20, 30, 40]]) {
    for (const held of [0, 50]) {
      const endpoints = nodes(...weights);
      const tolerance = (held > 0 && kind.loaded) || kind.tolerance;
      expect(unevenness(share(kind, endpoints, held), endpoints), `${weights}, ${held}`).toBeLessThan(tolerance);
    }
  }
});

test.each(KINDS)("$name: reaches each that is usable, never another, and null where none is", (kind) => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ weight: fc.integer({ min: 1, max: 100 }), up: fc.boolean() }), { maxLength: 12 }),
      fc.integer({ min: 0, max: 3 }),
      (drawn, active) => {
        const endpoints = drawn.map(({ weight }, i) => node(`10.0.0.${i}:80`, weight, active * i));
        const up = new Set(endpoints.filter((_, i) => drawn[i]!.up));
        const balancer = kind.make(endpoints);
        for (let n = 0; n < 60; n++) {
          const picked = balancer.pick((e) => up.has(e), n % 3 > 0, kind.key(n));
          if (up.size === 0) expect(picked).toBeNull();
          else expect(up.has(picked!)).toBe(true);
        }
        for (const only of endpoints) expect(balancer.pick((e) => e === only, true, kind.key(7))).toBe(only);
      },
    ),
    { numRuns: 60, seed: 4 },
  );
});

test.each(KINDS)("$name: each endpoint is reached, the lightest too", (kind) => {
  const endpoints = nodes(40, 1, 25, 7, 1, 13);
  expect([...share(kind, endpoints).keys()].sort()).toEqual(endpoints.map(({ label }) => label));
});

test.each(KINDS.slice(0, 2))("$name: asking takes nobody's turn", (kind) => {
  const [asked, plain] = [kind.make(nodes(3, 2, 1)), kind.make(nodes(3, 2, 1))];
  for (let n = 0; n < 30; n++) {
    asked.pick((e) => e.label !== "10.0.0.0:80", false);
    expect(asked.pick(any)!.label).toBe(plain.pick(any)!.label);
  }
});

const BALANCES = [
  "round-robin",
  "least-connections",
  "random-two",
  "peak-ewma",
  "ip-hash",
  '{ hash: "{uri}" }',
  "{ cookie: at }",
];

test.each(BALANCES)("a group with balance %s: backups in need only, down ones never, a retry elsewhere", (balance) => {
  const config = loadConfig(
    `upstreams: { app: { balance: ${balance}, endpoints: ["a:1", "b:1", { address: "c:1", backup: true }, { address: "d:1", down: true }] } }`,
    "goodgate.yaml",
    {},
  ).config!;
  const group = new UpstreamGroup(config.upstreams.get("app")!, { random: seededRandom(3), clock: () => 0 });
  const [a, b, c, d] = group.endpoints as [Endpoint, Endpoint, Endpoint, Endpoint];
  const seen = new Set<unknown>();
  for (let n = 0; n < 200; n++) {
    seen.add(group.pick([], n % 2 ? `key${n}` : ""));
    expect(group.pick([a], `key${n}`)).toBe(b);
    // A cookie that names the backup, the endpoint that is down, or the one that has failed.
    for (const named of [c, d]) expect([a, b]).toContain(group.pick([], named.cookieValue));
    expect(group.pick([b], b.cookieValue)).toBe(a);
  }
  expect(seen).toEqual(new Set([a, b]));
  expect(group.pick([a, b], "key")).toBe(c);
  expect(group.pick([a, b, c], "key")).toBe("all-tried");
});

test.each(BALANCES)(
  "a group with balance %s: what somebody drains, disables or weighs follows at once",
  async (balance) => {
    const config = loadConfig(
      `upstreams: { app: { balance: ${balance}, endpoints: ["a:1", "b:1", { address: "c:1", backup: true }] } }`,
      "goodgate.yaml",
      {},
    ).config!;
    const group = new UpstreamGroup(config.upstreams.get("app")!, { random: seededRandom(3), clock: () => 0 });
    const [a, b, c] = group.endpoints as [Endpoint, Endpoint, Endpoint];
    const picks = (): Record<string, number> => {
      const counts: Record<string, number> = {};
      for (let n = 0; n < 1000; n++) {
        const picked = group.pick([], `key${n}`);
        const label = typeof picked === "string" ? picked : picked.label;
        counts[label] = (counts[label] ?? 0) + 1;
      }
      return counts;
    };
    const tell = (what: object) => administer(group, { upstream: "app", endpoint: "a:1", ...what } as EndpointAction);
    for (const out of [{ do: "drain" }, { do: "disable" }, { do: "weight", weight: 0 }]) {
      expect((await tell(out)).ok).toBe(true);
      expect(picks()).toEqual({ "b:1": 1000 });
      expect(group.pick([b])).toBe(c);
      await tell({ do: "enable" });
      expect(Object.keys(picks()).sort()).toEqual(["a:1", "b:1"]);
    }
    await tell({ do: "weight", weight: 9 });
    const shares = picks();
    expect(shares["a:1"]).toBeGreaterThan(830);
    expect(shares["b:1"]).toBeGreaterThan(40);
    expect(a.weight).toBe(9);
    await tell({ do: "enable" });
    expect(picks()["b:1"]).toBeGreaterThan(400);
  },
);

test("the smooth rotation interleaves by weight", () => {
  const order = smoothRotation([node("a", 5), node("b"), node("c")]);
  expect(order.map((e) => e.label).join("")).toBe("aabacaa");
});

test("round robin: each endpoint gets exactly its share, whatever the weights", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 }), (weights) => {
      const endpoints = nodes(...weights);
      const balancer = roundRobin(endpoints);
      const counts = new Map<string, number>();
      for (let i = weights.reduce((a, b) => a + b, 0); i > 0; i--) {
        const { label } = balancer.pick(any)!;
        counts.set(label, (counts.get(label) ?? 0) + 1);
      }
      expect(endpoints.map((e) => counts.get(e.label))).toEqual(weights);
    }),
  );
});

test("large weights are scaled down, and nobody drops out", () => {
  const order = smoothRotation([node("a", 1_000_000), node("b", 1)]);
  expect(order.length).toBeLessThan(10_000);
  expect(order.some((e) => e.label === "b")).toBe(true);
});

test("least connections: the fewest in flight per weight", () => {
  const balancer = leastConnections([node("busy", 1, 3), node("heavy", 4, 4), node("free", 1, 2)]);
  for (let n = 0; n < 5; n++) expect(balancer.pick(any)?.label).toBe("heavy");
});

test("random of two: the fullest is never taken, the emptiest most often", () => {
  const endpoints = [node("a", 1, 9), node("b", 1, 3), node("c", 1, 0)];
  const balancer = randomTwo(endpoints, seededRandom(5));
  const counts = { a: 0, b: 0, c: 0 };
  for (let n = 0; n < 3000; n++) counts[balancer.pick(any)!.label as "a"]++;
  expect(counts.a).toBe(0);
  expect(counts.c).toBeGreaterThan(1.7 * counts.b);
});

/** 40 s at 500 requests/s; each answer takes what its endpoint takes at that time. Shares in per cent of a span. */
function underLatency(make: (e: readonly Node[], clock: () => number) => Balancer<Node>, msAt: LatencyAt) {
  let at = 0;
  const endpoints = nodes(1, 1, 1);
  const balancer = make(endpoints, () => at);
  const running: { readonly endpoint: Node; readonly startedAt: number; readonly endsAt: number }[] = [];
  const counts = [0, 1, 2, 3].map(() => [0, 0, 0]);
  for (; at < 40_000; at += 2) {
    for (let i = running.length - 1; i >= 0; i--) {
      const { endpoint, startedAt, endsAt } = running[i]!;
      if (endsAt > at) continue;
      running.splice(i, 1);
      endpoint.active--;
      endpoint.latency.answered(endsAt - startedAt, at);
    }
    const endpoint = balancer.pick(any)!;
    const index = endpoints.indexOf(endpoint);
    endpoint.active++;
    running.push({ endpoint, startedAt: at, endsAt: at + msAt(index, at) });
    const span = counts[Math.floor(at / 10_000)]!;
    span[index] = span[index]! + 1 / 50;
  }
  return counts;
}
type LatencyAt = (index: number, at: number) => number;

test("peak EWMA: a slow endpoint is left at once, tried seldom, and used again when it is well", () => {
  const msAt: LatencyAt = (index, at) => (index === 0 && at >= 10_000 && at < 20_000 ? 60 : 10);
  const ewma = underLatency((e, clock) => peakEwma(e, seededRandom(6), clock), msAt);
  const turns = underLatency(roundRobin, msAt);
  expect(turns[1]![0]).toBeGreaterThan(33);
  expect(ewma[0]![0]).toBeGreaterThan(25);
  expect(ewma[1]![0]).toBeLessThan(2);
  expect(ewma[1]![0]).toBeGreaterThan(0);
  expect(ewma[3]![0]).toBeGreaterThan(15);
  const lasting = underLatency(
    (e, clock) => peakEwma(e, seededRandom(6), clock),
    (index) => (index === 0 ? 40 : 10),
  );
  expect(lasting[3]![0]).toBeGreaterThan(0);
  expect(lasting[3]![0]).toBeLessThan(10);
});

test("the latency jumps to a peak, fades with time, and counts a failure as slow", () => {
  const latency = new Latency();
  expect(latency.read(0)).toBe(-1);
  latency.answered(10, 0);
  latency.answered(500, 100);
  expect(latency.read(100)).toBe(500);
  latency.answered(10, 10_100);
  expect(latency.read(10_100)).toBeCloseTo(500 / Math.E + 10 * (1 - 1 / Math.E));
  expect(latency.read(40_100)).toBeLessThan(11);
  latency.unanswered(3, 40_100, true);
  expect(latency.read(40_100)).toBe(1000);
  // Who left after 5 ms says nothing of an endpoint that takes a second.
  latency.unanswered(5, 40_100, false);
  expect(latency.read(40_100)).toBe(1000);
});

test("an endpoint of which nothing is known gets one request, not all of them", () => {
  const [known, fresh] = nodes(1, 1) as [Node, Node];
  known.latency.answered(50, 0);
  const balancer = peakEwma([known, fresh], seededRandom(8), () => 1);
  expect(balancer.pick(any)).toBe(fresh);
  fresh.active = 1;
  for (let n = 0; n < 20; n++) expect(balancer.pick(any)).toBe(known);
});

const KEYS = Array.from({ length: 50_000 }, (_, n) => `/item/${n}?page=${n % 7}`);
const home = (endpoints: readonly Node[], usable: (e: Node) => boolean = any): string[] => {
  const balancer = consistentHash(endpoints);
  return KEYS.map((key) => balancer.pick(usable, true, key)!.label);
};

test.each([2, 3, 5, 10, 50, 100])("consistent hash: when one of %i leaves, at most 1.2/N of the keys move", (count) => {
  const endpoints = nodes(...Array.from({ length: count }, () => 1));
  const before = home(endpoints);
  for (const leaver of endpoints.slice(0, 5)) {
    const after = home(endpoints.filter((e) => e !== leaver));
    const moved = before.filter((label, i) => label !== after[i]).length;
    expect(moved / KEYS.length).toBeLessThanOrEqual(1.2 / count);
    expect(before.every((label, i) => label === after[i] || label === leaver.label)).toBe(true);
    // Out for the moment: its keys and no others, and not all of them to one neighbour.
    const meanwhile = home(endpoints, (e) => e !== leaver);
    expect(before.every((label, i) => label === meanwhile[i] || label === leaver.label)).toBe(true);
    const heirs = new Set(meanwhile.filter((_, i) => before[i] === leaver.label));
    expect(heirs.size).toBeGreaterThan(0.9 * (count - 1));
  }
});

test("consistent hash: the order in the file has no say, and a weight that changes moves little", () => {
  const before = home(nodes(1, 2, 3, 4));
  expect(home(nodes(1, 2, 3, 4).reverse())).toEqual(before);
  const after = home(nodes(1, 2, 3, 5));
  // A tenth to an eleventh: the share of the fourth grows from 40 to 45.5 %.
  expect(before.filter((label, i) => label !== after[i]).length / KEYS.length).toBeLessThan(0.12);
});

test("sticky: goes where the cookie says, elsewhere while that one is out; the value tells no address", () => {
  const endpoints = nodes(1, 1, 1);
  const balancer = sticky(endpoints, nameOf);
  const [a, b] = endpoints as [Node, Node, Node];
  for (let n = 0; n < 5; n++) expect(balancer.pick(any, true, nameOf(b))).toBe(b);
  expect(balancer.pick((e) => e !== b, true, nameOf(b))).not.toBe(b);
  expect(nameOf(a)).toMatch(/^[\w-]{12}$/);
  expect(cookieValue("secret", a.label)).not.toBe(nameOf(a));
});

test("the generator of chance is even, and the same for the same seed", () => {
  const random = seededRandom(9);
  const again = seededRandom(9);
  const counts = new Array<number>(10).fill(0);
  for (let n = 0; n < 50_000; n++) {
    const value = random();
    expect(value).toBe(again());
    const tenth = Math.floor(value * 10);
    counts[tenth] = counts[tenth]! + 1;
  }
  for (const count of counts) expect(Math.abs(count - 5000)).toBeLessThan(300);
});
