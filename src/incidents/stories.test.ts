import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { Verdict } from "./model.ts";
import { readStories } from "./story.fixture.ts";
import { differences, play, storyTable } from "./story-play.fixture.ts";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const stories = readStories(join(root, "test/corpus/incident-stories"));

test("there are enough stories, with and without an incident", () => {
  expect(stories.filter((story) => story.expect.length > 0).length).toBeGreaterThanOrEqual(60);
  expect(stories.filter((story) => story.expect.length === 0).length).toBeGreaterThanOrEqual(12);
});

test.each(stories.map((story) => [story.file, story] as const))("%s", (_, story) => {
  const ended = play(story);
  expect(differences(story, ended)).toEqual([]);
  for (const { verdict } of ended.incidents) {
    expect(existsSync(join(root, "knowledge/cause", `${verdict.entry}.md`))).toBe(true);
    expect(verdict.short.length).toBeLessThanOrEqual(72);
    expect(flaws(verdict)).toEqual([]);
  }
});

const NONSENSE: readonly RegExp[] = [
  /undefined|\bNaN\b|(?<!\/dev\/)\bnull\b|\[object|Infinity/,
  // Placeholders that nobody filled in.
  /\b(PORT|HOST|ADDRESS|NAME|LABEL|UPSTREAM|PID|TODO)\b/,
];
const GRAMMAR: readonly RegExp[] = [
  // "the the", "refuses connections (refuses connections)".
  /\b([a-z]{2,}) \1\b/i,
  /\b(\w+ \w+) \(\1\)/,
  /\(\s*\)|\s[,;:.](\s|$)|[,;:] ?[,;:]|\s{2}/,
  /(^|[^\d.,])1 (times|clients|requests|endpoints|errors|failures|answers|connections|paths|hosts|responses|attempts)\b/,
  / and \S+ (has|refuses|answers|is|was|does|sends) /,
];

/** What an on-call engineer would stumble over in a verdict. */
function flaws({ sentence, short, reasons, settle, fixes, alternatives }: Verdict): string[] {
  const steps = [...settle, ...fixes];
  const codes = steps.flatMap(({ code }) => code ?? []);
  const texts = [sentence, short, ...reasons, ...alternatives.flatMap(({ text, why }) => [text, why])];
  const ends = texts.filter((text) => /[:;,]$/.test(text));
  const said = [...texts, ...steps.map(({ text }) => text)];
  const found = (all: readonly string[], of: readonly RegExp[]): string[] =>
    all.flatMap((text) => of.filter((flaw) => flaw.test(text)).map((flaw) => `${flaw}: ${text}`));
  return [...ends, ...found([...said, ...codes], NONSENSE), ...found(said, GRAMMAR)];
}

test("docs/incident-stories.md is current (UPDATE_REFERENCE=1 writes it)", () => {
  const file = join(root, "docs/incident-stories.md");
  const page = storyTable(stories);
  if (process.env["UPDATE_REFERENCE"]) writeFileSync(file, page);
  expect(readFileSync(file, "utf8")).toBe(page);
});
