// Sessions of browsers: who logged in with a token gets a cookie with a random id; what it stands for stays here. Ids
// are kept as digests, so that neither time nor a dump tells one. Sessions end after 12 hours, at logout, with the
// process, or when there are too many (the oldest first).
// The cookie's name carries the port, because cookies of one host are shared by all its ports.
import { createHash, randomBytes } from "node:crypto";
import type { Address } from "../config/config.ts";
import type { Ms } from "../std/units.ts";
import type { Role } from "./guard.ts";

export interface Session {
  readonly role: Role;
  readonly by: string;
  readonly endsAt: Ms;
}

const LASTS_MS = 12 * 3_600_000;
const SESSIONS_MAX = 256;
const ID_BYTES = 32;
/** Longer fields are no field of ours. */
const COOKIE_CHARS_MAX = 8_192;

/** Instants come in. */
export class Sessions {
  readonly #sessions = new Map<string, Session>();

  /** Returns the id, which is told once. */
  begin(role: Role, by: string, nowMs: Ms): string {
    const id = randomBytes(ID_BYTES).toString("base64url");
    this.#sessions.set(keyOf(id), { role, by, endsAt: nowMs + LASTS_MS });
    for (const [key, { endsAt }] of this.#sessions) {
      if (endsAt > nowMs && this.#sessions.size <= SESSIONS_MAX) break;
      this.#sessions.delete(key);
    }
    return id;
  }

  find(id: string | null, nowMs: Ms): Session | null {
    if (id === null) return null;
    const session = this.#sessions.get(keyOf(id));
    return session !== undefined && session.endsAt > nowMs ? session : null;
  }

  end(id: string | null): void {
    if (id !== null) this.#sessions.delete(keyOf(id));
  }
}

const keyOf = (id: string): string => createHash("sha256").update(id).digest("base64");

/** The cookie's name: "__Host-goodgate-8502" where only TLS may carry it. */
export function cookieName(address: Address, secure: boolean): string {
  const name = address.kind === "tcp" ? `goodgate-${address.port}` : "goodgate";
  return secure ? `__Host-${name}` : name;
}

/** The value of a cookie; null = the field does not have it, or has it twice. */
export function cookieOf(field: string | undefined, name: string): string | null {
  if (field === undefined || field.length > COOKIE_CHARS_MAX) return null;
  const found = field
    .split(";")
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`));
  return found.length === 1 ? found[0]!.slice(name.length + 1) : null;
}

/** The Set-Cookie field for an id; "" takes the cookie away. */
export function setCookie(name: string, id: string, secure: boolean): string {
  const lastsSeconds = id === "" ? 0 : LASTS_MS / 1000;
  const flags = `Path=/; HttpOnly; SameSite=Strict; Max-Age=${lastsSeconds}`;
  return `${name}=${id}; ${flags}${secure ? "; Secure" : ""}`;
}
