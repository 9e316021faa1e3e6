// goodgate run: read the configuration (or make one of URLs), say what is wrong with it, and serve, by this process or
// by workers, until a signal ends it (service.ts).
import { existsSync } from "node:fs";
import type { CommandLine } from "./backend/config-view.ts";
import { InheritedSockets } from "./inherited-sockets.ts";
import { type LoadOptions, loadTargets } from "./load.ts";
import { type PidFileOptions, pidFilePath } from "./pid-file.ts";
import { printProblems } from "./problems.ts";
import { Served } from "./serve.ts";
import { runService } from "./service.ts";
import { looksLikeUrl } from "./target.ts";

export interface RunOptions extends LoadOptions, PidFileOptions {}

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
  const { config, problems } = await load();
  printProblems(problems);
  if (!config) return EXIT_USAGE;
  const inherited = InheritedSockets.fromEnvironment();
  const { workerCount, Crew } = await import("./workers.ts");
  const workers = workerCount(config.workers);
  const service = workers > 1 ? new Crew(config, workers, inherited) : new Served(config, inherited.take);
  const file = wanted.some(looksLikeUrl) ? null : wanted[0]!;
  const { data } = options;
  return runService(service, {
    config,
    problems,
    load,
    pidFile: pidFilePath(options),
    data,
    commandLine: commandLineOf(wanted, options),
    language: options.as === "nginx" || options.as === "yaml" ? options.as : undefined,
    file,
    workers,
    inherited,
  });
}

/** What was said on the command line, as a goodgate.yaml would have said it. */
function commandLineOf(
  targets: readonly string[],
  { listen, console: address, workers, data }: RunOptions,
): CommandLine {
  const values: Record<string, unknown> = {};
  if (targets.some(looksLikeUrl)) values["upstreams"] = { app: { endpoints: targets } };
  if (listen?.length) values["listen"] = listen;
  if (address !== undefined) values["console"] = address;
  if (workers !== undefined) values["workers"] = workers;
  if (data !== undefined) values["data"] = data;
  return { values };
}
