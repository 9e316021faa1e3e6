// Sessions of TLS clients, so that the next handshake is a short one: tickets, whose key all servers of this process
// (and, by the environment, its workers) share unless they have key files, and for those without tickets a store of
// sessions here. Both outlive a reload; OpenSSL itself refuses a session that was made under other certificates.
import { createHash, randomBytes } from "node:crypto";
import { eventTime } from "../std/clock.ts";
import type { Bytes, Ms } from "../std/units.ts";

/** What a worker finds in its environment: the key of tickets, in hexadecimal digits. */
export const TICKET_KEY_VARIABLE = "GOODGATE_TICKET_KEY";
const TICKET_KEY_BYTES: Bytes = 48;
const STORE_BYTES_MAX: Bytes = 16 * 1024 * 1024;

let ticketKey: Buffer | null = null;

/** The key of tickets where no file gives one. */
export function sharedTicketKey(): Buffer {
  if (!ticketKey) {
    const given = Buffer.from(process.env[TICKET_KEY_VARIABLE] ?? "", "hex");
    ticketKey = given.length === TICKET_KEY_BYTES ? given : randomBytes(TICKET_KEY_BYTES);
  }
  return ticketKey;
}

/** A key file of nginx (48 or 80 bytes) as Node wants it: name, key of the MAC, key of AES-128; null = it is none. */
export function ticketKeyFrom(file: Buffer): Buffer | null {
  if (file.length === 80) {
    const rest = createHash("sha256").update(file.subarray(16)).digest();
    return Buffer.concat([file.subarray(0, 16), rest]);
  }
  if (file.length !== TICKET_KEY_BYTES) return null;
  return Buffer.concat([file.subarray(0, 16), file.subarray(32), file.subarray(16, 32)]);
}

/** Sessions by their id, those that were made longest ago go first. */
export class SessionStore {
  readonly #sessions = new Map<string, { readonly session: Buffer; readonly until: Ms }>();
  readonly #bytesMax: Bytes;
  #bytes: Bytes = 0;

  constructor(bytesMax: Bytes = STORE_BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  keep(id: Buffer, session: Buffer, forMs: Ms): void {
    const key = id.toString("hex");
    this.#drop(key);
    this.#sessions.set(key, { session, until: eventTime() + forMs });
    this.#bytes += session.length;
    for (const oldest of this.#sessions.keys()) {
      if (this.#bytes <= this.#bytesMax) break;
      this.#drop(oldest);
    }
  }

  find(id: Buffer): Buffer | null {
    const key = id.toString("hex");
    const found = this.#sessions.get(key);
    if (!found) return null;
    if (found.until > eventTime()) return found.session;
    this.#drop(key);
    return null;
  }

  #drop(key: string): void {
    const found = this.#sessions.get(key);
    if (!found) return;
    this.#bytes -= found.session.length;
    this.#sessions.delete(key);
  }
}

/** The sessions of this process. */
export const sessionStore = new SessionStore();
