// The reference as a whole: every entry is complete and well-formed, every cause has one, links lead somewhere, and
// explain, given an entry's own samples, answers with that entry.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { regexProblem } from "../src/config/regex-cost.ts";
import { explain } from "../src/explain/explain.ts";
import { CAUSE_IDS } from "../src/failure/causes.ts";
import { loadIndex } from "../src/knowledge/load-index.ts";
import { indexOf, readEntries } from "../src/knowledge/read-entries.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { entries, problems } = readEntries(join(root, "knowledge"));
const index = indexOf(entries);

test("no entry has a problem", () => {
  expect(problems.map(({ file, line, message }) => `knowledge/${file}:${line}: ${message}`)).toEqual([]);
});

test("there are all the kinds, and enough of them", () => {
  const count = (kind: string) => entries.filter((entry) => entry.kind === kind).length;
  expect(count("cause")).toBe(CAUSE_IDS.length);
  expect(count("status")).toBeGreaterThanOrEqual(62);
  expect(count("message")).toBeGreaterThanOrEqual(250);
});

test("the built index is the one of these entries", () => {
  expect(loadIndex().cards.map(({ id }) => id)).toEqual(index.cards.map(({ id }) => id));
});

test("explain answers the sample of a message with its entry", () => {
  const wrong = entries
    .filter(({ kind }) => kind === "message")
    .flatMap((entry) =>
      entry.samples.flatMap((sample) => {
        const answer = explain(sample, index);
        const right = answer.entry === `/${entry.id}` || (entry.class === "unknown" && answer.class === null);
        return right
          ? []
          : [`${entry.id} (${entry.class}) ← ${answer.entry} (${answer.class}): ${sample.slice(0, 200)}`];
      }),
    );
  expect(wrong).toEqual([]);
});

test("explain answers the sample of a cause with that cause", () => {
  const wrong = entries
    .filter(({ kind }) => kind === "cause")
    .flatMap((entry) => {
      const answer = explain(entry.samples[0]!, index);
      return answer.class === entry.class
        ? []
        : [`${entry.id} ← ${answer.entry} (${answer.class}): ${entry.samples[0]!.slice(0, 200)}`];
    });
  expect(wrong).toEqual([]);
});

test("no regular expression of an entry repeats a repetition: the only way to exponential time", () => {
  const regexes = entries.flatMap(({ id, matches }) =>
    matches.flatMap((match) => ("regex" in match ? [{ id, regex: match.regex }] : [])),
  );
  expect(regexes.length).toBeGreaterThan(0);
  expect(
    regexes.filter(({ regex }) =>
      /repetition|alternatives/.test(regexProblem(withoutLooking(regex), true)?.message ?? ""),
    ),
  ).toEqual([]);
});

/** Looking ahead or behind consumes nothing; what stands in it is short. */
function withoutLooking(regex: string): string {
  const look = /\(\?<?[!=](?:[^()\\]|\\.|\((?:[^()\\]|\\.)*\))*\)/g;
  return regex.replace(look, "").replace(look, "");
}
