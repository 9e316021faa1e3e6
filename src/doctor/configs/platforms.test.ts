// Every case of the corpus is read to what its JSON says; each finding has a case in which it is made and one that
// looks like it and is right; whole good configurations have no risk; and no text, however cut, makes a reader throw.
import { expect, test } from "vitest";
import { filesInMemory } from "./files.ts";
import { joinConfigs } from "./join.ts";
import type { ConfigEvidence } from "./model.ts";
import { findingsOf, platformCases, readCase, summary } from "./platform-cases.fixture.ts";
import { readConfigs } from "./read-configs.ts";

const cases = platformCases();
test.each(cases.map((each) => [each.name, each] as const))("%s", async (_, each) => {
  const configs = await readCase(each);
  expect(configs.map(({ kind }) => kind)).not.toContain(null);
  expect(summary(configs)).toEqual(each.expected);
});

test("each finding has a case in which it is made, and one in which it is not", async () => {
  const made = new Map<string, string[]>();
  const silent = new Set<string>();
  for (const each of cases) {
    const risks = findingsOf(await readCase(each)).filter(({ severity }) => severity === "risk");
    const found = new Set(risks.map(({ id }) => id));
    for (const id of found) made.set(id, [...(made.get(id) ?? []), each.name]);
    if (each.name.endsWith(".risk"))
      expect(
        [...found].some((one) => each.name.includes(`/${one}`)),
        each.name,
      ).toBe(true);
    if (!each.name.endsWith(".fine")) continue;
    const about = [...found].filter((one) => each.name.includes(`/${one}`));
    expect(about, each.name).toEqual([]);
    silent.add((each.name.split("/")[1] ?? "").replace(/\.fine$/, ""));
  }
  expect(made.size).toBeGreaterThan(40);
  expect([...made.keys()].filter((id) => ![...silent].some((one) => one.startsWith(id)))).toEqual([]);
});

test("whole good configurations have no risk", async () => {
  const good = cases.filter(({ name }) => name.includes("/good-"));
  expect(good.length).toBeGreaterThan(7);
  for (const each of good) {
    const risks = findingsOf(await readCase(each)).filter(({ severity }) => severity === "risk");
    expect(risks, each.name).toEqual([]);
  }
});

test("each finding says where, what and what to write, and stands in a file of the case", async () => {
  for (const each of cases)
    for (const { id, at, also, text, fix } of findingsOf(await readCase(each))) {
      for (const place of [at, also]) {
        if (place === null) continue;
        const lines = each.files[place.file]?.split("\n") ?? [];
        expect(place.line, `${each.name}: ${id}`).toBeLessThanOrEqual(lines.length);
        expect(lines[place.line - 1]?.trim(), `${each.name}: ${id}`).not.toBe("");
      }
      expect(at, `${each.name}: ${id}`).not.toBeNull();
      expect(text, `${each.name}: ${id}`).not.toMatch(/undefined|null|NaN|\[object/);
      expect(fix, `${each.name}: ${id}`).not.toMatch(/undefined|null|NaN|\[object/);
    }
});

test("a text that is cut anywhere is read as far as it goes", async () => {
  let read = 0;
  for (const each of cases.filter(({ name }) => /good-|imports|express/.test(name)))
    for (const [name, text] of Object.entries(each.files)) {
      for (let length = 1; length < text.length; length += Math.max(7, Math.floor(text.length / 25))) {
        const configs: ConfigEvidence[] = await readConfigs([name], filesInMemory({ [name]: text.slice(0, length) }));
        const thrown = configs
          .flatMap(({ problems }) => problems)
          .filter(({ text: said }) => said.includes("could not be understood"));
        expect(thrown, `${each.name} ${name} cut at ${length}`).toEqual([]);
        expect(Array.isArray(joinConfigs(configs))).toBe(true);
        read += 1;
      }
    }
  expect(read).toBeGreaterThan(100);
});
