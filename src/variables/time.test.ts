import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { fakeSubject } from "./subject.fixture.ts";
import { seconds, timeVariables } from "./time.ts";

const zone = process.env["TZ"];
afterEach(() => {
  if (zone === undefined) delete process.env["TZ"];
  else process.env["TZ"] = zone;
});

const AT = Date.UTC(2026, 10, 1, 5, 6, 7, 89);

test.each([
  ["UTC", "01/Nov/2026:05:06:07 +0000", "2026-11-01T05:06:07+00:00"],
  ["Asia/Kolkata", "01/Nov/2026:10:36:07 +0530", "2026-11-01T10:36:07+05:30"],
  ["America/St_Johns", "01/Nov/2026:01:36:07 -0330", "2026-11-01T01:36:07-03:30"],
])("local time in %s", (name, local, iso) => {
  process.env["TZ"] = name;
  const variables = timeVariables({ pid: 1, hostname: "", nginxVersion: "" });
  const subject = fakeSubject({ wallNowMs: AT });
  expect(variables.time_local(subject)).toBe(local);
  expect(variables.time_iso8601(subject)).toBe(iso);
  expect(variables.time_local(fakeSubject({ wallNowMs: AT + 1000 }))).toBe(local.replace(":07 ", ":08 "));
});

test("dates of SSI", () => {
  process.env["TZ"] = "UTC";
  const variables = timeVariables({ pid: 1, hostname: "", nginxVersion: "" });
  expect(variables.date_gmt(fakeSubject({ wallNowMs: AT }))).toBe("Sunday, 01-Nov-2026 05:06:07 GMT");
  expect(variables.date_local(fakeSubject({ wallNowMs: AT }))).toBe("Sunday, 01-Nov-2026 05:06:07 UTC");
  expect(variables.date_gmt(fakeSubject({ wallNowMs: AT, timeFormat: "%s" }))).toBe("1793509567");
});

test("seconds are cut to three decimals and never negative", () => {
  expect([seconds(0), seconds(3.99), seconds(45), seconds(1999.9), seconds(-5)]).toEqual([
    "0.000",
    "0.003",
    "0.045",
    "1.999",
    "0.000",
  ]);
  fc.assert(
    fc.property(fc.nat(), (ms) => {
      expect(Math.round(Number(seconds(ms)) * 1000)).toBe(ms);
      expect(seconds(ms)).toMatch(/^\d+\.\d{3}$/);
    }),
  );
});
