// A block of a configuration and what holds in it: its own directives by name (those of included files in the place
// of each include), and those of the blocks around it. nginx inherits in two ways, and every setting is one of them:
// `last` is the nearest block's single directive; `all` are the directives of the nearest block that has any.
// Values that check.ts has found wrong already give the default here, so that one run tells of all mistakes.
import type { Bytes, Ms } from "../../std/units.ts";
import { expand, type Inclusion, inNginxOrder } from "../load.ts";
import { makeProblem, type NginxProblem, type ProblemFacts } from "../problem.ts";
import type { Arg, Directive } from "../tree.ts";
import { parseBuffers, parseFlag, parseNumber, parseOffset, parseSeconds, parseTime } from "../units.ts";

/** What kind of block. "if" is one in a location, "server if" one in a server. */
export type ScopeKind = "main" | "http" | "server" | "location" | "if" | "server if" | "limit_except" | "upstream";

export interface Scope {
  readonly kind: ScopeKind;
  /** The directive whose block it is; null for main. */
  readonly directive: Directive | null;
  readonly parent: Scope | null;
  /** All directives of this block, in order. */
  readonly directives: readonly Directive[];
  readonly problems: ProblemCollector;
  readonly variables: VariableNames;
  /** Those of this block, in order. */
  own(name: string): readonly Directive[];
  /** That of the nearest block that has one; of several there the last. */
  last(name: string): Directive | undefined;
  /** Those of the nearest block that has any. */
  all(name: string): readonly Directive[];
}

/** Names of variables in this configuration: nginx refuses those that are used and never defined. */
export interface VariableNames {
  /** Each with the directive that uses it first. */
  readonly used: Map<string, Directive>;
  /** Each with what it is before it has a value: "" or not there; "made" = it is always made from others. */
  readonly defined: Map<string, "empty" | "not-found" | "made">;
}

/** What differs from an error at the directive. `placeless`: nginx names no line for it. */
export type ComplaintFacts = Partial<ProblemFacts> & { readonly placeless?: true };

/** Gathers what is wrong, in the words of nginx where it has some. */
export interface ProblemCollector {
  /** An error (or what `facts` says) about a directive, or one of its arguments. */
  complain(directive: Directive, text: string, arg?: Arg | undefined, facts?: ComplaintFacts): void;
  /** In nginx's order, each once. */
  all(): readonly NginxProblem[];
  /** Notes in which file (and by which include) a directive stands. */
  place(directive: Directive, inclusion: Inclusion): void;
  inclusionOf(directive: Directive): Inclusion;
}

/** A collector for one configuration. */
export function problemCollector(main: Inclusion): ProblemCollector {
  const found: { readonly problem: NginxProblem; readonly inclusion: Inclusion }[] = [];
  const places = new Map<Directive, Inclusion>();
  const seen = new Set<string>();
  const inclusionOf = (directive: Directive) => places.get(directive) ?? main;
  return {
    complain(directive, text, arg, { placeless, ...facts } = {}) {
      const { source, head, endsAt } = directive;
      const { start, raw } = arg ?? head;
      const length = Math.max(1, raw.length);
      const made = makeProblem({ kind: "directive", source, text, noticedAt: endsAt, at: start, length, ...facts });
      // What nginx names no line for it notices when it has read everything.
      const problem = placeless ? { ...made, placeless, order: Number.MAX_SAFE_INTEGER } : made;
      const key = `${source.path}:${start}:${text}`;
      if (!seen.has(key)) found.push({ problem, inclusion: placeless ? main : inclusionOf(directive) });
      seen.add(key);
    },
    all: () => inNginxOrder(found).map(({ problem }) => problem),
    place: (directive, inclusion) => void places.set(directive, inclusion),
    inclusionOf,
  };
}

/** The main context: the directives of -g and of the main file. */
export function mainScope(inclusions: readonly Inclusion[], problems: ProblemCollector): Scope {
  const directives = inclusions.flatMap((inclusion) => placed(inclusion.file.directives, inclusion, problems));
  const variables: VariableNames = { used: new Map(), defined: new Map() };
  return scopeOf({ kind: "main", directive: null, parent: null, directives, problems, variables });
}

/** The block of a directive of `parent`. */
export function blockScope(parent: Scope, kind: ScopeKind, directive: Directive): Scope {
  const { problems, variables } = parent;
  const inner = directive.block?.directives ?? [];
  const directives = placed(inner, problems.inclusionOf(directive), problems);
  return scopeOf({ kind, directive, parent, directives, problems, variables });
}

function placed(directives: readonly Directive[], at: Inclusion, problems: ProblemCollector): Directive[] {
  return [...expand(directives, at)].map(({ directive, inclusion }) => {
    problems.place(directive, inclusion);
    return directive;
  });
}

function scopeOf(block: Omit<Scope, "own" | "last" | "all">): Scope {
  const { directives, parent } = block;
  const byName = new Map<string, Directive[]>();
  for (const each of directives) {
    const known = byName.get(each.name);
    if (known) known.push(each);
    else byName.set(each.name, [each]);
  }
  const own = (name: string): readonly Directive[] => byName.get(name) ?? NONE;
  const all = (name: string): readonly Directive[] => byName.get(name) ?? parent?.all(name) ?? NONE;
  return { ...block, own, all, last: (name) => all(name).at(-1) };
}

const NONE: readonly Directive[] = [];

/** The blocks from this one outwards. */
export function* outwards(scope: Scope): Generator<Scope> {
  for (let at: Scope | null = scope; at; at = at.parent) yield at;
}

/** The block around it that is of one of these kinds (or itself). */
export function enclosing(scope: Scope, kind: ScopeKind): Scope | undefined {
  for (const at of outwards(scope)) if (at.kind === kind) return at;
  return undefined;
}

/** The value of an argument; "" where there is none. */
export function argOf(directive: Directive | undefined, index = 0): string {
  return directive?.args[index]?.value ?? "";
}

/** Values of all arguments from one on. */
export function argsOf(directive: Directive | undefined, from = 0): string[] {
  return (directive?.args ?? []).slice(from).map(({ value }) => value);
}

/** on or off. */
export function flagOf(scope: Scope, name: string, fallback: boolean): boolean {
  return read(scope, name, parseFlag, fallback);
}

/** A time. */
export function msOf(scope: Scope, name: string, fallback: Ms): Ms {
  return read(scope, name, parseTime, fallback);
}

/** A time of whole seconds, in milliseconds. */
export function secondsMsOf(scope: Scope, name: string, fallback: Ms): Ms {
  const value = parseSeconds(argOf(scope.last(name)));
  return value === undefined ? fallback : value * 1000;
}

/** A size or an offset. */
export function bytesOf(scope: Scope, name: string, fallback: Bytes): Bytes {
  return read(scope, name, parseOffset, fallback);
}

/** A whole number. */
export function numberOf(scope: Scope, name: string, fallback: number): number {
  return read(scope, name, parseNumber, fallback);
}

/** How many buffers, and how large each. */
export function buffersOf(
  scope: Scope,
  name: string,
  fallback: { readonly count: number; readonly bytes: Bytes },
): { readonly count: number; readonly bytes: Bytes } {
  const directive = scope.last(name);
  return (directive && parseBuffers(argOf(directive), argOf(directive, 1))) ?? fallback;
}

/** The first argument as it stands. */
export function wordOf(scope: Scope, name: string, fallback: string): string {
  return scope.last(name)?.args[0]?.value ?? fallback;
}

/** The first argument, one of the words; case does not count. */
export function oneOf<T extends string>(scope: Scope, name: string, words: readonly T[], fallback: T): T {
  const given = scope.last(name)?.args[0]?.value.toLowerCase();
  return words.find((word) => word.toLowerCase() === given) ?? fallback;
}

/** All words of a directive that may stand several times in a block, lower case. */
export function wordsOf(scope: Scope, name: string): string[] {
  return scope.all(name).flatMap((directive) => argsOf(directive).map((word) => word.toLowerCase()));
}

function read<T>(scope: Scope, name: string, parse: (text: string) => T | undefined, fallback: T): T {
  const text = scope.last(name)?.args[0]?.value;
  return text === undefined ? fallback : (parse(text) ?? fallback);
}
