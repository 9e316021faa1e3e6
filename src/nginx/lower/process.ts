// What the main context says of the process: who runs it, how many, where it notes its number and its errors. The
// command line (cli/nginx) acts on it; the data path never sees it. Error logs are read here for every block.
import { isProblem, parseAddress } from "../../config/address.ts";
import type { ErrorLevel, ErrorLogConfig, SyslogConfig } from "../../config/servers.ts";
import type { Ms } from "../../std/units.ts";
import type { Directive } from "../tree.ts";
import { parseNumber } from "../units.ts";
import { type LowerOptions, prefixPath } from "./lowering.ts";
import { argOf, argsOf, flagOf, msOf, type Scope } from "./scope.ts";

export interface ProcessSettings {
  /** null = not said. `group` is that of the same name where only the user is given. */
  readonly user: { readonly name: string; readonly group: string } | null;
  readonly workerProcesses: number | "auto";
  readonly pid: string;
  /** Those of the main context; never empty. */
  readonly errorLogs: readonly ErrorLogConfig[];
  /** The process goes to the background. */
  readonly daemon: boolean;
  /** False = one process for everything. */
  readonly masterProcess: boolean;
  /** How long an orderly end waits for requests; 0 = without bound. */
  readonly shutdownTimeoutMs: Ms;
  /** "NAME" keeps a variable of the environment, "NAME=value" sets it. */
  readonly env: readonly string[];
  readonly workingDirectory: string | null;
}

/** Reads the main context. */
export function processSettingsOf(main: Scope, options: LowerOptions): ProcessSettings {
  const [name, group = name] = argsOf(main.last("user"));
  const workers = argOf(main.last("worker_processes"));
  const pid = argOf(main.last("pid"));
  const said = main.last("worker_processes");
  if (said && workers !== "auto" && parseNumber(workers) === undefined)
    main.problems.complain(said, '"worker_processes" directive invalid value', said.args[0]);
  return {
    user: name === undefined || group === undefined ? null : { name, group },
    workerProcesses: workers === "auto" ? "auto" : Number(workers) || 1,
    pid: pid === "" ? options.pid : prefixPath(options, pid),
    errorLogs: errorLogsOf(main, options),
    daemon: flagOf(main, "daemon", true),
    masterProcess: flagOf(main, "master_process", true),
    shutdownTimeoutMs: msOf(main, "worker_shutdown_timeout", 0),
    env: main.own("env").map((directive) => argOf(directive)),
    workingDirectory: main.last("working_directory") ? argOf(main.last("working_directory")) : null,
  };
}

/** The error logs that hold in a block; where none is configured the one of the command line, for errors. */
export function errorLogsOf(scope: Scope, options: LowerOptions): ErrorLogConfig[] {
  const given = scope.all("error_log");
  if (given.length > 0) return given.flatMap((directive) => errorLogOf(scope, directive, options) ?? []);
  const { errorLog } = options;
  const to = errorLog === "" || errorLog === "stderr" ? STDERR : ({ kind: "file", path: errorLog } as const);
  return [{ to, level: "error" }];
}

const STDERR = { kind: "stderr" } as const;
const LEVELS: readonly ErrorLevel[] = ["debug", "info", "notice", "warn", "error", "crit", "alert", "emerg"];

const DEBUG_CLASS = /^debug_(?:core|alloc|mutex|event|http|mail|stream)$/;

function errorLogOf(scope: Scope, directive: Directive, options: LowerOptions): ErrorLogConfig | undefined {
  const [target = "", ...levels] = argsOf(directive);
  // debug_http and its like are classes of debugging, which is not told apart here.
  const named = levels.map((word) => (word.startsWith("debug_") ? "debug" : word)).at(-1) ?? "error";
  const level = LEVELS.find((each) => each === named) ?? "error";
  for (const arg of directive.args.slice(1)) {
    const isKnown = LEVELS.some((each) => each === arg.value) || DEBUG_CLASS.test(arg.value);
    if (!isKnown) scope.problems.complain(directive, `invalid log level "${arg.value}"`, arg);
    else if (arg !== directive.args[1] && !DEBUG_CLASS.test(arg.value))
      scope.problems.complain(directive, `duplicate log level "${arg.value}"`, arg);
  }
  // A buffer in memory that a debugger reads: nobody can read it here.
  if (target.startsWith("memory:")) return undefined;
  if (target === "stderr") return { to: STDERR, level };
  if (target.startsWith("syslog:")) {
    const to = syslogOf(target);
    if (typeof to !== "string") return { to, level };
    scope.problems.complain(directive, to, directive.args[0]);
    return undefined;
  }
  return { to: { kind: "file", path: prefixPath(options, target) }, level };
}

const FACILITIES = [
  ...["kern", "user", "mail", "daemon", "auth", "intern", "lpr", "news", "uucp", "clock", "authpriv", "ftp", "ntp"],
  ...["audit", "alert", "cron", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"],
];
const SEVERITIES = ["emerg", "alert", "crit", "error", "warn", "notice", "info", "debug"];

/** "syslog:server=…,tag=…", or what nginx says of it. */
export function syslogOf(target: string): SyslogConfig | string {
  const given = new Map<string, string>();
  for (const parameter of target.slice("syslog:".length).split(",")) {
    const [name = "", value = ""] = splitOnce(parameter);
    const complaint = syslogComplaint(given, parameter, name, value);
    if (complaint !== null) return complaint;
    given.set(name, value);
  }
  const server = given.get("server");
  if (server === undefined) return "no syslog server specified";
  const address = /^unix:/i.test(server)
    ? ({ kind: "unix", path: server.slice(5) } as const)
    : parseAddress(/(?:^[^:]+|\])$/.test(server) ? `${server}:514` : server);
  if (isProblem(address)) return `invalid host in syslog server "${server}"`;
  return {
    kind: "syslog",
    server: address,
    facility: given.get("facility") ?? "local7",
    severity: given.get("severity") ?? "info",
    tag: given.get("tag") ?? "nginx",
    noHostname: given.has("nohostname"),
  };
}

function syslogComplaint(
  given: ReadonlyMap<string, string>,
  parameter: string,
  name: string,
  value: string,
): string | null {
  if (
    !["server", "facility", "severity", "tag", "nohostname"].includes(name) ||
    (name === "nohostname" && value !== "")
  )
    return `unknown syslog parameter "${parameter}"`;
  if (given.has(name) && name !== "nohostname") return `duplicate syslog "${name}"`;
  if (name === "facility" && !FACILITIES.includes(value)) return `unknown syslog facility "${value}"`;
  if (name === "severity" && !SEVERITIES.includes(value)) return `unknown syslog severity "${value}"`;
  if (name !== "tag") return null;
  if (value.length > 32) return "syslog tag length exceeds 32";
  return /^\w*$/.test(value) ? null : 'syslog "tag" only allows alphanumeric characters and underscore';
}

function splitOnce(text: string): readonly [string, string] {
  const at = text.indexOf("=");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
