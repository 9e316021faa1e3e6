import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { incidentMarkdown, md } from "./markdown.ts";
import { readStories, storyTime } from "./story.fixture.ts";
import { play } from "./story-play.fixture.ts";
import { keptFailure } from "./story-tell.fixture.ts";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const story = readStories(join(root, "test/corpus/incident-stories")).find(
  ({ file }) => file === "crash-one-of-two.yaml",
)!;

test("an incident as Markdown has the verdict, the reasons, what to do and its failures", () => {
  const [incident] = play(story).incidents;
  const failure = {
    ...keptFailure(incident!.openedAt, "connect-refused", "app", "app-2:3000", {}),
    target: "/a|b`c`<script>@all",
  };
  const text = incidentMarkdown(incident!, [failure], {
    timeOf: storyTime,
    link: "http://127.0.0.1:8502/incidents/x y",
  });
  expect(text).toMatch(/^## app-2:3000/);
  for (const title of ["### Why", "### What to do", "### Timeline", "### Failures"]) expect(text).toContain(title);
  expect(text).toContain("<http://127.0.0.1:8502/incidents/x%20y>");
  expect(text).not.toContain("<script>");
  expect(text).not.toContain("@all");
  expect(text).toContain("a\\|b\\`c\\`");
});

test("text of strangers stays text", () => {
  expect(md("[x](http://evil) **b** \u202e\nnext")).toBe(
    "\\[x\\](http:\u200b//evil) \\*\\*b\\*\\* \\u202e next".replace("\\u202e", "\\\\u202e"),
  );
});
