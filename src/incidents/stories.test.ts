import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
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
    expect(verdict.sentence).not.toMatch(/undefined|NaN|null|\[object/);
    expect(verdict.short.length).toBeLessThanOrEqual(72);
    expect(JSON.stringify([verdict.reasons, verdict.fixes, verdict.settle])).not.toMatch(/undefined|NaN/);
  }
});

test("docs/incident-stories.md is current (UPDATE_REFERENCE=1 writes it)", () => {
  const file = join(root, "docs/incident-stories.md");
  const page = storyTable(stories);
  if (process.env["UPDATE_REFERENCE"]) writeFileSync(file, page);
  expect(readFileSync(file, "utf8")).toBe(page);
});
