// One request's hold on an entry of a cache: it is looked for (under its key, then under the hash of its variant), read,
// locked while it is fetched, waited for where another request fetches it, and let go.
import type { Entry } from "../../cache/entry-file.ts";
import { diskBytesOf, type IndexEntry } from "../../cache/index.ts";
import { keyHash, variantHash } from "../../cache/key.ts";
import type { CacheStore } from "../../cache/store.ts";
import { eventTime, Timed, wheel } from "../../std/clock.ts";
import type { Ms } from "../../std/units.ts";
import { fieldValues } from "../../wire/head.ts";
import { wallMs, wallSec } from "../date.ts";
import { type Kept, readKept } from "./cache-read.ts";
import type { CacheLock } from "./cache-update.ts";
import type { ServerRequest } from "./request.ts";

/** What a look into the cache has found. "scarce": it is asked for too seldom to be kept, or the disk fails. */
export type Looked = "fresh" | "stale" | "none" | "scarce" | "error";

/** How a request may fetch what is not there: as the one that others wait for, later, or for itself alone. */
type LockOutcome = "locked" | "waits" | "alone";

export class CacheLookup extends Timed {
  readonly store: CacheStore;
  readonly key: string;
  readonly #request: ServerRequest;
  readonly #minUses: number;
  readonly #mainHash: string;
  #hash: string;
  /** The hash is that of a variant. */
  #isVariant = false;
  held: IndexEntry | null = null;
  /** What was found, open. */
  kept: Kept | null = null;
  /** It is this request that fetches what others may wait for. */
  #lock: CacheLock | null;
  #waitUntil: Ms = 0;
  #hasWaited = false;
  /** Called when it is worth to look again. */
  readonly #again: () => void;
  readonly #wake = (): void => this.#stopWaiting();
  #isOver = false;

  constructor(request: ServerRequest, store: CacheStore, key: string, minUses: number, again: () => void) {
    super();
    this.#request = request;
    this.store = store;
    this.key = key;
    this.#minUses = minUses;
    this.#mainHash = keyHash(key);
    this.#hash = this.#mainHash;
    this.#lock = request.updates;
    this.#again = again;
  }

  get path(): string {
    return this.store.pathOf(this.#hash);
  }

  get hash(): string {
    return this.#hash;
  }

  async look(): Promise<Looked> {
    const nowSec = wallSec();
    const [held, found] = this.store.hold(this.#hash, this.#minUses, nowSec, this.held);
    this.held = held;
    if (found === "error" || found === "scarce") return found;
    // Who was given it may ask again at once.
    if (held.writing) await held.writing;
    if (found === "new" || held.exists) {
      const kept = await readKept(this.#request, this.path, this.key);
      if (kept === "broken") return "scarce";
      if (kept && (this.#isOver || this.#isOtherVariant(kept.entry))) {
        kept.file.close();
        if (this.#isOver) return "none";
        this.#letGo();
        return this.look();
      }
      if (kept) return this.#found(held, kept, nowSec);
      this.store.index.setFile(held, 0);
    }
    return found === "new" && this.#minUses > 1 ? "scarce" : "none";
  }

  #found(held: IndexEntry, kept: Kept, nowSec: number): Looked {
    this.kept = kept;
    if (!held.exists) this.store.index.setFile(held, diskBytesOf(kept.file.sizeBytes));
    this.store.mark(held, wallMs());
    return kept.entry.validSec < nowSec ? "stale" : "fresh";
  }

  /** It is one for requests with other fields: this one's is looked for under the hash of its variant. */
  #isOtherVariant({ vary, variant }: Entry): boolean {
    if (vary === "" || this.#isVariant) return false;
    const wanted = this.variantOf(vary);
    if (wanted === variant) return false;
    this.#isVariant = true;
    this.#hash = wanted;
    return true;
  }

  variantOf(vary: string): string {
    const { head } = this.#request.exchange;
    return variantHash(this.#mainHash, vary, (name) => fieldValues(head, name));
  }

  /** Takes what was found: whoever takes it closes it. */
  take(): Kept {
    const kept = this.kept!;
    this.kept = null;
    return kept;
  }

  // ---- the lock

  /** Fetches what is stale; it is marked so that others can use it meanwhile. Its lock, unless another one has it. */
  markUpdating(): CacheLock | null {
    const held = this.held!;
    if (held.updating) return null;
    held.updating = true;
    return { entry: held, until: held.lockedUntil };
  }

  /** The lock is this request's. */
  own(lock: CacheLock | null): void {
    this.#lock ??= lock;
  }

  /** Fetches what is not there. */
  lock(timeoutMs: Ms, ageMs: Ms): LockOutcome {
    const held = this.held!;
    const at = eventTime();
    if (!held.updating || held.lockedUntil <= at) {
      held.updating = true;
      held.lockedUntil = at + ageMs;
      this.#lock = { entry: held, until: held.lockedUntil };
      return "locked";
    }
    if (this.#hasWaited || timeoutMs === 0) return "alone";
    this.#waitUntil ||= at + timeoutMs;
    held.waiting.add(this.#wake);
    wheel.set(this, Math.min(this.#waitUntil, held.lockedUntil));
    return "waits";
  }

  override onDeadline(at: Ms): void {
    if (at >= this.#waitUntil) {
      this.#request.log("info", "cache lock timeout");
      this.#hasWaited = true;
    }
    this.#stopWaiting();
  }

  #stopWaiting(): void {
    wheel.remove(this);
    this.held?.waiting.delete(this.#wake);
    this.#again();
  }

  // ---- the end

  /** The entry that a new response belongs to: looked for under a variant, it may be none any more. */
  holdFor(variant: string): IndexEntry {
    if (this.held && this.#isVariant && variant !== this.#hash) {
      this.#unlock();
      this.#letGo();
      this.#isVariant = false;
      this.#hash = this.#mainHash;
    }
    this.held ??= this.store.hold(this.#hash, 1, wallSec(), null)[0];
    return this.held;
  }

  #letGo(): void {
    if (this.held) this.store.release(this.held, this.#minUses);
    this.held = null;
  }

  #unlock(): void {
    const lock = this.#lock;
    this.#lock = null;
    if (lock && lock.entry.lockedUntil === lock.until) this.store.unlock(lock.entry);
  }

  closeKept(): void {
    this.kept?.file.close();
    this.kept = null;
  }

  end(): void {
    this.#isOver = true;
    wheel.remove(this);
    this.held?.waiting.delete(this.#wake);
    this.#unlock();
    this.#letGo();
    this.closeKept();
  }
}
