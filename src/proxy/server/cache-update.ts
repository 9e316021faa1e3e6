// The update of a kept response behind a client that was given the old one: a clone of its request.
import type { IndexEntry } from "../../cache/index.ts";
import type { CacheStore } from "../../cache/store.ts";
import type { Ms } from "../../std/units.ts";
import { cloneOf, NOBODY } from "./clone.ts";
import { beginProxying } from "./proxied-request.ts";
import type { ServerRequest } from "./request.ts";

/** The right to fetch an entry that others may wait for; until a time, after which another request may take it. */
export interface CacheLock {
  readonly entry: IndexEntry;
  readonly until: Ms;
}

/** An update that runs behind a response. */
export class Update {
  #isOver = false;
  #then: () => void = () => {};

  over(): void {
    this.#isOver = true;
    this.#then();
  }

  whenOver(then: () => void): void {
    if (this.#isOver) then();
    else this.#then = then;
  }
}

/** Begins it; the lock is its own from here on. */
export function updateBehind(request: ServerRequest, lock: CacheLock, store: CacheStore): Update {
  const update = new Update();
  const clone = cloneOf(request, NOBODY, () => {});
  clone.updates = lock;
  clone.releases.push(() => update.over());
  beginProxying(clone);
  // Something else has answered, so that nobody updates it.
  if (!clone.cache) store.unlock(lock.entry);
  return update;
}
