// Made-up incidents with verdicts, timelines and failures with waterfalls: a handful that are told in full, and as many
// as are wanted of their kinds in the past.
import type { Incident, Severity, Verdict } from "../../../incidents/model.ts";
import type { KeptAttempt } from "../../../observe/report.ts";
import type { StoredFailure } from "../../../store/model.ts";
import type { IncidentRow } from "../../model.ts";
import { between, type Chance, chanceOf, pick } from "./chance.ts";

export interface MadeIncidents {
  rows(): readonly Incident[];
  find(id: string): Incident | null;
  failures(incident: string | null): readonly StoredFailure[];
  /** For the demo. */
  open(upstream: string, endpoint: string, severity: Severity, at: number): Incident;
  close(endpoint: string, at: number): readonly Incident[];
}

interface Story {
  readonly cause: Incident["cause"];
  readonly phase: Incident["phase"];
  readonly severity: Severity;
  readonly upstream: string;
  readonly endpoint: string;
  readonly short: string;
  readonly sentence: string;
  readonly pattern: string;
  readonly confidence: Verdict["confidence"];
  readonly fix: string;
  readonly code: string;
}

const STORIES: readonly Story[] = [
  {
    cause: "response-timeout",
    phase: "response-head",
    severity: "degraded",
    upstream: "payments",
    endpoint: "pay-2 (10.0.1.5:8443)",
    short: "pay-2 answers too late: 30 s",
    sentence:
      "pay-2 (10.0.1.5:8443) gives no answer within 30 s to POST /pay/capture since 12:01:33; pay-1 answers the same path in 0.8 s",
    pattern: "slow-member",
    confidence: "likely",
    fix: "Look at what pay-2 waits for; until then take it out.",
    code: "goodgate incidents replay f0000000001 --endpoint 'payments pay-2'",
  },
  {
    cause: "connect-refused",
    phase: "connect",
    severity: "saved",
    upstream: "shop",
    endpoint: "app-2 (10.0.0.7:3000)",
    short: "app-2 is not listening",
    sentence:
      "app-2 (10.0.0.7:3000) refuses connections since 12:01:33; app-1 and app-3 are healthy: the process on app-2 is not listening",
    pattern: "process-down",
    confidence: "proven",
    fix: "Start the process on 10.0.0.7 and look at why it ended.",
    code: "systemctl status app\njournalctl -u app -n 50",
  },
  {
    cause: "keepalive-race",
    phase: "response-head",
    severity: "saved",
    upstream: "shop",
    endpoint: "app-1 (10.0.0.6:3000)",
    short: "keep-alive race with app-1 (5 s)",
    sentence:
      "app-1 closes idle connections after 5 s while the gateway reuses them up to 60 s: 14 requests met the close",
    pattern: "keepalive-race",
    confidence: "proven",
    fix: "Let the gateway's idle timer be shorter than the application's.",
    code: "upstreams:\n  shop:\n    keepalive: { idle: auto }",
  },
  {
    cause: "tls-cert-expired",
    phase: "tls",
    severity: "outage",
    upstream: "search",
    endpoint: "find-3 (10.0.2.13:9200)",
    short: "certificate of find-3 expired",
    sentence:
      "The certificate of find-3 (10.0.2.13:9200) expired at 2026-11-20 23:59:59 UTC; every request to search fails since",
    pattern: "certificate-expired",
    confidence: "proven",
    fix: "Renew it on find-3.",
    code: "openssl x509 -enddate -noout -in /etc/tls/find.pem",
  },
  {
    cause: "client-closed-request",
    phase: "client",
    severity: "notice",
    upstream: "search",
    endpoint: "",
    short: "clients leave slow searches",
    sentence: "41 clients left GET /search after 8 to 12 s without an answer; the upstream answered the others in 9 s",
    pattern: "client-aborts",
    confidence: "possible",
    fix: "Make the search faster, or say that it takes time.",
    code: "",
  },
];

const MINUTE_MS = 60_000;
const GATEWAY = "g-shop-eu";

export function makeIncidents(
  options: { readonly count: number; readonly openStories: number },
  now: number,
): MadeIncidents {
  const chance = chanceOf(11);
  const list: Incident[] = [];
  for (let index = 0; index < options.openStories; index += 1) {
    const story = STORIES[index % STORIES.length]!;
    list.push(made(chance, story, now - (index + 1) * 4.2 * MINUTE_MS, null, now, index));
  }
  const span = 30 * 24 * 60 * MINUTE_MS;
  for (let index = 0; index < options.count; index += 1) {
    const story = STORIES[Math.floor(chance() ** 1.6 * STORIES.length)]!;
    const openedAt = now - 20 * MINUTE_MS - (span * (index + chance())) / options.count;
    list.push(made(chance, story, openedAt, openedAt + between(chance, 0.5, 25) * MINUTE_MS, now, index + 100));
  }
  let opened = 0;
  return {
    rows: () => list,
    find: (id) => list.find((one) => one.id === id) ?? null,
    failures: (id) =>
      list
        .filter((one) => id === null || one.id === id)
        .slice(0, 40)
        .flatMap((one) => failuresOf(one)),
    open(upstream, endpoint, severity, at) {
      opened += 1;
      const story = {
        ...STORIES[1]!,
        upstream,
        endpoint,
        severity,
        short: `${endpoint.split(" ")[0]} is not listening`,
      };
      const sentence = `${endpoint} refuses connections; the others are healthy: the process is not listening`;
      const one = made(chance, { ...story, sentence }, at, null, at, 90_000 + opened);
      list.unshift(one);
      return one;
    },
    close(endpoint, at) {
      const closed: Incident[] = [];
      for (const [index, one] of list.entries()) {
        if (one.closedAt !== null || !(endpoint in one.endpoints)) continue;
        const next = { ...one, closedAt: at };
        list[index] = next;
        closed.push(next);
      }
      return closed;
    },
  };
}

function made(
  chance: Chance,
  story: Story,
  openedAt: number,
  closedAt: number | null,
  now: number,
  index: number,
): Incident {
  const lastAt = closedAt ?? now - 900;
  const steps = 40;
  const stepMs = Math.max(1000, Math.ceil((lastAt - openedAt) / steps));
  const hurts = story.severity === "outage" || story.severity === "degraded";
  const shownSeries = Array.from({ length: steps }, () => (hurts ? Math.floor(between(chance, 0, 9)) : 0));
  const savedSeries = Array.from({ length: steps }, () => Math.floor(between(chance, 0, hurts ? 3 : 12)));
  const shown = shownSeries.reduce((sum, one) => sum + one, 0);
  const retried = savedSeries.reduce((sum, one) => sum + one, 0);
  return {
    id: `i${Math.floor(openedAt).toString(32).padStart(10, "0")}${index.toString(32).padStart(4, "0")}`,
    gateway: GATEWAY,
    openedAt,
    lastAt,
    closedAt,
    severity: story.severity,
    cause: story.cause,
    causes: { [story.cause]: shown + retried },
    phase: story.phase,
    fault: ["upstream"],
    upstream: story.upstream,
    routes: { [story.upstream === "payments" ? "/pay/*" : "/"]: shown + retried },
    endpoints: { [story.endpoint]: shown + retried },
    counts: {
      failures: shown + retried,
      shown,
      cut: 0,
      clientLeft: story.severity === "notice" ? 41 : 0,
      passed: 0,
      held: Math.floor(retried / 4),
      queued: 0,
      retried: Math.floor(retried / 2),
      failedOver: retried - Math.floor(retried / 2) - Math.floor(retried / 4),
      requests: (shown + retried) * 9,
      clients: Math.ceil(shown * 0.7),
    },
    series: { fromAt: openedAt, stepMs, shown: shownSeries, saved: savedSeries },
    methods: { GET: retried, POST: shown },
    paths: { "/pay/capture": shown, "/cart": retried, "/product/17": Math.floor(retried / 3) },
    hosts: { "shop.example": shown + retried },
    statuses: shown > 0 ? { 504: shown } : {},
    verdict: verdictOf(story),
    timeline: [
      { at: openedAt - 32_000, kind: "reload", text: "reload: goodgate.yaml taken on (1 timeout changed)" },
      { at: openedAt, kind: "opened", text: `first failure: ${story.short}` },
      { at: openedAt + 1200, kind: "endpoint-gone", text: `${story.endpoint || story.upstream}: taken out of use` },
      ...(closedAt === null ? [] : [{ at: closedAt, kind: "closed" as const, text: "over: no failure for 30 s" }]),
    ],
  };
}

function verdictOf(story: Story): Verdict {
  const { sentence, short, pattern, confidence } = story;
  return {
    sentence,
    short,
    pattern,
    confidence,
    reasons: [
      "every failure is on this one endpoint",
      "the others answer the same path",
      "it began 32 s after a reload",
    ],
    settle:
      confidence === "proven"
        ? []
        : [{ text: "Ask the endpoint itself:", code: "curl -v https://10.0.1.5:8443/pay/health", language: "shell" }],
    fixes: [
      {
        text: story.fix,
        ...(story.code === ""
          ? {}
          : {
              code: story.code,
              language: story.code.startsWith("upstreams") ? ("yaml" as const) : ("shell" as const),
            }),
      },
      { text: "Drain it meanwhile: Upstreams has the button." },
    ],
    alternatives: [{ text: "The network between them drops packets.", why: "connects take 0.4 ms, as before" }],
    entry: story.cause,
  };
}

export function incidentRow(one: Incident): IncidentRow {
  const { id, gateway, openedAt, lastAt, closedAt, severity, cause, upstream, endpoints, verdict, counts, series } =
    one;
  const saved = counts.held + counts.queued + counts.retried + counts.failedOver;
  const { sentence, short, confidence } = verdict;
  return {
    id,
    gateway,
    openedAt,
    lastAt,
    closedAt,
    severity,
    cause,
    upstream,
    endpoints: Object.keys(endpoints),
    sentence,
    short,
    confidence,
    shown: counts.shown,
    saved,
    failures: counts.failures,
    series,
  };
}

function failuresOf(incident: Incident): StoredFailure[] {
  const chance = chanceOf(Math.floor(incident.openedAt / 1000));
  const endpoint = Object.keys(incident.endpoints)[0] ?? "";
  return Array.from({ length: 6 }, (_, index) => {
    const saved = incident.severity === "saved" || index % 3 === 1;
    const waited = incident.cause === "response-timeout" ? 30_004 : between(chance, 0.3, 3);
    const failed: KeptAttempt = {
      endpoint,
      startMs: 0.4,
      resolvedMs: null,
      tcpMs: incident.phase === "connect" ? null : 0.9,
      connectedMs: incident.phase === "connect" ? null : 2.2,
      sentMs: incident.phase === "connect" ? null : 2.6,
      headMs: null,
      endMs: waited,
      status: 0,
      reused: incident.cause === "keepalive-race",
      bytesSent: incident.phase === "connect" ? 0 : 412,
      bytesReceived: 0,
      cause: incident.cause,
      phase: incident.phase,
      sentence: incident.verdict.short,
      evidence: { errno: "ECONNREFUSED", address: endpoint, waitedMs: waited, connectionUses: 3, idleMs: 4988 },
      responseHead: null,
    };
    const other: KeptAttempt = {
      ...failed,
      endpoint: "app-3 (10.0.0.8:3000)",
      startMs: waited + 0.3,
      sentMs: waited + 1.2,
      tcpMs: waited + 0.7,
      connectedMs: waited + 0.8,
      headMs: waited + 19,
      endMs: waited + 24,
      status: 200,
      bytesSent: 412,
      bytesReceived: 18_231,
      cause: null,
      phase: null,
      sentence: "",
      evidence: null,
      responseHead: [
        ["content-type", "text/html"],
        ["set-cookie", "[redacted]"],
      ],
    };
    return {
      id: `f${incident.id.slice(1)}${index}`,
      requestId: `req-${incident.id.slice(-6)}-${index}`,
      at: incident.openedAt + index * 2_300,
      cause: incident.cause,
      phase: incident.phase,
      outcome: saved ? "saved" : "shown",
      savedBy: saved ? "failover" : null,
      status: saved ? 200 : 504,
      route: "/",
      upstream: incident.upstream,
      endpoint,
      listener: ":443",
      tls: true,
      method: index % 3 === 0 ? "POST" : "GET",
      host: "shop.example",
      target: pick(chance, [
        "/pay/capture",
        "/cart?page=[redacted]",
        "/product/17",
        '/search?q=[redacted]&"><img src=x>',
      ]),
      protocol: "HTTP/1.1",
      client: `203.0.113.${index + 4}`,
      userAgent: "Mozilla/5.0",
      traceId: "",
      sentence: incident.verdict.sentence,
      fix: incident.verdict.fixes[0]?.text ?? "",
      durationMs: saved ? waited + 24 : waited,
      heldMs: 0,
      queuedMs: 0,
      bytesReceived: 0,
      bytesSent: 512,
      requestHead: [
        ["host", "shop.example"],
        ["cookie", "[redacted]"],
        ["accept", "text/html"],
      ],
      attempts: saved ? [failed, other] : [failed],
      incident: incident.id,
      gateway: GATEWAY,
    } satisfies StoredFailure;
  });
}
