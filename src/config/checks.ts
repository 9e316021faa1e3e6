// What single fields cannot show: references between parts (errors), and settings that are allowed but will cause
// gateway errors one day (findings: warnings with the cause they end in). Works on a Config, whatever syntax it came
// from; the paths are those of goodgate.yaml, and the caller turns them into places in a file.
import type { CauseId } from "../failure/causes.ts";
import type { Ms } from "../std/units.ts";
import { formatDuration } from "../std/units.ts";
import { formatAddress } from "./address.ts";
import type { Address, Config, Problem, RouteConfig, UpstreamConfig } from "./config.ts";
import type { Path } from "./document.ts";
import { formatPathPattern } from "./path-pattern.ts";
import type { FileConfig } from "./schema.ts";
import { suggestionHint } from "./suggest.ts";
import { parseTemplate } from "./template.ts";

/** A problem and what it is about. */
export interface Finding {
  readonly problem: Problem;
  readonly path: Path;
  readonly which: "value" | "key";
}

/** Node's server.keepAliveTimeout: the shortest among the common application servers that is not configured away. */
const NODE_KEEPALIVE_MS: Ms = 5000;
/** Where balancers and proxies before us give up or close idle connections: AWS ALB, nginx. */
const FRONT_MS: Ms = 60_000;

/** Everything that is wrong or risky in a configuration. */
export function checkConfig(config: Config): Finding[] {
  const findings: Finding[] = [];
  const add = (problem: Problem, path: Path, which: "value" | "key" = "value") =>
    findings.push({ problem, path, which });
  checkListeners(config, add);
  checkClient(config, add);
  for (const upstream of config.upstreams.values()) checkUpstream(config, upstream, add);
  for (const [index, route] of config.routes.entries()) checkRoute(config, route, ["routes", index], add);
  checkReach(config, add);
  return findings;
}

type Add = (problem: Problem, path: Path, which?: "value" | "key") => void;

function warning(message: string, hint: string, cause?: CauseId): Problem {
  return cause === undefined ? { severity: "warning", message, hint } : { severity: "warning", message, hint, cause };
}

function checkListeners({ listeners, console: console_, trust }: Config, add: Add): void {
  const all: { address: Address; path: Path }[] = listeners.map(({ address }, index) => ({
    address,
    path: ["listen", index],
  }));
  if (listeners.length === 0)
    add({ severity: "error", message: "nothing listens", hint: 'write an address such as ":8080"' }, ["listen"], "key");
  if (console_) all.push({ address: console_, path: ["console"] });
  all.forEach(({ address, path }, index) => {
    const taken = all.slice(0, index).find((other) => overlap(other.address, address));
    if (!taken) return;
    const what =
      taken.path[0] === "listen" && path[0] === "console"
        ? "the console has the address of a listener"
        : "this address is listened on already";
    add(
      {
        severity: "error",
        message: `${what}: ${formatAddress(address)}`,
        hint: `${formatAddress(taken.address)} stands above`,
      },
      path,
    );
  });
  trust.forEach((block, index) => {
    if (block.endsWith("/0"))
      add(warning(`${block} trusts everyone`, "any client can then claim any address; list your own proxies"), [
        "trust",
        index,
      ]);
  });
}

function overlap(a: Address, b: Address): boolean {
  if (a.kind === "unix" || b.kind === "unix") return a.kind === "unix" && b.kind === "unix" && a.path === b.path;
  const any = (host: string) => host === "" || host === "0.0.0.0" || host === "::";
  return a.port !== 0 && a.port === b.port && (a.host === b.host || any(a.host) || any(b.host));
}

function checkClient({ client }: Config, add: Add): void {
  const { idleMs } = client.timeouts;
  if (idleMs <= FRONT_MS) {
    add(
      warning(
        `clients' connections are closed after ${formatDuration(idleMs)}`,
        "balancers before us reuse theirs for up to 60s and answer 502 when one was just closed: more than 60s is safe",
        "keepalive-race",
      ),
      ["client", "timeouts", "idle"],
    );
  }
  if (client.limits.lineBytes > client.limits.headBytes) {
    add(warning("the request line may be longer than the whole head", "raise head, or lower line"), [
      "client",
      "limits",
      "line",
    ]);
  }
}

function checkUpstream(config: Config, upstream: UpstreamConfig, add: Add): void {
  const path: Path = ["upstreams", upstream.name];
  const { endpoints, keepalive, retry, timeouts } = upstream;
  const up = endpoints.filter((endpoint) => !endpoint.down);
  if (endpoints.length === 0)
    add(
      warning(`the upstream ${upstream.name} has no endpoints`, "every request to it fails", "backend-absent"),
      path,
      "key",
    );
  else if (up.length === 0)
    add(
      warning(`every endpoint of ${upstream.name} is down`, "every request to it fails", "no-healthy-upstream"),
      path,
      "key",
    );
  else if (up.every((endpoint) => endpoint.backup)) {
    add(
      warning(`every endpoint of ${upstream.name} in use is a backup`, "one of them is the primary: leave backup out"),
      path,
      "key",
    );
  }
  endpoints.forEach((endpoint, index) => {
    const place: Path = [...path, "endpoints", index];
    if (endpoints.findIndex((other) => other.label === endpoint.label) < index) {
      add(warning(`the endpoint ${endpoint.label} is given twice`, "use weight to give it a larger share"), place);
    }
    if (isOwn(endpoint.address, config))
      add(
        warning(`${endpoint.label} is this gateway itself`, "requests would go round in a circle", "proxy-loop"),
        place,
      );
  });
  if (keepalive.connections > 0 && keepalive.idleMs >= NODE_KEEPALIVE_MS) {
    add(
      warning(
        `idle connections are kept for ${formatDuration(keepalive.idleMs)}`,
        "Node closes them after 5s, gunicorn after 2s: a request that meets the close is a 502. Stay below the upstream's own keep-alive, or leave it at auto",
        "keepalive-race",
      ),
      [...path, "keepalive", "idle"],
    );
  }
  if (retry.attempts > 1 && timeouts.connectMs >= retry.withinMs) {
    add(
      warning(
        `after a connect timeout (${formatDuration(timeouts.connectMs)}) no attempt is begun any more (within ${formatDuration(retry.withinMs)})`,
        "a shorter connect timeout leaves time for another endpoint",
        "connect-timeout",
      ),
      [...path, "timeouts", "connect"],
    );
  }
  checkHeadTimeout(timeouts.headMs, config, [...path, "timeouts", "head"], add);
  if (upstream.tls && !upstream.tls.verify) {
    add(
      warning(
        "the upstream's certificate is not verified",
        "anyone on the way can read and change the traffic; name its CA with tls: { ca: FILE }",
      ),
      [...path, "tls", "verify"],
    );
  }
}

function checkHeadTimeout(headMs: Ms | undefined, { drainMs }: Config, path: Path, add: Add): void {
  if (headMs === undefined) return;
  if (headMs >= FRONT_MS) {
    add(
      warning(
        `the gateway waits ${formatDuration(headMs)} for a response`,
        "balancers and clients before us give up at 60s by default: stay below them, so that the failure keeps its name",
        "client-closed-request",
      ),
      path,
    );
  }
  if (headMs > drainMs) {
    add(
      warning(
        `a request may wait ${formatDuration(headMs)}, and a drain ends after ${formatDuration(drainMs)}`,
        "a deploy cuts such requests off: raise drain, or lower this",
      ),
      path,
    );
  }
}

/** Whether an address on this machine is one that we listen on. */
function isOwn(address: Address, { listeners }: Config): boolean {
  return listeners.some(({ address: own }) => {
    if (own.kind === "unix" || address.kind === "unix") return overlap(own, address);
    const local = ["localhost", "127.0.0.1", "::1"];
    return (
      own.port === address.port &&
      own.port !== 0 &&
      (own.host === address.host ||
        (local.includes(address.host) && (local.includes(own.host) || ["", "0.0.0.0", "::"].includes(own.host))))
    );
  });
}

function checkRoute(config: Config, route: RouteConfig, path: Path, add: Add): void {
  const { action } = route;
  if (action.kind === "proxy" && action.upstream !== "" && !config.upstreams.has(action.upstream)) {
    add(unknownUpstream(action.upstream, [...config.upstreams.keys()]), [...path, "proxy"]);
  }
  checkHeadTimeout(route.timeouts.headMs, config, [...path, "timeouts", "head"], add);
  const literals = route.paths.filter((pattern) => pattern.kind === "exact" || pattern.kind === "prefix");
  if (
    route.strip !== "" &&
    literals.length === route.paths.length &&
    !literals.some(({ path: text }) => below(text, route.strip))
  ) {
    add(warning(`no path of this route begins with "${route.strip}"`, "strip takes off what the path begins with"), [
      ...path,
      "strip",
    ]);
  }
  const captures = Math.min(...route.paths.map(captureCount));
  const templates: [string, Path][] = [];
  if (route.rewrite !== null) templates.push([route.rewrite, [...path, "rewrite"]]);
  if (action.kind === "redirect") templates.push([action.to, [...path, "redirect", "to"]]);
  if (action.kind === "respond") templates.push([action.body, [...path, "respond", "body"]]);
  for (const [text, place] of templates) {
    const parts = parseTemplate(text);
    if ("message" in parts) continue;
    const missing = parts.find((part) => part.kind === "capture" && part.index > captures);
    if (missing?.kind !== "capture") continue;
    add(
      warning(
        `{path.${missing.index}} is empty: not every path of this route has ${missing.index === 1 ? "a" : `${missing.index}`} “*” or group${missing.index === 1 ? "" : "s"}`,
        "write the path as a glob or a regular expression with groups",
      ),
      place,
    );
  }
}

/** A route leads to an upstream that is not there. */
export function unknownUpstream(name: string, names: readonly string[]): Problem {
  const hint = names.length === 0 ? "there are no upstreams" : suggestionHint(name, names);
  return { severity: "error", message: `unknown upstream "${name}"`, hint };
}

function below(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(prefix.endsWith("/") ? prefix : `${prefix}/`);
}

function captureCount(pattern: RouteConfig["paths"][number]): number {
  if (pattern.kind === "glob") return pattern.pattern.split(/\*\*?/).length - 1;
  if (pattern.kind !== "regex") return 0;
  return (new RegExp(`${pattern.source}|`).exec("")?.length ?? 1) - 1;
}

/** Routes that no request reaches because an earlier one has all their hosts, paths and methods; unused upstreams. */
function checkReach(config: Config, add: Add): void {
  const taken = new Map<string, { index: number; methods: readonly string[] }[]>();
  config.routes.forEach((route, index) => {
    const hosts = route.hosts.length === 0 ? [""] : route.hosts;
    const keys = hosts.flatMap((host) => route.paths.map((pattern) => `${host} ${formatPathPattern(pattern)}`));
    const earlier = keys.map((key) => taken.get(key)?.find(({ methods }) => covers(methods, route.methods)));
    if (keys.length > 0 && earlier.every((route_) => route_ !== undefined)) {
      const first = config.routes[earlier[0]!.index]!.name;
      add(
        warning(
          "no request reaches this route",
          `the route "${first}" (number ${earlier[0]!.index + 1}) has the same host and path`,
        ),
        ["routes", index],
        "key",
      );
    }
    for (const key of keys) taken.set(key, [...(taken.get(key) ?? []), { index, methods: route.methods }]);
  });
  const used = new Set(config.routes.map(({ action }) => (action.kind === "proxy" ? action.upstream : "")));
  for (const name of config.upstreams.keys()) {
    if (config.routes.length > 0 && !used.has(name))
      add(
        warning(`no route leads to the upstream ${name}`, `write a route with proxy: ${name}, or take it out`),
        ["upstreams", name],
        "key",
      );
  }
}

/** Whether every request of `later` is taken by `earlier`; a route with methods comes before one without. */
function covers(earlier: readonly string[], later: readonly string[]): boolean {
  if (later.length === 0) return earlier.length === 0;
  return earlier.length > 0 && later.every((method) => earlier.includes(method));
}

/** Parts of the promised format that this version accepts and checks, but does not act on. */
export function plannedFindings(raw: FileConfig): Finding[] {
  const findings: Finding[] = [];
  const planned = (what: string, instead: string, path: Path) =>
    findings.push({
      problem: { ...warning(`${what} is not in effect yet`, instead), planned: true },
      path,
      which: "key",
    });
  for (const [name, upstream] of Object.entries(raw.upstreams)) {
    const path: Path = ["upstreams", name];
    const { retry } = upstream;
    if (typeof retry === "object" && retry.budget !== undefined)
      planned("retry.budget", "attempts and within are", [...path, "retry", "budget"]);
    for (const key of ["health", "eject", "hold"] as const) {
      if (typeof upstream[key] === "object")
        planned(key, "this version accepts and checks it, and does nothing with it", [...path, key]);
    }
  }
  return findings;
}
