import { expect, test } from "vitest";
import type { VariableConfig } from "../config/servers.ts";
import type { Matcher } from "./matcher.ts";
import { fakeSubject } from "./subject.fixture.ts";
import type { CompiledText, Subject } from "./subject.ts";
import { VariableTable } from "./table.ts";

type MapConfig = Extract<VariableConfig, { readonly kind: "map" }>;

function map(name: string, source: string, overrides: Partial<MapConfig> = {}): MapConfig {
  return { kind: "map", name, source, hostnames: false, volatile: false, default: "", entries: [], ...overrides };
}

function compile(table: VariableTable, text: string): CompiledText {
  const compiled = table.compile(text);
  if ("unknown" in compiled) throw new Error(`unknown "${compiled.unknown}" variable`);
  return compiled;
}

function matcher(table: VariableTable, source: string): Matcher {
  const made = table.matcher({ source, ignoreCase: false });
  if ("problem" in made) throw new Error(made.problem);
  return made;
}

test.each([
  ["", ""],
  ["plain {text} {$} {$-} {x", "plain {text} {$} {$-} {x"],
  ["{{$host}", "{$host}"],
  ["{{{{", "{{"],
])("%j is the constant %j", (text, expected) => {
  const compiled = compile(new VariableTable([]), text);
  expect(compiled.constant).toBe(expected);
  expect(compiled.render(fakeSubject())).toBe(expected);
});

test.each([
  ["{$host}", "example.com"],
  ["a{$HOST}", "aexample.com"],
  ["{$host}b", "example.comb"],
  ["{$scheme}{$host}", "httpexample.com"],
  ["{$scheme}://{$host}{$request_uri}", "http://example.com/a%20b?x=1"],
  ["[{$http_none}]", "[]"],
  ["{$http_none}{$http_none}", ""],
  ["{{{$host}}", "{example.com}"],
])("%j renders as %j", (text, expected) => {
  const compiled = compile(new VariableTable([]), text);
  expect(compiled.constant).toBeNull();
  expect(compiled.render(fakeSubject())).toBe(expected);
});

test("the first unknown name is told", () => {
  expect(new VariableTable([]).compile("{$host}{$nope}{$other}")).toEqual({ unknown: "nope" });
});

test("a set variable is empty before it is set, a capture is not found", () => {
  const table = new VariableTable([]);
  const set = table.slot("Mine");
  const captured = table.slot("part", "not-found");
  expect(table.slot("mine")).toBe(set);
  expect(table.slotCount).toBe(2);
  const subject = fakeSubject();
  expect(table.variable("mine")?.(subject)).toBe("");
  expect(table.variable("part")?.(subject)).toBeUndefined();
  subject.slots[set] = "v";
  subject.slots[captured] = "";
  expect(table.variable("MINE")?.(subject)).toBe("v");
  expect(table.variable("part")?.(subject)).toBe("");
});

test("what is set goes before a family's member and a TLS variable, but not before $args", () => {
  const table = new VariableTable([]);
  const subject = fakeSubject({ header: (name) => (name === "x-a" ? "field" : undefined) });
  const slot = table.slot("http_x_a");
  expect(table.variable("http_x_a")?.(subject)).toBe("field");
  subject.slots[slot] = "set";
  expect(table.variable("http_x_a")?.(subject)).toBe("set");
  subject.slots[table.slot("args")] = "stale";
  expect(table.variable("args")?.(subject)).toBe("x=1");
});

test("a match sets $1 to $9 and named groups; the next match takes their place", () => {
  const table = new VariableTable([]);
  const pair = matcher(table, "^/(?<first>\\w+)(?:/(?<second>\\w+))?$");
  const bare = matcher(table, "^/x");
  const text = compile(table, "{$1}|{$2}|{$3}|{$first}|{$second}");
  const subject = fakeSubject();
  expect(text.render(subject)).toBe("||||");
  expect(pair.match(subject, "/a/b")).toBe(true);
  expect(text.render(subject)).toBe("a|b||a|b");
  expect(pair.match(subject, "no")).toBe(false);
  expect(text.render(subject)).toBe("a|b||a|b");
  expect(bare.match(subject, "/x")).toBe(true);
  expect(text.render(subject)).toBe("|||a|b");
  expect(pair.match(subject, "/c")).toBe(true);
  expect(text.render(subject)).toBe("c|||c|");
});

test("a pattern that does not compile says why", () => {
  expect(new VariableTable([]).matcher({ source: "(", ignoreCase: false })).toEqual({
    problem: "missing closing parenthesis",
    at: 1,
  });
});

test("the value of a map is kept for the request unless it is volatile", () => {
  const entries = [{ key: "x=1", value: "one" }];
  const table = new VariableTable([
    map("kept", "{$args}", { default: "other", entries }),
    map("fresh", "{$args}", { default: "other", entries, volatile: true }),
  ]);
  const text = compile(table, "{$kept} {$fresh}");
  const subject = fakeSubject();
  expect(text.render(subject)).toBe("one one");
  const moved = { ...subject, args: "x=2" } satisfies Subject;
  expect(text.render(moved)).toBe("one other");
  expect(text.render(fakeSubject({ args: "x=2" }))).toBe("other other");
});

test("what is set to the name of a map stays, volatile or not", () => {
  const table = new VariableTable([map("a", "{$host}", { default: "map" }), map("b", "{$host}", { volatile: true })]);
  const subject = fakeSubject();
  subject.slots[table.slot("a")] = "set";
  subject.slots[table.slot("b")] = "set too";
  expect(compile(table, "{$a} {$b}").render(subject)).toBe("set set too");
});

test("maps may use maps and what is registered later; a circle ends", () => {
  const table = new VariableTable([
    map("outer", "{$inner}", { entries: [{ key: "yes", value: "inner said {$inner}{$mine}" }] }),
    map("inner", "{$host}", { default: "yes" }),
    map("left", "{$right}", { default: "l" }),
    map("right", "{$left}", { default: "r" }),
  ]);
  const subject = fakeSubject();
  subject.slots[table.slot("mine")] = "!";
  expect(compile(table, "{$outer}").render(subject)).toBe("inner said yes!");
  expect(compile(table, "{$left}").render(subject)).toBe("l");
  expect(table.problems).toEqual([]);
});

test("a map with 1,000 keys finds each, and only those", () => {
  const entries = Array.from({ length: 1000 }, (_, index) => ({ key: `Key-${index}`, value: String(index) }));
  const table = new VariableTable([map("m", "{$arg_k}", { default: "none", entries })]);
  const text = compile(table, "{$m}");
  for (const [key, expected] of [
    ["key-0", "0"],
    ["KEY-999", "999"],
    ["key-1000", "none"],
  ] as const) {
    expect(text.render(fakeSubject({ args: `k=${key}`, slots: [] }))).toBe(expected);
  }
});

test("keys compare bytes: only ASCII letters have two cases", () => {
  const table = new VariableTable([map("m", "{$arg_k}", { entries: [{ key: "\xc3\xa9", value: "e" }] })]);
  const text = compile(table, "{$m}");
  expect(text.render(fakeSubject({ args: "k=\xc3\xa9", slots: [] }))).toBe("e");
  expect(text.render(fakeSubject({ args: "k=\xe3\xa9", slots: [] }))).toBe("");
});

test("problems of maps are told: patterns at once, names when they are first used", () => {
  const broken = map("m", "{$nope}", { entries: [{ key: { source: "(", ignoreCase: false }, value: "x" }] });
  const table = new VariableTable([broken]);
  expect(table.problems).toEqual([{ variable: "m", problem: "missing closing parenthesis" }]);
  expect(compile(table, "{$m}").render(fakeSubject())).toBe("");
  expect(table.problems).toContainEqual({ variable: "m", problem: 'unknown "nope" variable' });
});
