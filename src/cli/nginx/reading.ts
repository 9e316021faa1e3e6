// One reading of an nginx.conf for every purpose: to test it (-t), to run it, to run it anew (HUP, upgrade), to find
// the process that runs it (-s). What is wrong comes from three places, each only where the one before found no error:
// the language and the table of directives, the user of this machine, and what the lowering makes of it all.
import type { Address, Config } from "../../config/config.ts";
import { checkDirectives } from "../../nginx/check.ts";
import { DIRECTIVES } from "../../nginx/directives/table.ts";
import { loadNginx, type NginxConfiguration, type ReadFailure } from "../../nginx/load.ts";
import { type Lowered, leniently, lowerNginx } from "../../nginx/lower/lower.ts";
import type { LowerOptions } from "../../nginx/lower/lowering.ts";
import type { ProcessSettings } from "../../nginx/lower/process.ts";
import type { NginxProblem } from "../../nginx/problem.ts";
import { wantedConsole } from "./console.ts";
import { FILES_ON_DISK } from "./files-on-disk.ts";
import { BUILT_IN, type Names } from "./names.ts";
import { resolveNames } from "./resolve-names.ts";
import { userProblem, withUserProblem } from "./user.ts";

export interface Reading {
  readonly configuration: NginxConfiguration;
  /** In nginx's order. */
  readonly problems: readonly NginxProblem[];
  /** null where a problem is an error. */
  readonly meant: { readonly config: Config; readonly process: ProcessSettings } | null;
}

/** Reads a configuration; a failure = its main file cannot be read. */
export function readConfiguration(names: Names, directives: string): Reading | ReadFailure {
  const configuration = loadNginx(names.conf, FILES_ON_DISK, directives);
  if ("errno" in configuration) return configuration;
  const checked = checkDirectives(configuration, DIRECTIVES).problems;
  const told = withUserProblem(userProblem(configuration), checked);
  const found = names.lenient ? told.map(leniently) : told;
  if (found.some(isError)) return { configuration, problems: found, meant: null };
  const lowered = lowerAt(configuration, names);
  const problems = [...found, ...lowered.problems];
  const { config, process } = lowered;
  if (config === null || problems.some(isError)) return { configuration, problems, meant: null };
  const resolved = resolveNames(config, configuration);
  return {
    configuration,
    problems: [...problems, ...resolved.problems],
    meant: { config: { ...config, addresses: resolved.addresses, console: consoleAddress() }, process },
  };
}

/** A wish that cannot be is told by whoever starts. */
function consoleAddress(): Address | null {
  const wanted = wantedConsole();
  return typeof wanted === "string" ? null : wanted;
}

/** Lowers a configuration in which no error was found. */
export function lowerAt(configuration: NginxConfiguration, names: Names, more: Partial<LowerOptions> = {}): Lowered {
  return lowerNginx(configuration, {
    prefix: names.prefix,
    confDir: names.conf.slice(0, names.conf.lastIndexOf("/") + 1),
    errorLog: names.errorLog === "" ? "stderr" : names.errorLog,
    accessLog: BUILT_IN.accessLog,
    pid: BUILT_IN.pid,
    lenient: names.lenient,
    ...more,
  });
}

/** Whether nginx would end here. */
export function isError({ severity }: NginxProblem): boolean {
  return severity === "error";
}
