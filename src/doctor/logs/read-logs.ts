// Logs, read while doctor probes, and what they show together. begin notes how large each file is and reads up to there;
// finish waits for that, reads what was appended meanwhile (programs buffer what they write: it looks again for a moment),
// and tells doctor's own requests from the others. Nothing here rejects: what cannot be read is a problem of its own, and
// the rest is read all the same.
import { readdir, realpath, stat } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { explain } from "../../explain/explain.ts";
import type { KnowledgeIndex } from "../../knowledge/entry.ts";
import { now } from "../../std/clock.ts";
import type { Ms } from "../../std/units.ts";
import type { InputProblem } from "../evidence.ts";
import { type Collected, Collector } from "./collect.ts";
import { joinRequests } from "./join-requests.ts";
import type { LogEvidence, LogFile } from "./model.ts";
import { patternsOf } from "./patterns.ts";
import { openSource } from "./read-source.ts";
import { membersOf, seriesOf } from "./series.ts";
import { megabytes, problemOf, type Source } from "./source.ts";
import { timeReader } from "./time.ts";
import { correlate } from "./traffic.ts";
import { zoneOfTail } from "./zone.ts";

export interface LogOptions {
  readonly index: KnowledgeIndex;
  /** By then what was there at the beginning has been read (std/clock). */
  readonly deadlineAt: Ms;
  /** What is being done, for a progress display. */
  readonly onStep: (text: string) => void;
  /** East of UTC, for times that do not say; absent = this machine's. */
  readonly zoneMinutes?: number;
}

/** What tells doctor's own requests from the others. */
export interface OwnRequests {
  /** Prefixes of X-Request-Id. */
  readonly requestIds: readonly string[];
  readonly userAgent: string;
  readonly startedAtMs: number;
  readonly paths: readonly string[];
}

export interface LogReading {
  /** May be called once, when the probes have ended. Never rejects. */
  readonly finish: (probes: OwnRequests) => Promise<LogEvidence>;
}

const FILES_MAX = 32;
const FOLDER_FILES_MAX = 12;
/** Programs buffer: lines of the last requests come late. */
const LATE_LINES_MS = 300;
const POLL_MS = 60;
/** After the deadline, for the last chunk. */
const LATE_MS = 500;
/** A log cannot be ahead of the clock by more. */
const CLOCK_SKEW_MS = 5 * 60_000;
const HALF_HOUR_MS = 30 * 60_000;

interface Reading {
  readonly file: string;
  readonly source: Source;
  readonly collector: Collector;
  readonly done: Promise<void>;
}

/** Notes the files' sizes and begins to read. */
export function beginLogs(files: readonly string[], options: LogOptions): LogReading {
  const problems: InputProblem[] = [];
  const broken = (error: Error): void => {
    problems.push(
      problemOf(files.join(", "), `could not be looked at (${error.message})`, "Report this: it is a defect."),
    );
  };
  // What explain makes of the reference once takes long enough to disturb a probe: before the probes begin it does not.
  if (files.length > 0) explain("", options.index);
  const begun = beginAll(files, options, problems).catch((error: Error) => {
    broken(error);
    return [];
  });
  return {
    finish: async (own) => {
      const closed: Closed[] = [];
      try {
        await finishAll(await begun, own, options.deadlineAt, (reading) => closed.push(reading), problems);
        return evidenceOf(closed, problems);
      } catch (error) {
        broken(error as Error);
        return { ...NOTHING, files: closed.map(({ file }) => file), problems };
      }
    },
  };
}

const NOTHING: Omit<LogEvidence, "files" | "problems"> = {
  series: null,
  members: [],
  patterns: [],
  joined: [],
  duringProbes: [],
};

interface Closed {
  readonly file: LogFile;
  readonly collected: Collected;
}

async function finishAll(
  readings: readonly Reading[],
  own: OwnRequests,
  deadlineAt: Ms,
  onClosed: (closed: Closed) => void,
  problems: InputProblem[],
): Promise<void> {
  // A pipe that nobody writes to cannot even be closed.
  const late = sleep(Math.max(LATE_MS, deadlineAt - now() + LATE_MS), null, { ref: false });
  await Promise.race([Promise.all(readings.map(({ done }) => done)), late]);
  const addresses = ownAddresses();
  for (const { collector } of readings) collector.watchFor({ ...own, addresses });
  const sent = own.requestIds.length > 0 || own.paths.length > 0;
  await readLate(readings, sent ? LATE_LINES_MS : 0);
  for (const reading of readings) onClosed(await closeOne(reading, problems));
}

async function beginAll(files: readonly string[], options: LogOptions, problems: InputProblem[]): Promise<Reading[]> {
  const named = await filesOf(files, problems);
  const opened = await Promise.all(named.map((file) => beginOne(file, options, problems)));
  return opened.filter((reading) => reading !== null);
}

async function beginOne(file: string, options: LogOptions, problems: InputProblem[]): Promise<Reading | null> {
  const { index, deadlineAt, onStep, zoneMinutes } = options;
  const { referenceMs, isFile } = await writtenAt(file);
  const guessed = isFile && zoneMinutes === undefined ? await zoneOfTail(file, referenceMs) : null;
  if (guessed !== null) problems.push(problemOf(file, readAsZone(guessed), OTHER_ZONE_NEXT));
  const time = timeReader({ referenceMs, zoneMinutes: zoneMinutes ?? guessed });
  const collector = new Collector(file, (text) => explain(text, index), time);
  const problem = (text: string, next: string): void => {
    problems.push(problemOf(file, text, next));
  };
  const take = (line: string, number: number): void => collector.add(line, number);
  const source = await openSource({ file, deadlineAt, take, problem });
  if (!source) return null;
  onStep(`reading ${file}${source.bytes > 0 ? ` (${megabytes(source.bytes)})` : ""}`);
  const done = source.read().catch((error: Error) => problem(`cannot be read (${error.message})`, "Check the file."));
  return { file, source, collector, done };
}

async function writtenAt(file: string): Promise<{ readonly referenceMs: number; readonly isFile: boolean }> {
  try {
    const found = file === "-" ? null : await stat(file);
    if (found) return { referenceMs: found.mtimeMs, isFile: found.isFile() };
  } catch {
    // Opening it says what is wrong with it.
  }
  return { referenceMs: Date.now(), isFile: false };
}

const OTHER_ZONE_NEXT = "Run doctor with TZ set to the zone of that machine, as in TZ=UTC goodgate doctor …";

function readAsZone(minutes: number): string {
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  const text = `UTC${minutes < 0 ? "-" : "+"}${hours}${rest === 0 ? "" : `:${rest}`}`;
  return `has times that lie ahead of this machine's clock: they are read as those of ${text}, which fits when it was written`;
}

/** Folders become their files, and each file is read once. */
async function filesOf(given: readonly string[], problems: InputProblem[]): Promise<string[]> {
  const files: string[] = [];
  const known = new Set<string>();
  for (const each of given) {
    for (const file of await expand(each, problems)) {
      const real = await realpath(file).catch(() => file);
      if (known.has(real)) {
        problems.push(problemOf(file, "was given twice", "Nothing: it was read once."));
      } else if (files.length === FILES_MAX) {
        problems.push(problemOf(file, `was not read: at most ${FILES_MAX} files are`, "Give the files that matter."));
      } else {
        known.add(real);
        files.push(file);
      }
    }
  }
  return files;
}

async function expand(given: string, problems: InputProblem[]): Promise<readonly string[]> {
  if (given === "-") return [given];
  try {
    if (!(await stat(given)).isDirectory()) return [given];
    return await logsIn(given, problems);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Of a file, opening it says what is wrong.
    if (code === "EACCES") problems.push(problemOf(given, "may not be read by this user", "Run doctor with sudo."));
    return code === "EACCES" ? [] : [given];
  }
}

/** The *.log files of a folder that were written last. */
async function logsIn(folder: string, problems: InputProblem[]): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => /\.log$/.test(name));
  const stats = await Promise.all(
    names.map(async (name) => {
      const found = await stat(join(folder, name)).catch(() => null);
      return found?.isFile() ? { name, at: found.mtimeMs } : null;
    }),
  );
  const found = stats.filter((each) => each !== null).sort((a, b) => b.at - a.at || (a.name < b.name ? -1 : 1));
  const read = found.slice(0, FOLDER_FILES_MAX).map(({ name }) => name);
  const text =
    read.length === 0
      ? "is a folder without *.log files"
      : `is a folder: read were ${read.join(", ")}${found.length > read.length ? ` (${read.length} of ${found.length}, the ones written last)` : ""}`;
  problems.push(problemOf(folder, text, "Give the files that matter, each with --log."));
  return read.map((name) => join(folder, name));
}

/** Looks a few times, until nothing comes any more or the moment is over. */
async function readLate(readings: readonly Reading[], forMs: Ms): Promise<void> {
  if (readings.length === 0) return;
  const until = now() + forMs;
  for (;;) {
    for (const { source } of readings) await source.readAppended();
    if (now() >= until) return;
    await sleep(POLL_MS);
  }
}

async function closeOne({ file, source, collector }: Reading, problems: InputProblem[]): Promise<Closed> {
  await source.close();
  const collected = collector.result();
  const { report, events, turns, formats, software, fromMs, toMs } = collected;
  if (report.lines === 0 && !problems.some(({ input }) => input === `--log ${file}`))
    problems.push(problemOf(file, "is empty", "Check that it is the log that is written to, and since when."));
  sayOtherZone(file, collected, problems);
  const { bytes, readBytes, encoding } = source;
  const summary = { file, bytes, readBytes, encoding, formats, software, fromMs, toMs, report, events, turns };
  return { file: summary, collected };
}

/** Times that are ahead of the clock by whole hours were printed in another zone. */
function sayOtherZone(file: string, { unzonedToMs }: Collected, problems: InputProblem[]): void {
  if (unzonedToMs === null) return;
  const ahead = unzonedToMs - Date.now();
  if (ahead < CLOCK_SKEW_MS) return;
  const halves = Math.ceil((ahead - CLOCK_SKEW_MS) / HALF_HOUR_MS);
  if (halves > 28)
    problems.push(problemOf(file, "has times that lie in the future", "Check the clock of its machine."));
  else
    problems.push(
      problemOf(file, `has times ${halves / 2} h ahead of this machine: another time zone`, OTHER_ZONE_NEXT),
    );
}

function ownAddresses(): ReadonlySet<string> {
  return new Set(Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address)));
}

function evidenceOf(closed: readonly Closed[], problems: readonly InputProblem[]): LogEvidence {
  const files = closed.map(({ file }) => file);
  const turns = files.flatMap((file) => file.turns).sort((a, b) => (a.atMs ?? 0) - (b.atMs ?? 0));
  const traffic = correlate(
    closed.flatMap(({ collected }) => collected.views),
    turns,
  );
  return {
    files,
    series: seriesOf(traffic),
    members: membersOf(traffic),
    patterns: patternsOf(traffic),
    joined: joinRequests(
      closed.map(({ file, collected }) => ({ file: file.file, events: file.events, identified: collected.identified })),
    ),
    duringProbes: closed.flatMap(({ collected }) => collected.duringProbes),
    problems: [...problems],
  };
}
