import { expect, test } from "vitest";
import type { ExpiresConfig } from "../config/servers.ts";
import { type ExpiresFields, expiresFields } from "./expires.ts";

/** Noon by the server's clock. */
const NOW = new Date(2026, 5, 15, 12, 0, 0).getTime();

function fields(config: ExpiresConfig | null, status = 200, lastModifiedSeconds: number | null = 1e9) {
  return expiresFields(config, { status, lastModifiedSeconds, wallNowMs: NOW + 400, render: (text) => text });
}

function text(value: string, modified = false): ExpiresFields | null {
  return fields({ kind: "text", value, modified });
}

function inSeconds(span: number): string {
  return new Date(NOW + span * 1000).toUTCString();
}

test("fixed ones", () => {
  expect(fields({ kind: "epoch" })).toEqual({ expires: "Thu, 01 Jan 1970 00:00:01 GMT", cacheControl: "no-cache" });
  expect(fields({ kind: "max" })?.cacheControl).toBe("max-age=315360000");
  expect(fields({ kind: "off" })).toBeNull();
  expect(fields(null)).toBeNull();
});

test("after the request, and before it", () => {
  expect(fields({ kind: "after-access", ms: 2_048_000 })).toEqual({
    expires: inSeconds(2048),
    cacheControl: "max-age=2048",
  });
  expect(fields({ kind: "after-access", ms: -2_048_000 })).toEqual({
    expires: inSeconds(-2048),
    cacheControl: "no-cache",
  });
  expect(fields({ kind: "after-access", ms: 0 })).toEqual({ expires: inSeconds(0), cacheControl: "max-age=0" });
});

test("after the modification, where there is one", () => {
  const config = { kind: "after-modified", ms: 2_048_000 } as const;
  expect(fields(config)).toEqual({ expires: "Sun, 09 Sep 2001 02:20:48 GMT", cacheControl: "no-cache" });
  expect(fields(config, 200, NOW / 1000)?.cacheControl).toBe("max-age=2048");
  expect(fields(config, 200, null)).toEqual({ expires: inSeconds(2048), cacheControl: "max-age=2048" });
});

test("at a time of day, today or tomorrow", () => {
  const daily = (hour: number): ExpiresFields | null => fields({ kind: "daily", ms: hour * 3_600_000 });
  expect(daily(13)).toEqual({ expires: inSeconds(3600), cacheControl: "max-age=3600" });
  expect(daily(11)).toEqual({ expires: inSeconds(23 * 3600), cacheControl: `max-age=${23 * 3600}` });
  // Now is over.
  expect(daily(12)?.cacheControl).toBe(`max-age=${24 * 3600}`);
});

test("only with statuses that may be kept", () => {
  for (const status of [200, 201, 204, 206, 301, 302, 303, 304, 307, 308]) {
    expect(fields({ kind: "epoch" }, status)).not.toBeNull();
  }
  for (const status of [203, 400, 404, 412, 416, 500]) expect(fields({ kind: "epoch" }, status)).toBeNull();
});

test.each([
  ["2048", "max-age=2048"],
  ["+5", "max-age=5"],
  ["-2048", "no-cache"],
  ["1h30m", "max-age=5400"],
  ["1h 30m", "max-age=5400"],
  ["1y1M1w1d1h1m1s", "max-age=34822861"],
  ["1h5", "max-age=3605"],
  ["@13h", "max-age=3600"],
  ["@24h", "max-age=43200"],
  ["epoch", "no-cache"],
  ["max", "max-age=315360000"],
  ["0", "max-age=0"],
])("a rendered %j gives %s", (value, expected) => {
  expect(text(value)?.cacheControl).toBe(expected);
});

test.each(["", "off", "-", "5x", "30m1h", "1ms", "@25h", "modified", "1m1m"])("a rendered %j sets nothing", (value) => {
  expect(text(value)).toBeNull();
});

test("with modified a text is a span and nothing else", () => {
  expect(text("-1h", true)?.expires).toBe("Sun, 09 Sep 2001 00:46:40 GMT");
  for (const value of ["epoch", "max", "@1h"]) expect(text(value, true)).toBeNull();
});
