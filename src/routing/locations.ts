// Which location a path belongs to. On each level: the exact one; else the longest prefix and, unless that is final
// ("^~"), the first pattern that matches, in order of the file. The levels are asked from the inside out: what is
// within the longest prefix first, then the patterns beside it. Patterns match first and are looked into afterwards.
// Two facts of nginx that surprise: of the locations within a pattern only patterns are ever reached; and a path that
// lacks the slash of a location ("/a" for "/a/") is sent there, where that location says so and no other has this very
// name, before any pattern is asked.
// Exact locations are one look-up; prefixes are a radix tree, so time goes by the length of the path, not by their
// number. Only patterns cost time by their number. Answers without captures are made once, at load.
import type { LocationConfig, LocationMatch } from "../config/servers.ts";
import type { CompiledPattern, CompilePattern, PatternMatch } from "./pattern.ts";

/** What a path was found to belong to. */
export interface LocationFound<T> {
  /** null = no location: the server's own settings hold. */
  readonly location: T | null;
  /** The path lacks the slash at the end: the client is sent to the location's own path. */
  readonly redirect: boolean;
  /** What the location's pattern captured; null = it is no pattern. */
  readonly pattern: PatternMatch | null;
}

interface Outcome<T> extends LocationFound<T> {
  /** No pattern further out is asked. */
  readonly decided: boolean;
}

/** The locations of one server. */
export interface LocationTree<T> {
  readonly level: Level<T>;
  /** "@name" → location. */
  readonly named: ReadonlyMap<string, T>;
}

/** Locations beside one another. */
interface Level<T> {
  /** By path; where a path is only sent on, that is here, too. */
  readonly exact: ReadonlyMap<string, Outcome<T>>;
  readonly prefixes: PrefixNode<T>;
  readonly patterns: readonly PatternLocation<T>[];
}

interface PrefixLocation<T> {
  readonly found: Outcome<T>;
  readonly final: boolean;
  /** null = nothing is nested. */
  readonly inner: Level<T> | null;
}

interface PatternLocation<T> {
  readonly location: T;
  readonly pattern: CompiledPattern;
  readonly inner: readonly PatternLocation<T>[];
}

/** A piece of path common to all prefixes below. Children begin with different characters. */
interface PrefixNode<T> {
  label: string;
  location: PrefixLocation<T> | null;
  children: Map<number, PrefixNode<T>> | null;
}

type Make<T> = (config: LocationConfig) => T;
type PathMatch = Extract<LocationMatch, { readonly path: string }>;

/** Compiles the locations of a server; `make` is called once for each that can be reached. */
export function compileLocations<T>(
  configs: readonly LocationConfig[],
  make: Make<T>,
  compile: CompilePattern,
): LocationTree<T> {
  const named = new Map<string, T>();
  for (const config of configs) if (config.match.kind === "named") named.set(config.match.name, make(config));
  return { level: compileLevel(configs, make, compile), named };
}

function compileLevel<T>(configs: readonly LocationConfig[], make: Make<T>, compile: CompilePattern): Level<T> {
  const exact = new Map<string, Outcome<T>>();
  const prefixes = new Map<string, T>();
  const root: PrefixNode<T> = { label: "", location: null, children: null };
  const bare: string[] = [];
  for (const config of configs) {
    const { match, locations } = config;
    if (!hasPath(match)) continue;
    const location = make(config);
    const found: Outcome<T> = { location, redirect: false, pattern: null, decided: match.kind === "exact" };
    if (match.kind === "exact") exact.set(match.path, found);
    else {
      prefixes.set(match.path, location);
      const inner = locations.length > 0 ? compileLevel(locations, make, compile) : null;
      insertPrefix(root, match.path, { found, final: match.final, inner });
    }
    if (match.redirectBare && match.path.endsWith("/")) bare.push(match.path);
  }
  for (const path of bare) {
    const name = path.slice(0, -1);
    if (exact.has(name) || prefixes.has(name)) continue;
    // Where there are both, whichever says so, the settings are those of the exact location.
    const location = exact.get(path)?.location ?? prefixes.get(path) ?? null;
    exact.set(name, { location, redirect: true, pattern: null, decided: true });
  }
  return { exact, prefixes: root, patterns: compilePatterns(configs, make, compile) };
}

function compilePatterns<T>(
  configs: readonly LocationConfig[],
  make: Make<T>,
  compile: CompilePattern,
): PatternLocation<T>[] {
  return configs.flatMap((config) => {
    if (config.match.kind !== "pattern") return [];
    const location = make(config);
    const pattern = compile(config.match);
    return [{ location, pattern, inner: compilePatterns(config.locations, make, compile) }];
  });
}

function hasPath(match: LocationMatch): match is PathMatch {
  return match.kind === "exact" || match.kind === "prefix";
}

function insertPrefix<T>(root: PrefixNode<T>, path: string, location: PrefixLocation<T>): void {
  let node = root;
  let at = 0;
  while (at < path.length) {
    const first = path.charCodeAt(at);
    node.children ??= new Map();
    let child = node.children.get(first);
    if (child) {
      const common = commonLength(child.label, path, at);
      if (common < child.label.length) split(child, common);
    } else {
      child = { label: path.slice(at), location: null, children: null };
      node.children.set(first, child);
    }
    node = child;
    at += child.label.length;
  }
  node.location ??= location;
}

/** Leaves `length` characters to the node and moves the rest of it into a child. */
function split<T>(node: PrefixNode<T>, length: number): void {
  const rest: PrefixNode<T> = { ...node, label: node.label.slice(length) };
  node.children = new Map([[rest.label.charCodeAt(0), rest]]);
  node.label = node.label.slice(0, length);
  node.location = null;
}

/** How much of the label stands in the path at `at`; the first character does. */
function commonLength(label: string, path: string, at: number): number {
  let i = 1;
  while (i < label.length && label.charCodeAt(i) === path.charCodeAt(at + i)) i++;
  return i;
}

const NONE: LocationFound<never> = { location: null, redirect: false, pattern: null };

/** The location of a path (decoded, normalised). */
export function findLocation<T>(tree: LocationTree<T>, uri: string): LocationFound<T> {
  return findInLevel(tree.level, uri) ?? NONE;
}

function findInLevel<T>(level: Level<T>, uri: string): Outcome<T> | null {
  if (level.exact.size > 0) {
    const exact = level.exact.get(uri);
    if (exact) return exact;
  }
  const prefix = longestPrefix(level.prefixes, uri);
  const inner = prefix?.inner ? findInLevel(prefix.inner, uri) : null;
  if (inner?.decided) return inner;
  if (level.patterns.length > 0 && !prefix?.final) {
    const found = matchPatterns(level.patterns, uri, null);
    if (found) return found;
  }
  return inner ?? prefix?.found ?? null;
}

function longestPrefix<T>(root: PrefixNode<T>, uri: string): PrefixLocation<T> | null {
  let best = root.location;
  let node: PrefixNode<T> = root;
  let at = 0;
  while (node.children !== null && at < uri.length) {
    const child = node.children.get(uri.charCodeAt(at));
    if (!child || commonLength(child.label, uri, at) < child.label.length) break;
    at += child.label.length;
    if (child.location) best = child.location;
    node = child;
  }
  return best;
}

/** `outer`: the match of the pattern that these are within. */
function matchPatterns<T>(
  patterns: readonly PatternLocation<T>[],
  uri: string,
  outer: PatternMatch | null,
): Outcome<T> | null {
  for (const { location, pattern, inner } of patterns) {
    const captures = pattern.regex.exec(uri);
    if (!captures) continue;
    const match: PatternMatch = { captures, pattern, outer };
    const within = inner.length > 0 ? matchPatterns(inner, uri, match) : null;
    return within ?? { location, redirect: false, pattern: match, decided: true };
  }
  return null;
}
