// Configurations and measurements for the tests, with as little as a chain is made from.
import type { ConfigEvidence, ConfigKind, ConfiguredHop, ConfiguredTimer, Member, Pool } from "../configs/model.ts";
import type { HttpTry, IdleEvidence, Place, Spot, Target, TargetEvidence } from "../evidence.ts";
import type { SoftwareId } from "../software.ts";
import type { TimerId } from "./model.ts";

/** A place in a file. */
export function at(file: string, line: number): Place {
  return { file, line, column: 1 };
}

/** A timer that a file sets. */
export function configured(id: TimerId, setting: string, value: number | null, where: Place): ConfiguredTimer {
  return { id, setting, value, text: String(value), at: where };
}

/** A configuration with one hop. */
export function configOf(kind: ConfigKind, file: string, ...hops: readonly ConfiguredHop[]): ConfigEvidence {
  return { file, kind, files: [file], hops, findings: [], problems: [] };
}

/** A hop that listens on "host:port" and forwards by these pools. */
export function hopOf(
  software: SoftwareId,
  name: string,
  listens: readonly string[],
  pools: readonly Pool[],
  timers: readonly ConfiguredTimer[] = [],
  routes: ConfiguredHop["routes"] = [],
): ConfiguredHop {
  const where = at(`${name}.conf`, 1);
  return {
    software,
    name,
    at: where,
    listens: listens.map((text) => ({ ...endOf(text), tls: false, names: [], at: where })),
    routes,
    pools,
    timers,
    logs: [],
  };
}

function endOf(text: string): { readonly host: string; readonly port: number | null; readonly socket: string | null } {
  const spot = spotOf(text);
  if (spot.kind === "unix") return { host: "", port: null, socket: spot.path };
  return { host: spot.host, port: spot.port, socket: null };
}

function spotOf(text: string): Spot {
  if (text.startsWith("unix:")) return { kind: "unix", path: text.slice("unix:".length) };
  const colon = text.lastIndexOf(":");
  return { kind: "tcp", host: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
}

/** A pool of these members. */
export function poolOf(name: string, members: readonly string[], change: Partial<Pool> = {}): Pool {
  const where = at(`${name}.conf`, 2);
  const all: readonly Member[] = members.map((text) => ({
    text,
    spot: spotOf(text),
    backup: false,
    down: false,
    at: where,
  }));
  return {
    name,
    scheme: "http",
    members: all,
    host: "client",
    serverName: null,
    verify: null,
    caFile: null,
    httpVersion: "1.1",
    reuses: true,
    health: null,
    timers: [],
    at: where,
    ...change,
  };
}

/** What was seen of a target: who passed its responses, and how idle connections ended. */
export function seenOf(
  role: Target["role"],
  spot: string,
  passed: readonly SoftwareId[],
  idle: readonly Pick<IdleEvidence, "saidMs" | "closedAfterMs">[] = [],
  pool: string | null = null,
): TargetEvidence {
  const target: Target = {
    id: `${role} ${spot}`,
    role,
    depth: 0,
    scheme: "http",
    spot: spotOf(spot),
    host: "shop.example.com",
    serverName: null,
    verify: true,
    path: "/",
    ca: [],
    pool: pool === null ? null : { name: pool, at: null, healthPath: null },
  };
  return {
    target,
    dns: null,
    tcp: [],
    tls: [],
    http: passed.length === 0 ? [] : [tryOf(spot, passed)],
    redirects: null,
    idle: idle.map((each) => ({ address: spot, closedBy: "fin", watchedMs: 10_000, ...each })),
    requests: 1,
    notTested: [],
  };
}

function tryOf(address: string, passed: readonly SoftwareId[]): HttpTry {
  return {
    what: "baseline",
    address,
    protocol: "http/1.1",
    method: "GET",
    url: "http://shop.example.com/",
    reused: false,
    idleMs: null,
    requestId: "1",
    startedAtMs: 0,
    status: 200,
    reason: "OK",
    fields: [],
    headBytes: 0,
    excerpt: "",
    bodyBytes: 0,
    bodyHash: null,
    timings: { connectMs: 1, tlsMs: null, headMs: 1, bodyMs: 1, totalMs: 3 },
    failure: null,
    page: {
      madeBy: passed.at(-1) ?? null,
      certainty: "likely",
      ownError: false,
      cause: null,
      reasons: [],
      passed: passed.map((software) => ({ software, mark: software, name: null })),
    },
  };
}
