// `goodgate-nginx` without -t and -s: reads the configuration, opens what is to be opened, and serves until a signal
// ends it (life.ts). The order is nginx's, and what is wrong is told where nginx tells it: configuration, logs,
// listeners, and only then the background, the pid file and the workers.
import { release, type as systemName } from "node:os";
import type { Oversight } from "../backend/oversight.ts";
import { InheritedSockets } from "../inherited-sockets.ts";
import { version } from "../version.ts";
import { complainUnreadable, sayProblems } from "./complain.ts";
import { wantedConsole } from "./console.ts";
import { startServing, workersOf } from "./crew.ts";
import { isInBackground, sayStarted, startInBackground } from "./daemon.ts";
import { filesToOpen, tryToOpen } from "./files-to-open.ts";
import { makeFolders } from "./folders.ts";
import { giveTo, workerIdentity } from "./identity.ts";
import { type Begin, NginxLife } from "./life.ts";
import type { Names } from "./names.ts";
import type { Options } from "./options.ts";
import { ProcessLog, tellLastError } from "./process-log.ts";
import { writeNumber } from "./process-number.ts";
import { readConfiguration } from "./reading.ts";
import type { StartLog } from "./start-log.ts";
import { NGINX_VERSION } from "./version.ts";

/** Starts; resolves with an exit code where it cannot, or need not, go on; with undefined once it runs. */
export async function startNginx(
  { directives }: Options,
  names: Names,
  startLog: StartLog,
  hints: boolean,
): Promise<number | undefined> {
  const inBackground = isInBackground();
  const inherited = InheritedSockets.fromEnvironment();
  const reading = readConfiguration(names, directives);
  if ("errno" in reading) {
    complainUnreadable(reading, names.conf, directives, startLog, hints);
    return 1;
  }
  const goesOff = !inBackground && !inherited.fromPredecessor && reading.meant?.process.daemon === true;
  if (goesOff) return startInBackground();
  sayProblems(reading.problems, startLog, hints);
  if (!reading.meant) return 1;
  const { config, process: settings } = reading.meant;
  const files = filesToOpen(reading.configuration, names);
  const complaint = tryToOpen({ logs: files.logs });
  if (complaint !== null) return fail(startLog, complaint);
  applyEnvironment(settings.env);
  const identity = settings.masterProcess ? workerIdentity(settings.user) : null;
  giveTo(identity, files.logs);
  for (const each of makeFolders(config, identity)) startLog.log("warn", each);
  const log = new ProcessLog(settings.errorLogs);
  tellLastError(() => log.flushSync());
  const workers = workersOf(settings, identity);
  const service = await startServing({ config, settings, identity, inherited, log }, startLog.log);
  if (!service) {
    await log.close();
    return 1;
  }
  for (const socket of inherited.closeRest())
    log.log("notice", `a socket that this process was started with is closed, no "listen" has its address: ${socket}`);
  const begin = { names, directives, config, settings, identity, inherited, log, service, inBackground };
  // Before anybody can know our number: a signal that nothing handles would end the process.
  const life = new NginxLife({ ...begin, logPaths: files.logs });
  life.listen();
  const noNumber = writeNumber(settings.pid);
  if (noNumber !== null) {
    await service.end("stop");
    // Signals are handled already, which would keep the process.
    process.exit(fail(startLog, noNumber));
  }
  introduce(log, workers);
  const wish = wantedConsole();
  if (typeof wish === "string") log.log("error", `no console: ${wish}`);
  if (config.console) life.oversight = await oversee(life, begin);
  // Whoever waited for us goes, and takes its end of standard error along.
  process.stderr.on("error", () => {});
  if (inBackground) sayStarted();
  return undefined;
}

/** Console and incidents beside it; their code is loaded only where they were asked for. */
async function oversee(life: NginxLife, { config, names, service, directives }: Begun): Promise<Oversight> {
  const { Oversight } = await import("../backend/oversight.ts");
  return Oversight.open({
    config,
    problems: [],
    file: names.conf,
    commandLine: { values: {} },
    language: "nginx",
    data: process.env["GOODGATE_DATA"],
    load: async () => {
      const reading = readConfiguration(names, directives);
      if ("errno" in reading) return { problems: [] };
      const { meant, problems } = reading;
      return { problems, ...(meant && { config: meant.config }) };
    },
    source: service.source,
    handlers: service.consoleHandlers(),
    ports: () => service.sockets.map(({ port }) => port),
    reload: () => life.reload(),
  });
}

type Begun = Pick<Begin, "config" | "names" | "service" | "directives">;

function fail(startLog: StartLog, text: string): number {
  startLog.log("emerg", text);
  return 1;
}

/** "NAME=value" sets a variable; "NAME" alone is there already. */
function applyEnvironment(env: readonly string[]): void {
  for (const each of env) {
    const at = each.indexOf("=");
    if (at > 0) process.env[each.slice(0, at)] = each.slice(at + 1);
  }
}

function introduce(log: ProcessLog, workers: number): void {
  log.log("notice", `nginx/${NGINX_VERSION} (Goodgate ${version})`);
  log.log("notice", `OS: ${systemName()} ${release()}`);
  log.log("notice", "start worker processes");
  if (workers === 0) log.log("notice", `start worker process ${process.pid}`);
}
