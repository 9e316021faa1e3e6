// Texts of strangers in every place of a report: they steer no terminal, are no markup, break no fence and no width.
import fc from "fast-check";
import MarkdownIt from "markdown-it";
import { describe, expect, test } from "vitest";
import { widthOf } from "./columns.ts";
import { renderHtml } from "./html.ts";
import { toJson } from "./json.ts";
import { fenced, renderMarkdown, words } from "./markdown.ts";
import { faulty, REPORTS, saying } from "./reports.fixture.ts";
import { renderTerminal } from "./terminal.ts";

const HOSTILE = [
  "\x1b[2J\x1b]0;owned\x07\x9b31m",
  "line\r\nfeed\u2028and\u2029more\ttab\0nul",
  "<script>alert(1)</script><img src=x onerror=alert(1)>\"'`",
  "</title></style></script><svg onload=alert(1)>",
  "```\n# Owned\n[click](javascript:alert(1)) ![x](https://evil.example/x.png) | a | b |\n~~~\n---\n===",
  "- item\n1. item\n> quote\n<!-- comment\n<details>\n@everyone #1 &lt; \\ $x$ **bold** __b__ ~~s~~",
  "\u202egnp.exe\u2066\u200f שלום עולם مرحبا \u2069\u200b\ufeff",
  "x".repeat(5000),
  "漢字".repeat(200),
  "",
  " ",
  "$(touch x) `touch y` ; rm -rf / && '",
];
const OPTIONS = { colour: false, columns: 80, verbose: true, unicode: true };
/** What moves, hides or reorders text: controls but for line feeds, directions, separators. */
const STEERING = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;

describe.each(HOSTILE)("%j", (text) => {
  test("the terminal shows it without being steered", () => {
    for (const unicode of [true, false])
      expect(renderTerminal(saying(text), { ...OPTIONS, unicode })).not.toMatch(STEERING);
  });

  test("HTML has no element, attribute or direction of it", () => {
    const page = renderHtml(saying(text));
    const tags = new Set(Array.from(page.matchAll(/<([a-z][\w-]*)/gi), ([, tag]) => tag?.toLowerCase()));
    const own = new Set(Array.from(renderHtml(faulty()).matchAll(/<([a-z][\w-]*)/gi), ([, tag]) => tag?.toLowerCase()));
    expect([...tags].filter((tag) => !own.has(tag))).toEqual([]);
    expect(page.match(/<script/g)).toHaveLength(1);
    expect(page.match(/<[^<>]*\son\w+\s*=/g)).toBeNull();
    expect(page.replace(/[\n\t]/g, "")).not.toMatch(STEERING);
  });

  test("Markdown renders it as text: no link, picture, HTML or heading of its own", () => {
    for (const html of [true, false]) {
      const markup = new MarkdownIt({ html, linkify: true }).render(renderMarkdown(saying(text)));
      expect(markup).not.toMatch(
        /<(?:a (?!href="https:\/\/goodgate\.dev\/)|(?:img|script|details|svg|blockquote|h1[^>]*>Owned|del|s)\b)/i,
      );
      expect(markup).not.toMatch(/<!--/);
      expect(markup.match(/<h1/g)).toHaveLength(1);
    }
  });

  test("JSON holds it as it is", () => {
    expect(JSON.parse(JSON.stringify(toJson(saying(text)))).summary).toBe(text);
  });
});

const MARKDOWN = new MarkdownIt({ html: true, linkify: true });
const SIGNS = [
  "`",
  "//",
  "@",
  "|",
  "\\",
  "a",
  " ",
  "#1",
  "www.",
  "<",
  ">",
  "&lt;",
  "\n",
  "*",
  "_",
  "[",
  "](",
  ")",
  "!",
  "~",
  "-",
  "1.",
  "2)",
  "+",
  "=",
  "(",
  "---",
  "https://a.example",
  "$",
];

test.each([
  ["any text", fc.string({ unit: "binary", maxLength: 60 })],
  ["any signs", fc.array(fc.constantFrom(...SIGNS), { maxLength: 12 }).map((signs) => signs.join(""))],
])("%s stays on the line, within the element and within the fence that it is put into", (_, texts) => {
  fc.assert(
    fc.property(texts, (text) => {
      expect(words(text)).not.toContain("\n");
      const markup = MARKDOWN.render(`${words(text)} z\n\n- ${words(text)}\n\n${fenced(text, "sh")}\n\nend`);
      expect(markup.match(/<(?!\/?(?:p|code|pre|ul|li)\b)[a-z/!]/gi)).toBeNull();
      expect(markup.match(/<ul>/g)).toHaveLength(1);
      expect(markup.match(/<li>/g)).toHaveLength(1);
      expect(markup).toMatch(/<p>end<\/p>\n$/);
    }),
    { numRuns: 300 },
  );
});

test("addresses and settings stay readable where Markdown is not rendered", () => {
  for (const text of ["203.0.113.9:443 (60 s)", "--timeout 30s", "as-asked", "4.2 ms", "CN=Test CA", "a < b & c"])
    expect(words(text).replace("\\<", "&lt;")).toBe(text.replace("<", "&lt;"));
  expect(words("see (https://a.example/x).")).toBe("see (`https://a.example/x`).");
  expect(words("1. x")).toBe("1\\. x");
  expect(words("- x")).toBe("\\- x");
});

test("a text of 100,000 characters takes linear time", () => {
  const started = process.cpuUsage().user;
  for (const piece of ["x", "x ", "`", "@", "//", "|", ".)", "\\"]) words(piece.repeat(100_000 / piece.length));
  expect((process.cpuUsage().user - started) / 1e6).toBeLessThan(5);
});

test("prose is no wider than the terminal, from 60 columns to 120", () => {
  for (const columns of [60, 80, 100, 120]) {
    for (const make of [...Object.values(REPORTS), ...HOSTILE.map((text) => () => saying(text))]) {
      const lines = renderTerminal(make(), { ...OPTIONS, verbose: false, columns }).split("\n");
      // Commands and configuration are behind four blanks and never broken.
      const wide = lines.filter((line) => widthOf(line) > columns && !/^ {4}\S/.test(line));
      expect(wide).toEqual([]);
    }
  }
});
