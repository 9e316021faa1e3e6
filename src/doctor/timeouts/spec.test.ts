// --chain as people type it, and the values in its brackets.
import { expect, test } from "vitest";
import type { SoftwareId } from "../software.ts";
import type { TimerId } from "./model.ts";
import { parseSpec } from "./spec.ts";
import { readValue, shownMs } from "./values.ts";

const names = (spec: string): readonly string[] => parseSpec(spec).links.map(({ hop }) => hop.name);

test.each([
  "cloudflare > alb > nginx > node",
  "cloudflare>alb>nginx>node",
  "Cloudflare → ALB → NGINX → Node",
  "cloudflare -> alb => nginx --> node",
  "cloudflare, alb, nginx, node",
  " > cloudflare > > alb > nginx > node > ",
  "cloudflare\nalb\nnginx\nnode",
])("%j is the same chain", (spec) => {
  expect(names(spec)).toEqual(["cloudflare", "alb", "nginx", "node"]);
  expect(parseSpec(spec).problems).toEqual([]);
});

test("names with blanks and dots are known, and become short", () => {
  expect(names("AWS ALB > Node.js > Azure Front Door > Spring-Boot")).toEqual([
    "aws-alb",
    "node",
    "azure-front-door",
    "spring-boot",
  ]);
});

test("a program that comes again gets a number", () => {
  expect(names("nginx > haproxy > nginx > nginx > node")).toEqual(["nginx", "haproxy", "nginx-2", "nginx-3", "node"]);
});

test("values in brackets are in the program's own words and units", () => {
  const { links, problems } = parseSpec(
    "alb(idle_timeout=300) > nginx(proxy_read_timeout=300s, keepalive_timeout=75; upstream-idle=4s) > node[keepAliveTimeout=65000]",
  );
  expect(problems).toEqual([]);
  const written = links.flatMap(({ hop }) => hop.timers.filter(({ from }) => from === "config"));
  expect(written.map(({ id, setting, value }) => [id, setting, value])).toEqual([
    ["client-idle", "idle_timeout", 300_000],
    ["upstream-idle", "idle_timeout", 300_000],
    ["response", "idle_timeout", 300_000],
    ["tunnel-idle", "idle_timeout", 300_000],
    ["client-idle", "keepalive_timeout", 75_000],
    ["response", "proxy_read_timeout", 300_000],
    ["tunnel-idle", "proxy_read_timeout", 300_000],
    ["upstream-idle", "upstream keepalive_timeout", 4000],
    ["client-idle", "server.keepAliveTimeout", 65_000],
  ]);
});

test("HAProxy's timer between requests holds, in whichever order the two are written", () => {
  for (const settings of [
    "timeout client=30s, timeout http-keep-alive=65s",
    "http-keep-alive=65s, timeout client=30s",
  ]) {
    const timers = parseSpec(`haproxy(${settings})`).links[0]?.hop.timers.filter(({ id }) => id === "client-idle");
    expect(timers?.map(({ value }) => value).toSorted()).toEqual([30_000, 65_000]);
  }
});

test.each([
  ["ngnix > node", "ngnix", 'did you mean "nginx"?'],
  ["nginx > wibble > node", "wibble", "known: "],
  ["nginx(proxy_read_timout=5s) > node", "proxy_read_timout=5s", 'did you mean "proxy_read_timeout"?'],
  ["nginx(proxy_read_timeout=soon) > node", "proxy_read_timeout=soon", '"30s"'],
  ["envoy(idle_timeout=5s) > node", "idle_timeout=5s", "upstream-idle"],
  ["nginx((a=b) > node", "nginx((a=b) > node", "in brackets"],
])("%s: a problem with what was written and a next step", (spec, given, next) => {
  const { problems } = parseSpec(spec);
  expect(problems).toHaveLength(1);
  expect(problems[0]?.input).toBe(`--chain "${given}"`);
  expect(problems[0]?.next).toContain(next);
});

test("what cannot be read leaves the others a chain; nothing at all is said so", () => {
  expect(names("ngnix > node")).toEqual(["node"]);
  for (const spec of ["", "  ", ">>", ","]) expect(parseSpec(spec).problems).toHaveLength(1);
});

test("what is made of another program has defaults of its own", () => {
  const value = (spec: string, id: TimerId) =>
    parseSpec(spec).links[0]?.hop.timers.find((timer) => timer.id === id)?.value;
  expect([value("envoy", "total"), value("istio", "total")]).toEqual([15_000, null]);
  expect([value("nginx", "connect"), value("ingress-nginx", "connect")]).toEqual([60_000, 5000]);
});

test.each([
  ["nginx/1.24.0", "nginx", "no"],
  ["nginx:1.29.6-alpine", "nginx", "no"],
  ["nginx 1.29.7", "nginx", "yes"],
  ["nginx@1.31", "nginx", "yes"],
  ["nginx", "nginx", "default"],
  ["nginx/1.24(upstream-idle=60s)", "nginx", "yes"],
  ["node:20-alpine", "node", "default"],
])("%s: a version is read, and with it whether connections are reused", (spec, name, reuse) => {
  expect(parseSpec(spec).problems).toEqual([]);
  expect(parseSpec(spec).links).toMatchObject([{ hop: { name }, reuse }]);
});

test("Puma kept connections for 20 s before its release 7", () => {
  const idle = (spec: string) => parseSpec(spec).links[0]?.hop.timers.find(({ id }) => id === "client-idle")?.value;
  expect([idle("puma 6.4"), idle("puma v7"), idle("puma")]).toEqual([20_000, 65_000, 65_000]);
});

test("a chain has a bound", () => {
  const { links, problems } = parseSpec(Array.from({ length: 500 }, () => "nginx").join(">"));
  expect(links).toHaveLength(20);
  expect(problems.some(({ text }) => text.includes("first 20 hops"))).toBe(true);
});

test.each<[string, TimerId, SoftwareId, number | null]>([
  ["65", "client-idle", "nginx", 65_000],
  ["65", "client-idle", "gunicorn", 65_000],
  ["65000", "client-idle", "node", 65_000],
  ["65_000", "client-idle", "node", 65_000],
  ["5000", "response", "haproxy", 5000],
  ["1m30s", "response", "nginx", 90_000],
  ["30 seconds", "response", "nginx", 30_000],
  ["5 minutes", "response", "nginx", 300_000],
  ["2min", "response", "nginx", 120_000],
  ["500ms", "connect", "nginx", 500],
  ["500 milliseconds", "connect", "nginx", 500],
  ["off", "response", "haproxy", null],
  ["0", "response", "traefik", null],
  ["0", "client-idle", "nginx", 0],
  ["0s", "upstream-idle", "nginx", 0],
  ["0", "client-idle", "node", null],
  ["3", "tries", "nginx", 3],
])("%s for %s of %s is %s", (text, id, software, value) => {
  expect(readValue(text, id, software)).toEqual({ value });
});

test.each(["", "-5s", "5x", "1e3", "NaN", "5s5s", "999999999999h"])("%j is no value", (text) => {
  expect(readValue(text, "response", "nginx")).toHaveProperty("wrong");
});

test("a bare number for a program without a unit of its own asks for one", () => {
  expect(readValue("30", "response", "app")).toMatchObject({ next: "write 30s or 30ms" });
});

test("values are shown as people speak of timers", () => {
  expect([250, 1500, 75_000, 300_000, 600_000, 3_600_000].map(shownMs)).toEqual([
    "250ms",
    "1.5s",
    "75s",
    "300s",
    "10m",
    "1h",
  ]);
});
