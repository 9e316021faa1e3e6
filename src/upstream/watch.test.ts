// How a group learns that an endpoint is gone, down or back: by live traffic, by looking, by checks; and that a reload
// changes nothing in that.
import { beforeEach, expect, test } from "vitest";
import { failureOf } from "../failure/classify.ts";
import { DOWN, GONE, WARMING } from "./endpoint.ts";
import { pass, refusal, Scene, silence, stopTheClock } from "./group.fixture.ts";

beforeEach(stopTheClock);

const PAIR = '{ endpoints: ["a:1", "b:1"] }';
const CHECKED =
  '{ endpoints: ["a:1", "b:1"], health: { tcp: true, interval: 1s, fast-interval: 200ms, rise: 2, fall: 3 } }';

function refuse(scene: Scene, index: number): void {
  scene.dials.broken.set(scene.endpoint(index).label, refusal());
  scene.group.watch.refused(scene.endpoint(index), refusal());
}

test("a refused connection is told once; the endpoint is looked for until it accepts", async () => {
  const scene = new Scene(PAIR);
  await pass(2000);
  expect(scene.dials.all).toEqual([]);
  refuse(scene, 0);
  refuse(scene, 0);
  expect(scene.told("endpoint-gone")).toMatchObject([
    { endpoint: "a:1", cause: "connect-refused", detail: "ECONNREFUSED" },
  ]);
  await pass(10_000);
  const looks = scene.dials.all.length;
  expect(looks).toBeGreaterThan(8);
  expect(looks).toBeLessThan(40);
  expect(scene.endpoint(0).standing.out).toBe(GONE);
  scene.dials.broken.clear();
  await pass(1300);
  expect(scene.endpoint(0).standing.out).toBe(0);
  expect(scene.told("endpoint-back")).toHaveLength(1);
  expect(scene.told("endpoint-back")[0]!.awayMs).toBeGreaterThanOrEqual(10_000);
  const after = scene.dials.all.length;
  await pass(3000);
  expect(scene.dials.all.length).toBe(after);
});

test("an endpoint that is back after a moment is found within a tenth of a second", async () => {
  const scene = new Scene(PAIR);
  scene.group.watch.refused(scene.endpoint(0), refusal());
  await pass(100);
  expect(scene.told("endpoint-back")).toHaveLength(1);
});

test("a request that gets a connection finds it before the next look", async () => {
  const scene = new Scene('{ endpoints: ["a:1", "b:1"], slow-start: 5s }');
  refuse(scene, 0);
  await pass(3000);
  scene.group.watch.connected(scene.endpoint(0));
  expect(scene.endpoint(0).standing.out).toBe(WARMING);
  scene.group.watch.connected(scene.endpoint(0));
  expect(scene.told("endpoint-back")).toHaveLength(1);
  const looks = scene.dials.all.length;
  await pass(3000);
  expect(scene.dials.all.length).toBe(looks);
});

test("whether it is gone: several who ask share one connection; a slow endpoint is not gone", async () => {
  const scene = new Scene(PAIR);
  const answers: boolean[] = [];
  const ask = (index: number): void => scene.group.watch.ask(scene.endpoint(index), (gone) => answers.push(gone));
  ask(0);
  ask(0);
  await pass(20);
  expect([answers, scene.dials.all]).toEqual([[false, false], ["a:1"]]);
  scene.dials.broken.set("a:1", silence());
  ask(0);
  await pass(20);
  scene.dials.broken.set("a:1", refusal());
  ask(0);
  await pass(20);
  expect([answers, scene.told("endpoint-gone").length]).toEqual([[false, false, false, true], 1]);
  const before = scene.dials.all.length;
  ask(0);
  expect([answers.length, scene.dials.all.length]).toEqual([5, before]);
});

test("checks: down after `fall` bad ones, up after `rise` good ones, and no flapping between", async () => {
  const scene = new Scene(CHECKED);
  await pass(1000);
  expect([scene.told("health-down"), scene.endpoint(0).standing.worked]).toEqual([[], true]);
  scene.dials.broken.set("a:1", silence());
  await pass(3500);
  expect(scene.told("health-down")).toMatchObject([{ endpoint: "a:1", cause: "connect-timeout" }]);
  expect(scene.picks(4)).toEqual({ b: 4 });
  scene.dials.broken.clear();
  await pass(3500);
  expect(scene.told("health-up")).toMatchObject([{ endpoint: "a:1" }]);
  expect(scene.told("health-up")[0]!.downMs).toBeGreaterThan(0);
  expect(scene.picks(4)).toEqual({ a: 2, b: 2 });
});

test("checks that fail now and then take nothing out", async () => {
  const scene = new Scene(CHECKED);
  await pass(1000);
  for (let round = 0; round < 8; round++) {
    scene.dials.broken.set("a:1", silence());
    const looks = scene.dials.all.filter((label) => label === "a:1").length;
    while (scene.dials.all.filter((label) => label === "a:1").length < looks + 2) await pass(20);
    await pass(20);
    scene.dials.broken.clear();
    await pass(700);
  }
  expect(scene.told("health-down")).toEqual([]);
});

test("checks and traffic tell one story: what is refused is down at once, and up again by the checks", async () => {
  const scene = new Scene(CHECKED);
  await pass(1000);
  refuse(scene, 0);
  expect(scene.endpoint(0).standing.out).toBe(GONE | DOWN);
  expect(scene.told("health-down")).toMatchObject([{ cause: "connect-refused" }]);
  scene.dials.broken.clear();
  await pass(4000);
  expect(scene.endpoint(0).standing.out).toBe(0);
  expect(scene.events.map(({ kind }) => kind)).toEqual(["endpoint-gone", "health-down", "endpoint-back", "health-up"]);
});

test("a check that is refused says that the endpoint is gone, before any request has to", async () => {
  const scene = new Scene(CHECKED);
  await pass(1000);
  scene.dials.broken.set("a:1", refusal());
  await pass(1500);
  expect(scene.told("endpoint-gone")).toHaveLength(1);
  expect(scene.picks(4)).toEqual({ b: 4 });
});

test("all down by their checks: an outage, which ends with the first that is good again", async () => {
  const scene = new Scene(CHECKED);
  await pass(1000);
  scene.dials.broken.set("a:1", silence());
  scene.dials.broken.set("b:1", silence());
  await pass(4000);
  expect(scene.told("outage-begun")).toMatchObject([{ held: true }]);
  expect(scene.group.whyOut()).toContain("a:1 fails its health check: ");
  scene.dials.broken.delete("b:1");
  await pass(4000);
  expect(scene.told("outage-ended")).toHaveLength(1);
  expect(scene.picks(3)).toEqual({ b: 3 });
});

test("what the gateway itself could not do takes nothing out", async () => {
  const scene = new Scene(CHECKED);
  await pass(1000);
  scene.dials.broken.set("a:1", failureOf("gateway-resource-exhausted", {}));
  await pass(5000);
  expect(scene.events).toEqual([]);
});

test("a reload: what is gone is looked for by the new generation alone", async () => {
  const scene = new Scene(PAIR);
  refuse(scene, 0);
  await pass(500);
  const before = scene.reload(PAIR);
  await pass(300);
  scene.dials.broken.clear();
  await pass(1300);
  expect(scene.told("endpoint-back")).toHaveLength(1);
  expect(scene.picks(4)).toEqual({ a: 2, b: 2 });
  // Attempts of the generation before may be refused yet.
  scene.dials.broken.set("a:1", refusal());
  before.watch.refused(before.endpoints[0]!, refusal());
  expect(scene.picks(4)).toEqual({ b: 4 });
  scene.dials.broken.clear();
  await pass(300);
  expect(scene.picks(4)).toEqual({ a: 2, b: 2 });
});

test("a question that is answered after a reload still counts, and what it says is not forgotten", async () => {
  const scene = new Scene(PAIR);
  scene.dials.broken.set("a:1", refusal());
  const answers: boolean[] = [];
  scene.group.watch.ask(scene.endpoint(0), (gone) => answers.push(gone));
  scene.reload(PAIR);
  await pass(40);
  expect([answers, scene.endpoint(0).standing.out]).toEqual([[true], GONE]);
  scene.dials.broken.clear();
  await pass(500);
  expect(scene.endpoint(0).standing.out).toBe(0);
});

test("an endpoint that a reload has left out is not looked for any more", async () => {
  const scene = new Scene(PAIR);
  const before = scene.reload('{ endpoints: ["b:1"] }');
  before.watch.refused(before.endpoints[0]!, refusal());
  await pass(2000);
  expect([scene.dials.all, scene.events]).toEqual([[], []]);
});

test("checks that are turned off and on again begin anew", async () => {
  const scene = new Scene(CHECKED);
  await pass(1000);
  scene.dials.broken.set("a:1", silence());
  await pass(4000);
  expect(scene.picks(4)).toEqual({ b: 4 });
  scene.reload(PAIR);
  expect(scene.picks(4)).toEqual({ a: 2, b: 2 });
  scene.reload(CHECKED);
  await pass(4000);
  expect(scene.told("health-down")).toHaveLength(2);
  expect(scene.picks(4)).toEqual({ b: 4 });
});

test("stopped, it looks at nothing", async () => {
  const scene = new Scene(CHECKED);
  await pass(500);
  refuse(scene, 0);
  scene.group.close();
  const looks = scene.dials.all.length;
  await pass(5000);
  expect(scene.dials.all.length).toBe(looks);
});

test("an endpoint that reloads leave out and take in again: an attempt from before tells of the one in use", async () => {
  const scene = new Scene(PAIR);
  const before = scene.reload('{ endpoints: ["b:1"] }');
  scene.reload(PAIR);
  scene.dials.broken.set("a:1", refusal());
  before.watch.refused(before.endpoints[0]!, refusal());
  expect(scene.picks(4)).toEqual({ b: 4 });
  scene.dials.broken.clear();
  await pass(300);
  expect(scene.picks(4)).toEqual({ a: 2, b: 2 });
});

test("who asks for an endpoint that a reload has left out hears that it is gone", async () => {
  const scene = new Scene(PAIR);
  const before = scene.reload('{ endpoints: ["b:1"] }');
  scene.dials.broken.set("a:1", refusal());
  const answers: boolean[] = [];
  scene.group.watch.ask(before.endpoints[0]!, (gone) => answers.push(gone));
  await pass(40);
  expect(answers).toEqual([true]);
});
