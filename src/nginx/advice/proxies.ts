// Every proxy_pass with its target taken apart, and what is sent to it. A target with variables has the values that
// `set` and `map` of this configuration can give them, as far as those are constant.
import { argOf, argsOf, enclosing, type Scope } from "../lower/scope.ts";
import { partsOf } from "../lower/text.ts";
import { parseUpstreamUrl, type UpstreamUrl } from "../lower/upstream-url.ts";
import { type Arg, type Directive, walk } from "../tree.ts";

export interface Proxied {
  readonly scope: Scope;
  readonly directive: Directive;
  readonly arg: Arg;
  /** null = variables decide. */
  readonly scheme: "http" | "https" | null;
  /** Behind the scheme, before the path. */
  readonly authority: string;
  /** Behind the host: from the first slash on, or the variable that has one; "" = nothing. */
  readonly uri: string;
  readonly hasVariables: boolean;
  /** Taken apart; null where there are variables, or nginx refuses it. */
  readonly url: UpstreamUrl | null;
  /** The group that it names. */
  readonly group: Scope | null;
  readonly location: Scope | null;
}

/** All of them, in order. */
export function proxiesOf(scopes: readonly Scope[], groups: ReadonlyMap<string, Scope>): Proxied[] {
  return scopes.flatMap((scope) => {
    const directive = scope.own("proxy_pass")[0];
    const arg = directive?.args[0];
    // "$API_URL" is what envsubst puts in before nginx reads the file.
    return directive && arg && !/\$\{?[A-Z][A-Z0-9_]*\b/.test(arg.value)
      ? [proxyOf(scope, directive, arg, groups)]
      : [];
  });
}

function proxyOf(scope: Scope, directive: Directive, arg: Arg, groups: ReadonlyMap<string, Scope>): Proxied {
  const [, word, rest = arg.value] = /^(https?):\/\/(.*)$/is.exec(arg.value) ?? [];
  const scheme = word === undefined ? null : word.toLowerCase() === "https" ? "https" : "http";
  const hasVariables = arg.value.includes("$");
  const parsed = hasVariables ? "" : parseUpstreamUrl(rest, scheme === "https" ? 443 : 80, true);
  const url = typeof parsed === "string" ? null : parsed;
  const behind = word === undefined ? rest.replace(/^[^/]*:\/\//, "") : rest;
  const slash = behind.startsWith("unix:") ? -1 : behind.search(/[/?]|\$\{?(?:request_uri|uri|document_uri|is_args)\b/);
  const authority = slash === -1 ? behind : behind.slice(0, slash);
  return {
    scope,
    directive,
    arg,
    scheme,
    authority,
    uri: url ? url.uri : slash === -1 ? "" : behind.slice(slash),
    hasVariables,
    url,
    group: groups.get(authority.toLowerCase()) ?? null,
    location: enclosing(scope, "location") ?? null,
  };
}

const MACHINES = /(?:^|[-_./])(?:metrics|health(?:z|check)?|livez|readyz|ping|status|exporter)(?:$|[-_./:\d])/i;

/** Whether visitors see the answers: neither auth_request nor monitoring asks here. */
export function isForVisitors({ scope, location, authority }: Proxied): boolean {
  return (
    scope.last("internal") === undefined &&
    !MACHINES.test(authority) &&
    !MACHINES.test(argsOf(location?.directive ?? undefined).at(-1) ?? "")
  );
}

/** The value that a proxied request has for a header; undefined = none is set. */
export function sentHeader(scope: Scope, name: string): string | undefined {
  const found = scope.all("proxy_set_header").filter((each) => argOf(each).toLowerCase() === name.toLowerCase());
  // An empty value adds nothing, and takes nothing away.
  const values = found.map((each) => argOf(each, 1));
  return values.findLast((value) => value !== "") ?? values[0];
}

/** Names of the variables in a value. */
export function variablesIn(value: string): string[] {
  return partsOf(value).parts.flatMap((part) => ("variable" in part ? [part.variable] : []));
}

/** Each value that `set` and `map` give a variable where this block stands; null = others than constants may come. */
export function valuesOf(scope: Scope, name: string, depth = 0): readonly string[] | null {
  if (depth > 4) return null;
  const server = enclosing(scope, "server");
  const http = enclosing(scope, "http");
  const given = [
    ...(server ? (setsOf(server).get(name) ?? []) : []),
    ...(http?.own("map") ?? []).flatMap((map) => (argOf(map, 1) === `$${name}` ? valuesOfMap(map) : [])),
  ];
  if (given.length === 0) return null;
  const values: string[] = [];
  for (const value of given) {
    const inner = variablesIn(value);
    if (inner.length === 0) values.push(value);
    else if (inner.length === 1 && value === `$${inner[0]}`) {
      const more = valuesOf(scope, inner[0]!, depth + 1);
      if (!more) return null;
      values.push(...more);
    } else return null;
  }
  return values;
}

const setsByServer = new WeakMap<Scope, ReadonlyMap<string, readonly string[]>>();

/** What `set` says of each variable within a server. */
function setsOf(server: Scope): ReadonlyMap<string, readonly string[]> {
  const known = setsByServer.get(server);
  if (known) return known;
  const sets = new Map<string, string[]>();
  for (const each of walk(server.directives)) {
    if (each.name !== "set") continue;
    const name = argOf(each).slice(1).toLowerCase();
    const values = sets.get(name) ?? [];
    sets.set(name, [...new Set([...values, argOf(each, 1)])]);
  }
  setsByServer.set(server, sets);
  return sets;
}

function valuesOfMap({ block }: Directive): string[] {
  const options = new Set(["hostnames", "volatile", "include"]);
  return (block?.directives ?? []).flatMap((line) => (options.has(line.name) ? [] : argsOf(line).slice(0, 1)));
}

/** The values of a text with variables; null = they cannot be told. */
export function expansions(scope: Scope, value: string): readonly string[] | null {
  let all: readonly string[] = [""];
  for (const part of partsOf(value).parts) {
    const next = "text" in part ? [part.text] : valuesOf(scope, part.variable);
    if (!next || all.length * next.length > 100) return null;
    all = all.flatMap((before) => next.map((each) => before + each));
  }
  return all;
}

/** A name that stands for no machine by itself: "app.example.com" has a dot, "app" is one of a private network. */
export function isPublicName(host: string): boolean {
  const name = host.toLowerCase();
  if (!/^[a-z0-9.-]+\.[a-z]{2,}$/.test(name)) return false;
  return !/\.(?:local|localhost|internal|lan|home|corp|private|intranet|svc|cluster|test|invalid|arpa|docker)$/.test(
    name,
  );
}

/** Whether it is a name that DNS has to be asked for. */
export function isDnsName(url: UpstreamUrl): boolean {
  return url.isName && !/^localhost$/i.test(url.host) && !/^(?:host|gateway)\.docker\.internal$/i.test(url.host);
}

/** The servers of a group, taken apart. */
export interface GroupServer {
  readonly directive: Directive;
  readonly url: UpstreamUrl;
  readonly isBackup: boolean;
  readonly isDown: boolean;
  readonly resolve: boolean;
  /** As written. */
  readonly maxFails: string | undefined;
}

export function serversOf(group: Scope): GroupServer[] {
  return group.own("server").flatMap((directive) => {
    const url = parseUpstreamUrl(argOf(directive), 80, false);
    if (typeof url === "string" || url.host.includes("$")) return [];
    const words = argsOf(directive, 1);
    return {
      directive,
      url,
      isBackup: words.includes("backup"),
      isDown: words.includes("down"),
      resolve: words.includes("resolve"),
      maxFails: words.find((word) => word.startsWith("max_fails="))?.slice(10),
    };
  });
}

/** The proxies that use a group. */
export function usersOf(proxies: readonly Proxied[], group: Scope): Proxied[] {
  return proxies.filter((each) => each.group === group);
}
