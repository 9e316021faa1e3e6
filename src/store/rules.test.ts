// The rules of the store that need no database: what is dropped first, how paths are masked, what is cut, which span
// answers, what is said of errors.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Batch, EMPTY, halves, joined, recordsIn } from "./batch.ts";
import { boundedJson, clip } from "./bounds.ts";
import { cursorText, pageLimit, readCursor } from "./page.ts";
import { maskedPath } from "./paths.ts";
import { readPostgresUrl, readProblem } from "./problem.ts";
import { Queue } from "./queue.ts";
import { failure, incident, mark, point, slow, T0 } from "./records.fixture.ts";
import { spansFor } from "./resolution.ts";
import { allowed } from "./retention.ts";
import { name } from "./rows.ts";

const BOUNDS = { records: 6, bytes: 2 ** 20, batchRecords: 4, batchBytes: 2 ** 20 };

describe("the queue", () => {
  test("drops points and slow requests, then failures, then marks, then incidents; the oldest first", () => {
    const queue = new Queue(BOUNDS);
    queue.put("incidents", [incident(1)]);
    queue.put("points", [point(T0), point(T0 + 10_000)]);
    queue.put("slow", [slow(1)]);
    queue.put("marks", [mark(1)]);
    queue.put("failures", [failure(1), failure(2), failure(3)]);
    expect([queue.records, queue.dropped]).toEqual([6, 2]);
    queue.put("incidents", [incident(2), incident(3)]);
    const first = queue.take()!;
    const second = queue.take()!;
    expect(first.incidents.map(({ id }) => id)).toEqual([incident(1), incident(2), incident(3)].map(({ id }) => id));
    expect(first.marks).toEqual([mark(1)]);
    expect(second.failures.map(({ requestId }) => requestId)).toEqual(["request-2", "request-3"]);
    expect([second.points, second.slow, queue.take(), queue.dropped]).toEqual([[], [], null, 4]);
  });

  test("an incident that waits is replaced by its newer state, also when a batch comes back", () => {
    const queue = new Queue(BOUNDS);
    queue.put("incidents", [incident(1), incident(2)]);
    const batch = queue.take()!;
    const newer = { ...incident(1), closedAt: null };
    queue.put("incidents", [newer]);
    queue.putBack(batch);
    expect(queue.records).toBe(2);
    expect(queue.take()!.incidents).toEqual([newer, incident(2)]);
    expect(queue.records).toBe(0);
  });

  test("is bounded by size, and takes a record however large", () => {
    const queue = new Queue({ ...BOUNDS, bytes: 100_000, batchBytes: 10 });
    const large = failure(1, { target: "x".repeat(60_000) });
    queue.put("failures", [failure(0), large, { ...large, id: "f2" }]);
    expect([queue.records, queue.dropped]).toEqual([1, 2]);
    expect(queue.take()!.failures.map(({ id }) => id)).toEqual(["f2"]);
  });

  test("counts are right whatever comes", () => {
    const step = fc.oneof(fc.record({ put: fc.nat(9) }), fc.constant("take" as const), fc.constant("back" as const));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = new Queue(BOUNDS);
        let given = 0;
        let taken = 0;
        let out: Batch | null = null;
        for (const [index, one] of steps.entries()) {
          if (one === "take" && out === null) {
            out = queue.take();
          } else if (one === "back") {
            if (out !== null) queue.putBack(out);
            out = null;
          } else if (typeof one === "object") {
            const records = Array.from({ length: one.put }, (_, k) => failure(index * 100 + k));
            queue.put("failures", records);
            given += records.length;
          }
          taken = out === null ? 0 : recordsIn(out);
          expect(queue.records + queue.dropped + taken).toBe(given);
          expect(queue.records).toBeLessThanOrEqual(BOUNDS.records);
        }
      }),
    );
  });
});

test("a batch is halved without loss", () => {
  const batch: Batch = { ...EMPTY, incidents: [incident(1)], failures: [failure(1), failure(2)], points: [point(T0)] };
  const [first, second] = halves(batch);
  expect([recordsIn(first!), recordsIn(second!)]).toEqual([2, 2]);
  expect(joined(first!, second!)).toEqual(batch);
  expect(halves({ ...EMPTY, points: [point(T0)] })).toHaveLength(1);
});

test.each([
  ["/", "/"],
  ["/order/123", "/order/…"],
  ["/order/123?page=[redacted]", "/order/…"],
  ["/u/9f8b6c1d-1111-4222-8333-444455556666/cart", "/u/…/cart"],
  ["/blob/0123456789abcdef0123", "/blob/…"],
  ["/feed/beef", "/feed/beef"],
  ["/deadbeefcafe", "/deadbeefcafe"],
  ["/img/123.png", "/img/…"],
  ["/v1/things/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/v1/things/…"],
  ["/articles/how-to-avoid-a-bad-gateway", "/articles/how-to-avoid-a-bad-gateway"],
  ["/a/2026-11-21/b", "/a/…/b"],
  ["*", "*"],
])("%s is counted as %s", (target, path) => {
  expect(maskedPath(target)).toBe(path);
});

test("records are cut to their bound and stay JSON", () => {
  const wide = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`k${i}`, "x".repeat(500)]));
  const json = boundedJson({ wide, list: Array(5_000).fill("y".repeat(500)), __proto__: null }, 64 * 1024);
  expect(json.length).toBeLessThanOrEqual(64 * 1024);
  expect(Object.keys((JSON.parse(json) as { wide: object }).wide).length).toBeGreaterThan(10);
  expect(boundedJson(failure(1), 64 * 1024)).toBe(JSON.stringify(failure(1)));
  expect(clip("a\0b", 10)).toBe("ab");
  expect(clip("abcdef", 4)).toBe("abc…");
  expect(Buffer.byteLength(name("ü€𝄞".repeat(200)))).toBeLessThanOrEqual(240);
});

test("cursors and limits", () => {
  expect(readCursor(cursorText({ at: T0, id: "f1-2" }))).toEqual({ at: T0, id: "f1-2" });
  expect(readCursor("")).toBeNull();
  expect(() => readCursor("'; drop table")).toThrow(/is no cursor/);
  expect([undefined, Number.NaN, -3, 0, 7.9, 1e9].map(pageLimit)).toEqual([50, 50, 1, 1, 7, 500]);
});

test("the span follows the range and what is kept", () => {
  const now = T0 + 40 * 86_400_000;
  const back = (ms: number, points?: number) => spansFor({ from: now - ms, to: now }, points, now)[0];
  expect(back(300_000)).toBe(10_000);
  expect(back(3_600_000)).toBe(10_000);
  expect(back(6 * 3_600_000)).toBe(60_000);
  expect(back(86_400_000)).toBe(600_000);
  expect(back(30 * 86_400_000)).toBe(7_200_000);
  expect(back(30 * 86_400_000, 4_000)).toBe(600_000);
  // Ten days ago there are no fine points any more.
  expect(spansFor({ from: now - 864e6, to: now - 864e6 + 60_000 }, 60, now)[0]).toBe(600_000);
  expect(allowed(100 * 2 ** 20)).toBeLessThan(90 * 2 ** 20);
});

test("passwords are in no words", () => {
  const { shown, secrets } = readPostgresUrl(
    "postgres://me:p%40ss@w@db.example:5432/gg?sslmode=require&password=other",
  );
  expect(shown).toBe("postgres://me@db.example:5432/gg");
  const said = readProblem(new Error("bad p%40ss@w, p@ss@w and other"), true, secrets).words;
  expect(said).not.toMatch(/p@ss|p%40ss|other/);
  expect(readPostgresUrl("postgresql:///gg?host=/run/postgresql").shown).toBe("postgresql:///gg");
  expect(() => readPostgresUrl("mysql://me:pw@db")).toThrow(/postgres:\/\/user:password/);
});

test("errors are told apart by what follows from them", () => {
  const kind = (code: string, postgres = false): string =>
    readProblem(Object.assign(new Error("x"), { code }), postgres).kind;
  expect(["SQLITE_FULL", "SQLITE_IOERR_WRITE", "ENOSPC"].map((code) => kind(code))).toEqual(["full", "full", "full"]);
  expect(["SQLITE_CORRUPT", "SQLITE_NOTADB"].map((code) => kind(code))).toEqual(["broken", "broken"]);
  expect(["SQLITE_BUSY", "SQLITE_READONLY", "SQLITE_CONSTRAINT"].map((code) => kind(code))).toEqual([
    "busy",
    "refused",
    "other",
  ]);
  expect(["ECONNREFUSED", "28P01", "57P01", "53100", "22021"].map((code) => kind(code, true))).toEqual([
    "away",
    "away",
    "away",
    "full",
    "other",
  ]);
});
