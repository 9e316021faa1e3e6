// goodgate run: read the configuration (or make one of URLs), say what is wrong with it, start, and live until a
// signal ends it. HUP reads the configuration again, USR1 reopens logs, TERM and QUIT drain, INT stops at once.
import { existsSync } from "node:fs";
import { formatAddress } from "../config/address.ts";
import type { Config } from "../config/config.ts";
import { log } from "../std/log.ts";
import { announce, warnOfSilentEndpoints } from "./announce.ts";
import { type LoadOptions, loadTargets, looksLikeUrl } from "./load.ts";
import { type PidFileOptions, pidFilePath, removePidFile, writePidFile } from "./pid-file.ts";
import { printProblems, reportStartError } from "./problems.ts";
import { bufferOwnLog, openConsole, Served } from "./serve.ts";

export interface RunOptions extends LoadOptions, PidFileOptions {}

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/** Runs the gateway; resolves with an exit code where it cannot start, with undefined once it runs. */
export async function run(targets: readonly string[], options: RunOptions): Promise<number | undefined> {
  const wanted = targets.length > 0 ? targets : existsSync("goodgate.yaml") ? ["goodgate.yaml"] : [];
  if (wanted.length === 0) {
    process.stderr.write(
      "goodgate run: name a configuration file or the URL of your application, e.g. goodgate run http://localhost:3000\n",
    );
    return EXIT_USAGE;
  }
  const load = () => loadTargets(wanted, options);
  const { config, problems } = load();
  printProblems(problems);
  if (!config) return EXIT_USAGE;
  const { workerCount, runPrimary, isWorker, runWorker } = await import("./workers.ts");
  if (isWorker) return runWorker(config, load);
  if (workerCount(config.workers) > 1) return runPrimary(config, load, pidFilePath(options));
  return runSingle(config, load, pidFilePath(options), wanted.some(looksLikeUrl) ? null : wanted[0]!);
}

type Load = () => ReturnType<typeof loadTargets>;

async function runSingle(
  config: Config,
  load: Load,
  pidFile: string,
  file: string | null,
): Promise<number | undefined> {
  const served = new Served(config);
  try {
    await served.gateway.start();
  } catch (error) {
    reportStartError(error);
    served.gateway.close();
    return EXIT_FAILED;
  }
  const console_ = await openConsole(config, { ready: () => served.ready(), metrics: () => served.metrics.render() });
  writePidFile(pidFile);
  announce(config, served.gateway.ports, console_ && formatAddress(console_.address), file);
  void warnOfSilentEndpoints(config);
  const ownLog = bufferOwnLog();
  const stop = async (drain: boolean): Promise<void> => {
    const whole = drain ? await served.drain() : served.close();
    await console_?.close();
    await ownLog.close();
    removePidFile(pidFile);
    process.exit(whole ? 0 : EXIT_FAILED);
  };
  onSignals({
    reload: () => reload(load, (next) => served.reload(next)),
    reopen: () => served.reopenLogs(),
    drain: () => stop(true),
    stop: () => stop(false),
  });
  return undefined;
}

/** Reads the configuration again and hands it on; what is wrong is said, and the old one stays. */
export async function reload(load: Load, take: (config: Config) => Promise<void>): Promise<void> {
  const { config, problems } = load();
  printProblems(problems);
  if (!config) return log.error("reload: the configuration has errors; the one that runs stays in force");
  try {
    await take(config);
    log.info("reloaded");
  } catch (error) {
    log.error(`reload failed, the running configuration stays in force: ${(error as Error).message}`);
  }
}

interface SignalActions {
  reload(): Promise<void>;
  reopen(): Promise<void>;
  drain(): Promise<void>;
  stop(): Promise<void>;
}

/** Ties the signals that nginx's users know to their actions. USR1 would start Node's inspector: a handler prevents it. */
export function onSignals(actions: SignalActions): void {
  const handle = (name: string, action: () => Promise<void>) => (): void => {
    action().catch((error: unknown) => log.error(`${name}: ${(error as Error).message}`));
  };
  let ending = false;
  const end = (action: () => Promise<void>) => async (): Promise<void> => {
    if (ending) return actions.stop();
    ending = true;
    await action();
  };
  process.on("SIGHUP", handle("reload", actions.reload));
  process.on("SIGUSR1", handle("reopen logs", actions.reopen));
  process.on("SIGTERM", handle("drain", end(actions.drain)));
  process.on("SIGQUIT", handle("drain", end(actions.drain)));
  process.on("SIGINT", handle("stop", actions.stop));
}
