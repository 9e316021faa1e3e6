import { describe, expect, test } from "vitest";
import type { ReferersConfig } from "../config/servers.ts";
import { compileAsIs, pattern } from "./pattern.fixture.ts";
import { compileReferers, isValidReferer } from "./referer.ts";

const NOTHING: ReferersConfig = { none: false, blocked: false, names: [], uris: [], patterns: [] };
const valid = (config: Partial<ReferersConfig>, referer: string | undefined) =>
  isValidReferer(compileReferers({ ...NOTHING, ...config }, compileAsIs), referer);

describe("valid referers", () => {
  const config: Partial<ReferersConfig> = {
    names: [{ kind: "exact", name: "example.com" }, { kind: "below", name: "example.org" }, pattern("^host\\d+$")],
    uris: [
      { name: "paths.net", uri: "/galleries/" },
      { name: "*.paths.net", uri: "/" },
    ],
    patterns: [pattern("google\\.[^/]*/search", true)],
  };

  test.each([
    ["http://example.com", true],
    ["https://EXAMPLE.com:8080/a", true],
    ["HTTP://example.com/", true],
    ["http://a.example.com/", false],
    ["http://a.example.org/", true],
    ["http://example.org/", false],
    ["http://host12/abc", true],
    ["http://hosta/abc", false],
    ["http://paths.net/galleries/1", true],
    ["http://paths.net:80/galleries/1", true],
    ["http://paths.net/other", false],
    ["http://paths.net", false],
    ["http://a.paths.net", false],
    ["http://a.paths.net/", true],
    ["http://www.GOOGLE.de/search?q", true],
    ["http://www.google.de/maps", false],
    ["ftp://example.com/", false],
    ["http://a", false],
    ["", false],
    [`http://${"a".repeat(257)}/`, false],
  ])("%s: %s", (referer, expected) => {
    expect(valid(config, referer)).toBe(expected);
  });

  test("none and blocked", () => {
    expect(valid(config, undefined)).toBe(false);
    expect(valid({ ...config, none: true }, undefined)).toBe(true);
    expect(valid({ ...config, none: true }, "-----------")).toBe(false);
    expect(valid({ ...config, blocked: true }, "-----------")).toBe(true);
    expect(valid({ ...config, blocked: true }, "")).toBe(true);
    expect(valid({ ...config, blocked: true }, "http://other.example/")).toBe(false);
  });

  test("without rules all are valid", () => {
    expect(valid({}, undefined)).toBe(true);
    expect(valid({}, "http://other.example/")).toBe(true);
  });
});
