// What went wrong with the database, in words for the person who runs the gateway, and what follows from it. The
// password of a URL is in none of them. Pure.
import { clip } from "./bounds.ts";

/** full, busy, away: it is tried again. broken: the file is set aside. refused: a setting is wrong; tried again, too. other: the records themselves do not fit. */
export type ProblemKind = "full" | "busy" | "away" | "broken" | "refused" | "other";

export interface Problem {
  readonly kind: ProblemKind;
  readonly words: string;
}

const SQLITE: readonly (readonly [code: RegExp, kind: ProblemKind, words: string])[] = [
  [/^SQLITE_FULL/, "full", "the disk is full: nothing is kept until there is room"],
  [/^SQLITE_(?:CORRUPT|NOTADB)/, "broken", "the database is damaged"],
  [/^SQLITE_IOERR/, "full", "the disk answers with an error: nothing is kept until it works"],
  [/^SQLITE_(?:BUSY|LOCKED|PROTOCOL)/, "busy", "another program holds the database"],
  [/^SQLITE_(?:READONLY|PERM|AUTH)/, "refused", "the database may not be written"],
  [/^SQLITE_CANTOPEN/, "refused", "the database cannot be opened"],
  [/^SQLITE_NOMEM/, "full", "there is no memory left for the database"],
  [/^ENOSPC|^EDQUOT/, "full", "the disk is full: nothing is kept until there is room"],
  [/^EIO/, "full", "the disk answers with an error: nothing is kept until it works"],
  [/^EROFS/, "refused", "the file system is read-only"],
  [/^EACCES|^EPERM/, "refused", "this user may not write there"],
  [/^ENOTDIR|^EEXIST|^ENOENT|^EISDIR/, "refused", "there is no such folder and it cannot be made"],
];

const POSTGRES: readonly (readonly [code: RegExp, kind: ProblemKind, words: string])[] = [
  [/^28/, "away", "PostgreSQL refuses the user or its password"],
  [/^3D000/, "away", "PostgreSQL has no such database"],
  [/^42501/, "away", "the user may not create or write tables in this database"],
  [/^25006/, "away", "PostgreSQL is read-only (a standby?)"],
  [/^53[12]00/, "full", "PostgreSQL's disk or memory is full"],
  [/^53300/, "away", "PostgreSQL has no connection left"],
  [/^57P0|^08/, "away", "PostgreSQL is shutting down or starting, or has cut the connection"],
  [/^(?:57014|55P03|40)/, "busy", "PostgreSQL was too slow, or another gateway was in the way"],
  [/^ECONNREFUSED/, "away", "nothing listens at PostgreSQL's address"],
  [/^(?:ENOTFOUND|EAI_)/, "away", "the name of PostgreSQL's host does not resolve"],
  [/^E(?:CONNRESET|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|ACCES)/, "away", "PostgreSQL cannot be reached"],
  [/^ENOENT/, "away", "there is no such socket of PostgreSQL"],
  [/^(?:CERT_|UNABLE_|SELF_SIGNED|DEPTH_ZERO|ERR_TLS|ERR_SSL)/, "away", "PostgreSQL's certificate is not accepted"],
];

/** Reads an error of SQLite, of the file system or of PostgreSQL; `secrets` are taken out of its text. */
export function readProblem(error: unknown, postgres: boolean, secrets: readonly string[] = []): Problem {
  const { code, message } = codeAndMessage(error);
  const detail = clip(withoutSecrets(message, secrets).replace(/\s+/g, " ").trim(), 300);
  for (const [pattern, kind, words] of postgres ? POSTGRES : SQLITE) {
    if (pattern.test(code)) return { kind, words: `${words} (${detail === "" ? code : detail})` };
  }
  if (/disk image is malformed|not a database/i.test(message))
    return { kind: "broken", words: `the database is damaged (${detail})` };
  if (postgres && /terminated|timeout|not queryable|closed|does not support SSL|ended/i.test(message)) {
    return { kind: "away", words: `PostgreSQL cannot be reached (${detail})` };
  }
  return { kind: "other", words: `the database says: ${detail === "" ? code : detail}` };
}

function codeAndMessage(error: unknown): { code: string; message: string } {
  if (!(error instanceof Error)) return { code: "", message: String(error) };
  // Several addresses of a name were tried.
  const first = error instanceof AggregateError ? error.errors[0] : error;
  const code = (first as { code?: unknown }).code ?? (error as { code?: unknown }).code;
  const message = error.message === "" && first instanceof Error ? first.message : error.message;
  const opened = /Unable to open connection to local database .*: (\d+)/.exec(message);
  if (opened) return { code: opened[1] === "13" ? "SQLITE_FULL" : "SQLITE_CANTOPEN", message };
  return { code: typeof code === "string" ? code : "", message };
}

function withoutSecrets(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets) if (secret !== "") clean = clean.replaceAll(secret, "[redacted]");
  return clean;
}

/** A postgres:// URL without its password and its parameters, and what must be said nowhere. */
export function readPostgresUrl(url: string): { readonly shown: string; readonly secrets: readonly string[] } {
  const match = /^(postgres(?:ql)?:\/\/)(.*)$/is.exec(url);
  if (!match) throw new Error('store: a PostgreSQL store is a URL like "postgres://user:password@host:5432/database"');
  const [beforeQuery = "", ...queries] = match[2]!.split("?");
  const at = beforeQuery.lastIndexOf("@");
  const userInfo = at < 0 ? "" : beforeQuery.slice(0, at);
  const colon = userInfo.indexOf(":");
  const password = colon < 0 ? "" : userInfo.slice(colon + 1);
  const user = colon < 0 ? userInfo : userInfo.slice(0, colon);
  const secrets = [password, decoded(password)];
  for (const [name, value] of new URLSearchParams(queries.join("?"))) {
    if (/pass/i.test(name)) secrets.push(value, encodeURIComponent(value));
  }
  const place = at < 0 ? beforeQuery : beforeQuery.slice(at + 1);
  const known = [...new Set(secrets)].filter((secret) => secret !== "").sort((a, b) => b.length - a.length);
  return { shown: `${match[1]!.toLowerCase()}${user === "" ? "" : `${user}@`}${place}`, secrets: known };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Not percent-encoded: it is the password as it stands.
    return text;
  }
}
