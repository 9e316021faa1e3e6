// slice: a large response is asked for in parts of one size, each of which the cache keeps by itself. The request asks
// for the part that its range begins in; what comes behind is asked for by clones of it, one after the other, each when
// the client has taken enough of the one before. $slice_range says to upstream and cache key which part it is.
//
// All parts have to be of the same response: what does not fit (another ETag, another range than was asked for) ends the
// response, visibly. A response that is no part at all goes on as it is.
import { failureOf } from "../../failure/classify.ts";
import { eventTime } from "../../std/clock.ts";
import type { Bytes } from "../../std/units.ts";
import { fieldValue } from "../../wire/head.ts";
import { cloneOf } from "./clone.ts";
import { beginProxying } from "./proxied-request.ts";
import type { ServerRequest } from "./request.ts";
import type { ResponseHeader } from "./response-header.ts";
import type { ResponseSink } from "./sink.ts";

/** Small parts are collected up to this size: a client is not sent a response that has failed by then. */
const COLLECTED_BYTES: Bytes = 1460;

/** $slice_range; the first time it is asked for, the response begins to be one of slices. */
export function sliceRange(request: ServerRequest): string | undefined {
  if (request.slice) return request.slice.range;
  const { sliceBytes } = request.location.settings.filters;
  if (sliceBytes === 0 || request.parent !== null || request.output.header !== null) return undefined;
  request.slice = new SlicePart(new SliceRun(request, sliceBytes), request);
  return request.slice.range;
}

/** One response that is put together. */
class SliceRun {
  readonly main: ServerRequest;
  readonly sliceBytes: Bytes;
  /** Where the slice begins that is asked for next (or now). */
  start: Bytes;
  /** What the client gets of the whole. */
  wantedStart: Bytes = 0;
  wantedEnd: Bytes = 0;
  etag = "";
  bodiless = false;
  #clone: ServerRequest | null = null;
  #collected: Buffer[] = [];
  #collectedBytes: Bytes = 0;

  constructor(main: ServerRequest, sliceBytes: Bytes) {
    this.main = main;
    this.sliceBytes = sliceBytes;
    const { head } = main.exchange;
    const first = fieldValue(head, "if-range") === undefined ? rangeStart(fieldValue(head, "range")) : 0;
    this.start = first - (first % sliceBytes);
  }

  get range(): string {
    return `bytes=${this.start}-${this.start + this.sliceBytes - 1}`;
  }

  write(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#collected.push(bytes);
    this.#collectedBytes += bytes.length;
    if (this.#collectedBytes >= COLLECTED_BYTES) this.#flush();
  }

  #flush(): void {
    const [only, ...more] = this.#collected;
    this.#collected = [];
    this.#collectedBytes = 0;
    if (only) this.main.output.write(more.length > 0 ? Buffer.concat([only, ...more]) : only);
  }

  /** A slice is whole. */
  partEnded(): void {
    const { output, exchange } = this.main;
    if (exchange.ended) return;
    if (this.bodiless || this.start >= this.wantedEnd) {
      this.#flush();
      return output.end();
    }
    if (!output.full) return this.#next();
    output
      .drain()
      .then(() => {
        if (!exchange.ended) this.#next();
      })
      .catch((error: unknown) => exchange.client.onInternalError(error));
  }

  #next(): void {
    const fail = (): void => this.fail("missing slice response");
    const target = {
      header: (header: ResponseHeader) => this.fail(`unexpected status code ${header.status} in slice response`),
      body: () => {},
      end: fail,
    };
    if (this.#clone === null) this.main.releases.push(() => this.#stopClone());
    this.#clone = cloneOf(this.main, target, fail);
    this.#clone.slice = new SlicePart(this, this.#clone);
    try {
      beginProxying(this.#clone);
    } catch (error) {
      this.main.exchange.client.onInternalError(error);
    }
  }

  #stopClone(): void {
    const exchange = this.#clone?.exchange;
    if (exchange && !exchange.ended) exchange.clientGone();
  }

  /** The response cannot be put together: it ends here. */
  fail(detail: string): void {
    const { exchange } = this.main;
    if (exchange.ended) return;
    this.main.log("error", detail);
    this.main.output.abandon();
    // Nothing else can answer any more.
    exchange.respondedAt ||= eventTime();
    exchange.fail(failureOf("response-malformed", { detail }));
  }
}

/** The part that one request asks for: where its response goes. */
export class SlicePart implements ResponseSink {
  readonly #run: SliceRun;
  readonly #request: ServerRequest;
  readonly range: string;
  /** Where in the whole the next byte is. */
  #position: Bytes = 0;
  #isPlain = false;
  #isDead = false;

  constructor(run: SliceRun, request: ServerRequest) {
    this.#run = run;
    this.#request = request;
    this.range = run.range;
  }

  get #isMain(): boolean {
    return this.#request === this.#run.main;
  }

  begin(header: ResponseHeader): boolean {
    const run = this.#run;
    const { output } = run.main;
    if (header.status !== 206 && this.#isMain) {
      this.#isPlain = true;
      return output.begin(header);
    }
    const complete = this.#check(header);
    if (typeof complete === "string") {
      this.#isDead = true;
      run.fail(complete);
      return true;
    }
    if (!this.#isMain) return false;
    header.status = 200;
    header.reason = "";
    header.length = complete;
    header.remove("content-range");
    header.remove("accept-ranges");
    header.ranges = true;
    header.singleRange = true;
    header.seekable = true;
    run.bodiless = output.begin(header);
    if (run.main.output !== output) this.#isDead = true;
    const { range } = output;
    const isCut = range?.kind === "single";
    run.wantedStart = isCut ? range.start : 0;
    run.wantedEnd = isCut ? range.end : complete;
    // The range was not known to hold before (If-Range): slices in front of it are left out.
    const first = run.wantedStart - (run.wantedStart % run.sliceBytes);
    if (run.start < first) run.start = first;
    return run.bodiless;
  }

  /** The length of the whole, or why the part does not fit. */
  #check(header: ResponseHeader): number | string {
    const run = this.#run;
    if (header.status !== 206) return `unexpected status code ${header.status} in slice response`;
    const etag = header.get("etag") ?? "";
    if (run.etag !== "" && etag !== run.etag) return "etag mismatch in slice response";
    run.etag = etag;
    const match = /^bytes +(\d+) *- *(\d+) *\/ *(\d+|\*) *$/.exec(header.get("content-range") ?? "");
    if (!match) return "invalid range in slice response";
    if (match[3] === "*") return "no complete length in slice response";
    const [start, last, complete] = match.slice(1).map(Number) as [number, number, number];
    const end = Math.min(run.start + run.sliceBytes, complete);
    if (start !== run.start || last + 1 !== end)
      return `unexpected range in slice response: ${start}-${last + 1}, expected: ${run.start}-${end}`;
    this.#position = start;
    run.start = end;
    return complete;
  }

  write(bytes: Buffer): void {
    const run = this.#run;
    if (this.#isPlain) return run.main.output.write(bytes);
    if (this.#isDead || run.bodiless) return;
    const from = Math.max(0, run.wantedStart - this.#position);
    const to = Math.min(bytes.length, run.wantedEnd - this.#position);
    this.#position += bytes.length;
    if (from < to) run.write(bytes.subarray(from, to));
  }

  flush(): void {
    if (this.#isPlain || this.#run.bodiless) this.#run.main.output.flush();
  }

  end(): void {
    const { exchange } = this.#request;
    if (this.#isPlain) return this.#run.main.output.end();
    if (this.#isDead) return;
    if (!this.#isMain) exchange.end(true);
    this.#run.partEnded();
  }

  get full(): boolean {
    return this.#run.main.output.full;
  }

  set onDrained(then: (() => void) | null) {
    this.#run.main.output.onDrained = then;
  }

  get onDrained(): (() => void) | null {
    return this.#run.main.output.onDrained;
  }

  drain(): Promise<void> {
    return this.#run.main.output.drain();
  }
}

/** Where a range begins that is a single one; else 0. */
function rangeStart(range: string | undefined): Bytes {
  const match = /^bytes= *(\d{1,15}) *-/i.exec(range ?? "");
  return match && !range!.includes(",") ? Number(match[1]) : 0;
}
