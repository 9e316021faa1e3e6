// Body filters: bytes of a response go in at one end and, changed, out to the next sink. A chain is built from its end:
// from the content to the client the order is gunzip, addition, sub, charset, ssi, gzip. Each filter keeps as little
// back as it can, and what it gives on does not depend on how its input was cut.

/** Takes a body. */
export interface ByteSink {
  /** The buffer is the sink's from now on. */
  write(bytes: Buffer): void;
  /** What came so far is to reach the client now, as far as that is possible. */
  flush(): void;
  /** Once, and nothing after it. */
  end(): void;
}

/** A step of a chain. */
export interface BodyFilter extends ByteSink {
  /** Bytes that were taken and not yet given on. */
  readonly pendingBytes: number;
  /** The sink is full: what can grow without a bound (a body that is unpacked) waits for resume. Others go on. */
  pause?(): void;
  resume?(): void;
  /** Nothing is given on any more; what is held is freed. */
  destroy(): void;
}

/** What a filter that works behind the scenes has to say. */
export interface FilterEvents {
  /** Less is pending than before. */
  onProgress(): void;
  /** The body cannot go on; nothing more comes out. */
  onError(error: Error): void;
  /** What is behind the filter takes no more for now; missing = it always takes more. */
  isFull?(): boolean;
}

/** Where the answer of a request within the request goes. What it takes before its turn waits in it. */
export interface Place {
  write(bytes: Buffer): void;
  /** The answer is whole. */
  end(status: number): void;
  /** It cannot become whole. */
  fail(error: Error): void;
  /** It takes no more for now; after progress of its filter it may. */
  readonly full: boolean;
}

/** Takes what a destroyed filter still gives on. */
export const NOWHERE: ByteSink = {
  write() {},
  flush() {},
  end() {},
};
