// Durations of failures, and the timers that they point at.
import { expect, test } from "vitest";
import { TIMERS } from "../../explain/timers.ts";
import { buildChain } from "./chain.ts";
import { timersFired } from "./fired.ts";

const chainOf = (spec: string) => buildChain({ spec, whatIf: [], configs: [], targets: [] }).chain;
const said = (ms: number, spec: string | null = null): readonly string[] =>
  timersFired(ms, spec === null ? null : chainOf(spec)).map(({ name, timer }) => `${name} ${timer.setting}`);

test.each([
  [3_004, "Caddy dial_timeout"],
  [5_010, "Envoy connect_timeout"],
  [10_020, "AWS ALB target connection timeout"],
  [15_003, "Envoy route timeout"],
  [19_100, "Cloudflare connect timeout"],
  [20_050, "Azure Application Gateway request timeout"],
  [29_010, "AWS API Gateway integration timeout"],
  [30_020, "Heroku router first byte"],
  [60_005, "nginx proxy_read_timeout"],
  [60_005, "AWS ALB idle_timeout"],
  [100_200, "Cloudflare proxy read timeout"],
  [120_400, "Cloudflare proxy read timeout"],
  [300_900, "undici headersTimeout"],
])("%i ms may be %s", (ms, timer) => {
  expect(said(ms)).toContain(timer);
});

test("no timer ends before its time, and none is far from it", () => {
  for (const ms of [0, 12, 800, 2_900, 7_777, 59_000, 64_000, 98_000]) expect(said(ms)).toEqual([]);
});

test("the chain's own values come first, and its programs' defaults no longer count", () => {
  expect(said(90_010, "alb > nginx(proxy_read_timeout=90s) > node")[0]).toBe("nginx proxy_read_timeout");
  expect(said(60_010, "nginx(proxy_read_timeout=90s, proxy_connect_timeout=3s) > node")).not.toContain(
    "nginx proxy_read_timeout",
  );
});

test("no duration that explain has a timer for is unknown to doctor", () => {
  for (const { ms } of TIMERS) expect([ms, said(ms).length > 0]).toEqual([ms, true]);
});
