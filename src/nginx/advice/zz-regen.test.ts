import { readFileSync, writeFileSync } from "node:fs";
import { test } from "vitest";
import { adviceCases, advise, lineOf } from "./advice.fixture.ts";

test("regen", () => {
  for (const c of adviceCases()) {
    const p = `/work/main/test/corpus/nginx-advice/${c.rule}.${c.kind}.txt`;
    const t = readFileSync(p, "utf8");
    const [, ...parts] = t.split(/^--- /m);
    const said = advise(c.files).map(lineOf);
    writeFileSync(p, `rule: ${c.rule}\n${said.map((s) => `${s}\n`).join("")}--- ${parts.join("--- ")}`);
  }
});
