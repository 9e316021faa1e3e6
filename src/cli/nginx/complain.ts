// What is wrong with a configuration, told in nginx's words and order. nginx stops at the first error, and so does
// this; with hints (a terminal, GOODGATE_HINTS=1) all come, each with its line and what was meant.
import { formatProblem } from "../../config/problem.ts";
import { toByteText } from "../../nginx/byte-text.ts";
import { checkDirectives } from "../../nginx/check.ts";
import { DIRECTIVES } from "../../nginx/directives/table.ts";
import { loadNginx, type ReadFailure } from "../../nginx/load.ts";
import { type NginxProblem, nginxLine } from "../../nginx/problem.ts";
import { FILES_ON_DISK } from "./files-on-disk.ts";
import { isError } from "./reading.ts";
import { type Level, print, type StartLog } from "./start-log.ts";

/** nginx's buffer for what is wrong with a configuration, without the place. */
const MESSAGE_BYTES_MAX = 1024;

/** Tells of problems as nginx does, up to the first error; with hints all, each with what was meant. */
export function sayProblems(problems: readonly NginxProblem[], log: StartLog, hints: boolean): void {
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

/** Tells that the main file cannot be read. What -g gave comes before it. */
export function complainUnreadable(
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
