// Sessions that were learnt from responses: which server has which. A session is looked up in requests, and kept as
// long as responses with it come; bounded by time and by the memory of its zone, where the one that was used longest
// ago goes first. Kept in one process: workers learn each for itself.
import type { Bytes, Ms } from "../std/units.ts";

/** What a session takes in nginx's zone. */
const SESSION_BYTES: Bytes = 256;
const PAGE_BYTES: Bytes = 4096;
/** Pages of a zone that hold no sessions. */
const PAGES_LOST = 2;

interface Session {
  route: string;
  lastMs: Ms;
}

export class StickySessions {
  readonly #timeoutMs: Ms;
  readonly #most: number;
  readonly #clock: () => Ms;
  /** In the order of their last use. */
  readonly #sessions = new Map<string, Session>();

  constructor(settings: { readonly bytes: Bytes; readonly timeoutMs: Ms }, clock: () => Ms) {
    const pages = Math.floor(settings.bytes / PAGE_BYTES) - PAGES_LOST;
    this.#most = Math.max(1, pages * (PAGE_BYTES / SESSION_BYTES));
    this.#timeoutMs = settings.timeoutMs;
    this.#clock = clock;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** The route of the server that has a session; "" = nobody knows. A look does not make it last longer. */
  lookUp(id: string): string {
    if (id === "") return "";
    this.#expire();
    return this.#sessions.get(id)?.route ?? "";
  }

  /**
   * A response came from the server that `route` names: `created` is the session that it begins, `lookedUp` the one that
   * the request has; "" = none. One that is only looked up is never begun.
   */
  learn(created: string, lookedUp: string, route: string): void {
    const id = created || lookedUp;
    if (id === "" || route === "") return;
    this.#expire();
    const session = this.#sessions.get(id);
    if (!session && created === "") return;
    this.#sessions.delete(id);
    if (!session && this.#sessions.size >= this.#most) {
      const [oldest] = this.#sessions.keys();
      if (oldest !== undefined) this.#sessions.delete(oldest);
    }
    this.#sessions.set(id, { route, lastMs: this.#clock() });
  }

  #expire(): void {
    const before = this.#clock() - this.#timeoutMs;
    for (const [id, { lastMs }] of this.#sessions) {
      if (lastMs > before) return;
      this.#sessions.delete(id);
    }
  }
}
