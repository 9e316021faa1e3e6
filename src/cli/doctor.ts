// goodgate doctor: reads the words of the command line, collects, concludes and prints. The report goes to standard
// output (text, --json or --markdown), progress to standard error where a person looks on. Exit codes: 0 no fault found,
// 1 a fault (or, without an address, risks), 2 wrong usage or nothing usable.
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { diagnose } from "../doctor/diagnose/diagnose.ts";
import type { DoctorReport } from "../doctor/diagnose/model.ts";
import type { InputProblem } from "../doctor/evidence.ts";
import { type DoctorOptions, readOrigin, readUrl } from "../doctor/options.ts";
import { renderHtml } from "../doctor/report/html.ts";
import { toJson } from "../doctor/report/json.ts";
import { renderMarkdown } from "../doctor/report/markdown.ts";
import { renderTerminal } from "../doctor/report/terminal.ts";
import { collect, inputProblem, isUsable } from "../doctor/run.ts";
import { loadIndex } from "../knowledge/load-index.ts";
import { parseDuration } from "../std/units.ts";
import { coloured, columns, print } from "./terminal.ts";
import { version } from "./version.ts";

const EXIT_FINE = 0;
const EXIT_FAULT = 1;
const EXIT_USAGE = 2;
const TIMEOUT_MS = 10_000;
const TIMEOUT_MIN_MS = 1_000;
const TIMEOUT_MAX_MS = 600_000;
const REQUESTS = 10;
const REQUESTS_MAX = 1_000;

/** The command's options as commander gives them. */
export interface DoctorFlags {
  readonly origin: readonly string[];
  readonly config: readonly string[];
  readonly log: readonly string[];
  readonly ca: readonly string[];
  readonly whatIf: readonly string[];
  readonly host?: string;
  readonly resolver?: string;
  readonly requests?: string;
  readonly timeout?: string;
  readonly chain?: string;
  readonly upgrade?: boolean;
  /** false = --no-redirects. */
  readonly redirects?: boolean;
  /** true = --local, false = --no-local, absent = neither. */
  readonly local?: boolean;
  readonly json?: boolean;
  readonly markdown?: boolean;
  readonly html?: string;
  readonly verbose?: boolean;
}

/** Runs the command; resolves with the exit code. */
export async function doctor(url: string | undefined, flags: DoctorFlags): Promise<number> {
  const options = readOptions(url, flags);
  if (!isUsable(options)) return usage(options.problems);
  const progress = progressLine();
  const evidence = await collect(options, { version, index: loadIndex(), onStep: progress.show });
  progress.end();
  const report: DoctorReport = { version, diagnosis: diagnose(evidence), evidence };
  if (flags.html !== undefined) {
    const problem = await writeReport(flags.html, renderHtml(report));
    if (problem) return usage([problem]);
  }
  await print(rendered(report, flags));
  return codeOf(report);
}

function rendered(report: DoctorReport, { json, markdown, verbose = false }: DoctorFlags): string {
  if (json) return `${JSON.stringify(toJson(report), null, 2)}\n`;
  if (markdown) return renderMarkdown(report);
  const unicode =
    process.platform !== "win32" && !/^(?:C|POSIX)$/.test(process.env["LC_ALL"] ?? process.env["LANG"] ?? "");
  return renderTerminal(report, { colour: coloured(), columns: columns(), verbose, unicode });
}

function codeOf({ diagnosis, evidence }: DoctorReport): number {
  const { outcome, risks } = diagnosis;
  const looked =
    evidence.targets.length +
    evidence.logs.files.filter(({ report: { lines } }) => lines > 0).length +
    evidence.configs.filter(({ kind }) => kind !== null).length;
  if (looked === 0 && evidence.chain === null) return EXIT_USAGE;
  if (outcome !== "healthy") return EXIT_FAULT;
  return evidence.url === null && risks.some(({ severity }) => severity === "risk") ? EXIT_FAULT : EXIT_FINE;
}

// ── The command line ────────────────────────────────────────────────────────────────────────────────────────────

function readOptions(text: string | undefined, flags: DoctorFlags): DoctorOptions {
  const problems: InputProblem[] = [];
  const keep = <T extends object>(read: T | InputProblem): T[] => {
    if (!("next" in read)) return [read as T];
    problems.push(read as InputProblem);
    return [];
  };
  const url = text === undefined ? null : (keep(readUrl(text))[0] ?? null);
  return {
    url,
    origins: flags.origin.flatMap((origin) => keep(readOrigin(origin, url))),
    configs: flags.config,
    logs: flags.log,
    host: flags.host ?? null,
    resolver: flags.resolver ?? null,
    ca: flags.ca.flatMap((file) => readAuthorities(file, problems)),
    requestsMax: numberOf(flags.requests, "--requests", REQUESTS, 1, REQUESTS_MAX, problems),
    timeoutMs: timeoutOf(flags.timeout, problems),
    upgrade: flags.upgrade === true,
    redirects: flags.redirects !== false,
    local: flags.local ?? null,
    chain: flags.chain ?? null,
    whatIf: flags.whatIf,
    problems,
  };
}

function readAuthorities(file: string, problems: InputProblem[]): string[] {
  const next = "Give a file with certificates in PEM form (-----BEGIN CERTIFICATE-----).";
  try {
    const pem = readFileSync(file, "utf8");
    if (pem.includes("-----BEGIN CERTIFICATE-----")) return [pem];
    problems.push(inputProblem(`--ca ${file}`, "There is no certificate in it.", next));
  } catch (error) {
    problems.push(inputProblem(`--ca ${file}`, (error as Error).message, next));
  }
  return [];
}

function numberOf(
  text: string | undefined,
  name: string,
  otherwise: number,
  least: number,
  most: number,
  problems: InputProblem[],
): number {
  if (text === undefined) return otherwise;
  const number = Number(text);
  if (Number.isInteger(number) && number >= least && number <= most) return number;
  problems.push(
    inputProblem(
      `${name} ${text}`,
      `It is no number from ${least} to ${most}; ${otherwise} is taken.`,
      `${name} ${otherwise}`,
    ),
  );
  return otherwise;
}

function timeoutOf(text: string | undefined, problems: InputProblem[]): number {
  if (text === undefined) return TIMEOUT_MS;
  const ms = parseDuration(/^\d+$/.test(text) ? `${text}s` : text);
  if (ms !== undefined && ms >= TIMEOUT_MIN_MS && ms <= TIMEOUT_MAX_MS) return ms;
  problems.push(inputProblem(`--timeout ${text}`, "It is no duration from 1s to 10m; 10s is taken.", "--timeout 30s"));
  return TIMEOUT_MS;
}

function usage(problems: readonly InputProblem[]): number {
  const lines = problems.map(({ text, next }) => `goodgate doctor: ${text}\n  ${next}\n`);
  process.stderr.write(
    lines.length > 0
      ? lines.join("")
      : "goodgate doctor: give an address, a configuration, a log or a chain:\n  goodgate doctor https://shop.example.com --config /etc/nginx/nginx.conf --log /var/log/nginx/error.log\n",
  );
  return EXIT_USAGE;
}

// ── Output ──────────────────────────────────────────────────────────────────────────────────────────────────────

async function writeReport(file: string, html: string): Promise<InputProblem | null> {
  try {
    await writeFile(file, html);
    return null;
  } catch (error) {
    return inputProblem(
      `--html ${file}`,
      (error as Error).message,
      "Name a file in a folder that exists and may be written to.",
    );
  }
}

/** One line on a terminal that is written over; nothing elsewhere. */
function progressLine(): { show: (text: string) => void; end: () => void } {
  if (!process.stderr.isTTY || process.env["TERM"] === "dumb") return { show: () => undefined, end: () => undefined };
  const wide = Math.max(20, (process.stderr.columns || 80) - 1);
  return {
    show: (text) => process.stderr.write(`\r\x1b[K${text.replace(/[\x00-\x1f\x7f-\x9f]/g, " ").slice(0, wide)}`),
    end: () => process.stderr.write("\r\x1b[K"),
  };
}
