// Locations: what they match, and nginx's rules for locations in locations.
import type { LocationConfig, LocationMatch } from "../../config/servers.ts";
import { shown } from "../byte-text.ts";
import { lineAt } from "../source.ts";
import type { Arg, Directive } from "../tree.ts";
import type { Lowering } from "./lowering.ts";
import { patternOf } from "./patterns.ts";
import { rewriteOf } from "./rewrite.ts";
import { argsOf, blockScope, type Scope } from "./scope.ts";
import { settingsOf } from "./settings.ts";

/** The locations of a server or location, in order. */
export function locationsOf(scope: Scope, lowering: Lowering): LocationConfig[] {
  const directives = scope.own("location");
  complainDuplicates(scope, directives);
  return directives.flatMap((directive) => locationOf(scope, directive, lowering) ?? []);
}

function locationOf(parent: Scope, directive: Directive, lowering: Lowering): LocationConfig | null {
  const match = matchOf(directive);
  if (typeof match === "string") {
    parent.problems.complain(directive, match, directive.args[0]);
    return null;
  }
  if (match.kind === "pattern") patternOf(parent, directive, match.source, match.ignoreCase);
  const misplaced = parent.kind === "location" ? misplacedIn(parent, directive, match) : null;
  if (misplaced !== null) parent.problems.complain(directive, misplaced);
  const scope = blockScope(parent, "location", directive);
  if (match.kind === "named" && scope.own("alias")[0])
    parent.problems.complain(scope.own("alias")[0]!, 'the "alias" directive cannot be used inside the named location');
  return {
    match: withRedirect(match, scope),
    rewrite: rewriteOf(scope, (inner) => settingsOf(inner, lowering)),
    settings: settingsOf(scope, lowering),
    limitExcept: limitExceptOf(scope, lowering),
    locations: locationsOf(scope, lowering),
  };
}

/** A location that hands requests on, and ends with a slash, is asked for without it, too. */
function withRedirect(match: LocationMatch, scope: Scope): LocationMatch {
  if ((match.kind !== "exact" && match.kind !== "prefix") || !match.path.endsWith("/")) return match;
  return { ...match, redirectBare: scope.directives.some(({ name }) => HANDS_ON.test(name)) };
}

const HANDS_ON = /^(?:proxy|fastcgi|uwsgi|scgi|grpc|memcached)_pass$/;

/** What a location matches; a text = what nginx says. */
export function matchOf({ args }: Directive): LocationMatch | string {
  const [first, second] = args;
  if (!first) return { kind: "prefix", path: "", final: false, redirectBare: false };
  const [modifier, name] = second ? [first.value, second.value] : modifierOf(first);
  if (second && !["=", "^~", "~", "~*"].includes(modifier)) return `invalid location modifier "${modifier}"`;
  if (modifier === "~" || modifier === "~*") return { kind: "pattern", source: name, ignoreCase: modifier === "~*" };
  if (modifier === "" && name.startsWith("@")) return { kind: "named", name };
  if (modifier === "=") return { kind: "exact", path: name, redirectBare: false };
  return { kind: "prefix", path: name, final: modifier === "^~", redirectBare: false };
}

/** The modifier and the name of one word: "=/a", "^~/a", "~^/a", "~*^/a". */
function modifierOf({ value }: Arg): readonly [string, string] {
  const modifier = /^(?:=|\^~|~\*|~)?/.exec(value)![0];
  return [modifier, value.slice(modifier.length)];
}

/** The name of a location as nginx keeps it: without its modifier. */
function nameOf(match: LocationMatch): string {
  if (match.kind === "pattern") return match.source;
  return match.kind === "named" ? match.name : match.path;
}

/** What speaks against a location within a location. */
function misplacedIn(parent: Scope, directive: Directive, match: LocationMatch): string | null {
  const outer = matchOf(parent.directive ?? directive);
  if (typeof outer === "string") return null;
  const [name, around] = [nameOf(match), nameOf(outer)];
  if (outer.kind === "exact") return `location "${name}" cannot be inside the exact location "${around}"`;
  if (outer.kind === "named") return `location "${name}" cannot be inside the named location "${around}"`;
  if (match.kind === "named") return `named location "${name}" can be on the server level only`;
  if (match.kind === "pattern" || name.startsWith(around)) return null;
  return `location "${name}" is outside location "${around}"`;
}

/** Exact ones and prefixes stand once each; nginx takes the same pattern twice. */
function complainDuplicates(scope: Scope, directives: readonly Directive[]): void {
  const seen = new Set<string>();
  for (const directive of directives) {
    const match = matchOf(directive);
    if (typeof match === "string" || match.kind === "pattern" || match.kind === "named") continue;
    const key = `${match.kind} ${match.path}`;
    const { source, endsAt } = directive;
    const place = `${shown(source.path)}:${lineAt(source, endsAt)}`;
    const text = `duplicate location "${match.path}" in ${place}`;
    if (seen.has(key)) scope.problems.complain(directive, text, directive.args.at(-1), { placeless: true });
    seen.add(key);
  }
}

const METHODS = [
  ...["GET", "HEAD", "POST", "PUT", "DELETE", "MKCOL", "COPY", "MOVE", "OPTIONS", "PROPFIND", "PROPPATCH"],
  ...["LOCK", "UNLOCK", "PATCH"],
];

function limitExceptOf(scope: Scope, lowering: Lowering): LocationConfig["limitExcept"] {
  const directive = scope.own("limit_except")[0];
  if (!directive) return null;
  for (const arg of directive.args)
    if (!METHODS.includes(arg.value.toUpperCase()))
      scope.problems.complain(directive, `invalid method "${arg.value}"`, arg);
  const inner = blockScope(scope, "limit_except", directive);
  return {
    methods: argsOf(directive).map((method) => method.toUpperCase()),
    settings: settingsOf(inner, lowering),
  };
}
