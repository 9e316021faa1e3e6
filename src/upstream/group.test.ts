// Which endpoint a group picks, and what it says where there is none: tiers, what is overlooked in need, panic, slow
// start, outage and hold, and what a reload hands on.
import { beforeEach, expect, test } from "vitest";
import { DOWN, EJECTED, type Endpoint, GONE } from "./endpoint.ts";
import { death, pass, refusal, Scene, silence, stopTheClock } from "./group.fixture.ts";
import type { Waiter } from "./waiting-room.ts";

beforeEach(stopTheClock);

const THREE = '{ endpoints: ["a:1", "b:1", "c:1"] }';

function mark(scene: Scene, marks: readonly number[]): void {
  marks.forEach((out, index) => {
    scene.endpoint(index).standing.out = out;
  });
  scene.group.recount();
}

/** All endpoints have worked before: an outage is worth waiting for. */
function worked(scene: Scene): Scene {
  for (const { standing } of scene.group.endpoints) standing.worked = true;
  return scene;
}

test("those that can be used take turns; who was tried is not picked again", () => {
  const scene = new Scene(THREE);
  expect(scene.picks(9)).toEqual({ a: 3, b: 3, c: 3 });
  const [a, b, c] = scene.group.endpoints as [Endpoint, Endpoint, Endpoint];
  expect(scene.pick([a, b])).toBe("c");
  expect(scene.pick([a, b, c])).toBe("all-tried");
  const one = new Scene("a:1");
  expect([one.pick(), one.pick([one.endpoint(0)])]).toEqual(["a", "all-tried"]);
});

test("what has no endpoints, or none that is in use, says so", () => {
  expect(new Scene("{ endpoints: [] }").pick()).toBe("backend-absent");
  const down = new Scene('{ endpoints: [{ address: "a:1", down: true }] }');
  expect([down.pick(), down.group.usable]).toEqual(["no-healthy-upstream", false]);
});

test.each([
  ["nothing listens", GONE],
  ["checks say that it is down", DOWN],
])("out of use where %s; the others take its turns", (_why, out) => {
  const scene = new Scene(THREE);
  mark(scene, [out, 0, 0]);
  const { a, b, c } = scene.picks(30);
  expect(a).toBeUndefined();
  expect(b! + c!).toBe(30);
  mark(scene, [0, 0, 0]);
  expect(scene.picks(30)["a"]).toBe(10);
});

test("backups serve only while no primary endpoint can", () => {
  const scene = new Scene('{ endpoints: ["a:1", { address: "b:1", backup: true }] }');
  expect(scene.picks(5)).toEqual({ a: 5 });
  mark(scene, [GONE, 0]);
  expect(scene.picks(5)).toEqual({ b: 5 });
  expect(scene.group.outageSince).toBe(0);
});

test("limits: the others are used, then there is no room; a place that is left is found", () => {
  const scene = new Scene('{ endpoints: ["a:1", "b:1"], limits: { requests: 2 } }');
  scene.endpoint(0).active = 2;
  expect(scene.picks(4)).toEqual({ b: 4 });
  scene.endpoint(1).active = 2;
  expect(scene.pick()).toBe("pool-exhausted");
  scene.endpoint(0).active = 1;
  expect(scene.pick()).toBe("a");
  const one = new Scene('{ endpoints: ["a:1"], limits: { requests: 1 } }');
  one.endpoint(0).active = 1;
  expect(one.pick()).toBe("pool-exhausted");
});

test("an endpoint that is ejected is better than none, but not than a place in the queue", () => {
  const scene = new Scene('{ endpoints: ["a:1", "b:1"], limits: { requests: 1 } }');
  for (let n = 0; n < 3; n++) scene.attempt(0, 500);
  expect(scene.picks(6)).toEqual({ b: 6 });
  expect(scene.pick([scene.endpoint(1)])).toBe("a");
  scene.endpoint(1).active = 1;
  expect(scene.pick()).toBe("pool-exhausted");
  scene.endpoint(1).active = 0;
  mark(scene, [EJECTED, GONE]);
  expect(scene.pick()).toBe("a");
  const unqueued = new Scene('{ endpoints: ["a:1", "b:1"], limits: { requests: 1 }, queue: off }');
  for (let n = 0; n < 3; n++) unqueued.attempt(0, 500);
  unqueued.endpoint(1).active = 1;
  expect(unqueued.pick()).toBe("a");
});

test("panic: where less than the share is well, all that accept connections are used", () => {
  const scene = new Scene('{ endpoints: ["a:1", "b:1", "c:1", "d:1"], panic: 50% }');
  mark(scene, [DOWN, DOWN, 0, 0]);
  expect([scene.group.panicking, Object.keys(scene.picks(20)).sort()]).toEqual([false, ["c", "d"]]);
  mark(scene, [DOWN, DOWN, GONE, 0]);
  expect(scene.group.panicking).toBe(true);
  expect(Object.keys(scene.picks(20)).sort()).toEqual(["a", "b", "d"]);
  mark(scene, [DOWN, DOWN, DOWN, DOWN]);
  expect([scene.group.outageSince, Object.keys(scene.picks(20)).length]).toEqual([0, 4]);
  mark(scene, [GONE, GONE, GONE, GONE]);
  expect([scene.group.panicking, scene.group.outageSince > 0]).toEqual([false, true]);
  const calm = new Scene(THREE);
  mark(calm, [DOWN, DOWN, 0]);
  expect(calm.picks(6)).toEqual({ c: 6 });
});

test("slow start: the share of an endpoint that is back grows to its full one", async () => {
  const scene = new Scene('{ endpoints: ["a:1", "b:1"], slow-start: 10s }');
  scene.group.watch.refused(scene.endpoint(0), refusal());
  await pass(200);
  expect(scene.told("endpoint-back")).toHaveLength(1);
  const shares: number[] = [];
  for (let second = 0; second < 11; second += 2) {
    shares.push((scene.picks(400)["a"] ?? 0) / 400);
    await pass(2000);
  }
  expect(shares[0]).toBeLessThan(0.15);
  expect(shares[0]).toBeGreaterThan(0);
  for (let i = 1; i < shares.length; i++) expect(shares[i]).toBeGreaterThan(shares[i - 1]! - 0.05);
  expect(shares[3]).toBeGreaterThan(0.3);
  expect(shares.at(-1)).toBeCloseTo(0.5, 2);
  expect(scene.endpoint(0).standing.out).toBe(0);
});

test("slow start: being cold is no reason to fail; limits are smaller meanwhile", async () => {
  const scene = new Scene('{ endpoints: ["a:1"], slow-start: 10s, limits: { requests: 50 } }');
  scene.group.watch.refused(scene.endpoint(0), refusal());
  await pass(200);
  expect(scene.picks(20)).toEqual({ a: 20 });
  scene.endpoint(0).active = 8;
  expect(scene.pick()).toBe("pool-exhausted");
  await pass(3000);
  expect(scene.pick()).toBe("a");
});

test("an outage begins when the last has gone and ends with the first that is back", async () => {
  const scene = worked(new Scene(THREE));
  for (const label of ["a:1", "b:1", "c:1"]) scene.dials.broken.set(label, refusal());
  scene.group.watch.refused(scene.endpoint(0), refusal());
  scene.group.watch.refused(scene.endpoint(1), refusal());
  expect([scene.told("outage-begun"), scene.pick()]).toEqual([[], "c"]);
  scene.group.watch.refused(scene.endpoint(2), refusal());
  scene.group.watch.refused(scene.endpoint(2), refusal());
  expect(scene.told("outage-begun")).toMatchObject([{ held: true, detail: expect.stringContaining("ECONNREFUSED") }]);
  expect(scene.pick()).toBe("no-healthy-upstream");
  await pass(2000);
  scene.dials.broken.delete("b:1");
  await pass(1500);
  expect(scene.told("outage-ended")).toMatchObject([{ heldRequests: 0 }]);
  expect(scene.told("outage-ended")[0]!.lastedMs).toBeGreaterThanOrEqual(2000);
  expect(scene.picks(3)).toEqual({ b: 3 });
});

test("the end of an outage lets those go on who wait, at once; a reload does not end it", async () => {
  const scene = worked(new Scene("a:1"));
  scene.dials.broken.set("a:1", refusal());
  scene.group.watch.refused(scene.endpoint(0), refusal());
  let gone = 0;
  const waiter: Waiter = {
    waitingBytes: 0,
    mayProceed: () => scene.group.outageSince === 0,
    proceed: () => gone++,
    waitedInVain: () => undefined,
  };
  scene.group.room.enter(waiter, "hold", { requests: 10, bytes: 0 }, scene.group.clock() + 60_000);
  await pass(3000);
  scene.reload("a:1");
  await pass(1000);
  expect([gone, scene.told("outage-begun").length]).toEqual([0, 1]);
  scene.group.watch.connected(scene.endpoint(0));
  expect(gone).toBe(1);
  expect(scene.told("outage-ended")).toMatchObject([{ lastedMs: 4000, heldRequests: 1 }]);
});

test("what is away is not full, whatever is still under way there", () => {
  const scene = worked(new Scene('{ endpoints: ["a:1", "b:1"], limits: { requests: 1 } }'));
  scene.endpoint(0).active = 1;
  mark(scene, [GONE, GONE]);
  expect(scene.pick()).toBe("no-healthy-upstream");
});

test("hold: for what has worked, and not for longer than it may last; else the refused are tried anyway", async () => {
  const never = new Scene("a:1");
  never.group.watch.refused(never.endpoint(0), refusal());
  expect([never.group.mayHold(), never.pick()]).toEqual([false, "a"]);
  const scene = worked(new Scene("{ endpoints: [a:1], hold: { for: 3s } }"));
  scene.dials.broken.set("a:1", refusal());
  expect(scene.group.mayHold()).toBe(false);
  scene.group.watch.refused(scene.endpoint(0), refusal());
  expect([scene.group.mayHold(), scene.pick()]).toEqual([true, "no-healthy-upstream"]);
  await pass(3100);
  expect([scene.group.mayHold(), scene.pick()]).toEqual([false, "a"]);
  const off = worked(new Scene("{ endpoints: [a:1], hold: off }"));
  off.group.watch.refused(off.endpoint(0), refusal());
  expect([off.group.mayHold(), off.pick()]).toEqual([false, "a"]);
});

test("what is down by its checks is not tried in need: it would accept and fail", async () => {
  const scene = new Scene("{ endpoints: [a:1, b:1], hold: off }");
  mark(scene, [DOWN, DOWN]);
  expect(scene.pick()).toBe("no-healthy-upstream");
  expect(scene.group.whyOut()).toBe("a:1 fails its health check; b:1 fails its health check");
});

test("the breaker of the upstream refuses at once; it comes before every other reason but having no endpoints", async () => {
  const scene = new Scene("a:1");
  for (let n = 0; n < 5; n++) scene.attempt(0, silence());
  expect(scene.pick()).toBe("breaker-open");
  await pass(2100);
  expect(scene.pick()).toBe("a");
});

test("a breaker that lets only some through holds up nobody who waits: all go on, without anything else happening", async () => {
  const scene = worked(new Scene("{ endpoints: [a:1], breaker: { for: 1s, recovery: 2s } }"));
  for (let n = 0; n < 5; n++) scene.attempt(0, silence());
  scene.group.watch.refused(scene.endpoint(0), refusal());
  let gone = 0;
  const waiter: Waiter = {
    waitingBytes: 0,
    mayProceed: () => scene.group.outageSince === 0 && scene.pick() === "a",
    proceed: () => {
      gone++;
      scene.attempt(0, 200);
      scene.group.room.releasedEnded(true);
    },
    waitedInVain: () => undefined,
  };
  const until = scene.group.clock() + 60_000;
  for (let n = 0; n < 12; n++) scene.group.room.enter(waiter, "hold", { requests: 100, bytes: 0 }, until);
  await pass(500);
  expect([scene.told("outage-ended").length, gone]).toEqual([1, 0]);
  await pass(4000);
  expect([gone, scene.group.room.size]).toEqual([12, 0]);
});

test("a reload hands on what is known of endpoints and of the outage, and who waits", async () => {
  const scene = worked(new Scene(THREE));
  mark(scene, [GONE, EJECTED, GONE]);
  const before = scene.reload('{ endpoints: ["b:1", "a:1"] }');
  expect(scene.group.room).toBe(before.room);
  expect(scene.group.endpoints.map(({ standing }) => standing.out)).toEqual([EJECTED, GONE]);
  expect([scene.group.newest, before.newest]).toEqual([scene.group, scene.group]);
  // An attempt of the generation before speaks of the endpoint that is in use now.
  expect(scene.pick([before.endpoints[1]!])).not.toBe("b");
  mark(scene, [GONE, GONE]);
  expect(scene.group.outageSince).toBeGreaterThan(0);
  scene.reload('{ endpoints: ["d:1"] }');
  expect([scene.group.outageSince, scene.pick()]).toEqual([0, "d"]);
});

test("hold: an endpoint that a reload puts in the place of one that worked is waited for", () => {
  const scene = worked(new Scene("a:1"));
  scene.reload("b:1");
  scene.group.watch.refused(scene.endpoint(0), refusal());
  expect([scene.group.mayHold(), scene.pick()]).toEqual([true, "no-healthy-upstream"]);
});

test("the adaptive limit counts what waits for its answer: neither streams nor what has failed, over all generations", () => {
  const scene = new Scene("{ endpoints: [a:1], limits: { adaptive: true } }");
  const { limit } = scene.group.adaptive!;
  for (let n = 0; n < 2 * limit; n++) scene.group.judge.answered(scene.begin(0), 200);
  expect([scene.group.judge.awaiting, scene.group.overloaded]).toEqual([0, false]);
  const waiting = Array.from({ length: limit }, () => scene.begin(0));
  expect(scene.group.overloaded).toBe(true);
  const before = scene.reload("{ endpoints: [a:1], limits: { adaptive: true } }");
  expect(scene.group.overloaded).toBe(true);
  before.judge.failed(waiting[0]!, death());
  before.judge.abandoned(waiting[0]!);
  expect([scene.group.judge.awaiting, scene.group.overloaded]).toEqual([limit - 1, false]);
});

test("peak-ewma: an endpoint whose time out is over, or that is back, is tried, however slowly it failed", async () => {
  const scene = new Scene('{ endpoints: ["a:1", "b:1"], balance: peak-ewma, eject: { for: 1s } }');
  const { latency } = scene.endpoint(0);
  const fail = () => latency!.unanswered(30_000, scene.group.clock(), true);
  scene.endpoint(1).latency!.answered(1, scene.group.clock());
  for (let n = 0; n < 4; n++) scene.attempt(0, silence());
  fail();
  expect(scene.picks(40)).toEqual({ b: 40 });
  await pass(1100);
  expect(scene.picks(40)).toMatchObject({ a: expect.any(Number) });
  fail();
  scene.dials.broken.set("a:1", refusal());
  scene.group.watch.refused(scene.endpoint(0), refusal());
  scene.dials.broken.clear();
  await pass(300);
  expect(latency!.read(scene.group.clock())).toBe(-1);
});

test("a reload that turns health or eject off makes what they took out usable", () => {
  const scene = new Scene('{ endpoints: ["a:1", "b:1"], health: { tcp: true } }');
  mark(scene, [DOWN, EJECTED]);
  scene.reload('{ endpoints: ["a:1", "b:1"], eject: off }');
  expect(scene.group.endpoints.map(({ standing }) => standing.out)).toEqual([0, 0]);
});

test("a long list of endpoints is told by its first three", () => {
  const labels = Array.from({ length: 9 }, (_, n) => `"h${n}:1"`);
  const scene = new Scene(`{ endpoints: [${labels.join()}] }`);
  for (const endpoint of scene.group.endpoints) scene.group.watch.refused(endpoint, refusal());
  expect(scene.group.whyOut()).toBe(
    "h0:1 refused a connection (ECONNREFUSED); h1:1 refused a connection (ECONNREFUSED); " +
      "h2:1 refused a connection (ECONNREFUSED); and 6 more",
  );
});
