// What probes of a shop that answers 502 would have seen, and of the endpoint behind it, that refuses.
import type { HttpTry, Target, TargetEvidence } from "../evidence.ts";
import { NGINX, START_MS } from "./scene.fixture.ts";

export const target = (more: Partial<Target> = {}): Target => ({
  id: "url",
  role: "url",
  depth: 0,
  scheme: "https",
  spot: { kind: "tcp", host: "shop.example.com", port: 443 },
  host: "shop.example.com",
  serverName: "shop.example.com",
  verify: true,
  path: "/cart",
  ca: [],
  pool: null,
  ...more,
});

export const httpTry = (more: Partial<HttpTry> = {}): HttpTry => ({
  what: "baseline",
  address: "203.0.113.9:443",
  protocol: "http/1.1",
  method: "GET",
  url: "https://shop.example.com/cart",
  reused: false,
  idleMs: null,
  requestId: "gg-7f3a9c21",
  startedAtMs: START_MS,
  status: 502,
  reason: "Bad Gateway",
  fields: [
    ["Server", "cloudflare"],
    ["CF-RAY", "8f1b2c3d4e5f6a7b-FRA"],
    ["Content-Type", "text/html"],
  ],
  headBytes: 312,
  excerpt:
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>",
  bodyBytes: 150,
  bodyHash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
  timings: { connectMs: 4.2, tlsMs: 11.8, headMs: 12.4, bodyMs: 0.3, totalMs: 28.9 },
  failure: null,
  page: {
    madeBy: "nginx",
    certainty: "proven",
    ownError: true,
    cause: null,
    reasons: ["the body is nginx's 502 page"],
    passed: [
      { software: "cloudflare", mark: "CF-RAY: …-FRA", name: "FRA" },
      { software: "nginx", mark: "the body", name: null },
    ],
  },
  ...more,
});

export const targetEvidence = (more: Partial<TargetEvidence> = {}): TargetEvidence => ({
  target: target(),
  dns: {
    name: "shop.example.com",
    system: { addresses: ["203.0.113.9"], tookMs: 3, failure: null },
    servers: [
      {
        server: "127.0.0.53:53",
        given: false,
        answers: [
          {
            type: "A",
            rcode: "NOERROR",
            records: [{ value: "203.0.113.9", ttlSeconds: 60 }],
            tookMs: 3,
            failure: null,
          },
          { type: "AAAA", rcode: "NOERROR", records: [], tookMs: 2, failure: null },
        ],
      },
    ],
  },
  tcp: [
    {
      address: "203.0.113.9:443",
      family: 4,
      tries: [
        { tookMs: 4.2, failure: null },
        { tookMs: 4, failure: null },
      ],
    },
  ],
  tls: [
    {
      address: "203.0.113.9:443",
      tries: [
        {
          what: "as-asked",
          serverName: "shop.example.com",
          protocol: "TLSv1.3",
          cipher: "TLS_AES_256_GCM_SHA384",
          alpn: "h2",
          chain: [
            {
              subject: "CN=shop.example.com",
              issuer: "CN=Test CA",
              names: ["shop.example.com", "www.shop.example.com"],
              notBeforeMs: Date.UTC(2026, 7, 1),
              notAfterMs: Date.UTC(2027, 1, 1),
              selfSigned: false,
              fingerprint: "AB:CD:EF:01:23:45:67:89",
            },
          ],
          failure: null,
          untrusted: null,
          tookMs: 11.8,
        },
      ],
      otherWay: { asked: "plain-http", answered: "http", status: 400 },
    },
  ],
  http: [
    httpTry(),
    httpTry({
      what: "reused",
      reused: true,
      idleMs: 5,
      timings: { connectMs: null, tlsMs: null, headMs: 9.1, bodyMs: 0.2, totalMs: 9.3 },
    }),
  ],
  redirects: null,
  idle: [{ address: "203.0.113.9:443", saidMs: null, closedAfterMs: null, closedBy: null, watchedMs: 5000 }],
  requests: 10,
  notTested: [],
  ...more,
});

export const refusedEndpoint = (): TargetEvidence =>
  targetEvidence({
    target: target({
      id: "endpoint app 127.0.0.1:3000",
      role: "endpoint",
      scheme: "http",
      spot: { kind: "tcp", host: "127.0.0.1", port: 3000 },
      pool: { name: "app", at: { file: NGINX, line: 4, column: 5 }, healthPath: null },
    }),
    dns: null,
    tcp: [
      {
        address: "127.0.0.1:3000",
        family: 4,
        tries: [1, 2, 3].map(() => ({
          tookMs: 0.2,
          failure: {
            cause: "connect-refused",
            phase: "connect",
            status: 502,
            evidence: { errno: "ECONNREFUSED", address: "127.0.0.1:3000", waitedMs: 0.2 },
          },
        })),
      },
    ],
    tls: [],
    http: [],
    idle: [],
    requests: 0,
  });
