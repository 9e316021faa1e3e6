// Where an httpd.conf forwards to: a server named by its URL, or a balancer with its members, with what is sent to it.
// Certificates are not verified unless SSLProxyVerify says so; the name is that of the URL, or of the request where
// ProxyPreserveHost is on.
import type { TimerId } from "../../timeouts/model.ts";
import { apacheTime } from "../durations.ts";
import type { ConfiguredTimer, Member, Pool } from "../model.ts";
import { isAddress, spotOf } from "../reader.ts";
import { type Forward, isVariable, parametersOf, type Target, targetOf } from "./forwards.ts";
import type { Directive } from "./parse.ts";
import { flag, holding, named } from "./sites.ts";

const SCHEMES: Readonly<Record<string, Pool["scheme"]>> = {
  http: "http",
  ws: "http",
  https: "https",
  wss: "https",
  h2: "https",
  h2c: "h2c",
  fcgi: "fastcgi",
  uwsgi: "uwsgi",
};
const PORTS: Readonly<Record<string, number>> = {
  http: 80,
  ws: 80,
  h2c: 80,
  https: 443,
  wss: 443,
  h2: 443,
  fcgi: 8000,
  ajp: 8009,
  uwsgi: 3031,
  scgi: 4000,
};

/** The members of a balancer, and its parameters. */
export interface Balancer {
  readonly section: Directive | null;
  readonly members: readonly {
    readonly directive: Directive;
    readonly target: Target;
    readonly parameters: ReadonlyMap<string, string>;
  }[];
  readonly parameters: ReadonlyMap<string, string>;
}

/** What is said of a balancer anywhere in these scopes. */
export function balancerOf(name: string, scopes: Forward["scopes"]): Balancer {
  const wanted = `balancer://${name}`.toLowerCase();
  const isIt = (url: string | undefined) => (url ?? "").replace(/\/+$/, "").toLowerCase() === wanted;
  const sections = scopes.flatMap((scope) =>
    scope.filter((each) => each.inner && /^proxy$/i.test(each.name) && isIt(each.args[0])),
  );
  const inner = sections.flatMap((section) => [...(section.inner ?? [])]);
  const outside = scopes.flatMap((scope) => named(scope, "BalancerMember").filter(({ args }) => isIt(args[0])));
  const members = [
    ...named(inner, "BalancerMember").map((directive) => ({ directive, words: directive.args })),
    ...outside.map((directive) => ({ directive, words: directive.args.slice(1) })),
  ].map(({ directive, words: [url = "", ...rest] }) => ({
    directive,
    target: targetOf(url),
    parameters: parametersOf(rest),
  }));
  const parameters = new Map(named(inner, "ProxySet").flatMap(({ args }) => [...parametersOf(args)]));
  return { section: sections[0] ?? null, members, parameters };
}

/** The pool of a forward; its name is made unique by whoever collects them. */
export function poolOf(forward: Forward, target: Target): Pool {
  const balancer = target.scheme === "balancer" ? balancerOf(target.authority, forward.scopes) : null;
  const first = balancer ? balancer.members[0]?.target : target;
  const scopes = [...forward.scopes, ...proxySections(forward, target)];
  const scheme = first ? (SCHEMES[first.scheme] ?? "tcp") : "http";
  const preserves = flag(scopes, "ProxyPreserveHost") === true;
  const isTls = scheme === "https";
  const parameters = new Map([
    ...(balancer?.members[0]?.parameters ?? []),
    ...(balancer?.parameters ?? []),
    ...forward.parameters,
  ]);
  const name = target.authority === "" || target.socket !== null ? (target.socket ?? target.text) : target.authority;
  return {
    name,
    scheme,
    members: balancer ? balancer.members.map(memberOf) : [singleMember(forward, target)],
    host: preserves || scheme === "fastcgi" || scheme === "uwsgi" ? "client" : "member",
    serverName: !isTls ? null : preserves ? "client" : first && isAddress(hostOf(first)) ? null : "member",
    verify: isTls ? /^require$/i.test(holding(scopes, "SSLProxyVerify")?.args[0] ?? "none") : null,
    caFile: isTls ? (holding(scopes, "SSLProxyCACertificateFile")?.args[0] ?? null) : null,
    httpVersion: versionOf(first, scopes),
    reuses: reuses(forward, scheme, parameters, scopes),
    health: healthOf(parameters, balancer?.members[0]?.directive ?? forward.directive),
    timers: timersOf(forward, parameters, scopes, balancer?.members[0]?.directive ?? forward.directive),
    at: balancer?.section?.at ?? forward.at,
  };
}

/** <Proxy> sections for this very URL have settings of their own. */
function proxySections({ scopes }: Forward, target: Target): readonly (readonly Directive[])[] {
  return scopes.flatMap((scope) =>
    scope.flatMap(({ name, args, inner }) =>
      inner &&
      /^proxy$/i.test(name) &&
      (args[0] === "*" || target.text.startsWith((args[0] ?? "\u0000").replace(/\*$/, "")))
        ? [inner]
        : [],
    ),
  );
}

/** The host of a URL. */
export function hostOf({ authority }: Target): string {
  return authority
    .replace(/^[^@]*@/, "")
    .replace(/:\d+$/, "")
    .replace(/^\[|\]$/g, "");
}

/** Where a target is. */
export function spotOfTarget(target: Target): Member["spot"] {
  if (isVariable(target)) return null;
  if (target.socket !== null) return spotOf(`unix:${target.socket}`, null);
  return spotOf(target.authority.replace(/^[^@]*@/, ""), PORTS[target.scheme] ?? null);
}

function singleMember({ directive }: Forward, target: Target): Member {
  const text = target.socket !== null ? `unix:${target.socket}` : target.authority;
  return { text, spot: spotOfTarget(target), backup: false, down: false, at: directive.places.at(-1) ?? directive.at };
}

function memberOf({ directive, target, parameters }: Balancer["members"][number]): Member {
  const status = parameters.get("status") ?? "";
  return {
    text: target.socket !== null ? `unix:${target.socket}` : target.authority,
    spot: spotOfTarget(target),
    backup: /^\+?[^-]*[HR]/i.test(status),
    down: /^\+?[^-]*[DS]/i.test(status),
    at: directive.at,
  };
}

function versionOf(target: Target | undefined, scopes: Forward["scopes"]): Pool["httpVersion"] {
  if (!target || /^(?:fcgi|uwsgi|scgi|ajp)$/.test(target.scheme)) return null;
  if (/^h2c?$/.test(target.scheme)) return "2";
  return isSet(scopes, "force-proxy-request-1.0") ? "1.0" : "1.1";
}

function isSet(scopes: Forward["scopes"], name: string): boolean {
  return scopes.some((scope) => named(scope, "SetEnv").some(({ args }) => args[0] === name && args[1] !== "0"));
}

/** RewriteRule goes through a worker without a pool; FastCGI reuses only when asked. */
function reuses(
  { kind }: Forward,
  scheme: Pool["scheme"],
  parameters: ReadonlyMap<string, string>,
  scopes: Forward["scopes"],
): boolean {
  if (/^on$/i.test(parameters.get("disablereuse") ?? "") || /^off$/i.test(parameters.get("enablereuse") ?? ""))
    return false;
  if (/^on$/i.test(parameters.get("enablereuse") ?? "")) return true;
  if (kind === "RewriteRule" || isSet(scopes, "proxy-nokeepalive")) return false;
  return scheme === "http" || scheme === "https" || scheme === "h2c" || scheme === "tcp";
}

function healthOf(parameters: ReadonlyMap<string, string>, { at }: Directive): Pool["health"] {
  if (!parameters.has("hcmethod")) return null;
  return { path: parameters.get("hcuri") ?? null, host: null, at };
}

/** Parameters in front of ProxyTimeout, that in front of Timeout. */
function timersOf(
  { directive }: Forward,
  parameters: ReadonlyMap<string, string>,
  scopes: Forward["scopes"],
  member: Directive,
): ConfiguredTimer[] {
  const written = (
    setting: string,
  ): { readonly setting: string; readonly text: string; readonly at: Pool["at"] } | null => {
    const text = parameters.get(setting);
    if (text === undefined) return null;
    const from = [member, directive].find(({ args }) =>
      args.some((arg) => arg.toLowerCase().startsWith(`${setting}=`)),
    );
    const index = from?.args.findIndex((arg) => arg.toLowerCase().startsWith(`${setting}=`)) ?? -1;
    return { setting, text, at: from?.places[index] ?? directive.at };
  };
  const said = (name: string) => {
    const found = holding(scopes, name);
    return found?.args[0] === undefined ? null : { setting: name, text: found.args[0], at: found.at };
  };
  const response = written("timeout") ?? said("ProxyTimeout") ?? said("Timeout");
  const connect = written("connectiontimeout") ?? written("timeout");
  const list: readonly (readonly [TimerId, typeof response])[] = [
    ["connect", connect],
    ["response", response],
    ["upstream-idle", written("ttl")],
  ];
  return list.flatMap(([id, found]) => {
    const value = found ? apacheTime(found.text) : undefined;
    return found && value !== undefined ? [{ id, value, ...found }] : [];
  });
}
