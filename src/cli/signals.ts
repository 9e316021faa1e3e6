// What signals mean: HUP reads the configuration again, USR1 reopens logs, TERM and QUIT drain, INT stops at once.
import cluster from "node:cluster";
import type { Config } from "../config/config.ts";
import { log } from "../std/log.ts";
import type { Loaded } from "./load.ts";
import { printProblems } from "./problems.ts";

/** Reads the configuration again and hands it on; what is wrong is said, and the old one stays. */
export async function reload(load: () => Loaded, take: (config: Config) => Promise<void>): Promise<void> {
  const { config, problems } = load();
  // With workers the primary has said it.
  if (!cluster.isWorker) printProblems(problems);
  if (!config) return log.error("reload: the configuration has errors; the one that runs stays in force");
  try {
    await take(config);
    if (!cluster.isWorker) log.info("reloaded");
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
