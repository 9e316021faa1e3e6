import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseNginx } from "./parse.ts";
import { nginxLine } from "./problem.ts";
import { makeSource, positionAt } from "./source.ts";
import { type ConfFile, type Directive, printTree, walk } from "./tree.ts";

const parse = (text: string): ConfFile => parseNginx(makeSource("nginx.conf", text));
const words = (text: string): string[] => {
  const [directive] = parse(text).directives;
  return directive ? [directive.name, ...directive.args.map(({ value }) => value)] : [];
};
const outline = (directives: readonly Directive[]): unknown[] =>
  directives.map(({ name, block }) => (block ? [name, ...outline(block.directives)] : name));

describe("words as nginx sees them", () => {
  test.each<[text: string, words: string[]]>([
    ["a b  c\td;", ["a", "b", "c", "d"]],
    ["a 'b c' \"d e\";", ["a", "b c", "d e"]],
    ["a '' \"\";", ["a", "", ""]],
    ['a b"c d"e;', ["a", 'b"c', 'd"e']],
    ['a "b\\"c\\\'d\\\\e";', ["a", "b\"c'd\\e"]],
    ["a 'b\\tc\\rd\\ne\\.f\\$g';", ["a", "b\tc\rd\ne\\.f\\$g"]],
    ["a b\\ c\\;d\\{e\\\\f\\.g\\n;", ["a", "b\\ c\\;d\\{e\\f\\.g\n"]],
    ["a ${b}c${d} $e ${;", ["a", "${b}c${d}", "$e", "${"]],
    ['a "${b}" ${{c;', ["a", "${b}", "${{c"]],
    ["a b#c #d;\n e;", ["a", "b#c", "e"]],
    ['a "b"# c\n;', ["a", "b"]],
    ['if ($a = "b") {}', ["if", "($a", "=", "b", ")"]],
    ["a b}c;", ["a", "b}c"]],
    ["a\r\nb\r\n;", ["a", "b"]],
    ["'a' b;", ["a", "b"]],
    ["\\a b;", ["\\a", "b"]],
  ])("%j", (text, expected) => {
    expect(words(text)).toEqual(expected);
  });

  test("how each is written and where", () => {
    const [directive] = parse('x\n  "a b" # c\n c;').directives;
    expect(directive?.args).toEqual([
      { raw: '"a b"', value: "a b", quote: '"', gap: "\n  ", start: 4 },
      { raw: "c", value: "c", quote: "", gap: " # c\n ", start: 15 },
    ]);
    expect(directive?.span).toEqual({ start: 0, end: 17 });
    expect(directive?.endsAt).toBe(16);
  });
});

describe("blocks", () => {
  test("nested, empty, on one line", () => {
    expect(outline(parse("a{b{}c d;e{f;}}g;").directives)).toEqual([["a", ["b"], "c", ["e", "f"]], "g"]);
  });

  test("programs in Lua are no directives", () => {
    const text = "location / { content_by_lua_block { x = { '}' } -- }\n [==[ }} ]==] } a; } b;";
    const file = parse(text);
    expect(outline(file.directives)).toEqual([["location", "content_by_lua_block", "a"], "b"]);
    expect([...walk(file.directives)].find(({ code }) => code !== null)?.code).toBe(
      " x = { '}' } -- }\n [==[ }} ]==] }",
    );
    expect(file.problems).toEqual([]);
  });

  test("comments belong to what they stand before, behind or within", () => {
    const text = "# one\n\n# two\na { # three\n  b; # four\n  # five\n} # six\n# seven\nc; # eight\n";
    const [a, c] = parse(text).directives;
    expect(a?.comments).toEqual({ before: ["# one", "# two"], trailing: "# three", end: ["# five", "# six"] });
    expect(a?.block?.directives[0]?.comments).toEqual({ before: [], trailing: "# four", end: [] });
    expect(c?.comments).toEqual({ before: ["# seven"], trailing: "# eight", end: [] });
  });
});

describe("after a mistake reading goes on", () => {
  test.each<[text: string, outline: unknown[], lines: number[]]>([
    ["a { b c }\nd;", [["a", "b"], "d"], [1]],
    ["a;\n}\nb;", ["a", "b"], [2]],
    ["a;;\n;b;", ["a", "b"], [1, 2]],
    ['a "b;\nc;\nd "e";\n', ["a", "c", "d"], [3]],
    ['a "b;\nc;\nd;\n', ["a", "c", "d"], [4]],
    ["a { b;\nc { d;\n", [["a", "b", ["c", "d"]]], [3]],
    ["a {\n return 200}\n b;", [["a", "return"]], [3]],
    ["a {\n return 200}\n b {}", [["a", "return"], ["b"]], [3]],
    ["a ~ b{2} {\n c;\n}\nd;", [["a", "c"], "d"], [1]],
    ["{ a; }\nb;", [["", "a"], "b"], [1]],
  ])("%j", (text, expected, lines) => {
    const file = parse(text);
    expect(outline(file.directives)).toEqual(expected);
    expect(file.problems.map((problem) => problem.nginxLine)).toEqual(lines);
    expect(printTree(file)).toBe(text);
  });
});

test("the command line has words of its own", () => {
  const lines = (text: string) => parseNginx(makeSource("", text, "command-line")).problems.map(nginxLine);
  expect(lines("daemon off; pid x;")).toEqual([]);
  expect(lines(`env ${"x".repeat(9000)};`)).toEqual([]);
  expect(lines("daemon off")).toEqual(['nginx: [emerg] unexpected end of parameter, expecting ";" in command line']);
  expect(lines("events {}")).toEqual([
    "nginx: [emerg] block directives are not supported in -g option in command line",
  ]);
});

test("columns count characters", () => {
  const source = makeSource("x", Buffer.from("a\n é€b", "utf8").toString("latin1"));
  expect(positionAt(source, 8)).toEqual({ file: "x", line: 2, column: 4 });
});

const piece = fc.oneof(
  fc.constantFrom(
    "a",
    " ",
    "\n",
    ";",
    "{",
    "}",
    '"',
    "'",
    "\\",
    "$",
    "#",
    "${",
    "{2}",
    "\r\n",
    "x_by_lua_block {",
    "[[",
  ),
  fc.string({ unit: "binary", maxLength: 3 }).map((text) => Buffer.from(text, "utf8").toString("latin1")),
);

test("whatever the text, the tree prints it", () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      const text = pieces.join("");
      const file = parse(text);
      expect(printTree(file)).toBe(text);
      for (const { start, end } of [...walk(file.directives)].map(({ span }) => span)) {
        expect(start).toBeLessThanOrEqual(end);
        expect(end).toBeLessThanOrEqual(text.length);
      }
    }),
    { numRuns: 500 },
  );
});

// Any of them takes minutes where reading is quadratic.
test.each([
  ["entries", '    "~^/old$" /new;\n', 200_000],
  ["words", "word\n", 500_000],
  ["quotes", '"\n', 1_000_000],
  ["quotes of both kinds", "\"x 'y\n", 400_000],
  ["blocks", "a{", 1_000_000],
  ["braces", "}", 2_000_000],
  ["braces behind words", "a}\n", 700_000],
  ["repetitions", "a{2}", 500_000],
  ["programs", "x_by_lua_block {\n", 150_000],
  ["open strings in a program", 'x_by_lua_block {"\\', 200_000],
  ["comments", "# comment\n", 300_000],
  ["spaces", " ", 3_000_000],
])("megabytes of %s are read in one pass", (_, unit, count) => {
  const text = unit.repeat(count);
  expect(printTree(parse(text)) === text).toBe(true);
});
