// Records as a gateway would give them, for tests.
import type { Incident, Mark } from "../incidents/model.ts";
import type { Point, TailEntry } from "../observe/report.ts";
import type { AuditEntry, GatewayInfo, StoredFailure } from "./model.ts";

/** 2026-01-01 00:00 UTC: a multiple of every span. */
export const T0 = 1_767_225_600_000;

export const GATEWAY: GatewayInfo = {
  id: "g1",
  name: "edge",
  host: "host-1",
  version: "0.1.0",
  startedAt: T0,
  seenAt: T0,
};

export function incident(number: number, changes: Partial<Incident> = {}): Incident {
  const openedAt = changes.openedAt ?? T0 + number * 60_000;
  return {
    id: `i${openedAt.toString(32).padStart(10, "0")}${number.toString(32).padStart(4, "0")}`,
    gateway: "g1",
    openedAt,
    lastAt: openedAt + 30_000,
    closedAt: openedAt + 40_000,
    severity: "degraded",
    cause: "connect-refused",
    causes: { "connect-refused": 12, "connect-timeout": 1 },
    phase: "connect",
    fault: ["upstream"],
    upstream: "app",
    routes: { "/": 12 },
    endpoints: { "10.0.0.1:3000": 12 },
    counts: {
      failures: 13,
      shown: 3,
      cut: 0,
      clientLeft: 0,
      passed: 0,
      held: 2,
      queued: 0,
      retried: 4,
      failedOver: 4,
      requests: 400,
      clients: 3,
    },
    series: { fromAt: openedAt, stepMs: 1_000, shown: Array(30).fill(1), saved: Array(30).fill(2) },
    methods: { GET: 12, POST: 1 },
    paths: { "/cart": 10, "/order/…": 3 },
    hosts: { "shop.example": 13 },
    statuses: { 502: 3 },
    verdict: {
      sentence: `app-2 (10.0.0.1:3000) refuses connections, number ${number}`,
      short: "app-2 refuses connections",
      pattern: "process-down",
      confidence: "proven",
      reasons: ["the kernel answered every connect with a reset", "the other endpoint answered"],
      settle: [],
      fixes: [{ text: "Start the process again", code: "systemctl start app", language: "shell" }],
      alternatives: [],
      entry: "connect-refused",
    },
    timeline: [{ at: openedAt, kind: "opened", text: "first failure" }],
    ...changes,
  };
}

export function failure(number: number, changes: Partial<StoredFailure> = {}): StoredFailure {
  const at = changes.at ?? T0 + number * 1_000;
  return {
    id: `f${at.toString(32).padStart(10, "0")}${number.toString(32).padStart(6, "0")}`,
    requestId: `request-${number}`,
    at,
    incident: "i1",
    gateway: "g1",
    cause: "connect-refused",
    phase: "connect",
    outcome: "shown",
    savedBy: null,
    status: 502,
    route: "/",
    upstream: "app",
    endpoint: "10.0.0.1:3000",
    listener: ":8080",
    tls: false,
    method: "GET",
    host: "shop.example",
    target: `/order/${number}?page=[redacted]`,
    protocol: "HTTP/1.1",
    client: "192.0.2.7",
    userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    traceId: "",
    sentence: "10.0.0.1:3000 refused the connection: nothing listens there",
    fix: "Start the application, or correct its address",
    durationMs: 12 + (number % 50),
    heldMs: 0,
    queuedMs: 0,
    bytesReceived: 310,
    bytesSent: 812,
    requestHead: [
      ["host", "shop.example"],
      ["accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"],
      ["cookie", "session=[redacted]"],
    ],
    attempts: [
      {
        endpoint: "10.0.0.1:3000",
        startMs: 0,
        resolvedMs: 1,
        tcpMs: null,
        connectedMs: null,
        sentMs: null,
        headMs: null,
        endMs: 2,
        status: 0,
        reused: false,
        bytesSent: 0,
        bytesReceived: 0,
        cause: "connect-refused",
        phase: "connect",
        sentence: "10.0.0.1:3000 refused the connection",
        evidence: null,
        responseHead: null,
      },
    ],
    ...changes,
  };
}

export function mark(number: number, changes: Partial<Mark> = {}): Mark {
  return {
    id: `m${number}`,
    gateway: "g1",
    at: T0 + number * 1_000,
    kind: "deploy",
    text: `deploy ${number}`,
    level: "info",
    upstream: "",
    endpoint: "",
    by: "pipeline",
    ...changes,
  };
}

export function point(at: number, changes: Partial<Point> = {}): Point {
  return {
    kind: "all",
    name: "",
    at,
    spanMs: 10_000,
    requests: 100,
    classes: [0, 95, 2, 1, 2, 0],
    shown: 2,
    saved: 1,
    causes: { "connect-refused": 3 },
    savedBy: { retry: 1 },
    latency: [10, 40, 30, 10, 5, 3, 1, 1, 0, 0, 0, 0, 0, 0],
    latencySumMs: 1_234,
    bytesIn: 30_000,
    bytesOut: 900_000,
    ...changes,
  };
}

export function slow(number: number, changes: Partial<TailEntry> = {}): TailEntry {
  return {
    at: T0 + number * 1_000,
    requestId: `request-${number}`,
    method: "GET",
    host: "shop.example",
    target: `/search/${number}?q=[redacted]`,
    status: 200,
    durationMs: 1_000 + number,
    route: "/",
    upstream: "app",
    endpoint: "10.0.0.1:3000",
    attempts: 1,
    cause: null,
    outcome: "ok",
    savedBy: null,
    bytesSent: 100,
    client: "192.0.2.7",
    ...changes,
  };
}

export function audit(number: number): AuditEntry {
  return {
    id: `a${number}`,
    gateway: "g1",
    at: T0 + number,
    by: "admin",
    role: "admin",
    client: "127.0.0.1",
    action: `drain ${number}`,
    outcome: "drained",
  };
}
