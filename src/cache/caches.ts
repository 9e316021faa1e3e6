// All caches of a configuration, by name. What the one before had under the same name, folder and levels goes on.
import type { CacheConfig } from "../config/servers.ts";
import { CacheStore } from "./store.ts";

export class Caches {
  readonly #stores = new Map<string, CacheStore>();

  constructor(configs: readonly CacheConfig[], previous: Caches | null) {
    for (const config of configs) {
      const known = previous?.get(config.name);
      const store = known && isSameFolder(known.config, config) ? known : new CacheStore(config);
      if (store === known) store.configure(config);
      else store.start();
      this.#stores.set(config.name, store);
    }
    for (const store of previous?.all ?? []) if (this.get(store.config.name) !== store) store.retire();
  }

  get(name: string): CacheStore | undefined {
    return this.#stores.get(name);
  }

  /** Where it is told what the disk refuses. */
  tellProblems(tell: (text: string) => void): void {
    for (const store of this.all) store.onProblem = tell;
  }

  get all(): Iterable<CacheStore> {
    return this.#stores.values();
  }
}

function isSameFolder(one: CacheConfig, other: CacheConfig): boolean {
  return one.path === other.path && one.levels.join(":") === other.levels.join(":");
}
