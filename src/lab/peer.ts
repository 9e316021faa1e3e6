// One accepted connection, seen from a server that decides each byte and each way to end.
// Rules: reading is pulled (read / unread) over a bounded queue; every wait ends when the peer is gone; sending to a
// peer that is gone is not an error (the peer leaving is what faults are about). A FIN from the peer is only the end
// of its bytes: a client that half-closes still gets its answer.
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Bytes, Ms } from "../std/units.ts";

const QUEUE_BYTES_MAX: Bytes = 64 * 1024;
const LINGER_MS: Ms = 2_000;

/** What a server does with the connection when it is done: fin lingers until the peer closed, drop does not. */
export type Ending = "keep" | "fin" | "rst" | "drop" | "hang" | "handed-over";

/** Something that happens if the connection stays idle after a response. */
export interface IdlePlan {
  readonly afterMs: Ms;
  readonly act: () => void;
}

export class Peer {
  readonly id: number;
  /** Requests whose head was read. */
  requests = 0;
  /** How the connection ends as soon as the next request's first bytes arrive. */
  armed: "fin" | "rst" | null = null;
  idle: IdlePlan | null = null;
  /** Called once, when the peer has sent its FIN or the connection is closed. */
  onLeave: (() => void) | null = null;
  readonly #stream: Duplex;
  readonly #raw: Socket;
  readonly #gone = new AbortController();
  readonly #queue: Buffer[] = [];
  #queuedBytes = 0;
  #ended = false;
  #reading = true;
  #wake: (() => void) | null = null;

  /** `stream` carries the bytes; `raw` is the TCP socket beneath it (the same one where there is no TLS). */
  constructor(id: number, stream: Duplex, raw: Socket) {
    this.id = id;
    this.#stream = stream;
    this.#raw = raw;
    stream.on("data", (chunk: Buffer) => this.#receive(chunk));
    stream.on("end", () => this.#finish());
    // A reset shows as an error and then as close: close tells all that is needed.
    stream.on("error", () => stream.destroy());
    if (raw !== stream) raw.on("error", () => stream.destroy());
    stream.on("close", () => {
      this.#finish();
      this.#gone.abort();
    });
  }

  /** Aborted when the connection is closed. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** The peer sent FIN, or the connection is closed. */
  get left(): boolean {
    return this.#ended;
  }

  /** The next bytes as they came; null = no more will come. */
  async read(): Promise<Buffer | null> {
    for (;;) {
      const chunk = this.#queue.shift();
      if (chunk) {
        this.#queuedBytes -= chunk.length;
        if (this.#reading && this.#queuedBytes < QUEUE_BYTES_MAX) this.#stream.resume();
        return chunk;
      }
      if (this.#ended) return null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Puts bytes back in front of what comes next. */
  unread(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#queue.unshift(chunk);
    this.#queuedBytes += chunk.length;
  }

  /** From now on nothing is taken from the kernel: its buffers fill up and the sender stalls. */
  stopReading(): void {
    this.#reading = false;
    this.#stream.pause();
  }

  /** Resolves when the kernel has the bytes, or the peer is gone. */
  send(bytes: Buffer | string): Promise<void> {
    if (this.gone.aborted || !this.#stream.writable) return Promise.resolve();
    const data = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes;
    return new Promise((resolve) => this.#stream.write(data, () => resolve()));
  }

  /** Waits; ends early when the connection is closed. Infinity = until then. */
  pause(ms: Ms): Promise<void> {
    if (this.gone.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = ms === Number.POSITIVE_INFINITY ? undefined : setTimeout(done, ms);
      const { gone } = this;
      function done() {
        clearTimeout(timer);
        gone.removeEventListener("abort", done);
        resolve();
      }
      gone.addEventListener("abort", done);
    });
  }

  /** Waits as pause does, or until the peer leaves (its FIN counts). */
  async waitWhilePresent(ms: Ms): Promise<void> {
    const deadline = performance.now() + ms;
    while (!this.left && performance.now() < deadline) {
      await this.pause(Math.min(20, deadline - performance.now()));
    }
  }

  /** Ends the connection; resolves when it is closed. */
  async end(ending: Exclude<Ending, "keep" | "handed-over">): Promise<void> {
    if (ending === "rst") this.reset();
    else if (ending === "drop") this.#stream.destroy();
    else if (ending === "hang") {
      await this.discard(Number.POSITIVE_INFINITY);
      this.#stream.destroy();
    } else {
      this.#stream.end();
      await this.discard(LINGER_MS);
      this.#stream.destroy();
    }
  }

  /** RST instead of FIN; bytes that are still on their way out are lost. */
  reset(): void {
    if (!this.#raw.destroyed) this.#raw.resetAndDestroy();
    this.#stream.destroy();
  }

  /** Sends FIN and goes on reading. */
  halfClose(): void {
    this.#stream.end();
  }

  /** Reads to nowhere until the peer leaves or the time is over. */
  async discard(forMs: Ms): Promise<void> {
    const timer = forMs === Number.POSITIVE_INFINITY ? undefined : setTimeout(() => this.#finish(), forMs);
    while ((await this.read()) !== null);
    clearTimeout(timer);
  }

  #receive(chunk: Buffer): void {
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.length;
    if (this.#queuedBytes >= QUEUE_BYTES_MAX) this.#stream.pause();
    this.#wakeReader();
  }

  #finish(): void {
    if (!this.#ended) {
      this.#ended = true;
      this.onLeave?.();
      this.onLeave = null;
    }
    this.#wakeReader();
  }

  #wakeReader(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }
}
