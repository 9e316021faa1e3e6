// Files that are written while a response goes by: of the cache, and what proxy_store keeps. A disk that fails costs the
// file and a line in the log, never the response.

import type { FileWriter, Written } from "../../cache/file-writer.ts";
import { beginEvent } from "../../std/clock.ts";
import type { ServerRequest } from "./request.ts";

interface FillOptions {
  readonly request: ServerRequest;
  readonly writer: FileWriter;
  /** What goes to the front of the file, once the body's length is known. */
  readonly prefix: (bodyBytes: number) => Buffer;
  readonly onWritten: (written: Written) => void;
  /** The body is whole; settles behind onWritten. */
  readonly onEnding?: (finished: Promise<void>) => void;
}

/** One file on its way. */
export class Fill {
  readonly #options: FillOptions;
  /** It has been ended: nobody can take it back. */
  isEnding = false;

  constructor(options: FillOptions) {
    this.#options = options;
  }

  write(bytes: Buffer): void {
    this.#options.writer.write(bytes);
  }

  /** The disk is behind: it takes more once `onDrained` is called. */
  get full(): boolean {
    return this.#options.writer.full;
  }

  set onDrained(then: () => void) {
    this.#options.writer.onDrained = () => this.#asEvent(then);
  }

  /** The body is whole. `done` is called when the file can be seen, or will never be. */
  end(done: () => void): void {
    const { writer, prefix, request, onWritten, onEnding } = this.#options;
    this.isEnding = true;
    const finished = writer.finish(prefix(writer.bodyBytes)).then((written) =>
      this.#asEvent(() => {
        if (!written.ok) request.log("crit", `${written.error.message} while a response was kept`);
        onWritten(written);
        if (!request.exchange.ended) done();
      }),
    );
    onEnding?.(finished);
  }

  /** The response is not whole: nothing is kept. */
  abort(): void {
    if (this.isEnding) return;
    void this.#options.writer.abort().then((error) => {
      if (error) this.#options.request.log("crit", error.message);
    });
  }

  #asEvent(act: () => void): void {
    beginEvent();
    try {
      act();
    } catch (error) {
      this.#options.request.exchange.client.onInternalError(error);
    }
  }
}
