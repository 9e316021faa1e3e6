// goodgate-nginx: the program in the place of nginx's, with nginx's command line. It runs a configuration, tests and
// prints it (-t, -T), gives orders to the running process (-s) and says what it is (-v, -V, -h).
import { toByteText } from "../../nginx/byte-text.ts";
import { setLogSink } from "../../std/log.ts";
import { loadInParts } from "../in-parts.ts";
import { workerId } from "../worker-messages.ts";
import { complainUnreadable, sayProblems } from "./complain.ts";
import { testConfiguration } from "./configuration-test.ts";
import { filesToOpen } from "./files-to-open.ts";
import { becomeWorkerIdentity } from "./identity.ts";
import { type Names, namesOf } from "./names.ts";
import { type Options, parseOptions, type Signal } from "./options.ts";
import { tellLastError } from "./process-log.ts";
import { giveOrder } from "./process-number.ts";
import { isError, readConfiguration } from "./reading.ts";
import { openStartLog, print, type StartLog, tell } from "./start-log.ts";
import { versionText } from "./version.ts";

/** Runs the command line; the exit code is set on the process. */
export async function main(argv: readonly string[]): Promise<void> {
  if (workerId > 0) {
    await loadInParts();
    const { runWorker, sayToPrimary } = await import("../worker.ts");
    // Nobody may be left at standard error: the error log is told.
    setLogSink(sayToPrimary);
    tellLastError(() => {});
    return void runWorker(becomeWorkerIdentity);
  }
  // Whoever reads the dump may have seen enough of it ("| head").
  process.stdout.on("error", () => process.exit(1));
  const code = await run(argv.map(toByteText));
  if (code !== undefined) process.exitCode = code;
}

async function run(argv: readonly string[]): Promise<number | undefined> {
  const options = parseOptions(argv);
  if (typeof options === "string") {
    tell(options);
    return 1;
  }
  if (options.version) print(versionText(options));
  if (options.version && !options.test) return 0;
  const names = namesOf(options);
  const log = openStartLog(names.errorLog);
  const hints = wantsHints();
  if (options.test) return testConfiguration(options, names, log, hints);
  if (options.signal !== null) return order(options.signal, options, names, log, hints);
  await loadInParts();
  return (await import("./start.ts")).startNginx(options, names, log, hints);
}

/** nginx reads the whole configuration to find the pid file, and does nothing where that has a mistake. */
function order(signal: Signal, { directives }: Options, names: Names, log: StartLog, hints: boolean): number {
  const reading = readConfiguration(names, directives);
  if ("errno" in reading) {
    complainUnreadable(reading, names.conf, directives, log, hints);
    return 1;
  }
  sayProblems(reading.problems, log, hints);
  if (reading.problems.some(isError)) return 1;
  return giveOrder(signal, filesToOpen(reading.configuration, names).pid, log);
}

/** Output that no program reads may say more than nginx's. */
function wantsHints(): boolean {
  const wish = process.env["GOODGATE_HINTS"];
  return wish === undefined || wish === "" ? process.stderr.isTTY === true : wish !== "0";
}
