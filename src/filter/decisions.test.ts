import { expect, test } from "vitest";
import type { GzipConfig } from "../config/servers.ts";
import { acceptsGzip } from "./accept-encoding.ts";
import { readContentType, typeFits } from "./content-type.ts";
import {
  decideAddition,
  decideGunzip,
  decideGzip,
  decideSsi,
  decideSub,
  type FilterFacts,
  ssiEdit,
  subEdit,
  weakEtag,
} from "./decisions.ts";

const RULES: GzipConfig = {
  level: 1,
  minLengthBytes: 20,
  minHttpMinor: 1,
  types: ["text/html"],
  proxied: ["off"],
  vary: true,
  disable: [],
};

const FACTS: FilterFacts = {
  isSubrequest: false,
  httpMinor: 1,
  headOnly: false,
  acceptEncoding: "gzip",
  via: undefined,
  authorization: undefined,
  userAgent: undefined,
  status: 200,
  contentType: "text/html",
  contentEncoding: undefined,
  contentLength: null,
  expires: undefined,
  date: undefined,
  cacheControl: undefined,
  lastModified: undefined,
  etag: undefined,
  wallNowMs: Date.UTC(2026, 0, 1),
};

function gzip(facts: Partial<FilterFacts>, rules: Partial<GzipConfig> = {}): string {
  const { applies, varies } = decideGzip({ ...RULES, ...rules }, { ...FACTS, ...facts }, (agent) => agent === "old");
  return `${applies ? "packed" : "plain"}${varies ? ", varies" : ""}`;
}

test.each([
  ["gzip", true],
  ["gzip,anything at all", true],
  ["GZip", true],
  ["deflate, gzip", true],
  ["deflate,gzip;q=1", true],
  ["gzip ;q=0.5", true],
  ["gzip; q=0.001", true],
  ["gzip;q=1.", true],
  ["gzip;q=1.000, br", true],
  ["gzip; ", true],
  ["", false],
  ["*", false],
  ["x-gzip", false],
  ["gzipped", false],
  ["x-gzip, gzip", true],
  ["gzip;q=0", false],
  ["gzip;q=0.000", false],
  ["gzip;q=0.0001", false],
  ["gzip;q=1.001", false],
  ["gzip;q=2", false],
  ["gzip;q=0.5x", false],
  ["gzip;q", false],
  ["gzip;q=", false],
  ["gzip;level=1", false],
  ["br, gzip;q=0, deflate", false],
])("Accept-Encoding: %s", (value, accepts) => {
  expect(acceptsGzip(value)).toBe(accepts);
});

test("a type ends before its charset, and no other parameter", () => {
  expect(readContentType("Text/HTML; charset=UTF-8")).toEqual({
    type: "text/html",
    charset: "UTF-8",
    bare: "Text/HTML",
  });
  expect(readContentType('text/html;charset="a"').charset).toBe("a");
  expect(readContentType("text/html; version=1").type).toBe("text/html; version=1");
  expect(typeFits(["text/html"], "Text/HTML; charset=x")).toBe(true);
  expect(typeFits(["text/html"], "text/html; version=1")).toBe(false);
  expect([typeFits(["text/html"], undefined), typeFits(["*"], undefined)]).toEqual([false, true]);
});

test.each<[string, Partial<FilterFacts>, Partial<GzipConfig>]>([
  ["packed, varies", {}, {}],
  ["packed, varies", { status: 404 }, {}],
  ["plain", { status: 206 }, {}],
  ["plain", { status: 500 }, {}],
  ["plain", { contentEncoding: "br" }, {}],
  ["packed, varies", { contentEncoding: "" }, {}],
  ["plain", { headOnly: true }, {}],
  ["plain", { contentLength: 19 }, {}],
  ["packed, varies", { contentLength: 20 }, {}],
  ["plain", { contentType: "image/png" }, {}],
  ["packed, varies", { contentType: "image/png" }, { types: ["*"] }],
  ["plain, varies", { acceptEncoding: undefined }, {}],
  ["plain, varies", { httpMinor: 0 }, {}],
  ["packed, varies", { httpMinor: 0 }, { minHttpMinor: 0 }],
  ["plain, varies", { isSubrequest: true }, {}],
  ["plain, varies", { userAgent: "old" }, {}],
  ["packed, varies", { userAgent: "new" }, {}],
])("gzip is %s: %j %j", (outcome, facts, rules) => {
  expect(gzip(facts, rules)).toBe(outcome);
});

const PAST = "Thu, 01 Jan 1970 00:00:01 GMT";
const FUTURE = "Fri, 01 Jan 2027 00:00:00 GMT";

test.each<[string, readonly string[], Partial<FilterFacts>]>([
  ["plain", ["off"], {}],
  ["packed", ["any"], {}],
  ["packed", ["auth"], { authorization: "Basic x", expires: FUTURE }],
  ["plain", ["auth"], { expires: PAST }],
  ["packed", ["expired"], { expires: PAST }],
  ["plain", ["expired"], { expires: FUTURE }],
  ["packed", ["expired"], { expires: FUTURE, date: "Sat, 01 Jan 2028 00:00:00 GMT" }],
  ["plain", ["expired"], { expires: PAST, date: "no date" }],
  ["plain", ["expired"], { expires: "0" }],
  ["plain", ["no-cache"], { expires: PAST }],
  ["packed", ["no-cache"], { cacheControl: "max-age=1, No-Cache" }],
  ["plain", ["no-cache"], { cacheControl: "no-cached" }],
  ["plain", ["no-cache"], { cacheControl: "private" }],
  ["packed", ["no-store"], { cacheControl: "no-store" }],
  ["packed", ["private"], { cacheControl: "private" }],
  ["packed", ["no_last_modified"], {}],
  ["plain", ["no_last_modified"], { lastModified: PAST }],
  ["plain", ["no_etag"], { etag: '"1"' }],
  ["packed", ["no_etag"], { lastModified: PAST }],
])("through a proxy it is %s: %j %j", (outcome, proxied, facts) => {
  expect(gzip({ via: "1.1 a", ...facts }, { proxied })).toBe(`${outcome}, varies`);
});

test("what is compressed is unpacked for those who do not take it", () => {
  const decide = (facts: Partial<FilterFacts>) =>
    decideGunzip(RULES, { ...FACTS, contentEncoding: "GZIP", ...facts }, () => false);
  expect(decide({})).toEqual({ applies: false, varies: true });
  expect(decide({ acceptEncoding: undefined })).toEqual({ applies: true, varies: true });
  expect(decide({ acceptEncoding: undefined, contentEncoding: "br" })).toEqual({ applies: false, varies: false });
});

test("other filters look at types, and not at empty bodies", () => {
  const rules = { types: ["text/html"] };
  const sub = { ...rules, pairs: [], once: true, keepLastModified: false };
  const ssi = { ...rules, silentErrors: false, keepLastModified: true, valueBytesMax: 256 };
  expect([decideSub(sub, FACTS), decideSub(sub, { ...FACTS, contentLength: 0 })]).toEqual([true, false]);
  expect([decideSsi(ssi, FACTS), decideSsi(ssi, { ...FACTS, contentType: "a/b" })]).toEqual([true, false]);
  expect([decideAddition(rules, FACTS), decideAddition(rules, { ...FACTS, status: 404 })]).toEqual([true, false]);
  expect(decideAddition(rules, { ...FACTS, isSubrequest: true })).toBe(false);
  expect(subEdit(sub)).toEqual({
    remove: ["content-length", "last-modified", "etag"],
    add: [],
    weakensEtag: false,
  });
  expect(ssiEdit(ssi)).toEqual({ remove: ["content-length", "accept-ranges"], add: [], weakensEtag: true });
});

test("an ETag is weakened once, and one that cannot be goes", () => {
  expect(['"a"', 'W/"a"', "a", ""].map(weakEtag)).toEqual(['W/"a"', 'W/"a"', null, null]);
});
