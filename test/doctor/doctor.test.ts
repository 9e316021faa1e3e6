// The lab of whole chains: each case starts real programs, injects one fault (or none), asks the real `goodgate doctor`
// and holds what it says against what was done. A verdict that is wrong and proven is the worst that can happen.
// Programs that are not installed leave their cases out, and so do variants unless GOODGATE_DOCTOR_LAB=all. With
// GOODGATE_DOCTOR_TABLE=FILE results go to that file as JSON, from which table.mjs makes the table.
import { writeFileSync } from "node:fs";
import { afterAll, describe, expect, test, vi } from "vitest";
import type { FaultCase, HealthyCase, Need, RiskCase } from "./case.ts";
import { FAULT_CASES, HEALTHY_CASES, RISK_CASES } from "./faults/all.ts";
import { VARIANTS } from "./faults/variants.ts";
import { type Judgement, judgeFault, judgeHealthy, judgeRisk, lacks, type Result, runCase } from "./run.ts";

const CASE_MS = 60_000;
const WHOLE = process.env["GOODGATE_DOCTOR_LAB"] === "all";
// Cases wait more than they work: for connections that stay idle, and for timers.
vi.setConfig({ maxConcurrency: 6 });

interface Row {
  readonly name: string;
  readonly chain: string;
  readonly fault: string;
  readonly expected: string;
  readonly mark: Judgement["mark"];
  readonly got: string;
  readonly why: string;
  readonly tookMs: number;
}
const rows: Row[] = [];

/** What a reader of a failed test needs. */
const about = ({ stdout, stderr, asked }: Result, { got, why }: Judgement): string =>
  `${why}: ${got}\nasked: ${asked.url ?? ""} ${asked.args.join(" ")}\n${stderr}${stdout.slice(0, 3_000)}`;

function cases<
  Each extends { name: string; chain: string; needs?: readonly Need[] } & (FaultCase | HealthyCase | RiskCase),
>(
  all: readonly Each[],
  judge: (each: Each, result: Result) => Judgement,
  words: (each: Each) => { fault: string; expected: string },
): void {
  for (const each of all) {
    const missing = lacks(each.needs) ?? (WHOLE || !VARIANTS.has(each.name) ? null : "a variant");
    const name = missing ? `${each.name} (${missing})` : each.name;
    test.skipIf(missing !== null)(name, { timeout: CASE_MS }, async ({ expect }) => {
      const { result, judged } = await runCase(each, (of) => judge(each, of));
      const { mark, got, why } = judged;
      const tookMs = Math.round(result.tookMs);
      rows.push({ name: each.name, chain: each.chain, ...words(each), mark, got, why, tookMs });
      expect(mark, about(result, judged)).toBe("right");
    });
  }
}

describe.concurrent("a fault is found", () => {
  cases(FAULT_CASES, judgeFault, ({ fault, expect: { class: wanted, atLeast, atMost } }) => ({
    fault,
    expected: [wanted, atLeast ?? (atMost ? `at most ${atMost}` : "possible")].join(", "),
  }));
});

describe.concurrent("a healthy chain is healthy", () => {
  cases(
    HEALTHY_CASES,
    (_, result) => judgeHealthy(result),
    ({ trap }) => ({ fault: trap, expected: "healthy" }),
  );
});

describe.concurrent("a risk is no verdict", () => {
  cases(RISK_CASES, judgeRisk, ({ fault, risk }) => ({ fault, expected: `risk ${risk.source}` }));
});

test("names are unique, and there is enough of each", () => {
  const names = [...FAULT_CASES, ...HEALTHY_CASES, ...RISK_CASES].map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect([...VARIANTS].filter((name) => !names.includes(name))).toEqual([]);
  expect(FAULT_CASES.length).toBeGreaterThanOrEqual(75);
  expect(HEALTHY_CASES.length).toBeGreaterThanOrEqual(15);
});

afterAll(() => {
  const file = process.env["GOODGATE_DOCTOR_TABLE"];
  if (file) writeFileSync(file, `${JSON.stringify(rows, null, 1)}\n`);
});
