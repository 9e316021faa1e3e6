// A reload lets go of what it replaced: a chain from one generation to the one before would be a leak per reload.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, expect, test } from "vitest";
import { loadConfig } from "../config/load.ts";
import { makeSelfSigned } from "../lab/certificates.ts";
import { lowerHttp } from "../nginx/lower/lower.fixture.ts";
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

const { cert, key } = makeSelfSigned("localhost", ["localhost"], { from: -1, to: 1 });
const servers = () => ({
  ...lowerHttp(`access_log off; limit_req_zone $arg_a zone=a:1m rate=1r/s; upstream u { server 127.0.0.1:9; }
    server { listen 127.0.0.1:8443 ssl; ssl_certificate "data:${cert}"; ssl_certificate_key "data:${key}";
      location / { limit_req zone=a; proxy_pass http://u; } location /v { proxy_pass http://$arg_h; } }`),
  listeners: [{ address: { kind: "unix", path: "unused" }, tls: null, serversTls: true, viaWildcard: true }] as const,
});

const gateways: Gateway[] = [];
afterAll(() => {
  for (const gateway of gateways) gateway.close();
});

test.each([
  ["routes", config],
  ["virtual servers", servers],
])("no generation is kept by those that came after it: %s", async (_kind, config) => {
  const gateway = new Gateway(config(), observer, log);
  gateways.push(gateway);
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
