// Heads as virtual servers want them read: lines with names that are none of theirs passed over, each line bounded.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { eachField, type HeadLimits, isWireError, type RequestHead } from "./head.ts";
import { HeadBuffer } from "./head-buffer.ts";
import { parseRequestHead } from "./request-head.ts";

const LIMITS: HeadLimits = { lineBytes: 100, headBytes: 1000, fields: 20 };
const read = (fields: string, more: Partial<HeadLimits>) => {
  const bytes = Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`, "latin1");
  return parseRequestHead(bytes, 0, bytes.length, { ...LIMITS, ...more });
};
const namesIn = (head: ReturnType<typeof read>): string[] => {
  if (head === undefined || isWireError(head)) throw new Error(JSON.stringify(head));
  const names: string[] = [];
  eachField(head, (name) => names.push(name));
  return names;
};

describe("names", () => {
  const odd = "X_Y: 1\r\nX.Y: 2\r\nGood: 3\r\n(): 4\r\nX\x80: 5\r\n";

  test("plain: letters, digits and hyphens; the others are passed over", () => {
    expect(namesIn(read(odd, { names: "plain" }))).toEqual(["Host", "Good"]);
  });

  test("underscores: these, too", () => {
    expect(namesIn(read(odd, { names: "underscores" }))).toEqual(["Host", "X_Y", "Good"]);
  });

  test("any: all tokens, and what is no token is refused", () => {
    expect(namesIn(read("X_Y: 1\r\nX.Y: 2\r\n", { names: "any" }))).toEqual(["Host", "X_Y", "X.Y"]);
    expect(read(odd, { names: "any" })).toMatchObject({ error: "bad-field" });
  });

  test("a line that is passed over has no meaning", () => {
    const head = read("Transfer_Encoding: chunked\r\nContent.Length: 5\r\n", { names: "plain" }) as RequestHead;
    expect(head.bodyLength).toBe(0);
  });

  test.each([
    "X Y: 1\r\n",
    "X_Y : 1\r\n",
    " X: 1\r\n",
    ": 1\r\n",
    "X_Y\r\n",
    "X\x7f: 1\r\n",
    "X_Y: \0\r\n",
    "X_Y: 1\r2\r\n",
  ])("%j could be understood otherwise by others, and is refused", (line) => {
    expect(read(line, { names: "plain" })).toMatchObject({ status: 400 });
  });

  test("reads may be split anywhere", () => {
    const bytes = Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\n${odd}\r\nrest`, "latin1");
    const limits: HeadLimits = { ...LIMITS, names: "plain" };
    fc.assert(
      fc.property(fc.integer({ min: 1, max: bytes.length - 5 }), (cut) => {
        const buffer = new HeadBuffer("request", limits);
        expect(buffer.push(bytes, 0, cut)).toBeUndefined();
        const result = buffer.push(bytes, cut, bytes.length);
        if (result === undefined || isWireError(result)) throw new Error(JSON.stringify(result));
        expect(namesIn(result.head as RequestHead)).toEqual(["Host", "Good"]);
        expect(result.rest.toString()).toBe("rest");
      }),
    );
  });
});

describe("fieldBytes", () => {
  const line = (bytes: number) => `X: ${"a".repeat(bytes - 5)}\r\n`;

  test("bounds each line with its end, not the head", () => {
    expect(namesIn(read(line(50) + line(50) + line(50), { fieldBytes: 50 }))).toHaveLength(4);
    expect(read(line(20) + line(51), { fieldBytes: 50 })).toMatchObject({ error: "head-too-large", status: 431 });
  });

  test("holds for a line that has not ended", () => {
    const bytes = Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\nX: ${"a".repeat(60)}`);
    expect(parseRequestHead(bytes, 0, bytes.length, { ...LIMITS, fieldBytes: 50 })).toMatchObject({ status: 431 });
    expect(parseRequestHead(bytes, 0, bytes.length, { ...LIMITS, fieldBytes: 70 })).toBeUndefined();
  });
});
