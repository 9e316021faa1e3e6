import { expect, test } from "vitest";
import type { Address, UpstreamConfig } from "../config/config.ts";
import { loadConfig } from "../config/load.ts";
import { AdHocGroups } from "./ad-hoc-groups.ts";
import { UpstreamGroup } from "./group.ts";

const TEMPLATE = loadConfig("upstreams: { app: [127.0.0.1:1] }", "goodgate.yaml", {}).config!.upstreams.get("app")!;

function scene(most?: number) {
  const made: string[] = [];
  const groups = new AdHocGroups((config: UpstreamConfig) => {
    made.push(config.name);
    return new UpstreamGroup(config);
  }, most);
  return { made, groups };
}
const at = (host: string): Address => ({ kind: "tcp", host, port: 80 });

test("the same target has the same group, with one server", () => {
  const { made, groups } = scene();
  const group = groups.groupFor(TEMPLATE, { address: at("192.0.2.1"), addresses: [] });
  expect(groups.groupFor(TEMPLATE, { address: at("192.0.2.1"), addresses: [] })).toBe(group);
  expect(group.endpoints.map(({ label }) => label)).toEqual(["192.0.2.1:80"]);
  const other = { ...TEMPLATE, name: "other" };
  expect(groups.groupFor(other, { address: at("192.0.2.1"), addresses: [] })).not.toBe(group);
  expect(made).toEqual(["192.0.2.1:80", "192.0.2.1:80"]);
});

test("a name has one server per address, and follows them", () => {
  const { groups } = scene();
  const labels = (...addresses: string[]) =>
    groups.groupFor(TEMPLATE, { address: at("app.test"), addresses }).endpoints.map(({ label }) => label);
  expect(labels("192.0.2.1", "192.0.2.2")).toEqual(["192.0.2.1:80", "192.0.2.2:80"]);
  expect(labels("192.0.2.2", "192.0.2.1")).toEqual(["192.0.2.1:80", "192.0.2.2:80"]);
  expect(labels("192.0.2.3")).toEqual(["192.0.2.3:80"]);
});

test("failures are forgotten: the next request is tried again", () => {
  const { groups } = scene();
  const group = groups.groupFor(TEMPLATE, { address: at("app.test"), addresses: ["192.0.2.1", "192.0.2.2"] });
  for (const endpoint of group.endpoints) group.peers!.ended(endpoint, { kind: "error" }, false);
  expect(group.pick([])).toBe(group.endpoints[0]);
});

test("their number is bounded: the one that was used longest ago goes", () => {
  const { made, groups } = scene(3);
  const use = (n: number) => groups.groupFor(TEMPLATE, { address: at(`192.0.2.${n}`), addresses: [] });
  for (const n of [1, 2, 3, 1, 4, 1, 2]) use(n);
  expect(groups.size).toBe(3);
  expect(made.map((name) => name.slice(8, 9)).join("")).toBe("12342");
  groups.close();
  expect(groups.size).toBe(0);
});
