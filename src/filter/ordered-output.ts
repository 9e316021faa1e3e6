// Parts of a body that are not all there yet, given on in their order: what comes behind a part that is still being
// fetched waits for it.
import { type ByteSink, type FilterEvents, NOWHERE } from "./filter.ts";

type Part = Buffer | "flush" | "end" | { readonly fetched: Buffer | null };

/** Gives parts on in the order in which they were put. */
export class OrderedOutput {
  readonly #events: FilterEvents;
  #next: ByteSink;
  #parts: Part[] = [];
  #pendingBytes = 0;

  constructor(next: ByteSink, events: FilterEvents) {
    this.#next = next;
    this.#events = events;
  }

  /** Bytes that wait for a part before them. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** A part that is there. */
  put(part: Buffer | "flush" | "end"): void {
    if (this.#parts.length > 0) {
      this.#parts.push(part);
      if (part instanceof Buffer) this.#pendingBytes += part.length;
    } else this.#give(part);
  }

  /** A part that is on its way. Its failure is that of the body. */
  putLater(part: Promise<Buffer>): void {
    const place: { fetched: Buffer | null } = { fetched: null };
    this.#parts.push(place);
    part.then(
      (bytes) => {
        if (this.#next === NOWHERE) return;
        place.fetched = bytes;
        this.#pendingBytes += bytes.length;
        this.#advance();
      },
      (error: Error) => {
        if (this.#next === NOWHERE) return;
        this.destroy();
        this.#events.onError(error);
      },
    );
  }

  /** Nothing is given on any more. */
  destroy(): void {
    this.#next = NOWHERE;
    this.#parts = [];
    this.#pendingBytes = 0;
  }

  #advance(): void {
    let count = 0;
    for (const part of this.#parts) {
      const there = typeof part === "object" && "fetched" in part ? part.fetched : part;
      if (there === null) break;
      count += 1;
      if (there instanceof Buffer) this.#pendingBytes -= there.length;
      this.#give(there);
    }
    if (count === 0) return;
    this.#parts = this.#parts.slice(count);
    this.#events.onProgress();
  }

  #give(part: Buffer | "flush" | "end"): void {
    if (part === "flush") this.#next.flush();
    else if (part === "end") this.#next.end();
    else if (part.length > 0) this.#next.write(part);
  }
}
