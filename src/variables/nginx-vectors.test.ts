import { expect, test } from "vitest";
import type { Pattern, VariableConfig } from "../config/servers.ts";
import { GEOS, HOSTS, MAPS, PROXIES, SPLITS } from "./nginx-vectors.fixture.ts";
import { fakeSubject } from "./subject.fixture.ts";
import { VariableTable } from "./table.ts";

const pattern = (source: string, ignoreCase = false): Pattern => ({ source, ignoreCase });
const map = { kind: "map", source: "{$arg_k}", hostnames: false, volatile: false } as const;
const split = { kind: "split", source: "{$arg_k}" } as const;
const geo = {
  kind: "geo",
  source: "{$arg_ip}",
  volatile: false,
  default: "def",
  entries: [],
  ranges: [],
  proxies: [],
  proxyRecursive: false,
} as const;
const entriesOf = <Key>(entries: readonly (readonly [Key, string])[]) =>
  entries.map(([key, value]) => ({ key, value }));
const blocksOf = (entries: readonly (readonly [string, string])[]) =>
  entries.map(([block, value]) => ({ block, value }));
const partsOf = (parts: readonly (readonly [number | null, string])[]) =>
  parts.map(([share, value]) => ({ share, value }));

const SPLIT_SHARES = [
  [0.005, "a"],
  [0.1, "b"],
  [0.3333, "c"],
  [0.1234, "d"],
  [null, "e"],
] as const;
const MAP_ENTRIES: readonly (readonly [string | Pattern, string])[] = [
  ["", "empty"],
  ["Foo", "foo"],
  ["~tilde", "t"],
  [pattern("^(?<w>[a-z]+)-(\\d+)$"), "{$w}:{$2}"],
  [pattern("ABC", true), "abc"],
  ["default", "dd"],
];
const HOST_ENTRIES: readonly (readonly [string | Pattern, string])[] = [
  ["example.com", "exact"],
  ["*.example.com", "below"],
  [".Example.org", "both"],
  ["www.example.*", "tail"],
  ["*.sub.example.com", "sub"],
  ["www.x.*", "t2"],
  ["www.x.y.*", "t3"],
  [pattern("re"), "r"],
];
const GEO_BLOCKS = [
  ["10.0.0.0/8", "ten"],
  ["10.1.0.0/16", "tenone"],
  ["10.1.2.3", "host"],
  ["2001:db8::/32", "six"],
  ["2001:db8:1::/48", "sixone"],
  ["255.255.255.255", "none"],
  ["::1", "loop"],
] as const;
const GEO_RANGES = [
  { from: "10.0.0.0", to: "10.0.0.255", value: "a" },
  { from: "10.0.0.16", to: "10.0.0.31", value: "b" },
  { from: "10.0.0.20", to: "10.0.0.20", value: "c" },
  { from: "10.1.0.0", to: "10.2.255.255", value: "d" },
  { from: "10.1.5.0", to: "10.1.5.255", value: "e" },
];
const PROXY_BLOCKS = [
  ["1.1.1.1", "one"],
  ["2.2.2.2", "two"],
  ["10.0.0.0/8", "proxy"],
  ["3.3.3.3", "three"],
  ["::5", "five"],
] as const;
const proxies = ["10.0.0.0/8", "2001:db8::/32"];

const CONFIG: readonly VariableConfig[] = [
  { ...split, name: "split", parts: partsOf(SPLIT_SHARES) },
  {
    ...split,
    name: "half",
    parts: partsOf([
      [0.5, "x"],
      [0.5, "y"],
    ]),
  },
  {
    ...split,
    name: "part",
    parts: partsOf([
      [0.2, "p"],
      [0.3001, "q"],
    ]),
  },
  { ...map, name: "m", default: "D-{$arg_k}", entries: entriesOf(MAP_ENTRIES) },
  { ...map, name: "h", hostnames: true, default: "none", entries: entriesOf(HOST_ENTRIES) },
  { ...geo, name: "g", entries: blocksOf(GEO_BLOCKS) },
  { ...geo, name: "r", ranges: GEO_RANGES },
  { ...geo, name: "p", entries: blocksOf(PROXY_BLOCKS), proxies },
  { ...geo, name: "pr", entries: blocksOf(PROXY_BLOCKS), proxies, proxyRecursive: true },
];

function rendered(text: string, args: string, forwarded?: string): string {
  const table = new VariableTable(CONFIG);
  const compiled = table.compile(text);
  if ("unknown" in compiled) throw new Error(compiled.unknown);
  const header = (name: string): string | undefined => (name === "x-forwarded-for" ? forwarded : undefined);
  return compiled.render(fakeSubject({ args, header, slots: [] }));
}

test.each(SPLITS)("split_clients of %j: %s", (key = "", expected) =>
  expect(rendered("{$split} {$half} {$part}", `k=${key}`)).toBe(expected),
);

test.each(MAPS)("map of %j: %s", (key = "", expected) =>
  expect(rendered("{$m}|{$w}|{$1}|{$2}", `k=${key}`)).toBe(expected),
);

test.each(HOSTS)("map of the host %j: %s", (key = "", expected) => expect(rendered("{$h}", `k=${key}`)).toBe(expected));

test.each(GEOS)("geo of %j: %s", (address = "", expected) =>
  expect(rendered("{$g} {$r}", `ip=${address}`)).toBe(expected),
);

test.each(PROXIES)("geo of %j behind %j: %s", (address = "", forwarded = "", expected = "") =>
  expect(rendered("{$p} {$pr}", `ip=${address}`, forwarded.trim())).toBe(expected),
);
