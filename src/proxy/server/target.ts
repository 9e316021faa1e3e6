// Which upstream a location's requests go to, and with what target: fixed, or made of variables.
import type { ProxyConfig, Text } from "../../config/servers.ts";
import { failureOf } from "../../failure/classify.ts";
import type { UpstreamGroup } from "../../upstream/group.ts";
import type { CompiledText } from "../../variables/subject.ts";
import type { PlanContext, ProxyPlan } from "./plan.ts";
import { proxiedTarget } from "./proxied-request.ts";
import type { ServerRequest } from "./request.ts";

/** Upstreams by name, and those that requests name as they come. */
export interface UpstreamTable {
  get(name: string): UpstreamGroup | undefined;
  /** An upstream for "host:port" that no configuration names; null = it cannot be one. */
  adHoc(authority: string, scheme: "http" | "https", config: ProxyConfig): UpstreamGroup | null;
}

/** Sets the upstream of an exchange, and gives the target to ask for; null = it was answered. */
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
  return byUrl(context.compiler.text(target.url), config, context.upstreams, target.url);
}

function byUrl(
  url: CompiledText,
  config: ProxyConfig,
  upstreams: UpstreamTable,
  written: Text,
): ProxyPlan["chooseTarget"] {
  return (request) => {
    const text = url.render(request.subject);
    const parts = readUrl(text);
    if (!parts) return refuse(request, `invalid URL prefix in "${text}"`);
    const { scheme, authority, path } = parts;
    if (authority === "") return refuse(request, `no host in upstream "${text}" (from ${written})`);
    const group = upstreams.get(authority) ?? upstreams.adHoc(authority, scheme, config);
    if (!group) return refuse(request, `invalid host in upstream "${text}"`);
    request.exchange.group = group;
    request.proxyAuthority = authority;
    if (path === "") return proxiedTarget(request, request.location.proxy!);
    return path.startsWith("?") ? `/${path}` : path;
  };
}

function refuse(request: ServerRequest, detail: string): null {
  request.log("error", detail);
  request.failed(failureOf("gateway-config-invalid", { detail }));
  return null;
}

/** "http://host:port/path" or "http://unix:/socket:/path" taken apart; `path` with its query. */
export function readUrl(
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
  const end = rest.search(/[/?#]/);
  return end < 0
    ? { scheme, authority: rest, path: "" }
    : { scheme, authority: rest.slice(0, end), path: rest.slice(end) };
}
