import { expect, test } from "vitest";
import type { VisitorIdConfig } from "../config/servers.ts";
import { readVisitor, VisitorIds, visitorCookie, visitorText } from "./visitor-id.ts";

const CONFIG: VisitorIdConfig = {
  mode: "on",
  name: "uid",
  service: null,
  domain: "",
  path: "/",
  expires: null,
  flags: [],
  p3p: "",
  mark: "",
};
const PLACE = { address: "127.0.0.1", wallNowMs: 1_700_000_000_999 };
const START = 0x026f0000;

function give(config: VisitorIdConfig, cookie?: string, reset = "", place = PLACE) {
  const { visitor } = readVisitor(cookie);
  const set = new VisitorIds(START).decide(config, visitor, reset, place);
  return set && { words: visitorText(config.name, set), cookie: visitorCookie(config, visitor, set, place.wallNowMs) };
}

test("a number is made of address, time, process and count, and is read back", () => {
  const given = give(CONFIG)!;
  expect(given.words).toBe("uid=0100007F00F1536500006F0202030303");
  expect(given.cookie).toBe("uid=fwAAAWVT8QACbwAAAwMDAg==; path=/");
  const { visitor, problem } = readVisitor("fwAAAWVT8QACbwAAAwMDAg==");
  expect([visitorText("uid", visitor.got!), problem]).toEqual([given.words, null]);
  expect(give(CONFIG, "fwAAAWVT8QACbwAAAwMDAg==")).toBeNull();
});

test.each([
  ["::ffff:10.0.0.1", "0100000A"],
  ["2001:db8::12:34", "34001200"],
  ["::1", "01000000"],
  ["", "00000000"],
])("the address %s", (address, word) => {
  expect(give(CONFIG, undefined, "", { ...PLACE, address })!.words).toBe(`uid=${word}00F1536500006F0202030303`);
});

test("counts go up, and a count is never 0", () => {
  const ids = new VisitorIds(START);
  const next = (mode: "on" | "v1") =>
    visitorText("u", ids.decide({ ...CONFIG, mode, service: 7 }, readVisitor(undefined).visitor, "", PLACE)!).slice(-8);
  expect([next("on"), next("on"), next("v1"), next("v1")]).toEqual(["02030303", "02040303", "00000001", "00000101"]);
});

test("a cookie is set anew where it is to be reset, or has not the mark of today", () => {
  const cookie = "fwAAAWVT8QACbwAAAwMDAg==";
  expect(give(CONFIG, cookie, "0")).toBeNull();
  expect(give(CONFIG, cookie, "1")!.cookie).toBe("uid=fwAAAWVT8QACbwAAAwMDAg==; path=/");
  const marked = { ...CONFIG, mark: "x" };
  expect(give(marked, cookie)!.cookie).toBe("uid=fwAAAWVT8QACbwAAAwMDAgx=; path=/");
  expect(give(marked, "fwAAAWVT8QACbwAAAwMDAgx=")).toBeNull();
  expect(give(marked)!.cookie).toBe("uid=fwAAAWVT8QACbwAAAwMDAgx=; path=/");
});

test("what is said of the cookie", () => {
  const all = { ...CONFIG, domain: "a.test", path: "/x", flags: ["secure", "samesite=lax"] };
  const rules = "; domain=a.test; path=/x; secure; samesite=lax";
  const behind = (expires: VisitorIdConfig["expires"]) => give({ ...all, expires })!.cookie.slice("uid=".length + 24);
  expect(behind(null)).toBe(rules);
  expect(behind("max")).toBe(`; expires=Thu, 31-Dec-37 23:55:55 GMT${rules}`);
  expect(behind(1000)).toBe(`; expires=Tue, 14-Nov-23 22:13:21 GMT${rules}`);
  expect(behind(20 * 365 * 86_400_000)).toBe(`; expires=Mon, 09-Nov-2043 22:13:20 GMT${rules}`);
});

test.each([
  ["short", 'client sent too short userid cookie "short"'],
  ["!!!!!!!!!!!!!!!!!!!!!!!!", 'client sent invalid userid cookie "!!!!!!!!!!!!!!!!!!!!!!!!"'],
])("a cookie that cannot be read is told, and another one is set: %s", (cookie, problem) => {
  expect(readVisitor(cookie)).toMatchObject({ problem, visitor: { got: null } });
  expect(give(CONFIG, cookie)!.cookie).toBe("uid=fwAAAWVT8QACbwAAAwMDAg==; path=/");
});
