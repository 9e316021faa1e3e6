import fc from "fast-check";
import { expect, test } from "vitest";
import type { CharsetMapConfig } from "../config/servers.ts";
import { type CharsetFacts, CharsetFilter, CharsetMaps, changesLength, decideCharset } from "./charset.ts";
import { cuts, through } from "./filter.fixture.ts";

function utf8(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** Parts of real tables: Я, ж and the euro sign of windows-1251, and Я in koi8-r. */
const MAPS: readonly CharsetMapConfig[] = [
  {
    from: "windows-1251",
    to: "UTF-8",
    entries: [
      { from: 0xdf, to: utf8("Я") },
      { from: 0xe6, to: utf8("ж") },
      { from: 0x88, to: utf8("€") },
    ],
  },
  { from: "koi8-r", to: "windows-1251", entries: [{ from: 0xf1, to: "\xdf" }] },
  { from: "B", to: "A", entries: [{ from: 0x58, to: "Y" }] },
];
const maps = new CharsetMaps(MAPS, ["other"]);

function recode(from: string, to: string, pieces: readonly string[]): Promise<string> {
  return through((next) => new CharsetFilter(maps.recoder(from, to)!, next), pieces);
}

test("bytes become those of the other charset, in both directions", async () => {
  expect(await recode("koi8-r", "windows-1251", ["a\xf1\x80"])).toBe("a\xdf?");
  expect(await recode("windows-1251", "koi8-r", ["a\xdf\x80"])).toBe("a\xf1?");
  expect(await recode("b", "a", ["aXb"])).toBe("aYb");
  expect(await recode("windows-1251", "utf-8", ["a\xdf\xe6\x88\x99"])).toBe(utf8("aЯж€?"));
  expect(await recode("utf-8", "windows-1251", [utf8("aЯж€")])).toBe("a\xdf\xe6\x88");
});

test("characters without a place become references, what is invalid a question mark", async () => {
  expect(await recode("utf-8", "windows-1251", [utf8("ё🎉")])).toBe("&#1105;&#127881;");
  expect(await recode("utf-8", "windows-1251", ["\xffa\xd0"])).toBe("?a?");
  expect(await recode("utf-8", "windows-1251", ["\xd0a"])).toBe("?a");
  expect(await recode("utf-8", "windows-1251", ["\xc0\x80"])).toBe("??");
});

test("maps that lead nowhere are none", () => {
  expect(maps.recoder("koi8-r", "utf-8")).toBe(undefined);
  expect([maps.has("KOI8-R"), maps.has("Other"), maps.has("latin1")]).toEqual([true, true, false]);
  expect(changesLength(maps.recoder("koi8-r", "windows-1251")!)).toBe(false);
  expect(changesLength(maps.recoder("utf-8", "windows-1251")!)).toBe(true);
});

const FACTS: CharsetFacts = {
  status: 200,
  contentType: "text/html",
  contentEncoding: undefined,
  typeFits: true,
  accelCharset: undefined,
  charset: "utf-8",
  source: "",
  override: false,
};

test.each<[string, Partial<CharsetFacts>, string | null]>([
  ["it is said", {}, "text/html; charset=utf-8"],
  ["not of other types", { typeFits: false }, null],
  ["not without a type", { contentType: undefined }, null],
  ["not where none is configured", { charset: "" }, null],
  ["not where the response has one", { contentType: "text/html; charset=koi8-r" }, null],
  [
    "the same in other case is said anew",
    { contentType: 'text/html; charset="UTF-8"', override: true },
    "text/html; charset=utf-8",
  ],
  ["a redirect loses it", { status: 302 }, "text/html"],
  [
    "the upstream's word counts, whatever the type",
    { accelCharset: "koi8-r", typeFits: false },
    "text/html; charset=koi8-r",
  ],
  ["where the source is the same", { source: "UTF-8" }, "text/html; charset=utf-8"],
])("header alone: %s", (_, facts, contentType) => {
  expect(decideCharset({ ...FACTS, ...facts }, maps)).toEqual({ contentType, recoder: null, problem: null });
});

test("where a map leads from the source, the body is recoded", () => {
  const decided = decideCharset({ ...FACTS, source: "windows-1251" }, maps);
  expect(decided.contentType).toBe("text/html; charset=utf-8");
  expect(decided.recoder).toBe(maps.recoder("windows-1251", "utf-8"));
  const overridden = decideCharset(
    { ...FACTS, contentType: "text/plain; charset=windows-1251", charset: "koi8-r", override: true },
    maps,
  );
  expect(overridden.contentType).toBe("text/plain; charset=koi8-r");
  expect(overridden.recoder?.kind).toBe("bytes");
});

test("without a map, or in a compressed body, nothing changes", () => {
  expect(decideCharset({ ...FACTS, source: "koi8-r" }, maps)).toEqual({
    contentType: null,
    recoder: null,
    problem: 'no "charset_map" between the charsets "koi8-r" and "utf-8"',
  });
  expect(decideCharset({ ...FACTS, source: "windows-1251", contentEncoding: "gzip" }, maps).contentType).toBe(null);
  expect(decideCharset({ ...FACTS, accelCharset: "nobody" }, maps).problem).toBe(
    'unknown charset "nobody" to override',
  );
});

test("however a body is cut, the same comes out", async () => {
  const characters = fc.string({ unit: fc.constantFrom("a", "Я", "€", "🎉", "ё"), maxLength: 30 }).map(utf8);
  const bytes = fc.uint8Array({ maxLength: 40 }).map((list) => Buffer.from(list).toString("latin1"));
  const property = fc.asyncProperty(cuts(fc.oneof(characters, bytes)), async (pieces) => {
    for (const [from, to] of [
      ["utf-8", "windows-1251"],
      ["windows-1251", "utf-8"],
      ["koi8-r", "windows-1251"],
    ] as const) {
      expect(await recode(from, to, pieces)).toBe(await recode(from, to, [pieces.join("")]));
    }
  });
  await fc.assert(property, { numRuns: 300 });
});
