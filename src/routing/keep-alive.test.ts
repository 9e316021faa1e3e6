import { expect, test } from "vitest";
import { keepAliveAllowed } from "./keep-alive.ts";

const MAC =
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) AppleWebKit/605.1 (KHTML, like Gecko) Version/17.0 Safari/605.1";
const both = ["msie6", "safari"];

test.each([
  ["Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.0)", "POST", false],
  ["Mozilla/4.0 (compatible; MSIE 5.5; Windows 98)", "POST", false],
  ["Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.0)", "GET", true],
  ["Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1)", "POST", true],
  ["Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 6.0)", "POST", true],
  ["Mozilla/4.0 (compatible; MSIE 6.0; Windows) Opera 8", "POST", true],
  ["MSIE 6.", "POST", true],
  [MAC, "GET", false],
  [MAC.replace("Version", "Chrome/1 Version"), "GET", true],
  [MAC.replace("Mac OS X", "Windows"), "GET", true],
  ["curl/8", "POST", true],
  [undefined, "POST", true],
])("%s, %s: %s", (userAgent, method, expected) => {
  expect(keepAliveAllowed(userAgent, method, both)).toBe(expected);
});

test("only browsers that are named", () => {
  expect(keepAliveAllowed(MAC, "GET", ["msie6"])).toBe(true);
  expect(keepAliveAllowed(MAC, "GET", ["none"])).toBe(true);
  expect(keepAliveAllowed("MSIE 6.0; x", "POST", ["safari"])).toBe(true);
});
