// Host names with wildcards, as a table: exact name first, then the longest wildcard in front ("*.example.com",
// ".example.com"), then the longest at the end ("www.example.*"). A look-up costs one step per label of the host,
// whatever the number of names. Of names that say the same the first stays: what nginx warns of as conflicting.
import type { PlainName } from "../config/server-name.ts";

/** Values by host name; hosts come in lower case. */
export class NameTable<V> {
  readonly #exact = new Map<string, V>();
  /** Without "*.". */
  readonly #below = new Map<string, V>();
  /** Hosts that ".example.com" stands for besides; apart, since an exact name would come before any wildcard. */
  readonly #same = new Map<string, V>();
  /** Without ".*". */
  readonly #anyEnd = new Map<string, V>();

  /** False = there is such a name already; it stays. */
  add({ kind, name }: PlainName, value: V): boolean {
    switch (kind) {
      case "exact":
        if (this.#exact.has(name) || this.#same.has(name)) return false;
        this.#exact.set(name, value);
        return true;
      case "below":
        return addNew(this.#below, name, value);
      case "below-or-same":
        // Taken either way, it is taken for both: the names below go with it.
        if (this.#exact.has(name) || this.#same.has(name)) return false;
        this.#same.set(name, value);
        if (addNew(this.#below, name, value)) return true;
        this.#same.delete(name);
        return false;
      case "any-end":
        return addNew(this.#anyEnd, name, value);
    }
  }

  /** The value of the most specific name; undefined = none is this host's. */
  find(host: string): V | undefined {
    const exact = this.#exact.get(host);
    if (exact !== undefined || host === "") return exact;
    if (this.#below.size > 0) {
      const same = this.#same.get(host);
      if (same !== undefined) return same;
      for (let dot = host.indexOf("."); dot >= 0; dot = host.indexOf(".", dot + 1)) {
        const value = this.#below.get(host.slice(dot + 1));
        if (value !== undefined) return value;
      }
    }
    if (this.#anyEnd.size === 0) return undefined;
    for (let dot = host.lastIndexOf("."); dot >= 0; dot = dot === 0 ? -1 : host.lastIndexOf(".", dot - 1)) {
      const value = this.#anyEnd.get(host.slice(0, dot));
      if (value !== undefined) return value;
    }
    return undefined;
  }
}

function addNew<V>(map: Map<string, V>, name: string, value: V): boolean {
  if (map.has(name)) return false;
  map.set(name, value);
  return true;
}
