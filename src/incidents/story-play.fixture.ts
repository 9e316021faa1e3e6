// Plays stories: what was told goes into a book, and what is said at the end is compared with what should be.
import { IncidentBook } from "./book.ts";
import type { Incident } from "./model.ts";
import { type Story, storyTime } from "./story.fixture.ts";
import { type Told, tell } from "./story-tell.fixture.ts";

/** How a story ended: incidents by id as they were last. */
export interface Ended {
  readonly incidents: readonly Incident[];
  readonly opened: number;
  readonly book: IncidentBook;
}

/** Plays what was told; `mix` may change the reports (order, parts). */
export function play(story: Story, mix: (told: readonly Told[]) => readonly Told[] = (told) => told): Ended {
  let ids = 0;
  const book = new IncidentBook({
    gateway: "g1",
    setting: story.setting,
    newId: (at) => `i${at.toString(32)}${String(ids++).padStart(4, "0")}`,
    timeOf: storyTime,
  });
  const last = new Map<string, Incident>();
  let opened = 0;
  const take = (changes: ReturnType<IncidentBook["tick"]>): void => {
    opened += changes.opened.length;
    for (const incident of [...changes.opened, ...changes.changed, ...changes.closed]) last.set(incident.id, incident);
  };
  let now = 0;
  for (const { at, report, marks, settings } of mix(tell(story))) {
    // The keeper ticks twice a second; what is quiet for long needs fewer.
    for (let quiet = 0; now !== 0 && now + (quiet < 30_000 ? 1_000 : 5_000) < at; ) {
      const step = quiet < 30_000 ? 1_000 : 5_000;
      now += step;
      quiet += step;
      take(book.tick(now));
    }
    now = Math.max(now, at);
    for (const setting of settings) take(book.setSetting(setting, at - 500));
    for (const mark of marks) take(book.mark(mark));
    take(book.take(report));
    take(book.tick(now));
  }
  for (const incident of book.open()) last.set(incident.id, incident);
  return {
    incidents: [...last.values()].sort((a, b) => a.openedAt - b.openedAt || (a.id < b.id ? -1 : 1)),
    opened,
    book,
  };
}

const DEGREES = ["possible", "likely", "proven"];

/** What is not as the story says; empty = all is. */
export function differences(story: Story, { incidents }: Ended): string[] {
  const wrong: string[] = [];
  if (incidents.length !== story.expect.length) {
    wrong.push(
      `${incidents.length} incidents instead of ${story.expect.length}: ${incidents.map(({ verdict }) => `${verdict.pattern}: ${verdict.sentence}`).join(" | ")}`,
    );
  }
  const left = [...incidents];
  for (const expected of story.expect) {
    const at = Math.max(
      0,
      left.findIndex(({ verdict }) => verdict.pattern === expected.pattern),
    );
    const [incident] = left.splice(at, 1);
    if (incident === undefined) continue;
    const { verdict } = incident;
    const say = (what: string, is: unknown, should: unknown): void => {
      wrong.push(`${what} is ${JSON.stringify(is)}, not ${JSON.stringify(should)} (${verdict.sentence})`);
    };
    if (verdict.pattern !== expected.pattern) say("pattern", verdict.pattern, expected.pattern);
    const degree = DEGREES.indexOf(verdict.confidence);
    if (expected.least !== undefined && degree < DEGREES.indexOf(expected.least))
      say("confidence", verdict.confidence, `at least ${expected.least}`);
    if (expected.most !== undefined && degree > DEGREES.indexOf(expected.most))
      say("confidence", verdict.confidence, `at most ${expected.most}`);
    if (expected.severity !== undefined && incident.severity !== expected.severity)
      say("severity", incident.severity, expected.severity);
    if (expected.open !== undefined && (incident.closedAt === null) !== expected.open)
      say("open", incident.closedAt === null, expected.open);
    for (const phrase of expected.says ?? [])
      if (!verdict.sentence.toLowerCase().includes(phrase.toLowerCase()))
        say("sentence", verdict.sentence, `with "${phrase}"`);
    const endpoints = Object.keys(incident.endpoints)
      .filter((label) => label !== "")
      .sort();
    if (expected.endpoints !== undefined && endpoints.join() !== [...expected.endpoints].sort().join())
      say("endpoints", endpoints, expected.endpoints);
    if (expected.failures !== undefined && incident.counts.failures !== expected.failures)
      say("failures", incident.counts.failures, expected.failures);
  }
  return wrong;
}

/** All stories as a page. */
export function storyTable(stories: readonly Story[]): string {
  const rows = stories.map((story) => {
    const ended = play(story);
    const expected =
      story.expect
        .map((one) => `${one.pattern}${one.least === undefined ? "" : ` (${one.least} or more)`}`)
        .join(", ") || "no incident";
    const got =
      ended.incidents
        .map(
          ({ verdict, severity, closedAt }) =>
            `${verdict.pattern} (${verdict.confidence}, ${severity}, ${closedAt === null ? "open" : "closed"})`,
        )
        .join(", ") || "no incident";
    const said = ended.incidents.map(({ verdict }) => verdict.sentence.replaceAll("|", "\\|")).join("<br>");
    return `| ${story.title} | ${expected} | ${got} | ${said} |`;
  });
  return [
    "# Stories of incidents",
    "",
    "Recorded event streams (test/corpus/incident-stories), what must be said of each, and what is said. Made by `UPDATE_REFERENCE=1 npx vitest run src/incidents/stories.test.ts`; the test fails when it is not current.",
    "",
    "| story | expected | verdict | in words |",
    "|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}
