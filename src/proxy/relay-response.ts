// A final response on its way to the client: the head and the first bytes of the body go out in one write, the rest
// as it comes, each read at once. What is framed one way by the upstream is framed for this client's version; a
// body that is cut is never ended as if it were whole.
import { failureOf } from "../failure/classify.ts";
import type { PooledConnection } from "../net/pool.ts";
import { eventTime } from "../std/clock.ts";
import type { Ms } from "../std/units.ts";
import { ChunkedDecoder, chunkHeader, LAST_CHUNK } from "../wire/chunked.ts";
import { FIELD_CONTENT_TYPE } from "../wire/fields.ts";
import { CHUNKED, responseBodyLength, UNTIL_CLOSE } from "../wire/framing.ts";
import { fieldValue, fieldValues, hasField, isWireError, type ResponseHead } from "../wire/head.ts";
import type { Attempt } from "./attempt.ts";
import { CHUNK_LIMITS, readChunkData, readChunks } from "./chunks.ts";
import type { Exchange } from "./exchange.ts";
import { responseHeadFor } from "./response-head.ts";
import type { Fill } from "./server/fill.ts";
import { beginFill } from "./server/fills.ts";
import { headerOf, plainHeadText } from "./server/proxied-response.ts";
import type { ServerRequest } from "./server/request.ts";
import type { ResponseSink } from "./server/sink.ts";

/** Bodies of which at least this much is still to come are read into a large buffer. */
const BULK_MIN_BYTES = 64 * 1024;

export class ResponseRelay {
  readonly attempt: Attempt;
  readonly exchange: Exchange;
  readonly head: ResponseHead;
  readonly closeDelimited: boolean;
  /** How long the body may be quiet; server-sent events as long as a tunnel. */
  readonly idleMs: Ms;
  readonly #connection: PooledConnection;
  /** Bytes that a body of known length still lacks. */
  #left: number;
  readonly #decoder: ChunkedDecoder | null;
  /** How the body goes on: in the framing it has, in chunks of ours, or without its chunks. */
  #out: "same" | "chunk" | "dechunk" = "same";
  bodyBytes = 0;
  /** Where the body goes where it is changed on its way; null = to the client as it comes. */
  #output: ResponseSink | null = null;
  /** The file that it is written to as well. */
  #fill: Fill | null = null;
  /** The response head, until the first write takes it along. */
  #text = "";

  constructor(attempt: Attempt, head: ResponseHead) {
    this.attempt = attempt;
    this.exchange = attempt.exchange;
    this.#connection = attempt.connection!;
    this.head = head;
    const { idleBodyMs, tunnelIdleMs } = this.exchange.timeouts;
    this.idleMs = isEventStream(head) ? Math.max(idleBodyMs, tunnelIdleMs) : idleBodyMs;
    this.#left = responseBodyLength(head, this.exchange.served?.cache?.convertsHead ? "GET" : this.exchange.method);
    this.closeDelimited = this.#left === UNTIL_CLOSE;
    this.#decoder = this.#left === CHUNKED ? new ChunkedDecoder(CHUNK_LIMITS) : null;
  }

  /** Sends the head on, with what [start, end) holds of the body. */
  begin(buffer: Buffer, start: number, end: number): void {
    const { exchange, head } = this;
    if (this.#left > exchange.plan!.responseBytesMax) {
      return this.attempt.failed("response-too-large", {
        limit: "response body",
        limitBytes: exchange.plan!.responseBytesMax,
      });
    }
    if (head.status >= 500) this.#recordPassthrough();
    if (exchange.served && this.#beginServed(exchange.served, buffer, start, end)) return;
    const http10 = exchange.head.minor === 0;
    if (this.closeDelimited && !http10) this.#out = "chunk";
    else if (this.#decoder && http10) this.#out = "dechunk";
    const outLength = this.#out === "chunk" ? CHUNKED : this.#out === "dechunk" ? UNTIL_CLOSE : this.#left;
    this.#text = responseHeadFor(exchange, head, outLength);
    this.#beginBody(buffer, start, end);
  }

  /** A response that goes through the filters of a virtual server; false = it needs none of them. */
  #beginServed(served: ServerRequest, buffer: Buffer, start: number, end: number): boolean {
    const http10 = this.exchange.head.minor === 0;
    const out = this.closeDelimited && !http10 ? CHUNKED : this.#decoder && http10 ? UNTIL_CLOSE : this.#left;
    const text = plainHeadText(served, this.head, out);
    if (text !== null) {
      if (out !== this.#left) this.#out = out === CHUNKED ? "chunk" : "dechunk";
      this.#text = text;
    } else {
      if (this.#decoder) this.#out = "dechunk";
      if (!this.#beginOutput(served)) return true;
    }
    this.#beginBody(buffer, start, end);
    return true;
  }

  /** False = the response has ended already. */
  #beginOutput(served: ServerRequest): boolean {
    const { attempt, exchange } = this;
    const output = served.sink;
    this.#output = output;
    output.onDrained = () => attempt.clientDrained();
    const bodiless = output.begin(headerOf(served, this.head, this.#left));
    if (attempt.state !== "body") return false;
    // Something else answers: a condition or a range of the request does not hold.
    if (exchange.ended || served.sink !== output) {
      attempt.dropResponse();
      return false;
    }
    this.#fill = beginFill(served, this.head);
    if (this.#fill) this.#fill.onDrained = () => attempt.clientDrained();
    if (!bodiless || this.#left === 0) return true;
    output.flush();
    if (this.#fill) return true;
    attempt.dropResponse();
    output.end();
    return false;
  }

  #beginBody(buffer: Buffer, start: number, end: number): void {
    if (this.#left === 0) {
      this.#send("", buffer, start, start, "");
      this.#complete(start === end);
      return;
    }
    if (start < end) this.onBytes(buffer, start, end);
    else this.#send("", buffer, start, start, "");
    if (this.attempt.state === "body" && (this.#left > BULK_MIN_BYTES || this.bodyBytes > BULK_MIN_BYTES)) {
      this.#connection.beginBulk();
    }
  }

  onBytes(buffer: Buffer, start: number, end: number): void {
    if (this.#decoder) return this.#onChunked(buffer, start, end);
    if (this.closeDelimited) {
      this.#count(end - start);
      if (this.#out === "chunk") this.#send(chunkHeader(end - start), buffer, start, end, "\r\n");
      else this.#send("", buffer, start, end, "");
      return;
    }
    const stop = Math.min(end, start + this.#left);
    this.#left -= stop - start;
    this.#count(stop - start);
    this.#send("", buffer, start, stop, "");
    if (this.#left === 0) this.#complete(stop === end);
  }

  #onChunked(buffer: Buffer, start: number, end: number): void {
    const decoder = this.#decoder!;
    const read: typeof readChunks = this.#out === "dechunk" ? readChunkData : readChunks;
    // A virtual server that passes trailers on does so behind its filters.
    const chunks = read(decoder, buffer, start, end, this.exchange.served === null);
    // Where the first chunk is wrong the head is still here: an honest 502 goes out instead.
    if (isWireError(chunks)) return this.attempt.failedWire(chunks);
    if (!this.#count(chunks.bytes)) return;
    if (!chunks.framed) this.#send("", buffer, start, chunks.consumed, "");
    else this.#send("", chunks.framed, 0, chunks.framed.length, "");
    if (decoder.done) this.#complete(chunks.consumed === end);
    else if (this.bodyBytes > BULK_MIN_BYTES) this.#connection.beginBulk();
  }

  /** Counts body bytes; false = over the limit, and the attempt has failed. */
  #count(bytes: number): boolean {
    this.bodyBytes += bytes;
    const limitBytes = this.exchange.plan!.responseBytesMax;
    if (this.bodyBytes <= limitBytes) return true;
    this.attempt.failed("response-too-large", { limit: "response body", limitBytes });
    return false;
  }

  /** Into the filters: they keep what they get. */
  #sendOut(output: ResponseSink, buffer: Buffer, start: number, end: number): void {
    if (end > start) {
      const bytes = Buffer.from(buffer.subarray(start, end));
      this.#fill?.write(bytes);
      output.write(bytes);
    } else output.flush();
    if (this.attempt.state !== "body") return;
    if (!output.full && !this.#fill?.full) {
      this.#connection.setDeadline(eventTime() + this.idleMs);
      return;
    }
    this.#connection.pauseReading();
    this.#connection.clearDeadline();
  }

  #send(before: string, buffer: Buffer, start: number, end: number, after: string): void {
    const { exchange, attempt } = this;
    if (attempt.state !== "body") return;
    if (this.#output) return this.#sendOut(this.#output, buffer, start, end);
    const { client } = exchange;
    const text = this.#text + before;
    if (this.#text !== "") this.#headGoesOut();
    const length = end - start;
    exchange.bytesSent += text.length + length + after.length;
    exchange.bodyBytesSent += length;
    if (length === 0 && after === "") {
      if (text !== "") client.sendText(text);
      this.#connection.setDeadline(eventTime() + this.idleMs);
      return;
    }
    if (client.sendBytes(text, buffer, start, end, after, this.#connection)) {
      this.#connection.setDeadline(eventTime() + this.idleMs);
      return;
    }
    // The client does not take more: the upstream waits, and is not to blame for it.
    this.#connection.pauseReading();
    this.#connection.clearDeadline();
    exchange.clientBlocked();
  }

  #headGoesOut(): void {
    const { exchange } = this;
    this.#text = "";
    exchange.respondedAt = this.attempt.headAt;
  }

  /** FIN: the end of a body that is delimited by it. False = the response was not whole. */
  endedByClose(): boolean {
    if (!this.closeDelimited) return false;
    if (this.#out === "chunk") this.#send("", EMPTY, 0, 0, LAST_CHUNK);
    this.#complete(false);
    return true;
  }

  #complete(reusable: boolean): void {
    const { attempt, exchange } = this;
    if (attempt.state !== "body") return;
    this.#connection.endBulk(exchange.client.pendingBytes === 0);
    attempt.complete(reusable && this.head.keepAlive && !this.closeDelimited);
    exchange.attempt = null;
    const output = this.#output;
    if (!output) exchange.end(true);
    else if (this.#fill) this.#fill.end(() => output.end());
    else output.end();
  }

  /** An error that the application sent itself: passed on as it is, recorded as what it is. */
  #recordPassthrough(): void {
    const status = this.head.status;
    const failure = failureOf("upstream-error-passthrough", { address: this.#connection.address }, { status });
    if (this.head.hasProxyStatus)
      failure.evidence.upstreamProxyStatus = fieldValues(this.head, "proxy-status").join(", ");
    this.exchange.failure = failure;
    this.attempt.failure = failure;
  }
}

function isEventStream(head: ResponseHead): boolean {
  return hasField(head, FIELD_CONTENT_TYPE) && /^text\/event-stream\b/i.test(fieldValue(head, "content-type") ?? "");
}

const EMPTY = Buffer.alloc(0);
