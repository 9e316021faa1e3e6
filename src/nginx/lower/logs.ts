// Access logs and their formats.
import type { AccessLogConfig, LogFormatConfig } from "../../config/servers.ts";
import { COMBINED } from "../../config/standards.ts";
import { suggest } from "../../config/suggest.ts";
import type { Arg, Directive } from "../tree.ts";
import { parseNumber, parseSize, parseTime } from "../units.ts";
import { type Lowering, prefixPath } from "./lowering.ts";
import { syslogOf } from "./process.ts";
import { argOf, type Scope } from "./scope.ts";
import { hasVariables, textOf } from "./text.ts";

/** Formats of the http block, "combined" first. */
export function formatsOf(http: Scope): LogFormatConfig[] {
  const formats = [COMBINED];
  for (const directive of http.own("log_format")) {
    const name = argOf(directive);
    const known = formats.some((format) => format.name === name);
    if (known) http.problems.complain(directive, `duplicate "log_format" name "${name}"`, directive.args[0]);
    else formats.push(formatOf(http, directive));
  }
  return formats;
}

function formatOf(http: Scope, directive: Directive): LogFormatConfig {
  const [name, second, ...others] = directive.args;
  const given = second?.value.startsWith("escape=") ? second.value.slice("escape=".length) : null;
  const escaping = given === null ? "default" : ESCAPES.find((each) => each === given);
  if (escaping === undefined) http.problems.complain(directive, `unknown log format escaping "${given}"`, second);
  const texts = given === null && second ? [second, ...others] : others;
  return {
    name: name?.value ?? "",
    escape: escaping ?? "default",
    text: texts.map((arg) => textOf(http, directive, arg)).join(""),
  };
}

const ESCAPES = ["default", "json", "none"] as const;

/** The logs that hold in a block. */
export function accessLogsOf(scope: Scope, lowering: Lowering): AccessLogConfig[] {
  const directives = scope.all("access_log");
  if (directives.length === 0) return [{ ...PLAIN, to: fileTarget(lowering.options.accessLog), format: "combined" }];
  const logs = directives.flatMap((directive) => logOf(scope, directive, lowering) ?? []);
  return directives.some((directive) => argOf(directive) === "off") ? [] : logs;
}

const PLAIN = { condition: null, bufferBytes: 0, flushMs: 0, gzipLevel: 0 } as const;

function logOf(scope: Scope, directive: Directive, lowering: Lowering): AccessLogConfig | null {
  const [target, format] = directive.args;
  const { problems } = scope;
  if (!target) return null;
  if (target.value === "off") {
    if (format) problems.complain(directive, `invalid parameter "${format.value}"`, format);
    return null;
  }
  const to = targetOf(scope, directive, target, lowering);
  const name = format?.value ?? "combined";
  const known = lowering.formats.find((each) => each.name.toLowerCase() === name.toLowerCase());
  if (!known) {
    const meant = suggest(
      name,
      lowering.formats.map((each) => each.name),
    );
    const hint = meant === undefined ? "define it in the http block: log_format" : `did you mean "${meant}"?`;
    problems.complain(directive, `unknown log format "${name}"`, format, { hint });
  }
  const log = { to, format: known?.name ?? "combined", ...parametersOf(scope, directive) };
  if (log.flushMs > 0 && log.bufferBytes === 0)
    problems.complain(directive, `no buffer is defined for access_log "${target.value}"`);
  if (log.bufferBytes > 0 && to?.kind === "text")
    problems.complain(directive, "buffered logs cannot have variables in name");
  if (log.bufferBytes > 0 && to?.kind === "syslog") problems.complain(directive, "logs to syslog cannot be buffered");
  return to && { ...log, to };
}

function targetOf(scope: Scope, directive: Directive, arg: Arg, { options }: Lowering): AccessLogConfig["to"] | null {
  const { value } = arg;
  if (value.startsWith("syslog:")) {
    const syslog = syslogOf(value);
    if (typeof syslog !== "string") return syslog;
    scope.problems.complain(directive, syslog, arg);
    return null;
  }
  const path = prefixPath(options, value);
  if (hasVariables(value)) return { kind: "text", path: textOf(scope, directive, path) };
  return fileTarget(path);
}

function fileTarget(path: string): AccessLogConfig["to"] {
  if (path === "/dev/stdout") return { kind: "stdout" };
  return path === "/dev/stderr" ? { kind: "stderr" } : { kind: "file", path };
}

function parametersOf(scope: Scope, directive: Directive): Pick<AccessLogConfig, keyof typeof PLAIN> {
  let log: Pick<AccessLogConfig, keyof typeof PLAIN> = PLAIN;
  const wrong = (text: string, arg: Arg) => scope.problems.complain(directive, text, arg);
  for (const arg of directive.args.slice(2)) {
    const { value } = arg;
    const given = value.slice(value.indexOf("=") + 1);
    if (value.startsWith("buffer=")) {
      const bufferBytes = parseSize(given);
      if (bufferBytes) log = { ...log, bufferBytes };
      else wrong(`invalid buffer size "${given}"`, arg);
    } else if (value.startsWith("flush=")) {
      const flushMs = parseTime(given);
      if (flushMs) log = { ...log, flushMs };
      else wrong(`invalid flush time "${given}"`, arg);
    } else if (value === "gzip" || value.startsWith("gzip=")) {
      const gzipLevel = value === "gzip" ? 1 : (parseNumber(given) ?? 0);
      if (gzipLevel < 1 || gzipLevel > 9) wrong(`invalid compression level "${given}"`, arg);
      log = { ...log, gzipLevel, bufferBytes: log.bufferBytes || 65_536 };
    } else if (value.startsWith("if=")) log = { ...log, condition: textOf(scope, directive, given) };
    else wrong(`invalid parameter "${value}"`, arg);
  }
  return log;
}
