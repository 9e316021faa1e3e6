// use_backend and default_backend as routes, in the order in which HAProxy tries them. A condition is a route where
// all of it is about the host and the path; what else it asks for (addresses, cookies, methods) stands in the path as
// written, so that nobody takes it for a rule that always holds.
import type { ConfiguredRoute } from "../model.ts";
import { type Line, ownLines, type Section } from "./words.ts";

type Path = ConfiguredRoute["path"];
const ROOT: Path = { kind: "prefix", text: "/" };
const ROUTES_OF_RULE_MAX = 64;
const ROUTES_MAX = 20_000;

/** A test of a request, as far as hosts and paths are concerned. */
interface Test {
  readonly hosts: readonly string[];
  readonly paths: readonly Path[];
}

/** The routes of a frontend, or of a listen. */
export function routesOf(section: Section, isOwnBackend: boolean): ConfiguredRoute[] {
  const acls = aclsOf(section);
  const routes: ConfiguredRoute[] = [];
  for (const line of ownLines(section, "use_backend")) {
    const [, pool = "", word, ...condition] = line.words;
    const alternatives = word === undefined ? [[]] : word === "if" ? splitAtOr(condition) : [null];
    for (const terms of alternatives) routes.push(...routesOfRule(pool, terms, line, acls));
  }
  const last = ownLines(section, "default_backend").at(-1) ?? defaultLine(section);
  if (last?.words[1]) routes.push(route([], ROOT, last.words[1], last));
  else if (isOwnBackend) routes.push({ ...bare([], ROOT), pool: section.name, at: section.at });
  return inOrder(routes);
}

/** The first rule that fits is taken: one for any host, in front of one for a host, holds for that host, too. */
function inOrder(routes: readonly ConfiguredRoute[]): ConfiguredRoute[] {
  const ordered: ConfiguredRoute[] = [];
  const forAny: ConfiguredRoute[] = [];
  const seen = new Set<string>();
  for (const each of routes) {
    const key = each.hosts.join(" ");
    if (each.hosts.length > 0 && !seen.has(key) && ordered.length < ROUTES_MAX)
      ordered.push(...forAny.map((earlier) => ({ ...earlier, hosts: each.hosts })));
    seen.add(key);
    if (each.hosts.length === 0 && each.path !== ROOT) forAny.push(each);
    ordered.push(each);
  }
  return ordered;
}

function defaultLine({ defaults }: Section): Line | undefined {
  return defaults ? ownLines(defaults, "default_backend").at(-1) : undefined;
}

function route(hosts: readonly string[], path: Path, pool: string, { at }: Line): ConfiguredRoute {
  return { ...bare(hosts, path), pool, at };
}

function bare(hosts: readonly string[], path: Path): Omit<ConfiguredRoute, "pool" | "at"> {
  return { hosts, path, pathBecomes: null, timers: [] };
}

function routesOfRule(
  pool: string,
  terms: readonly string[] | null,
  line: Line,
  acls: ReadonlyMap<string, readonly Test[] | null>,
): ConfiguredRoute[] {
  const opaque = [route([], { kind: "pattern", text: line.words.slice(2).join(" ") }, pool, line)];
  if (!terms) return opaque;
  let hosts: readonly string[] = [];
  let paths: readonly Path[] = [ROOT];
  for (const term of groupTerms(terms)) {
    const tests = term.startsWith("{") ? anonymous(term) : (acls.get(term) ?? null);
    // Of several lines of one name any may fit.
    const test = tests ? merged(tests) : null;
    if (!test) return opaque;
    if (test.hosts.length > 0) {
      if (hosts.length > 0) return opaque;
      hosts = test.hosts;
    }
    if (test.paths.length > 0) {
      if (paths[0] !== ROOT) return opaque;
      paths = test.paths;
    }
  }
  return paths.slice(0, ROUTES_OF_RULE_MAX).map((path) => route(hosts, path, pool, line));
}

/** null = they ask for hosts and for paths: either would do. */
function merged(tests: readonly Test[]): Test | null {
  const hosts = tests.flatMap((test) => test.hosts);
  const paths = tests.flatMap((test) => test.paths);
  return hosts.length > 0 && paths.length > 0 ? null : { hosts, paths };
}

function splitAtOr(words: readonly string[]): string[][] {
  const parts: string[][] = [[]];
  for (const word of words) {
    if (word === "or" || word === "||") parts.push([]);
    else parts.at(-1)?.push(word);
  }
  return parts;
}

/** Terms of a condition: names, and "{ … }" as one. */
function groupTerms(words: readonly string[]): string[] {
  const terms: string[] = [];
  let open: string[] | null = null;
  for (const word of words) {
    if (open) open.push(word);
    else if (word === "{" || word === "!{") open = [word];
    else terms.push(word);
    if (word === "}" && open) {
      terms.push(open.join("\u0000"));
      open = null;
    }
  }
  return terms;
}

function anonymous(term: string): readonly Test[] | null {
  const words = term.split("\u0000").slice(1, -1);
  const test = testOf(words);
  return test ? [test] : null;
}

function aclsOf(section: Section): ReadonlyMap<string, readonly Test[] | null> {
  const found = new Map<string, readonly Test[] | null>();
  for (const { words } of ownLines(section, "acl")) {
    const [, name = "", ...rest] = words;
    const test = testOf(rest);
    const known = found.get(name);
    found.set(name, test && known !== null ? [...(known ?? []), test] : null);
  }
  return found;
}

const HOST = /^(?:req\.)?(?:hdr|fhdr)(_dom|_beg|_end|_reg|_sub)?\(host(?:,-?\d+)?\)((?:,[\w.()-]+)*)$/i;
const SNI = /^(?:req\.ssl_sni|req_ssl_sni|ssl_fc_sni|ssl_sni)(_end|_reg)?((?:,[\w.()-]+)*)$/i;
const PATH = /^path(_beg|_dir|_end|_reg|_sub)?((?:,[\w.()-]+)*)$/i;

/** A fetch with its flags and values, where it is about the host or the path. */
function testOf([fetch = "", ...rest]: readonly string[]): Test | null {
  const flags: string[] = [];
  const values = [...rest];
  let method = "";
  while (values[0]?.startsWith("-") && values[0] !== "--") {
    const flag = values.shift() ?? "";
    flags.push(flag);
    if (flag === "-m") method = `_${values.shift() ?? ""}`;
  }
  if (values[0] === "--") values.shift();
  // Values in files are not at hand.
  if (flags.includes("-f") || flags.includes("-M") || values.length === 0) return null;
  const host = HOST.exec(fetch) ?? SNI.exec(fetch);
  if (host) return hostTest((host[1] ?? method).toLowerCase(), values);
  const path = PATH.exec(fetch);
  return path ? pathTest((path[1] ?? method).toLowerCase(), values) : null;
}

function hostTest(how: string, values: readonly string[]): Test | null {
  const hosts = values.map((value) => {
    if (how === "" || how === "_str") return value.replace(/:\d+$/, "");
    if (how === "_end") return value.startsWith(".") ? `*${value}` : `~${escaped(value)}$`;
    if (how === "_dom") return `~(^|\\.)${escaped(value)}(\\.|$)`;
    if (how === "_beg") return `~^${escaped(value)}`;
    return how === "_reg" ? `~${value}` : `~${escaped(value)}`;
  });
  return { hosts, paths: [] };
}

function pathTest(how: string, values: readonly string[]): Test | null {
  const paths = values.map((text): Path => {
    if (how === "" || how === "_str") return { kind: "exact", text };
    if (how === "_beg") return { kind: "prefix", text };
    if (how === "_end") return { kind: "pattern", text: `${escaped(text)}$` };
    if (how === "_dir") return { kind: "pattern", text: `(^|/)${escaped(text.replace(/^\/|\/$/g, ""))}(/|$)` };
    return { kind: "pattern", text: how === "_reg" ? text : escaped(text) };
  });
  return { hosts: [], paths };
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
