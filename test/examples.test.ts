// The examples of the reference do what they claim (knowledge/README.md): each configuration and script is accepted by
// the program that it is for; what is marked as bad before the lab produces its cause, what is marked as good does not.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { indexOf, readEntries } from "../src/knowledge/read-entries.ts";
import { isInstalled } from "./command.ts";
import { type Example, examplesIn } from "./examples/fences.ts";
import { runExample } from "./examples/run.ts";
import { CODE, settingProblem } from "./examples/settings.ts";

const folder = join(dirname(dirname(fileURLToPath(import.meta.url))), "knowledge");
const { entries } = readEntries(folder);
const index = indexOf(entries);
const files = entries.map(({ id }) => ({ file: `${id}.md`, text: readFileSync(join(folder, `${id}.md`), "utf8") }));
const examples = files.flatMap(({ file, text }) => examplesIn(file, text));
const AT_ONCE = 4;
const PROGRAMS: Readonly<Record<string, string>> = {
  nginx: "nginx",
  haproxy: "haproxy",
  caddyfile: "caddy",
  sh: "bash",
};

test("the fences say what they are and how they run", () => {
  const wrong = examples.flatMap((example) => {
    const problem = settingProblem(example);
    return problem === null ? [] : [`knowledge/${example.name}: ${problem}`];
  });
  expect(wrong).toEqual([]);
  expect(examples.length).toBeGreaterThan(0);
});

test("every fence that is opened is closed", () => {
  const marks = files.flatMap(({ text }) => text.match(/^[ \t]*(?:```|~~~)/gm) ?? []);
  expect(marks.length).toBe(2 * examples.length);
});

const isLive = ({ settings }: Example): boolean => settings["run"] !== undefined && settings["run"] !== "no";
/** Said to need a version that is not here. */
const isTooNew = ({ language, settings }: Example): boolean =>
  settings["run"] === "no" && ["nginx", "haproxy", "caddyfile", "goodgate"].includes(language);
/** What cannot run here can still be read. */
const isShown = (example: Example): boolean => !isLive(example) && !isTooNew(example);

for (const language of CODE) {
  const program = PROGRAMS[language];
  const here = program === undefined || isInstalled(program);
  const own = examples.filter((example) => example.language === language);
  describe.skipIf(!here)(`${language}${here ? "" : ` (left out: ${program} is not installed)`}`, () => {
    const shown = own.filter(isShown);
    if (shown.length > 0)
      test("what is only shown is accepted", async () => expect(await problemsOf(shown)).toEqual([]), 120_000);
    const live = own.filter(isLive);
    if (live.length > 0)
      test("what runs does as it says", async () => expect(await problemsOf(live)).toEqual([]), 240_000);
    const tooNew = own.filter(isTooNew);
    if (tooNew.length > 0)
      test("what cannot be checked here is refused here", async () => {
        const refused = (await problemsOf(tooNew)).map((problem) => problem.replace(/: .*$/s, ""));
        expect(refused).toEqual(tooNew.map(({ name }) => `knowledge/${name}`).sort());
      });
  });
}

/** Runs them, a few at a time. */
async function problemsOf(list: readonly Example[]): Promise<string[]> {
  const problems: string[] = [];
  const waiting = [...list];
  const worker = async () => {
    for (let example = waiting.shift(); example; example = waiting.shift()) {
      const problem = await runExample(example, index);
      if (problem !== null) problems.push(`knowledge/${example.name}: ${problem}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return problems.sort();
}
