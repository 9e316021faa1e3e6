import { expect, test } from "vitest";
import type { EndpointConfig, UpstreamConfig } from "../config/config.ts";
import { serverConfig } from "./peers.fixture.ts";
import { type FoundAddress, resolveAtLoad, serverAddresses } from "./server-names.ts";

const named = (host: string, told: Partial<EndpointConfig> = {}): EndpointConfig =>
  serverConfig(host, { address: { kind: "tcp", host, port: 80 }, resolve: "at-load", ...told });

const labels = (servers: readonly EndpointConfig[], found: Record<string, readonly FoundAddress[]> = {}) =>
  serverAddresses(servers, (host) => found[host] ?? null).map(({ config, server }) => `${config.label} ${server}`);

test("an address is an endpoint, by its whole text; a name one per address, and all share its name", () => {
  const literal = serverConfig("192.0.2.7", { address: { kind: "tcp", host: "192.0.2.7", port: 80 } });
  const socket = serverConfig("unix:app.sock", { address: { kind: "unix", path: "app.sock" } });
  expect(
    labels([literal, named("app.test"), socket], { "app.test": [{ address: "192.0.2.1" }, { address: "::1" }] }),
  ).toEqual(["192.0.2.7:80 192.0.2.7", "192.0.2.1:80 app.test", "[::1]:80 app.test", "unix:app.sock unix:app.sock"]);
});

test("a name that nobody has asked for is left to each connection, or has no endpoint yet", () => {
  expect(labels([named("app.test")])).toEqual(["app.test app.test"]);
  expect(labels([named("app.test", { resolve: "per-connection" })], { "app.test": [] })).toEqual(["app.test app.test"]);
  expect(labels([named("app.test", { resolve: "at-run-time" })])).toEqual([]);
});

test("SRV records say port, weight and tier; a weight that is written counts for more", () => {
  const found = [{ address: "192.0.2.1", port: 8081, weight: 5, server: "n1.test", backup: true }];
  const [plain] = serverAddresses([named("app.test")], () => found);
  expect(plain).toMatchObject({ server: "n1.test", config: { label: "192.0.2.1:8081", weight: 5, backup: true } });
  const [written] = serverAddresses([named("app.test", { weight: 2 })], () => found);
  expect(written?.config.weight).toBe(2);
});

test("at load each name is asked for once; IPv4 comes first, and what is not found is told", async () => {
  const asked: string[] = [];
  const upstream = (...endpoints: EndpointConfig[]) => ({ endpoints }) as unknown as UpstreamConfig;
  const { addresses, unknown } = await resolveAtLoad(
    [
      upstream(named("a.test"), named("b.test")),
      upstream(named("a.test"), named("c.test", { resolve: "at-run-time" })),
    ],
    async (host) => {
      asked.push(host);
      if (host === "b.test") throw Object.assign(new Error(host), { code: "ENOTFOUND" });
      return ["2001:db8::1", "192.0.2.1", "192.0.2.1"].map((address) => ({ address }));
    },
  );
  expect(asked.sort()).toEqual(["a.test", "b.test"]);
  expect(addresses.get("a.test")).toEqual(["192.0.2.1", "2001:db8::1"]);
  expect([...unknown]).toEqual([["b.test", "ENOTFOUND"]]);
});
