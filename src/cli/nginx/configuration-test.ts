// `-t` and `-T`: what nginx would say of a configuration, in its words, order and place, and its exit code. nginx
// stops at the first error, and so does this; with hints (a terminal, GOODGATE_HINTS=1) all errors come, each with
// its line, a mark where the mistake is and what was meant. What Goodgate refuses is an error as well: the test
// answers whether this program could run the file.
import { formatProblem } from "../../config/problem.ts";
import { toByteText } from "../../nginx/byte-text.ts";
import { checkDirectives } from "../../nginx/check.ts";
import { DIRECTIVES } from "../../nginx/directives/table.ts";
import { dumpFiles, loadNginx, type ReadFailure } from "../../nginx/load.ts";
import { type NginxProblem, nginxLine } from "../../nginx/problem.ts";
import { FILES_ON_DISK } from "./files-on-disk.ts";
import { filesToOpen, tryToOpen } from "./files-to-open.ts";
import type { Names } from "./names.ts";
import type { Options } from "./options.ts";
import { type Level, print, type StartLog } from "./start-log.ts";
import { userProblem, withUserProblem } from "./user.ts";

/** nginx's buffer for what is wrong with a configuration, without the place. */
const MESSAGE_BYTES_MAX = 1024;

/** Tests the configuration and prints what came of it; returns the exit code. */
export function testConfiguration(
  { quiet, dump, directives }: Options,
  names: Names,
  log: StartLog,
  hints: boolean,
): number {
  const failed = () => {
    log.tell(`configuration file ${names.conf} test failed`);
    return 1;
  };
  const loaded = loadNginx(names.conf, FILES_ON_DISK, directives);
  if ("errno" in loaded) {
    complainUnreadable(loaded, names.conf, directives, log, hints);
    return failed();
  }
  const problems = withUserProblem(userProblem(loaded), checkDirectives(loaded, DIRECTIVES).problems);
  const ofFiles = problems.filter(({ placeless }) => !placeless);
  sayProblems(ofFiles, log, hints);
  if (ofFiles.some(isError)) return failed();
  if (!quiet) log.tell(`the configuration file ${names.conf} syntax is ok`);
  if (problems.some(isError)) {
    sayProblems(problems.filter(isError), log, hints);
    return failed();
  }
  const complaint = tryToOpen(filesToOpen(loaded, names));
  if (complaint !== null) {
    log.log("emerg", complaint);
    return failed();
  }
  if (!quiet) log.tell(`configuration file ${names.conf} test is successful`);
  if (dump) process.stdout.write(Buffer.from(dumpFiles(loaded.files), "latin1"));
  return 0;
}

function isError({ severity }: NginxProblem): boolean {
  return severity === "error";
}

function sayProblems(problems: readonly NginxProblem[], log: StartLog, hints: boolean): void {
  const first = problems.findIndex(isError);
  const told = hints || first === -1 ? problems : problems.slice(0, first + 1);
  for (const problem of told) {
    // nginx has nothing to say of what it accepts.
    if (!hints && problem.nginx === null && !isError(problem)) continue;
    const [level, text] = asLogged(problem);
    log.log(level, text);
    if (hints) print(hintOf(problem));
  }
}

/** The line of the log, as byte text. */
function asLogged(problem: NginxProblem): [Level, string] {
  // What cannot be read is told by the one who read, without a place.
  if (problem.kind === "include" && problem.nginx?.startsWith("pread()")) return ["crit", toByteText(problem.nginx)];
  const text = toByteText(problem.nginx ?? problem.message);
  const whole = toByteText(nginxLine({ ...problem, nginx: "" }));
  const [, level, place] = /^nginx: \[(emerg|warn)\] ([\s\S]*)$/.exec(whole)!;
  return [level as Level, text.slice(0, MESSAGE_BYTES_MAX) + place!];
}

/** The line with its mark, and what was meant: what formatProblem writes below the message. */
function hintOf(problem: NginxProblem): string {
  const [, ...below] = formatProblem(problem).split("\n");
  return below.map((line) => `${toByteText(line)}\n`).join("");
}

/** The main file cannot be read. What -g gave comes before it. */
function complainUnreadable(
  { call, errno, text }: ReadFailure,
  conf: string,
  directives: string,
  log: StartLog,
  hints: boolean,
): void {
  const alone = loadNginx(conf, { ...FILES_ON_DISK, read: () => "events {}\n" }, directives);
  const given = "errno" in alone ? [] : checkDirectives(alone, DIRECTIVES).problems;
  const ofCommandLine = given.filter((problem) => problem.in.kind === "command-line");
  sayProblems(ofCommandLine, log, hints);
  if (!ofCommandLine.some(isError))
    log.log(call === "pread" ? "crit" : "emerg", `${call}() "${conf}" failed (${errno}: ${text})`);
}
