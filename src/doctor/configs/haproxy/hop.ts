// A haproxy.cfg as one hop: binds of frontends and listens, rules that choose backends, backends with their servers.
// Timers are those that hold, at the place where they are written, which is mostly a defaults section.
import type { TimerId } from "../../timeouts/model.ts";
import { haproxyTime } from "../durations.ts";
import type { ConfiguredHop, ConfiguredTimer, Listen, Member, Pool } from "../model.ts";
import { spotOf } from "../reader.ts";
import { routesOf } from "./routes.ts";
import { isOut, type Server, serversOf } from "./servers.ts";
import { hasOption, lastLine, modeOf, ownLines, type Parsed, type Section } from "./words.ts";

/** The hop; null = nothing in it serves or forwards. */
export function haproxyHop({ sections }: Parsed): ConfiguredHop | null {
  const fronts = sections.filter(({ kind }) => kind === "frontend" || kind === "listen");
  const backs = sections.filter((section) => section.kind === "backend" || isOwnBackend(section));
  const [first] = sections;
  if (!first || fronts.length + backs.length === 0) return null;
  const client = fronts.flatMap(clientTimers);
  const global = sections.filter(({ kind }) => kind === "global");
  return {
    software: "haproxy",
    name: "haproxy",
    at: (fronts[0] ?? backs[0] ?? first).at,
    listens: fronts.flatMap(listensOf),
    routes: fronts.flatMap((front) => {
      const ports = listensOf(front).map(({ port }) => port);
      const plain = ports.filter((port) => port !== null);
      const routes = routesOf(front, isOwnBackend(front));
      return plain.length < ports.length || plain.length === 0
        ? routes
        : routes.map((route) => ({ ...route, ports: plain }));
    }),
    pools: backs.map((back) => poolOf(back, sections)),
    timers: unique([
      ...client,
      ...global.flatMap((section) => timer(section, "drain", "hard-stop-after")),
      ...sections
        .filter(({ keyword }) => keyword === "resolvers")
        .flatMap((each) => timer(each, "dns", "timeout retry")),
    ]),
    // HAProxy logs to syslog, a descriptor or a ring, not to files.
    logs: [],
  };
}

/** A `listen` with servers of its own. */
export function isOwnBackend(section: Section): boolean {
  return section.kind === "listen" && section.lines.some(({ words }) => /^server(?:-template)?$/.test(words[0] ?? ""));
}

function listensOf(section: Section): Listen[] {
  return ownLines(section, "bind").flatMap(({ words, places, at }) => {
    const tls = words.includes("ssl", 2);
    return (words[1] ?? "").split(",").map((address): Listen => {
      const place = places[1] ?? at;
      const bare = address.replace(/^(?:ipv4|ipv6|unix|quic4|quic6)@/, "");
      const names: readonly string[] = [];
      if (bare.startsWith("/")) return { host: "", port: null, socket: bare, tls, names, at: place };
      const spot = spotOf(bare.replace(/^\*?(?=:\d)/, "*").replace(/^\*/, "0.0.0.0"), null);
      const isAll = /^(?:\*|0\.0\.0\.0)?:/.test(bare);
      const host = isAll ? "*" : spot?.kind === "tcp" ? spot.host : bare;
      return { host, port: spot?.kind === "tcp" ? spot.port : null, socket: null, tls, names, at: place };
    });
  });
}

function poolOf(section: Section, sections: readonly Section[]): Pool {
  const servers = serversOf(section);
  const isHttp = modeOf(section) === "http";
  const first = servers.find(({ settings }) => !settings.has("backup")) ?? servers[0];
  const tls = first?.settings.has("ssl") ?? false;
  const isH2 = first?.settings.get("proto") === "h2";
  return {
    name: section.name,
    scheme: !isHttp ? "tcp" : tls ? "https" : isH2 ? "h2c" : "http",
    members: servers.map(memberOf),
    host: hostOf(section),
    serverName: tls ? serverNameOf(first) : null,
    verify: tls ? verifies(first, sections) : null,
    caFile: tls ? (first?.settings.get("ca-file") ?? null) : null,
    httpVersion: !isHttp ? null : isH2 ? "2" : first?.settings.has("alpn") ? null : "1.1",
    reuses: isHttp && reuses(section),
    health: healthOf(section, servers),
    timers: poolTimers(section, first),
    at: section.at,
  };
}

function memberOf(server: Server): Member {
  const { text, spot, at, settings, line } = server;
  const place = line.places[line.words[0] === "server" ? 2 : 3] ?? at;
  return { text, spot, backup: settings.has("backup"), down: isOut(server), at: place };
}

/** The client's, unless a rule without a condition sets it. */
function hostOf(section: Section): Pool["host"] {
  const rules = section.lines.filter(
    ({ words }) =>
      /^http-request$/.test(words[0] ?? "") &&
      /^(?:set-header|replace-header)$/.test(words[1] ?? "") &&
      words[2]?.toLowerCase() === "host",
  );
  const rule = rules.find(({ words }) => words[1] === "set-header" && !/^(?:if|unless)$/.test(words[4] ?? ""));
  const value = rule?.words[3];
  if (value === undefined || /%\[(?:req\.)?hdr\(host\)\]/i.test(value)) return "client";
  return { text: value };
}

function serverNameOf(server: Server | undefined): Pool["serverName"] {
  const sni = server?.settings.get("sni");
  if (sni === undefined) return null;
  const constant = /^str\(([^)]*)\)$/.exec(sni)?.[1];
  if (constant !== undefined) return { text: constant };
  return /hdr\(host\)|ssl_fc_sni/i.test(sni) ? "client" : { text: sni };
}

/** Required unless somebody says otherwise: HAProxy does not start without a ca-file then, or uses the system's. */
function verifies(server: Server | undefined, sections: readonly Section[]): boolean {
  const own = server?.settings.get("verify");
  if (own !== undefined) return own !== "none";
  const globals = sections.filter(({ kind }) => kind === "global");
  return !globals.some((section) => lastLine(section, "ssl-server-verify")?.words[1] === "none");
}

function reuses(section: Section): boolean {
  if (lastLine(section, "http-reuse")?.words[1] === "never") return false;
  return (
    !hasOption(section, "httpclose") && !hasOption(section, "forceclose") && !hasOption(section, "http-server-close")
  );
}

/** How servers are checked. */
export interface Check {
  readonly method: string;
  readonly path: string | null;
  readonly version: string;
  readonly host: string | null;
  readonly isHttp: boolean;
  readonly at: Pool["at"];
}

/** What `check` does in a section. */
export function checkOf(section: Section): Check | null {
  const option = lastLine(section, "option", "httpchk");
  if (!option || !hasOption(section, "httpchk")) return null;
  const [, , first, second, ...rest] = option.words;
  const [method, path] =
    second === undefined && first !== undefined ? ["OPTIONS", first] : [first ?? "OPTIONS", second];
  const tail = rest.join(" ");
  let check: Check = {
    method,
    path: path ?? "/",
    version: /HTTP\/[\d.]+/.exec(tail)?.[0] ?? "HTTP/1.0",
    host: /\r?\n?Host:\s*([^\s\\]+)/i.exec(tail)?.[1] ?? null,
    isHttp: true,
    at: option.at,
  };
  const send = lastLine(section, "http-check", "send");
  if (!send) return check;
  for (let index = 2; index < send.words.length; index++) {
    const [word, value = "", more = ""] = send.words.slice(index);
    if (word === "meth") check = { ...check, method: value, at: send.at };
    if (word === "uri" || word === "uri-lf") check = { ...check, path: value, at: send.at };
    if (word === "ver") check = { ...check, version: value, at: send.at };
    if (word === "hdr" && value.toLowerCase() === "host") check = { ...check, host: more, at: send.at };
  }
  return check;
}

function healthOf(section: Section, servers: readonly Server[]): Pool["health"] {
  const checked = servers.find(({ settings }) => settings.has("check"));
  if (!checked) return null;
  const check = checkOf(section);
  const at = check?.at ?? checked.places.get("check") ?? checked.at;
  return { path: check?.path ?? null, host: check?.host ?? null, at };
}

function clientTimers(section: Section): ConfiguredTimer[] {
  // Each falls back to the next.
  const first = (id: TimerId, ...names: readonly string[]) => {
    const name = names.find((each) => lastLine(section, ...each.split(" ")));
    return name === undefined ? [] : timer(section, id, name);
  };
  if (modeOf(section) !== "http") return first("tunnel-idle", "timeout client");
  return [
    ...first("client-idle", "timeout http-keep-alive", "timeout http-request", "timeout client"),
    ...first("request", "timeout http-request", "timeout client"),
    ...timer(section, "tunnel-idle", "timeout tunnel"),
  ];
}

function poolTimers(section: Section, server: Server | undefined): ConfiguredTimer[] {
  const purge = server?.settings.get("pool-purge-delay");
  const at = server?.places.get("pool-purge-delay");
  const value = purge === undefined ? undefined : haproxyTime(purge);
  return [
    ...timer(section, "connect", "timeout connect"),
    ...timer(section, "response", "timeout server"),
    ...timer(section, "tunnel-idle", "timeout tunnel"),
    ...timer(section, "tries", "retries"),
    ...(value === undefined || !at || purge === undefined
      ? []
      : [{ id: "upstream-idle" as const, setting: "pool-purge-delay", value, text: purge, at }]),
  ];
}

function timer(section: Section, id: TimerId, setting: string): ConfiguredTimer[] {
  const keywords = setting.split(" ");
  const line = lastLine(section, ...keywords);
  const text = line?.words[keywords.length];
  if (!line || text === undefined) return [];
  const value = id === "tries" ? Number(text) : haproxyTime(text);
  if (value === undefined || Number.isNaN(value)) return [];
  return [{ id, setting, value, text, at: line.at }];
}

function unique(timers: readonly ConfiguredTimer[]): ConfiguredTimer[] {
  return [...new Map(timers.map((each) => [`${each.id} ${each.at.line} ${each.setting}`, each])).values()];
}
