// `-t` and `-T`: what nginx would say of a configuration, in its words, order and place, and its exit code. nginx
// stops at the first error, and so does this; with hints (a terminal, GOODGATE_HINTS=1) all errors come, each with
// its line, a mark where the mistake is and what was meant. What Goodgate refuses is an error as well: the test
// answers whether this program could run the file.
import { certificateProblem } from "../../net/server-tls.ts";
import { dumpFiles } from "../../nginx/load.ts";
import type { NginxProblem } from "../../nginx/problem.ts";
import { complainUnreadable, sayProblems } from "./complain.ts";
import { filesToOpen, tryToOpen } from "./files-to-open.ts";
import type { Names } from "./names.ts";
import type { Options } from "./options.ts";
import { isError, readConfiguration } from "./reading.ts";
import type { StartLog } from "./start-log.ts";

/** nginx finds these when it has read everything and has said that the syntax is fine. */
const LATE = /^(?:no "events" section|zero size shared memory zone )/;

function isLate({ placeless, message }: NginxProblem): boolean {
  return placeless === true && LATE.test(message);
}

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
  const reading = readConfiguration(names, directives);
  if ("errno" in reading) {
    complainUnreadable(reading, names.conf, directives, log, hints);
    return failed();
  }
  const { configuration, problems } = reading;
  const ofFiles = problems.filter((problem) => !isLate(problem));
  sayProblems(ofFiles, log, hints);
  if (ofFiles.some(isError)) return failed();
  const unusable = certificateProblem(reading.meant?.config.servers?.servers ?? []);
  if (unusable !== null) {
    log.log("emerg", unusable);
    return failed();
  }
  if (!quiet) log.tell(`the configuration file ${names.conf} syntax is ok`);
  const late = problems.filter(isLate);
  if (late.some(isError)) {
    sayProblems(late, log, hints);
    return failed();
  }
  const complaint = tryToOpen(filesToOpen(configuration, names));
  if (complaint !== null) {
    log.log("emerg", complaint);
    return failed();
  }
  if (!quiet) log.tell(`configuration file ${names.conf} test is successful`);
  if (dump) process.stdout.write(Buffer.from(dumpFiles(configuration.files), "latin1"));
  return 0;
}
