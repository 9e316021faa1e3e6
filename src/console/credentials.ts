// What proves who asks: a token in the Authorization field, a session's cookie, a certificate of the client CA. Tokens
// are compared by their digests in constant time; both are always compared, so that time does not tell which was near.
// Guesses are limited by who makes them, and the login form by all that come: a wrong token costs a pause that doubles.
// The same wrong token again is no new guess: a scraper with an old token locks nobody out who shares its address.
// Only the admin's token wipes guesses out: else whoever may look could guess at the other without a pause.
import { createHash, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import type { ConsoleAccess } from "../config/observability.ts";
import type { Ms } from "../std/units.ts";
import type { Role } from "./guard.ts";

export interface Tokens {
  readonly token?: string;
  readonly readToken?: string;
}

const TOKEN_CHARS_MAX = 512;

/**
 * The tokens that configuration and environment name; a file comes before its variable. Throws an Error that says what
 * to do where a file cannot be used: a console without its guard is worse than none.
 */
export function readTokens(
  access: Pick<ConsoleAccess, "tokenFile" | "readTokenFile"> | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): Tokens {
  const token = tokenOf(access?.tokenFile, "token-file", environment["GOODGATE_CONSOLE_TOKEN"]);
  const readToken = tokenOf(access?.readTokenFile, "read-token-file", environment["GOODGATE_CONSOLE_READ_TOKEN"]);
  if (token !== "" && token === readToken) {
    throw new Error("the console's two tokens are the same: whoever may look could change things; make them differ");
  }
  return { ...(token === "" ? {} : { token }), ...(readToken === "" ? {} : { readToken }) };
}

function tokenOf(file: string | null | undefined, field: string, variable: string | undefined): string {
  if (file === null || file === undefined) return variable?.trim() ?? "";
  let text: string;
  try {
    text = readFileSync(file, "utf8").trim();
  } catch (error) {
    throw new Error(`the console's ${field} ${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  if (text === "" || /\s/.test(text) || text.length > TOKEN_CHARS_MAX) {
    throw new Error(
      `the console's ${field} ${file} must hold one token of at most ${TOKEN_CHARS_MAX} characters: openssl rand -hex 32`,
    );
  }
  return text;
}

/** The role that a token gives; null = none of ours. */
export function roleOf(given: string, { token, readToken }: Tokens): Role | null {
  const isAdmin = same(given, token);
  const isReader = same(given, readToken);
  return isAdmin ? "admin" : isReader ? "reader" : null;
}

function same(given: string, token: string | undefined): boolean {
  return timingSafeEqual(digest(given), digest(token ?? "")) && token !== undefined && token !== "";
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** The token of an Authorization field; null = it has none. */
export function bearerOf(header: string | undefined): string | null {
  return /^Bearer +(\S+) *$/i.exec(header ?? "")?.[1] ?? null;
}

interface Guesses {
  wrong: number;
  lastAt: Ms;
  /** Digests of wrong tokens, the latest last. */
  readonly known: string[];
}

const KNOWN_MAX = 8;

const FREE_PER_CLIENT = 5;
const FREE_IN_ALL = 30;
const PAUSE_MS = 1_000;
const PAUSE_MAX_MS = 60_000;
/** All together wait less: one attacker is not to keep everybody out. */
const PAUSE_ALL_MAX_MS = 10_000;
const FORGOTTEN_MS = 10 * 60_000;
const CLIENTS_MAX = 1_000;

/** Counts wrong tokens. Instants come in. */
export class GuessLimit {
  readonly #clients = new Map<string, Guesses>();
  readonly #all: Guesses = { wrong: 0, lastAt: -Infinity, known: [] };

  /** How long this client is to wait before a token of it is looked at; 0 = not at all. */
  pauseMs(client: string, nowMs: Ms): Ms {
    return pauseOf(this.#clients.get(networkOf(client)), nowMs, FREE_PER_CLIENT, PAUSE_MAX_MS);
  }

  /** As pauseMs, and for all clients together: of the login form. */
  loginPauseMs(client: string, nowMs: Ms): Ms {
    return Math.max(this.pauseMs(client, nowMs), pauseOf(this.#all, nowMs, FREE_IN_ALL, PAUSE_ALL_MAX_MS));
  }

  /** Whether this client was told before that this token is wrong. */
  isKnown(client: string, token: string): boolean {
    return this.#clients.get(networkOf(client))?.known.includes(shortDigest(token)) === true;
  }

  noteWrong(client: string, token: string, nowMs: Ms): void {
    const key = networkOf(client);
    const guesses = this.#clients.get(key) ?? { wrong: 0, lastAt: -Infinity, known: [] };
    guesses.known.push(shortDigest(token));
    if (guesses.known.length > KNOWN_MAX) guesses.known.shift();
    note(guesses, nowMs);
    note(this.#all, nowMs);
    // The one that guessed last stands at the end; the first to go guessed longest ago.
    this.#clients.delete(key);
    this.#clients.set(key, guesses);
    if (this.#clients.size <= CLIENTS_MAX) return;
    for (const oldest of this.#clients.keys()) {
      this.#clients.delete(oldest);
      return;
    }
  }

  noteRight(client: string): void {
    this.#clients.delete(networkOf(client));
  }
}

function shortDigest(token: string): string {
  return digest(token).toString("base64").slice(0, 16);
}

function note(guesses: Guesses, nowMs: Ms): void {
  guesses.wrong = nowMs - guesses.lastAt > FORGOTTEN_MS ? 1 : guesses.wrong + 1;
  guesses.lastAt = nowMs;
}

function pauseOf(guesses: Guesses | undefined, nowMs: Ms, free: number, maxMs: Ms): Ms {
  if (guesses === undefined || guesses.wrong < free || nowMs - guesses.lastAt > FORGOTTEN_MS) return 0;
  const pauseMs = Math.min(maxMs, PAUSE_MS * 2 ** Math.min(20, guesses.wrong - free));
  return Math.max(0, guesses.lastAt + pauseMs - nowMs);
}

/** Whoever has one IPv6 address has the 64 bits behind its network, too. */
function networkOf(client: string): string {
  if (!client.includes(":") || client.includes(".")) return client;
  const [head = "", tail] = client.split("::", 2);
  const groups = head === "" ? [] : head.split(":");
  const behind = tail === undefined || tail === "" ? [] : tail.split(":");
  while (tail !== undefined && groups.length + behind.length < 8) groups.push("0");
  return [...groups, ...behind].slice(0, 4).join(":");
}
