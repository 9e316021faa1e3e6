// One attempt of an exchange on one endpoint: a connection is taken or dialled, the request goes out, the response
// is read. What goes wrong is made a Failure here, where it is seen, with its evidence; the exchange decides.
import { closedFailure, deadlineFailure, failureOf, headExcerpt, wireFailure } from "../failure/classify.ts";
import type { Evidence, Failure } from "../failure/failure.ts";
import type { DialHandle, DialResult, DialWishes } from "../net/dial.ts";
import { type ConnectionUser, PooledConnection } from "../net/pool.ts";
import type { AttemptRecord } from "../observe/record.ts";
import { beginEvent, eventTime } from "../std/clock.ts";
import type { Bytes, Ms } from "../std/units.ts";
import type { Endpoint } from "../upstream/endpoint.ts";
import type { UpstreamGroup } from "../upstream/group.ts";
import type { Judged } from "../upstream/judge.ts";
import { isWireError, type ResponseHead, type WireError } from "../wire/head.ts";
import { HeadBuffer } from "../wire/head-buffer.ts";
import { parseResponseHead } from "../wire/response-head.ts";
import { deadlineMet, evidenceOf, keptConnection, learnFrom, saysLengthTwice } from "./attempt-facts.ts";
import type { Exchange } from "./exchange.ts";
import { ResponseRelay } from "./relay-response.ts";
import { RequestSending } from "./request-sending.ts";
import { takeUpstreamHead } from "./server/proxied-response.ts";
import type { ServerRequest } from "./server/request.ts";
import { wishesOf } from "./server/wishes.ts";
import { switchRefused, Tunnel } from "./upgrade.ts";

/** After a write has failed, what the upstream may have answered before is awaited this long. */
const LAST_WORDS_MS = 500;
/** Interim responses (1xx) before the final one; more are a fault (or an attack). */
const INTERIM_MAX = 16;

/** How an attempt is to be made. */
export interface HowToTry {
  /** Not on a kept connection, since the other ones may be as dead as the last. */
  readonly fresh: boolean;
  /** It comes out of the waiting room. */
  readonly released: boolean;
}

/** Of a path, so much tells one request from another. */
const KEY_CHARACTERS_MAX = 200;

type State = "connecting" | "head" | "body" | "tunnel" | "done";

export class Attempt implements ConnectionUser, AttemptRecord, Judged {
  readonly exchange: Exchange;
  readonly target: Endpoint;
  readonly startedAt: Ms = eventTime();
  resolvedAt: Ms = 0;
  tcpAt: Ms = 0;
  connectedAt: Ms = 0;
  sentAt: Ms = 0;
  headAt: Ms = 0;
  endedAt: Ms = 0;
  status = 0;
  reused = false;
  bytesSent: Bytes = 0;
  bytesReceived: Bytes = 0;
  failure: Failure | null = null;
  responseHead: ResponseHead | null = null;
  connection: PooledConnection | null = null;
  state: State = "connecting";
  relay: ResponseRelay | null = null;
  tunnel: Tunnel | null = null;
  /** The request on its way out; null = there is no connection yet, or it is all that was asked for. */
  request: RequestSending | null = null;
  #dial: DialHandle | null = null;
  #headBuffer: HeadBuffer | null = null;
  #interims = 0;
  /** The upstream as it was configured when the attempt began. */
  readonly group: UpstreamGroup;
  endpointPermit = 0;
  awaited = false;
  upstreamPermit = 0;
  /** Its response is dropped: the route wants this status tried again. */
  dropped = false;
  /** What its connection has to be besides; null = any will do. */
  wishes: DialWishes | null = null;
  /** It came out of the waiting room, which lets others follow when it ends. */
  #released = false;
  /** The request cannot be sent on: the connection takes no more. */
  writeError: NodeJS.ErrnoException | null = null;

  constructor(exchange: Exchange, target: Endpoint, group: UpstreamGroup) {
    this.exchange = exchange;
    this.target = target;
    this.group = group;
  }

  get endpoint(): string {
    return this.target.label;
  }

  get upstream(): string {
    return this.group.config.name;
  }

  /** The address that it went to. */
  get peerLabel(): string {
    return this.connection?.address || this.target.label;
  }

  /** The request can be written. */
  get ready(): boolean {
    return this.connection !== null && this.state !== "done";
  }

  /** The upstream takes no more of the request; what it has answered is still being read. */
  get deaf(): boolean {
    return this.writeError !== null;
  }

  /** What failures may follow from endpoint to endpoint (poison guard). */
  get requestKey(): string {
    return `${this.exchange.method} ${this.exchange.head.path.slice(0, KEY_CHARACTERS_MAX)}`;
  }
  get clientKey(): string {
    return this.exchange.clientAddress;
  }

  start({ fresh, released }: HowToTry): void {
    this.#released = released;
    const { served } = this.exchange;
    this.wishes = served ? wishesOf(served) : null;
    this.target.active++;
    const connection = keptConnection(this, fresh || served?.location.tunnel != null);
    if (!connection) this.target.pool.dialStarted();
    // Its place is taken: what the judge does may let others go on.
    this.group.judge.begin(this);
    if (connection) {
      this.reused = true;
      this.#connected(connection);
    } else this.#dialNew();
  }

  #dialNew(): void {
    const { pool } = this.target;
    const { dial, dialTarget } = this.group;
    const connection = new PooledConnection(pool);
    const common = dialTarget!(this.target, this.exchange.timeouts);
    const target = this.wishes ? { ...common, wishes: this.wishes } : common;
    if (this.wishes) connection.wishes = this.wishes.key;
    this.#dial = dial!(target, connection, (result) => {
      beginEvent();
      try {
        this.#dialled(connection, result);
      } catch (error) {
        this.onInternalError(error);
      }
    });
  }

  #dialled(connection: PooledConnection, result: DialResult): void {
    const { pool } = this.target;
    this.#dial = null;
    const { timings } = result;
    this.resolvedAt = timings?.resolvedAt ?? 0;
    // Without TLS the connection is open as soon as TCP is.
    this.tcpAt = result.ok && timings?.securedAt === 0 ? eventTime() : (timings?.connectedAt ?? 0);
    if (!result.ok) {
      pool.dialFailed();
      this.#failed(result.failure);
      return;
    }
    pool.adopt(connection, result.socket, result.reads, result.address, this);
    connection.roundTripMs = result.timings.connectedAt - result.timings.resolvedAt;
    if (this.target.away) this.group.newest.watch.connected(this.target);
    this.#connected(connection);
    this.request?.flushHead();
  }

  #connected(connection: PooledConnection): void {
    this.connection = connection;
    this.connectedAt = this.reused ? this.startedAt : eventTime();
    this.state = "head";
    this.group.judge.connected(this);
    const { exchange } = this;
    if (exchange.served?.location.tunnel) return this.#openTunnel(exchange.served, connection);
    this.request = new RequestSending(this, connection);
    this.request.begin();
  }

  /** CONNECT: the connection is all that was asked for. */
  #openTunnel(served: ServerRequest, connection: PooledConnection): void {
    this.sentAt = this.connectedAt;
    this.#beginTunnel(connection, 200).beginConnected(served);
    this.#answered();
  }

  onBytes(buffer: Buffer, start: number, end: number): void {
    this.bytesReceived += end - start;
    switch (this.state) {
      case "head":
        this.#readHead(buffer, start, end);
        return;
      case "body":
        this.relay!.onBytes(buffer, start, end);
        return;
      case "tunnel":
        this.tunnel!.toClient(buffer, start, end);
    }
  }

  #readHead(buffer: Buffer, start: number, end: number): void {
    let at = start;
    while (this.state === "head") {
      let head: ResponseHead;
      if (this.#headBuffer) {
        const result = this.#headBuffer.push(buffer, at, end);
        if (result === undefined) return;
        this.#headBuffer = null;
        if (isWireError(result)) return this.#unreadable(result, buffer, at, end);
        head = result.head as ResponseHead;
        buffer = result.rest;
        at = 0;
        end = buffer.length;
      } else {
        const result = parseResponseHead(buffer, at, end, this.exchange.responseLimits);
        if (result === undefined) {
          if (at === end) return;
          this.#headBuffer = new HeadBuffer("response", this.exchange.responseLimits);
          continue;
        }
        if (isWireError(result)) return this.#unreadable(result, buffer, at, end);
        head = result;
        at += head.size;
      }
      at = this.#onHead(head, buffer, at, end);
    }
  }

  /** Returns the offset behind what was used. */
  #onHead(head: ResponseHead, buffer: Buffer, at: number, end: number): number {
    const { exchange } = this;
    if (head.status === 101) {
      this.#onSwitch(head, buffer, at, end);
      return end;
    }
    if (head.status < 200) {
      if (++this.#interims > INTERIM_MAX) {
        this.#failed(
          failureOf("response-malformed", this.#evidence({ detail: `more than ${INTERIM_MAX} interim responses` })),
        );
        return end;
      }
      exchange.sendInterim(head);
      return at;
    }
    this.responseHead = head;
    if (exchange.served && saysLengthTwice(head)) {
      this.failed("response-malformed", { detail: "Content-Length twice, or with Transfer-Encoding" });
      return end;
    }
    this.headAt = eventTime();
    this.status = head.status;
    learnFrom(this, head);
    this.group.judge.answered(this, head.status);
    if (exchange.plan!.retry.statuses.includes(head.status) && this.#drop(head)) return end;
    if (exchange.served && takeUpstreamHead(exchange.served, this, head, at === end)) return end;
    this.state = "body";
    this.relay = new ResponseRelay(this, head);
    this.relay.begin(buffer, at, end);
    this.#answered();
    return end;
  }

  /** The response goes to the client: no other attempt follows, and others of the waiting room do. */
  #answered(): void {
    this.exchange.attemptAnswered();
    if (this.#released) this.group.room.releasedEnded(true);
    this.#released = false;
  }

  /** How long the connection had been idle before this request. */
  get idleMs(): Ms {
    return this.startedAt - this.connection!.idleSince;
  }

  /** Gives up a response for another attempt, where one may be made. */
  #drop(head: ResponseHead): boolean {
    const failure = failureOf("upstream-error-passthrough", this.#evidence({}), { status: head.status });
    this.dropped = true;
    if (this.exchange.mayDrop(this, failure)) {
      this.#failed(failure);
      return true;
    }
    this.dropped = false;
    return false;
  }

  /** Its response is not passed on: something else answers. */
  dropResponse(reusable = false): void {
    this.group.judge.abandoned(this);
    this.exchange.attempt = null;
    this.complete(reusable);
  }

  #onSwitch(head: ResponseHead, buffer: Buffer, at: number, end: number): void {
    this.responseHead = head;
    const refused = switchRefused(this.exchange, head);
    if (refused) return this.failed(refused.cause, { detail: refused.detail });
    this.#beginTunnel(this.connection!, 101).begin(head, buffer, at, end);
    this.#answered();
  }

  #beginTunnel(connection: PooledConnection, status: number): Tunnel {
    this.headAt = eventTime();
    this.status = status;
    this.state = "tunnel";
    this.group.judge.answered(this, status);
    this.tunnel = new Tunnel(this, connection);
    return this.tunnel;
  }

  #unreadable(error: WireError, buffer: Buffer, start: number, end: number): void {
    const evidence = this.#evidence({ headExcerpt: headExcerpt(buffer, start, end) });
    this.#failed(wireFailure("response", error.error, error.detail, error.status, evidence));
  }

  onEnd(): void {
    if (this.state === "tunnel") return this.tunnel!.upstreamEnded();
    if (this.#wasReset()) return this.#connectionLost("rst", null);
    if (this.state === "body" && this.relay!.endedByClose()) return;
    this.#connectionLost("fin", null);
  }

  #wasReset(): boolean {
    const { connection } = this;
    return connection !== null && this.target.config.address.kind === "tcp" && connection.endedByReset;
  }

  onClosed(error: NodeJS.ErrnoException | null): void {
    if (this.state === "done") return;
    if (this.state === "tunnel") return this.tunnel!.upstreamClosed(error);
    this.#connectionLost(error ? "rst" : "fin", error);
  }

  #connectionLost(closedBy: "fin" | "rst", error: NodeJS.ErrnoException | null): void {
    const phase = this.state === "body" ? "response-body" : this.sentAt === 0 ? "write" : "response-head";
    const evidence = this.#evidence({ closedBy: this.writeError ? "rst" : closedBy });
    error ??= this.writeError;
    if (error?.code) evidence.errno = error.code;
    if (this.state === "body") evidence.closeDelimited = this.relay!.closeDelimited;
    this.#failed(closedFailure(phase, evidence));
  }

  onDeadline(at: Ms): void {
    if (this.state === "tunnel") return this.tunnel!.idle();
    if (this.writeError && this.state === "head") return this.#connectionLost("rst", this.writeError);
    const [deadline, deadlineMs] = deadlineMet(this);
    this.#failed(deadlineFailure(deadline, this.#evidence({ deadline, deadlineMs }, at)));
  }

  onDrained(): void {
    if (this.state === "tunnel") return this.tunnel!.upstreamDrained();
    if (this.state === "head" && this.sentAt === 0) this.connection?.clearDeadline();
    this.request?.drained();
    this.exchange.upstreamDrained();
  }

  /** The client takes more of the response. */
  clientDrained(): void {
    if (this.state === "tunnel") return this.tunnel!.clientDrained();
    const { connection } = this;
    if (this.state !== "body" || !connection?.readingPaused) return;
    connection.resumeReading();
    connection.setDeadline(eventTime() + this.relay!.idleMs);
  }

  #evidence(more: Evidence, at: Ms = eventTime()): Evidence {
    return evidenceOf(this, more, at);
  }

  /** A failure of the response that the relay saw. */
  failed(cause: Failure["cause"], evidence: Evidence): void {
    this.#failed(failureOf(cause, this.#evidence(evidence)));
  }

  failedWire(error: WireError): void {
    this.#failed(wireFailure("response", error.error, error.detail, error.status, this.#evidence({})));
  }

  #failed(failure: Failure): void {
    if (this.state === "done") return;
    this.failure = failure;
    if (failure.cause === "keepalive-race") this.target.closedIdle(this.idleMs, eventTime());
    this.#done();
    if (this.dropped) this.group.judge.abandoned(this);
    else this.group.judge.failed(this, failure);
    this.connection?.discard();
    this.exchange.attemptFailed(this, failure);
    this.#makeRoom();
  }

  /** Its place is free: those who wait may go on. */
  #makeRoom(): void {
    const { room } = this.group;
    if (this.#released) room.releasedEnded(this.headAt > 0);
    else if (room.size > 0) room.wake();
    this.#released = false;
  }

  /** The response is whole. */
  complete(reusable: boolean): void {
    const connection = this.connection!;
    this.#done();
    this.group.judge.completed(this);
    if (reusable && this.sentAt > 0) this.target.pool.release(connection, this.endedAt);
    else connection.discard();
    this.#makeRoom();
  }

  /** The upstream has closed its side while we send: it may have answered before (413, 401). */
  onWriteFailed(error: NodeJS.ErrnoException): void {
    if (this.state === "tunnel") return this.#connectionLost("rst", error);
    this.writeError ??= error;
    this.exchange.upstreamDrained();
    this.connection?.resumeReading();
    if (this.state === "head") this.connection?.setDeadline(eventTime() + LAST_WORDS_MS);
  }

  onInternalError(error: unknown): void {
    this.exchange.client.onInternalError(error);
  }

  /** The exchange needs this attempt no more. */
  cancel(): void {
    if (this.state === "done") return;
    if (this.#dial) {
      this.#dial.cancel();
      this.target.pool.dialFailed();
    }
    this.#done();
    this.group.judge.abandoned(this);
    this.connection?.discard();
    this.#makeRoom();
  }

  #done(): void {
    this.state = "done";
    this.endedAt = eventTime();
    this.target.active--;
    if (this.headAt > 0) return;
    // Before the request was out it was the client that took its time.
    this.target.latency?.unanswered(this.endedAt - (this.sentAt || this.endedAt), this.endedAt, this.failure !== null);
  }
}
