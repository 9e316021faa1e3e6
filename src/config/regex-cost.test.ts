import { expect, test } from "vitest";
import { REGEX_PATH_MAX, regexProblem } from "./regex-cost.ts";

test.each([
  String.raw`\.php$`,
  String.raw`\.(gif|jpe?g|png)$`,
  String.raw`^/user/(\d+)/(.*)$`,
  "^/(.*)$",
  "^/[a-z]+/[a-z]+$",
  "^/v[0-9]{1,3}/",
  "^/(?:a|b|c)+/x",
  "^/(?<id>[0-9a-f-]{36})$",
  "^/(.*)/edit$",
  "^/api(/v1)?/users",
  "^(/en|/de)?/shop/",
  String.raw`^/\x41[\]\-a-z]*$`,
])("%s is accepted", (source) => expect(regexProblem(source, false)).toBeNull());

test.each([
  ["^(a+)+$", "repetition within"],
  ["^(a*)*$", "may be empty"],
  ["^(a|a)*$", "begin alike"],
  ["^(a|ab)*$", "begin alike"],
  [String.raw`^(\w|\d)+$`, "begin alike"],
  ["^/(.*)/(.*)/(.*)/x$", "too long"],
  [".*.*x", "too long"],
  [String.raw`^/(a)\1$`, "backreference"],
  ["^/(?=a)", "looks ahead"],
  ["(", "invalid"],
  ["", "empty"],
  [`^${"a?".repeat(30)}${"a".repeat(30)}$`, "too long"],
  ["^(?:a|[a-c]){2,30}x", "begin alike"],
])("%s is refused: %s", (source, words) => expect(regexProblem(source, false)?.message).toContain(words));

test("case counts for what overlaps", () => {
  expect(regexProblem("^(?:a|A)+$", false)).toBeNull();
  expect(regexProblem("^(?:a|A)+$", true)?.message).toContain("begin alike");
});

test("the costliest that is accepted ends quickly on hostile paths", () => {
  const accepted = ["^/(.*)/edit$", "^/.*x.*$", String.raw`\.php$`, "^/[a-z/]*/x[a-z]*$"];
  for (const source of accepted) {
    expect(regexProblem(source, false)).toBeNull();
    const regex = new RegExp(source);
    for (const unit of ["/", "/x", "/edi", ".ph", "a"]) {
      const path = `/${unit.repeat(REGEX_PATH_MAX)}`.slice(0, REGEX_PATH_MAX - 1) + "!";
      const begun = process.cpuUsage();
      regex.test(path);
      const { user } = process.cpuUsage(begun);
      expect(user / 1000).toBeLessThan(250);
    }
  }
});
