// What attempts come to, and what follows for their endpoint and their upstream: ejection, return, the guard against
// requests that kill what serves them, and the breaker of the upstream.
import { beforeEach, expect, test } from "vitest";
import { failureOf } from "../failure/classify.ts";
import { EJECTED } from "./endpoint.ts";
import { death, pass, refusal, Scene, silence, stopTheClock } from "./group.fixture.ts";

beforeEach(stopTheClock);

const THREE = '{ endpoints: ["a:1", "b:1", "c:1"] }';

const ejected = (scene: Scene): boolean[] =>
  scene.group.endpoints.map(({ standing }) => (standing.out & EJECTED) !== 0);

/** Requests that differ: nothing follows them. */
function fail(scene: Scene, index: number, times: number, outcome = 500): void {
  for (let n = 0; n < times; n++) scene.attempt(index, outcome, `GET /${index}/${n}`, `192.0.2.${index}`);
}

test("three failures in a row eject an endpoint: answers of its statuses, and connections that die", () => {
  for (const outcome of [500, 503, death()]) {
    const scene = new Scene(THREE);
    for (let n = 0; n < 6; n++) scene.attempt(0, 200);
    for (let n = 0; n < 2; n++) scene.attempt(0, outcome);
    scene.attempt(0, 200);
    for (let n = 0; n < 2; n++) scene.attempt(0, outcome);
    expect(ejected(scene)).toEqual([false, false, false]);
    scene.attempt(0, outcome);
    expect(ejected(scene)).toEqual([true, false, false]);
    const isStatus = typeof outcome === "number";
    expect(scene.told("ejected")).toMatchObject([
      {
        endpoint: "a:1",
        forMs: 10_000,
        cause: isStatus ? null : "closed-before-response",
        detail: isStatus ? `answers ${outcome}` : "closed-before-response",
      },
    ]);
    expect(scene.picks(10)).toEqual({ b: 5, c: 5 });
  }
});

test("half of the requests of the window, and at least three, eject too; less does not", () => {
  const scene = new Scene(THREE);
  for (let n = 0; n < 30; n++) scene.attempt(0, n % 3 === 0 ? 500 : 200);
  expect(ejected(scene)[0]).toBe(false);
  for (let n = 0; n < 30; n++) scene.attempt(1, n % 2 === 0 ? 500 : 200);
  expect(ejected(scene)[1]).toBe(true);
});

test("what is the client's or the gateway's own doing, and other statuses, count against nobody", () => {
  const scene = new Scene(THREE);
  for (let n = 0; n < 10; n++) {
    scene.attempt(0, 404);
    scene.attempt(0, 501);
    scene.attempt(0, failureOf("client-closed-request", {}));
    scene.attempt(0, failureOf("gateway-resource-exhausted", {}));
    scene.group.judge.abandoned(scene.begin(0));
  }
  expect(ejected(scene)[0]).toBe(false);
  const chosen = new Scene('{ endpoints: ["a:1", "b:1"], eject: { status: [429] } }');
  fail(chosen, 0, 5, 500);
  fail(chosen, 1, 3, 429);
  expect(ejected(chosen)).toEqual([false, true]);
});

test("a body that is cut behind a good head counts as a failure", () => {
  const scene = new Scene(THREE);
  for (let n = 0; n < 3; n++) {
    const judged = scene.begin(0);
    scene.group.judge.answered(judged, 200);
    scene.group.judge.failed(judged, failureOf("response-truncated", { bytesSent: 10 }));
  }
  expect(ejected(scene)[0]).toBe(true);
});

test("after its time one probe goes there; where it is well the share grows back, and it has returned", async () => {
  const scene = new Scene(THREE);
  fail(scene, 0, 3);
  await pass(9_900);
  expect(scene.picks(10)["a"]).toBeUndefined();
  await pass(200);
  expect(scene.picks(9)["a"]).toBe(3);
  const probe = scene.begin(0);
  expect(scene.picks(30)["a"]).toBeUndefined();
  scene.group.judge.answered(probe, 200);
  const early = scene.picks(300)["a"]!;
  expect(early).toBeGreaterThan(0);
  expect(early).toBeLessThan(40);
  await pass(5_100);
  expect(scene.picks(300)["a"]).toBe(100);
  expect(scene.told("returned")).toEqual([]);
  scene.attempt(0, 200);
  expect(scene.told("returned")).toMatchObject([{ endpoint: "a:1" }]);
  expect([ejected(scene)[0], scene.told("ejected").length]).toEqual([false, 1]);
});

test("a probe that says nothing gives its place to another", async () => {
  const scene = new Scene(THREE);
  fail(scene, 0, 3);
  await pass(10_100);
  const probe = scene.begin(0);
  expect(scene.picks(3)["a"]).toBeUndefined();
  scene.group.judge.abandoned(probe);
  expect(scene.picks(3)["a"]).toBe(1);
});

test("each return that fails doubles the time, up to its bound", async () => {
  const scene = new Scene('{ endpoints: ["a:1", "b:1", "c:1"], eject: { for: 1s, for-max: 3s } }');
  fail(scene, 0, 3);
  for (const forMs of [1000, 2000, 3000, 3000]) {
    expect(scene.told("ejected").at(-1)).toMatchObject({ forMs });
    await pass(forMs - 40);
    expect(scene.pick([scene.endpoint(1), scene.endpoint(2)])).toBe("a");
    expect(scene.picks(3)["a"]).toBeUndefined();
    await pass(80);
    expect(scene.picks(3)["a"]).toBe(1);
    fail(scene, 0, 1);
  }
  expect(scene.told("ejected")).toHaveLength(5);
});

test("an endpoint that is ejected and serves in need is not told of again and again", async () => {
  const scene = new Scene('{ endpoints: ["a:1", "b:1"] }');
  fail(scene, 0, 3);
  scene.dials.broken.set("b:1", refusal());
  scene.group.watch.refused(scene.endpoint(1), refusal());
  for (let n = 0; n < 10; n++) {
    expect(scene.pick()).toBe("a");
    scene.attempt(0, 200);
  }
  expect(scene.told("ejected")).toHaveLength(1);
});

test("no more than the share is out at once, and never the last that can be used", () => {
  const scene = new Scene('{ endpoints: ["a:1", "b:1", "c:1", "d:1"] }');
  for (const index of [0, 1, 2, 3]) fail(scene, index, 6);
  expect(ejected(scene)).toEqual([true, true, false, false]);
  const all = new Scene('{ endpoints: ["a:1", "b:1", "c:1"], eject: { max: 100% } }');
  for (const index of [0, 1, 2]) fail(all, index, 6);
  expect(ejected(all)).toEqual([true, true, false]);
  const pair = new Scene('{ endpoints: ["a:1", "b:1"], eject: { max: 10% } }');
  pair.group.watch.refused(pair.endpoint(1), refusal());
  fail(pair, 0, 6);
  expect(ejected(pair)).toEqual([false, false]);
  const one = new Scene("a:1");
  fail(one, 0, 20);
  expect([ejected(one), one.pick()]).toEqual([[false], "a"]);
});

test("failures were only counted while it was needed: the next one ejects it once another is back", async () => {
  const scene = new Scene('{ endpoints: ["a:1", "b:1"] }');
  scene.group.watch.refused(scene.endpoint(1), refusal());
  fail(scene, 0, 6);
  await pass(200);
  expect(scene.told("endpoint-back")).toHaveLength(1);
  expect(ejected(scene)[0]).toBe(false);
  fail(scene, 0, 1);
  expect(ejected(scene)[0]).toBe(true);
});

test("poison: what kills one endpoint after the other is the request; it is told once, and ejects nobody", () => {
  const scene = new Scene(THREE);
  for (let n = 0; n < 12; n++) {
    scene.attempt(n % 3, death(), "POST /poison", "192.0.2.9");
    for (const index of [0, 1, 2]) scene.attempt(index, 200, "GET /", "192.0.2.1");
  }
  expect(ejected(scene)).toEqual([false, false, false]);
  expect(scene.told("poison-request")).toMatchObject([{ request: "POST /poison", upstream: "app" }]);
});

test("poison without other traffic: nobody is ejected either", () => {
  const scene = new Scene(THREE);
  for (let n = 0; n < 12; n++) scene.attempt(n % 3, 500, "GET /report");
  expect(ejected(scene)).toEqual([false, false, false]);
  expect(scene.told("poison-request")).toHaveLength(1);
});

test("an endpoint that is bad for all is ejected although the same requests failed at another, where they succeed", () => {
  const scene = new Scene(THREE);
  for (let n = 0; n < 6; n++) {
    scene.attempt(0, death(), "GET /");
    scene.attempt(1, n === 0 ? death() : 200, "GET /");
    scene.attempt(2, 200, "GET /");
  }
  expect(ejected(scene)).toEqual([true, false, false]);
});

test("a request that was never sent is no poison: endpoints that refuse are", () => {
  const scene = new Scene('{ endpoints: ["a:1", "b:1", "c:1", "d:1"] }');
  for (let n = 0; n < 3; n++) {
    scene.attempt(0, silence(), "GET /");
    scene.attempt(1, silence(), "GET /");
  }
  expect(ejected(scene)).toEqual([true, true, false, false]);
  expect(scene.told("poison-request")).toEqual([]);
});

test("the breaker opens after five attempts in a row that reach nobody, and lets two probes through", async () => {
  const scene = new Scene('{ endpoints: ["a:1"] }');
  for (let n = 0; n < 4; n++) scene.attempt(0, silence());
  expect(scene.pick()).toBe("a");
  scene.attempt(0, silence());
  expect(scene.told("breaker-opened")).toMatchObject([{ forMs: 2000, cause: "connect-timeout" }]);
  expect([scene.pick(), scene.group.judge.closed]).toEqual(["breaker-open", false]);
  expect(scene.group.judge.openForMs(scene.group.clock())).toBe(2000);
  await pass(2000);
  const probes = [scene.begin(0), scene.begin(0)];
  expect(scene.pick()).toBe("breaker-open");
  for (const probe of probes) scene.group.judge.connected(probe);
  await pass(5100);
  expect(scene.pick()).toBe("a");
  scene.attempt(0, 200);
  expect([scene.told("breaker-closed").length, scene.group.judge.closed]).toEqual([1, true]);
});

test("a probe of the breaker that fails opens it for twice as long", async () => {
  const scene = new Scene('{ endpoints: ["a:1"] }');
  for (let n = 0; n < 5; n++) scene.attempt(0, silence());
  await pass(2000);
  scene.attempt(0, silence());
  expect(scene.told("breaker-opened").map(({ forMs }) => forMs)).toEqual([2000, 4000]);
});

test("refused connections, answers and dying connections do not open the breaker; with `on: any` they do", () => {
  const scene = new Scene('{ endpoints: ["a:1"] }');
  for (let n = 0; n < 20; n++) {
    scene.attempt(0, refusal());
    scene.attempt(0, death());
  }
  expect(scene.group.judge.closed).toBe(true);
  const any = new Scene('{ endpoints: ["a:1"], breaker: { on: any } }');
  for (let n = 0; n < 5; n++) any.attempt(0, death());
  expect(any.group.judge.closed).toBe(false);
  const off = new Scene('{ endpoints: ["a:1"], breaker: off }');
  for (let n = 0; n < 20; n++) off.attempt(0, silence());
  expect(off.pick()).toBe("a");
});

test("a reload keeps what the judge knows, and attempts of the generation before are judged to their end", async () => {
  const scene = new Scene(THREE);
  fail(scene, 0, 2);
  const running = scene.begin(0, "GET /last");
  const before = scene.reload(THREE);
  before.judge.answered(running, 500);
  expect(ejected(scene)).toEqual([true, false, false]);
  expect(scene.picks(6)["a"]).toBeUndefined();
  scene.reload('{ endpoints: ["a:1", "b:1", "c:1"], eject: off }');
  expect(scene.picks(6)["a"]).toBe(2);
});
