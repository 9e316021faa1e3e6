// One reverse_proxy, whichever syntax it is written in (Caddyfile or JSON), the pool that it makes, and what in it
// leads to a 502, 503 or 504. Caddy's defaults: dial 3 s, no limit on the response, idle connections kept 2 min, no
// health checks, no second try (lb_try_duration 0); the name in the ClientHello is the host of the upstream, which for
// an address is none.
import type { Place } from "../../evidence.ts";
import { isPublicName, note, risk } from "../finding.ts";
import type { ConfiguredTimer, Finding, Member, Pool } from "../model.ts";
import { isAddress, spotOf } from "../reader.ts";

export interface CaddyUpstream {
  readonly text: string;
  readonly at: Place;
}

export interface CaddyProxy {
  readonly at: Place;
  readonly upstreams: readonly CaddyUpstream[];
  /** Upstreams come from DNS or elsewhere at run time. */
  readonly dynamic: boolean;
  /** TLS is on by the transport, whatever the addresses say. */
  readonly tls: boolean;
  readonly fastcgi: boolean;
  readonly serverName: { readonly text: string; readonly at: Place } | null;
  readonly skipVerify: Place | null;
  readonly caFile: string | null;
  /** header_up Host. */
  readonly host: string | null;
  readonly healthPath: string | null;
  readonly healthHost: string | null;
  readonly healthAt: Place | null;
  /** fail_duration is above zero. */
  readonly passive: boolean;
  /** lb_try_duration or lb_retries is above zero. */
  readonly retries: boolean;
  readonly keepalive: boolean;
  readonly versions: readonly string[];
  readonly timers: readonly ConfiguredTimer[];
}

/** The scheme and the rest of an upstream's address. */
function split(text: string): readonly [scheme: string, rest: string] {
  const match = /^([a-z][a-z0-9+]*):\/\/(.*)$/i.exec(text);
  return match ? [(match[1] ?? "").toLowerCase(), match[2] ?? ""] : ["", text];
}

function schemeOf(proxy: CaddyProxy): Pool["scheme"] {
  if (proxy.fastcgi) return "fastcgi";
  const schemes = proxy.upstreams.map(({ text }) => split(text)[0]);
  if (proxy.tls || schemes.includes("https")) return "https";
  return schemes.includes("h2c") ||
    proxy.upstreams.some(({ text }) => text.startsWith("unix+h2c/")) ||
    proxy.versions.includes("h2c")
    ? "h2c"
    : "http";
}

/** The pool that it makes. */
export function poolOf(proxy: CaddyProxy, name: string): Pool {
  const scheme = schemeOf(proxy);
  const members = proxy.upstreams.map(({ text, at }): Member => {
    const [own, rest] = split(text);
    const path = /^(?:unix(?:\+h2c)?)\/(\/?.*)$/.exec(text)?.[1];
    const plain = rest.replace(/^(?:tcp[46]?)\//, "").replace(/\/$/, "");
    const port = own === "https" || (own === "" && scheme === "https") ? 443 : 80;
    const spot =
      path !== undefined
        ? spotOf(path.startsWith("/") ? path : `/${path}`, null)
        : /[{}]/.test(plain)
          ? null
          : spotOf(plain, port);
    return { text, spot, backup: false, down: false, at };
  });
  const host = proxy.host;
  return {
    name,
    scheme,
    members,
    host: hostOf(host, scheme),
    serverName: scheme !== "https" ? null : serverNameOf(proxy),
    verify: scheme === "https" ? proxy.skipVerify === null : null,
    caFile: proxy.caFile,
    httpVersion: scheme === "h2c" ? "2" : scheme === "http" || scheme === "https" ? "1.1" : null,
    reuses: proxy.keepalive && scheme !== "fastcgi",
    health: proxy.healthAt ? { path: proxy.healthPath, host: proxy.healthHost, at: proxy.healthAt } : null,
    timers: proxy.timers,
    at: proxy.at,
  };
}

/** From Caddy 2.11 on an https upstream is sent its own name where nothing else is said. */
function hostOf(host: string | null, scheme: Pool["scheme"]): Pool["host"] {
  if (host === null) return scheme === "https" ? "member" : "client";
  if (/^\{(?:http\.request\.)?(?:host|hostport)\}$/.test(host)) return "client";
  return /upstream[._]host/.test(host) ? "member" : { text: host };
}

function serverNameOf({ serverName }: CaddyProxy): Pool["serverName"] {
  if (serverName === null) return "member";
  if (/^\{(?:http\.request\.)?host\}$/.test(serverName.text)) return "client";
  return serverName.text.includes("{http.reverse_proxy.upstream") ? "member" : { text: serverName.text };
}

/** What in it is a risk. `siteHosts` = the names that come in there. */
export function proxyFindings(proxy: CaddyProxy, siteHosts: readonly string[], json: boolean): Finding[] {
  const found: Finding[] = [...addressFindings(proxy), ...tlsFindings(proxy, siteHosts, json)];
  const several = proxy.upstreams.length > 1;
  const active = proxy.healthAt !== null;
  if (several && !proxy.retries)
    found.push(
      risk({
        id: "caddy-try-once",
        class: "connect-refused",
        text: `${proxy.upstreams.length} upstreams and lb_try_duration 0 (the default): where the one that was chosen refuses, the visitor gets the error although the others are up`,
        fix: json ? 'put "load_balancing": {"try_duration": "5s"} into the handler' : "add lb_try_duration 5s",
        at: proxy.at,
      }),
    );
  if (several && !active && !proxy.passive)
    found.push(
      risk({
        id: "caddy-health-missing",
        class: "no-healthy-upstream",
        text: `${proxy.upstreams.length} upstreams, neither health_uri nor fail_duration: a dead one is chosen again for each request in turn`,
        fix: json
          ? 'put "health_checks": {"passive": {"fail_duration": "30s"}} into the handler'
          : "add fail_duration 30s, or health_uri with a path that answers 2xx",
        at: proxy.at,
      }),
    );
  if (proxy.upstreams.length > 0 && !proxy.timers.some(({ id }) => id === "response"))
    found.push(
      note({
        id: "caddy-response-unlimited",
        class: "response-timeout",
        text: "no response_header_timeout: a request that hangs waits until somebody in front gives up, whose error then names nothing",
        fix: json
          ? 'put "response_header_timeout": "60s" into the transport'
          : "add transport http { response_header_timeout 60s }",
        at: proxy.at,
      }),
    );
  return found;
}

/** What Caddy itself refuses. */
function addressFindings({ upstreams }: CaddyProxy): Finding[] {
  return upstreams.flatMap(({ text, at }) => {
    const [scheme, rest] = split(text);
    const port = /:(\d+)$/.exec(rest)?.[1];
    if ((scheme === "http" && port === "443") || (scheme === "https" && port === "80"))
      return risk({
        id: "caddy-scheme-port",
        class: "tls-plaintext-mismatch",
        text: `${text}: the scheme is ${scheme} and the port the other one's; Caddy refuses such an address`,
        fix: `write ${scheme === "http" ? "https" : "http"}://${rest}, or another port`,
        at,
      });
    if (/^https?$/.test(scheme) && /^[^/]+\/./.test(rest))
      return risk({
        id: "caddy-upstream-path",
        class: "gateway-config-invalid",
        text: `${text}: an upstream is scheme, host and port; Caddy refuses a path in it`,
        fix: `write ${scheme}://${rest.split("/")[0]} and put the path into a rewrite before it`,
        at,
      });
    return [];
  });
}

function tlsFindings(proxy: CaddyProxy, siteHosts: readonly string[], json: boolean): Finding[] {
  if (schemeOf(proxy) !== "https") return [];
  const found: Finding[] = [];
  const hosts = poolOf(proxy, "").members.flatMap(({ spot, at }) =>
    spot?.kind === "tcp" ? [{ host: spot.host, at }] : [],
  );
  const byAddress = hosts.find(({ host }) => isAddress(host));
  const name = siteHosts.find((host) => !host.includes("*")) ?? "shop.example.com";
  if (byAddress && proxy.serverName === null) {
    const said = {
      id: "caddy-https-by-address",
      class: "tls-cert-name-mismatch" as const,
      fix: json
        ? `put "tls": {"server_name": "${name}"} into the transport`
        : `add transport http { tls_server_name ${name} }`,
      at: byAddress.at,
    };
    if (proxy.skipVerify === null)
      found.push(
        risk({
          ...said,
          text: `https to the address ${byAddress.host} without tls_server_name: no name is sent in the handshake, and the certificate must be for the address itself`,
        }),
      );
    else
      found.push(
        note({
          ...said,
          class: "tls-handshake-failed",
          text: `https to the address ${byAddress.host} without tls_server_name: no name is sent in the handshake; a server that chooses its certificate by the name may refuse`,
        }),
      );
  }
  const foreign = hosts.find(({ host }) => (isPublicName(host) || isAddress(host)) && !siteHosts.includes(host));
  if (foreign && proxy.host === null)
    found.push(
      note({
        id: "caddy-host-by-release",
        class: "upstream-error-passthrough",
        text: `https to ${foreign.host} without header_up Host: before Caddy 2.11 the visitor's Host is passed on${siteHosts[0] === undefined ? "" : ` (${siteHosts[0]})`}, from 2.11 on it is ${foreign.host}; a server of many names answers 403, 404 or 421 to the one that is not its own`,
        fix: json
          ? 'put "headers": {"request": {"set": {"Host": […]}}} into the handler, with the name that the upstream expects'
          : "say which is meant: header_up Host {upstream_hostport}, or header_up Host {hostport}",
        at: foreign.at,
      }),
    );
  if (proxy.skipVerify)
    found.push(
      note({
        id: "caddy-verify-off",
        class: null,
        text: "tls_insecure_skip_verify: whoever answers at the address is believed",
        fix: json
          ? 'name its authority with "tls": {"ca": …} instead'
          : "name its authority with tls_trust_pool file /path/ca.pem instead",
        at: proxy.skipVerify,
      }),
    );
  return found;
}
