// What virtual servers write to their logs: a line of the access log for each request, and what goes wrong for the
// error log, in the words that its readers know, with our cause behind it.
import type { AccessLogConfig, ErrorLevel } from "../../config/servers.ts";
import { COMBINED } from "../../config/standards.ts";
import type { Failure } from "../../failure/failure.ts";
import { type NginxFacts, nginxFailureLevel, nginxFailureText } from "../../failure/nginx-text.ts";
import type { ErrorContext, ErrorLog } from "../../observe/error-log.ts";
import type { AccessLog } from "../../observe/format-log.ts";
import { compileLogFormat, type LogFormat } from "../../variables/log-format.ts";
import type { CompiledText } from "../../variables/subject.ts";
import { fieldValue } from "../../wire/head.ts";
import type { Attempt } from "../attempt.ts";
import type { PlanContext } from "./plan.ts";
import type { ServerRequest } from "./request.ts";

export interface LogPlan {
  readonly log: AccessLog;
  readonly line: LogFormat;
  readonly condition: CompiledText | null;
  /** null = it does not depend on the request. */
  readonly path: CompiledText | null;
}

export function compileLogs(logs: readonly AccessLogConfig[], context: PlanContext): readonly LogPlan[] {
  const { compiler, logs: open, formats } = context;
  if (!open) return [];
  return logs.map((config) => {
    const format = formats.find(({ name }) => name === config.format) ?? COMBINED;
    const line = compileLogFormat(format, (name) => compiler.table.variable(name));
    if (typeof line !== "function") throw new Error(`unknown "${line.unknown}" variable in log format ${format.name}`);
    return {
      log: open.access(config),
      line,
      condition: config.condition === null ? null : compiler.text(config.condition),
      path: config.to.kind === "text" ? compiler.text(config.to.path) : null,
    };
  });
}

/** The request is over. Subrequests are logged where the location says so. */
export function writeLogs(request: ServerRequest): void {
  const { location } = request;
  if (location.logs.length === 0 || (request.parent && !location.settings.logSubrequests)) return;
  const { subject } = request;
  for (const { log, line, condition, path } of location.logs) {
    if (condition) {
      const holds = condition.render(subject);
      if (holds === "" || holds === "0") continue;
    }
    if (path) log.write(line(subject), path.render(subject));
    else log.write(line(subject));
  }
}

/** A line of the error log. */
export function writeError(
  request: ServerRequest,
  level: ErrorLevel,
  text: string,
  more: Partial<ErrorContext> = {},
): void {
  const log: ErrorLog | null = request.location.errorLog;
  if (log?.enabled(level)) log.log(level, text, { ...contextOf(request), ...more });
}

function contextOf(request: ServerRequest): ErrorContext {
  const { exchange } = request.main;
  const { head, client } = exchange;
  const referrer = fieldValue(head, "referer");
  const host = fieldValue(head, "host");
  return {
    connection: client.serial,
    client: client.remoteAddress || "unix:",
    server: request.server.name,
    request: request.subject.requestLine,
    ...(request.parent && { subrequest: request.uri }),
    ...(host !== undefined && { host }),
    ...(referrer !== undefined && { referrer }),
  };
}

/** An attempt has failed: each is told, whatever becomes of the request. */
export function tellFailedAttempt(request: ServerRequest, attempt: Attempt, failure: Failure): void {
  if (attempt.dropped || failure.cause === "upstream-error-passthrough") return;
  const { exchange } = request;
  const scheme = attempt.group.config.tls ? "https" : "http";
  const upstream = `${scheme}://${attempt.peerLabel}${exchange.forwardTarget}`;
  writeError(request, nginxFailureLevel(failure), nginxFailureText(failure, factsOf(request)), {
    upstream,
    cause: failure.cause,
  });
}

/** What ends a request that no attempt has told of. */
export function tellFailure(request: ServerRequest, failure: Failure): void {
  if (request.exchange.attempts.some((attempt) => attempt.failure === failure)) return;
  const { group, attempt } = request.exchange;
  // Where the client is at fault, or we are, nobody may have been asked.
  const own = failure.phase === "client" || failure.cause === "gateway-internal-error";
  const upstream =
    group && (attempt || !own)
      ? `${group.config.tls ? "https" : "http"}://${group.config.name}${request.exchange.forwardTarget}`
      : undefined;
  writeError(request, nginxFailureLevel(failure), nginxFailureText(failure, factsOf(request)), {
    cause: failure.cause,
    ...(upstream && { upstream }),
  });
}

function factsOf({ exchange, uri, unresolved, clientBody }: ServerRequest): NginxFacts {
  const { head } = exchange;
  return {
    uri,
    asked: exchange.attempt !== null,
    inBody: clientBody?.mode === "lost",
    ...(unresolved && { host: unresolved.address.host }),
    ...(head.bodyLength > 0 && { bodyBytes: head.bodyLength }),
  };
}
