// `proxy_pass` with everything around it, as the content of a location. What a block inherits is what the readers of
// each part give; here it is put together, and the address becomes an upstream (upstream-registry.ts).
import type { ContentConfig, ProxyConfig, ProxyTarget, ProxyUri } from "../../config/servers.ts";
import type { Directive } from "../tree.ts";
import { parseNumber } from "../units.ts";
import { cacheUseOf } from "./cache-use.ts";
import type { Lowering } from "./lowering.ts";
import { placeOf } from "./proxy-place.ts";
import { NO_HTTP2, PROXY_NAMES, requestRulesOf, retryRulesOf, timeoutsOf } from "./proxy-request.ts";
import { responseRulesOf } from "./proxy-response.ts";
import { argOf, flagOf, type Scope, wordOf } from "./scope.ts";
import { hasVariables, textOf } from "./text.ts";
import { checkCertificateCache } from "./tls-options.ts";
import { upstreamTlsOf } from "./tls-upstream.ts";
import { groupFor, hostsByText, type Use, upstreamFor } from "./upstream-registry.ts";
import { parseUpstreamUrl, type UpstreamUrl } from "./upstream-url.ts";

type Unsupported = Extract<ContentConfig, { kind: "unsupported" }>;

/** The content of a block whose settings are those of `scope`, and whose proxy_pass is `directive`. */
export function proxyConfigOf(scope: Scope, directive: Directive, lowering: Lowering): ProxyConfig | Unsupported {
  const parts = partsOf(scope, lowering);
  const { target, hostName } = targetOf(scope, directive, parts, lowering);
  if (wordOf(scope, "proxy_http_version", "1.1") === "2") return { kind: "unsupported", why: NO_HTTP2 };
  return {
    kind: "proxy",
    target,
    hostName,
    timeouts: parts.timeouts,
    request: parts.request,
    response: parts.response,
    retry: retryRulesOf(scope, PROXY_NAMES),
    ignoreClientAbort: flagOf(scope, "proxy_ignore_client_abort", false),
  };
}

/** Complains of the proxy's directives in a block, whether it proxies or not, as nginx does. */
export function checkProxy(scope: Scope, lowering: Lowering): void {
  partsOf(scope, lowering);
  cacheUseOf(scope, lowering);
  for (const directive of scope.own("proxy_temp_path")) checkTempPath(scope, directive);
}

/** How many digits the names of its folders have; ten in all. */
function checkTempPath({ problems }: Scope, directive: Directive): void {
  const levels = directive.args.slice(1).map(({ value }) => parseNumber(value) ?? 0);
  const sum = levels.reduce((all, level) => all + level, 0);
  if (levels.includes(0) || sum > 10)
    problems.complain(directive, '"proxy_temp_path" directive invalid value', directive.args[1]);
}

type Parts = ReturnType<typeof partsOf>;

function partsOf(scope: Scope, lowering: Lowering) {
  checkCertificateCache(scope, "proxy_ssl_certificate_cache");
  return {
    timeouts: timeoutsOf(scope, PROXY_NAMES),
    request: requestRulesOf(scope),
    response: responseRulesOf(scope, lowering),
  };
}

function useOf(scope: Scope, { timeouts, request, response }: Parts): Use {
  return {
    tls: null,
    bind: request.bind,
    probes: flagOf(scope, "proxy_socket_keepalive", false),
    timeouts,
    headBytes: response.headBytes,
  };
}

type Target = { readonly target: ProxyTarget; readonly hostName: string };

function targetOf(scope: Scope, directive: Directive, parts: Parts, lowering: Lowering): Target {
  const arg = directive.args[0]!;
  if (hasVariables(arg.value)) return { target: textTarget(scope, directive, parts, lowering), hostName: "" };
  const [, word, rest = ""] = /^(https?):\/\/(.*)$/is.exec(arg.value) ?? [];
  if (word === undefined) {
    const hint = `write "http://${arg.value}"`;
    scope.problems.complain(directive, "invalid URL prefix", arg, { hint });
    return REFUSED;
  }
  const scheme = word.toLowerCase() === "https" ? "https" : "http";
  const url = parseUpstreamUrl(rest, scheme === "https" ? 443 : 80, true);
  if (typeof url === "string") {
    scope.problems.complain(directive, `${url} in upstream "${rest}"`, arg);
    return REFUSED;
  }
  const group = groupFor(url, directive, lowering);
  if (!group) return REFUSED;
  const name = group.block ? group.name : url.host;
  const tls = scheme === "https" ? upstreamTlsOf(scope, name, lowering) : null;
  const upstream = upstreamFor(group, { ...useOf(scope, parts), tls }, lowering);
  const uri = uriOf(scope, directive, url, lowering);
  return { target: { kind: "upstream", scheme, upstream, uri }, hostName: hostNameOf(url, scheme) };
}

/** Of what was refused nothing is run. */
const REFUSED: Target = {
  target: { kind: "upstream", scheme: "http", upstream: "", uri: { kind: "as-received" } },
  hostName: "",
};

function uriOf(scope: Scope, directive: Directive, { uri }: UpstreamUrl, lowering: Lowering): ProxyUri {
  if (uri === "") return { kind: "as-received" };
  const prefix = placeOf(scope, directive, lowering);
  if (prefix !== undefined) return { kind: "replace", prefixLength: prefix.length, by: uri };
  const hint = `take "${uri}" away, or rewrite the path: "rewrite ^ ${uri} break;"`;
  const text =
    '"proxy_pass" cannot have URI part in location given by regular expression, or inside named location, or inside "if" statement, or inside "limit_except" block';
  scope.problems.complain(directive, text, directive.args[0], { hint });
  return { kind: "as-received" };
}

/** The port belongs to it where it is not the scheme's. */
function hostNameOf({ host, portText, address }: UpstreamUrl, scheme: "http" | "https"): string {
  if (address.kind === "unix") return "localhost";
  return portText === "" || address.port === (scheme === "https" ? 443 : 80) ? host : `${host}:${portText}`;
}

function textTarget(scope: Scope, directive: Directive, parts: Parts, lowering: Lowering): ProxyTarget {
  const value = argOf(directive);
  // The name that is verified is that of the host, which is known with the request.
  const tls = upstreamTlsOf(scope, null, lowering);
  const schemes = { http: !/^https:\/\//i.test(value), https: /^http:\/\//i.test(value) ? null : tls };
  return {
    kind: "text",
    url: textOf(scope, directive, directive.args[0]!),
    tls: schemes.https,
    hosts: hostsByText(useOf(scope, parts), schemes, lowering),
  };
}
