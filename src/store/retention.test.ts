// Deleting happens in small steps: however much there is to delete, a write waits for one of them at most.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EMPTY } from "./batch.ts";
import { Engine } from "./engine.ts";
import type { Retention } from "./model.ts";
import { failure, GATEWAY, incident, point, slow, T0 } from "./records.fixture.ts";

const DAY = 86_400_000;
/** Of any kind in one step: those of one moment go together. */
const STEP_MAX = 450;
const SERIES = 50;
const MOMENTS = 60;

let folder: string;
let engine: Engine;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "goodgate-retention-"));
});
afterEach(async () => {
  await engine.close();
  rmSync(folder, { recursive: true, force: true });
});

async function filled(keep: Retention, now: number): Promise<void> {
  engine = await Engine.open({ target: { kind: "sqlite", folder }, gateway: GATEWAY, keep }, { now: () => now });
  for (let i = 0; i < 1_000; i += 250) {
    const numbers = Array.from({ length: 250 }, (_, k) => i + k);
    await engine.write({ ...EMPTY, failures: numbers.map((n) => failure(n)), slow: numbers.map((n) => slow(n)) });
    await engine.write({ ...EMPTY, incidents: numbers.slice(0, 60).map((n) => incident(n)) });
  }
  for (let moment = 0; moment < MOMENTS; moment++) {
    const at = T0 + moment * 10_000;
    const name = (n: number): string => `app 10.0.0.${n}:80`;
    const points = Array.from({ length: SERIES }, (_, n) => point(at, { kind: "endpoint", name: name(n) }));
    await engine.write({ ...EMPTY, points: [...points, point(at)] });
  }
}

async function countAll(): Promise<number> {
  const all = { from: 0, to: T0 * 2 };
  const [failures, incidents] = [await engine.ask("failures", [{}]), await engine.ask("incidents", [{}])];
  const { points } = await engine.ask("points", [{ range: { from: T0, to: T0 + 6e5 }, kind: "endpoint", points: 60 }]);
  const { slow: paths } = await engine.ask("paths", [all]);
  return failures.total! + incidents.total! + points.length + paths.reduce((sum, { count }) => sum + count, 0);
}

/** Runs all steps, a write beside each; gives how many there were. */
async function steps(now: number): Promise<number> {
  let before = await countAll();
  for (let count = 1; ; count++) {
    // The next step is asked for at once, as a loop without any pause would.
    let secondOver = false;
    const second = engine
      .keep()
      .then(() => engine.keep())
      .then((more) => {
        secondOver = true;
        return more;
      });
    const { written } = await engine.write({ ...EMPTY, failures: [failure(100_000 + count, { at: now })] });
    expect([written, secondOver]).toEqual([1, false]);
    const more = await second;
    const after = await countAll();
    expect(before + 1 - after).toBeLessThanOrEqual(2 * STEP_MAX);
    before = after;
    if (!more) return count;
  }
}

test("by age: a write waits for one step at most", async () => {
  const now = T0 + 90 * DAY;
  await filled({ forMs: 30 * DAY, bytes: 2 ** 40 }, now);
  const count = await steps(now);
  expect(count).toBeGreaterThan(5);
  const [failures, incidents] = [await engine.ask("failures", [{}]), await engine.ask("incidents", [{}])];
  expect([failures.total, incidents.total]).toEqual([count, 0]);
  expect(failures.items.every(({ at }) => at === now)).toBe(true);
});

test("by size: a write waits for one step at most, and the coarse points outlive the fine ones", async () => {
  const now = T0 + 700_000;
  await filled({ forMs: 30 * DAY, bytes: 2 ** 20 }, now);
  const count = await steps(now);
  expect(count).toBeGreaterThan(3);
  const range = { from: T0, to: T0 + 600_000 };
  const fine = await engine.ask("points", [{ range, kind: "all", points: 60 }]);
  const coarse = await engine.ask("points", [{ range, kind: "all", points: 1 }]);
  expect(fine.points.length).toBeLessThan(MOMENTS);
  expect(coarse.points.map(({ requests }) => requests)).toEqual([100 * MOMENTS]);
});
