import { expect, test } from "vitest";
import { decodeEntry, type EntryFacts, encodeHeads, encodePrefix, PREFIX_BYTES } from "./entry-file.ts";

const FACTS: EntryFacts = {
  validSec: Number.MAX_SAFE_INTEGER,
  updatingSec: 1,
  errorSec: 2,
  dateSec: 3,
  lastModifiedSec: -1,
  etag: 'W/"\xe9"',
  vary: "Accept-Encoding",
  variant: "00112233445566778899aabbccddeeff",
};
const KEY = "http://a/\xe9?b";
const HEAD = "HTTP/1.1 200 OK\r\nA: b\r\n\r\n";
const BODY = Buffer.from("body");
const FILE = Buffer.concat([encodeHeads(FACTS, KEY, HEAD, BODY.length), BODY]);

test("what is written is read", () => {
  const entry = decodeEntry(FILE, FILE.length, KEY);
  if (typeof entry === "string") throw new Error(entry);
  expect(entry).toMatchObject({ ...FACTS, bodyBytes: 4 });
  expect(entry.head.toString("latin1")).toBe(HEAD);
  expect(FILE.subarray(entry.bodyStart)).toEqual(BODY);
});

test("programs that look for the key find it", () => {
  expect(FILE.toString("latin1")).toContain(`\nKEY: ${KEY}\n`);
});

test("times are written over the old ones", () => {
  const file = Buffer.from(FILE);
  encodePrefix({ ...FACTS, validSec: 99 }, KEY, HEAD.length, BODY.length).copy(file);
  expect(decodeEntry(file, file.length, KEY)).toMatchObject({ ...FACTS, validSec: 99 });
});

test("what is not ours, not whole or for another key is not used", () => {
  expect(decodeEntry(FILE, FILE.length, "http://a/x?b")).toBe("has md5 collision");
  expect(decodeEntry(FILE, FILE.length, `${KEY}c`)).toBe("has md5 collision");
  expect(decodeEntry(FILE, FILE.length - 1, KEY)).toBe("is not whole");
  expect(decodeEntry(FILE.subarray(0, 100), 100, KEY)).toBe("is too small");
  expect(decodeEntry(Buffer.alloc(1000, 5), 1000, KEY)).toBe("version mismatch");
  expect(decodeEntry(FILE.subarray(0, PREFIX_BYTES + 30), FILE.length, KEY)).toBe("has too long header");
});

test("every cut is noticed", () => {
  for (let length = 0; length < FILE.length; length++) {
    expect(typeof decodeEntry(FILE.subarray(0, length), length, KEY)).toBe("string");
  }
});

test("an ETag that does not fit is left out", () => {
  const heads = encodeHeads({ ...FACTS, etag: "e".repeat(200) }, KEY, HEAD, 0);
  expect(decodeEntry(heads, heads.length, KEY)).toMatchObject({ etag: "", vary: "Accept-Encoding" });
});
