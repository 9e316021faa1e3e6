// A small Backend for tests of the server: one upstream, one incident, one failure; what was asked of it is kept.
import type { Incident, Mark } from "../incidents/model.ts";
import type { KeptAttempt, Rates, TailEntry } from "../observe/report.ts";
import type { AuditEntry, StoredFailure } from "../store/model.ts";
import type { Backend, ConfigView, DemoBackend, DemoState, EndpointNow, IncidentRow, LiveEvent, Now } from "./model.ts";

const AT = 1_770_000_000_000;

export interface FakeBackend extends Backend {
  readonly told: Omit<AuditEntry, "id" | "gateway" | "at">[];
  /** Calls that ask or change something, as "name" with their arguments. */
  readonly asked: (readonly [name: string, ...args: unknown[]])[];
  readonly listeners: Set<(event: LiveEvent) => void>;
  readonly tails: Set<(entries: readonly TailEntry[], left: number) => void>;
}

export const RATES: Rates = {
  ...{ perSecond: 12.5, shownPerSecond: 0, savedPerSecond: 1, ownErrorsPerSecond: 0 },
  causes: { "connect-refused": 1 },
  ...{ p50Ms: 3, p95Ms: 9, p99Ms: null },
};

const endpoint = (label: string): EndpointNow => ({
  ...{ label, state: "ok", why: "", since: null, weight: 1, configuredWeight: 1, backup: false },
  ...{ active: 1, connections: 2, idle: 1, keepAliveMs: 5_000, keepAliveFrom: "hint", rates: RATES },
});

export const ROW: IncidentRow = {
  ...{ id: "i0000000001abcd", gateway: "g1", openedAt: AT, lastAt: AT + 5_000, closedAt: null, severity: "degraded" },
  ...{ cause: "connect-refused", upstream: "app", endpoints: ["10.0.0.7:3000"], confidence: "likely" },
  ...{ sentence: "app-2 refuses <b>connections</b>", short: "app-2 refuses", shown: 3, saved: 4, failures: 7 },
  series: { fromAt: AT, stepMs: 1_000, shown: [1, 2], saved: [4, 0] },
};

export const INCIDENT: Incident = {
  ...{ id: ROW.id, gateway: "g1", openedAt: AT, lastAt: AT + 5_000, closedAt: null, severity: "degraded" },
  ...{
    cause: "connect-refused",
    causes: { "connect-refused": 7 },
    phase: "connect",
    fault: ["upstream"],
    upstream: "app",
  },
  ...{ routes: { "/": 7 }, endpoints: { "10.0.0.7:3000": 7 } },
  counts: {
    ...{ failures: 7, shown: 3, cut: 0, clientLeft: 0, passed: 0, held: 0, queued: 0, retried: 0, failedOver: 4 },
    ...{ requests: 100, clients: 3 },
  },
  series: ROW.series,
  ...{ methods: { GET: 7 }, paths: { "/cart": 7 }, hosts: { "shop.example": 7 }, statuses: { "502": 3 } },
  verdict: {
    ...{
      sentence: ROW.sentence,
      short: ROW.short,
      pattern: "process-down",
      confidence: "likely",
      reasons: ["refused"],
    },
    settle: [{ text: "look", code: "ss -ltn", language: "shell" }],
    fixes: [{ text: "start it" }],
    alternatives: [{ text: "firewall", why: "it would drop" }],
    entry: "connect-refused",
  },
  timeline: [{ at: AT, kind: "opened", text: "opened" }],
};

const ATTEMPT: KeptAttempt = {
  ...{
    endpoint: "10.0.0.7:3000",
    startMs: 0,
    resolvedMs: null,
    tcpMs: null,
    connectedMs: null,
    sentMs: null,
    headMs: null,
  },
  ...{ endMs: 1, status: 0, reused: false, bytesSent: 0, bytesReceived: 0, cause: "connect-refused", phase: "connect" },
  ...{ sentence: "refused", evidence: { errno: "ECONNREFUSED", deadline: "connect" }, responseHead: [["Server", "x"]] },
};

export const FAILURE: StoredFailure = {
  ...{ id: "f1", incident: ROW.id, gateway: "g1", requestId: "r1", at: AT, cause: "connect-refused", phase: "connect" },
  ...{ outcome: "shown", savedBy: null, status: 502, route: "/", upstream: "app", endpoint: "10.0.0.7:3000" },
  ...{ listener: ":8080", tls: false, method: "GET", host: "shop.example", target: "/cart", protocol: "HTTP/1.1" },
  ...{ client: "203.0.113.9", userAgent: "<script>", traceId: "", sentence: "refused", fix: "start it", durationMs: 2 },
  ...{ heldMs: 0, queuedMs: 0, bytesReceived: 0, bytesSent: 300, requestHead: [["Host", "shop.example"]] },
  attempts: [ATTEMPT],
};

export const MARK: Mark = {
  ...{ id: "m1", gateway: "g1", at: AT, kind: "deploy", text: "deploy v42", level: "info" },
  ...{ upstream: "", endpoint: "", by: "admin" },
};

export const TAIL: TailEntry = {
  ...{ at: AT, requestId: "r1", method: "GET", host: "shop.example", target: "/cart", status: 200, durationMs: 3 },
  ...{ route: "/", upstream: "app", endpoint: "10.0.0.7:3000", attempts: 1, cause: null, outcome: "ok", savedBy: null },
  ...{ bytesSent: 5, client: "203.0.113.9" },
};

/** `endpoints` = how many; a large answer has many. */
export function nowOf(endpoints = 2, at = AT): Now {
  const labels = Array.from({ length: endpoints }, (_, index) => `10.0.0.${index}:3000`);
  return {
    at,
    gateway: {
      ...{ id: "g1", name: "gate", version: "0.1.0", startedAt: AT, processes: 1, connections: 3, cpu: 0.1 },
      ...{ rssBytes: 1e8, ready: true, reasons: [], file: "goodgate.yaml", language: "yaml", demo: true },
    },
    all: RATES,
    listeners: [{ label: ":8080", tls: false }],
    routes: [{ name: "/", match: "/*", upstream: "app", action: "proxy", rates: RATES }],
    upstreams: [
      {
        ...{ name: "app", balance: "round-robin", rates: RATES, held: 0, queued: 0, inFlight: 1, breaker: "closed" },
        ...{ awaySince: null, panicking: false, endpoints: labels.map(endpoint) },
      },
    ],
    incidents: [ROW],
    openIncidents: 1,
    problems: [],
  };
}

const CONFIG: ConfigView = {
  ...{ file: "goodgate.yaml", language: "yaml", text: "routes: []\n", loadedAt: AT, diff: "" },
  values: [{ path: "upstreams.app.timeouts.connect", value: "3s", from: "default", line: null }],
  findings: [{ severity: "warning", message: "x", hint: "y", line: 3, cause: null }],
  pending: { ok: true, findings: [] },
};

function demoOf(): DemoBackend {
  let state: DemoState = {
    shops: [{ name: "shop-1", endpoint: "127.0.0.1:9001", state: "ok", doing: "fine" }],
    ...{ visitors: 20, shopUrl: "http://127.0.0.1:8080/" },
  };
  return {
    state: () => state,
    do: async (action) => {
      if ("visitors" in action) state = { ...state, visitors: action.visitors };
      else state = { ...state, shops: state.shops.map((shop) => ({ ...shop, doing: action.do })) };
      return state;
    },
  };
}

/** A backend whose parts can be exchanged. */
export function fakeBackend(changes: Partial<Backend> = {}): FakeBackend {
  const asked: FakeBackend["asked"] = [];
  const told: FakeBackend["told"] = [];
  const listeners = new Set<(event: LiveEvent) => void>();
  const tails = new Set<(entries: readonly TailEntry[], left: number) => void>();
  const page = <T>(item: T) => ({ items: [item], next: "cursor", total: 1 });
  const note = <T>(name: string, answer: T, ...args: unknown[]): Promise<T> => {
    asked.push([name, ...args]);
    return Promise.resolve(answer);
  };
  const side = { status: 200, cause: null, sentence: "", durationMs: 1, head: [["A", "b"]], bytes: 2 } as const;
  const backend: Backend = {
    now: () => note("now", nowOf()),
    live: (take) => {
      listeners.add(take);
      return () => listeners.delete(take);
    },
    incidents: (query) => note("incidents", page(ROW), query),
    incident: (id) => note("incident", id === ROW.id ? INCIDENT : null, id),
    failures: (query) => note("failures", page(FAILURE), query),
    failure: (id) => note("failure", id === FAILURE.id ? FAILURE : null, id),
    marks: (range) => note("marks", [MARK], range),
    addMark: (text, by) => note("addMark", { ...MARK, text, by }, text, by),
    points: (query) =>
      note(
        "points",
        {
          spanMs: 10_000,
          points: [
            {
              ...{ kind: "all", name: "", at: AT, spanMs: 10_000, requests: 5, classes: [0, 5, 0, 0, 0, 0], shown: 0 },
              ...{ saved: 0, causes: {}, savedBy: {}, latency: [5], latencySumMs: 10, bytesIn: 1, bytesOut: 2 },
            },
          ],
        },
        query,
      ),
    paths: (range) => {
      const figures = { host: "h", path: "/p", method: "GET", count: 1, worstMs: 2, meanMs: 1, route: "/", causes: {} };
      return note("paths", { slow: [figures], failing: [{ ...figures, causes: { "connect-refused": 1 } }] }, range);
    },
    tail: (filter, take) => {
      asked.push(["tail", filter]);
      tails.add(take);
      return () => tails.delete(take);
    },
    act: (action, by) => note("act", { ok: true, said: "done" }, action, by),
    config: () => note("config", CONFIG),
    reload: (by) => note("reload", { ok: true, said: "reloaded" }, by),
    timeouts: (upstream) =>
      note("timeouts", {
        upstream,
        hops: [{ name: "gateway", timers: [{ name: "head", ms: 30_000, from: "default" }] }],
        inversions: [{ text: "a", fix: "b" }],
      }),
    doctor: (request) => note("doctor", { verdict: "fine" }, request),
    replay: (failure, request) =>
      note(
        "replay",
        {
          ...{
            ok: true,
            refused: null,
            endpoint: "app 10.0.0.7:3000",
            request: { method: "GET", target: "/", head: [] },
          },
          // biome-ignore lint/suspicious/noThenProperty: a plain value of the API
          then: { ...side, cause: "connect-refused", head: null },
          now: side,
          differences: ["status"],
          verdict: "well",
        },
        ...[failure, request],
      ),
    gateways: () =>
      note("gateways", [{ id: "g1", name: "gate", host: "h", version: "0.1.0", startedAt: AT, seenAt: AT }]),
    audit: (limit) => {
      const entry = { id: "a1", gateway: "g1", at: AT, by: "admin", role: "admin", client: "127.0.0.1" } as const;
      return note("audit", [{ ...entry, action: "reload", outcome: "ok" }], limit);
    },
    tellAudit: (entry) => void told.push(entry),
    store: () => ({
      ...{ kind: "memory", where: "memory", ok: true, problem: null, bytes: 1, queued: 0, written: 2, dropped: 0 },
      oldestAt: null,
    }),
    demo: demoOf(),
    ...changes,
  };
  return { ...backend, asked, told, listeners, tails };
}
