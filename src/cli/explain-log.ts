// goodgate explain --log: a whole log, read as a stream in bounded memory, grouped by what it says. "-" is standard
// input; names that end in .gz are unpacked. Progress goes to standard error where a person looks on.
import { createReadStream, statSync } from "node:fs";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { explain } from "../explain/explain.ts";
import { createLogGroups } from "../explain/log/groups.ts";
import type { ClassTotal, Counted, LogGroup, LogReport } from "../explain/log/log-report.ts";
import { loadIndex } from "../knowledge/load-index.ts";
import { printable } from "../wire/printable.ts";

const EXIT_FINE = 0;
const EXIT_FAILURES = 1;
const EXIT_USAGE = 2;
const GROUPS_SHOWN = 12;
/** Longer lines are cut: binary files have no line ends. In UTF-16 units. */
const LINE_MAX = 64 * 1024;
const PROGRESS_EVERY_MS = 100;
const BAR = 28;

/** Reads the log and prints what is in it; resolves with the exit code: 1 where failures were found. */
export async function explainLog(file: string, json: boolean, colour: boolean): Promise<number> {
  const index = loadIndex();
  const groups = createLogGroups((text) => explain(text, index));
  const problem = await eachLine(file, groups.add);
  if (problem !== null) {
    process.stderr.write(`goodgate explain: ${file}: ${problem}\n`);
    return EXIT_USAGE;
  }
  const report = groups.result();
  const text = json ? `${JSON.stringify(report, null, 2)}\n` : renderReport(report, colour);
  await new Promise<void>((resolve) => process.stdout.write(text, () => resolve()));
  return report.failures > 0 ? EXIT_FAILURES : EXIT_FINE;
}

/** Gives each line to `take`; resolves with what went wrong, null = nothing. */
async function eachLine(file: string, take: (line: string, number: number) => void): Promise<string | null> {
  const size = file === "-" ? 0 : statSync(file).size;
  const progress = progressBar(size);
  const raw: Readable = file === "-" ? process.stdin : createReadStream(file, { highWaterMark: 256 * 1024 });
  let seen = 0;
  raw.on("data", (chunk: Buffer) => (seen += chunk.length));
  const input: Readable = file.endsWith(".gz") ? raw.pipe(createGunzip()) : raw;
  if (input !== raw) raw.on("error", (error: Error) => input.destroy(error));
  const decoder = new TextDecoder();
  let rest = "";
  let number = 0;
  try {
    for await (const chunk of input as AsyncIterable<Buffer>) {
      const text = rest + decoder.decode(chunk, { stream: true });
      let start = 0;
      for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
        number += 1;
        take(text.slice(start, Math.min(end, start + LINE_MAX)), number);
        start = end + 1;
      }
      // Behind the bound the rest of an endless line is dropped as it comes.
      rest = text.slice(start, start + LINE_MAX);
      progress.show(seen, number);
    }
  } catch (error) {
    return (error as Error).message;
  } finally {
    progress.end();
  }
  if (rest !== "") take(rest, number + 1);
  return null;
}

/** One line on a terminal that is written over; nothing elsewhere. */
function progressBar(size: number): { show: (bytes: number, lines: number) => void; end: () => void } {
  if (!process.stderr.isTTY) return { show: () => undefined, end: () => undefined };
  let last = 0;
  return {
    show: (bytes, lines) => {
      const now = performance.now();
      if (now - last < PROGRESS_EVERY_MS) return;
      last = now;
      const share = size > 0 ? Math.min(1, bytes / size) : 0;
      const filled = Math.round(share * BAR);
      const bar = size > 0 ? `[${"#".repeat(filled)}${".".repeat(BAR - filled)}] ${Math.round(share * 100)} %  ` : "";
      process.stderr.write(`\r${bar}${lines.toLocaleString("en")} lines`);
    },
    end: () => process.stderr.write("\r\x1b[K"),
  };
}

/** The report as a person reads it: the verdict, then the largest groups. */
export function renderReport(report: LogReport, colour: boolean): string {
  const bold = (text: string) => (colour ? `\x1b[1m${text}\x1b[0m` : text);
  const dim = (text: string) => (colour ? `\x1b[2m${text}\x1b[0m` : text);
  const { lines, benign, other, clientErrors, failures, groups, others, classes } = report;
  const counts = `${lines.toLocaleString("en")} lines: ${failures.toLocaleString("en")} failures, ${benign.toLocaleString("en")} of normal work, ${clientErrors.toLocaleString("en")} client errors, ${other.toLocaleString("en")} others`;
  const shown = groups.slice(0, GROUPS_SHOWN).map((group) => groupText(group, bold, dim));
  const hidden = groups.length - shown.length + others.groups;
  return [
    "",
    bold(printable(report.verdict)),
    dim(counts),
    "",
    ...classes.map((total) => classText(total)),
    "",
    ...shown,
    ...(hidden > 0 ? [dim(`and ${hidden.toLocaleString("en")} more groups (--json lists them)`), ""] : []),
  ].join("\n");
}

function classText({ class: of, count, title, first, last }: ClassTotal): string {
  const when = first.time && last.time ? `  ${first.time} – ${last.time}` : `  lines ${first.line}–${last.line}`;
  return `${count.toLocaleString("en").padStart(9)}  ${(of ?? "not in the reference").padEnd(26)} ${printable(title)}${printable(when)}`;
}

type Style = (text: string) => string;

function groupText(group: LogGroup, bold: Style, dim: Style): string {
  const rows = [
    `${bold(`${group.count.toLocaleString("en")} × ${group.class ?? "not in the reference"}`)} ${dim(`(${group.confidence}; lines ${group.first.line}–${group.last.line})`)}`,
    `  ${printable(group.sample.split("\n", 1)[0]!).slice(0, 200)}`,
  ];
  for (const [name, values] of [
    ["upstreams", group.upstreams],
    ["hosts", group.hosts],
    ["paths", group.paths],
  ] as const)
    if (values.length > 0) rows.push(dim(`  ${name}: ${values.slice(0, 4).map(counted).join(", ")}`));
  rows.push(`  → ${printable(group.next.text)}`);
  if (group.next.command) rows.push(`    $ ${printable(group.next.command)}`);
  return `${rows.join("\n")}\n`;
}

const counted = ({ value, count, atMost }: Counted): string => `${printable(value)} (${atMost ? "≤ " : ""}${count})`;
