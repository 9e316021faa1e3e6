import { expect, test } from "vitest";
import { readHost } from "./host.ts";

test.each([
  ["example.com", "example.com", undefined],
  ["EXAMPLE.Com", "example.com", undefined],
  ["example.com.", "example.com", undefined],
  ["example.com:8080", "example.com", "8080"],
  ["example.com.:8080", "example.com", "8080"],
  ["a:", "a", undefined],
  ["a:0", "a", undefined],
  ["a:0080", "a", "80"],
  ["a:65535", "a", "65535"],
  ["127.0.0.1:1", "127.0.0.1", "1"],
  ["[::1]", "[::1]", undefined],
  ["[FE80::1]:443", "[fe80::1]", "443"],
  [".a", ".a", undefined],
  ["a_b~!$&'()*+,;=%41", "a_b~!$&'()*+,;=%41", undefined],
])("%s", (value, host, port) => {
  expect(readHost(value)).toEqual({ host, port });
});

test.each([
  ...[
    "",
    ".",
    ":80",
    ".:80",
    "a..b",
    "..",
    "a b",
    "a/b",
    "a@b",
    "a:x",
    "a:65536",
    "a:80:80",
    "a\xe9",
    "a\x00",
    "a\t",
    "a?",
  ],
  ...["[", "[]x", "[::1", "[::1]x", "[::1].", "[::1]:x", "[a%]", "[a..b]", "a[", "[/]", "a#b", 'a"', "a<b>"],
])("%j is no host", (value) => {
  expect(readHost(value)).toBeNull();
});
