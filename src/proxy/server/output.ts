// A response on its way out of a virtual server: the header goes through the header filters, the body through those
// that apply, then it is framed for the client (or handed to the request that included this one). Producers push:
// while `full` they wait for `onDrained`.
//
// limit_rate: of each second so many bytes go out; what is above waits in the queue. proxy_limit_rate is kept to in the
// same way: while something waits, nothing is read from the upstream.

import type { RangePlan } from "../../content/ranges.ts";
import type { ByteSink } from "../../filter/filter.ts";
import { eventTime, Timed, wheel } from "../../std/clock.ts";
import type { Bytes, Ms } from "../../std/units.ts";
import { chunkHeader, LAST_CHUNK } from "../../wire/chunked.ts";
import { CHUNKED, UNTIL_CLOSE } from "../../wire/framing.ts";
import { mayKeepAlive } from "../response-head.ts";
import { type BodyChain, filterBody } from "./body-chain.ts";
import { filterHeader } from "./filters.ts";
import { headText } from "./head-text.ts";
import { fieldSafe } from "./line-safe.ts";
import { clientRate, clientRateAfter, upstreamRate } from "./rates.ts";
import type { ServerRequest } from "./request.ts";
import type { ResponseHeader } from "./response-header.ts";
import { respondStatus } from "./special.ts";
import { hasTrailers, makeTrailers } from "./trailers.ts";

const QUEUE_BYTES_MAX: Bytes = 256 * 1024;

/** Of the others it means nothing how old the file of their page is. */
const DATED = new Set([200, 206, 304]);
const NOT_WITHOUT_CONTENT = /^(?:content-type|last-modified)$/i;

/** Where the response of a subrequest goes. */
export interface OutputTarget {
  header(header: ResponseHeader): void;
  body(bytes: Buffer): void;
  end(): void;
  /** It takes no more for now; missing = it always does. */
  readonly full?: boolean;
}

export class Output extends Timed implements ByteSink {
  readonly #request: ServerRequest;
  /** Called when a producer that found it full may go on. */
  onDrained: (() => void) | null = null;
  header: ResponseHeader | null = null;
  /** The first filter; what producers write goes in here. */
  #first: ByteSink | null = null;
  /** What of the content a producer that can begin anywhere is to send; null = all. */
  range: RangePlan | null = null;
  /** The filters of the body; null = there are none (yet). */
  #chain: BodyChain | null = null;
  #head = "";
  #chunked = false;
  #bodiless = false;
  #queue: Buffer[] = [];
  #queuedBytes: Bytes = 0;
  #ended = false;
  #finished = false;
  /** The lower one of both; 0 = none. */
  #rate = 0;
  #clientRate = 0;
  #clientRateAfter: Bytes = 0;
  #upstreamRate = 0;
  #since: Ms = 0;
  #sentBytes: Bytes = 0;

  constructor(request: ServerRequest) {
    super();
    this.#request = request;
  }

  /** Begins the response; its body (if it may have one) is written next. True = no body is wanted. */
  begin(header: ResponseHeader): boolean {
    const request = this.#request;
    const { exchange } = request;
    this.header = header;
    if (request.errorStatus > 0) {
      header.status = request.errorStatus;
      header.reason = "";
    }
    if (request.keptFields.length > 0) request.applyKept(header);
    for (const [name, value] of Object.entries(request.errorFields)) {
      if (header.get(name.toLowerCase()) !== undefined) continue;
      for (const one of typeof value === "string" ? [value] : value) header.add(name, one);
    }
    request.discardBody();
    const noBody = exchange.method === "HEAD" && request.parent === null;
    if (header.status === 204) header.lines = header.lines.filter(({ name }) => !NOT_WITHOUT_CONTENT.test(name));
    else if (!header.fromUpstream && !DATED.has(header.status)) header.remove("last-modified");
    const filtered = filterHeader(request, header);
    if (filtered.instead > 0) {
      request.renewOutput();
      respondStatus(request, filtered.instead);
      return true;
    }
    exchange.status = header.status;
    const { status } = header;
    this.#bodiless = noBody || status === 204 || status === 304 || filtered.empty;
    this.range = header.seekable && !this.#bodiless ? filtered.range : null;
    const target = request.target;
    if (target) {
      exchange.respondedAt = eventTime();
      target.header(header);
      // Whoever asked may not want it.
      if (exchange.ended) return true;
    } else this.#frame(header);
    const last: ByteSink = {
      write: (bytes) => this.#take(bytes),
      flush: () => (this.#rate > 0 ? this.#pump() : this.#flushHead()),
      end: () => this.#bodyEnded(),
    };
    if (this.#bodiless) this.#first = last;
    else {
      this.#chain = filterBody(filtered, header, last, { request, isFull: () => this.#isClientFull() });
      this.#first = this.#chain?.first ?? last;
    }
    const rate = clientRate(request);
    this.#upstreamRate = header.fromUpstream ? upstreamRate(request) : 0;
    this.#clientRate = rate;
    this.#clientRateAfter = rate > 0 ? clientRateAfter(request) : 0;
    this.#rate = Math.min(rate || Infinity, this.#upstreamRate || Infinity);
    if (this.#rate === Infinity) this.#rate = 0;
    this.#since = eventTime();
    return this.#bodiless;
  }

  #frame(header: ResponseHeader): void {
    const request = this.#request;
    const { exchange } = request;
    const bodiless = this.#bodiless;
    const http10 = exchange.head.minor === 0;
    const mayChunk = !http10 && request.location.settings.response.chunked;
    const unknown = header.length < 0 && !bodiless;
    this.#chunked = !bodiless && mayChunk && (unknown || hasTrailers(request, header.status));
    const framing = this.#chunked ? CHUNKED : unknown ? UNTIL_CLOSE : Math.max(header.length, 0);
    exchange.keepAlive = request.mayKeepAlive() && mayKeepAlive(exchange, framing);
    this.#head = headText(request, header, this.#chunked, bodiless && header.length < 0);
    request.sentHead = this.#head;
  }

  /** Body bytes from the producer. */
  write(bytes: Buffer): void {
    if (!this.#finished && bytes.length > 0 && !this.#bodiless) this.#first?.write(bytes);
  }

  flush(): void {
    this.#first?.flush();
  }

  /** The body is whole. */
  end(): void {
    this.#first?.end();
  }

  /** The client (or the limit) does not take more for now. */
  get full(): boolean {
    if (this.#finished) return false;
    return (this.#chain !== null && this.#chain.pendingBytes() >= QUEUE_BYTES_MAX) || this.#isClientFull();
  }

  /** The same, without what filters hold. */
  #isClientFull(): boolean {
    const { target, exchange } = this.#request;
    if (target) return target.full === true;
    return (
      this.#queuedBytes >= QUEUE_BYTES_MAX ||
      (this.#rate > 0 && this.#queuedBytes > 0) ||
      exchange.client.pendingBytes >= QUEUE_BYTES_MAX
    );
  }

  /** Resolves once a producer that found it full may go on, or nobody reads any more. */
  drain(): Promise<void> {
    return new Promise((resolve) => {
      this.onDrained = () => {
        this.onDrained = null;
        resolve();
      };
    });
  }

  /** What the last filter gives. */
  #take(bytes: Buffer): void {
    if (this.#finished || bytes.length === 0) return;
    const { target } = this.#request;
    if (target) {
      this.#request.exchange.bodyBytesSent += bytes.length;
      return target.body(bytes);
    }
    if (this.#rate === 0 && this.#queuedBytes === 0) return this.#send(bytes);
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
    this.#pump();
  }

  #bodyEnded(): void {
    this.#ended = true;
    if (this.#queuedBytes === 0 && this.#headGoesOut()) this.#finish();
  }

  /** The head counts for the rate, too. False = the rest of it has to wait. */
  #headGoesOut(): boolean {
    const { exchange } = this.#request;
    if (this.#rate === 0 || this.#head === "" || exchange.ended) return true;
    const allowed = this.#allowedNow();
    const part = this.#head.slice(0, Math.max(allowed, 0));
    this.#head = this.#head.slice(part.length);
    if (part !== "") {
      exchange.respondedAt ||= eventTime();
      exchange.bytesSent += part.length;
      this.#sentBytes += part.length;
      if (!exchange.client.sendText(part)) exchange.clientBlocked();
    }
    if (this.#head === "") return true;
    this.#waitForMore(allowed - part.length);
    return false;
  }

  #waitForMore(allowed: number): void {
    wheel.set(this, eventTime() + Math.ceil((-allowed * 1000) / this.#rate) + 1);
  }

  /** Sends what the rate allows now. */
  #pump(): void {
    if (!this.#headGoesOut()) return;
    while (this.#queuedBytes > 0) {
      const allowed = this.#allowedNow();
      if (allowed <= 0) return this.#waitForMore(allowed);
      const first = this.#queue[0]!;
      const part = first.length <= allowed ? first : first.subarray(0, allowed);
      if (part === first) this.#queue.shift();
      else this.#queue[0] = first.subarray(part.length);
      this.#queuedBytes -= part.length;
      this.#send(part);
      if (this.#finished) return;
    }
    if (this.#ended) this.#finish();
    else this.#tellDrained();
  }

  #allowedNow(): number {
    if (this.#rate === 0) return Infinity;
    const seconds = Math.floor((eventTime() - this.#since) / 1000) + 1;
    const forClient = (this.#clientRate || Infinity) * seconds + this.#clientRateAfter;
    return Math.floor(Math.min(forClient, (this.#upstreamRate || Infinity) * seconds) - this.#sentBytes);
  }

  override onDeadline(): void {
    const { exchange } = this.#request;
    if (exchange.ended) return;
    try {
      this.#pump();
    } catch (error) {
      exchange.client.onInternalError(error);
    }
  }

  #send(bytes: Buffer): void {
    const { exchange } = this.#request;
    if (exchange.ended) return this.abandon();
    const before = this.#takeHead() + (this.#chunked ? chunkHeader(bytes.length) : "");
    const after = this.#chunked ? "\r\n" : "";
    exchange.bytesSent += before.length + bytes.length + after.length;
    exchange.bodyBytesSent += bytes.length;
    this.#sentBytes += bytes.length;
    if (!exchange.client.sendBytes(before, bytes, 0, bytes.length, after, null)) exchange.clientBlocked();
  }

  #takeHead(): string {
    const text = this.#head;
    if (text === "") return "";
    this.#head = "";
    this.#request.exchange.respondedAt = eventTime();
    return text;
  }

  #flushHead(): void {
    const text = this.#takeHead();
    if (text === "") return;
    const { exchange } = this.#request;
    exchange.bytesSent += text.length;
    if (!exchange.client.sendText(text)) exchange.clientBlocked();
  }

  #finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    wheel.remove(this);
    const request = this.#request;
    const { exchange } = request;
    const { target } = request;
    if (target) {
      exchange.end(true);
      return target.end();
    }
    let tail = this.#takeHead();
    if (this.#chunked) tail += this.#lastChunk();
    if (tail !== "") {
      exchange.bytesSent += tail.length;
      if (!exchange.client.sendText(tail)) exchange.clientBlocked();
    }
    exchange.end(true);
  }

  #lastChunk(): string {
    const trailers = makeTrailers(this.#request, this.header!);
    if (trailers.length === 0) return LAST_CHUNK;
    const lines = trailers.map(({ name, value }) => `${name}: ${fieldSafe(value)}\r\n`).join("");
    return `0\r\n${lines}\r\n`;
  }

  #tellDrained(): void {
    if (this.onDrained && !this.#finished && !this.full) this.onDrained();
  }

  /** The client has taken what was pending, or a filter has. */
  drained(): void {
    this.#chain?.resume();
    this.#tellDrained();
    for (const child of this.#request.children ?? []) child.output.drained();
  }

  /** Whether anything of the response was sent, so that it can no longer be another one. */
  get begun(): boolean {
    return this.header !== null && (this.#head === "" || this.#sentBytes > 0);
  }

  /** Nothing more goes out. */
  abandon(): void {
    if (!this.#finished) this.#chain?.destroy();
    this.#finished = true;
    wheel.remove(this);
    this.#queue = [];
    this.#queuedBytes = 0;
    this.onDrained?.();
    this.onDrained = null;
  }
}
