// What people do to endpoints, with the clock and the connections in the test's hand.
import { beforeEach, expect, test } from "vitest";
import { loadConfig } from "../config/load.ts";
import { type ActionResult, act, administer, type EndpointAction } from "./administer.ts";
import { seededRandom } from "./balance-two.ts";
import { DISABLED, DOWN, DRAINING, EJECTED, GONE } from "./endpoint.ts";
import { death, pass, refusal, Scene, stopTheClock } from "./group.fixture.ts";
import { UpstreamGroup } from "./group.ts";

beforeEach(() => stopTheClock());

const THREE = '{ endpoints: ["a:1", "b:1", "c:1"] }';

/** "drain a", "weight a 5". */
function tell(scene: Scene, what: string): Promise<ActionResult> {
  const [verb, letter, weight] = what.split(" ");
  const action = { do: verb, upstream: "app", endpoint: `${letter}:1`, weight: Number(weight) } as EndpointAction;
  return administer(scene.group, action);
}

test("what is drained gets no new requests, and says what is in flight and what is left", async () => {
  const scene = new Scene(THREE);
  scene.endpoint(0).active = 2;
  expect(await tell(scene, "drain a")).toEqual({
    ok: true,
    said: "a:1 is drained: it gets no new requests; 2 in flight will end.",
  });
  expect(scene.picks(20)).toEqual({ b: 10, c: 10 });
  expect((await tell(scene, "drain b")).said).toContain("c:1 alone takes the requests now.");
  const last = await tell(scene, "drain c");
  expect(last).toMatchObject({ ok: true, said: expect.stringContaining("That was the last usable endpoint of app") });
  expect(scene.pick()).toBe("no-healthy-upstream");
  expect(scene.told("outage-begun")[0]!.detail).toContain("a:1 was drained by hand");
  await tell(scene, "enable b");
  expect(scene.picks(5)).toEqual({ b: 5 });
  expect(scene.told("outage-ended")).toHaveLength(1);
});

test("an upstream that worked holds its requests while all of it is drained", async () => {
  const scene = new Scene('{ endpoints: ["a:1"], hold: { for: 5s } }');
  scene.attempt(0, 200);
  expect((await tell(scene, "drain a")).said).toMatch(/requests wait for up to 5 s, then fail until one is enabled/);
  expect(scene.group.mayHold()).toBe(true);
  await tell(scene, "enable a");
  expect(scene.pick()).toBe("a");
});

test("orders outlive a reload as long as the label stays, and go with it", async () => {
  const scene = new Scene(THREE);
  await tell(scene, "disable a");
  await tell(scene, "weight b 4");
  scene.reload(THREE);
  expect(scene.endpoint(0).standing.out).toBe(DISABLED);
  expect(scene.picks(50)).toEqual({ b: 40, c: 10 });
  scene.reload('{ endpoints: ["b:1", "c:1"] }');
  scene.reload(THREE);
  expect(scene.endpoint(0).standing.out).toBe(0);
  expect(scene.endpoint(1).weight).toBe(4);
  // An exchange of an old generation asks for the newest.
  const old = scene.reload(THREE);
  await administer(old, { do: "drain", upstream: "app", endpoint: "c:1" });
  expect(scene.endpoint(2).standing.out).toBe(DRAINING);
});

test("a weight changes shares; 0 takes it out, and nonsense changes nothing", async () => {
  const scene = new Scene(THREE);
  expect((await tell(scene, "weight a 8")).said).toBe("a:1 has the weight 8 (it was 1): 80 % of app.");
  expect(scene.picks(100)).toEqual({ a: 80, b: 10, c: 10 });
  await tell(scene, "weight a 0");
  expect(scene.picks(10)).toEqual({ b: 5, c: 5 });
  expect(scene.group.whyOut()).toContain("a:1 was given the weight 0 by hand");
  for (const wrong of ["-1", "1001", "1.5", "x"]) expect((await tell(scene, `weight a ${wrong}`)).ok).toBe(false);
  expect((await tell(scene, "weight a 1")).ok).toBe(true);
  expect(scene.picks(30)).toEqual({ a: 10, b: 10, c: 10 });
  await tell(scene, "drain a");
  expect((await tell(scene, "weight a 5")).said).toContain("It stays drained.");
  expect(scene.picks(10)).toEqual({ b: 5, c: 5 });
});

test("enable forgets an ejection; where nothing listens it connects at once, and does not try a visitor's request", async () => {
  const scene = new Scene('{ endpoints: ["a:1", "b:1"], eject: { failures: 2, for: 60s }, retry: { attempts: 1 } }');
  for (const client of ["192.0.2.1", "192.0.2.2", "192.0.2.3"]) scene.attempt(0, death(), `GET /${client}`, client);
  expect(scene.endpoint(0).standing.out & EJECTED).toBe(EJECTED);
  expect((await tell(scene, "enable a")).ok).toBe(true);
  expect(scene.endpoint(0).standing.out).toBe(0);
  expect(scene.told("returned")).toHaveLength(1);

  scene.dials.broken.set("a:1", refusal());
  scene.attempt(0, refusal());
  scene.group.watch.refused(scene.endpoint(0), refusal());
  await pass(5000);
  expect(scene.endpoint(0).standing.out & GONE).toBe(GONE);
  scene.dials.broken.clear();
  const dials = scene.dials.all.length;
  expect((await tell(scene, "enable a")).said).toContain("nothing listened there");
  await pass(40);
  expect(scene.dials.all.length).toBeGreaterThan(dials);
  expect(scene.endpoint(0).standing.out).toBe(0);
});

test("what is disabled is not asked how it is, and begins anew when it is enabled", async () => {
  const scene = new Scene('{ endpoints: ["a:1", "b:1"], health: { tcp: true, interval: 1s, fall: 1, rise: 1 } }');
  await pass(200);
  scene.dials.broken.set("a:1", death());
  await pass(3000);
  expect(scene.endpoint(0).standing.out & DOWN).toBe(DOWN);
  await tell(scene, "disable a");
  const asked = (): number => scene.dials.all.filter((label) => label === "a:1").length;
  const before = asked();
  await pass(5000);
  expect(asked()).toBe(before);
  scene.reload('{ endpoints: ["a:1", "b:1"], health: { tcp: true, interval: 1s, fall: 1, rise: 1 } }');
  await pass(5000);
  expect(asked()).toBe(before);
  scene.dials.broken.clear();
  await tell(scene, "enable a");
  expect(scene.pick([scene.endpoint(1)])).toBe("a");
  await pass(100);
  expect(asked()).toBeGreaterThan(before);
  scene.group.close();
});

test("check now says what it found: by the check, or by a connect", async () => {
  const plain = new Scene(THREE);
  const looking = tell(plain, "check a");
  await pass(40);
  expect(await looking).toMatchObject({
    ok: true,
    said: expect.stringMatching(/^a:1 accepts connections, after \d+ ms\.$/),
  });
  plain.dials.broken.set("b:1", refusal());
  const refused = tell(plain, "check b");
  await pass(40);
  expect(await refused).toMatchObject({ ok: false, said: expect.stringMatching(/^b:1 cannot be connected to: /) });
  expect(plain.endpoint(1).standing.out & GONE).toBe(GONE);

  const checked = new Scene('{ endpoints: ["a:1"], health: { tcp: true, interval: 1h } }');
  await pass(200);
  const dials = checked.dials.all.length;
  const now = tell(checked, "check a");
  await pass(60);
  expect((await now).ok).toBe(true);
  expect(checked.dials.all.length).toBe(dials + 1);
  const ended = tell(checked, "check a");
  checked.group.watch.stop();
  expect(await ended).toMatchObject({ ok: false, said: expect.stringContaining("Ask again") });
});

test("a session goes on at an endpoint that drains, not at one that is disabled", async () => {
  const scene = new Scene('{ endpoints: ["a:1", "b:1"], balance: { cookie: at } }');
  const { cookieValue } = scene.endpoint(0);
  const bound = (): unknown => scene.group.pick([], cookieValue);
  await tell(scene, "drain a");
  expect(bound()).toBe(scene.endpoint(0));
  expect(scene.picks(10)).toEqual({ b: 10 });
  await tell(scene, "disable a");
  expect(bound()).toBe(scene.endpoint(1));
});

test("what is not there is named, with what there is", async () => {
  const scene = new Scene(THREE);
  const groups = new Map([["app", scene.group]]);
  const asked = (upstream: string, endpoint: string) => act(groups, { do: "drain", upstream, endpoint });
  expect((await asked("ap", "a:1")).said).toBe('There is no upstream "ap": did you mean app?');
  expect((await asked("shop", "a:1")).said).toBe('There is no upstream "shop": there are app.');
  expect((await asked("app", "10.0.0.9:80")).said).toMatch(/no endpoint "10.0.0.9:80": there are a:1, b:1, c:1\.$/);
  const odd = { do: "explode", upstream: "app", endpoint: "a:1" } as unknown as EndpointAction;
  expect(await administer(scene.group, odd)).toMatchObject({ ok: false, said: expect.stringContaining("explode") });
});

const NGINX = ["round-robin", "least-connections", "random-two", "{ random: two }", "{ random: one }"];

test.each(NGINX)("servers under nginx's rules (%s) follow, too; sessions go on while one drains", async (balance) => {
  const { config } = loadConfig('upstreams: { app: { endpoints: ["a:1", "b:1", "c:1"] } }', "goodgate.yaml", {});
  const upstream = config!.upstreams.get("app")!;
  const random = balance.startsWith("{");
  const group = new UpstreamGroup(
    {
      ...upstream,
      balance: (random ? { random: balance.includes("two") ? "two" : "one" } : balance) as never,
      endpoints: upstream.endpoints.map((endpoint) => ({ ...endpoint, maxFails: 1 })),
    },
    { random: seededRandom(5), clock: () => 50_000 },
  );
  expect(group.peers).not.toBeNull();
  const picks = (): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (let n = 0; n < 1000; n++) {
      const picked = group.pick([]);
      const label = typeof picked === "string" ? picked : picked.label;
      counts[label] = (counts[label] ?? 0) + 1;
    }
    return counts;
  };
  const order = (what: object) => administer(group, { upstream: "app", endpoint: "a:1", ...what } as EndpointAction);
  const [a] = group.endpoints;
  const route = group.peers!.routeOf(a!);
  for (const out of [{ do: "drain" }, { do: "weight", weight: 0 }]) {
    await order(out);
    expect(Object.keys(picks()).sort()).toEqual(["b:1", "c:1"]);
    expect(group.pick([], "", route)).toBe(a);
    await order({ do: "enable" });
    expect(Object.keys(picks()).sort()).toEqual(["a:1", "b:1", "c:1"]);
  }
  await order({ do: "disable" });
  expect(group.pick([], "", route)).not.toBe(a);
  expect(group.whyOutOf(a!)).toBe("was disabled by hand");
  await order({ do: "enable" });
  await order({ do: "weight", weight: 8 });
  if (balance !== "random-two" && balance !== "{ random: two }") expect(picks()["a:1"]).toBeGreaterThan(750);
  group.peers!.ended(a!, { kind: "error" }, false);
  expect(group.whyOutOf(a!)).toContain("is left alone");
  await order({ do: "enable" });
  expect(group.whyOutOf(a!)).toBe("");
});
