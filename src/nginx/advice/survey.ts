// A configuration laid out for rules: every block with what holds in it, the groups of upstreams, and every proxy_pass
// with its target taken apart. What an `include` that cannot be read would have said is unknown, and so is what
// stands around a file that was checked by itself: `isKnown` tells where a rule may speak of what is not there.
import { isPattern } from "../glob.ts";
import type { Inclusion, NginxConfiguration } from "../load.ts";
import {
  argOf,
  blockScope,
  mainScope,
  outwards,
  problemCollector,
  type Scope,
  type ScopeKind,
} from "../lower/scope.ts";
import type { Source } from "../source.ts";
import type { Directive } from "../tree.ts";
import { type Proxied, proxiesOf } from "./proxies.ts";

export interface Survey {
  readonly main: Scope;
  readonly http: Scope | null;
  /** http and every block in it but those of upstreams, outer ones first. */
  readonly scopes: readonly Scope[];
  readonly servers: readonly Scope[];
  readonly groups: ReadonlyMap<string, Scope>;
  readonly proxies: readonly Proxied[];
  /** The directives of a block's own blocks of a kind. */
  readonly inner: (scope: Scope, kind: ScopeKind) => readonly Scope[];
  /** Whether all that holds in a block is known. */
  readonly isKnown: (scope: Scope) => boolean;
  /** Whether the block stands in a file of the user's. */
  readonly isWritten: (scope: Scope) => boolean;
  readonly inclusionOf: (directive: Directive) => Inclusion;
}

/** What stands in blocks, by what they stand in. */
const INNER: Readonly<Partial<Record<ScopeKind, readonly (readonly [name: string, kind: ScopeKind])[]>>> = {
  http: [["server", "server"]],
  server: [
    ["location", "location"],
    ["if", "server if"],
  ],
  location: [
    ["location", "location"],
    ["if", "if"],
    ["limit_except", "limit_except"],
  ],
};

/** Lays a configuration out. `isPart`: it is one file of a configuration that nobody has read. */
export function surveyOf(configuration: NginxConfiguration, isPart: boolean): Survey {
  const { main: file, commandLine, files } = configuration;
  const collector = problemCollector(file);
  const main = mainScope(commandLine ? [commandLine, file] : [file], collector);
  const block = main.own("http")[0];
  const http = block ? blockScope(main, "http", block) : null;
  const byParent = new Map<Scope, Scope[]>();
  const scopes = http ? [...allBelow(http, byParent)] : [];
  const written = new Set<Source>(files.map(({ source }) => source));
  const gaps = new Map<Scope, boolean>();
  const hasOwnGap = (scope: Scope): boolean => {
    const known = gaps.get(scope);
    if (known !== undefined) return known;
    const { directive } = scope;
    const gap = directive
      ? hasGap(directive.block?.directives ?? [], collector.inclusionOf(directive))
      : hasGap(file.file.directives, file);
    gaps.set(scope, gap);
    return gap;
  };
  const groups = new Map<string, Scope>();
  if (http)
    for (const directive of http.own("upstream"))
      groups.set(argOf(directive).toLowerCase(), blockScope(http, "upstream", directive));
  return {
    main,
    http,
    scopes,
    servers: scopes.filter(({ kind }) => kind === "server"),
    groups,
    proxies: proxiesOf(scopes, groups),
    inner: (scope, kind) => (byParent.get(scope) ?? []).filter((each) => each.kind === kind),
    isKnown: (scope) => !isPart && ![...outwards(scope)].some(hasOwnGap),
    isWritten: ({ directive }) => directive !== null && written.has(directive.source),
    inclusionOf: collector.inclusionOf,
  };
}

function* allBelow(scope: Scope, byParent: Map<Scope, Scope[]>): Generator<Scope> {
  yield scope;
  const inner: Scope[] = [];
  byParent.set(scope, inner);
  const kinds = new Map(INNER[scope.kind]);
  for (const directive of scope.directives) {
    const kind = kinds.get(directive.name);
    if (kind === undefined || !directive.block) continue;
    const block = blockScope(scope, kind, directive);
    inner.push(block);
    yield* allBelow(block, byParent);
  }
}

/** Whether a file is missing that these directives, and not the blocks among them, would have included. */
function hasGap(directives: readonly Directive[], inclusion: Inclusion): boolean {
  return directives.some((directive) => {
    if (directive.name !== "include") return false;
    const included = inclusion.included.get(directive) ?? [];
    if (included.length === 0) return !isPattern(argOf(directive));
    return included.some((inner) => hasGap(inner.file.directives, inner));
  });
}
