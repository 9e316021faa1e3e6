// The examples of the reference do what they claim (knowledge/README.md): each configuration and script is accepted by
// the program that it is for; what is marked as bad before the lab produces its cause, what is marked as good does not.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { isCauseId } from "../src/failure/causes.ts";
import { readEntries } from "../src/knowledge/read-entries.ts";
import { isInstalled } from "./command.ts";
import { type Example, examplesOf } from "./examples/fences.ts";
import { runExample } from "./examples/run.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const examples = examplesOf(readEntries(join(root, "knowledge")).entries);
const CODE = ["nginx", "haproxy", "caddyfile", "goodgate", "js", "sh", "json", "yaml"];
/** Not code, or code of what cannot run here. */
const SHOWN = [
  "http",
  "text",
  "log",
  "",
  "html",
  "diff",
  "ini",
  "toml",
  "apache",
  "python",
  "php",
  "java",
  "go",
  "ruby",
  "xml",
  "vcl",
  "dockerfile",
  "csharp",
  "hcl",
  "traefik",
  "envoy",
  "powershell",
  "sql",
  "ts",
  "properties",
  "conf",
  "service",
];
const PROGRAMS: Readonly<Record<string, string>> = {
  nginx: "nginx",
  haproxy: "haproxy",
  caddyfile: "caddy",
  sh: "bash",
};

test("the fences say what they are and how they run", () => {
  const wrong = examples.filter(({ language, settings }) => {
    const { run, app, cause, why } = settings;
    if (!CODE.includes(language)) return !SHOWN.includes(language);
    if (run === "no") return !why;
    if (cause !== undefined && !isCauseId(cause)) return true;
    return run === undefined ? app !== undefined : !["bad", "good", "client", "app", "ok"].includes(run);
  });
  expect(wrong.map(({ name, language, settings }) => `${name} ${language} ${JSON.stringify(settings)}`)).toEqual([]);
  expect(examples.length).toBeGreaterThan(0);
});

const runnable = examples.filter(({ language, settings }) => CODE.includes(language) && settings["run"] !== "no");
const isLive = ({ settings }: Example): boolean => settings["run"] !== undefined;

for (const language of CODE) {
  const program = PROGRAMS[language];
  const here = program === undefined || isInstalled(program);
  const own = runnable.filter((example) => example.language === language);
  describe.skipIf(!here || own.length === 0)(
    `${language}${here ? "" : ` (left out: ${program} is not installed)`}`,
    () => {
      test("what is only shown is accepted", async () => {
        const wrong: string[] = [];
        for (const example of own.filter((each) => !isLive(each))) {
          const problem = await runExample(example);
          if (problem !== null) wrong.push(`knowledge/${example.name}: ${problem}`);
        }
        expect(wrong).toEqual([]);
      }, 120_000);
      const live = own.filter(isLive);
      test.skipIf(live.length === 0).each(live)(
        "$name runs as it says",
        async (example) => expect(await runExample(example)).toBeNull(),
        30_000,
      );
    },
  );
}
