// The request of an attempt on its way to the upstream: the head goes out with the first bytes of the body, and the
// body as it comes from the client, from memory, or out of a file. What is sent in chunks is framed here.
import type { Connection } from "../net/connection.ts";
import type { PooledConnection } from "../net/pool.ts";
import { eventTime } from "../std/clock.ts";
import { chunkHeader, LAST_CHUNK } from "../wire/chunked.ts";
import type { Attempt } from "./attempt.ts";
import { requestHeadFor } from "./send-request.ts";
import { type BodyFile, FileSending } from "./server/body-file.ts";
import { bodyFailed, fileToSend, sendsChunks } from "./server/sent-body.ts";

export class RequestSending {
  readonly #attempt: Attempt;
  readonly #connection: PooledConnection;
  /** What of the head has not been sent yet. */
  #head = "";
  /** The body goes out in chunks of ours. */
  #chunked = false;
  /** The body comes out of a file. */
  #file: FileSending | null = null;

  constructor(attempt: Attempt, connection: PooledConnection) {
    this.#attempt = attempt;
    this.#connection = connection;
  }

  /** Sends what there is of the request. */
  begin(): void {
    const { exchange, target } = this.#attempt;
    const { body, served } = exchange;
    this.#head = requestHeadFor(exchange, target);
    const file = served && fileToSend(served);
    if (file) return this.#sendFile(file);
    if (!body || !exchange.sendsBody) return this.#sendWhole();
    this.#chunked = served !== null && sendsChunks(served);
    if (body.keptBytes > 0) {
      const kept = Buffer.concat(body.kept);
      this.sendBody(kept, 0, kept.length, null);
    }
    if (body.complete) this.bodyEnded();
    exchange.attemptReady();
  }

  #sendWhole(): void {
    const attempt = this.#attempt;
    const text = this.#head;
    this.#head = "";
    const own = attempt.exchange.served?.ownBody ?? null;
    attempt.bytesSent = text.length + (own?.length ?? 0);
    if (own) this.#connection.sendBytes(text, own, 0, own.length, "", null);
    else this.#connection.sendText(text);
    this.#complete();
  }

  #sendFile(file: BodyFile): void {
    const attempt = this.#attempt;
    this.#file = new FileSending(file, {
      get gone() {
        return attempt.state === "done" || attempt.deaf;
      },
      take: (piece) => this.sendBody(piece, 0, piece.length, null),
      end: () => this.bodyEnded(),
      fail: (problem) => bodyFailed(attempt.exchange.served!, problem),
      onInternalError: (error) => attempt.onInternalError(error),
    });
    this.#file.goOn();
  }

  /** Sends the head by itself where no byte of the body has come with it. */
  flushHead(): void {
    if (this.#head === "" || this.#file?.hasMore) return;
    const { exchange } = this.#attempt;
    const text = this.#head;
    this.#head = "";
    this.#attempt.bytesSent += text.length;
    this.#connection.sendText(text);
    // The client holds its body back until the upstream says 100 (or refuses): the wait is the upstream's.
    if (exchange.awaitsContinue) this.#connection.setDeadline(eventTime() + exchange.timeouts.headMs);
  }

  /** Sends body bytes. False = wait until the upstream has taken them. */
  sendBody(buffer: Buffer, start: number, end: number, source: Connection | null): boolean {
    const attempt = this.#attempt;
    const before = this.#chunked ? this.#head + chunkHeader(end - start) : this.#head;
    this.#head = "";
    attempt.bytesSent += before.length + end - start;
    if (attempt.deaf) return true;
    const after = this.#chunked ? this.#behindChunk() : "";
    const more = this.#connection.sendBytes(before, buffer, start, end, after, source);
    if (!more) this.#connection.setDeadline(eventTime() + attempt.exchange.timeouts.sendMs);
    return more;
  }

  /** The last chunk goes out with the data before it. */
  #behindChunk(): string {
    if (!this.#attempt.exchange.body!.complete) return "\r\n";
    this.#chunked = false;
    return `\r\n${LAST_CHUNK}`;
  }

  /** The body has been handed over to its last byte. */
  bodyEnded(): void {
    if (!this.#attempt.ready) return;
    this.flushHead();
    if (this.#chunked && !this.#attempt.deaf) this.#connection.sendText(LAST_CHUNK);
    this.#complete();
  }

  /** The last byte of the request was handed over: the response has its deadline from here. */
  #complete(): void {
    const attempt = this.#attempt;
    // What came behind a write that failed was left out: the request was never sent, and its deadline runs already.
    if (attempt.state !== "head" || attempt.deaf) return;
    attempt.sentAt = eventTime();
    this.#connection.setDeadline(attempt.sentAt + attempt.exchange.timeouts.headMs);
  }

  /** The upstream takes more. */
  drained(): void {
    this.#file?.goOn();
  }
}
