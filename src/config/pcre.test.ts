import fc from "fast-check";
import { expect, test } from "vitest";
import { MATCHES, REFUSALS } from "./pcre.fixture.ts";
import { type CompiledPattern, capturesOf, compilePattern } from "./pcre.ts";
import { patternRisk } from "./pcre-risk.ts";

function compiled(source: string, ignoreCase = false): CompiledPattern {
  const pattern = compilePattern({ source, ignoreCase });
  if ("problem" in pattern) throw new Error(`${source}: ${pattern.problem}`);
  return pattern;
}

function captures(pattern: CompiledPattern, text: string): readonly (string | null)[] | null {
  const match = pattern.regex.exec(text);
  return match && capturesOf(pattern, match).map((capture) => capture ?? null);
}

test("the corpus has cases", () => {
  expect(MATCHES.length).toBeGreaterThan(100);
  expect(REFUSALS.length).toBeGreaterThan(30);
});

test.each(MATCHES)("%j (ignore case: %j) captures what PCRE2 captures", (source, ignoreCase, texts) => {
  const pattern = compiled(source, ignoreCase);
  for (const [text, expected] of texts) {
    expect([text, captures(pattern, text)?.slice(1) ?? null]).toEqual([text, expected]);
  }
});

test.each(REFUSALS)("%j is refused as PCRE2 refuses it", (source, problem, at) => {
  expect(compilePattern({ source, ignoreCase: false })).toEqual({ problem, at });
});

test.each([
  ["(?R)", "recursion"],
  ["(a)(?1)", "recursion"],
  ["(?<n>a)(?&n)(?P>n)", "recursion"],
  ["(a)\\g<1>", "recursion"],
  ["(a)?(?(1)b|c)", "conditional groups"],
  ["a\\Kb", "\\K is not supported"],
  ["a(*SKIP)b", "backtracking verbs"],
  ["(*atomic:a)", "(*atomic:"],
  ["(?C1)a", "callouts"],
  ["(?<=(?>a))b", "lookbehind"],
  ["(a)(?i)\\1", "back reference that ignores case"],
])("%s is refused with a reason", (source, words) => {
  const pattern = compilePattern({ source, ignoreCase: false });
  expect("problem" in pattern && pattern.problem).toContain(words);
});

test("names come in order, with the groups they stand for", () => {
  const pattern = compiled("(?<first>a)(b)(?P<second>c)(?'third'd)");
  expect(pattern.names).toEqual(["first", "second", "third"]);
  expect(pattern.nameGroups).toEqual([1, 3, 4]);
  expect(pattern.groupCount).toBe(4);
});

test("groups keep PCRE's numbers where the translation adds its own", () => {
  const pattern = compiled("(?>(a+))(?<n>b)\\2");
  expect(captures(pattern, "aabb")).toEqual(["aabb", "aa", "b"]);
  expect(pattern.nameGroups).toEqual([2]);
  expect(compiled("(a)(b)").groups).toBeNull();
});

test('"$" at the end of a pattern and within it take no line feed into a group', () => {
  expect(captures(compiled("^(.*)$"), "ab\n")?.[1]).toBe("ab");
  expect(captures(compiled("(b$)"), "ab\n")).toEqual(["b", "b"]);
  expect(compiled("^/a$").regex.test("/a\nb")).toBe(false);
});

test("no text makes the reader throw", () => {
  const characters = fc.constantFrom(..."()[]{}<>?*+|^$.\\-:=!'&#aAbBkgQEKpPxi0123,/ \n\xe9");
  const source = fc.oneof(
    fc.string({ unit: characters, maxLength: 24 }),
    fc.string({ unit: "binary-ascii", maxLength: 24 }),
  );
  fc.assert(
    fc.property(source, fc.boolean(), (text, ignoreCase) => {
      const pattern = compilePattern({ source: text, ignoreCase });
      if ("problem" in pattern) expect(pattern.problem).not.toBe("");
      else expect(pattern.regex).toBeInstanceOf(RegExp);
      expect(() => patternRisk({ source: text, ignoreCase })).not.toThrow();
    }),
    { numRuns: 400 },
  );
});

test("what both languages have means the same in both", () => {
  const atom = fc.constantFrom(
    "a",
    "b",
    "[ab]",
    "[^a]",
    ".",
    "\\d",
    "(?:ab)",
    "(b)",
    "^",
    "\\b",
    "(?=a)",
    "(?!b)",
    "\\.",
  );
  const quantifier = fc.constantFrom("", "", "*", "+", "?", "{2}", "{1,2}", "*?", "+?");
  const piece = fc
    .tuple(atom, quantifier)
    .map(([text, times]) => (/^(?:\^|\\b|\(\?[=!])/.test(text) ? text : text + times));
  const source = fc
    .array(fc.array(piece, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 2 })
    .map((branches) => branches.map((branch) => branch.join("")).join("|"));
  const text = fc.string({ unit: fc.constantFrom("a", "b", "1", ".", "A", "B"), maxLength: 8 });
  fc.assert(
    fc.property(source, text, fc.boolean(), (pattern, subject, ignoreCase) => {
      const own = compiled(pattern, ignoreCase);
      const native = new RegExp(pattern, ignoreCase ? "i" : "").exec(subject);
      expect(captures(own, subject)).toEqual(native && Array.from(native, (capture) => capture ?? null));
    }),
    { numRuns: 500 },
  );
});

test.each([
  ["(a+)+$", Infinity],
  ["^(?:a|ab)*c", Infinity],
  ["(\\w+\\s?)*$", Infinity],
  ["(.*)x(.*)y(.*)z", 4],
  ["(?:a*)*b", Infinity],
])("%s is reported", (source, degree) => expect(patternRisk({ source, ignoreCase: false })?.degree).toBe(degree));

test.each([
  "\\.php$",
  "^/(.*)/(.*)\\.php$",
  "^(?:/[^/]+)+$",
  "^(?:[^/]*/)*x$",
  "^(a++)+$",
  "^(?>a+)+$",
  "^(\\d+\\.)+$",
  "^([a-z0-9]+(-[a-z0-9]+)*)$",
  "(?:^|/)\\.(?!well-known)",
  "(",
])("%s is not", (source) => expect(patternRisk({ source, ignoreCase: false })).toBeNull());

test("what is reported as harmless stays quick on hostile text, what is possessive too", () => {
  const hostile = "/" + "a".repeat(2000) + "!";
  for (const source of ["^/(.*)/(.*)\\.php$", "^(?:/[^/]+)+$", "^/(a++)+$", "^/(?>a+)+$"]) {
    const { regex } = compiled(source);
    const match = regex.test(hostile);
    expect(match).toBe(source === "^(?:/[^/]+)+$");
  }
});
