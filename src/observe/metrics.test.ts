import { expect, test } from "vitest";
import { Metrics } from "./metrics.ts";
import { type ParsedSample, parseMetrics } from "./metrics-text.fixture.ts";
import { renderFamilies } from "./metrics-text.ts";
import { registerProcessMetrics } from "./process-metrics.ts";
import { attempt, exchange, failure } from "./record.fixture.ts";

function total(samples: readonly ParsedSample[], name: string, labels: Record<string, string> = {}): number {
  const found = samples.filter(
    (one) => one.name === name && Object.entries(labels).every(([label, value]) => one.labels[label] === value),
  );
  return found.reduce((sum, one) => sum + one.value, 0);
}

test("requests are counted by route, upstream, method and code, with their duration and bytes", () => {
  const metrics = new Metrics();
  metrics.observe(exchange());
  metrics.observe(exchange({ method: "POST", status: 404 }));
  const samples = parseMetrics(metrics.render());
  const labels = { route: "shop", upstream: "app" };
  expect(total(samples, "goodgate_requests_total", { ...labels, method: "GET", code: "200" })).toBe(1);
  expect(total(samples, "goodgate_requests_total", { ...labels, method: "POST", code: "404" })).toBe(1);
  expect(total(samples, "goodgate_received_bytes_total", labels)).toBe(824);
  expect(total(samples, "goodgate_sent_bytes_total", labels)).toBe(2800);
  expect(total(samples, "goodgate_request_duration_seconds_sum", labels)).toBeCloseTo(0.025);
  expect(total(samples, "goodgate_request_duration_seconds_bucket", { ...labels, le: "0.01" })).toBe(0);
  expect(total(samples, "goodgate_request_duration_seconds_bucket", { ...labels, le: "0.025" })).toBe(2);
  expect(total(samples, "goodgate_request_duration_seconds_count", labels)).toBe(2);
});

test("a bound belongs to its bucket, and what is above the last goes to +Inf", () => {
  const metrics = new Metrics();
  metrics.observe(exchange({ startedAt: 1000, endedAt: 1001 }));
  metrics.observe(exchange({ startedAt: 1000, endedAt: 62_000 }));
  const samples = parseMetrics(metrics.render());
  const name = "goodgate_request_duration_seconds_bucket";
  expect(total(samples, name, { le: "0.001" })).toBe(1);
  expect(total(samples, name, { le: "60" })).toBe(1);
  expect(total(samples, name, { le: "+Inf" })).toBe(2);
});

test("what clients and upstreams send never becomes a label", () => {
  const metrics = new Metrics();
  for (let i = 0; i < 100; i++) {
    metrics.observe(exchange({ method: `M${i}`, host: `h${i}`, target: `/${i}`, status: 600 + i, userAgent: `u${i}` }));
    metrics.observe(exchange({ status: 430 + (i % 20) }));
  }
  const text = metrics.render();
  const codes = new Set(parseMetrics(text).map((one) => one.labels["code"]));
  expect([...codes].sort()).toEqual(["431", "4xx", "none", undefined]);
  expect(text).not.toContain("h7");
});

test("attempts, failures, retries and saved requests by endpoint and cause", () => {
  const metrics = new Metrics();
  const refused = attempt({ connectedAt: 0, sentAt: 0, headAt: 0, reused: false, failure: failure("connect-refused") });
  metrics.observe(exchange({ attempts: [refused, attempt({ endpoint: "10.0.0.8:3000" })] }));
  metrics.observe(exchange({ attempts: [refused], failure: refused.failure, status: 502 }));
  const samples = parseMetrics(metrics.render());
  const first = { upstream: "app", endpoint: "10.0.0.7:3000" };
  const second = { upstream: "app", endpoint: "10.0.0.8:3000" };
  expect(total(samples, "goodgate_upstream_attempts_total", { ...first, result: "failure" })).toBe(2);
  expect(total(samples, "goodgate_upstream_attempts_total", { ...second, result: "success" })).toBe(1);
  const cause = { cause: "connect-refused", phase: "connect" };
  expect(total(samples, "goodgate_upstream_failures_total", { ...first, ...cause })).toBe(2);
  expect(total(samples, "goodgate_failures_total", cause)).toBe(1);
  expect(total(samples, "goodgate_retries_total")).toBe(1);
  expect(total(samples, "goodgate_saved_total")).toBe(1);
  expect(total(samples, "goodgate_upstream_reused_total", second)).toBe(1);
  expect(total(samples, "goodgate_upstream_connect_seconds_count")).toBe(0);
  expect(total(samples, "goodgate_upstream_head_seconds_sum", second)).toBeCloseTo(0.01);
});

test("errors avoided: by what and why, what it cost, and how long requests were held", () => {
  const metrics = new Metrics();
  const refused = attempt({ startedAt: 1000, failure: failure("connect-refused") });
  const other = attempt({ startedAt: 1004, endpoint: "10.0.0.8:3000" });
  metrics.observe(exchange({ attempts: [refused, other] }));
  metrics.observe(exchange({ heldMs: 800, attempts: [attempt({ startedAt: 1800 })] }));
  metrics.observe(exchange({ heldMs: 400, attempts: [refused, attempt({ startedAt: 1400 })], route: "other" }));
  metrics.observe(exchange({ queuedMs: 30, attempts: [attempt({ startedAt: 1030 })] }));
  metrics.observe(exchange({ heldMs: 9000, attempts: [], status: 503, failure: failure("no-healthy-upstream") }));
  const samples = parseMetrics(metrics.render());
  const shop = { route: "shop", upstream: "app" };
  const cause = (by: string, id: string) => ({ by, cause: id });
  expect(total(samples, "goodgate_avoided_total")).toBe(4);
  expect(total(samples, "goodgate_saved_total")).toBe(4);
  expect(total(samples, "goodgate_avoided_total", { ...shop, ...cause("failover", "connect-refused") })).toBe(1);
  expect(total(samples, "goodgate_avoided_total", { ...shop, ...cause("hold", "no-healthy-upstream") })).toBe(1);
  expect(total(samples, "goodgate_avoided_total", { route: "other", ...cause("hold", "connect-refused") })).toBe(1);
  expect(total(samples, "goodgate_avoided_total", { ...shop, ...cause("queue", "pool-exhausted") })).toBe(1);
  expect(total(samples, "goodgate_avoided_cost_seconds_total", { ...shop, by: "failover" })).toBeCloseTo(0.004);
  expect(total(samples, "goodgate_avoided_cost_seconds_total", { by: "hold" })).toBeCloseTo(1.2);
  expect(total(samples, "goodgate_retries_total")).toBe(2);
  expect(total(samples, "goodgate_held_seconds_count", { upstream: "app" })).toBe(3);
  expect(total(samples, "goodgate_held_seconds_sum", { upstream: "app" })).toBeCloseTo(10.2);
});

test("events of upstreams are counted by kind; poison requests without what the client sent", () => {
  const metrics = new Metrics();
  const of = { at: 1, upstream: "app", endpoint: "10.0.0.7:3000" };
  metrics.observeEvent({ ...of, kind: "returned" });
  metrics.observeEvent({ ...of, kind: "returned" });
  metrics.observeEvent({ ...of, upstream: 'a"b', kind: "endpoint-back", awayMs: 3 });
  metrics.observeEvent({ at: 1, upstream: "app", kind: "poison-request", request: "GET /from-client", detail: "d" });
  const samples = parseMetrics(metrics.render());
  const name = "goodgate_upstream_events_total";
  expect(total(samples, name, { upstream: "app", endpoint: "10.0.0.7:3000", kind: "returned" })).toBe(2);
  expect(total(samples, name, { upstream: "app", endpoint: "", kind: "poison-request" })).toBe(1);
  expect(total(samples, name, { upstream: 'a"b' })).toBe(1);
  expect(metrics.render()).not.toContain("from-client");
});

test("labels and help are escaped", () => {
  const metrics = new Metrics();
  metrics.observe(exchange({ route: 'a"b\\c\nd' }));
  metrics.registerGauge("goodgate_x", "two\nlines \\", () => 1);
  expect(metrics.render()).toContain('route="a\\"b\\\\c\\nd"');
  expect(metrics.render()).toContain("# HELP goodgate_x two\\nlines \\\\\n");
  expect(total(parseMetrics(metrics.render()), "goodgate_requests_total", { route: 'a"b\\c\nd' })).toBe(1);
});

test("registered metrics: values, labelled values, and one that fails hides no other", () => {
  const metrics = new Metrics();
  metrics.registerGauge("goodgate_connections", "Open.", () => 7);
  metrics.registerGauge(
    "goodgate_pool",
    "By endpoint.",
    () => [
      [["a:1"], 2],
      [["b:2"], 3],
    ],
    { labels: ["endpoint"] },
  );
  metrics.registerGauge("goodgate_bad", "Fails.", () => {
    throw new Error("no");
  });
  const samples = parseMetrics(metrics.render());
  expect(total(samples, "goodgate_connections")).toBe(7);
  expect(total(samples, "goodgate_pool", { endpoint: "b:2" })).toBe(3);
  expect(total(samples, "goodgate_metrics_read_failures_total")).toBe(1);
});

test("snapshots of workers survive IPC and merge: sums, minima, maxima, histograms", () => {
  const workers = [new Metrics(), new Metrics()];
  for (const metrics of workers) {
    metrics.observe(exchange());
    metrics.registerGauge("goodgate_connections", "Open.", () => 7);
    registerProcessMetrics(metrics, "0.1.0");
  }
  workers[1]!.observe(exchange({ route: "only-here" }));
  const snapshots = workers.map((metrics) => JSON.parse(JSON.stringify(metrics.snapshot())));
  const merged = Metrics.merge(snapshots);
  const samples = parseMetrics(renderFamilies(merged));
  expect(total(samples, "goodgate_requests_total", { route: "shop" })).toBe(2);
  expect(total(samples, "goodgate_requests_total", { route: "only-here" })).toBe(1);
  expect(total(samples, "goodgate_request_duration_seconds_count", { route: "shop" })).toBe(2);
  expect(total(samples, "goodgate_connections")).toBe(14);
  expect(total(samples, "goodgate_build_info", { version: "0.1.0" })).toBe(1);
  expect(total(samples, "process_start_time_seconds")).toBeLessThan(Date.now() / 1000 + 1);
  expect(total(samples, "process_resident_memory_bytes")).toBeGreaterThan(1e6);
  expect(JSON.parse(JSON.stringify(workers[0]!.snapshot()))).toHaveLength(snapshots[0].length);
  expect(parseMetrics(renderFamilies(Metrics.merge(snapshots)))).toEqual(samples);
});

test("what clients saw is counted by cause; what they did, and the upstream's own errors, are not", () => {
  const metrics = new Metrics();
  const refused = attempt({ status: 0, headAt: 0, failure: failure("connect-refused") });
  metrics.observe(exchange({ status: 502, attempts: [refused], failure: refused.failure }));
  metrics.observe(exchange({ aborted: true, failure: failure("response-truncated") }));
  metrics.observe(exchange({ aborted: true, failure: failure("client-closed-request") }));
  metrics.observe(exchange({ status: 404, attempts: [], failure: failure("route-not-found") }));
  metrics.observe(exchange({ attempts: [refused, attempt()] }));
  metrics.observe(exchange({ status: 500, attempts: [attempt({ status: 500 })] }));
  const samples = parseMetrics(metrics.render());
  const shown = samples.filter((one) => one.name === "goodgate_shown_total");
  expect(shown.map(({ labels, value }) => [labels["cause"], value])).toEqual([
    ["connect-refused", 1],
    ["response-truncated", 1],
  ]);
  expect(total(samples, "goodgate_upstream_errors_total", { upstream: "app" })).toBe(1);
});
