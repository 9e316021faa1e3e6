// Evidence by hand: a target with its tries, logs with events, a way of one gateway.

import type { CauseId } from "../../failure/causes.ts";
import { failureOf } from "../../failure/classify.ts";
import type { Pool } from "../configs/model.ts";
import type { Evidence, HttpTry, Leg, Target, TargetEvidence } from "../evidence.ts";
import type { LogEvent } from "../logs/model.ts";
import type { PageMaker } from "../page/model.ts";

export const NOW_MS = Date.parse("2026-03-02T12:00:00Z");

export function target(id: string, more: Partial<Target> = {}): Target {
  const role = id === "url" ? "url" : id.startsWith("origin") ? "origin" : "endpoint";
  const port = Number(/(\d+)$/.exec(id)?.[1] ?? 8080);
  return {
    id,
    role,
    depth: role === "url" ? 0 : 1,
    scheme: "http",
    spot: { kind: "tcp", host: "127.0.0.1", port },
    host: "shop.example",
    serverName: "shop.example",
    verify: role !== "endpoint",
    path: "/",
    ca: [],
    pool:
      role === "endpoint" ? { name: "app", at: { file: "nginx.conf", line: 3, column: 5 }, healthPath: null } : null,
    ...more,
  };
}

/** A page of nginx itself, or of a program that says the cause. */
export function page(of: Partial<PageMaker>): PageMaker {
  return {
    madeBy: "nginx",
    certainty: "proven",
    ownError: true,
    cause: null,
    reasons: ["its page"],
    passed: [],
    ...of,
  };
}

export function tried(more: Partial<HttpTry> = {}): HttpTry {
  return {
    what: "baseline",
    address: "127.0.0.1:8080",
    protocol: "http/1.1",
    method: "GET",
    url: "http://shop.example/",
    reused: false,
    idleMs: null,
    requestId: "doctor-1",
    startedAtMs: NOW_MS,
    status: 200,
    reason: "OK",
    fields: [],
    headBytes: 200,
    excerpt: "",
    bodyBytes: 10,
    bodyHash: "x",
    timings: { connectMs: 1, tlsMs: null, headMs: 5, bodyMs: 1, totalMs: 8 },
    failure: null,
    page: null,
    ...more,
  };
}

/** A request that failed by a cause. */
export const failed = (cause: CauseId, more: Partial<HttpTry> = {}): HttpTry =>
  tried({
    status: null,
    reason: "",
    failure: failureOf(cause, { address: more.address ?? "127.0.0.1:3000" }),
    ...more,
  });

export function seen(of: Target, http: readonly HttpTry[], more: Partial<TargetEvidence> = {}): TargetEvidence {
  const tcp =
    http.length > 0 ? [{ address: "127.0.0.1:1", family: 4 as const, tries: [{ tookMs: 1, failure: null }] }] : [];
  return {
    target: of,
    dns: null,
    tcp,
    tls: [],
    http,
    redirects: null,
    idle: [],
    requests: http.length,
    notTested: [],
    ...more,
  };
}

/** Nothing takes connections. */
export function unreachable(of: Target, cause: CauseId): TargetEvidence {
  const address = of.spot.kind === "tcp" ? `${of.spot.host}:${of.spot.port}` : `unix:${of.spot.path}`;
  const failure = failureOf(cause, { address });
  return seen(of, [], { tcp: [{ address, family: 4, tries: [{ tookMs: 1, failure }] }] });
}

export function event(more: Partial<LogEvent>): LogEvent {
  return {
    file: "error.log",
    line: 1,
    atMs: NOW_MS,
    time: null,
    class: "connect-refused",
    confidence: "proven",
    upstream: "http://127.0.0.1:3000/",
    client: null,
    host: null,
    method: "GET",
    path: "/",
    status: null,
    upstreamStatus: null,
    durationMs: null,
    requestId: null,
    pid: null,
    software: "nginx",
    text: "connect() failed",
    ...more,
  };
}

/** A log with these failures. */
export function logFile(events: readonly LogEvent[]): Evidence["logs"]["files"][number] {
  const report = {
    lines: events.length,
    benign: 0,
    other: 0,
    clientErrors: 0,
    failures: events.length,
    groups: [],
    others: { groups: 0, entries: 0 },
    classes: [],
    verdict: "",
  };
  return {
    file: "error.log",
    bytes: 1,
    readBytes: 1,
    encoding: "utf-8",
    formats: [],
    software: "nginx",
    fromMs: null,
    toMs: null,
    report,
    events,
    turns: [],
  };
}

export function evidence(targets: readonly TargetEvidence[], more: Partial<Evidence> = {}): Evidence {
  return {
    url: targets.some(({ target: { role } }) => role === "url") ? "http://shop.example/" : null,
    way: [],
    startedAtMs: NOW_MS,
    tookMs: 100,
    targets,
    local: null,
    configs: [],
    logs: { files: [], series: null, members: [], patterns: [], joined: [], duringProbes: [], problems: [] },
    chain: null,
    notTested: [],
    problems: [],
    ...more,
  };
}

const AT = { file: "nginx.conf", line: 3, column: 5 };

/** A gateway whose pool has these targets. */
export function leg(targets: readonly string[], more: Partial<Leg> = {}): Leg {
  const pool: Pool = {
    name: "app",
    scheme: "http",
    members: [],
    host: "client",
    serverName: null,
    verify: null,
    caFile: null,
    httpVersion: "1.1",
    reuses: false,
    health: null,
    timers: [],
    at: AT,
  };
  return { hop: "nginx", software: "nginx", depth: 0, listens: [], pool, route: null, targets, loop: false, ...more };
}

/** The gateway's machine, certain. */
export const HERE: NonNullable<Evidence["local"]> = {
  gatewayHere: { certain: true, yes: true, reason: "nginx listens here" },
  root: true,
  spots: [],
  kernel: [],
  units: [],
  gateways: [],
  notTested: [],
};
