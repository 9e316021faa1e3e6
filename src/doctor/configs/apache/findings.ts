// What in an httpd.conf ends in gateway errors, or in requests that reach another place than was meant. Apache accepts
// all of it. Each rule looks at one forward with what holds around it.

import { isLoopback, note, risk } from "../finding.ts";
import type { Finding } from "../model.ts";
import { isAddress } from "../reader.ts";
import { type Forward, forwardsOf, isVariable, type Target } from "./forwards.ts";
import type { Tree } from "./parse.ts";
import { shadowFindings, slashFindings } from "./path-findings.ts";
import { balancerOf, hostOf, spotOfTarget } from "./pools.ts";
import { flag, holding, named, type Site, sitesOf } from "./sites.ts";

/** All that is found, each once. */
export function apacheFindings({ directives }: Tree): Finding[] {
  const [main, ...hosts] = sitesOf(directives);
  if (!main) return [];
  const serving = hosts.length > 0 ? hosts : [main];
  const found = serving.flatMap((site) => {
    const forwards = forwardsOf(site);
    return [
      ...forwards.flatMap((forward) => forwardFindings(site, forward)),
      ...shadowFindings(forwards),
      ...(forwards.length > 0 ? requestsFindings(site) : []),
    ];
  });
  const key = ({ id, at, text }: Finding) => `${id} ${at?.file}:${at?.line}:${at?.column} ${at ? "" : text}`;
  return [...new Map(found.map((each) => [key(each), each])).values()];
}

function forwardFindings(site: Site, forward: Forward): Finding[] {
  const { target } = forward;
  if (!target) return [];
  const targets = targetsOf(forward, target);
  return [
    ...slashFindings(forward, target),
    ...balancerFindings(forward, target),
    ...engineFindings(forward, targets),
    ...targets.flatMap((each) => [...portFindings(each), ...nameFindings(forward, each)]),
    ...retryFindings(forward, target),
    ...loopFindings(site, forward, target),
    ...reuseFindings(forward),
    ...connectFindings(forward, target),
  ];
}

interface Aimed {
  readonly target: Target;
  readonly at: Finding["at"];
}

function targetsOf(forward: Forward, target: Target): readonly Aimed[] {
  const place =
    forward.directive.places.find((_, index) => forward.directive.args[index] === target.text) ?? forward.at;
  if (target.scheme !== "balancer") return [{ target, at: place }];
  const { members } = balancerOf(target.authority, forward.scopes);
  return members.map((member) => ({ target: member.target, at: member.directive.places[0] ?? member.directive.at }));
}

function isTls({ scheme }: Target): boolean {
  return scheme === "https" || scheme === "wss" || scheme === "h2";
}

/** A balancer without members. */
function balancerFindings(forward: Forward, target: Target): Finding[] {
  if (target.scheme !== "balancer" || isVariable(target)) return [];
  const { members, section } = balancerOf(target.authority, forward.scopes);
  const usable = members.filter(({ parameters }) => !/^\+?[^-]*[DS]/i.test(parameters.get("status") ?? ""));
  if (usable.length > 0) return [];
  const [first] = members;
  return [
    risk({
      id: "apache-balancer-empty",
      class: first ? "no-healthy-upstream" : "backend-absent",
      text: first
        ? `every member of balancer "${target.authority}" is disabled by its status: requests get a 503`
        : `balancer "${target.authority}" has no members: requests get a 503`,
      fix: first
        ? `remove "status=${first.parameters.get("status")}" from one of them`
        : `write <Proxy "balancer://${target.authority}"> with a "BalancerMember" for each server`,
      at: first?.directive.at ?? section?.at ?? forward.at,
      also: section ? forward.at : null,
    }),
  ];
}

/** https:// needs SSLProxyEngine. */
function engineFindings(forward: Forward, targets: readonly Aimed[]): Finding[] {
  const tls = targets.find(({ target }) => isTls(target));
  if (!tls) return [];
  const inner = forward.scopes.flatMap((scope) =>
    scope.flatMap((each) => (/^proxy$/i.test(each.name) && each.inner ? [each.inner] : [])),
  );
  if (flag([...forward.scopes, ...inner], "SSLProxyEngine") === true) return [];
  const off = holding(forward.scopes, "SSLProxyEngine");
  return [
    risk({
      id: "apache-ssl-proxy-engine",
      class: "gateway-config-invalid",
      text: `requests are forwarded to ${tls.target.scheme}://${tls.target.authority} and SSLProxyEngine is not on: Apache answers them with a 500`,
      fix: 'write "SSLProxyEngine on" in this virtual host',
      at: off?.at ?? tls.at,
      also: off ? tls.at : null,
    }),
  ];
}

function portFindings({ target, at }: Aimed): Finding[] {
  const spot = spotOfTarget(target);
  if (spot?.kind !== "tcp") return [];
  const isPlainTo443 = /^(?:http|ws)$/.test(target.scheme) && spot.port === 443;
  const isTlsTo80 = isTls(target) && spot.port === 80;
  if (!isPlainTo443 && !isTlsTo80) return [];
  const other = isPlainTo443 ? target.scheme.replace(/$/, "s") : target.scheme.replace(/s$/, "");
  return [
    risk({
      id: "apache-scheme-port",
      class: "tls-plaintext-mismatch",
      text: isPlainTo443
        ? `${target.text} is asked without TLS on port 443: a TLS server answers 400, or closes`
        : `${target.text} is asked with TLS on port 80: what answers there speaks none`,
      fix: `write "${target.text.replace(`${target.scheme}:`, `${other}:`)}", or the port of the application`,
      at,
    }),
  ];
}

/** SSLProxyCheckPeerName is on by default, whatever SSLProxyVerify says. */
function nameFindings({ scopes }: Forward, { target, at }: Aimed): Finding[] {
  if (!isTls(target) || flag(scopes, "SSLProxyCheckPeerName") === false) return [];
  if (flag(scopes, "ProxyPreserveHost") === true || !isAddress(hostOf(target))) return verifyNote(scopes, target, at);
  return [
    risk({
      id: "apache-peer-name-address",
      class: "tls-cert-name-mismatch",
      text: `the certificate of ${target.text} has to be for "${hostOf(target)}" (SSLProxyCheckPeerName is on by default): most are for names only, and requests get a 500`,
      fix: "forward to the name that is in the certificate",
      at,
    }),
    ...verifyNote(scopes, target, at),
  ];
}

function verifyNote(scopes: Forward["scopes"], target: Target, at: Finding["at"]): Finding[] {
  const verify = holding(scopes, "SSLProxyVerify");
  if (/^require$/i.test(verify?.args[0] ?? "")) return [];
  return [
    note({
      id: "apache-verify-none",
      class: null,
      text: `the certificate chain of ${target.scheme}://${target.authority} is not verified: SSLProxyVerify is "none" by default`,
      fix: 'write "SSLProxyVerify require" and "SSLProxyCACertificateFile /etc/ssl/certs/ca-certificates.crt"',
      at: verify?.at ?? at,
    }),
  ];
}

const RETRY_MS = 60;

/** A worker that failed once is left alone for a minute, though it is well again. */
function retryFindings(forward: Forward, target: Target): Finding[] {
  const { parameters, directive, kind } = forward;
  if (target.scheme === "balancer" || (kind !== "ProxyPass" && kind !== "ProxyPassMatch")) return [];
  const written = parameters.get("retry");
  const seconds = Number(written ?? RETRY_MS);
  if (!(seconds > 5)) return [];
  const index = directive.args.findIndex((arg) => /^retry=/i.test(arg));
  const say = written === undefined ? note : risk;
  return [
    say({
      id: "apache-retry",
      class: "no-healthy-upstream",
      text: `after one failed connect ${target.authority || target.text} is not asked for ${seconds} s${written === undefined ? " (the default of retry)" : ""}: requests get a 503 while it is well again`,
      fix: `write "retry=${written === undefined ? "0" : "1"}" behind the URL: it is the only server there is`,
      at: directive.places[index] ?? forward.at,
    }),
  ];
}

/** To the port of this very virtual host, with the Host that leads there. */
function loopFindings({ addresses }: Site, forward: Forward, target: Target): Finding[] {
  const spot = spotOfTarget(target);
  if (spot?.kind !== "tcp" || !isLoopback(spot.host) || flag(forward.scopes, "ProxyPreserveHost") !== true) return [];
  if (!addresses.some((address) => address.endsWith(`:${spot.port}`)) || forward.path.text !== "/") return [];
  return [
    risk({
      id: "apache-to-itself",
      class: "proxy-loop",
      text: `requests are forwarded to port ${spot.port} of this machine, which is the port of this virtual host, with the Host that leads here: they go round`,
      fix: "forward to the port of the application",
      at: forward.at,
    }),
  ];
}

/** A connection for each request. */
function reuseFindings({ kind, at, target }: Forward): Finding[] {
  if (kind !== "RewriteRule" || !target || !/^https?$/.test(target.scheme)) return [];
  return [
    note({
      id: "apache-rewrite-proxy",
      class: null,
      text: "RewriteRule with [P] opens a connection for each request, and takes no parameters (timeout, retry)",
      fix: `write "ProxyPass" where the target is always the same, or add <Proxy "${target.scheme}://${target.authority}"> with "ProxySet"`,
      at,
    }),
  ];
}

/** Each visitor waits for a machine that is gone. */
function connectFindings(forward: Forward, target: Target): Finding[] {
  if (target.scheme !== "balancer") return [];
  const { members } = balancerOf(target.authority, forward.scopes);
  const first = members.find(({ parameters }) => !parameters.has("connectiontimeout"));
  if (members.length < 2 || !first) return [];
  return [
    note({
      id: "apache-connect-timeout",
      class: "connect-timeout",
      text: "when the machine of a member is gone, a request waits for Timeout (60 s by default) before the next is tried",
      fix: 'write "connectiontimeout=3" behind each BalancerMember',
      at: first.directive.at,
    }),
  ];
}

/** An open proxy. */
function requestsFindings({ scopes }: Site): Finding[] {
  const on = scopes.flatMap((scope) => named(scope, "ProxyRequests")).find(({ args }) => /^on$/i.test(args[0] ?? ""));
  if (!on) return [];
  return [
    note({
      id: "apache-proxy-requests",
      class: null,
      text: '"ProxyRequests On" is for forward proxies: anybody may send requests to anywhere through this server',
      fix: 'write "ProxyRequests Off": ProxyPass does not need it',
      at: on.at,
    }),
  ];
}
