import { describe, expect, test } from "vitest";
import type { KeptAttempt, KeptFailure } from "../../../observe/report.ts";
import { attemptBars, barWords, ticksOf, waterfallOf } from "./waterfall.ts";

const attempt = (changes: Partial<KeptAttempt> = {}): KeptAttempt => ({
  endpoint: "10.0.0.7:3000",
  startMs: 0,
  resolvedMs: null,
  tcpMs: null,
  connectedMs: null,
  sentMs: null,
  headMs: null,
  endMs: 0,
  status: 0,
  reused: false,
  bytesSent: 0,
  bytesReceived: 0,
  cause: null,
  phase: null,
  sentence: "",
  evidence: null,
  responseHead: null,
  ...changes,
});

const failure = (changes: Partial<KeptFailure>): KeptFailure => ({
  id: "f1",
  requestId: "r1",
  at: 0,
  cause: "response-timeout",
  phase: "response-head",
  outcome: "shown",
  savedBy: null,
  status: 504,
  route: "/",
  upstream: "app",
  endpoint: "10.0.0.7:3000",
  listener: ":8080",
  tls: false,
  method: "GET",
  host: "shop.example",
  target: "/cart",
  protocol: "HTTP/1.1",
  client: "192.0.2.1",
  userAgent: "",
  traceId: "",
  sentence: "",
  fix: "",
  durationMs: 0,
  heldMs: 0,
  queuedMs: 0,
  bytesReceived: 0,
  bytesSent: 0,
  requestHead: [],
  attempts: [],
  ...changes,
});

const told = (bars: readonly { kind: string; fromMs: number; toMs: number; failed: boolean }[]): string[] =>
  bars.map(({ kind, fromMs, toMs, failed }) => `${kind} ${fromMs}-${toMs}${failed ? "!" : ""}`);

describe("one attempt", () => {
  test("all phases of a connection with TLS that waited for a head in vain", () => {
    const bars = attemptBars(
      attempt({
        startMs: 5,
        resolvedMs: 7,
        tcpMs: 10,
        connectedMs: 20,
        sentMs: 21,
        endMs: 1021,
        cause: "response-timeout",
        phase: "response-head",
      }),
    );
    expect(told(bars)).toEqual(["resolve 5-7", "connect 7-10", "tls 10-20", "write 20-21", "wait 21-1021!"]);
    expect(barWords(bars[4]!)).toBe("wait for head 1 s, failed here");
  });

  test("a refused connection has nothing but the connect", () => {
    expect(told(attemptBars(attempt({ endMs: 0.4, cause: "connect-refused", phase: "connect" })))).toEqual([
      "connect 0-0.4!",
    ]);
  });

  test("a name that does not resolve ends in resolve", () => {
    const bars = attemptBars(attempt({ endMs: 5000, cause: "dns-timeout", phase: "dns" }));
    expect(told(bars)).toEqual(["resolve 0-5000!"]);
  });

  test("a kept connection begins with the write", () => {
    const bars = attemptBars(
      attempt({ reused: true, sentMs: 0.2, endMs: 0.6, cause: "keepalive-race", phase: "response-head" }),
    );
    expect(told(bars)).toEqual(["write 0-0.2", "wait 0.2-0.6!"]);
  });

  test("a body that was cut", () => {
    const bars = attemptBars(
      attempt({
        connectedMs: 1,
        sentMs: 2,
        headMs: 10,
        endMs: 50,
        cause: "response-truncated",
        phase: "response-body",
      }),
    );
    expect(told(bars)).toEqual(["connect 0-1", "write 1-2", "wait 2-10", "body 10-50!"]);
  });

  test("an answer before the request had gone whole; instants out of order go nowhere backwards", () => {
    expect(told(attemptBars(attempt({ connectedMs: 1, headMs: 4, endMs: 9 })))).toEqual([
      "connect 0-1",
      "write 1-4",
      "body 4-9",
    ]);
    expect(told(attemptBars(attempt({ connectedMs: 1, sentMs: 8, headMs: 4, endMs: 9 })))).toEqual([
      "connect 0-1",
      "write 1-4",
      "body 4-9",
    ]);
  });

  test("an end at the instant of the last phase marks that phase, or makes a bar without length", () => {
    const sent = { reused: true, sentMs: 3, endMs: 3 };
    expect(told(attemptBars(attempt({ ...sent, cause: "upstream-write-failed", phase: "write" })))).toEqual([
      "write 0-3!",
    ]);
    expect(told(attemptBars(attempt({ ...sent, cause: "closed-before-response", phase: "response-head" })))).toEqual([
      "write 0-3",
      "wait 3-3!",
    ]);
  });
});

describe("an exchange", () => {
  test("refused, held, tried again: the hold stands between the attempts", () => {
    const { rows, spanMs } = waterfallOf(
      failure({
        durationMs: 2060,
        heldMs: 2000,
        outcome: "saved",
        savedBy: "hold",
        attempts: [
          attempt({ startMs: 0.5, endMs: 1, cause: "connect-refused", phase: "connect" }),
          attempt({ startMs: 2001, connectedMs: 2002, sentMs: 2003, headMs: 2050, endMs: 2060, status: 200 }),
        ],
      }),
    );
    expect(spanMs).toBe(2060);
    // The half millisecond before the first attempt is no hold.
    expect(rows.map(({ label }) => label)).toEqual(["attempt 1", "before attempt 2", "attempt 2"]);
    expect(told(rows[1]!.bars)).toEqual(["held 1-2001"]);
    expect(told(rows[2]!.bars)).toEqual(["connect 2001-2002", "write 2002-2003", "wait 2003-2050", "body 2050-2060"]);
  });

  test("queued, then held until the bound: the hold is what failed", () => {
    const { rows } = waterfallOf(failure({ durationMs: 15_100, queuedMs: 100, heldMs: 15_000 }));
    expect(rows).toHaveLength(1);
    expect(rows[0]!.label).toBe("waiting");
    expect(told(rows[0]!.bars)).toEqual(["queued 0-100", "held 100-15100!"]);
  });

  test("a pause before the next try is shown, the gateway's own fractions are not", () => {
    const { rows } = waterfallOf(
      failure({
        durationMs: 50,
        attempts: [attempt({ startMs: 0.2, endMs: 10 }), attempt({ startMs: 35, endMs: 49.8 })],
      }),
    );
    expect(rows.map(({ label }) => label)).toEqual(["attempt 1", "before attempt 2", "attempt 2"]);
    expect(told(rows[1]!.bars)).toEqual(["pause 10-35"]);
  });

  test("nothing at all is still an axis", () => {
    expect(waterfallOf(failure({}))).toEqual({ spanMs: 0.1, ticks: expect.any(Array), rows: [] });
  });
});

test.each([
  [0.1, [0, 0.05, 0.1]],
  [1, [0, 0.5, 1]],
  [30_000, [0, 10_000, 20_000, 30_000]],
  [2060, [0, 1000, 2000]],
])("ticks of %d ms are round", (spanMs, ticks) => {
  expect(ticksOf(spanMs)).toEqual(ticks);
});
