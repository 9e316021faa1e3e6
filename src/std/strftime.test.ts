import { expect, test } from "vitest";
import { formatTime, SSI_TIME } from "./strftime.ts";

const AT = Date.UTC(2026, 0, 4, 0, 5, 9, 500);

test("times are written as strftime does", () => {
  expect(formatTime(SSI_TIME, AT, "gmt")).toBe("Sunday, 04-Jan-2026 00:05:09 GMT");
  expect(formatTime("%s", AT, "gmt")).toBe("1767485109");
  expect(formatTime("%a %b %e|%c|%D|%F|%R|%T|%r", AT, "gmt")).toBe(
    "Sun Jan  4|Sun Jan  4 00:05:09 2026|01/04/26|2026-01-04|00:05|00:05:09|12:05:09 AM",
  );
  expect(formatTime("%I %l %k %p %j %C %y %u %w %z %%", AT, "gmt")).toBe("12 12  0 AM 004 20 26 7 0 +0000 %");
  expect(formatTime("%U %W %V %G", AT, "gmt")).toBe("01 00 01 2026");
  expect(formatTime("%U %W %V %G %g", Date.UTC(2027, 0, 1), "gmt")).toBe("00 00 53 2026 26");
  expect(formatTime("IF %", AT, "gmt")).toBe("IF %");
});

test("the local time is that of the zone", () => {
  const local = formatTime("%Y-%m-%d %H:%M:%S %z", AT, "local");
  expect(Date.parse(local.replace(" ", "T").replace(/ ([+-]\d\d)(\d\d)$/, "$1:$2"))).toBe(AT - 500);
});

test("all conversions, and what is none", () => {
  const at = Date.UTC(2026, 10, 1, 5, 6, 7, 89);
  const all = "%a %b %C %D %e %F %h %H %I %j %k %l %m %M %p %r %R %S %T %u %w %y %Y %% %Q";
  expect(formatTime(all, at, "gmt")).toBe(
    "Sun Nov 20 11/01/26  1 2026-11-01 Nov 05 05 305  5  5 11 06 AM 05:06:07 AM 05:06 07 05:06:07 7 0 26 2026 % %Q",
  );
  expect(formatTime("%c", at, "gmt")).toBe("Sun Nov  1 05:06:07 2026");
});
