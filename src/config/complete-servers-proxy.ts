// Between the proxying of a block as the file has it and as the program has it, in both directions: what the file
// leaves out because it follows from the rest is made here, and what follows from the rest is left out here.
import { isIP } from "node:net";
import type { UpstreamConfig, UpstreamTimeouts, UpstreamTls } from "./config.ts";
import { isSame } from "./forms-record.ts";
import type { FileProxy, FileProxyRequest, FileTimeouts, FileTunnel } from "./schema-servers-proxy.ts";
import type {
  HostsByText,
  LocationMatch,
  ProxyConfig,
  ProxyRedirectRule,
  ProxyRequestRules,
  ProxyTarget,
  ProxyUri,
  Text,
  TunnelConfig,
} from "./servers.ts";
import { HIDDEN, hiddenFields, proxiedFields, TAKEN_AWAY } from "./standards.ts";
import { literalText, plainText } from "./text.ts";

/** Where a block stands. */
export interface Place {
  /** The location that it is, or is in. */
  readonly match: LocationMatch | null;
  readonly upstreams: ReadonlyMap<string, UpstreamConfig>;
  /** What upstreams are like that nobody has configured. */
  readonly model: UpstreamConfig;
}

/** The path that a location takes off; undefined = a pattern, a name, or none. */
export function prefixOf({ match }: Place): string | undefined {
  return match?.kind === "exact" || match?.kind === "prefix" ? match.path : undefined;
}

/** Proxying as the program has it. */
export function proxyOf(file: FileProxy, place: Place): ProxyConfig {
  const { to, url, request, response } = file;
  const upstream = to === null ? place.model : (place.upstreams.get(to) ?? place.model);
  const timeouts = timeoutsOf(file.timeouts, upstream.timeouts);
  const headBytes = response.headBytes ?? upstream.limits.headBytes;
  const target: ProxyTarget =
    url === null
      ? { kind: "upstream", scheme: upstream.tls ? "https" : "http", upstream: to ?? "", uri: uriOf(file.uri, place) }
      : {
          kind: "text",
          url,
          tls: file.tls,
          hosts: hostsOf(
            file.hosts,
            schemesOf(url, file.tls),
            modelOf(place, { tls: null, probes: file.probes, timeouts, headBytes }),
            place,
          ),
        };
  const hostName = file.hostName ?? hostNameOf(target);
  return {
    kind: "proxy",
    target,
    hostName,
    timeouts,
    request: requestOf(request),
    response: {
      ...response,
      headBytes,
      hide: hiddenFields(response),
      redirects: response.redirects ?? redirectsOf(target, hostName, file.uri, place),
    },
    retry: file.retry,
    ignoreClientAbort: file.ignoreClientAbort,
  };
}

/**
 * As the file has it. What follows from the rest is null, unless `base` (what the block has from around) says something
 * else: nothing that is written can take that back.
 */
export function fileProxyOf(config: ProxyConfig, place: Place, base: FileProxy): FileProxy {
  const { target, response } = config;
  const text = target.kind === "text" ? target : null;
  const upstream = target.kind === "upstream" ? (place.upstreams.get(target.upstream) ?? place.model) : place.model;
  const uri = target.kind === "upstream" ? writtenUri(target.uri) : null;
  const redirects = redirectsOf(target, config.hostName, uri, place);
  return {
    to: target.kind === "upstream" ? target.upstream : null,
    url: text?.url ?? null,
    uri,
    hostName: unless(config.hostName === hostNameOf(target), config.hostName),
    timeouts: timeoutsOver(config.timeouts, upstream.timeouts, base.timeouts),
    request: fileRequestOf(config.request),
    response: {
      ...response,
      hide: response.hide.filter((name) => !HIDDEN.includes(name)),
      headBytes: unless(
        base.response.headBytes === null && response.headBytes === upstream.limits.headBytes,
        response.headBytes,
      ),
      redirects: unless(base.response.redirects === null && isSame(response.redirects, redirects), response.redirects),
    },
    retry: config.retry,
    ignoreClientAbort: config.ignoreClientAbort,
    tls: text?.tls ?? null,
    probes: text?.hosts.model.keepalive.probes ?? base.probes,
    hosts:
      text &&
      unless(isSame(text.hosts.upstreams, allHosts(schemesOf(text.url, text.tls), place)), text.hosts.upstreams),
  };
}

function unless<T>(follows: boolean, value: T): T | null {
  return follows ? null : value;
}

/** A tunnel as the program has it. */
export function tunnelOf(file: FileTunnel, place: Place): TunnelConfig {
  const timeouts = timeoutsOf(file.timeouts, place.model.timeouts);
  const model = modelOf(place, { tls: null, probes: file.probes, timeouts, headBytes: file.headBytes });
  return {
    kind: "tunnel",
    to: file.to,
    hosts: hostsOf(file.hosts, { http: true, https: null }, model, place),
    timeouts,
    retry: file.retry,
    bind: file.bind,
  };
}

/** As the file has it. */
export function fileTunnelOf({ to, hosts, timeouts, retry, bind }: TunnelConfig, place: Place): FileTunnel {
  return {
    to,
    hosts: isSame(hosts.upstreams, allHosts({ http: true, https: null }, place)) ? null : hosts.upstreams,
    timeouts: fileTimeoutsOf(timeouts, place.model.timeouts),
    retry,
    bind,
    probes: hosts.model.keepalive.probes,
    headBytes: hosts.model.limits.headBytes,
  };
}

function timeoutsOf(file: FileTimeouts, around: UpstreamTimeouts): UpstreamTimeouts {
  return {
    connectMs: file.connectMs ?? around.connectMs,
    tlsMs: file.tlsMs ?? file.connectMs ?? around.tlsMs,
    sendMs: file.sendMs ?? around.sendMs,
    headMs: file.headMs ?? around.headMs,
    idleBodyMs: file.idleBodyMs ?? file.headMs ?? around.idleBodyMs,
    tunnelIdleMs: file.tunnelIdleMs ?? file.headMs ?? around.tunnelIdleMs,
  };
}

function fileTimeoutsOf(given: UpstreamTimeouts, around: UpstreamTimeouts): FileTimeouts {
  const [connectMs, sendMs, headMs] = (["connectMs", "sendMs", "headMs"] as const).map((name) =>
    given[name] === around[name] ? null : given[name],
  ) as [number | null, number | null, number | null];
  const following = { connectMs, sendMs, headMs, tlsMs: null, idleBodyMs: null, tunnelIdleMs: null };
  const made = timeoutsOf(following, around);
  return {
    ...following,
    tlsMs: made.tlsMs === given.tlsMs ? null : given.tlsMs,
    idleBodyMs: made.idleBodyMs === given.idleBodyMs ? null : given.idleBodyMs,
    tunnelIdleMs: made.tunnelIdleMs === given.tunnelIdleMs ? null : given.tunnelIdleMs,
  };
}

function timeoutsOver(given: UpstreamTimeouts, around: UpstreamTimeouts, base: FileTimeouts): FileTimeouts {
  const short = fileTimeoutsOf(given, around);
  const names = Object.keys(short) as (keyof FileTimeouts)[];
  const clashes = names.some((name) => short[name] === null && base[name] !== null);
  return clashes ? given : short;
}

function uriOf(uri: Text | null, place: Place): ProxyUri {
  if (uri === null) return { kind: "as-received" };
  const prefix = prefixOf(place);
  return prefix === undefined
    ? { kind: "whole", uri }
    : { kind: "replace", prefixLength: prefix.length, by: plainText(uri) };
}

function writtenUri(uri: ProxyUri): Text | null {
  if (uri.kind === "as-received") return null;
  return uri.kind === "whole" ? uri.uri : literalText(uri.by);
}

/** "app#2" is app under other settings; a port is named where it is not the scheme's. */
function hostNameOf(target: ProxyTarget): string {
  if (target.kind === "text") return "";
  const name = target.upstream.replace(/#\d+$/, "");
  if (name.startsWith("unix:")) return "localhost";
  return name.replace(target.scheme === "https" ? /:443$/ : /:80$/, "");
}

/** From the address of the upstream to the location. */
function redirectsOf(
  target: ProxyTarget,
  hostName: string,
  uri: Text | null,
  place: Place,
): readonly ProxyRedirectRule[] {
  if (target.kind === "text") return [];
  const address = literalText(`${target.scheme}://${hostName}`);
  if (uri === null) return [{ from: `${address}/`, to: "/" }];
  return [{ from: address + uri, to: literalText(prefixOf(place) ?? "") }];
}

const HOST = { name: "Host", value: "{$proxy_host}" } as const;

function requestOf({ headers, ...rest }: FileProxyRequest): ProxyRequestRules {
  const given = headers.flatMap(([name, values]) => values.map((value) => ({ name, value })));
  const fields = given.some(({ name }) => name === "Host") ? given : [HOST, ...given];
  return { ...rest, ...proxiedFields(fields) };
}

function fileRequestOf({ setHeaders, setHeadersCached: _, ...rest }: ProxyRequestRules): FileProxyRequest {
  const given = setHeaders.filter((each) => !isSame(each, HOST));
  for (let at = TAKEN_AWAY.length - 1; at >= 0; at--) {
    const last = given.at(-1);
    if (last?.value === "" && last.name === TAKEN_AWAY[at]) given.pop();
  }
  const headers = new Map<string, Text[]>();
  for (const { name, value } of given) headers.set(name, [...(headers.get(name) ?? []), value]);
  return { ...rest, headers: [...headers] };
}

interface Schemes {
  readonly http: boolean;
  readonly https: UpstreamTls | null;
}

function schemesOf(url: Text, tls: UpstreamTls | null): Schemes {
  return { http: !/^https:\/\//i.test(url), https: tls };
}

type Use = Pick<UpstreamConfig, "tls" | "timeouts"> & { readonly probes: boolean; readonly headBytes: number };

function modelOf({ model }: Place, { tls, probes, timeouts, headBytes }: Use): UpstreamConfig {
  return { ...model, tls, timeouts, keepalive: { ...model.keepalive, probes }, limits: { ...model.limits, headBytes } };
}

function hostsOf(
  written: HostsByText["upstreams"] | null,
  schemes: Schemes,
  model: UpstreamConfig,
  place: Place,
): HostsByText {
  return { upstreams: written ?? allHosts(schemes, place), model };
}

/** Every upstream by its name, the first of those that are one under several settings. */
function allHosts({ http, https }: Schemes, { upstreams }: Place): HostsByText["upstreams"] {
  const hosts: Record<string, { http?: string; https?: string }> = {};
  for (const { name, tls } of upstreams.values()) {
    const host = name.replace(/#\d+$/, "");
    hosts[isSocket(host) ? host : host.toLowerCase()] ??= {};
    const entry = hosts[isSocket(host) ? host : host.toLowerCase()]!;
    if (http && tls === null) entry.http ??= name;
    if (https && isSame(tls, https)) entry.https ??= name;
  }
  return hosts;
}

function isSocket(host: string): boolean {
  return host.startsWith("unix:");
}

/** Whether a host of an address is a name, which has to be resolved. */
export function isName(host: string): boolean {
  return isIP(host.replace(/^\[|\]$/g, "")) === 0;
}
