import { expect, test } from "vitest";
import type { ResolverConfig } from "../config/servers.ts";
import { pass, stopTheClock } from "./group.fixture.ts";
import { NameWatch } from "./name-watch.ts";
import { serverConfig } from "./peers.fixture.ts";

const RESOLVER: ResolverConfig = { servers: ["192.0.2.53"], timeoutMs: 3000, validMs: 0, ipv4: true, ipv6: true };
const SERVER = serverConfig("app.test", {
  address: { kind: "tcp", host: "app.test", port: 80 },
  resolve: "at-run-time",
});

/** A watch whose DNS says what `answer` is at the time; `told` has what it told, `asked` counts the questions. */
function watching(resolver: Partial<ResolverConfig> = {}) {
  stopTheClock();
  const scene = { answer: ["192.0.2.1"] as readonly string[] | string, told: [] as string[], asked: 0 };
  const watch = new NameWatch(
    [SERVER],
    { ...RESOLVER, ...resolver },
    async () => {
      scene.asked++;
      if (typeof scene.answer === "string") throw Object.assign(new Error(scene.answer), { code: scene.answer });
      return scene.answer.map((address) => ({ address, ttl: 5 }));
    },
    (_server, found) => scene.told.push(found.map(({ address }) => address).join(" ")),
  );
  watch.start();
  return { scene, watch };
}

test("a name is asked for at once, and again when its TTL has run out", async () => {
  const { scene } = watching();
  await pass(100);
  expect(scene).toMatchObject({ asked: 1, told: ["192.0.2.1"] });
  scene.answer = ["192.0.2.2", "192.0.2.3"];
  await pass(5_500);
  expect(scene.asked).toBe(1);
  await pass(700);
  expect(scene.told.at(-1)).toBe("192.0.2.2 192.0.2.3");
});

test("the configuration may say how long an answer is valid, and which family counts", async () => {
  const { scene } = watching({ validMs: 1000, ipv6: false });
  scene.answer = ["192.0.2.1", "2001:db8::1"];
  await pass(2_200);
  expect(scene).toMatchObject({ asked: 2, told: ["192.0.2.1", "192.0.2.1"] });
});

test("a name that is gone has no addresses; where DNS fails the last answer stays", async () => {
  const { scene } = watching({ validMs: 1000 });
  await pass(100);
  scene.answer = "ESERVFAIL";
  await pass(2_100);
  expect(scene.told).toEqual(["192.0.2.1"]);
  scene.answer = "ENOTFOUND";
  await pass(3_000);
  expect(scene.told.at(-1)).toBe("");
  scene.answer = ["192.0.2.9"];
  await pass(2_200);
  expect(scene.told.at(-1)).toBe("192.0.2.9");
});

test("what is stopped asks no more, and an answer that is under way is not told", async () => {
  const { scene, watch } = watching();
  watch.stop();
  await pass(10_000);
  expect(scene).toMatchObject({ asked: 1, told: [] });
});
