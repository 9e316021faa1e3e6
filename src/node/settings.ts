// From what createProxy is given to a configuration. Addresses, an object and a file all go through the same checks as
// goodgate.yaml; everything that is wrong is told at once, in one Error, with file, line and column where there is a
// file. Listeners, console and workers are the program's, and have no meaning here.
import { readFileSync } from "node:fs";
import type { Config, Problem } from "../config/config.ts";
import { configFromUrls, formatProblem, type LoadResult, loadConfig } from "../config/load.ts";
import { compileLogTemplate } from "../observe/log-template.ts";
import { log } from "../std/log.ts";
import type { ConfigFile, ProxyLogger, ProxyOptions, ProxySettings, ProxyTarget } from "./public.ts";

/** What a proxy is made of. */
export interface Settings extends Required<Pick<ProxyOptions, "onError" | "logger">> {
  readonly config: Config;
  /** The logger is the application's. */
  readonly ownLogger: boolean;
  readonly onExchange: ProxyOptions["onExchange"];
}

const OPTIONS = ["onError", "onExchange", "logger"] as const;
const ON_ERROR: readonly unknown[] = ["respond", "next"];

/** Throws an Error with all problems. */
export function settingsOf(target: ProxyTarget, options: ProxyOptions): Settings {
  const isAddress = typeof target === "string" || Array.isArray(target);
  const all = isAddress ? options : { ...(target as ProxyOptions), ...options };
  const { onError = "respond", onExchange, logger = log as ProxyLogger } = all;
  const problems = optionProblems(all);
  const loaded = isAddress
    ? fromAddresses(typeof target === "string" ? [target] : (target as readonly string[]), options)
    : fromObject(all as Partial<ConfigFile> & ProxySettings & ProxyOptions);
  problems.push(...loaded.problems);
  const { config } = loaded;
  if (!config || problems.some(({ severity }) => severity === "error")) throw settingsError(problems);
  for (const problem of problems) logger.warn(formatProblem(problem).split("\n")[0]!);
  return {
    config: { ...config, listeners: [], console: null, workers: 1 },
    onError,
    onExchange,
    logger,
    ownLogger: all.logger !== undefined,
  };
}

function settingsError(problems: readonly Problem[]): Error {
  const errors = problems.filter(({ severity }) => severity === "error");
  return new Error(`goodgate/node: createProxy cannot work\n${errors.map((one) => formatProblem(one)).join("\n")}`);
}

function optionProblems({ onError, onExchange, logger }: ProxyOptions): Problem[] {
  const problems: Problem[] = [];
  if (onError !== undefined && !ON_ERROR.includes(onError))
    problems.push({ severity: "error", message: "onError is no such thing", hint: 'write "respond" or "next"' });
  if (onExchange !== undefined && typeof onExchange !== "function")
    problems.push({ severity: "error", message: "onExchange is not a function" });
  if (logger !== undefined && !(["info", "warn", "error"] as const).every((name) => typeof logger[name] === "function"))
    problems.push({ severity: "error", message: "logger lacks info, warn or error", hint: "console has them" });
  return problems;
}

function fromAddresses(given: readonly string[], { name, trust }: ProxyOptions): LoadResult {
  const urls = given.map((url) => (/^https?:/i.test(url) ? url : `http://${url}`));
  const loaded = configFromUrls(urls);
  // name and trust are checked as in any configuration.
  const beside = fromObject({ ...defined({ name, trust }), upstreams: { app: "localhost:1" } });
  const problems = [...loaded.problems, ...beside.problems];
  if (!loaded.config || !beside.config) return { problems };
  return { config: { ...loaded.config, name: beside.config.name, trust: beside.config.trust }, problems };
}

function fromObject(given: Partial<ConfigFile> & ProxySettings & ProxyOptions): LoadResult {
  const { config: file, ...rest } = given;
  const settings = Object.fromEntries(Object.entries(rest).filter(([key]) => !OPTIONS.includes(key as never)));
  if (file !== undefined) return fromFile(file, settings);
  // As a file with the variables of the environment switched off, so that its checks and its words are the same.
  const text = JSON.stringify(settings, null, 2).replace(/\$\{/g, () => "$${");
  const { problems, ...loaded } = loadConfig(text, "", {}, { logTemplate: logTemplateProblem });
  return { ...loaded, problems: [...problems.map(withoutPosition), ...programProblems(settings)] };
}

function fromFile(file: string, beside: Readonly<Record<string, unknown>>): LoadResult {
  const { name, trust, ...more } = beside;
  const unknown = Object.keys(more);
  if (unknown.length > 0) {
    const hint = `put ${unknown.join(", ")} into ${file}`;
    return { problems: [{ severity: "error", message: "a configuration file, and settings beside it", hint }] };
  }
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException;
    const hint = `relative names start at ${process.cwd()}`;
    return { problems: [{ severity: "error", message: `${file} cannot be read (${code})`, hint }] };
  }
  const loaded = loadConfig(text, file, process.env, { logTemplate: logTemplateProblem });
  const own = fromObject({ ...defined({ name, trust }), upstreams: { app: "localhost:1" } });
  const problems = [...loaded.problems, ...own.problems];
  if (!loaded.config || !own.config) return { problems };
  const config = {
    ...loaded.config,
    ...(name === undefined ? {} : { name: own.config.name }),
    ...(trust === undefined ? {} : { trust: own.config.trust }),
  };
  return { config, problems };
}

/** In a file these may stand for the program's sake; whoever writes them into a call expects something of them. */
function programProblems(settings: Readonly<Record<string, unknown>>): Problem[] {
  return ["listen", "console", "workers"]
    .filter((key) => Object.hasOwn(settings, key))
    .map((key) => ({
      severity: "error",
      message: `"${key}" has no meaning inside an application`,
      hint: "the application's own server listens",
    }));
}

/** There is no file that a person could look into: the line itself is shown. */
function withoutPosition({ position: _position, source, ...problem }: Problem): Problem {
  const line = (source ?? "")
    .trim()
    .replace(/,$/, "")
    .replaceAll("$${", () => "${");
  return /^[{}[\]]*$/.test(line) ? problem : { ...problem, message: `${problem.message} (at ${line})` };
}

function defined(settings: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

function logTemplateProblem(template: string): string | undefined {
  const compiled = compileLogTemplate(template);
  return "problem" in compiled ? compiled.problem : undefined;
}
