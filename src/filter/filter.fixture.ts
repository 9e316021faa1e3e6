// What the tests of filters share: a sink that collects, and bodies cut in any way.
import fc from "fast-check";
import type { BodyFilter, ByteSink, FilterEvents } from "./filter.ts";

/** Collects what comes: texts (byte text), "flush" and "end". */
export class Collector implements ByteSink {
  readonly calls: string[] = [];
  text = "";
  flushes = 0;
  ended = false;
  readonly #onEnd: () => void;

  constructor(onEnd: () => void = () => undefined) {
    this.#onEnd = onEnd;
  }

  write(bytes: Buffer): void {
    if (this.ended) throw new Error("written after the end");
    if (bytes.length === 0) throw new Error("written without bytes");
    this.text += bytes.toString("latin1");
    this.calls.push(bytes.toString("latin1"));
  }

  flush(): void {
    this.flushes += 1;
    this.calls.push("(flush)");
  }

  end(): void {
    if (this.ended) throw new Error("ended twice");
    this.ended = true;
    this.calls.push("(end)");
    this.#onEnd();
  }
}

export const NO_EVENTS: FilterEvents = {
  onProgress() {},
  onError(error) {
    throw error;
  },
};

/** What a filter makes of these pieces (byte text); null = a flush. */
export async function through(
  make: (next: ByteSink, events: FilterEvents) => BodyFilter,
  pieces: readonly (string | null)[],
): Promise<string> {
  return new Promise((resolve, reject) => {
    const sink = new Collector(() => resolve(sink.text));
    const filter = make(sink, { onProgress() {}, onError: reject });
    for (const piece of pieces) {
      if (piece === null) filter.flush();
      else filter.write(Buffer.from(piece, "latin1"));
    }
    filter.end();
  });
}

/** A text cut at any places. */
export function cuts(text: fc.Arbitrary<string>): fc.Arbitrary<readonly string[]> {
  return fc.tuple(text, fc.array(fc.nat(1000), { maxLength: 12 })).map(([whole, places]) => {
    const at = [0, ...places.map((place) => place % (whole.length + 1)).sort((a, b) => a - b), whole.length];
    return at.slice(1).map((end, index) => whole.slice(at[index], end));
  });
}
