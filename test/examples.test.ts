// The examples of the reference do what they claim (knowledge/README.md): each configuration and script is accepted by
// the program that it is for; what is marked as bad before the lab produces its cause, what is marked as good does not.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { indexOf, readEntries } from "../src/knowledge/read-entries.ts";
import { isInstalled } from "./command.ts";
import { type Example, examplesOf } from "./examples/fences.ts";
import { runExample } from "./examples/run.ts";
import { CODE, settingProblem } from "./examples/settings.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { entries } = readEntries(join(root, "knowledge"));
const examples = examplesOf(entries);
const index = indexOf(entries);
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

const isLive = ({ settings }: Example): boolean => settings["run"] !== undefined && settings["run"] !== "no";
/** What cannot run here can still be read, unless its program may be too old for it. */
const isShown = ({ language, settings }: Example): boolean =>
  settings["run"] === undefined || (settings["run"] === "no" && ["js", "sh", "json", "yaml"].includes(language));

for (const language of CODE) {
  const program = PROGRAMS[language];
  const here = program === undefined || isInstalled(program);
  const own = examples.filter((example) => example.language === language);
  const left = here ? "" : ` (left out: ${program} is not installed)`;
  describe.skipIf(!here)(`${language}${left}`, () => {
    const shown = own.filter(isShown);
    test.skipIf(shown.length === 0)(
      "what is only shown is accepted",
      async () => expect(await problemsOf(shown)).toEqual([]),
      120_000,
    );
    const live = own.filter(isLive);
    test.skipIf(live.length === 0)(
      "what runs does as it says",
      async () => expect(await problemsOf(live)).toEqual([]),
      240_000,
    );
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
