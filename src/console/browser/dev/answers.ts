// Made-up answers of what is asked once: configuration, timers, a diagnosis, an explanation, the audit.
import type { ConfigView, TimeoutsView } from "../../model.ts";

const TEXT = `listen: [":443", ":8080"]
upstreams:
  shop:
    endpoints: ["10.0.0.6:3000", "10.0.0.7:3000", "10.0.0.8:3000"]
    hold: { for: 15s }
  payments:
    endpoints:
      - { address: "10.0.1.4:8443", name: pay-1 }
      - { address: "10.0.1.5:8443", name: pay-2 }
      - { address: "10.9.0.2:8443", backup: true }
    timeouts: { head: 30s }
  search:
    endpoints: ["10.0.2.11:9200", "10.0.2.12:9200"]
    health: { path: /_health, interval: 2s }
routes:
  - { path: /pay/*, proxy: payments }
  - { path: /search, proxy: search }
  - { path: /*, proxy: shop }
`;

/** `changed` = the file differs from what runs. */
export function configView(changed: boolean, now: number): ConfigView {
  const values = ["shop", "payments", "search"].flatMap((name, index) => [
    { path: `upstreams.${name}.timeouts.connect`, value: "3s", from: "default" as const, line: null },
    {
      path: `upstreams.${name}.timeouts.head`,
      value: "30s",
      from: index === 1 ? ("file" as const) : ("default" as const),
      line: index === 1 ? 11 : null,
    },
    { path: `upstreams.${name}.keepalive.idle`, value: "auto", from: "default" as const, line: null },
    { path: `upstreams.${name}.retry.attempts`, value: "3", from: "default" as const, line: null },
    {
      path: `upstreams.${name}.hold.for`,
      value: "15s",
      from: index === 0 ? ("file" as const) : ("default" as const),
      line: index === 0 ? 5 : null,
    },
  ]);
  const late = {
    severity: "warning" as const,
    message: "payments waits 30s for a response head, the balancer in front gives up after 30s as well",
    hint: "let the inner timer be shorter: upstreams.payments.timeouts.head: 25s",
    line: 11,
    cause: "response-timeout",
  };
  return {
    file: "goodgate.yaml",
    language: "yaml",
    text: TEXT,
    loadedAt: now - 7_300_000,
    values: [
      { path: "listen[0]", value: ":443", from: "file", line: 1 },
      { path: "console", value: "127.0.0.1:8502", from: "command line", line: null },
      ...values,
    ],
    findings: [late],
    diff: changed
      ? `--- running\n+++ goodgate.yaml\n@@ -9,3 +9,3 @@\n       - { address: "10.0.1.5:8443", name: pay-2 }\n       - { address: "10.9.0.2:8443", backup: true }\n-    timeouts: { head: 30s }\n+    timeouts: { head: 25s }\n`
      : "",
    pending: changed ? { ok: true, findings: [] } : null,
  };
}

export function timeoutsView(upstream: string): TimeoutsView {
  return {
    upstream,
    hops: [
      {
        name: "client → gateway",
        timers: [
          { name: "head of the request", ms: 60_000, from: "default" },
          { name: "idle connection", ms: 75_000, from: "default" },
        ],
      },
      {
        name: `gateway → ${upstream}`,
        timers: [
          { name: "connect", ms: 3_000, from: "default" },
          { name: "response head", ms: 30_000, from: "goodgate.yaml:11" },
          { name: "idle connection", ms: 4_500, from: "learnt (closes after 5 s)" },
        ],
      },
      {
        name: `${upstream} itself`,
        timers: [
          { name: "idle connection", ms: 5_000, from: "learnt from its closes" },
          { name: "worker", ms: null, from: "unknown" },
        ],
      },
    ],
    inversions:
      upstream === "payments"
        ? [
            {
              text: "pay-2 may work 60 s on a request that the gateway gives up after 30 s: the work goes on for nobody.",
              fix: "Let the application stop before the gateway does: 25 s there, 30 s here.",
            },
          ]
        : [],
  };
}

export function diagnosis(upstream: string, path: string): unknown {
  const hop = (id: string, kind: string, name: string, mark: string, said: string): object => ({
    id,
    kind,
    name,
    software: null,
    address: null,
    mark,
    said,
  });
  return {
    version: "0.1.0",
    url: null,
    startedAt: null,
    startedAtMs: null,
    tookMs: 1_840,
    outcome: "fault",
    summary: `app-2 refuses connections; the other members of ${upstream || "shop"} answer ${path || "/"}`,
    class: "connect-refused",
    confidence: "proven",
    hop: "app-2",
    verdict: {
      class: "connect-refused",
      certainty: "proven",
      confidence: "proven",
      hop: "app-2",
      hopName: "app-2",
      address: "10.0.0.7:3000",
      headline: "Nothing listens on 10.0.0.7:3000",
      reasons: [
        { text: "connect() was refused after 0.4 ms, 3 of 3 times", source: "probe of 10.0.0.7:3000" },
        { text: "app-1 and app-3 answer the same path with 200", source: "probe" },
      ],
      since: { atMs: null, at: null, how: "not known" },
      rate: "3 of 3 connects",
      fixes: [{ text: "Start the process and look at why it ended.", command: "systemctl status app", config: null }],
      settles: null,
      entry: "cause/connect-refused",
    },
    alternatives: [],
    chain: [
      hop("gateway", "gateway", "edge-1", "good", "runs, configuration is sound"),
      hop("app-1", "app", "app-1", "good", "200 in 12 ms"),
      hop("app-2", "app", "app-2", "bad", "refuses connections"),
      hop("app-3", "app", "app-3", "warn", "200, but in 4.1 s"),
      hop("db", "database", "database", "unknown", "not tested"),
    ],
    risks: [
      {
        id: "r1",
        severity: "risk",
        class: "keepalive-race",
        text: "app-1 closes idle connections after 5 s",
        fix: "keepalive.idle: auto stays below it",
        at: null,
        also: null,
        hop: "app-1",
      },
    ],
    excluded: [{ class: "dns-not-resolved", what: "name resolution", because: "endpoints are addresses" }],
    notTested: [
      {
        check: "logs of the application",
        target: "app-2",
        reason: "none were given",
        how: "goodgate doctor --log FILE",
      },
    ],
    nextCheck: null,
    tested: ["TCP and HTTP of 3 members", "the configuration"],
    evidence: { targets: [], local: null, configs: [], logs: {}, timeouts: null, notTested: [] },
    problems: [],
  };
}
