// A reload lets go of what it replaced: a chain from one generation to the one before would be a leak per reload.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, expect, test } from "vitest";
import { loadConfig } from "../config/load.ts";
import { Gateway } from "./gateway.ts";
import type { Runtime } from "./runtime.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const log = { info() {}, warn() {}, error() {} };
const observer = { exchangeEnded() {}, upstreamEvent() {} };

const config = () => {
  const upstreams = `
  plain: 127.0.0.1:9
  checked: { endpoints: [127.0.0.1:9, 127.0.0.1:10], balance: peak-ewma, health: { tcp: true } }
  sticky: { endpoints: [127.0.0.1:9], balance: { cookie: at } }
  hashed: { endpoints: [127.0.0.1:9], balance: ip-hash, limits: { adaptive: true } }`;
  const routes = "[{ path: /, proxy: plain }]";
  return { ...loadConfig(`upstreams:${upstreams}\nroutes: ${routes}\n`, "goodgate.yaml", {}).config!, listeners: [] };
};

const gateway = new Gateway(config(), observer, log);
afterAll(() => gateway.close());

test("no generation is kept by those that came after it", async () => {
  await gateway.start();
  const replaced: WeakRef<Runtime>[] = [];
  for (let round = 0; round < 10; round++) {
    replaced.push(new WeakRef(gateway.runtime));
    gateway.turnTo(config(), observer);
    // What is deferred (a dial's answer, a promise) has its turn.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const alive = () => replaced.filter((runtime) => runtime.deref() !== undefined).length;
  // The one before the last may still have an answer on its way.
  for (let tries = 0; tries < 100 && alive() > 1; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    collectGarbage();
  }
  expect(alive()).toBeLessThanOrEqual(1);
});
