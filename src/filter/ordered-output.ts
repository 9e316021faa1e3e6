// Parts of a body that are not all there yet, given on in their order: what comes behind a part that is still being
// fetched waits for it. The part whose turn it is goes on as it comes; each of those behind it may hold so much.
import { type ByteSink, type FilterEvents, NOWHERE, type Place } from "./filter.ts";

const HELD_BYTES_MAX = 64 * 1024;

type Part = Buffer | "flush" | "end" | Fetched;

/** A part that is on its way, and what came of it before its turn. */
interface Fetched extends Place {
  readonly held: Buffer[];
  whole: boolean;
}

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

  /** The place of a part that is on its way. Its failure is that of the body. */
  later(ended: (status: number) => void = () => {}): Place {
    const output = this;
    let heldBytes = 0;
    const part: Fetched = {
      held: [],
      whole: false,
      write(bytes) {
        if (output.#next === NOWHERE) return;
        if (output.#parts[0] === part) return output.#give(bytes);
        part.held.push(bytes);
        heldBytes += bytes.length;
        output.#pendingBytes += bytes.length;
      },
      end(status) {
        if (output.#next === NOWHERE) return;
        part.whole = true;
        if (output.#parts[0] === part) output.#advance();
        ended(status);
      },
      fail(error) {
        if (output.#next === NOWHERE) return;
        output.destroy();
        output.#events.onError(error);
      },
      get full() {
        if (output.#next === NOWHERE) return false;
        return output.#parts[0] === part ? (output.#events.isFull?.() ?? false) : heldBytes >= HELD_BYTES_MAX;
      },
    };
    this.#parts.push(part);
    return part;
  }

  /** Nothing is given on any more. */
  destroy(): void {
    this.#next = NOWHERE;
    this.#parts = [];
    this.#pendingBytes = 0;
  }

  #advance(): void {
    const parts = this.#parts;
    let count = 0;
    for (const part of parts) {
      if (typeof part === "object" && "held" in part) {
        // From here on it is the first, and what it gets goes through.
        this.#parts = parts.slice(count);
        for (const bytes of part.held.splice(0)) this.#giveHeld(bytes);
        if (!part.whole) break;
      } else if (part instanceof Buffer) this.#giveHeld(part);
      else this.#give(part);
      count += 1;
    }
    if (this.#next === NOWHERE) return;
    this.#parts = parts.slice(count);
    this.#events.onProgress();
  }

  #giveHeld(bytes: Buffer): void {
    this.#pendingBytes -= bytes.length;
    this.#give(bytes);
  }

  #give(part: Buffer | "flush" | "end"): void {
    if (part === "flush") this.#next.flush();
    else if (part === "end") this.#next.end();
    else if (part.length > 0) this.#next.write(part);
  }
}
