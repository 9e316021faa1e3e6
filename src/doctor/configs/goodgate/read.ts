// goodgate.yaml, through the loader that runs it: its errors are problems, its findings are findings, and the Config
// that comes out is the hop. Defaults are those of the loader, so timers that nobody wrote are not listed: timeouts/
// knows them. Places come from the keys in the text, since a Config has none.
import type { Address, Config, EndpointConfig, Problem, RouteConfig, UpstreamConfig } from "../../../config/config.ts";
import { readDocument, type SourceDocument } from "../../../config/document.ts";
import { loadConfig } from "../../../config/load.ts";
import type { ContentConfig } from "../../../config/location-settings.ts";
import type { LocationConfig, ServerConfig } from "../../../config/servers.ts";
import type { Place, Spot } from "../../evidence.ts";
import { note, risk } from "../finding.ts";
import type {
  ConfigEvidence,
  ConfiguredHop,
  ConfiguredRoute,
  ConfiguredTimer,
  Finding,
  Listen,
  Pool,
} from "../model.ts";
import { evidence, problem, type ReadInput } from "../reader.ts";

type Path = readonly PropertyKey[];
/** The place of the first of these that is written; null = none is. */
type Find = (...paths: readonly Path[]) => Place | null;

const PROBLEMS_MAX = 20;

/** Reads it. */
export function readGoodgate({ file, text }: ReadInput): ConfigEvidence {
  const { config, problems } = loadConfig(text, file, process.env, { keepRefused: true });
  const document = readDocument(text, file, process.env);
  const errors = problems.filter(({ severity }) => severity === "error");
  const hop = config ? hopOf(config, finder(document, file), file) : null;
  const findings = problems.filter(({ severity }) => severity === "warning").map((each) => findingOf(each, hop));
  return evidence(file, "goodgate", {
    hops: hop ? [hop] : [],
    findings,
    problems: errors
      .slice(0, PROBLEMS_MAX)
      .map(({ message, hint, position }) => problem(file, position ?? null, message, hint ?? `goodgate check ${file}`)),
  });
}

function findingOf({ message, hint, position, cause }: Problem, hop: ConfiguredHop | null): Finding {
  const say = cause ? risk : note;
  const at = position ?? null;
  return say({
    id: `goodgate-${cause ?? "check"}`,
    class: cause ?? null,
    text: message,
    fix: hint ?? "see the reference of goodgate.yaml",
    at,
    hop: hop?.name ?? null,
  });
}

function finder(document: SourceDocument, file: string): Find {
  const { value } = document;
  return (...paths) => {
    const path = paths.find((each) => isWritten(value, each));
    if (!path) return null;
    const which = typeof path.at(-1) === "number" ? "value" : "key";
    const { position } = document.locate({ severity: "error", message: "" }, path, which);
    return position ? { file, line: position.line, column: position.column } : null;
  };
}

function isWritten(value: unknown, path: Path): boolean {
  let inner = value;
  for (const key of path) {
    if (typeof inner !== "object" || inner === null || !(key in inner)) return false;
    inner = Reflect.get(inner, key);
  }
  return path.length > 0;
}

function hopOf(config: Config, find: Find, file: string): ConfiguredHop {
  const top: Place = { file, line: 1, column: 1 };
  const { idleMs, headMs, bodyMs } = config.client.timeouts;
  return {
    software: "goodgate",
    name: config.name,
    at: find(["upstreams"], ["routes"], ["upstream"], ["listen"]) ?? top,
    listens: config.listeners.map((listener): Listen => {
      const at = find(["listen"]) ?? top;
      return {
        ...listenAddress(listener.address),
        tls: listener.tls !== null || listener.serversTls === true,
        names: [],
        at,
      };
    }),
    routes: [
      ...config.routes.flatMap((route, index) => routesOf(route, find(["routes", index], ["routes"]) ?? top)),
      ...(config.servers?.servers ?? []).flatMap((server, index) =>
        serverRoutes(server, find(["servers", index]) ?? top),
      ),
    ],
    pools: [...config.upstreams.values()].map((upstream) => poolOf(upstream, find, top)),
    timers: [
      ...timer("client-idle", "client.timeouts.idle", idleMs, find),
      ...timer("request", "client.timeouts.head", headMs, find),
      ...timer("request", "client.timeouts.body", bodyMs, find),
      ...timer("drain", "drain", config.drainMs, find),
    ],
    logs: [],
  };
}

function listenAddress(address: Address): Pick<Listen, "host" | "port" | "socket"> {
  if (address.kind === "unix") return { host: "", port: null, socket: address.path };
  return { host: address.host === "" ? "*" : address.host, port: address.port, socket: null };
}

function routesOf({ hosts, paths, action, strip, rewrite, timeouts }: RouteConfig, at: Place): ConfiguredRoute[] {
  const pool = action.kind === "proxy" ? action.upstream : null;
  const timers = timeouts.headMs === undefined ? [] : [written("response", "timeouts.head", timeouts.headMs, at)];
  return (paths.length === 0 ? [{ kind: "prefix", path: "/" } as const] : paths).map((path): ConfiguredRoute => {
    const pathBecomes =
      strip === "" || rewrite !== null || path.kind !== "prefix" ? null : path.path.slice(strip.length) || "/";
    const shape =
      path.kind === "exact" || path.kind === "prefix"
        ? { kind: path.kind, text: path.path }
        : { kind: "pattern" as const, text: path.kind === "regex" ? path.source : path.pattern };
    return { hosts, path: shape, pool, pathBecomes, timers, at };
  });
}

function serverRoutes({ names, locations, settings, listen }: ServerConfig, at: Place): ConfiguredRoute[] {
  const hosts = names.flatMap((name) => {
    if (name.kind === "exact") return name.name === "" ? [] : [name.name];
    if (name.kind === "pattern") return [`~${name.source}`];
    return [name.kind === "any-end" ? `${name.name}.*` : `*.${name.name}`];
  });
  const ports = listen.flatMap(({ address }) => (address.kind === "tcp" ? [address.port] : []));
  const route = (path: ConfiguredRoute["path"], content: ContentConfig): ConfiguredRoute => {
    const target = content.kind === "proxy" ? content.target : null;
    const isUpstream = target?.kind === "upstream";
    const pathBecomes = isUpstream && target.uri.kind === "replace" ? target.uri.by : null;
    return { hosts, ports, path, pool: isUpstream ? target.upstream : null, pathBecomes, timers: [], at };
  };
  const below = (all: readonly LocationConfig[]): ConfiguredRoute[] =>
    all.flatMap(({ match, settings: inner, locations: more }) => {
      if (match.kind === "named") return [];
      const text = match.kind === "pattern" ? match.source : match.path;
      return [...below(more), route({ kind: match.kind, text }, inner.content)];
    });
  const isCovered = locations.some(({ match }) => match.kind === "prefix" && match.path === "/");
  return [...below(locations), ...(isCovered ? [] : [route({ kind: "prefix", text: "/" }, settings.content)])];
}

function poolOf(upstream: UpstreamConfig, find: Find, top: Place): Pool {
  const { name, tls, host, keepalive, health, endpoints, timeouts, retry } = upstream;
  const own = (key: string): Path => ["upstreams", name, ...key.split(".")];
  const at = find(["upstreams", name], ["routes"], ["upstreams"]) ?? top;
  const placed = (id: ConfiguredTimer["id"], key: string, value: number) => {
    const place = find(own(key));
    return place ? [written(id, key, value, place)] : [];
  };
  return {
    name,
    scheme: tls ? "https" : "http",
    members: endpoints.map(({ label, address, backup, down, service }: EndpointConfig, index) => ({
      text: label,
      spot: service === "" ? spotOfAddress(address) : null,
      backup,
      down,
      at: find([...own("endpoints"), index], ["upstreams", name, index]) ?? at,
    })),
    host: host === "keep" ? "client" : host === "endpoint" ? "member" : { text: host.name },
    serverName: !tls?.sni ? null : tls.serverName !== null ? { text: tls.serverName } : "member",
    verify: tls?.verify ?? null,
    caFile: tls?.ca ?? null,
    httpVersion: "1.1",
    reuses: keepalive.connections > 0,
    health: health && {
      path: health.kind === "http" ? health.path : null,
      host: health.host,
      at: find(own("health")) ?? at,
    },
    timers: [
      ...placed("connect", "timeouts.connect", timeouts.connectMs),
      ...placed("response", "timeouts.head", timeouts.headMs),
      ...placed("tunnel-idle", "timeouts.tunnel-idle", timeouts.tunnelIdleMs),
      ...(keepalive.auto ? [] : placed("upstream-idle", "keepalive.idle", keepalive.idleMs)),
      ...placed("tries", "retry.attempts", retry.attempts),
    ],
    at,
  };
}

function spotOfAddress(address: Address): Spot {
  return address.kind === "tcp" && address.host === "" ? { ...address, host: "127.0.0.1" } : address;
}

function timer(id: ConfiguredTimer["id"], setting: string, value: number, find: Find): ConfiguredTimer[] {
  const at = find(setting.split("."));
  return at ? [written(id, setting, value, at)] : [];
}

function written(id: ConfiguredTimer["id"], setting: string, value: number, at: Place): ConfiguredTimer {
  return { id, setting, value, text: id === "tries" ? String(value) : `${value}ms`, at };
}
