import fc from "fast-check";
import { expect, test } from "vitest";
import { RangeFilter } from "./range-filter.ts";
import { boundaries, planRanges, planSegments, type RangeFacts, type RangePlan } from "./ranges.ts";

const FACTS: RangeFacts = {
  status: 200,
  range: undefined,
  ifRange: undefined,
  validators: { lastModifiedSeconds: 1e9, etag: '"tag"' },
  contentLength: 1000,
  mayCut: true,
  rangesMax: -1,
  singleOnly: false,
  inOrderOnly: false,
  contentType: "text/html; charset=utf-8",
};

function plan(range: string | undefined, facts: Partial<RangeFacts> = {}): RangePlan {
  return planRanges({ ...FACTS, range, ...facts }, () => "B");
}

/** "0-9 990-999", "whole", "416". */
function summary(planned: RangePlan): string {
  if (planned.kind === "whole") return "whole";
  if (planned.kind === "unsatisfiable") return "416";
  const parts = planned.kind === "single" ? [planned] : planned.parts;
  return parts.map(({ start, end }) => `${start}-${end - 1}`).join(" ");
}

test.each([
  ["bytes=0-8", "0-8"],
  ["BYTES=0-8", "0-8"],
  ["bytes=-10", "990-999"],
  ["bytes=990-", "990-999"],
  ["bytes=990-1990", "990-999"],
  ["bytes=0-", "0-999"],
  ["bytes=-99999", "0-999"],
  ["bytes=0-9, -10, 10-19", "0-9 990-999 10-19"],
  ["bytes=0-9, -10, 100000-, 10-19", "0-9 990-999 10-19"],
  ["bytes= 0 - 1 , 2-3 ", "0-1 2-3"],
  ["bytes=5-2,1-1", "1-1"],
  ["bytes=0-9223372036854775807", "0-999"],
  // Malformed or beyond the content.
  ["bytes=1000-", "416"],
  ["bytes=5-2", "416"],
  ["bytes=-0", "416"],
  ["bytes=alpha", "416"],
  ["bytes=10-alpha", "416"],
  ["bytes=10", "416"],
  ["bytes=10-11 12-", "416"],
  ["bytes=0-1,", "416"],
  ["bytes=,0-1", "416"],
  ["bytes=- 5", "416"],
  ["bytes=\t0-1", "416"],
  ["bytes=0-9223372036854775808", "416"],
  // Ignored, or more than the content.
  ["items=0-1", "whole"],
  ["bytes=", "whole"],
  [undefined, "whole"],
  ["bytes=0-10001, 0-0", "whole"],
])("%j of 1000 bytes: %s", (range, expected) => {
  expect(summary(plan(range))).toBe(expected);
});

test("many small parts of a large content are sent, those that save nothing are not", () => {
  const set = `bytes=${Array.from({ length: 20 }, (_, index) => `${index * 10}-${index * 10}`).join()}`;
  expect(summary(plan(set, { contentLength: 1044 }))).toContain("190-190");
  expect(plan(set, { contentLength: 1043 })).toEqual({ kind: "whole", acceptRanges: true });
  // A bound of one's own takes the place of that rule.
  expect(summary(plan(set, { contentLength: 1043, rangesMax: 20 }))).toContain("190-190");
});

test("max_ranges", () => {
  expect(summary(plan("bytes=0-9,-10", { rangesMax: 2 }))).toBe("0-9 990-999");
  expect(summary(plan("bytes=0-9,-10,10000-", { rangesMax: 2 }))).toBe("0-9 990-999");
  expect(summary(plan("bytes=0-9,-10,10-19", { rangesMax: 2 }))).toBe("whole");
  expect(plan("bytes=0-9", { rangesMax: 0 })).toEqual({ kind: "whole", acceptRanges: false });
});

test("an empty content has no first byte, and is sent whole", () => {
  expect(summary(plan("bytes=0-", { contentLength: 0 }))).toBe("whole");
  expect(summary(plan("bytes=-5", { contentLength: 0 }))).toBe("whole");
  expect(summary(plan("bytes=1-", { contentLength: 0 }))).toBe("416");
});

test("no ranges where nothing can be cut out", () => {
  const none = { kind: "whole", acceptRanges: false };
  expect(plan("bytes=0-8", { status: 404 })).toEqual(none);
  expect(plan("bytes=0-8", { contentLength: null })).toEqual(none);
  expect(plan("bytes=0-8", { mayCut: false })).toEqual(none);
  expect(plan(undefined)).toEqual({ kind: "whole", acceptRanges: true });
});

test("several parts where only one may be, or only forward", () => {
  expect(summary(plan("bytes=0-9,20-29", { singleOnly: true }))).toBe("whole");
  expect(summary(plan("bytes=0-9", { singleOnly: true }))).toBe("0-9");
  expect(summary(plan("bytes=0-9,20-29", { inOrderOnly: true }))).toBe("0-9 20-29");
  expect(summary(plan("bytes=20-29,0-9", { inOrderOnly: true }))).toBe("whole");
  expect(summary(plan("bytes=0-9,9-10", { inOrderOnly: true }))).toBe("whole");
});

test.each([
  ['"tag"', "0-8"],
  ['"other"', "whole"],
  ['W/"tag"', "whole"],
  ["Sun, 09 Sep 2001 01:46:40 GMT", "0-8"],
  ["Sun, 09 Sep 2001 01:46:41 GMT", "whole"],
  ["garbage", "whole"],
])("If-Range: %s", (ifRange, expected) => {
  expect(summary(plan("bytes=0-8", { ifRange }))).toBe(expected);
  expect(summary(plan("bytes=0-8", { ifRange, validators: { lastModifiedSeconds: null, etag: null } }))).toBe("whole");
});

test("fields of a single part and of an unsatisfiable range", () => {
  expect(plan("bytes=0-8")).toMatchObject({ contentRange: "bytes 0-8/1000", lengthBytes: 9 });
  expect(plan("bytes=1000-")).toMatchObject({ contentRange: "bytes */1000" });
});

test("framing of several parts", () => {
  const planned = plan("bytes=0-1,4-5", { contentLength: 6 });
  const sent = [...planSegments(planned, 6)].map((segment) =>
    typeof segment === "string" ? segment : "abcdef".slice(segment.start, segment.end),
  );
  expect(sent.join("")).toBe(
    "\r\n--B\r\nContent-Type: text/html; charset=utf-8\r\nContent-Range: bytes 0-1/6\r\n\r\nab" +
      "\r\n--B\r\nContent-Type: text/html; charset=utf-8\r\nContent-Range: bytes 4-5/6\r\n\r\nef" +
      "\r\n--B--\r\n",
  );
  expect(planned).toMatchObject({
    contentType: "multipart/byteranges; boundary=B",
    lengthBytes: sent.join("").length,
  });
  const untyped = plan("bytes=0-1,4-5", { contentType: "" });
  expect(untyped.kind === "multipart" && untyped.parts[0]!.head).toBe(
    "\r\n--B\r\nContent-Range: bytes 0-1/1000\r\n\r\n",
  );
});

test("boundaries differ", () => {
  const next = boundaries(41);
  expect([next(), next()]).toEqual(["00000000000000000042", "00000000000000000043"]);
});

// Quadratic work would take minutes, and the test with it.
test("a long field takes no longer than its length", () => {
  const spaces = " ".repeat(200_000);
  for (const set of [`0-${spaces}x`, `${spaces}x`, `${"1".repeat(200_000)}x`, `-1${spaces}x`]) {
    expect(summary(plan(`bytes=${set}`))).toBe("416");
  }
});

test("a pushed content gives what the plan says, however it is cut", () => {
  const content = Buffer.from(Array.from({ length: 200 }, (_, index) => index));
  const ranges = fc.array(fc.tuple(fc.nat(220), fc.nat(40)), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(ranges, fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 20 }), (asked, cuts) => {
      const range = `bytes=${asked.map(([start, length]) => `${start}-${start + length}`).join()}`;
      const planned = plan(range, { contentLength: content.length, inOrderOnly: true, rangesMax: 5 });
      if (planned.kind === "unsatisfiable") return;
      const wanted = Buffer.concat(
        [...planSegments(planned, content.length)].map((segment) =>
          typeof segment === "string" ? Buffer.from(segment) : content.subarray(segment.start, segment.end),
        ),
      );
      expect(planned.kind === "whole" ? content.length : planned.lengthBytes).toBe(wanted.length);
      const filter = new RangeFilter(planned, content.length);
      const got: Buffer[] = [];
      let at = 0;
      for (const cut of [...cuts, content.length]) {
        got.push(...filter.push(content.subarray(at, at + cut)));
        at = Math.min(at + cut, content.length);
      }
      expect(Buffer.concat(got).equals(wanted)).toBe(true);
      expect(filter.isDone).toBe(true);
    }),
  );
});

test("a stream may begin within the content", () => {
  const filter = new RangeFilter(plan("bytes=10-19"), 1000, 5);
  expect(filter.isDone).toBe(false);
  const got = filter.push(Buffer.from("abcdefghijklmnopqrstuvwxyz"));
  expect(Buffer.concat(got).toString()).toBe("fghijklmno");
  expect(filter.isDone).toBe(true);
});
