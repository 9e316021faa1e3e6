// goodgate run: read the configuration (or make one of URLs), say what is wrong with it, start, and live until a
// signal ends it (signals.ts).
import cluster from "node:cluster";
import { existsSync } from "node:fs";
import { formatAddress } from "../config/address.ts";
import type { Config } from "../config/config.ts";
import { announce, warnOfSilentEndpoints } from "./announce.ts";
import { type LoadOptions, loadTargets } from "./load.ts";
import { type PidFileOptions, pidFilePath, removePidFile, writePidFile } from "./pid-file.ts";
import { printProblems, reportStartError } from "./problems.ts";
import { bufferOwnLog, openConsole, Served } from "./serve.ts";
import { onSignals, reload } from "./signals.ts";
import { looksLikeUrl } from "./target.ts";

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
  if (!cluster.isWorker) printProblems(problems);
  if (!config) return EXIT_USAGE;
  if (cluster.isWorker) return (await import("./worker.ts")).runWorker(config, load);
  const { workerCount, runPrimary } = await import("./workers.ts");
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
  let console_: Awaited<ReturnType<typeof openConsole>> = null;
  const ownLog = bufferOwnLog();
  const stop = async (drain: boolean): Promise<void> => {
    const whole = drain ? await served.drain() : served.close();
    await console_?.close();
    await ownLog.close();
    removePidFile(pidFile);
    process.exit(whole ? 0 : EXIT_FAILED);
  };
  // Before anybody can know that we run: a signal that nothing handles would end the process.
  onSignals({
    reload: () => reload(load, (next) => served.reload(next)),
    reopen: () => served.reopenLogs(),
    drain: () => stop(true),
    stop: () => stop(false),
  });
  try {
    await served.gateway.start();
  } catch (error) {
    reportStartError(error);
    served.gateway.close();
    return EXIT_FAILED;
  }
  console_ = await openConsole(config, { ready: () => served.ready(), metrics: () => served.metrics.render() });
  writePidFile(pidFile);
  announce(config, served.gateway.ports, console_ && formatAddress(console_.address), file);
  void warnOfSilentEndpoints(config);
  return undefined;
}
