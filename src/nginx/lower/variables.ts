// Variables that the http block defines: map, geo, split_clients. `set`, captures and auth_request_set define theirs
// in place; which names are known without that is in known-variables.ts.
import { isIPv4 } from "node:net";
import type { Pattern, Text, VariableConfig } from "../../config/servers.ts";
import { literalText } from "../../config/text.ts";
import { mayBeDefined } from "../../config/variable-names.ts";
import type { Directive } from "../tree.ts";
import { parseCidr, v4Text, v4Value } from "./cidr.ts";
import { hostName } from "./names.ts";
import { patternOf } from "./patterns.ts";
import { argOf, blockScope, type Scope } from "./scope.ts";
import { noteUse, textOf, variableName } from "./text.ts";

/** All of the http block, in order. */
export function variablesOf(http: Scope): VariableConfig[] {
  const readers: Readonly<Record<string, (http: Scope, directive: Directive) => VariableConfig | null>> = {
    map: mapOf,
    geo: geoOf,
    split_clients: splitOf,
  };
  const names = Object.keys(readers);
  // It is refused; that the variable is unknown besides would tell nothing new.
  for (const directive of http.own("perl_set")) definedName(http, directive, 0, "not-found");
  return http.directives
    .filter(({ name }) => names.includes(name))
    .flatMap((directive) => readers[directive.name]?.(http, directive) ?? []);
}

/** The name that an argument gives to a variable; it is defined from here on. `unset`: what it is without a value. */
export function definedName(
  scope: Scope,
  directive: Directive,
  index: number,
  unset: "empty" | "not-found" | "made" = "made",
): string | null {
  const name = variableName(scope, directive, directive.args[index]);
  if (name === undefined) return null;
  if (!mayBeDefined(name))
    scope.problems.complain(directive, `the duplicate "${name}" variable`, directive.args[index]);
  const { defined } = scope.variables;
  if (!defined.has(name)) defined.set(name, unset);
  return name;
}

function mapOf(http: Scope, directive: Directive): VariableConfig | null {
  const source = textOf(http, directive, argOf(directive));
  const name = definedName(http, directive, 1);
  const block = blockScope(http, "http", directive);
  const { problems } = http;
  const hostnames = block.own("hostnames").some(({ args }) => args.length === 0);
  const entries: { key: string | Pattern; value: Text }[] = [];
  const seen = new Set<string>();
  let whole: Text | null = null;
  for (const entry of block.directives) {
    if (entry.args.length !== 1) continue;
    const value = textOf(http, entry, entry.args[0]!);
    const key = entry.name;
    if (key === "default") {
      if (whole !== null) problems.complain(entry, "duplicate default map parameter");
      whole ??= value;
    } else if (key.startsWith("~")) {
      const ignoreCase = key.startsWith("~*");
      entries.push({ key: patternOf(http, entry, key.slice(ignoreCase ? 2 : 1), ignoreCase), value });
    } else {
      const plain = (key.startsWith("\\") ? key.slice(1) : key).toLowerCase();
      if (hostnames && !hostName(plain)) problems.complain(entry, `invalid hostname or wildcard "${plain}"`);
      if (seen.has(plain)) problems.complain(entry, `conflicting parameter "${plain}"`);
      seen.add(plain);
      entries.push({ key: plain, value });
    }
  }
  const volatile = block.own("volatile").some(({ args }) => args.length === 0);
  return name === null ? null : { kind: "map", name, source, hostnames, volatile, default: whole ?? "", entries };
}

function splitOf(http: Scope, directive: Directive): VariableConfig | null {
  const source = textOf(http, directive, argOf(directive));
  const name = definedName(http, directive, 1);
  const parts: { share: number | null; value: Text }[] = [];
  let sum = 0;
  for (const entry of blockScope(http, "http", directive).directives) {
    // nginx does not look for variables in the values.
    const value = literalText(argOf(entry));
    const hundredths = /^\d+(?:\.\d{0,2})?%$/.test(entry.name) ? Math.round(Number(entry.name.slice(0, -1)) * 100) : 0;
    if (entry.name === "*") parts.push({ share: null, value });
    else if (hundredths === 0) http.problems.complain(entry, `invalid percent value "${entry.name}"`);
    else parts.push({ share: hundredths / 10_000, value });
    sum = entry.name === "*" ? 10_000 : sum + hundredths;
    if (sum > 10_000) http.problems.complain(directive, "percent total is greater than 100%");
  }
  return name === null ? null : { kind: "split", name, source, parts };
}

type Geo = Extract<VariableConfig, { kind: "geo" }>;
interface GeoRange {
  readonly from: bigint;
  readonly to: bigint;
  readonly value: string;
}

function geoOf(http: Scope, directive: Directive): VariableConfig | null {
  const own = directive.args.length === 2 ? variableName(http, directive, directive.args[0]) : "remote_addr";
  if (own !== undefined) noteUse(http, directive, own);
  const name = definedName(http, directive, directive.args.length - 1);
  const block = blockScope(http, "http", directive);
  const word = (text: string) => block.own(text).some(({ args }) => args.length === 0);
  const byRange = word("ranges");
  const entries = new Map<string, string>();
  const ranges: GeoRange[] = [];
  const proxies: string[] = [];
  let whole = "";
  for (const entry of block.directives) {
    if (entry.args.length !== 1) continue;
    const value = argOf(entry);
    if (entry.name === "proxy") proxies.push(...(networkOf(http, entry, value) ?? []));
    else if (entry.name === "default") whole = value;
    else if (byRange) readRange(http, entry, ranges);
    else readNetwork(http, entry, entries);
  }
  if (name === null) return null;
  return {
    kind: "geo",
    name,
    source: `{$${own ?? ""}}`,
    volatile: word("volatile"),
    default: whole,
    entries: [...entries].map(([network, value]) => ({ block: network, value })),
    ranges: ranges.map(({ from, to, value }) => ({ from: v4Text(from), to: v4Text(to), value })),
    proxies,
    proxyRecursive: word("proxy_recursive"),
  } satisfies Geo;
}

function networkOf({ problems }: Scope, entry: Directive, text: string): [string] | null {
  const cidr = parseCidr(text);
  if (!cidr) {
    problems.complain(entry, `invalid network "${text}"`);
    return null;
  }
  if (cidr.hadLowBits)
    problems.complain(entry, `low address bits of ${text} are meaningless`, undefined, { severity: "warning" });
  return [cidr.text];
}

function readNetwork(http: Scope, entry: Directive, entries: Map<string, string>): void {
  const isDelete = entry.name === "delete";
  const text = isDelete ? argOf(entry) : entry.name;
  const network = networkOf(http, entry, text)?.[0];
  if (network === undefined) return;
  const warn = (message: string) => http.problems.complain(entry, message, undefined, { severity: "warning" });
  if (isDelete) {
    if (!entries.delete(network)) warn(`no network "${text}" to delete`);
    return;
  }
  const old = entries.get(network);
  if (old !== undefined) warn(`duplicate network "${text}", value: "${argOf(entry)}", old value: "${old}"`);
  entries.set(network, argOf(entry));
}

function readRange({ problems }: Scope, entry: Directive, ranges: GeoRange[]): void {
  const isDelete = entry.name === "delete";
  const text = isDelete ? argOf(entry) : entry.name;
  const [first = "", last = "", ...more] = text.split("-");
  if (!isIPv4(first) || !isIPv4(last) || more.length > 0 || v4Value(first) > v4Value(last)) {
    problems.complain(entry, `invalid range "${text}"`);
    return;
  }
  const range: GeoRange = { from: v4Value(first), to: v4Value(last), value: argOf(entry) };
  const problem = isDelete ? without(ranges, range, text) : within(ranges, range, text);
  if (problem === null) return;
  const severity = problem.includes("overlaps") ? "error" : "warning";
  problems.complain(entry, problem, undefined, { severity });
}

/** Takes a range away; a text = what nginx says. */
function without(ranges: GeoRange[], { from, to }: GeoRange, text: string): string | null {
  const at = ranges.findIndex((known) => known.from === from && known.to === to);
  if (at === -1) return `no address range "${text}" to delete`;
  ranges.splice(at, 1);
  return null;
}

/** Puts a range among the others, which stay apart: a part of another takes its place there. */
function within(ranges: GeoRange[], range: GeoRange, text: string): string | null {
  const at = firstNotBefore(ranges, range.from);
  const old = ranges[at];
  if (!old || old.from > range.to) {
    ranges.splice(at, 0, range);
    return null;
  }
  if (old.from > range.from || old.to < range.to)
    return `range "${text}" overlaps "${v4Text(old.from)}-${v4Text(old.to)}"`;
  const parts = [{ ...old, to: range.from - 1n }, range, { ...old, from: range.to + 1n }];
  ranges.splice(at, 1, ...parts.filter(({ from, to }) => from <= to));
  if (old.from !== range.from || old.to !== range.to) return null;
  return `duplicate range "${text}", value: "${range.value}", old value: "${old.value}"`;
}

/** Index of the first range that ends at the address or behind it. */
function firstNotBefore(ranges: readonly GeoRange[], address: bigint): number {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ranges[middle]!.to < address) low = middle + 1;
    else high = middle;
  }
  return low;
}
