// From evidence to a verdict. The chains of real programs are in test/doctor/; here is what they cannot show at will.
import { expect, test } from "vitest";
import { failureOf } from "../../failure/classify.ts";
import type { Evidence } from "../evidence.ts";
import { diagnose } from "./diagnose.ts";
import {
  event,
  evidence,
  failed,
  HERE,
  leg,
  logFile,
  NOW_MS,
  page,
  seen,
  target,
  tried,
  unreachable,
} from "./evidence.fixture.ts";

const answer = (of: Evidence) => {
  const { outcome, verdict } = diagnose(of);
  return verdict ? [outcome, verdict.class, verdict.hop, verdict.certainty] : [outcome];
};

const BAD_GATEWAY = tried({ status: 502, page: page({}) });
const MEMBER = target("endpoint app 127.0.0.1:3000");
const OTHER = target("endpoint app 127.0.0.1:3001");
const logs = (more: Partial<Evidence["logs"]>): Evidence["logs"] => ({ ...evidence([]).logs, ...more });

test("a site that answers has no fault, whatever its status below 500", () => {
  for (const status of [200, 204, 301, 304, 401, 404, 405])
    expect(answer(evidence([seen(target("url"), [tried({ status })])]))).toEqual(["healthy"]);
});

test("a member that is dead explains the gateway's 502, and is proven", () => {
  const found = evidence([seen(target("url"), [BAD_GATEWAY, BAD_GATEWAY]), unreachable(MEMBER, "connect-refused")], {
    way: [leg([MEMBER.id])],
    local: HERE,
  });
  expect(answer(found)).toEqual(["fault", "connect-refused", MEMBER.id, "proven"]);
});

test("away from the gateway's machine a refused loopback address proves nothing of the gateway", () => {
  const contained = {
    ...HERE,
    gateways: [
      {
        pid: 1,
        name: "nginx",
        command: "nginx",
        user: null,
        startedAtMs: 0,
        state: "S",
        unit: null,
        container: "abc",
        software: "nginx",
        descriptors: null,
        uptimeMs: 1,
      },
    ],
  };
  const found = evidence([seen(target("url"), [BAD_GATEWAY]), unreachable(MEMBER, "connect-refused")], {
    way: [leg([MEMBER.id])],
    local: contained,
  });
  expect(answer(found)).toEqual(["fault", "connect-refused", MEMBER.id, "likely"]);
});

test("what was written while doctor's request failed comes before what a probe shows", () => {
  const duringProbes = [event({ class: "response-header-too-large", upstream: "http://127.0.0.1:3000/" })];
  const found = evidence([seen(target("url"), [BAD_GATEWAY]), seen(MEMBER, [tried()])], {
    way: [leg([MEMBER.id])],
    logs: logs({ duringProbes }),
  });
  expect(answer(found)).toEqual(["fault", "response-header-too-large", MEMBER.id, "proven"]);
});

test("a bare 502 with nothing to look at is an open question", () => {
  const { outcome, verdict, nextCheck } = diagnose(evidence([seen(target("url"), [BAD_GATEWAY])]));
  expect([outcome, verdict?.class]).toEqual(["unknown", "status-only-502"]);
  expect(nextCheck?.command).toContain("--config");
});

test("a CDN that says why is believed, and blamed where the origin answers from here", () => {
  const url = seen(target("url"), [
    tried({ status: 522, page: page({ madeBy: "cloudflare", cause: "connect-timeout" }) }),
  ]);
  expect(answer(evidence([url]))).toEqual(["fault", "connect-timeout", "behind url", "proven"]);
  const both = evidence([url, seen(target("origin 127.0.0.1:3000"), [tried()])]);
  expect(answer(both)).toEqual(["fault", "connect-timeout", "url", "proven"]);
  expect(diagnose(both).verdict?.reasons.some(({ text }) => text.includes("origin 127.0.0.1:3000 answers"))).toBe(true);
});

test("a certificate that has expired is the fault even where the page behind it is fine", () => {
  const bad = failureOf("tls-cert-expired", { tlsCode: "CERT_HAS_EXPIRED" });
  const tls = [
    {
      address: "127.0.0.1:8443",
      otherWay: null,
      tries: [
        {
          what: "as-asked" as const,
          serverName: "shop.example",
          protocol: "TLSv1.3",
          cipher: null,
          alpn: null,
          chain: [],
          failure: null,
          untrusted: bad,
          tookMs: 1,
        },
      ],
    },
  ];
  expect(answer(evidence([seen(target("url"), [tried()], { tls })]))).toEqual([
    "fault",
    "tls-cert-expired",
    "url",
    "proven",
  ]);
  // A member that the gateway does not verify may have any certificate.
  expect(answer(evidence([seen(target("url"), [tried()]), seen(MEMBER, [tried()], { tls })]))).toEqual(["healthy"]);
  // So may an origin, while its visitors are served: a risk, and no more.
  const origin = evidence([seen(target("url"), [tried()]), seen(target("origin 127.0.0.1:3000"), [tried()], { tls })]);
  expect(answer(origin)).toEqual(["healthy"]);
  expect(diagnose(origin).risks.map(({ id }) => id)).toEqual(["origin-certificate"]);
});

test("one member of several that is down is told although visitors are served", () => {
  const found = evidence(
    [seen(target("url"), [tried()]), unreachable(MEMBER, "connect-refused"), seen(OTHER, [tried()])],
    {
      way: [leg([MEMBER.id, OTHER.id])],
      local: HERE,
    },
  );
  expect(answer(found)).toEqual(["fault", "connect-refused", MEMBER.id, "proven"]);
  expect(diagnose(found).verdict?.headline).toContain("Visitors are answered all the same");
});

test("where every request fails, one bad member of two is likely, not proven", () => {
  const found = evidence(
    [seen(target("url"), [BAD_GATEWAY]), unreachable(MEMBER, "connect-refused"), seen(OTHER, [tried()])],
    {
      way: [leg([MEMBER.id, OTHER.id])],
      local: HERE,
    },
  );
  expect(answer(found)).toEqual(["fault", "connect-refused", MEMBER.id, "likely"]);
});

test("an outer failure hides nothing of its own: nobody gets to what is behind it", () => {
  const found = evidence([unreachable(target("url"), "connect-refused"), unreachable(MEMBER, "connect-timeout")], {
    way: [leg([MEMBER.id])],
    local: HERE,
  });
  expect(answer(found)).toEqual(["fault", "connect-refused", "url", "proven"]);
});

test("a race is proven only where the kept connection fails and new ones do not", () => {
  const gap = failed("closed-before-response", { what: "reused-after-gap", reused: true, idleMs: 2_000 });
  expect(answer(evidence([seen(target("url"), [tried(), gap])]))).toEqual(["fault", "keepalive-race", "url", "proven"]);
  const dead = failed("closed-before-response");
  expect(answer(evidence([seen(target("url"), [dead, gap])]))).toEqual([
    "fault",
    "closed-before-response",
    "url",
    "proven",
  ]);
});

test("localhost without IPv6, and a machine without IPv6, are no faults", () => {
  const refused = failureOf("connect-refused", { address: "[::1]:80" });
  const tcp = [
    { address: "127.0.0.1:80", family: 4 as const, tries: [{ tookMs: 1, failure: null }] },
    { address: "[::1]:80", family: 6 as const, tries: [{ tookMs: 1, failure: refused }] },
  ];
  const local = target("url", { spot: { kind: "tcp", host: "localhost", port: 80 } });
  expect(answer(evidence([seen(local, [tried()], { tcp })]))).toEqual(["healthy"]);
  const unsent = failed("connect-refused", { address: "[::1]:80" });
  expect(answer(evidence([seen(local, [tried(), unsent], { tcp })]))).toEqual(["healthy"]);
  const site = target("url", { spot: { kind: "tcp", host: "shop.example", port: 80 } });
  expect(answer(evidence([seen(site, [tried()], { tcp })]))).toEqual(["fault", "connect-refused", "url", "proven"]);
  const none = [
    tcp[0]!,
    { ...tcp[1]!, tries: [{ tookMs: 1, failure: failureOf("network-unreachable", { errno: "ENETUNREACH" }) }] },
  ];
  expect(answer(evidence([seen(site, [tried()], { tcp: none })]))).toEqual(["healthy"]);
});

test("a kill for memory, a full queue and a new process refine what a probe shows", () => {
  const spot = { spot: MEMBER.spot, here: true, listeners: [], served: false, socket: null, others: [] };
  const dead = [seen(target("url"), [BAD_GATEWAY]), unreachable(MEMBER, "connect-refused")];
  const killed = {
    ...HERE,
    spots: [spot],
    kernel: [
      {
        kind: "oom-kill" as const,
        atMs: NOW_MS - 60_000,
        pid: 7,
        process: "node",
        text: "Killed process 7 (node)",
        source: "kernel log",
      },
    ],
  };
  // A kill alone may be of any process; it has to fit in time.
  expect(answer(evidence(dead, { way: [leg([MEMBER.id])], local: killed }))[1]).toBe("connect-refused");
  const began = (atMs: number) => logs({ files: [logFile([event({ atMs })])] });
  for (const [agoMs, of] of [
    [58_000, "oom-killed"],
    [62_000, "connect-refused"],
  ] as const)
    expect(answer(evidence(dead, { way: [leg([MEMBER.id])], local: killed, logs: began(NOW_MS - agoMs) }))[1]).toBe(of);
  const full = {
    ...HERE,
    spots: [
      {
        ...spot,
        served: true,
        listeners: [{ address: "127.0.0.1:3000", process: null, queue: { waiting: 2, max: 1, full: true } }],
      },
    ],
  };
  const silent = [
    seen(target("url"), [tried({ status: 504, page: page({}) })]),
    unreachable(MEMBER, "connect-timeout"),
  ];
  expect(answer(evidence(silent, { way: [leg([MEMBER.id])], local: full }))).toEqual([
    "fault",
    "upstream-saturated",
    MEMBER.id,
    "proven",
  ]);
  const process = {
    pid: 7,
    name: "node",
    command: "node app",
    user: null,
    startedAtMs: 1,
    state: "S",
    unit: null,
    container: null,
  };
  const dying = [seen(target("url"), [BAD_GATEWAY]), seen(MEMBER, [failed("closed-before-response")])];
  const restarts = [{ address: "127.0.0.1:3000", before: process, after: { ...process, pid: 8 } }];
  expect(
    answer(
      evidence(dying, { way: [leg([MEMBER.id])], local: { ...HERE, spots: [{ ...spot, served: true }] }, restarts }),
    ),
  ).toEqual(["fault", "app-crashed", MEMBER.id, "proven"]);
});

test("a pool that leads back to its own gateway is a loop, where requests fail", () => {
  const way = [leg([], { loop: true })];
  expect(answer(evidence([seen(target("url"), [tried({ status: 500, page: page({}) })])], { way }))).toEqual([
    "fault",
    "proxy-loop",
    "url",
    "proven",
  ]);
  expect(answer(evidence([seen(target("url"), [tried()])], { way }))).toEqual(["healthy"]);
});

test("an application's own 500 is its own, at the member that answers so", () => {
  const own = tried({ status: 500 });
  expect(answer(evidence([seen(target("url"), [own])]))).toEqual([
    "fault",
    "upstream-error-passthrough",
    "behind url",
    "likely",
  ]);
  const found = evidence([seen(target("url"), [own]), seen(MEMBER, [own])], { way: [leg([MEMBER.id])], local: HERE });
  expect(answer(found).slice(0, 3)).toEqual(["fault", "upstream-error-passthrough", MEMBER.id]);
});
