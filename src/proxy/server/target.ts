// Which upstream a location's requests go to, and with what target: fixed, or made of variables.
import { isIP, isIPv6 } from "node:net";
import type { Address, UpstreamConfig, UpstreamTls } from "../../config/config.ts";
import type { HostsByText, ProxyConfig, ResolverConfig } from "../../config/servers.ts";
import { connectFailure, deadlineFailure, failureOf } from "../../failure/classify.ts";
import type { Failure } from "../../failure/failure.ts";
import type { DnsClient } from "../../net/dns-client.ts";
import { eventTime } from "../../std/clock.ts";
import type { Ms } from "../../std/units.ts";
import type { AdHocTarget } from "../../upstream/ad-hoc-groups.ts";
import type { UpstreamGroup } from "../../upstream/group.ts";
import type { PlanContext, ProxyPlan } from "./plan.ts";
import { proxiedTarget } from "./proxied-request.ts";
import type { ServerRequest } from "./request.ts";

/** Upstreams by name, and those that requests name as they come. */
export interface UpstreamTable {
  get(name: string): UpstreamGroup | undefined;
  /** What upstreams are made from that requests name; made once, at load. */
  template(model: UpstreamConfig, tls: UpstreamTls | null): UpstreamConfig;
  /** An upstream for an address that no configuration names. */
  adHoc(template: UpstreamConfig, target: AdHocTarget): UpstreamGroup;
  /** Who asks for names as a location says. */
  dns(config: ResolverConfig): DnsClient;
}

/** Sets the upstream of an exchange (or what has to be resolved first), and gives the target to ask for. */
export function targetChooser(config: ProxyConfig, context: PlanContext): ProxyPlan["chooseTarget"] {
  const { target } = config;
  if (target.kind === "upstream") {
    const { upstream } = target;
    return (request) => {
      const group = context.upstreams.get(upstream);
      if (!group) throw new Error(`no upstream ${upstream}`);
      request.exchange.group = group;
      return proxiedTarget(request, request.location.proxy!);
    };
  }
  const url = context.compiler.text(target.url);
  const hosts = hostChooser(target.hosts, target.tls, context.upstreams);
  return (request) => {
    const text = url.render(request.subject);
    const parts = readUrl(text);
    if (!parts) return refuse(request, `invalid URL prefix in "${text}"`);
    const { scheme, authority, path } = parts;
    const host = readHost(authority, scheme === "https" ? HTTPS_PORT : HTTP_PORT);
    if (typeof host === "string") return refuse(request, `${host} in upstream "${authority}${path}"`);
    request.proxyScheme = scheme;
    request.proxyAuthority = host.address.kind === "unix" ? "localhost" : host.shown;
    hosts(request, scheme, host);
    if (path === "") return proxiedTarget(request, request.location.proxy!);
    return path.startsWith("?") ? `/${path}` : path;
  };
}

const HTTP_PORT = 80;
const HTTPS_PORT = 443;

/** A host that a request names. */
interface NamedHost {
  readonly address: Address;
  /** What it is looked up by: as written, and with its port. */
  readonly keys: readonly string[];
  /** As written, without the port where it is the scheme's. */
  readonly shown: string;
}

/** Sets the upstream that a host means, or what has to be resolved before there is one; a text = it can be none. */
export function hostChooser(
  { upstreams, model }: HostsByText,
  tls: UpstreamTls | null,
  table: UpstreamTable,
): (request: ServerRequest, scheme: "http" | "https", host: NamedHost) => string | null {
  const templates = { http: table.template(model, null), https: table.template(model, tls) };
  return (request, scheme, { address, keys }) => {
    const { exchange } = request;
    for (const key of keys) {
      const name = Object.hasOwn(upstreams, key) ? upstreams[key]?.[scheme] : undefined;
      if (name === undefined) continue;
      exchange.group = table.get(name)!;
      return null;
    }
    if (address.kind === "tcp" && address.port === 0) return "no port";
    const template = templates[scheme];
    if (address.kind === "unix" || isIP(address.host) !== 0)
      exchange.group = table.adHoc(template, { address, addresses: [] });
    else request.unresolved = { table, template, address };
    return null;
  };
}

/** What a request has to wait for: the addresses of a host that it names. */
export interface Unresolved {
  readonly table: UpstreamTable;
  readonly template: UpstreamConfig;
  readonly address: Extract<Address, { readonly kind: "tcp" }>;
}

/** Sets the upstream of a request whose host has to be resolved, then goes on; where that fails it is answered. */
export function resolveHost(request: ServerRequest, { table, template, address }: Unresolved, then: () => void): void {
  const { exchange, location } = request;
  const { resolver } = location.settings;
  const { host } = address;
  if (!resolver || resolver.servers.length === 0) {
    request.log("error", `no resolver defined to resolve ${host}`);
    const detail = "a host that is made of variables needs a resolver";
    return request.failed(failureOf("dns-not-resolved", { address: host, detail }));
  }
  const startedAt = eventTime();
  const { timeoutMs } = resolver;
  let release: (() => void) | null = null;
  const lookup = table.dns(resolver).lookUp(host, timeoutMs, (result) => {
    if (release) request.releases.splice(request.releases.indexOf(release), 1);
    if (exchange.ended) return;
    try {
      if (!result.ok) return request.failed(notResolved(host, result.code, eventTime() - startedAt, timeoutMs));
      exchange.group = table.adHoc(template, { address, addresses: result.addresses });
      then();
    } catch (error) {
      exchange.client.onInternalError(error);
    }
  });
  if (exchange.group || exchange.ended) return;
  release = () => lookup.cancel();
  request.releases.push(release);
}

function notResolved(host: string, code: string, waitedMs: Ms, deadlineMs: Ms): Failure {
  if (code === "ETIMEOUT") return deadlineFailure("resolve", { address: host, waitedMs, deadlineMs });
  return connectFailure({ code }, "resolve", { address: host, waitedMs });
}

function refuse(request: ServerRequest, detail: string): null {
  request.failed(failureOf("gateway-config-invalid", { detail }));
  return null;
}

/** "host", "host:port", "[v6]:port" or "unix:/path"; a text = what is wrong with it, as nginx says it. */
export function readHost(authority: string, defaultPort: number): NamedHost | string {
  if (authority.startsWith("unix:")) {
    const path = authority.slice("unix:".length);
    return path === ""
      ? "no path in the unix domain socket"
      : { address: { kind: "unix", path }, keys: [authority], shown: authority };
  }
  const [, host = "", portText] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(authority) ?? [];
  if (host === "" || host === "[]") return "no host";
  if (portText !== undefined && !/^0*[1-9]\d{0,4}$/.test(portText)) return "invalid port";
  const port = portText === undefined ? defaultPort : Number(portText);
  if (port > 65_535) return "invalid port";
  const bare = host.replace(/^\[|\]$/g, "");
  if (host.startsWith("[") && !isIPv6(bare)) return "invalid IPv6 address";
  const key = host.toLowerCase();
  return {
    address: { kind: "tcp", host: bare, port },
    keys: portText === undefined ? [key, `${key}:${port}`] : [`${key}:${port}`],
    shown: portText === undefined || port === defaultPort ? host : `${host}:${portText}`,
  };
}

/** "http://host:port/path" or "http://unix:/socket:/path" taken apart; `path` with its query. */
function readUrl(
  url: string,
): { readonly scheme: "http" | "https"; readonly authority: string; readonly path: string } | null {
  const match = /^(https?):\/\//i.exec(url);
  if (!match) return null;
  const scheme = match[1]!.toLowerCase() as "http" | "https";
  const rest = url.slice(match[0].length);
  if (rest.startsWith("unix:")) {
    const colon = rest.indexOf(":", "unix:".length);
    return colon < 0
      ? { scheme, authority: rest, path: "" }
      : { scheme, authority: rest.slice(0, colon), path: rest.slice(colon + 1) };
  }
  const end = rest.search(/[/?]/);
  return end < 0
    ? { scheme, authority: rest, path: "" }
    : { scheme, authority: rest.slice(0, end), path: rest.slice(end) };
}
