// Basic authentication (RFC 7617) as nginx does it: what the Authorization field says, and what a request gets for it.
// The log line of each outcome is part of it, since people search their logs for these words.
import type { ErrorLevel } from "../config/servers.ts";
import { decodeBase64 } from "./base64.ts";
import type { PasswordCheck, UserFiles } from "./htpasswd.ts";

/** Byte text. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** What the outcome adds to the log; "open() …" lines have the system's error behind them. */
export interface AuthLogLine {
  readonly level: ErrorLevel;
  readonly text: string;
}

export type BasicOutcome =
  | { readonly kind: "ok"; readonly user: string }
  /** 401 with this WWW-Authenticate. */
  | { readonly kind: "challenge"; readonly challenge: string; readonly log: AuthLogLine }
  /** 403: there is no such user file. */
  | { readonly kind: "forbidden"; readonly log: AuthLogLine }
  /** 500: it cannot be read, or its entry is of no known scheme. */
  | { readonly kind: "error"; readonly log: AuthLogLine };

/** User and password of an Authorization field; null = it is missing, of another scheme, or invalid. */
export function parseBasicCredentials(authorization: string | undefined): Credentials | null {
  const match = /^basic +(.+)$/is.exec(authorization ?? "");
  const decoded = match && decodeBase64(match[1]!)?.toString("latin1");
  const end = decoded ? decoded.indexOf(":") : -1;
  if (!decoded || end <= 0) return null;
  return { user: decoded.slice(0, end), password: decoded.slice(end + 1) };
}

/** What a request with this Authorization field gets. `path` is absolute; all is byte text. */
export function checkBasicAuth(
  authorization: string | undefined,
  realm: string,
  files: UserFiles,
  path: string,
): BasicOutcome | Promise<BasicOutcome> {
  const credentials = parseBasicCredentials(authorization);
  if (!credentials) {
    const text = "no user/password was provided for basic authentication";
    return { kind: "challenge", challenge: challengeOf(realm), log: { level: "info", text } };
  }
  const check = files.check(path, credentials.user, credentials.password);
  if (check instanceof Promise) return check.then((done) => outcomeOf(done, credentials.user, realm, path));
  return outcomeOf(check, credentials.user, realm, path);
}

function outcomeOf(check: PasswordCheck, user: string, realm: string, path: string): BasicOutcome {
  switch (check.outcome) {
    case "match":
      return { kind: "ok", user };
    case "mismatch":
      return challenged(realm, `user "${user}": password mismatch`);
    case "unknown-user":
      return challenged(realm, `user "${user}" was not found in "${path}"`);
    case "unsupported":
      return failed(`user "${user}": the scheme of the entry in "${path}" is not supported`);
    case "overloaded":
      return failed(`user "${user}": too many passwords are being checked`);
    case "unreadable":
      if (check.error.code === "ENOENT") return { kind: "forbidden", log: openFailed("error", path, check.error) };
      return { kind: "error", log: openFailed("crit", path, check.error) };
  }
}

function challengeOf(realm: string): string {
  return `Basic realm="${realm}"`;
}

function challenged(realm: string, text: string): BasicOutcome {
  return { kind: "challenge", challenge: challengeOf(realm), log: { level: "error", text } };
}

function failed(text: string): BasicOutcome {
  return { kind: "error", log: { level: "crit", text } };
}

function openFailed(level: ErrorLevel, path: string, error: NodeJS.ErrnoException): AuthLogLine {
  const reason = error.code === "ENOENT" ? "No such file or directory" : error.message;
  return { level, text: `open() "${path}" failed (${Math.abs(error.errno ?? 0)}: ${reason})` };
}
