// Reports as diagnose/ would hand them over, one for each way in which a run can end.
import type { Finding } from "../configs/model.ts";
import type { Diagnosis, DoctorReport, Hop, Verdict } from "../diagnose/model.ts";
import type { Evidence } from "../evidence.ts";
import type { HopTimer, TimeoutChain } from "../timeouts/model.ts";
import { config, local, logEvent, logFile, logs, noLogs } from "./files.fixture.ts";
import { httpTry, refusedEndpoint, targetEvidence } from "./probes.fixture.ts";
import { NGINX, START_MS } from "./scene.fixture.ts";

export const hop = (id: string, mark: Hop["mark"], said = "", more: Partial<Hop> = {}): Hop => ({
  id,
  kind: "gateway",
  name: id,
  software: null,
  address: null,
  mark,
  said,
  ...more,
});

export const verdict = (more: Partial<Verdict> = {}): Verdict => ({
  class: "connect-refused",
  certainty: "proven",
  hop: "endpoint app 127.0.0.1:3000",
  hopName: "app 127.0.0.1:3000",
  address: "127.0.0.1:3000",
  headline: "Nothing listens on 127.0.0.1:3000, where nginx sends every request for shop.example.com.",
  reasons: [
    { text: "A connection to 127.0.0.1:3000 was refused 3 times of 3, within 0.2 ms.", source: "probe endpoint app" },
    {
      text: "No process of this machine listens on port 3000; node (pid 812) listens on 127.0.0.1:3001.",
      source: "local",
    },
    {
      text: "connect() failed (111: Connection refused) while connecting to upstream, 412 times since 03:01.",
      source: "log error.log:120",
    },
  ],
  since: { atMs: START_MS - 660_000, how: "first line in error.log" },
  rate: "10 of 10 requests",
  fixes: [
    {
      text: "Start the application, or see why it stopped.",
      command: "systemctl status shop.service\njournalctl -u shop.service -n 50",
      config: null,
    },
    {
      text: "If it moved to port 3001 for good, send the requests there and reload nginx.",
      command: "nginx -t && nginx -s reload",
      config: { language: "nginx", text: "upstream app {\n    server 127.0.0.1:3001;\n}\n", file: NGINX },
    },
  ],
  settles: null,
  entry: "/cause/connect-refused",
  ...more,
});

export const risk = (id: string, more: Partial<Finding> = {}): Finding => ({
  id,
  severity: "risk",
  class: "keepalive-race",
  text: `nginx reuses idle connections for 60 s, the application closes them after 5 s (${id}).`,
  fix: "server.keepAliveTimeout = 65_000;",
  at: { file: NGINX, line: 14, column: 3 },
  also: { file: "server.js", line: 8, column: 1 },
  hop: "nginx",
  ...more,
});

export const diagnosis = (more: Partial<Diagnosis> = {}): Diagnosis => ({
  outcome: "fault",
  summary: "502 for every request: the application behind nginx is not running.",
  verdict: verdict(),
  alternatives: [],
  chain: [
    hop("client", "good", "this machine", { kind: "client" }),
    hop("dns", "good", "1 address in 3 ms", { kind: "dns", name: "DNS" }),
    hop("edge", "good", "502 in 12 ms", {
      kind: "cdn",
      name: "Cloudflare",
      software: "cloudflare",
      address: "203.0.113.9:443",
    }),
    hop("gateway", "good", "502, its own page", { name: "nginx", software: "nginx", address: "192.0.2.1:443" }),
    hop("endpoint app 127.0.0.1:3000", "bad", "connection refused", {
      kind: "app",
      name: "app 127.0.0.1:3000",
      address: "127.0.0.1:3000",
    }),
    hop("endpoint app 127.0.0.1:3002", "good", "200 in 4 ms", {
      kind: "app",
      name: "app 127.0.0.1:3002",
      address: "127.0.0.1:3002",
    }),
  ],
  risks: [],
  excluded: [
    {
      class: "dns-not-resolved",
      what: "DNS",
      because: "the name resolves, with the same addresses from both resolvers",
    },
    { class: "tls-cert-expired", what: "Certificate", because: "valid until 2027-02-01" },
  ],
  notTested: [
    { check: "idle close", target: "url", reason: "the time was up", how: "--time 30s" },
    { check: "HTTP/2", target: "url", reason: "the time was up", how: "--time 30s" },
    { check: "accept queue", target: null, reason: "it needs root", how: "sudo goodgate doctor …" },
  ],
  nextCheck: null,
  tested: ["DNS of shop.example.com", "TCP to 203.0.113.9:443", "TLS 1.2 and 1.3", "10 requests over HTTP/1.1"],
  ...more,
});

const timer = (id: HopTimer["id"], setting: string, value: number | null, from: HopTimer["from"]): HopTimer => ({
  id,
  setting,
  value,
  from,
  place: from === "config" ? { file: NGINX, line: 15, column: 5 } : null,
  confidence: from === "default" ? "source" : null,
  atExpiry: "504",
});

export const timeouts = (): TimeoutChain => {
  const outer = timer("upstream-idle", "keepalive_timeout (upstream)", 60_000, "default");
  const inner = timer("client-idle", "server.keepAliveTimeout", 5000, "config");
  const wait = timer("response", "proxy_read_timeout", 30_000, "config");
  const total = timer("response", "proxy read timeout", 120_000, "default");
  return {
    hops: [
      { name: "cloudflare", software: "cloudflare", timers: [total, timer("connect", "connect", 19_000, "default")] },
      { name: "nginx", software: "nginx", timers: [outer, wait] },
      {
        name: "node",
        software: "node",
        timers: [inner, timer("request", "server.requestTimeout", 300_000, "default")],
      },
    ],
    inversions: [
      { ...risk("keepalive-order"), rule: "keepalive-order", between: ["nginx", "node"], outer, inner, certain: false },
    ],
    whatIf: null,
  };
};

export const evidence = (more: Partial<Evidence> = {}): Evidence => ({
  url: "https://shop.example.com/cart",
  way: [],
  startedAtMs: START_MS,
  tookMs: 2134.6,
  targets: [targetEvidence(), refusedEndpoint()],
  local,
  configs: [config()],
  logs: logs(),
  chain: timeouts(),
  notTested: [],
  problems: [
    {
      input: "--log /var/log/nginx/access.log",
      place: null,
      text: "permission denied",
      next: "Run it as root or as a member of the group adm.",
    },
  ],
  ...more,
});

const report = (judged: Partial<Diagnosis>, seen: Partial<Evidence>): DoctorReport => ({
  version: "0.1.0",
  diagnosis: diagnosis(judged),
  evidence: evidence(seen),
});

export const faulty = (judged: Partial<Diagnosis> = {}, seen: Partial<Evidence> = {}): DoctorReport =>
  report({ risks: [risk("keepalive-order")], ...judged }, seen);

export const healthy = (): DoctorReport =>
  report(
    {
      outcome: "healthy",
      summary: "https://shop.example.com/ answers 200 in 28 ms, over both address families.",
      verdict: null,
      excluded: [],
      chain: [
        hop("client", "good", "this machine", { kind: "client" }),
        hop("dns", "good", "2 addresses in 3 ms", { kind: "dns", name: "DNS" }),
        hop("gateway", "good", "200 in 12 ms", { name: "nginx", software: "nginx" }),
      ],
      risks: ["a", "b", "c", "d", "e", "f", "g"]
        .map((id) => risk(`risk-${id}`))
        .concat(risk("a-note", { severity: "note" })),
    },
    {
      problems: [],
      logs: noLogs,
      local: null,
      chain: null,
      configs: [],
      targets: [targetEvidence({ http: [httpTry({ status: 200, reason: "OK", page: null })] })],
    },
  );

export const logOnly = (): DoctorReport =>
  report(
    {
      summary: "412 failures in error.log since 03:01, all of one member.",
      verdict: verdict({
        certainty: "likely",
        settles: { text: "Look whether something listens there now.", command: "ss -ltnp 'sport = :3000'" },
      }),
      chain: [
        hop("gateway", "good", "wrote error.log", { name: "nginx", software: "nginx" }),
        hop("endpoint app 127.0.0.1:3000", "bad", "connection refused", { kind: "app", name: "127.0.0.1:3000" }),
      ],
      tested: ["error.log: 4,120 lines"],
      nextCheck: { text: "Look whether something listens there now.", command: "ss -ltnp 'sport = :3000'" },
    },
    { url: null, targets: [], local: null, configs: [], chain: null, problems: [] },
  );

export const chainOnly = (): DoctorReport =>
  report(
    {
      outcome: "healthy",
      summary: "Nothing was probed: the timers of cloudflare > nginx > node were compared.",
      verdict: null,
      chain: [
        hop("cloudflare", "unknown", "", { kind: "cdn" }),
        hop("nginx", "unknown"),
        hop("node", "unknown", "", { kind: "app" }),
      ],
      tested: ["8 timers of 3 hops against 7 rules"],
      excluded: [],
      notTested: [],
      risks: [risk("keepalive-order")],
    },
    { url: null, targets: [], local: null, configs: [], logs: noLogs, problems: [] },
  );

export const unknown = (): DoctorReport =>
  report(
    {
      outcome: "unknown",
      summary: "https://shop.example.com/cart answers 502, and nothing tells which hop made it or why.",
      verdict: null,
      chain: [
        hop("client", "good"),
        hop("dns", "good", "1 address"),
        hop("edge", "unknown", "502 in 12 ms"),
        hop("origin", "behind"),
      ],
      excluded: [],
      nextCheck: {
        text: "Ask the origin itself, past the edge.",
        command: "goodgate doctor https://shop.example.com/cart --origin ADDRESS",
      },
    },
    { local: null, configs: [], logs: noLogs, chain: null, problems: [], targets: [targetEvidence()] },
  );

export const dnsFailure = (): DoctorReport =>
  report(
    {
      summary: "nosuch.example.com does not exist.",
      verdict: verdict({
        class: "dns-not-resolved",
        hop: "dns",
        hopName: "DNS",
        address: null,
        headline: "The name nosuch.example.com does not exist.",
        reasons: [{ text: "Both servers answered NXDOMAIN.", source: "dns" }],
        since: null,
        rate: "always",
        fixes: [{ text: "Add the record, or correct the name.", command: "dig nosuch.example.com A", config: null }],
        entry: "/cause/dns-not-resolved",
      }),
      chain: [
        hop("client", "good"),
        hop("dns", "bad", "NXDOMAIN", { kind: "dns", name: "DNS" }),
        hop("gateway", "behind", "", { name: "web server" }),
      ],
      excluded: [],
    },
    {
      url: "https://nosuch.example.com/",
      local: null,
      configs: [],
      logs: noLogs,
      chain: null,
      problems: [],
      targets: [targetEvidence({ tcp: [], tls: [], http: [], idle: [], requests: 0 })],
    },
  );

/** All of them by name. */
export const REPORTS: Readonly<Record<string, () => DoctorReport>> = {
  faulty,
  healthy,
  logOnly,
  chainOnly,
  unknown,
  dnsFailure,
};

/** The report with each text of strangers replaced by `text`: names, sources, texts of pages, commands. */
export function saying(text: string): DoctorReport {
  const judged: Partial<Diagnosis> = {
    summary: text,
    verdict: verdict({
      headline: text,
      hopName: text,
      address: text,
      reasons: [{ text, source: text }],
      since: { atMs: START_MS - 1000, how: text },
      rate: text,
      fixes: [{ text, command: text, config: { language: text, text, file: text } }],
      settles: { text, command: text },
    }),
    alternatives: [verdict({ headline: text, hopName: text, settles: { text, command: text } })],
    chain: [hop(text, "good", text, { name: text, address: text }), hop("x", "bad", text, { name: text })],
    risks: [risk(text, { text, fix: text, at: { file: text, line: 1, column: 1 } })],
    excluded: [{ class: null, what: text, because: text }],
    notTested: [{ check: text, target: text, reason: text, how: text }],
    nextCheck: { text, command: text },
    tested: [text],
  };
  return faulty(judged, {
    url: text,
    targets: [
      targetEvidence({
        http: [httpTry({ fields: [[text, text]], excerpt: text, reason: text, url: text })],
        redirects: { urls: [text, text], loop: true },
      }),
    ],
    logs: logs({
      files: [logFile({ file: text, events: [logEvent(1, { text, path: text, host: text, client: text })] })],
    }),
    problems: [{ input: text, place: { file: text, line: 1, column: 1 }, text, next: text }],
  });
}
