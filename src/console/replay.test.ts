// A failed request is sent again, against the lab: what is sent, where, and what is said of the answer.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Config } from "../config/config.ts";
import { loadConfig } from "../config/load.ts";
import { FAULTS } from "../lab/faults.ts";
import { type Lab, startLab } from "../lab/server.ts";
import type { KeptAttempt } from "../observe/report.ts";
import type { StoredFailure } from "../store/model.ts";
import { replay } from "./replay.ts";

let lab: Lab;
let other: Lab;
let config: Config;

beforeAll(async () => {
  lab = await startLab();
  other = await startLab();
  const text = `
upstreams:
  app: { endpoints: ["${lab.address}", "${other.address}"], timeouts: { connect: 1s, head: 300ms, idle-body: 300ms } }
  named: { endpoints: ["${other.address}"], host: inner.example }
routes:
  - { name: api, path: /api/*, proxy: app, strip: /api }
  - { name: old, path: /old/*, proxy: app, rewrite: "/new{path}" }
  - { name: all, path: /, proxy: app }`;
  const loaded = loadConfig(text, "goodgate.yaml", {});
  if (!loaded.config) throw new Error(loaded.problems.map(({ message }) => message).join("\n"));
  config = loaded.config;
});
afterAll(() => Promise.all([lab.close(), other.close()]));

const attempt = (more: Partial<KeptAttempt>): KeptAttempt => ({
  endpoint: lab.address,
  startMs: 0,
  resolvedMs: 0,
  tcpMs: 1,
  connectedMs: 1,
  sentMs: 1,
  headMs: null,
  endMs: 3,
  status: 0,
  reused: false,
  bytesSent: 100,
  bytesReceived: 0,
  cause: "connect-refused",
  phase: "connect",
  sentence: "It refused the connection.",
  evidence: {},
  responseHead: null,
  ...more,
});

function failed(more: Partial<StoredFailure> = {}, tried: Partial<KeptAttempt> = {}): StoredFailure {
  return {
    id: "f1",
    requestId: "r1",
    at: 0,
    cause: "connect-refused",
    phase: "connect",
    outcome: "shown",
    savedBy: null,
    status: 502,
    route: "all",
    upstream: "app",
    endpoint: lab.address,
    listener: ":8080",
    tls: true,
    method: "GET",
    host: "shop.example",
    target: "/lab/echo",
    protocol: "HTTP/1.1",
    client: "192.0.2.7",
    userAgent: "",
    traceId: "",
    sentence: "",
    fix: "",
    durationMs: 3,
    heldMs: 0,
    queuedMs: 0,
    bytesReceived: 0,
    bytesSent: 0,
    requestHead: [
      ["Host", "shop.example"],
      ["Accept", "text/plain"],
      ["Cookie", "sid=[redacted]"],
      ["Connection", "keep-alive, Upgrade"],
      ["X-Odd\r\nX-Smuggled", "1"],
      ["X-Long", "abc…"],
    ],
    attempts: [attempt(tried)],
    incident: "i1",
    gateway: "g1",
    ...more,
  };
}

test("it goes where it failed, with its head but for what was redacted, and is marked", async () => {
  lab.clear();
  const result = await replay(failed(), {}, config);
  expect(result).toMatchObject({
    ok: true,
    refused: null,
    endpoint: `app ${lab.address}`,
  });
  expect(result.then.cause).toBe("connect-refused");
  expect(result.now).toMatchObject({ cause: null });
  expect(result.differences).toContain("sent without what was redacted: cookie, some fields, x-long");
  expect(result.differences).toContainEqual(expect.stringMatching(/^status: no answer then, \d+ now$/));
  expect(result.verdict).toMatch(/^It is answered now: 127\.0\.0\.1:\d+ says \d+ after/);
  const [delivery] = lab.deliveriesOf("/lab/echo");
  const fields = JSON.stringify(result.request.head);
  expect(delivery!.method).toBe("GET");
  expect(fields).toContain('["Host","shop.example"]');
  expect(fields).toContain('["X-Goodgate-Replay","f1"]');
  expect(fields).toContain('["X-Forwarded-For","192.0.2.7"],["X-Forwarded-Proto","https"]');
  expect(fields).not.toMatch(/Upgrade|Smuggled|sid=|X-Long/);
  expect(lab.unreadable).toEqual([]);
});

test("the query whose values were redacted is left out, and the answer says so; one without values stays", async () => {
  const cut = await replay(failed({ target: "/api/items?page=[redacted]&q=[redacted]", route: "api" }), {}, config);
  expect(cut.request.target).toBe("/items");
  expect(cut.differences[0]).toContain("not the same request");
  expect(cut.verdict).toContain("not the same request");
  const whole = await replay(failed({ target: "/items?" }), {}, config);
  expect(whole.request.target).toBe("/items?");
  expect(whole.verdict).not.toContain("not the same");
});

test.each([
  [{ method: "POST" }, "only GET, HEAD, OPTIONS"],
  [{ target: "/reset/[redacted]" }, "not kept whole"],
  [{ target: "/a b" }, "is no path"],
  [{ target: "http://evil.example/" }, "is no path"],
  [{ target: "/old/x", route: "old" }, "rewrites paths"],
  [{ endpoint: "203.0.113.9:80" }, "any more; name another"],
  [{ upstream: "" }, "never came to an upstream"],
])("%o is not sent: %s", async (more, why) => {
  lab.clear();
  other.clear();
  const result = await replay(failed(more), {}, config);
  expect(result).toMatchObject({ ok: false, now: null, refused: expect.stringContaining(why) });
  expect(result.verdict).toContain("Not sent");
  expect(lab.deliveries.length + other.deliveries.length).toBe(0);
});

test("an endpoint of choice, of the configuration only", async () => {
  other.clear();
  const result = await replay(failed(), { endpoint: `named ${other.address}` }, config);
  expect(result.endpoint).toBe(`named ${other.address}`);
  expect(JSON.stringify(result.request.head)).toContain('["Host","inner.example"]');
  expect(result.verdict).toContain("another endpoint than the one that failed");
  expect(other.deliveriesOf("/lab/echo")).toHaveLength(1);
  for (const endpoint of ["app 169.254.169.254:80", "127.0.0.1:1", "app", "nothing"]) {
    const refused = await replay(failed(), { endpoint }, config);
    expect(refused).toMatchObject({ ok: false, now: null, refused: expect.stringContaining("has no endpoint") });
  }
});

test.each(["reset-before-head", "stall-head", "garbage-head", "short-body"] as const)(
  "what fails has its name: %s",
  async (fault) => {
    const { cause } = FAULTS[fault];
    const result = await replay(failed({ target: `/lab/fault/${fault}` }), {}, config);
    expect(result.ok).toBe(false);
    expect(result.now!.cause).toBe(cause);
    expect(result.differences).toContain(`cause: connect-refused then, ${cause} now`);
    expect(result.verdict).toContain("It fails in another way now");
  },
);

test("the same failure again, an own error of the application, and a status beside another", async () => {
  const again = await replay(
    failed({ target: "/lab/fault/stall-head" }, { cause: "response-timeout", endMs: 310, sentence: "No head." }),
    {},
    config,
  );
  expect(again.verdict).toContain("It fails again in the same way");
  const own = await replay(failed({ target: "/lab/fault/app-500" }, { cause: null, status: 500 }), {}, config);
  expect([own.then.cause, own.now!.cause, own.now!.status]).toEqual([
    "upstream-error-passthrough",
    "upstream-error-passthrough",
    500,
  ]);
  expect(own.verdict).toContain("It fails again in the same way");
});

test("a body without an end, and a large one, are read so far and no further", async () => {
  const result = await replay(failed({ target: "/lab/fault/large-body" }), {}, config);
  expect(result.ok).toBe(true);
  expect(result.now!.bytes).toBeGreaterThan(60_000);
  expect(result.now!.bytes).toBeLessThan(400_000);
  expect(result.differences).toContain("its body was not read to the end");
});

test("HEAD and OPTIONS are sent as they are", async () => {
  lab.clear();
  expect((await replay(failed({ method: "HEAD", target: "/" }), {}, config)).ok).toBe(true);
  await replay(failed({ method: "OPTIONS", target: "*" }), {}, config);
  expect(lab.deliveries.map(({ method, target }) => `${method} ${target}`)).toEqual(["HEAD /", "OPTIONS *"]);
});
