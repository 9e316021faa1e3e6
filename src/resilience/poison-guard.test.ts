import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Blame, blame, isEmpty, newPoisonGuard, noteSuccess, type PoisonGuard } from "./poison-guard.ts";

const options = { windowMs: 1000, keysMax: 8 };

function fails(guard: PoisonGuard, request: string, client: string, endpoint: string, nowMs = 0): Blame {
  return blame(guard, { request, client }, endpoint, 3, nowMs);
}

test("a request that fails on two endpoints takes the blame, and is new once per window", () => {
  const guard = newPoisonGuard(options);
  expect(fails(guard, "GET /x", "one", "a")).toEqual({ blamed: "endpoint" });
  expect(fails(guard, "GET /x", "two", "a", 1)).toEqual({ blamed: "endpoint" });
  const finding = { blamed: "request", key: "GET /x", endpoints: 2, isNew: true };
  expect(fails(guard, "GET /x", "two", "b", 2)).toEqual(finding);
  expect(fails(guard, "GET /x", "three", "c", 500)).toEqual({ ...finding, endpoints: 3, isNew: false });
  expect(fails(guard, "GET /x", "four", "c", 900)).toMatchObject({ isNew: false });
  expect(fails(guard, "GET /x", "five", "b", 1100)).toEqual({ ...finding, isNew: true });
});

test("a client whose requests fail everywhere takes the blame, whatever it asks for", () => {
  const guard = newPoisonGuard(options);
  fails(guard, "GET /1", "one", "a");
  expect(fails(guard, "GET /2", "one", "b")).toEqual({ blamed: "request", key: "one", endpoints: 2, isNew: true });
});

test("a success acquits the request for a window, and a failure is forgotten after one", () => {
  const guard = newPoisonGuard(options);
  fails(guard, "GET /x", "one", "a");
  noteSuccess(guard, "GET /x", "one", 10);
  expect(fails(guard, "GET /x", "one", "b", 20).blamed).toBe("endpoint");
  expect(fails(guard, "GET /x", "one", "a", 1009).blamed).toBe("endpoint");
  expect(fails(guard, "GET /x", "one", "b", 1010).blamed).toBe("request");

  const slow = newPoisonGuard(options);
  for (const [index, endpoint] of ["a", "b", "a", "b"].entries()) {
    expect(fails(slow, "GET /x", "one", endpoint, index * 1000).blamed).toBe("endpoint");
  }
});

test("with one endpoint it is never the request, and nothing is kept", () => {
  const guard = newPoisonGuard(options);
  expect(blame(guard, { request: "GET /x", client: "one" }, "a", 1, 0)).toEqual({ blamed: "endpoint" });
  expect(isEmpty(guard, 0)).toBe(true);
});

test("it is empty until something fails, and again a window later", () => {
  const guard = newPoisonGuard(options);
  expect(isEmpty(guard, 0)).toBe(true);
  fails(guard, "GET /x", "one", "a", 5);
  expect([isEmpty(guard, 6), isEmpty(guard, 1004), isEmpty(guard, 1005), guard.suspects.size]).toEqual([
    false,
    false,
    true,
    0,
  ]);
});

test("keys and endpoints are bounded; the one that failed last stays", () => {
  const guard = newPoisonGuard(options);
  for (let count = 0; count < 100; count++) fails(guard, `GET /${count}`, "one", `endpoint-${count}`);
  expect(guard.suspects.size).toBe(8);
  expect([...guard.suspects.keys()].slice(-2)).toEqual(["GET /99", "one"]);
  expect(guard.suspects.get("one")!.failedAtMs.size).toBe(16);
});

/** How requests of one story come out. */
interface Story {
  readonly endpoints: number;
  readonly tries: number;
  readonly isBad: (request: { path: number; client: number }, endpoint: number) => boolean;
}

interface Tally {
  /** Failures that were put down to each endpoint. */
  readonly ejecting: Map<number, number>;
  readonly requests: Map<string, number>;
  readonly news: number;
  readonly failures: number;
}

/** Plays requests with failover in the order given, all within one window. */
function play(story: Story, requests: readonly { path: number; client: number; order: number; atMs: number }[]): Tally {
  const guard = newPoisonGuard();
  const ejecting = new Map<number, number>();
  const blamedRequests = new Map<string, number>();
  let news = 0;
  let failures = 0;
  for (const request of [...requests].sort((left, right) => left.atMs - right.atMs)) {
    const keys = { request: `GET /${request.path}`, client: `client-${request.client}` };
    for (let count = 0; count < story.tries; count++) {
      const endpoint = (request.order + count) % story.endpoints;
      if (!story.isBad(request, endpoint)) {
        if (!isEmpty(guard, request.atMs)) noteSuccess(guard, keys.request, keys.client, request.atMs);
        break;
      }
      failures += 1;
      const verdict = blame(guard, keys, `endpoint-${endpoint}`, story.endpoints, request.atMs);
      if (verdict.blamed === "endpoint") {
        ejecting.set(endpoint, (ejecting.get(endpoint) ?? 0) + 1);
      } else {
        blamedRequests.set(verdict.key, (blamedRequests.get(verdict.key) ?? 0) + 1);
        if (verdict.isNew) news += 1;
      }
    }
  }
  return { ejecting, requests: blamedRequests, news, failures };
}

function traffic(paths: number, clients: number) {
  return fc.array(
    fc.record({
      path: fc.nat(paths - 1),
      client: fc.nat(clients - 1),
      order: fc.nat(999),
      atMs: fc.nat(20_000),
    }),
    { minLength: 300, maxLength: 600 },
  );
}

const total = (tally: ReadonlyMap<unknown, number>): number =>
  [...tally.values()].reduce((sum, count) => sum + count, 0);

describe("stories, in any order of requests", () => {
  const runs = { numRuns: 40 };

  test("one bad endpoint of two, with failover: it alone is blamed, for every failure", () => {
    const story: Story = { endpoints: 2, tries: 2, isBad: (_, endpoint) => endpoint === 0 };
    fc.assert(
      fc.property(traffic(10, 5), (requests) => {
        const { ejecting, failures } = play(story, requests);
        expect(failures).toBeGreaterThan(50);
        expect([...ejecting]).toEqual([[0, failures]]);
      }),
      runs,
    );
  });

  test("two bad endpoints of ten: they are blamed, but for a few failures of keys that are new", () => {
    const story: Story = { endpoints: 10, tries: 3, isBad: (_, endpoint) => endpoint < 2 };
    fc.assert(
      fc.property(traffic(10, 5), (requests) => {
        const { ejecting, failures, ...rest } = play(story, requests);
        expect([...ejecting.keys()].every((endpoint) => endpoint < 2)).toBe(true);
        // A key is misjudged until its first success: with failover once for each path and client at most.
        expect(total(rest.requests)).toBeLessThanOrEqual(10 + 5);
        expect(total(ejecting)).toBe(failures - total(rest.requests));
      }),
      runs,
    );
  });

  test("everything fails everywhere: hardly a failure counts against an endpoint", () => {
    const story: Story = { endpoints: 4, tries: 2, isBad: () => true };
    fc.assert(
      fc.property(traffic(20, 6), (requests) => {
        const { ejecting, failures } = play(story, requests);
        expect(failures).toBeGreaterThan(500);
        // With failover a client is known after its first request.
        expect(total(ejecting)).toBeLessThanOrEqual(6);
      }),
      runs,
    );
  });

  test("a poison path amid good traffic: it alone is blamed, each time but the first; one finding", () => {
    const story: Story = { endpoints: 4, tries: 2, isBad: ({ path }) => path === 7 };
    fc.assert(
      fc.property(traffic(10, 5), (requests) => {
        const { ejecting, failures, news, ...rest } = play(story, requests);
        fc.pre(failures > 0);
        expect(total(ejecting)).toBeLessThanOrEqual(1);
        expect(total(rest.requests)).toBe(failures - total(ejecting));
        // A client that had asked for nothing else yet may be found in its place, never a path that works.
        for (const key of rest.requests.keys()) expect(key).toMatch(/^GET \/7$|^client-/);
        expect(news).toBeGreaterThanOrEqual(1);
      }),
      runs,
    );
  });

  test("one address for all clients changes none of it", () => {
    const bad: Story = { endpoints: 3, tries: 2, isBad: (_, endpoint) => endpoint === 0 };
    const poison: Story = { endpoints: 3, tries: 2, isBad: ({ path }) => path === 7 };
    fc.assert(
      fc.property(traffic(10, 1), (requests) => {
        const one = play(bad, requests);
        expect([...one.ejecting]).toEqual([[0, one.failures]]);
        const other = play(poison, requests);
        expect(total(other.ejecting)).toBeLessThanOrEqual(1);
      }),
      runs,
    );
  });
});
