import { expect, test } from "vitest";
import type { UpstreamConfig } from "../../config/config.ts";
import { good, lowered } from "./proxy.fixture.ts";

/** The upstream that a block with these lines becomes. */
function upstream(lines: string, http = ""): UpstreamConfig {
  return good(`${http} upstream u { ${lines} } server { location / { proxy_pass http://u; } }`).upstreams.get("u")!;
}

const TWO = "server 127.0.0.1:81; server 127.0.0.1:82;";

test("servers and their parameters", () => {
  const { endpoints, retry } = upstream(`server 127.0.0.1 weight=3 max_conns=9 max_fails=4 fail_timeout=2m;
    server unix:/s down; server [::1]:81 backup; server a.test; server a.test:81 drain route=r1; server 127.0.0.1;`);
  const standard = { weight: 1, maxFails: 1, failTimeoutMs: 10_000, maxConnections: 0, backup: false, down: false };
  expect(endpoints).toMatchObject([
    {
      label: "127.0.0.1",
      weight: 3,
      maxConnections: 9,
      maxFails: 4,
      failTimeoutMs: 120_000,
      resolve: "per-connection",
    },
    { ...standard, label: "unix:/s", address: { kind: "unix", path: "/s" }, down: true },
    { ...standard, label: "[::1]:81", address: { kind: "tcp", host: "::1", port: 81 }, backup: true },
    { ...standard, label: "a.test", address: { kind: "tcp", host: "a.test", port: 80 }, resolve: "at-load" },
    { ...standard, label: "a.test:81", drain: true, route: "r1" },
    { ...standard, label: "127.0.0.1#2" },
  ]);
  expect(retry.attempts).toBe(5);
});

test("one server is used whatever comes of it", () => {
  expect(upstream("server 127.0.0.1 max_fails=3;").endpoints).toMatchObject([{ maxFails: 0 }]);
  expect(upstream("server a.test max_fails=3;").endpoints).toMatchObject([{ maxFails: 3 }]);
  expect(upstream("server 127.0.0.1; server 127.0.0.2 backup;").endpoints).toMatchObject([{ maxFails: 1 }, {}]);
});

test("names that are resolved at run time, by the resolver of the block or that of http", () => {
  const lines = "zone z 64k; server a.test resolve; server _x.test service=http resolve;";
  const own = upstream(`${lines} resolver 127.0.0.9 valid=5s ipv6=off; resolver_timeout 3s;`, "resolver 127.0.0.1;");
  expect(own.endpoints).toMatchObject([{ resolve: "at-run-time" }, { resolve: "at-run-time", service: "http" }]);
  expect(own.resolver).toEqual({ servers: ["127.0.0.9:53"], validMs: 5000, timeoutMs: 3000, ipv4: true, ipv6: false });
  const inherited = upstream(lines, "resolver 127.0.0.1:5353 [::1]; resolver_timeout 4s;").resolver;
  expect(inherited).toMatchObject({ servers: ["127.0.0.1:5353", "[::1]:53"], timeoutMs: 4000, validMs: 0 });
});

test.each([
  ["", "round-robin"],
  ["least_conn;", "least-connections"],
  ["ip_hash;", { ipHash: true }],
  ["hash $request_uri$arg_a;", { hashText: "{$request_uri}{$arg_a}", method: "modulo" }],
  ["hash $host consistent;", { hashText: "{$host}", method: "ketama" }],
  ["random;", { random: "one" }],
  ["random two;", { random: "two" }],
  ["random two least_conn;", { random: "two" }],
  ["least_time header;", { leastTime: "header", inflight: false }],
  ["least_time last_byte inflight;", { leastTime: "last-byte", inflight: true }],
])("%s", (line, balance) => {
  expect(upstream(line + TWO)).toMatchObject({ balance, sticky: null });
});

test.each([
  [
    "sticky cookie sid;",
    {
      kind: "cookie",
      name: "sid",
      domain: null,
      path: null,
      expiresMs: null,
      httpOnly: false,
      secure: false,
      sameSite: null,
    },
  ],
  [
    "sticky cookie sid domain=.$host path=/a expires=1h httponly secure samesite=Lax;",
    {
      kind: "cookie",
      name: "sid",
      domain: ".{$host}",
      path: "/a",
      expiresMs: 3_600_000,
      httpOnly: true,
      secure: true,
      sameSite: "Lax",
    },
  ],
  ["sticky cookie sid expires=max;", { kind: "cookie", expiresMs: "max" }],
  ["sticky route $cookie_a $arg_b;", { kind: "route", lookup: ["{$cookie_a}", "{$arg_b}"] }],
  [
    "sticky learn zone=s:1m create=$upstream_cookie_a lookup=$cookie_a lookup=$arg_a timeout=5s header;",
    {
      kind: "learn",
      zone: "s",
      bytes: 1_048_576,
      create: ["{$upstream_cookie_a}"],
      lookup: ["{$cookie_a}", "{$arg_a}"],
      timeoutMs: 5000,
      afterHead: true,
    },
  ],
])("%s", (line, sticky) => {
  expect(upstream(line + TWO).sticky).toMatchObject(sticky);
});

test("a method behind sticky takes its place", () => {
  const { told, config } = lowered(
    `upstream u { sticky cookie a; least_conn; ${TWO} } server { location / { proxy_pass http://u; } }`,
  );
  expect(told).toEqual(["[warn] load balancing method redefined in nginx.conf:2"]);
  expect(config!.upstreams.get("u")!.sticky).toBeNull();
});

test("a backup in front of the method is one all the same", () => {
  expect(upstream("server 127.0.0.1:80 backup; server 127.0.0.1:81; ip_hash;").endpoints[0]!.backup).toBe(true);
});

test("kept connections: not those of clients", () => {
  const clients = "keepalive_timeout 5s; keepalive_requests 7; keepalive_time 8s;";
  expect(upstream(TWO, clients).keepalive).toMatchObject({
    connections: 32,
    idleMs: 60_000,
    requests: 1000,
    timeMs: 3_600_000,
  });
  const own = upstream(
    `${TWO} keepalive 4 local; keepalive_timeout 9s; keepalive_requests 3; keepalive_time 1m;`,
    clients,
  );
  expect(own.keepalive).toMatchObject({ connections: 4, total: 4, idleMs: 9000, requests: 3, timeMs: 60_000 });
  expect(upstream(`${TWO} keepalive 0;`).keepalive.connections).toBe(0);
});
