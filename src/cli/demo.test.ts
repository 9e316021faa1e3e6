// The demo: its buttons do what they say, visitors see it through the gateway, and actions on endpoints hold.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Shop } from "../lab/shop.ts";
import { Visitors } from "../lab/shop-visitors.ts";
import { demoConfig, demoYaml, openShops } from "./demo.ts";
import { Demo } from "./demo-shops.ts";
import { Served } from "./serve.ts";

let shops: Shop[];
let served: Served;
let visitors: Visitors;
let buttons: Demo;
let url: string;

beforeAll(async () => {
  shops = await openShops(0);
  const config = demoConfig(shops);
  const listeners = config.listeners.map((listener) => ({
    ...listener,
    address: { kind: "tcp" as const, host: "127.0.0.1", port: 0 },
  }));
  served = new Served({ ...config, listeners, console: null, log: { ...config.log, access: null } as never });
  const [port] = await served.start();
  url = `http://127.0.0.1:${port}`;
  visitors = new Visitors(() => ({ host: "127.0.0.1", port: port! }));
  buttons = new Demo(shops, visitors, () => url);
});
afterAll(async () => {
  visitors.close();
  served.close();
  await Promise.all(shops.map((shop) => shop.close()));
});

/** Who answers so many requests. */
async function answering(times = 12): Promise<string[]> {
  const names = new Set<string>();
  for (let n = 0; n < times; n++) {
    const cart = (await (await fetch(`${url}/api/cart`)).json()) as { shop: string };
    names.add(cart.shop);
  }
  return [...names].sort();
}

/** Below the ports that systems give out; where it is taken the next ones are tried. */
const FREE_PORT = 21_380;
const ALL = ["shop-1", "shop-2", "shop-3"];

test("its configuration has the shops' names, and a file says the same", () => {
  const config = demoConfig(shops);
  expect(config.upstreams.get("shop")!.endpoints.map(({ label }) => label)).toEqual(ALL);
  expect(config.observability.store?.target.kind).toBe("memory");
  expect(demoYaml(shops)).toContain(shops[1]!.address);
});

test("two demos do not take each other's ports, not even those of a shop that is down", async () => {
  const first = await openShops(FREE_PORT);
  const ports = first.map(({ port }) => port);
  first[1]!.breakWith("crash", Number.POSITIVE_INFINITY);
  const second = await openShops(FREE_PORT);
  for (const { port } of second) expect(ports).not.toContain(port);
  await first[1]!.lab.listen();
  await Promise.all([...first, ...second].map((shop) => shop.close()));
});

test("each button does what it says, and heal undoes it", async () => {
  expect(buttons.state()).toMatchObject({ visitors: 0, shopUrl: url, shops: [{ doing: "fine" }, {}, {}] });
  for (const [what, state] of [
    ["crash", "down"],
    ["slow", "slow"],
    ["freeze", "stall-head"],
    ["error", "app-500"],
    ["reset", "reset-after-request"],
    ["restart", "down"],
  ] as const) {
    const now = await buttons.do({ shop: "shop-1", do: what });
    expect(now.shops[0]).toMatchObject({ doing: what, state });
    const healed = await buttons.do({ shop: "shop-1", do: "heal" });
    expect(healed.shops[0]).toMatchObject({ doing: "fine", state: "fine" });
  }
  expect((await buttons.do({ shop: "all", do: "crash" })).shops.map(({ doing }) => doing)).toEqual(
    Array(3).fill("crash"),
  );
  await buttons.do({ shop: "all", do: "heal" });
});

test("nonsense is refused with what there is", async () => {
  await expect(buttons.do({ shop: "shop-9", do: "crash" })).rejects.toThrow("there are shop-1, shop-2, shop-3");
  await expect(buttons.do({ shop: "shop-1", do: "explode" as never })).rejects.toThrow('do: "explode" is not known');
  for (const wrong of [-1, 501, Number.NaN, "8" as never])
    await expect(buttons.do({ visitors: wrong })).rejects.toThrow("visitors:");
});

test("visitors come, and are not hurt when one shop crashes", async () => {
  await buttons.do({ visitors: 60 });
  await expect.poll(() => visitors.seen.fine, { timeout: 10_000 }).toBeGreaterThan(30);
  await buttons.do({ shop: "shop-2", do: "crash" });
  const before = visitors.seen.fine;
  await expect.poll(() => visitors.seen.fine, { timeout: 10_000 }).toBeGreaterThan(before + 60);
  expect(visitors.seen).toMatchObject({ cut: 0, turnedAway: 0 });
  // A POST whose connection died with the shop cannot be sent again.
  expect(visitors.seen.errors).toBeLessThan(5);
  const { seen } = await buttons.do({ visitors: 0 });
  expect(seen!.requests).toBeGreaterThan(90);
  await buttons.do({ shop: "shop-2", do: "heal" });
  await expect.poll(() => answering(), { timeout: 15_000 }).toEqual(ALL);
});

test("what is drained over the gateway gets nothing, its stream goes on, and enabled it is back", async () => {
  const gone = new AbortController();
  const stream = (await fetch(`${url}/events`, { signal: gone.signal })).body!.getReader();
  const nextEvent = async (): Promise<string> => {
    for (let text = ""; ; ) {
      text += Buffer.from((await stream.read()).value!).toString();
      const shop = /"shop":"(shop-\d)"/.exec(text)?.[1];
      if (shop) return shop;
    }
  };
  const on = { upstream: "shop", endpoint: await nextEvent() };
  const others = ALL.filter((name) => name !== on.endpoint);
  expect(await served.gateway.act({ do: "drain", ...on })).toMatchObject({ ok: true });
  expect(await answering()).toEqual(others);
  expect(await nextEvent()).toBe(on.endpoint);
  gone.abort();
  const drained = served.gateway.runtime.groups.get("shop")!.endpoints.find(({ label }) => label === on.endpoint)!;
  await expect.poll(() => [drained.pool.idle, drained.pool.open], { timeout: 15_000 }).toEqual([0, 0]);
  expect(await served.gateway.act({ do: "check", ...on })).toMatchObject({
    ok: true,
    said: expect.stringMatching(/^shop-\d answers its check \(GET \/healthz\), after \d+ ms\.$/),
  });
  expect(served.metrics ? await served.metrics.render() : "").toContain(
    `goodgate_endpoint_out{upstream="shop",endpoint="${on.endpoint}",why="draining"} 1`,
  );
  await served.gateway.act({ do: "disable", upstream: "shop", endpoint: others[0]! });
  expect(await answering()).toEqual([others[1]]);
  const last = await served.gateway.act({ do: "drain", upstream: "shop", endpoint: others[1]! });
  expect(last.said).toContain("the last usable endpoint of shop");
  // It waits, and is answered when somebody lets one in again.
  const waiting = fetch(`${url}/api/products`);
  await expect.poll(() => served.gateway.runtime.groups.get("shop")!.room.held).toBe(1);
  await served.gateway.act({ do: "enable", ...on });
  expect((await waiting).status).toBe(200);
  for (const endpoint of ALL) await served.gateway.act({ do: "enable", upstream: "shop", endpoint });
  await expect.poll(() => answering(), { timeout: 10_000 }).toEqual(ALL);
  expect((await served.gateway.act({ do: "drain", upstream: "shp", endpoint: "shop-1" })).said).toContain(
    "did you mean shop?",
  );
});
