// The files that nginx opens when it starts, and already when it only tests (-t): the pid file and the logs, made
// where they are missing. A test that leaves that out would promise a start that fails on a folder that is not there.
import { closeSync, constants, openSync, statSync } from "node:fs";
import { fullName, type NginxConfiguration } from "../../nginx/load.ts";
import type { Directive } from "../../nginx/tree.ts";
import { fileName } from "./files-on-disk.ts";
import { directivesOf } from "./meanings.ts";
import { BUILT_IN, type Names } from "./names.ts";
import { systemError } from "./strerror.ts";

/** The pid file first, then logs in the order of the configuration; byte text. */
export interface FilesToOpen {
  readonly pid: string;
  readonly logs: readonly string[];
}

/** What a configuration without mistakes makes nginx open. */
export function filesToOpen(configuration: NginxConfiguration, { prefix, errorLog }: Names): FilesToOpen {
  let pid: string = BUILT_IN.pid;
  let mainHasErrorLog = false;
  const logs = new Set<string>();
  const servers = new Set<Directive>();
  const withAccessLog = new Set<Directive | null>();
  let http: Directive | null = null;
  for (const { directive, context, block } of directivesOf(configuration)) {
    const { name, args } = directive;
    const value = args[0]?.value ?? "";
    if (context === undefined) continue;
    if (name === "pid") pid = fullName(prefix, value);
    else if (name === "http") http = directive;
    else if (name === "server" && context === "http") servers.add(directive);
    else if (name === "access_log") {
      withAccessLog.add(block);
      if (isFile(value) && value !== "off") logs.add(fullName(prefix, value));
    } else if (name === "error_log") {
      if (context === "main" && !/^(?:syslog|memory):/.test(value)) mainHasErrorLog = true;
      if (isFile(value) && value !== "stderr") logs.add(fullName(prefix, value));
    }
  }
  // A server that says nothing of it has the access log that is built in.
  if (!withAccessLog.has(http) && [...servers].some((server) => !withAccessLog.has(server)))
    logs.add(BUILT_IN.accessLog);
  if (!mainHasErrorLog && errorLog !== "") logs.add(errorLog);
  return { pid, logs: [...logs] };
}

/** A name with variables is opened per request. */
function isFile(value: string): boolean {
  return value !== "" && !value.includes("$") && !/^(?:syslog|memory):/.test(value);
}

/** Opens them and closes them again; what nginx says of the first that cannot be opened. */
export function tryToOpen({ pid, logs }: { readonly pid?: string; readonly logs: readonly string[] }): string | null {
  return (
    (pid === undefined ? null : complaintOf(pid, constants.O_RDWR | constants.O_CREAT)) ??
    logs.map((path) => complaintOf(path, "a")).find((complaint) => complaint !== null) ??
    null
  );
}

function complaintOf(path: string, flags: string | number): string | null {
  try {
    // Whoever reads a pipe would take this for the end, and where nobody does, opening waits.
    if (statSync(fileName(path), { throwIfNoEntry: false })?.isFIFO()) return null;
    closeSync(openSync(fileName(path), flags, 0o644));
    return null;
  } catch (error) {
    const { errno, text } = systemError(error);
    // A socket (systemd's journal) cannot be opened; it is written to as the stream that it is.
    if (/^\/dev\/std(?:out|err)$/.test(path) && (error as NodeJS.ErrnoException).code === "ENXIO") return null;
    return `open() "${path}" failed (${errno}: ${text})`;
  }
}
