import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { type ConfigCase, configCases, hopLines, readCase } from "./corpus.fixture.ts";

const KINDS = ["nginx", "haproxy", "apache", "goodgate"];
const cases = configCases(...KINDS);

test("there are cases", () => {
  for (const kind of KINDS) expect(cases.filter((each) => each.kind === kind).length, kind).toBeGreaterThan(1);
});

describe.each(KINDS)("%s", (kind) => {
  test.each(cases.filter((each) => each.kind === kind).map((each) => [each.name, each] as const))(
    "%s",
    async (_, one) => {
      const read = await readCase(one);
      expect(read.kind).toBe(kind);
      const said = (severity: string) =>
        read.findings.filter((each) => each.severity === severity).map(({ id, at }) => `${id} ${at?.line}`);
      const { risks = [], notes = [], problems = [], hop = [] } = one.expected;
      expect(said("risk").sort()).toEqual([...risks].sort());
      expect(said("note")).toEqual(expect.arrayContaining([...notes]));
      expect(read.problems.map(({ place, text }) => `${place?.line} ${text}`)).toEqual(problems);
      const lines = read.hops.flatMap(hopLines);
      for (const line of hop) expect(lines).toContain(line);
      if (one.name.endsWith(".fine")) expect(read.findings.map(({ id }) => id)).not.toContain(ruleOf(one));
      for (const each of read.findings) expect(Object.values(each)).not.toContain("");
    },
  );
});

function ruleOf({ kind, name }: ConfigCase): string {
  return `${kind}-${name.split(".")[0]}`;
}

test.each(["haproxy", "apache"])("every rule of %s has a case where it speaks, and a near miss", (kind) => {
  const folder = fileURLToPath(new URL(`./${kind}/`, import.meta.url));
  const text = readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"));
  const ids = new Set(
    text.flatMap((each) => [...each.matchAll(new RegExp(`\\bid: "(${kind}-[\\w-]+)"`, "g"))].map(([, id]) => id)),
  );
  expect(ids.size).toBeGreaterThan(5);
  const withCase = (end: string) =>
    new Set(cases.filter((each) => each.kind === kind && each.name.endsWith(end)).map(ruleOf));
  expect([...ids].filter((id) => !withCase(".risk").has(id ?? ""))).toEqual([]);
  expect([...ids].filter((id) => !withCase(".fine").has(id ?? ""))).toEqual([]);
});
