// The lab of whole chains: each case starts real programs, injects one fault (or none), asks the real `goodgate doctor`
// and holds what it says against what was done. A verdict that is wrong and proven is the worst that can happen.
// Programs that are not installed leave their cases out. With GOODGATE_DOCTOR_TABLE=FILE results go to that file
// as JSON, from which table.mjs makes the table.
import { writeFileSync } from "node:fs";
import { afterAll, describe, expect, test, vi } from "vitest";
import { FAULT_CASES, HEALTHY_CASES, RISK_CASES } from "./faults/all.ts";
import { type Judgement, judgeFault, judgeHealthy, lacks, type Result, runCase } from "./run.ts";

const CASE_MS = 60_000;
// Cases wait more than they work: for connections that stay idle, and for timers.
vi.setConfig({ maxConcurrency: 4 });

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

function note(
  each: { name: string; chain: string },
  fault: string,
  expected: string,
  judged: Judgement,
  result: Result,
) {
  const { mark, got, why } = judged;
  rows.push({ name: each.name, chain: each.chain, fault, expected, mark, got, why, tookMs: Math.round(result.tookMs) });
}

/** What a reader of a failed test needs. */
const about = ({ stdout, stderr, asked }: Result, { got, why }: Judgement): string =>
  `${why}: ${got}\nasked: ${asked.url ?? ""} ${asked.args.join(" ")}\n${stderr}${stdout.slice(0, 3_000)}`;

describe.concurrent("a fault is found", () => {
  for (const each of FAULT_CASES) {
    const missing = lacks(each.needs);
    test.skipIf(missing !== null)(
      `${each.name}${missing ? ` (${missing})` : ""}`,
      { timeout: CASE_MS },
      async ({ expect }) => {
        const result = await runCase(each);
        const judged = judgeFault(each, result);
        const { class: wanted, atLeast, atMost } = each.expect;
        note(each, each.fault, [wanted, atLeast ?? (atMost ? `at most ${atMost}` : "")].join(", "), judged, result);
        expect(judged.mark, about(result, judged)).toBe("right");
      },
    );
  }
});

describe.concurrent("a healthy chain is healthy", () => {
  for (const each of HEALTHY_CASES) {
    const missing = lacks(each.needs);
    test.skipIf(missing !== null)(
      `${each.name}${missing ? ` (${missing})` : ""}`,
      { timeout: CASE_MS },
      async ({ expect }) => {
        const result = await runCase(each);
        const judged = judgeHealthy(result);
        note(each, each.trap, "healthy", judged, result);
        expect(judged.mark, about(result, judged)).toBe("right");
      },
    );
  }
});

describe.concurrent("a risk is no verdict", () => {
  for (const each of RISK_CASES) {
    test(each.name, { timeout: CASE_MS }, async ({ expect }) => {
      const result = await runCase(each);
      const risks = (result.said?.risks ?? []).map(({ id, text, class: of }) => `${id} ${of} ${text}`);
      const found = risks.some((risk) => each.risk.test(risk));
      const verdict = result.said?.verdict ?? null;
      const mark =
        verdict?.certainty === "proven" ? "wrong and proven" : verdict ? "wrong" : found ? "right" : "undecided";
      const got = verdict ? `${verdict.class}, ${verdict.certainty}` : `${risks.length} risks: ${risks.join("; ")}`;
      const judged: Judgement = { mark, why: found ? "" : "the risk is missing", got: got.slice(0, 300) };
      note(each, each.fault, `risk ${each.risk.source}`, judged, result);
      expect(mark, about(result, judged)).toBe("right");
    });
  }
});

test("names are unique, and there is enough of each", () => {
  const names = [...FAULT_CASES, ...HEALTHY_CASES, ...RISK_CASES].map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(FAULT_CASES.length).toBeGreaterThanOrEqual(75);
  expect(HEALTHY_CASES.length).toBeGreaterThanOrEqual(15);
});

afterAll(() => {
  const file = process.env["GOODGATE_DOCTOR_TABLE"];
  if (file) writeFileSync(file, `${JSON.stringify(rows, null, 1)}\n`);
});
