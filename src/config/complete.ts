// From the file's shape (schema.ts) to the program's Config: short forms written out, routes named, files read,
// pages inherited. What cannot be made whole is reported with its path in the file, and everything else goes on, so
// that one run tells of all problems.

import type { Ms } from "../std/units.ts";
import { errorOf, formatAddress } from "./address.ts";
import type {
  BalanceConfig,
  Config,
  EndpointConfig,
  ErrorsConfig,
  HeaderOps,
  ListenerConfig,
  LogConfig,
  LogTarget,
  Problem,
  RouteAction,
  RouteConfig,
  UpstreamConfig,
  UpstreamTimeouts,
  UpstreamTls,
} from "./config.ts";
import type { Path } from "./document.ts";
import { certificateProblem, pemProblem, readPage, resolveBeside } from "./files.ts";
import { formatPathPattern } from "./path-pattern.ts";
import type { FileConfig, FileRoute, FileUpstream } from "./schema.ts";

/** Below the shortest keep-alive that is common upstream (Node: 5 s), with a second to spare. */
export const KEEPALIVE_AUTO_MS: Ms = 4000;

type Report = (problem: Problem, path: Path, which?: "value" | "key") => void;

/** What completing needs beside the values. */
export interface CompleteContext {
  /** The configuration file, which names of files are relative to. */
  readonly file: string;
  readonly report: Report;
}

/** The program's configuration. */
export function complete(raw: FileConfig, context: CompleteContext): Config {
  const { report } = context;
  const upstreams = new Map<string, UpstreamConfig>();
  for (const [name, upstream] of Object.entries(raw.upstreams)) {
    if (!/^[A-Za-z_][\w.-]{0,63}$/.test(name)) {
      report(
        errorOf(
          `"${name}" is no name for an upstream`,
          "letters, digits, dots, dashes and underscores, a letter first",
        ),
        ["upstreams", name],
        "key",
      );
    }
    upstreams.set(name, upstreamOf(name, upstream, ["upstreams", name], context));
  }
  const errors: ErrorsConfig = {
    detail: raw.errors.detail,
    pages: pagesOf(raw.errors.pages, ["errors", "pages"], context),
  };
  return {
    name: raw.name,
    listeners: raw.listen.map((listener, index) => listenerOf(listener, ["listen", index], context)),
    console: raw.console === "off" || raw.console === false ? null : raw.console,
    upstreams,
    routes: routesOf(raw, errors, context),
    client: {
      timeouts: {
        headMs: raw.client.timeouts.head,
        bodyMs: raw.client.timeouts.body,
        sendMs: raw.client.timeouts.send,
        idleMs: raw.client.timeouts.idle,
      },
      limits: {
        lineBytes: raw.client.limits.line,
        headBytes: raw.client.limits.head,
        fields: raw.client.limits.fields,
        bodyBytes: raw.client.limits.body,
      },
    },
    trust: raw.trust,
    forwarding: {
      xForwarded: raw.forwarding["x-forwarded"],
      forwarded: raw.forwarding.forwarded,
      via: raw.forwarding.via,
    },
    errors,
    log: logOf(raw.log, context),
    workers: raw.workers,
    drainMs: raw.drain,
  };
}

function listenerOf(raw: FileConfig["listen"][number], path: Path, context: CompleteContext): ListenerConfig {
  if ("kind" in raw) return { address: raw, tls: null };
  if (raw.tls === undefined) return { address: raw.address, tls: null };
  const { cert, key, certificates, "min-version": minVersion } = raw.tls;
  const at = [...path, "tls"];
  if ((cert === undefined) !== (key === undefined))
    context.report(
      errorOf(`"${cert === undefined ? "cert" : "key"}" is missing`, "a certificate needs its key"),
      at,
      "key",
    );
  const pairs = certificates.map((pair, index) => ({ pair, path: [...at, "certificates", index] as Path }));
  if (cert !== undefined && key !== undefined) pairs.unshift({ pair: { cert, key }, path: at });
  if (pairs.length === 0)
    context.report(errorOf("TLS without a certificate", "give cert and key, or certificates"), at, "key");
  return {
    address: raw.address,
    tls: { certificates: pairs.map(({ pair, path: place }) => certificateOf(pair, place, context)), minVersion },
  };
}

function certificateOf(
  pair: { cert: string; key: string },
  path: Path,
  context: CompleteContext,
): { cert: string; key: string } {
  const cert = pemFile(pair.cert, "CERTIFICATE", [...path, "cert"], context);
  const key = pemFile(pair.key, "PRIVATE KEY", [...path, "key"], context);
  if (cert.good && key.good) {
    const problem = certificateProblem(cert.path, key.path);
    if (problem) context.report(problem, [...path, "cert"]);
  }
  return { cert: cert.path, key: key.path };
}

function pemFile(
  name: string,
  kind: "CERTIFICATE" | "PRIVATE KEY",
  at: Path,
  { file, report }: CompleteContext,
): { path: string; good: boolean } {
  const path = resolveBeside(file, name);
  const problem = pemProblem(path, kind);
  if (problem) report(problem, at);
  return { path, good: problem === null };
}

function upstreamOf(name: string, raw: FileUpstream, path: Path, context: CompleteContext): UpstreamConfig {
  const { timeouts, keepalive, limits, retry, resolve } = raw;
  const kept = keepalive === "off" || keepalive === false ? null : keepalive;
  return {
    name,
    endpoints: raw.endpoints.map(endpointOf),
    tls: upstreamTlsOf(raw, path, context),
    balance: balanceOf(raw.balance, [...path, "balance"], context),
    host: raw.host === "keep" || raw.host === "endpoint" ? raw.host : { name: raw.host },
    timeouts: timeoutsOf(timeouts) as UpstreamTimeouts,
    keepalive: {
      connections: kept?.connections ?? 0,
      idleMs: kept === null || kept.idle === "auto" ? KEEPALIVE_AUTO_MS : kept.idle,
      requests: kept?.requests ?? 0,
    },
    limits: { headBytes: limits.head, bodyBytes: limits.body, connections: limits.connections },
    retry:
      retry === "off" || retry === false
        ? { attempts: 1, withinMs: 0 }
        : { attempts: retry.attempts, withinMs: retry.within },
    resolve: { minMs: resolve.min, timeoutMs: resolve.timeout, servers: resolve.servers },
  };
}

function balanceOf(raw: FileUpstream["balance"], at: Path, { report }: CompleteContext): BalanceConfig {
  if (raw === "ip-hash") return { hash: "{client.ip}" };
  if (typeof raw === "string") return raw;
  const { hash, cookie, secret } = raw;
  if ((hash === undefined) === (cookie === undefined))
    report(
      errorOf(
        `balance has ${hash === undefined ? "neither hash nor cookie" : "hash and cookie"}`,
        "give it one of them",
      ),
      at,
    );
  if (cookie !== undefined) return { cookie, secret: secret ?? "" };
  if (secret !== undefined)
    report(errorOf("a hash has no secret", "secret goes with cookie"), [...at, "secret"], "key");
  return { hash: hash ?? "" };
}

type FileEndpoint = FileUpstream["endpoints"][number];

function endpointOf(raw: FileEndpoint): EndpointConfig {
  if ("scheme" in raw)
    return { label: formatAddress(raw.address), address: raw.address, weight: 1, backup: false, down: false };
  const { address } = raw.address;
  return { label: formatAddress(address), address, weight: raw.weight, backup: raw.backup, down: raw.down };
}

/** https:// endpoints turn TLS on; an upstream speaks TLS to all of its endpoints or to none. */
function upstreamTlsOf(raw: FileUpstream, path: Path, context: CompleteContext): UpstreamTls | null {
  const schemes = raw.endpoints.map((endpoint) => ("scheme" in endpoint ? endpoint.scheme : endpoint.address.scheme));
  const wanted = raw.tls === undefined ? schemes.includes("https") : raw.tls !== false;
  schemes.forEach((scheme, index) => {
    if (scheme === null || (scheme === "https") === wanted) return;
    const hint =
      raw.tls === undefined ? "put them into two upstreams" : `write "${wanted ? "https" : "http"}://", or no scheme`;
    context.report(errorOf(`this endpoint is ${scheme}, and the upstream speaks ${wanted ? "TLS" : "no TLS"}`, hint), [
      ...path,
      "endpoints",
      index,
    ]);
  });
  if (!wanted) return null;
  const tls = raw.tls === true || raw.tls === false || raw.tls === undefined ? null : raw.tls;
  if (tls && (tls.cert === undefined) !== (tls.key === undefined)) {
    context.report(
      errorOf(`"${tls.cert === undefined ? "cert" : "key"}" is missing`, "a client certificate needs its key"),
      [...path, "tls"],
      "key",
    );
  }
  const client =
    tls?.cert !== undefined && tls.key !== undefined
      ? certificateOf({ cert: tls.cert, key: tls.key }, [...path, "tls"], context)
      : null;
  return {
    verify: tls?.verify ?? true,
    ca: tls?.ca === undefined ? null : pemFile(tls.ca, "CERTIFICATE", [...path, "tls", "ca"], context).path,
    serverName: tls?.["server-name"] ?? null,
    cert: client?.cert ?? null,
    key: client?.key ?? null,
    minVersion: tls?.["min-version"] ?? "TLSv1.2",
  };
}

const TIMEOUT_NAMES = {
  connect: "connectMs",
  tls: "tlsMs",
  send: "sendMs",
  head: "headMs",
  "idle-body": "idleBodyMs",
  "tunnel-idle": "tunnelIdleMs",
} as const;

function timeoutsOf(raw: FileRoute["timeouts"]): Partial<UpstreamTimeouts> {
  const entries = Object.entries(raw).filter(([, ms]) => ms !== undefined);
  return Object.fromEntries(entries.map(([name, ms]) => [TIMEOUT_NAMES[name as keyof typeof TIMEOUT_NAMES], ms]));
}

function routesOf(raw: FileConfig, errors: ErrorsConfig, context: CompleteContext): RouteConfig[] {
  if (raw.routes !== undefined) return raw.routes.map((route, index) => routeOf(route, index, errors, context));
  const names = Object.keys(raw.upstreams);
  const only = names[0];
  if (only !== undefined && names.length === 1) return [routeToAll(only, errors)];
  const message =
    only === undefined
      ? "there is nothing to do: no upstreams and no routes"
      : `${names.length} upstreams and no routes`;
  const hint =
    only === undefined
      ? 'begin with: upstreams: { app: "127.0.0.1:3000" }'
      : `say what goes where: routes: [{ path: /, proxy: ${only} }]`;
  context.report(errorOf(message, hint), only === undefined ? [] : ["upstreams"], "key");
  return [];
}

/** The route where none is written: everything to one upstream. */
export function routeToAll(upstream: string, errors: ErrorsConfig): RouteConfig {
  return {
    name: "/",
    hosts: [],
    paths: [{ kind: "prefix", path: "/" }],
    methods: [],
    action: { kind: "proxy", upstream },
    strip: "",
    rewrite: null,
    request: NO_OPS,
    response: NO_OPS,
    bodyBytes: null,
    timeouts: {},
    errors,
    upgrade: true,
  };
}

const NO_OPS: HeaderOps = { remove: [], set: [], add: [] };

function routeOf(raw: FileRoute, index: number, errors: ErrorsConfig, context: CompleteContext): RouteConfig {
  const at: Path = ["routes", index];
  const hosts = raw.host.includes("*") ? [] : raw.host;
  const methods = raw.method.includes("GET") && !raw.method.includes("HEAD") ? [...raw.method, "HEAD"] : raw.method;
  const place = `${hosts[0] ?? ""}${raw.path[0] ? formatPathPattern(raw.path[0]) : "/"}`;
  const pages = pagesOf(raw.errors.pages, [...at, "errors", "pages"], context);
  if (raw.path.length === 0)
    context.report(errorOf("the route has no path", 'write "/" for every path'), [...at, "path"], "key");
  return {
    name: raw.name ?? (raw.method.length > 0 ? `${raw.method.join(",")} ${place}` : place),
    hosts,
    paths: raw.path,
    methods,
    action: actionOf(raw, at, context),
    strip: raw.strip === undefined || raw.strip === "/" ? "" : raw.strip.replace(/\/$/, ""),
    rewrite: raw.rewrite ?? null,
    request: opsOf(raw.request.headers, [...at, "request", "headers"], "request", context),
    response: opsOf(raw.response.headers, [...at, "response", "headers"], "response", context),
    bodyBytes: raw.body ?? null,
    timeouts: timeoutsOf(raw.timeouts),
    errors: { detail: raw.errors.detail ?? errors.detail, pages: new Map([...errors.pages, ...pages]) },
    upgrade: raw.upgrade,
  };
}

function actionOf(raw: FileRoute, at: Path, { report }: CompleteContext): RouteAction {
  const given = (["proxy", "redirect", "respond"] as const).filter((key) => raw[key] !== undefined);
  if (given.length !== 1) {
    const message = given.length === 0 ? "the route does nothing" : `the route has ${given.join(" and ")}`;
    report(
      errorOf(message, "give it exactly one of proxy, redirect, respond"),
      given[1] ? [...at, given[1]] : at,
      "key",
    );
  }
  if (raw.redirect !== undefined) {
    const { to, status } = typeof raw.redirect === "string" ? { to: raw.redirect, status: 302 } : raw.redirect;
    return { kind: "redirect", to, status };
  }
  if (raw.respond !== undefined) {
    const plain = { status: 200, body: "", type: "text/plain; charset=utf-8" };
    if (typeof raw.respond === "number") return { kind: "respond", ...plain, status: raw.respond };
    if (typeof raw.respond === "string") return { kind: "respond", ...plain, body: raw.respond };
    return { kind: "respond", ...raw.respond };
  }
  return { kind: "proxy", upstream: raw.proxy ?? "" };
}

function opsOf(
  raw: FileRoute["request"]["headers"],
  at: Path,
  direction: "request" | "response",
  { report }: CompleteContext,
): HeaderOps {
  const host = Object.keys({ ...raw.set, ...raw.add }).find((name) => name.toLowerCase() === "host");
  if (host !== undefined && direction === "request") {
    report(
      errorOf("Host is not set here", "give the upstream host: keep, endpoint or a name"),
      [...at, host in raw.set ? "set" : "add", host],
      "key",
    );
  }
  return {
    remove: raw.remove,
    set: Object.entries(raw.set).map(([name, value]) => ({ name, value })),
    add: Object.entries(raw.add).flatMap(([name, values]) => values.map((value) => ({ name, value }))),
  };
}

function pagesOf(
  raw: Readonly<Record<string, string>>,
  at: Path,
  { file, report }: CompleteContext,
): Map<string, string> {
  const pages = new Map<string, string>();
  for (const [key, name] of Object.entries(raw)) {
    const place = [...at, key];
    if (!/^[45](?:\d\d|xx)$/i.test(key)) {
      report(
        errorOf(`"${key}" is not an error status`, 'write a status such as 502, or "5xx" or "4xx" for a class'),
        place,
        "key",
      );
      continue;
    }
    const page = readPage(resolveBeside(file, name));
    if (typeof page === "string") pages.set(key.toLowerCase(), page);
    else report(page, place);
  }
  return pages;
}

function logOf(raw: FileConfig["log"], { file }: CompleteContext): LogConfig {
  const { access, failures } = raw;
  const target = (to: string): LogTarget =>
    to === "stdout" || to === "stderr" ? { kind: to } : { kind: "file", path: resolveBeside(file, to) };
  const isOff = (value: unknown): value is "off" | false => value === "off" || value === false;
  const lines = typeof access === "string" ? { to: access, format: "json" } : access;
  return {
    access:
      isOff(access) || isOff(lines)
        ? null
        : {
            to: target(lines.to),
            format: lines.format === "json" || lines.format === "combined" ? lines.format : { template: lines.format },
          },
    failures: isOff(failures) ? null : { to: target(typeof failures === "string" ? failures : failures.to) },
  };
}
