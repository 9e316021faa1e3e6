// From the file's shape (schema.ts) to the program's Config: short forms written out, routes named, files read,
// pages inherited. What cannot be made whole is reported with its path in the file, and everything else goes on, so
// that one run tells of all problems.

import * as z from "zod/mini";
import { errorOf } from "./address.ts";
import { bytesOfText } from "./byte-strings.ts";
import { namesIn, slotsOf, unknownNames, unknownTargets } from "./checks-servers.ts";
import { type CompleteContext, isOff } from "./complete-context.ts";
import { observabilityOf } from "./complete-observability.ts";
import { serversOf } from "./complete-servers.ts";
import { listenerOf } from "./complete-tls.ts";
import { timeoutsOf, upstreamOf } from "./complete-upstream.ts";
import type {
  Config,
  ErrorsConfig,
  HeaderOps,
  LogConfig,
  LogTarget,
  RouteAction,
  RouteConfig,
  RouteRetryConfig,
  UpstreamConfig,
} from "./config.ts";
import type { Path } from "./document.ts";
import { readPage, resolveBeside } from "./files.ts";
import { NO_BOUND_MS } from "./forms.ts";
import { nginxUpstream } from "./nginx-defaults.ts";
import { formatPathPattern } from "./path-pattern.ts";
import type { FileConfig, FileRoute, FileUpstream } from "./schema.ts";
import { serversSections } from "./schema-servers.ts";
import { upstreamSchema } from "./schema-upstream.ts";
import { clientOf } from "./standards.ts";

/** The program's configuration. */
export function complete(raw: FileConfig, context: CompleteContext): Config {
  const { report } = context;
  const upstreams = new Map<string, UpstreamConfig>();
  for (const [written, upstream] of Object.entries(raw.upstreams)) {
    const name = bytesOfText(written);
    if (raw.defaults === "goodgate" && !/^[A-Za-z_][\w.-]{0,63}$/.test(name)) {
      report(
        errorOf(
          `"${name}" is no name for an upstream`,
          "letters, digits, dots, dashes and underscores, a letter first",
        ),
        ["upstreams", name],
        "key",
      );
    }
    upstreams.set(name, upstreamOf(name, upstream, ["upstreams", written], context));
  }
  const errors: ErrorsConfig = {
    detail: raw.errors.detail,
    pages: pagesOf(raw.errors.pages, ["errors", "pages"], context),
  };
  const virtual = virtualServersOf(raw, upstreams, context);
  const listen = raw.listen ?? [{ kind: "tcp", host: "", port: 8080 } as const];
  return {
    name: raw.name,
    listeners: virtual?.listeners ?? listen.map((listener, index) => listenerOf(listener, ["listen", index], context)),
    ...observabilityOf(raw, context),
    upstreams,
    routes: virtual ? [] : routesOf(raw, errors, context),
    servers: virtual?.servers ?? null,
    client: virtual
      ? clientOf(virtual.servers.servers[0])
      : {
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
    drainMs: isOff(raw.drain) ? NO_BOUND_MS : raw.drain,
    drainDelayMs: raw["drain-delay"],
  };
}

/** Virtual servers, where the file has some; what belongs to routes has no place beside them. */
function virtualServersOf(raw: FileConfig, upstreams: ReadonlyMap<string, UpstreamConfig>, context: CompleteContext) {
  const file = { ...serversSections.standard, ...serversSections.changeOf(raw) };
  const written = (context.written ?? {}) as Readonly<Record<string, unknown>>;
  if (written["servers"] === undefined) return null;
  for (const [key, hint] of Object.entries(BESIDE_SERVERS)) {
    if (written[key] !== undefined) context.report(errorOf(`${key} has no meaning beside servers`, hint), [key], "key");
  }
  const names = namesIn(context.written);
  const made = file.variables.map(({ name }) => name);
  const model = upstreamOf("", modelOf(raw.defaults), ["upstreams"], context);
  const { positionOf = () => undefined } = context;
  const result = serversOf(file, slotsOf(names, made), { upstreams, model }, { ...context, positionOf });
  for (const { problem, path } of unknownNames(names, result.servers, [...upstreams.keys()]))
    context.report(problem, path);
  for (const { problem, path } of unknownTargets(names)) context.report(problem, path);
  return result;
}

const BESIDE_SERVERS = {
  routes: "a file has routes or servers",
  listen: "each server says where it listens",
  client: "each server says it: head, request",
};

function modelOf(defaults: FileConfig["defaults"]): FileUpstream {
  return z.parse(
    upstreamSchema,
    defaults === "nginx" ? nginxUpstream({ endpoints: [], keepalive: "off" }) : [],
  ) as FileUpstream;
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
    retry: NO_RETRY_RULES,
    errors,
    upgrade: true,
  };
}

const NO_RETRY_RULES: RouteRetryConfig = { statuses: [], idempotencyKey: false, attempts: null, withinMs: null };
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
    retry: routeRetryOf(raw.retry),
    errors: { detail: raw.errors.detail ?? errors.detail, pages: new Map([...errors.pages, ...pages]) },
    upgrade: raw.upgrade,
  };
}

function routeRetryOf(raw: FileRoute["retry"]): RouteRetryConfig {
  if (isOff(raw)) return { ...NO_RETRY_RULES, attempts: 1 };
  return {
    statuses: [...new Set(raw.status)],
    idempotencyKey: raw["idempotency-key"],
    attempts: raw.attempts ?? null,
    withinMs: raw.within ?? null,
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
  const { access, failures, own } = raw;
  const target = (to: string): LogTarget =>
    to === "stdout" || to === "stderr" ? { kind: to } : { kind: "file", path: resolveBeside(file, to) };
  const lines = typeof access === "string" ? { to: access, format: "json" } : access;
  return {
    access:
      isOff(access) || isOff(lines)
        ? null
        : {
            to: target(lines.to),
            format: lines.format === "json" || lines.format === "combined" ? lines.format : { template: lines.format },
          },
    failures: isOff(failures)
      ? null
      : typeof failures === "string"
        ? { to: target(failures) }
        : { to: target(failures.to), ...(failures.format === "json" ? { format: "json" } : {}) },
    ...(own === undefined ? {} : { own }),
  };
}
