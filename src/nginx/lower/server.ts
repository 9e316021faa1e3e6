// A server block: its names, where it listens, how it reads heads, its rewrite program and its locations.
import { plainNameText } from "../../config/server-name.ts";
import type { ServerConfig, ServerName } from "../../config/servers.ts";
import { positionAt } from "../source.ts";
import type { Arg, Directive } from "../tree.ts";
import { listenOf } from "./listen.ts";
import { locationsOf } from "./location.ts";
import type { Lowering, LowerOptions } from "./lowering.ts";
import { hostName, nameKeys } from "./names.ts";
import { patternOf } from "./patterns.ts";
import { headRulesOf } from "./request.ts";
import { rewriteOf } from "./rewrite.ts";
import type { Scope } from "./scope.ts";
import { settingsOf } from "./settings.ts";
import { serverTlsOf } from "./tls-server.ts";

/** One server; its `listen` directives were read before, together with those of the others. */
export function serverOf(scope: Scope, lowering: Lowering): ServerConfig {
  const { directive } = scope;
  return {
    name: firstName(scope, lowering),
    names: namesOf(scope, lowering),
    listen: listenOf(scope, lowering),
    head: headRulesOf(scope),
    tls: serverTlsOf(scope, lowering),
    rewrite: rewriteOf(scope, (inner) => settingsOf(inner, lowering)),
    settings: settingsOf(scope, lowering),
    locations: locationsOf(scope, lowering),
    ...(directive ? { position: positionAt(directive.source, directive.head.start) } : {}),
  };
}

/** What $server_name says: the first name, ".a" without its dot, a pattern with its "~". */
function firstName(scope: Scope, { options }: Lowering): string {
  const first = scope.own("server_name")[0]?.args[0]?.value ?? "";
  if (first.startsWith("~")) return first;
  if (first.toLowerCase() === "$hostname") return hostNameOf(options).toLowerCase();
  return first.toLowerCase().replace(/^\./, "");
}

function hostNameOf({ hostName = "localhost" }: LowerOptions): string {
  return hostName;
}

function namesOf(scope: Scope, lowering: Lowering): ServerName[] {
  const { options } = lowering;
  const directives = scope.own("server_name");
  if (directives.length === 0) return [{ kind: "exact", name: "" }];
  const names: ServerName[] = [];
  for (const directive of directives)
    for (const arg of directive.args) {
      const value = arg.value.toLowerCase() === "$hostname" ? hostNameOf(options) : arg.value;
      const isInvalid = /^\*(?:.?$|[^.])|^\.$/s.test(value);
      if (isInvalid) scope.problems.complain(directive, `server name "${value}" is invalid`, arg);
      if (value.includes("/")) {
        const facts = { severity: "warning" } as const;
        scope.problems.complain(directive, `server name "${value}" has suspicious symbols`, arg, facts);
      }
      if (value === "~") scope.problems.complain(directive, `empty regex in server name "${value}"`, arg);
      else if (value.startsWith("~")) {
        // Names are compared in lower case; a pattern with capitals in it would never match.
        const regex = patternOf(scope, directive, value.slice(1), /[A-Z]/.test(value), arg);
        names.push({ kind: "pattern", ...regex });
      } else {
        const name = hostName(value);
        if (name) names.push(name);
        else if (!isInvalid) complainWildcard(scope, directive, arg, lowering);
      }
    }
  return names;
}

/** nginx looks names up only where several servers listen, and notices there. */
function complainWildcard(scope: Scope, directive: Directive, arg: Arg, { listening }: Lowering): void {
  const shared = [...listening.values()].find(({ servers }) => servers.includes(scope) && servers.length > 1);
  const text = `invalid server name or wildcard "${arg.value}" on ${shared?.text}`;
  if (shared) scope.problems.complain(directive, text, arg, { placeless: true });
}

/** Names that several servers of one address have: the first of them gets the requests. */
export function complainConflicts(
  { listening, http }: Lowering,
  names: ReadonlyMap<Scope, readonly ServerName[]>,
): void {
  for (const { text, servers } of listening.values()) {
    const seen = new Set<string>();
    for (const scope of servers)
      for (const name of servers.length > 1 ? (names.get(scope) ?? []) : []) {
        // Two patterns are never the same name.
        if (name.kind === "pattern") continue;
        const keys = nameKeys(name);
        const directive = scope.own("server_name")[0] ?? scope.directive;
        const told = `conflicting server name "${plainNameText(name)}" on ${text}, ignored`;
        const facts = { severity: "warning", placeless: true } as const;
        if (directive && keys.some((key) => seen.has(key))) http.problems.complain(directive, told, undefined, facts);
        for (const key of keys) seen.add(key);
      }
  }
}
