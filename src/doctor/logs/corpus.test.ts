// One folder per case: logs as programs write them, and what doctor must and must not find in them.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { EntryClass } from "../../knowledge/entry.ts";
import { evidenceOf } from "./traffic.fixture.ts";

interface Expected {
  /** Each is found; where the list is empty, nothing is. */
  readonly patterns?: readonly {
    readonly id: string;
    readonly upstream?: string;
    readonly class?: EntryClass | null;
    readonly certainty?: string;
    readonly timer?: string;
  }[];
  readonly absent?: readonly string[];
  /** In this order, others may stand between. */
  readonly turns?: readonly { readonly kind: string; readonly what?: string }[];
  readonly requests?: number;
  readonly failures?: number;
  readonly members?: readonly { readonly upstream: string; readonly failures: number }[];
  readonly joined?: Readonly<Record<string, number>>;
}

const corpus = fileURLToPath(new URL("../../../test/corpus/doctor-logs", import.meta.url));
const cases = readdirSync(corpus).sort();

test("there are cases", () => {
  expect(cases.length).toBeGreaterThan(10);
});

test.each(cases)("%s", async (name) => {
  const folder = join(corpus, name);
  const logs = readdirSync(folder).filter((file) => file.endsWith(".log"));
  const expected = JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")) as Expected;
  const evidence = await evidenceOf(
    Object.fromEntries(logs.map((file) => [file.slice(0, -4), readFileSync(join(folder, file), "utf8")])),
  );
  expect(evidence.problems).toEqual([]);
  const { patterns, series, files, members, joined } = evidence;
  const found = patterns.map(({ id, upstream, class: of, certainty, timers }) => ({
    ...{ id, upstream, class: of, certainty },
    timers: timers.map(({ setting }) => setting),
  }));
  for (const { timer, ...each } of expected.patterns ?? [])
    expect(found).toContainEqual(
      expect.objectContaining(timer === undefined ? each : { ...each, timers: expect.arrayContaining([timer]) }),
    );
  if (expected.patterns?.length === 0) expect(found).toEqual([]);
  for (const id of expected.absent ?? []) expect(found.map((each) => each.id)).not.toContain(id);
  const sum = (counts: readonly number[] | null | undefined) => (counts ?? []).reduce((all, count) => all + count, 0);
  if (expected.failures !== undefined) expect(sum(series?.failures)).toBe(expected.failures);
  if (expected.requests !== undefined) expect(sum(series?.requests)).toBe(expected.requests);
  if (expected.members) expect(members).toMatchObject(expected.members);
  const turns = files.flatMap((file) => file.turns).map(({ kind, what }) => ({ kind, what }));
  for (const turn of expected.turns ?? []) {
    const at = turns.findIndex(({ kind, what }) => kind === turn.kind && (turn.what ?? what) === what);
    expect(at, `${JSON.stringify(turn)} in ${JSON.stringify(turns)}`).toBeGreaterThanOrEqual(0);
    turns.splice(0, at + 1);
  }
  for (const [by, count] of Object.entries(expected.joined ?? {}))
    expect(joined.filter((each) => each.by === by)).toHaveLength(count);
});
