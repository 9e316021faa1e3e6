// Which route a request takes: the most specific one that matches, whatever the order in the file.
//   host   exact, then "*.example.com" (longest first), then routes for every host
//   path   exact, then glob (more literal text first), then regular expression (in file order), then longest prefix
//   method a route that names methods comes before one for all of the same host and path, then file order
// Regular expressions stand before prefixes, as in nginx: behind them, "/" would hide them all. A route whose method
// does not fit is passed over, and a host whose routes do not fit the path leaves the request to the next host.
// Hosts are one look-up (kept per spelling of Host); exact paths one; prefixes one step per segment of the path, at
// most as deep as the configuration. So time does not grow with their number; it does with globs and expressions.
// Paths are compared as they come: whoever normalises them does it before.
import type { PathPattern, RouteConfig } from "../config/config.ts";
import { REGEX_PATH_MAX } from "../config/regex-cost.ts";
import { compileGlob, type GlobMatch } from "./glob.ts";

export interface CompiledRoute {
  readonly config: RouteConfig;
  /** Position in Config.routes. */
  readonly index: number;
}

export interface RouteMatch {
  readonly route: CompiledRoute | null;
  /** What "*" or groups of a glob or regular expression matched, the first at 0; null for other patterns. */
  readonly captures: readonly string[] | null;
}

export interface Router {
  /** `host` as in the Host field; `path` without the query; `method` in upper case. */
  match(host: string, path: string, method: string): RouteMatch;
}

const NO_MATCH: RouteMatch = { route: null, captures: null };
/** Spellings of Host whose tables are kept; clients choose them, so that their number is bounded. */
const HOSTS_KEPT = 1024;
const HOST_LENGTH_MAX = 255;

/** A route under one pattern. */
interface Entry {
  readonly route: CompiledRoute;
  /** null = every method. */
  readonly methods: readonly string[] | null;
  /** The answer where nothing is captured: made once. */
  readonly match: RouteMatch;
}

/** A segment of prefixes. "/a/*" ends at node "a" (`here`), "/a/" needs a "/" behind it (`below`). */
interface PrefixNode {
  readonly parent: PrefixNode | null;
  children: Map<string, PrefixNode> | null;
  here: Entry[] | null;
  below: Entry[] | null;
}

/** The routes of one host, or of every host. */
interface HostTable {
  readonly exact: Map<string, Entry[]>;
  readonly globs: { readonly entry: Entry; readonly match: GlobMatch; readonly literalLength: number }[];
  readonly regexes: { readonly entry: Entry; readonly regex: RegExp }[];
  readonly prefixes: PrefixNode;
}

/** Compiles the routes; their positions are those in `routes`. */
export function compileRouter(routes: readonly RouteConfig[]): Router {
  const any = newTable();
  const byHost = new Map<string, HostTable>();
  const bySuffix = new Map<string, HostTable>();
  routes.forEach((config, index) => {
    const route: CompiledRoute = { config, index };
    const entry: Entry = {
      route,
      methods: config.methods.length === 0 ? null : config.methods,
      match: { route, captures: null },
    };
    const tables = config.hosts.length === 0 ? [any] : config.hosts.map((host) => tableFor(host, byHost, bySuffix));
    for (const table of new Set(tables)) for (const pattern of config.paths) insert(table, pattern, entry);
  });
  for (const table of [any, ...byHost.values(), ...bySuffix.values()]) sortTable(table);
  if (byHost.size + bySuffix.size === 0)
    return { match: (_host, path, method) => matchIn(any, path, method) ?? NO_MATCH };
  const tablesOf = hostLookup(byHost, bySuffix, any);
  return {
    match(host, path, method) {
      for (const table of tablesOf(host)) {
        const match = matchIn(table, path, method);
        if (match) return match;
      }
      return NO_MATCH;
    },
  };
}

/** Host as it is compared: lower case, without port and final dot. */
export function normaliseHost(host: string): string {
  const colon = host.lastIndexOf(":");
  const name = colon > host.lastIndexOf("]") ? host.slice(0, colon) : host;
  return (name.endsWith(".") ? name.slice(0, -1) : name).toLowerCase();
}

/** From a Host field to the tables to ask, the most specific first. */
function hostLookup(
  byHost: ReadonlyMap<string, HostTable>,
  bySuffix: ReadonlyMap<string, HostTable>,
  any: HostTable,
): (host: string) => readonly HostTable[] {
  const kept = new Map<string, readonly HostTable[]>();
  const find = (host: string): readonly HostTable[] => {
    const name = normaliseHost(host);
    const tables: HostTable[] = [];
    const exact = byHost.get(name);
    if (exact) tables.push(exact);
    if (bySuffix.size > 0) {
      for (let dot = name.indexOf(".", 1); dot > 0; dot = name.indexOf(".", dot + 1)) {
        const table = bySuffix.get(name.slice(dot));
        if (table) tables.push(table);
      }
    }
    tables.push(any);
    return tables;
  };
  return (host) => {
    const known = kept.get(host);
    if (known) return known;
    // Longer ones are no host names; nothing is kept of them, and their suffixes are not tried.
    if (host.length > HOST_LENGTH_MAX) return [any];
    const tables = find(host);
    if (kept.size >= HOSTS_KEPT) kept.clear();
    // A copy: a part of a string keeps the whole alive, here the head that it came in.
    kept.set(Buffer.from(host, "latin1").toString("latin1"), tables);
    return tables;
  };
}

function tableFor(host: string, byHost: Map<string, HostTable>, bySuffix: Map<string, HostTable>): HostTable {
  const [map, key] = host.startsWith("*.") ? [bySuffix, host.slice(1)] : [byHost, host];
  const table = map.get(key) ?? newTable();
  map.set(key, table);
  return table;
}

function newTable(): HostTable {
  return {
    exact: new Map(),
    globs: [],
    regexes: [],
    prefixes: { parent: null, children: null, here: null, below: null },
  };
}

function insert(table: HostTable, pattern: PathPattern, entry: Entry): void {
  switch (pattern.kind) {
    case "exact": {
      const entries = table.exact.get(pattern.path);
      if (entries) entries.push(entry);
      else table.exact.set(pattern.path, [entry]);
      return;
    }
    case "glob":
      table.globs.push({ entry, ...compileGlob(pattern.pattern) });
      return;
    case "regex":
      table.regexes.push({ entry, regex: new RegExp(pattern.source, pattern.ignoreCase ? "i" : "") });
      return;
    case "prefix":
      insertPrefix(table.prefixes, pattern.path, entry);
  }
}

function insertPrefix(root: PrefixNode, path: string, entry: Entry): void {
  let node = root;
  const open = path.endsWith("/");
  const segments = path.slice(1, open ? -1 : undefined).split("/");
  if (path !== "/" && path !== "") {
    for (const segment of segments) {
      node.children ??= new Map();
      const next: PrefixNode = node.children.get(segment) ?? { parent: node, children: null, here: null, below: null };
      node.children.set(segment, next);
      node = next;
    }
  }
  // The root stands for every path, "*" of OPTIONS included.
  if (open && node !== root) {
    node.below ??= [];
    node.below.push(entry);
  } else {
    node.here ??= [];
    node.here.push(entry);
  }
}

function sortTable(table: HostTable): void {
  for (const entries of table.exact.values()) sortEntries(entries);
  table.globs.sort((a, b) => b.literalLength - a.literalLength || compareEntries(a.entry, b.entry));
  const nodes = [table.prefixes];
  for (let node = nodes.pop(); node; node = nodes.pop()) {
    if (node.here) sortEntries(node.here);
    if (node.below) sortEntries(node.below);
    if (node.children) for (const child of node.children.values()) nodes.push(child);
  }
}

function sortEntries(entries: Entry[]): void {
  entries.sort(compareEntries);
}

function compareEntries(a: Entry, b: Entry): number {
  return Number(a.methods === null) - Number(b.methods === null) || a.route.index - b.route.index;
}

function matchIn(table: HostTable, path: string, method: string): RouteMatch | null {
  if (table.exact.size > 0) {
    const entries = table.exact.get(path);
    const match = entries && firstFor(entries, method);
    if (match) return match;
  }
  if (table.globs.length > 0 || table.regexes.length > 0) {
    const match = matchPatterns(table, path, method);
    if (match) return match;
  }
  return matchPrefix(table.prefixes, path, method);
}

function matchPatterns(table: HostTable, path: string, method: string): RouteMatch | null {
  for (const { entry, match } of table.globs) {
    if (!takes(entry, method)) continue;
    const captures = match(path);
    if (captures) return { route: entry.route, captures };
  }
  if (path.length > REGEX_PATH_MAX) return null;
  for (const { entry, regex } of table.regexes) {
    if (!takes(entry, method)) continue;
    const groups = regex.exec(path);
    if (groups) return { route: entry.route, captures: groups.slice(1).map((group) => group ?? "") };
  }
  return null;
}

/** Down the segments as far as there are prefixes, then up again to the first that takes the method. */
function matchPrefix(root: PrefixNode, path: string, method: string): RouteMatch | null {
  let node: PrefixNode = root;
  // Offset of the "/" before the next segment; -1 = the path has ended at this node.
  let at = path.charCodeAt(0) === 0x2f ? 0 : -1;
  while (node.children !== null && at >= 0) {
    const slash = path.indexOf("/", at + 1);
    const child = node.children.get(slash < 0 ? path.slice(at + 1) : path.slice(at + 1, slash));
    if (!child) break;
    node = child;
    at = slash;
  }
  let more = at >= 0;
  for (let up: PrefixNode | null = node; up; up = up.parent) {
    if (more && up.below) {
      const match = firstFor(up.below, method);
      if (match) return match;
    }
    if (up.here) {
      const match = firstFor(up.here, method);
      if (match) return match;
    }
    more = true;
  }
  return null;
}

function firstFor(entries: readonly Entry[], method: string): RouteMatch | null {
  for (const entry of entries) if (takes(entry, method)) return entry.match;
  return null;
}

function takes(entry: Entry, method: string): boolean {
  return entry.methods === null || entry.methods.includes(method);
}
