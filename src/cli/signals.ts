// What signals mean, as nginx's users know them: HUP reads the configuration again, USR1 reopens logs, USR2 starts the
// program anew in place of this process, TERM and QUIT drain, INT stops at once.
import type { Config } from "../config/config.ts";
import { formatProblem } from "../config/load.ts";
import { log } from "../std/log.ts";
import type { Loaded } from "./load.ts";
import { printProblems } from "./problems.ts";
import type { Outcome } from "./status-file.ts";

/** Reads the configuration again and hands it on; what is wrong is said, and the old one stays. */
export async function reload(load: () => Promise<Loaded>, take: (config: Config) => Promise<void>): Promise<Outcome> {
  const { config, problems } = await load();
  printProblems(problems);
  const said = problems.map((problem) => formatProblem(problem, false));
  const refused = (why: string): Outcome => {
    log.error(why);
    return { ok: false, said: [...said, why] };
  };
  if (!config) return refused("reload: the configuration has errors; the one that runs stays in force");
  try {
    await take(config);
  } catch (error) {
    return refused(`reload failed, the running configuration stays in force: ${(error as Error).message}`);
  }
  log.info("reloaded");
  return { ok: true, said };
}

interface SignalActions {
  reload(): Promise<void>;
  reopen(): Promise<void>;
  upgrade(): Promise<void>;
  drain(): Promise<void>;
  stop(): Promise<void>;
}

/** Ties the signals to their actions. USR1 would start Node's inspector: a handler prevents it. */
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
  process.on("SIGUSR2", handle("upgrade", actions.upgrade));
  process.on("SIGTERM", handle("drain", end(actions.drain)));
  process.on("SIGQUIT", handle("drain", end(actions.drain)));
  process.on("SIGINT", handle("stop", actions.stop));
}
