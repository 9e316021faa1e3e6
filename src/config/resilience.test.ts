// What an upstream's queue, retry, health, eject, breaker and hold mean, what is refused, and what is a finding.
import { expect, test } from "vitest";
import type { RouteConfig, UpstreamConfig } from "./config.ts";
import { configFromUrls, loadConfig } from "./load.ts";

function fileOf(settings: string, route = "", endpoints = '"a:1", "b:1"'): string {
  const lead = `upstreams:\n  app:\n    endpoints: [${endpoints}]\n    ${settings}\n`;
  return route === "" ? lead : `${lead}routes:\n  - { proxy: app, ${route} }\n`;
}

function load(settings: string, route?: string): { upstream: UpstreamConfig; route: RouteConfig } {
  const { config, problems } = loadConfig(fileOf(settings, route), "f", {});
  expect(problems).toEqual([]);
  return { upstream: config!.upstreams.get("app")!, route: config!.routes[0]! };
}

/** "line:column message → hint (cause)" of each problem. */
function told(text: string): string[] {
  return loadConfig(text, "f", {}).problems.map(
    ({ position, message, hint, cause }) =>
      `${position?.line}:${position?.column} ${message}${hint ? ` → ${hint}` : ""}${cause ? ` (${cause})` : ""}`,
  );
}

const DEFAULTS = {
  keepalive: { connections: 64, idleMs: 4000, auto: true, requests: 0, total: 0, timeMs: 0, probes: false },
  limits: { headBytes: 65_536, bodyBytes: 0, connections: 0, requests: 0, adaptive: false },
  queue: { requests: 100, forMs: 2000 },
  retry: { attempts: 2, withinMs: 10_000, budget: 0.2, backoffMs: 25, backoffMaxMs: 250, bodyBytes: 65_536 },
  slowStartMs: 0,
  panic: 0,
  health: null,
  eject: {
    failures: 3,
    share: 0.5,
    withinMs: 10_000,
    forMs: 10_000,
    forMaxMs: 300_000,
    max: 0.5,
    probes: 1,
    recoveryMs: 5000,
    statuses: [500, 502, 503, 504],
  },
  breaker: {
    failures: 5,
    share: 0.5,
    withinMs: 10_000,
    forMs: 2000,
    forMaxMs: 60_000,
    probes: 2,
    recoveryMs: 5000,
    on: "unreachable",
  },
  hold: { forMs: 5000, requests: 1000, bytes: 64 * 1024 * 1024 },
};

const HEALTH = {
  kind: "http",
  path: "/",
  host: null,
  statuses: [[200, 399]],
  body: null,
  intervalMs: 2000,
  fastIntervalMs: 500,
  downIntervalMs: 2000,
  timeoutMs: 1000,
  rise: 2,
  fall: 3,
};

const NO_RULES = { statuses: [], idempotencyKey: false, attempts: null, withinMs: null };

test("the defaults, from a file and from URLs", () => {
  const { upstream, route } = load("host: keep");
  expect(upstream).toMatchObject(DEFAULTS);
  expect(route.retry).toEqual(NO_RULES);
  const { config } = configFromUrls(["http://a:1"]);
  expect(config!.upstreams.get("app")).toMatchObject(DEFAULTS);
  expect(config!.routes[0]!.retry).toEqual(NO_RULES);
});

test.each<[string, Partial<UpstreamConfig>]>([
  ["queue: off", { queue: null }],
  ["queue: { requests: 5, for: 1s }\n    limits: { requests: 9 }", { queue: { requests: 5, forMs: 1000 } }],
  [
    "limits: { connections: 8, requests: 9, adaptive: true }",
    { limits: { ...DEFAULTS.limits, connections: 8, requests: 9, adaptive: true } },
  ],
  ["keepalive: { idle: 3s }", { keepalive: { ...DEFAULTS.keepalive, connections: 64, idleMs: 3000, auto: false } }],
  ["keepalive: off", { keepalive: { ...DEFAULTS.keepalive, connections: 0, idleMs: 4000, auto: true } }],
  ["retry: off", { retry: { ...DEFAULTS.retry, attempts: 1 } }],
  ["retry: { budget: off }", { retry: { ...DEFAULTS.retry, budget: 1 } }],
  [
    "retry: { attempts: 3, within: 5s, budget: 10%, backoff: 0s, backoff-max: 1s, body: 0 }",
    { retry: { attempts: 3, withinMs: 5000, budget: 0.1, backoffMs: 0, backoffMaxMs: 1000, bodyBytes: 0 } },
  ],
  ["slow-start: 30s", { slowStartMs: 30_000 }],
  ["slow-start: off", { slowStartMs: 0 }],
  ["panic: 50%", { panic: 0.5 }],
  ["panic: off", { panic: 0 }],
  ["eject: off", { eject: null }],
  ["eject: { status: 503 }", { eject: { ...DEFAULTS.eject, statuses: [503] } }],
  ["eject: { status: [] }", { eject: { ...DEFAULTS.eject, statuses: [] } }],
  [
    "eject: { failures: 9, share: 10%, within: 1s, for: 2s, for-max: 3s, max: 20%, probes: 4, recovery: 0s, status: [429, 500, 500] }",
    {
      eject: {
        failures: 9,
        share: 0.1,
        withinMs: 1000,
        forMs: 2000,
        forMaxMs: 3000,
        max: 0.2,
        probes: 4,
        recoveryMs: 0,
        statuses: [429, 500],
      },
    },
  ],
  ["breaker: off", { breaker: null }],
  [
    "breaker: { failures: 9, share: 10%, within: 1s, for: 3s, for-max: 4s, probes: 1, recovery: 0s, on: any }",
    {
      breaker: {
        failures: 9,
        share: 0.1,
        withinMs: 1000,
        forMs: 3000,
        forMaxMs: 4000,
        probes: 1,
        recoveryMs: 0,
        on: "any",
      },
    },
  ],
  ["hold: off", { hold: null }],
  ["hold: { for: 15s, requests: 10, bytes: 1MiB }", { hold: { forMs: 15_000, requests: 10, bytes: 2 ** 20 } }],
])("%s", (written, meant) => expect(load(written).upstream).toMatchObject(meant));

test.each<[string, object | null]>([
  ["off", null],
  ["{}", HEALTH],
  ["{ interval: 200ms }", { intervalMs: 200, fastIntervalMs: 200, downIntervalMs: 200, timeoutMs: 200 }],
  ["{ interval: 10s }", { intervalMs: 10_000, fastIntervalMs: 500, downIntervalMs: 10_000, timeoutMs: 1000 }],
  [
    "{ interval: 4s, fast-interval: 1s, down-interval: 8s, timeout: 3s }",
    { intervalMs: 4000, fastIntervalMs: 1000, downIntervalMs: 8000, timeoutMs: 3000 },
  ],
  [
    '{ path: "/up?deep=1", host: "app.test:8080", body: ok }',
    { path: "/up?deep=1", host: "app.test:8080", body: "ok" },
  ],
  ["{ status: 204 }", { statuses: [[204, 204]] }],
  ["{ status: 200-299 }", { statuses: [[200, 299]] }],
  [
    '{ status: [200, "204", "300-399"] }',
    {
      statuses: [
        [200, 200],
        [204, 204],
        [300, 399],
      ],
    },
  ],
  ["{ tcp: true, interval: 1s }", { kind: "tcp", intervalMs: 1000 }],
  ["{ tcp: false, path: /up }", { kind: "http", path: "/up" }],
])("health: %s", (written, meant) => {
  const { health } = load(`health: ${written}`).upstream;
  if (meant === null) expect(health).toBeNull();
  else expect(health).toMatchObject(meant);
});

test.each<[string, Partial<RouteConfig["retry"]>]>([
  ["retry: off", { ...NO_RULES, attempts: 1 }],
  ["retry: { status: 503 }", { ...NO_RULES, statuses: [503] }],
  [
    "retry: { status: [502, 503, 429, 503], idempotency-key: true, attempts: 3, within: 4s }",
    { statuses: [502, 503, 429], idempotencyKey: true, attempts: 3, withinMs: 4000 },
  ],
])("a route's %s", (written, meant) => expect(load("host: keep", written).route.retry).toEqual(meant));

test.each([
  ["queue: on", '4:12 expected a mapping, or "off", found "on" → write { } for the defaults'],
  ["hold: true", '4:11 expected a mapping, or "off", found true → write { } for the defaults'],
  ["breaker: 5", '4:14 expected a mapping, or "off", found the number 5'],
  ["eject: of", '4:12 expected a mapping, or "off", found "of"'],
  ["slow-start: 30", '4:17 expected a duration, or "off", found the number 30 → write "30s" for seconds'],
  ["slow-start: soon", '4:17 "soon" is not a duration'],
  ["panic: 50", '4:12 expected a percentage, or "off", found the number 50 → write "50%"'],
  ["panic: 150%", '4:12 "150%" is not a percentage'],
  ["retry: { budget: 1/5 }", '4:22 "1/5" is not a percentage'],
  ["retry: { attempts: 0 }", "4:24 expected a whole number, from 1 to 10"],
  ["retry: { status: [503] }", '4:14 unknown key "status"'],
  ["eject: { status: [200] }", "4:23 expected a whole number, from 400 to 599, found the number 200"],
  ["eject: { failures: 0 }", "4:24 expected a whole number, from 1 to 100000"],
  ["breaker: { on: all }", '4:20 unknown value "all"'],
  ["health: { path: up }", '4:21 the path "up" does not begin with "/"'],
  ['health: { path: "/a b" }', '4:21 "/a b" cannot be asked for'],
  ["health: { host: keep }", '4:21 a check has no host "keep"'],
  ["health: { host: a/b }", '4:21 "a/b" is not a host'],
  ['health: { body: "" }', "4:21 the text has 1 to 1024 characters"],
  ["health: { status: 399-200 }", '4:23 "399-200" is no range of statuses'],
  ["health: { status: 2xx }", '4:23 "2xx" is no range of statuses → write 200, or "200-399"'],
  ["health: { status: [700] }", "4:24 expected a whole number, from 200 to 599, found the number 700"],
  ["health: { tcp: true, path: /up }", "4:26 a check with tcp: true has no path → it opens a connection and asks"],
  ["health: { tcp: true, status: 200 }", "4:26 a check with tcp: true has no status"],
  ["health: { tcp: true, body: ok }", "4:26 a check with tcp: true has no body"],
  ["health: { tcp: true, host: a.test }", "4:26 a check with tcp: true has no host"],
  ["max_fails: 3", '4:5 unknown key "max_fails" → did you mean "eject: { failures: … }"?'],
])("%s is an error", (written, words) => {
  const { config } = loadConfig(fileOf(written), "f", {});
  expect(config).toBeUndefined();
  expect(told(fileOf(written)).join("\n")).toContain(words);
});

test("a route's statuses and attempts are checked", () => {
  expect(told(fileOf("host: keep", "retry: { status: [399, 600], attempts: 11 }"))).toEqual([
    "6:37 expected a whole number, from 400 to 599, found the number 399",
    "6:42 expected a whole number, from 400 to 599, found the number 600",
    "6:58 expected a whole number, from 1 to 10, found the number 11",
  ]);
});

test.each([
  ["queue: { requests: 5 }", "4:5 queue has no effect: nothing limits what an endpoint gets"],
  ["panic: 50%\n    eject: off", "4:5 panic has no effect: nothing takes endpoints out of use"],
  ["hold: { for: 31s }", "4:18 a request may wait 31s for an endpoint to come back", "(client-closed-request)"],
  ["queue: { for: 31s }\n    limits: { requests: 1 }", "4:19 a request may wait 31s for a place"],
  ["retry: { backoff: 1s }", "4:23 retry.backoff (1s) is longer than retry.backoff-max (250ms)"],
  ["eject: { for: 10m }", "4:19 eject.for (10m) is longer than eject.for-max (5m)"],
  ["breaker: { for: 2m }", "4:21 breaker.for (2m) is longer than breaker.for-max (1m)"],
  ["health: { interval: 1s, timeout: 1s }", "4:38 a check may take 1s, and the next is due after 1s"],
  ["eject: { status: [404, 429, 500] }", "4:22 responses with 404 eject endpoints", "(no-healthy-upstream)"],
  [
    "timeouts: { head: 55s }",
    "4:23 a request may take 1m5s over its attempts: the last begins up to 10s after it, and waits 55s",
    "(client-closed-request)",
  ],
  ["retry: { within: 45s }", "4:22 a request may take 1m over its attempts: the last begins up to 30s after it"],
  ["retry: { within: 2s }", "4:22 after a connect timeout (3s) no attempt is begun any more (within 2s)"],
])("%s is a finding", (written, words, cause = "") => {
  const { config, problems } = loadConfig(fileOf(written), "f", {});
  expect(config).toBeDefined();
  expect(problems.every(({ severity }) => severity === "warning")).toBe(true);
  expect(told(fileOf(written)).find((line) => line.startsWith(words))).toContain(cause);
});

test.each([
  ["retry: off", "retry: { status: 503 }", "6:28 retry.status has no effect", "the upstream app makes no retries"],
  ["retry: off", "retry: { idempotency-key: true }", "6:28 retry.idempotency-key has no effect", "attempts: 2"],
  [
    "host: keep",
    "retry: { attempts: 1, status: 503 }",
    "6:41 retry.status has no effect",
    "give it attempts: 2 or more",
  ],
  ["host: keep", "retry: { within: 1s }", "6:36 after a connect timeout (3s) no attempt is begun", ""],
  ["retry: { within: 20s }", "timeouts: { head: 45s }", "6:37 a request may take 1m5s over its attempts", ""],
])("%s with a route's %s is a finding", (written, route, words, hint) => {
  const lines = told(`${fileOf(written, route)}drain: 60s\n`);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(words);
  expect(lines[0]).toContain(hint);
});

test("what has no effect with one endpoint is told only where it is written", () => {
  const one = (settings: string) => told(fileOf(settings, "", '"a:1", { address: "b:1", down: true }'));
  expect(one("host: keep")).toEqual([]);
  expect(one("eject: off")).toEqual([]);
  expect(one("eject: { failures: 5 }")).toEqual([
    "4:5 eject has no effect: the upstream has one endpoint in use, and it is never left out → add an endpoint, or take eject out",
  ]);
  expect(one("slow-start: 10s")).toEqual([
    "4:5 slow-start has no effect: the upstream has one endpoint in use, and it gets all requests → add an endpoint, or take it out",
  ]);
});

test.each([
  ["retry: off", "retry: { attempts: 2, status: 503 }"],
  ["retry: off\n    timeouts: { connect: 10s }", "timeouts: { connect: 12s }"],
  ["queue: off", "upgrade: true"],
  ["queue: {}\n    limits: { adaptive: true }", "upgrade: true"],
  ["hold: { for: 30s }\n    panic: 30%", "upgrade: true"],
  ["health: { interval: 1s }\n    slow-start: 5s", "upgrade: true"],
])("%s with a route's %s is fine", (written, route) => expect(told(fileOf(written, route))).toEqual([]));
