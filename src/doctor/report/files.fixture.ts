// What the logs, the machine and the configuration of the shop would have told.
import type { ConfigEvidence } from "../configs/model.ts";
import type { LocalEvidence } from "../local/model.ts";
import type { LogEvent, LogEvidence, LogFile, LogTurn } from "../logs/model.ts";
import { NGINX, START_MS } from "./scene.fixture.ts";

export const logEvent = (line: number, more: Partial<LogEvent> = {}): LogEvent => ({
  file: "error.log",
  line,
  atMs: START_MS - 600_000 + line * 1000,
  time: "2026/11/21 03:02:04",
  class: "connect-refused",
  confidence: "proven",
  upstream: "127.0.0.1:3000",
  client: "198.51.100.7",
  host: "shop.example.com",
  method: "GET",
  path: "/cart",
  status: 502,
  upstreamStatus: null,
  durationMs: null,
  requestId: null,
  pid: 31,
  software: "nginx",
  text: "[error] 31#31: *7 connect() failed (111: Connection refused) while connecting to upstream",
  ...more,
});

const deploy: LogTurn = {
  file: "app.log",
  line: 77,
  atMs: START_MS - 660_000,
  kind: "deploy",
  what: "deploy of v42",
  text: "Deploying v42",
};

const moment = { line: 120, time: "2026/11/21 03:01:04" };

export const logFile = (more: Partial<LogFile> = {}): LogFile => ({
  file: "error.log",
  bytes: 812_345,
  readBytes: 812_345,
  encoding: "utf-8",
  formats: [{ format: "nginx-error", lines: 4120 }],
  software: "nginx",
  fromMs: START_MS - 3_600_000,
  toMs: START_MS,
  report: {
    lines: 4120,
    benign: 3700,
    other: 8,
    clientErrors: 0,
    failures: 412,
    groups: [],
    others: { groups: 0, entries: 0 },
    classes: [
      {
        class: "connect-refused",
        entry: "/cause/connect-refused",
        title: "Nothing listens at the upstream address",
        count: 412,
        first: moment,
        last: { line: 4120, time: "2026/11/21 03:12:01" },
        upstreams: [{ value: "127.0.0.1:3000", count: 412, atMost: false }],
        hosts: [],
        paths: [],
      },
    ],
    verdict: "412 failures, all connect-refused.",
  },
  events: [logEvent(120), logEvent(121)],
  turns: [deploy],
  ...more,
});

export const logs = (more: Partial<LogEvidence> = {}): LogEvidence => ({
  files: [logFile()],
  series: {
    fromMs: START_MS - 3_600_000,
    stepMs: 60_000,
    requests: Array.from({ length: 60 }, (_, index) => 80 + ((index * 7) % 30)),
    failures: Array.from({ length: 60 }, (_, index) =>
      index < 49 ? (index === 20 ? 3 : 0) : 30 + ((index * 11) % 14),
    ),
    classes: [
      {
        class: "connect-refused",
        counts: Array.from({ length: 60 }, (_, index) => (index < 49 ? 0 : 30 + ((index * 11) % 14))),
      },
      { class: "response-timeout", counts: Array.from({ length: 60 }, (_, index) => (index === 20 ? 3 : 0)) },
    ],
    turns: [deploy],
  },
  members: [
    { upstream: "127.0.0.1:3000", requests: 412, failures: 412, classes: [{ class: "connect-refused", count: 412 }] },
    { upstream: "127.0.0.1:3002", requests: 4380, failures: 0, classes: [] },
  ],
  patterns: [
    {
      id: "one-bad-member",
      class: "connect-refused",
      certainty: "proven",
      text: "All 412 failures are of 127.0.0.1:3000; 127.0.0.1:3002 answered 4,380 requests.",
      upstream: "127.0.0.1:3000",
      count: 412,
      fromMs: START_MS - 660_000,
      toMs: START_MS,
      durationMs: null,
      timers: [],
      lines: [{ file: "error.log", line: 120 }],
    },
  ],
  joined: [{ by: "request-id", key: "gg-7f3a9c21", events: [logEvent(120), logEvent(121, { file: "access.log" })] }],
  duringProbes: [logEvent(4119, { requestId: "gg-7f3a9c21" })],
  problems: [],
  ...more,
});

export const noLogs: LogEvidence = {
  files: [],
  series: null,
  members: [],
  patterns: [],
  joined: [],
  duringProbes: [],
  problems: [],
};

export const local: LocalEvidence = {
  gatewayHere: { certain: true, yes: true, reason: "nginx (pid 700) listens on port 443" },
  root: false,
  spots: [
    {
      spot: { kind: "tcp", host: "127.0.0.1", port: 3000 },
      here: true,
      listeners: [],
      served: false,
      socket: null,
      others: [
        {
          address: "127.0.0.1:3001",
          process: {
            pid: 812,
            name: "node",
            command: "node server.js",
            user: "shop",
            startedAtMs: START_MS - 650_000,
            state: "S",
            unit: "shop.service",
            container: null,
          },
          queue: { waiting: 0, max: 511, full: false },
        },
      ],
    },
  ],
  kernel: [
    {
      kind: "oom-kill",
      atMs: START_MS - 661_000,
      pid: 640,
      process: "node",
      text: "Out of memory: Killed process 640 (node)",
      source: "kernel log",
    },
  ],
  units: [
    {
      unit: "shop.service",
      active: "active",
      sub: "running",
      result: "oom-kill",
      restarts: 3,
      sinceMs: START_MS - 650_000,
      exit: "9",
    },
  ],
  gateways: [
    {
      pid: 700,
      name: "nginx",
      command: "nginx: master process",
      user: "root",
      startedAtMs: START_MS - 86_400_000,
      state: "S",
      unit: "nginx.service",
      container: null,
      software: "nginx",
      descriptors: { open: 812, max: 1024 },
      uptimeMs: 86_400_000,
    },
  ],
  notTested: [],
};

export const config = (more: Partial<ConfigEvidence> = {}): ConfigEvidence => ({
  file: NGINX,
  kind: "nginx",
  files: [NGINX, "/etc/nginx/sites-enabled/shop"],
  hops: [
    {
      software: "nginx",
      name: "nginx",
      at: { file: NGINX, line: 1, column: 1 },
      listens: [
        {
          host: "*",
          port: 443,
          socket: null,
          tls: true,
          names: ["shop.example.com"],
          at: { file: NGINX, line: 10, column: 5 },
        },
      ],
      routes: [
        {
          hosts: ["shop.example.com"],
          path: { kind: "prefix", text: "/" },
          pool: "app",
          pathBecomes: null,
          timers: [],
          at: { file: NGINX, line: 12, column: 5 },
        },
      ],
      pools: [
        {
          name: "app",
          scheme: "http",
          members: [
            {
              text: "127.0.0.1:3000",
              spot: { kind: "tcp", host: "127.0.0.1", port: 3000 },
              backup: false,
              down: false,
              at: { file: NGINX, line: 4, column: 5 },
            },
            {
              text: "127.0.0.1:3002",
              spot: { kind: "tcp", host: "127.0.0.1", port: 3002 },
              backup: true,
              down: false,
              at: { file: NGINX, line: 5, column: 5 },
            },
          ],
          host: "client",
          serverName: null,
          verify: null,
          caFile: null,
          httpVersion: "1.1",
          reuses: true,
          health: null,
          timers: [],
          at: { file: NGINX, line: 3, column: 1 },
        },
      ],
      timers: [
        {
          id: "response",
          setting: "proxy_read_timeout",
          value: 60_000,
          text: "60s",
          at: { file: NGINX, line: 15, column: 5 },
        },
      ],
      logs: [],
    },
  ],
  findings: [],
  problems: [],
  ...more,
});
