// A Caddyfile as a hop: its sites are listens, each reverse_proxy in whatever handle, route or handle_path it stands is
// a route to a pool of its own. A matcher that is more than a path stays as written: nothing is claimed of what it lets
// through.
import type { Place } from "../../evidence.ts";
import { goTime } from "../durations.ts";
import { offAtZero, timers } from "../finding.ts";
import type { ConfigEvidence, ConfiguredRoute, ConfiguredTimer, Finding, Listen, Pool } from "../model.ts";
import { evidence, problem, type ReadInput } from "../reader.ts";
import { type Line, parseCaddyfile, type Site } from "./parse.ts";
import { type CaddyProxy, poolOf, proxyFindings } from "./proxy.ts";
import { proxyOf } from "./reverse-proxy.ts";

/** Reads a Caddyfile. */
export function readCaddyfile({ file, text, files }: ReadInput): ConfigEvidence {
  const parsed = parseCaddyfile(text, file, files);
  const global = new Map(parsed.global.map((line) => [line.name, line]));
  const walk: Walk = { routes: [], pools: [], findings: [], names: new Map() };
  const listens = parsed.sites.flatMap((site) => siteListens(site, global));
  for (const site of parsed.sites) {
    const hosts = siteListens(site, global).flatMap(({ names }) => names);
    walkLines(
      site.lines,
      { hosts: [...new Set(hosts)], paths: [{ path: ANY, becomes: null }], matchers: new Map() },
      walk,
    );
  }
  const first = parsed.sites[0]?.at ?? { file, line: 1, column: 1 };
  const logs = [...parsed.sites.flatMap(({ lines }) => lines), ...parsed.global].flatMap(logsOf);
  const hop = {
    software: "caddy" as const,
    name: "caddy",
    at: first,
    listens,
    routes: walk.routes,
    pools: walk.pools,
    timers: globalTimers(global.get("servers")),
    logs,
  };
  return evidence(file, "caddyfile", {
    files: parsed.files,
    hops: parsed.sites.length === 0 ? [] : [hop],
    findings: walk.findings.map((each) => ({ ...each, hop: "caddy" })),
    problems: parsed.problems.map(({ at, text: said, next }) => problem(file, at, said, next)),
  });
}

type Path = ConfiguredRoute["path"];
const ANY: Path = { kind: "prefix", text: "/" };

interface Walk {
  readonly routes: ConfiguredRoute[];
  readonly pools: Pool[];
  readonly findings: Finding[];
  readonly names: Map<string, number>;
}

interface Scope {
  readonly hosts: readonly string[];
  readonly paths: readonly ScopePath[];
  readonly matchers: ReadonlyMap<string, Line>;
}

interface ScopePath {
  readonly path: Path;
  /** What the path has become on the way here; null = it stays. */
  readonly becomes: string | null;
}

const NESTING = new Set(["handle", "route", "handle_path"]);
const ANSWERS = new Set(["respond", "redir", "file_server", "abort", "error"]);

function walkLines(lines: readonly Line[], outer: Scope, walk: Walk): void {
  const own = lines.filter(({ name }) => name.startsWith("@")).map((line) => [line.name, line] as const);
  const matchers = new Map([...outer.matchers, ...own]);
  const scope: Scope = { ...outer, matchers, paths: outer.paths.map((each) => rewritten(each, lines)) };
  for (const line of lines) {
    const here = matched(line, scope);
    if (NESTING.has(line.name) && line.body) {
      const cuts = line.name === "handle_path";
      const paths = cuts ? here.paths.map(({ path }) => ({ path, becomes: "/" })) : here.paths;
      walkLines(line.body, { ...here, paths }, walk);
    } else if (line.name === "reverse_proxy" || line.name === "php_fastcgi") {
      addProxy(line, here, walk);
    } else if (line.name === "forward_auth") {
      // It answers nothing itself, but who cannot be asked is a 502 too.
      addProxy(line, { ...here, paths: [] }, walk);
    } else if (ANSWERS.has(line.name)) {
      for (const { path } of here.paths)
        walk.routes.push({ hosts: here.hosts, path, pool: null, pathBecomes: null, timers: [], at: line.at });
    }
  }
}

/** What "uri strip_prefix" and "rewrite * /v2{uri}" of the same block make of a path. */
function rewritten({ path, becomes }: ScopePath, lines: readonly Line[]): ScopePath {
  const stripped = lines.find(({ name, args }) => name === "uri" && args.some(({ text }) => text === "strip_prefix"));
  const prefix = stripped?.args.at(-1)?.text.replace(/\/$/, "");
  const cut = prefix !== undefined && path.text.startsWith(prefix) ? "/" : becomes;
  const target = lines.find(({ name, args }) => name === "rewrite" && (args.length === 1 || args[0]?.text === "*"));
  const put = /^(\/[^{}]*)\{(?:uri|path|http\.request\.uri(?:\.path)?)\}$/.exec(target?.args.at(-1)?.text ?? "")?.[1];
  return { path, becomes: put === undefined ? cut : put.replace(/\/$/, "") + (cut ?? path.text) };
}

function addProxy(line: Line, { hosts, paths }: Scope, walk: Walk): void {
  const proxy: CaddyProxy = proxyOf(line);
  const base = proxy.upstreams[0]?.text ?? "upstream";
  const count = (walk.names.get(base) ?? 0) + 1;
  walk.names.set(base, count);
  const pool = poolOf(proxy, count === 1 ? base : `${base} (${count})`);
  walk.pools.push(pool);
  walk.findings.push(...proxyFindings(proxy, hosts, false));
  for (const { path, becomes } of paths)
    walk.routes.push({ hosts, path, pool: pool.name, pathBecomes: becomes, timers: [], at: line.at });
}

/** What a line's matcher leaves of a scope. */
function matched(line: Line, scope: Scope): Scope {
  const first = line.args[0]?.text;
  if (first === undefined || first === "*") return scope;
  if (first.startsWith("/")) return narrowed(scope, [pathOf(first)]);
  if (!first.startsWith("@")) return scope;
  const named = scope.matchers.get(first);
  const conditions = named ? conditionsOf(named) : [];
  const of = (wanted: string) => conditions.filter(([name]) => name === wanted).flatMap(([, args]) => args);
  const hosts = of("host");
  const base = { ...scope, hosts: hosts.length > 0 ? hosts : scope.hosts };
  if (!named || conditions.some(([name]) => name !== "host" && name !== "path"))
    return narrowed(base, [{ kind: "pattern", text: first }]);
  return of("path").length === 0 ? base : narrowed(base, of("path").map(pathOf));
}

function conditionsOf({ args, body }: Line): readonly (readonly [name: string, args: readonly string[]])[] {
  if (body) return body.map((line) => [line.name, line.args.map(({ text }) => text)] as const);
  const [name, ...rest] = args.map(({ text }) => text);
  return name === undefined ? [] : [[name, rest]];
}

/** Where the path has lost its prefix, what is matched goes behind it. */
function narrowed(scope: Scope, paths: readonly Path[]): Scope {
  const [outer] = scope.paths;
  const cut =
    scope.paths.length === 1 && outer?.becomes === "/" && outer.path.kind === "prefix" ? outer.path.text : null;
  return {
    ...scope,
    paths: paths.map((path) => {
      if (cut === null || path.kind === "pattern") return { path, becomes: null };
      const whole: Path = { kind: path.kind, text: cut.replace(/\/$/, "") + path.text };
      return { path: whole, becomes: path.text };
    }),
  };
}

function pathOf(text: string): Path {
  const inner = text.slice(0, -1);
  if (text.endsWith("*") && !inner.includes("*")) return { kind: "prefix", text: inner === "" ? "/" : inner };
  return { kind: text.includes("*") ? "pattern" : "exact", text };
}

/** Where a site listens. Names without a port have 443, and TLS, unless http:// or a plain port says otherwise. */
function siteListens(site: Site, global: ReadonlyMap<string, Line>): readonly Listen[] {
  const portOf = (name: string, fallback: number) => Number(global.get(name)?.args[0]?.text ?? fallback);
  const [http, https] = [portOf("http_port", 80), portOf("https_port", 443)];
  const automatic = global.get("auto_https")?.args[0]?.text !== "off";
  const hasTls = site.lines.some((line) => line.name === "tls");
  const bind = site.lines.find((line) => line.name === "bind")?.args[0]?.text ?? "*";
  return site.addresses.flatMap(({ text, at }): readonly Listen[] => {
    const match = /^(?:(https?):\/\/)?(\[[^\]]+\]|[^:/\s]*)(?::(\d+))?(\/\S*)?$/.exec(text);
    if (!match) return [];
    const [, scheme, host = "", said] = match;
    const named = host !== "" && host !== "*";
    const port =
      said !== undefined ? Number(said) : scheme === "http" || (scheme === undefined && !named) ? http : https;
    const plain = scheme === "http" || port === http || (!named && !hasTls && port !== https);
    const tls = !plain && (hasTls || automatic || scheme === "https");
    return [{ host: bind, port, socket: null, tls, names: named ? [host] : [], at }];
  });
}

const SERVER_TIMERS = { idle: "client-idle", read_header: "request", read_body: "request" } as const;

/** servers { timeouts { … } } of the global options. */
function globalTimers(servers: Line | undefined): readonly ConfiguredTimer[] {
  const block = servers?.body?.find(({ name }) => name === "timeouts")?.body ?? [];
  return block.flatMap(({ name, args, at }) => {
    const id = SERVER_TIMERS[name as keyof typeof SERVER_TIMERS];
    const text = args[0]?.text ?? "";
    return id === undefined ? [] : timers(id, `timeouts ${name}`, offAtZero(goTime(text)), text, at);
  });
}

function logsOf(line: Line): readonly { kind: "error" | "access"; file: string; at: Place }[] {
  if (line.name !== "log" || !line.body) return [];
  return line.body.flatMap(({ name, args, at }) => {
    const [first, second] = args.map(({ text }) => text);
    const isFile = name === "output" && first === "file" && second !== undefined;
    return isFile ? [{ kind: "access" as const, file: second, at }] : [];
  });
}
