// The story of one exchange: a request was read; it is routed, answered here or sent to an upstream, tried again
// where that is provably safe, and answered in any case. It is also the record of itself (ExchangeRecord).
//
//   begin ─▶ admit ─▶ respond (redirect, fixed response, failure)
//              └────▶ attempt ─▶ response head ─▶ body ─▶ end
//                        └─ failed ─▶ tries.ts ─▶ attempt … or a failure response
//
// After the response head is sent a failure cannot change the status: the client's connection is aborted.

import { deadlineFailure, failureOf, wireFailure } from "../failure/classify.ts";
import type { Failure } from "../failure/failure.ts";
import type { ExchangeRecord } from "../observe/record.ts";
import { beginRequest, endRequest, type RetryBudget } from "../resilience/retry-budget.ts";
import { eventTime } from "../std/clock.ts";
import type { Bytes, Ms } from "../std/units.ts";
import type { Endpoint } from "../upstream/endpoint.ts";
import type { Pick, UpstreamGroup } from "../upstream/group.ts";
import { isWireError, type RequestHead, type ResponseHead } from "../wire/head.ts";
import { admit } from "./admit.ts";
import { Attempt, type HowToTry } from "./attempt.ts";
import type { ClientConnection } from "./client-connection.ts";
import { ExchangeContext } from "./exchange-context.ts";
import { ExchangeFacts } from "./exchange-facts.ts";
import { Leaver } from "./leaver.ts";
import { NextTries } from "./next-tries.ts";
import type { PlaceholderContext } from "./placeholders.ts";
import { tooLarge } from "./request-body.ts";
import { respondFailure, respondHere } from "./respond.ts";
import { interimHeadFor } from "./response-head.ts";
import type { Runtime } from "./runtime.ts";
import { tellFailedAttempt, tellFailure } from "./server/log.ts";
import { Tries } from "./tries.ts";

const NONE_TRIED: readonly Endpoint[] = [];
const FIRST_TRY: HowToTry = { fresh: false, released: false };
/** Bodies of which more than this is still to come are read into a large buffer. */
const BULK_MIN_BYTES: Bytes = 64 * 1024;

export class Exchange extends ExchangeFacts implements ExchangeRecord {
  respondedAt: Ms = 0;
  endedAt: Ms = 0;
  captures: readonly string[] | null = null;
  attempt: Attempt | null = null;
  attempts: Attempt[] = [];
  /** What goes beyond the first try; null = nothing has. */
  #tries: Tries | NextTries | null = null;
  /** Where it counts as a request in flight. */
  #counted: RetryBudget | null = null;
  status = 0;
  bytesReceived: Bytes;
  bytesSent: Bytes = 0;
  bodyBytesSent: Bytes = 0;
  failure: Failure | null = null;
  heldMs: Ms = 0;
  queuedMs: Ms = 0;
  aborted = false;
  clientEndedAt: Ms = 0;
  ended = false;
  /** The body goes to an upstream as it comes in (or has been read whole). */
  #proxying = false;
  /** What the client had taken when it was looked last. */
  #taken: Bytes = 0;
  /** Set once the client has ended its direction. */
  #leaver: Leaver | null = null;
  /** What the client was told: the connection stays open behind this response. */
  keepAlive = true;
  /** The client sends its body only when it is told to go on (Expect: 100-continue), and was not yet. */
  awaitsContinue: boolean;
  /** Path and query as they are sent on. */
  forwardTarget = "";
  /** The protocol that the client asks to upgrade to, where the route lets it; else "". */
  upgrade = "";

  constructor(client: ClientConnection, runtime: Runtime, head: RequestHead) {
    super(client, runtime, head);
    this.bytesReceived = head.size;
    this.awaitsContinue = head.expectContinue && head.bodyLength !== 0;
  }

  /** Takes the request; [start, end) is what was read behind its head. Returns the offset behind its body's bytes. */
  begin(buffer: Buffer, start: number, end: number): number {
    const { servers } = this.runtime;
    if (servers) {
      this.served = servers.begin(this);
      this.awaitsContinue = false;
      const at = this.body ? this.#readBody(buffer, start, end) : start;
      if (!this.ended) this.served.run();
      return at;
    }
    const problem = admit(this);
    if (problem) {
      const at = this.#readBody(buffer, start, end);
      if (!this.ended) this.fail(problem);
      return at;
    }
    if (!this.group) {
      const at = this.#readBody(buffer, start, end);
      if (!this.ended) respondHere(this);
      return at;
    }
    this.proxy();
    if (!this.body) return start;
    const at = this.#readBody(buffer, start, end);
    this.attempt?.request?.flushHead();
    return at;
  }

  /** Asks the upstream that was chosen. */
  proxy(): void {
    this.#proxying = true;
    this.#counted = this.group!.budget;
    beginRequest(this.#counted);
    this.#startAttempt();
  }

  /** Leaves the upstream, so that the exchange can go on as another request. */
  leaveGroup(): void {
    this.#tries?.end();
    this.#tries = null;
    if (this.#counted) endRequest(this.#counted);
    this.#counted = null;
    this.#proxying = false;
    this.group = null;
  }

  /** Body bytes (or what a client sends too early); returns the offset behind the body's bytes. */
  onClientBytes(buffer: Buffer, start: number, end: number): number {
    if (!this.body || this.body.complete) return start;
    return this.#readBody(buffer, start, end);
  }

  #readBody(buffer: Buffer, start: number, end: number): number {
    const body = this.body;
    if (!body || start >= end) {
      if (body && !body.complete) this.#awaitBody();
      return start;
    }
    const at = body.read(buffer, start, end, this);
    if (isWireError(at)) {
      this.served?.clientBody?.lose();
      this.fail(wireFailure("request", at.error, at.detail, at.status, {}));
      return end;
    }
    this.bytesReceived += at - start;
    if (this.awaitsContinue) {
      this.awaitsContinue = false;
      this.attempt?.connection?.clearDeadline();
    }
    if (this.ended) return at;
    const bodyBytesMax = this.plan ? this.plan.bodyBytesMax : Infinity;
    const bytes = this.served ? this.served.clientBody!.bytesMet : body.received;
    if (bytes > bodyBytesMax) {
      this.served?.clientBody?.lose();
      this.fail(tooLarge(bodyBytesMax));
      return at;
    }
    if (body.complete) {
      // Read on behind it: that is how a client that leaves while it waits is noticed.
      this.client.resumeReading();
      this.client.clearDeadline();
      this.client.endBulk((this.attempt?.connection?.pendingBytes ?? 0) === 0);
      this.attempt?.request?.bodyEnded();
      this.served?.clientBody?.arrived();
    } else {
      this.#awaitBody();
      if (body.left > BULK_MIN_BYTES) this.client.beginBulk();
    }
    return at;
  }

  #awaitBody(): void {
    if (this.ended || this.client.readingPaused || this.awaitsContinue) return;
    const bodyMs = this.#bodyMs;
    if (bodyMs !== Infinity) this.client.setDeadline(eventTime() + bodyMs);
  }

  get #bodyMs(): Ms {
    return this.served?.clientBody ? this.served.clientBody.timeoutMs : this.runtime.config.client.timeouts.bodyMs;
  }

  /** Framed body bytes, on their way to the upstream. */
  onBody(buffer: Buffer, start: number, end: number): void {
    // A body that goes nowhere is read away.
    if (this.ended) return;
    if (this.served && !this.#proxying) return this.served.clientBody!.take(buffer, start, end);
    if (!this.group) return;
    const body = this.body!;
    // What the upstream no longer takes is gone: the body cannot be sent again.
    if (this.attempt?.deaf) return body.stopKeeping();
    const ready = this.attempt?.ready === true;
    // Kept until it is sent for the first time; behind that only what an idempotent request may need again.
    if (body.keeping) {
      const replayable = this.repeatable && body.keptBytes + (end - start) <= this.keptBytesMax;
      if (!ready || replayable) body.keep(buffer, start, end);
      else body.stopKeeping();
    }
    if (!ready) return this.client.pauseReading();
    if (!this.attempt!.request!.sendBody(buffer, start, end, this.client)) {
      this.client.pauseReading();
      this.client.clearDeadline();
    }
  }

  #startAttempt(): void {
    const group = this.group!;
    if (group.room.size > 0 || group.overloaded) return this.#needTries().behindOthers();
    const endpoint = this.pickServer(NONE_TRIED);
    if (typeof endpoint === "string") this.#needTries().without(endpoint);
    else this.tryOn(endpoint, FIRST_TRY);
  }

  #needTries(): Tries | NextTries {
    this.#tries ??= this.group!.peers ? new NextTries(this) : new Tries(this);
    return this.#tries;
  }

  /** The next endpoint that was not tried, by what binds the exchange to one. */
  pickServer(tried: readonly Endpoint[]): Pick {
    return this.group!.pick(tried, this.balanceKey, this.served ? this.served.boundRoute : "");
  }

  /** Begins an attempt. */
  tryOn(endpoint: Endpoint, how: HowToTry): void {
    const attempt = new Attempt(this, endpoint, this.group!);
    this.attempt = attempt;
    this.attempts.push(attempt);
    attempt.start(how);
  }

  /** The attempt can send: what was kept of the body has gone out with the head. */
  attemptReady(): void {
    if (!this.body) return;
    if (this.served ? !this.body.complete : !this.repeatable) this.body.stopKeeping();
    this.readOn();
  }

  /** The upstream takes more of the body. */
  upstreamDrained(): void {
    if (!this.ended && this.body) this.readOn();
  }

  /** Reading goes on behind the body, too: that is how a client that leaves is noticed. */
  readOn(): void {
    this.client.resumeReading();
    if (this.body && !this.body.complete) this.#awaitBody();
  }

  /** The client is told to send its body. */
  sendContinue(): void {
    this.awaitsContinue = false;
    this.client.sendText("HTTP/1.1 100 Continue\r\n\r\n");
    this.readOn();
  }

  /** An interim response (1xx) goes to clients that know them. */
  sendInterim(head: ResponseHead): void {
    if (this.head.minor === 0) return;
    const text = interimHeadFor(head);
    this.bytesSent += text.length;
    this.client.sendText(text);
    if (head.status === 100 && this.awaitsContinue) {
      this.awaitsContinue = false;
      this.attempt?.connection?.clearDeadline();
      this.#awaitBody();
    }
  }

  /** An attempt has failed before its response was whole. */
  attemptFailed(attempt: Attempt, failure: Failure): void {
    this.attempt = null;
    if (this.served) tellFailedAttempt(this.served, attempt, failure);
    if (this.ended) return;
    if (this.respondedAt > 0) return this.fail(failure);
    this.#needTries().failed(attempt, failure);
  }

  /** A response head that is kept has come. */
  attemptAnswered(): void {
    this.#tries?.answered();
  }

  /** The upstream answered with a status that the route wants tried again: whether that can be done. */
  mayDrop(attempt: Attempt, failure: Failure): boolean {
    return this.#needTries().mayDrop(attempt, failure);
  }

  /** The exchange cannot succeed: the failure is shown, or the connection aborted where the head is out. */
  fail(failure: Failure): void {
    if (this.ended) return;
    this.failure = failure;
    this.attempt?.cancel();
    this.attempt = null;
    if (this.respondedAt === 0) {
      const { servers } = this.runtime;
      if (!servers) return respondFailure(this, failure);
      this.served ??= servers.unreadable(this);
      return this.served.failed(failure);
    }
    this.aborted = true;
    this.end(false);
    // A body that ends with the connection would look whole if it ended in order.
    if (this.served) this.client.abortSoon();
    else this.client.abort();
  }

  /** The response is out (or cannot be): the record goes to the observer, the connection to its next request. */
  end(reusable: boolean): void {
    if (this.ended) return;
    this.ended = true;
    this.endedAt = eventTime();
    this.#tries?.end();
    if (this.#counted) endRequest(this.#counted);
    this.served?.ended();
    // A subrequest is a part of another exchange.
    if (!this.served?.parent) this.runtime.observer.exchangeEnded(this);
    if (this.aborted) return;
    const { body, client, served } = this;
    if (served) client.closing = served.location.settings.request;
    const rest = body && !body.complete ? body : null;
    const mayGoOn = rest === null || served?.clientBody?.mode === "discarded";
    client.exchangeEnded(reusable && this.keepAlive && mayGoOn, rest);
  }

  onClientDrained(): void {
    if (!this.#leaver) this.client.clearDeadline();
    this.attempt?.clientDrained();
    this.served?.output.drained();
  }

  /** The client takes no more for now. */
  clientBlocked(): void {
    if (this.#leaver) return;
    this.#taken = this.served ? this.client.takenBytes : 0;
    this.client.setDeadline(eventTime() + this.#sendMs);
  }

  get #sendMs(): Ms {
    return this.served?.location.settings.request.sendTimeoutMs ?? this.runtime.config.client.timeouts.sendMs;
  }

  /** The client ended its direction: a body that is not whole is cut, a whole request may still be waited for. */
  onClientEnd(): void {
    if (this.body && !this.body.complete) return this.#clientGone();
    if (this.served) return this.served.clientEnded();
    this.#leaver = new Leaver(this);
    this.clientEndedAt = eventTime();
    this.client.setDeadline(eventTime() + this.#leaver.firstLookMs);
  }

  onClientDeadline(): void {
    if (this.#leaver) {
      const next = this.#leaver.look();
      if (next === "gone") return this.#clientGone();
      return this.client.setDeadline(eventTime() + next);
    }
    if (this.respondedAt > 0) {
      // A slow client of a virtual server is one that takes something within the time.
      const taken = this.served ? this.client.takenBytes : 0;
      return taken > this.#taken ? this.clientBlocked() : this.#clientGone(this.#sendMs);
    }
    const failure = deadlineFailure("client-body", { deadline: "client-body", deadlineMs: this.#bodyMs });
    if (this.served) this.closeTimedOut(failure);
    else this.fail(failure);
  }

  /** The client took too long with its request: a virtual server closes the connection without an answer. */
  closeTimedOut(failure: Failure): void {
    const { client, runtime } = this;
    this.served ??= runtime.servers!.unreadable(this);
    this.failure = failure;
    tellFailure(this.served, failure);
    this.attempt?.cancel();
    this.attempt = null;
    this.aborted = true;
    this.end(false);
    if (this.served.location.settings.request.resetTimedOut) client.abort();
    else client.destroySoon();
  }

  onClientClosed(): void {
    this.#clientGone();
  }

  #clientGone(sendMs: Ms = 0): void {
    if (this.ended) return;
    const failure = sendMs
      ? deadlineFailure("client-send", { deadline: "client-send", deadlineMs: sendMs })
      : failureOf("client-closed-request", { bytesSent: this.bytesSent });
    // To virtual servers a body that ends while it is read is a bad request.
    const cutBody = this.served?.clientBody?.isSent && !this.body!.complete;
    this.failure = cutBody ? { ...failure, status: 400 } : failure;
    if (this.served && this.served.parent === null) tellFailure(this.served, failure);
    this.aborted = true;
    const { client } = this;
    if (this.served?.goesOnAlone && (!this.body || this.body.complete)) this.#goOnAlone();
    else {
      this.attempt?.cancel();
      this.attempt = null;
      this.end(false);
    }
    if (client.closed) return;
    // What earlier exchanges have sent may still be on its way: only a response that was cut ends with a reset.
    if (this.respondedAt > 0) client.abort();
    else client.destroySoon();
  }

  /** The client has left; what was asked for is still fetched, to be kept. */
  #goOnAlone(): void {
    const { client } = this;
    this.client = client.gateway.standInFor(client);
    client.exchange = null;
    this.attempt?.clientDrained();
    this.served?.output.drained();
  }

  onTunnelBytes(buffer: Buffer, start: number, end: number): void {
    this.bytesReceived += end - start;
    this.attempt?.tunnel?.toUpstream(buffer, start, end);
  }

  onTunnelClientEnd(): void {
    this.attempt?.tunnel?.clientEnded();
  }

  /** The client has left, or has to be taken for gone. */
  clientGone(): void {
    this.#clientGone();
  }

  get placeholders(): PlaceholderContext {
    return new ExchangeContext(this);
  }
  /** What binds it to an endpoint; "" = nothing. */
  get balanceKey(): string {
    if (this.served) return this.served.balanceKey;
    const key = this.plan!.balanceKey;
    return key ? key.render(this.placeholders) : "";
  }
  /** The upstream in the generation that runs now: what is tried from here on is tried there. */
  toNewestGroup(): UpstreamGroup {
    this.group = this.group!.newest;
    return this.group;
  }
}
