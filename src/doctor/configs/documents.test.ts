// Trees of the three languages: the same values, each with its place.
import fc from "fast-check";
import { expect, test } from "vitest";
import { readYaml } from "./documents.ts";
import { readJson } from "./json-tree.ts";
import { readToml } from "./toml.ts";
import { at, flagOf, itemsOf, numberOf, type Tree, textOf, textsOf } from "./tree.ts";

/** A tree as plain values, all scalars as texts. */
function valuesOf(tree: Tree): unknown {
  if (tree.kind === "list") return tree.items.map(valuesOf);
  if (tree.kind === "map") return tree.pairs.map(({ key, value }) => [key, valuesOf(value)]);
  return tree.kind === "null" ? null : tree.text;
}

function textsIn(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(textsIn);
  if (typeof value === "object" && value !== null)
    return Object.entries(value).map(([key, inner]) => [key, textsIn(inner)]);
  return value === null ? null : typeof value === "string" ? value : JSON.stringify(value);
}

test("JSON is read to what JSON.parse reads, in any layout", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(0, 2, "\t"), (value, indent) => {
      const tree = readJson(JSON.stringify(value, null, indent), "a.json");
      expect(tree).not.toBeNull();
      if (tree) expect(valuesOf(tree)).toEqual(textsIn(JSON.parse(JSON.stringify(value))));
    }),
  );
});

test.each(["", "{", '{"a": 1,}', '{"a": 1} x', "[1 2]", '{"a" 1}', '"\\x"', "{'a': 1}", '{"a": // no\n1}'])(
  "%j is no JSON",
  (text) => expect(readJson(text, "a.json")).toBeNull(),
);

test("what is deep, or makes much of little, ends", () => {
  expect(readJson("[".repeat(100_000), "a.json")).toBeNull();
  const bomb = ["a: &a [x, x, x, x, x, x, x, x, x]"];
  for (let level = 1; level < 12; level += 1)
    bomb.push(
      `${"abcdefghijkl"[level]}: &${"abcdefghijkl"[level]} [${Array(9)
        .fill(`*${"abcdefghijkl"[level - 1]}`)
        .join(", ")}]`,
    );
  expect(readYaml(bomb.join("\n"), "a.yaml").problems).not.toEqual([]);
});

test("YAML: documents, aliases, merges, what stands in the place wins", () => {
  const { documents, problems } = readYaml(
    "x: &x { a: 1, b: 2 }\ny:\n  <<: *x\n  b: 3\n---\n- yes\n- 0x10\n",
    "a.yaml",
  );
  expect(problems).toEqual([]);
  expect(numberOf(at(documents[0], "y", "a"))).toBe(1);
  expect(at(documents[0], "y", "b")).toMatchObject({ text: "3", at: { line: 4, column: 3 } });
  expect(flagOf(itemsOf(documents[1])[0])).toBe(true);
});

test("names are found in any case, as written first", () => {
  const [tree] = readYaml("connectTimeout: 1\nPort: 2\nport: 3\n", "a.yaml").documents;
  expect([at(tree, "connect_timeout"), at(tree, "Port"), at(tree, "port")].map(textOf)).toEqual(["1", "2", "3"]);
  expect(at(tree, "ports", "x")).toBeUndefined();
});

test("TOML: each value has its line, in tables, arrays of tables and behind what takes several lines", () => {
  const text = `a.b = 1 # one
list = [
  "x]",
  "y",
]
text = """
c = 2
"""
[t."with.dot"]
c = 3
[[s]]
url = "1"
[[s]]
url = "2"
[s.deep]
d = { e = 4 }
`;
  const [tree] = readToml(text, "a.toml").documents;
  const lineOf = (...path: readonly string[]) => at(tree, ...path)?.at.line;
  expect([lineOf("a", "b"), lineOf("list"), lineOf("text"), lineOf("t", "with.dot", "c")]).toEqual([1, 2, 6, 10]);
  expect(textsOf(at(tree, "list"))).toEqual(["x]", "y"]);
  const [first, second] = itemsOf(at(tree, "s"));
  expect([first, second].map((each) => at(each, "url")?.at.line)).toEqual([12, 14]);
  expect(at(second, "deep", "d", "e")).toMatchObject({ text: "4", at: { line: 16 } });
});

test("TOML that is wrong says where", () => {
  const { problems } = readToml("a = 1\nb = = 2\n", "a.toml");
  expect(problems).toMatchObject([{ at: { file: "a.toml", line: 2 } }]);
});
