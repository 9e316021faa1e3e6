// How good explain is, on 97 lines that people pasted in public threads (test/corpus/explain): as it stands, and with
// the entry that answered taken away, which is what lines in words that nobody has entered get.
// `npx vitest run test/explain.test.ts` prints both tables.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { loadIndex } from "../src/knowledge/load-index.ts";
import { type Judged, judge, judgeUnseen, readCases, table, type Verdict } from "./evaluation.ts";

const cases = readCases(join(dirname(fileURLToPath(import.meta.url)), "corpus", "explain"));
const index = loadIndex();
const share = (judged: readonly Judged[], ...verdicts: Verdict[]): number =>
  judged.filter(({ verdict }) => verdicts.includes(verdict)).length / judged.length;
const list = (judged: readonly Judged[], verdict: Verdict): string[] =>
  judged
    .filter((each) => each.verdict === verdict)
    .map(({ each, answer }) => `${each.id} ${each.class} ← ${answer}: ${each.text.slice(0, 120)}`);

test("97 % of the pasted lines are answered rightly, and none wrongly", () => {
  const judged = judge(cases, index);
  process.stdout.write(`\nwith all entries\n${table(judged)}\n`);
  expect(cases.length).toBeGreaterThanOrEqual(97);
  expect(list(judged, "wrong")).toEqual([]);
  expect(share(judged, "exact", "accepted"), list(judged, "abstained").join("\n")).toBeGreaterThanOrEqual(0.97);
});

test("without the entry that answered, most are still right, and few are wrong: the rest is said to be unknown", () => {
  const judged = judgeUnseen(cases, index);
  process.stdout.write(`\nwithout the entry that answered\n${table(judged)}\n`);
  expect(share(judged, "wrong"), list(judged, "wrong").join("\n")).toBeLessThanOrEqual(0.1);
  expect(share(judged, "exact", "accepted")).toBeGreaterThanOrEqual(0.5);
}, 60_000);
