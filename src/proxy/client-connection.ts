// One client's connection: reads requests one after the other, hands each to an Exchange, and keeps what comes
// behind it (pipelining) until that exchange has ended. Nothing is answered out of order, nothing is read without
// a bound, and every state has its deadline.
//
//   head ──▶ exchange ──▶ head …        (kept alive)
//     │          │
//     │          └──▶ tunnel            (after 101)
//     │          └──▶ discard ─▶ head … (virtual servers: the rest of a body that nobody wanted)
//     └──────────┴──▶ linger ──▶ closed (what the client still sends is thrown away, so that it can read our answer)
import type { RequestRules } from "../config/servers.ts";
import { deadlineFailure, failureOf, wireFailure } from "../failure/classify.ts";
import type { Failure } from "../failure/failure.ts";
import { Connection } from "../net/connection.ts";
import { beginEvent, eventTime } from "../std/clock.ts";
import type { Bytes, Ms } from "../std/units.ts";
import type { ProxyProtocolFacts, TlsFacts } from "../variables/subject.ts";
import { isWireError, type RequestHead, type WireError } from "../wire/head.ts";
import { HeadBuffer } from "../wire/head-buffer.ts";
import { parseRequestHead } from "../wire/request-head.ts";
import { Exchange } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import type { ListenerInfo } from "./listener.ts";
import type { BodySink, RequestBody } from "./request-body.ts";
import type { Runtime } from "./runtime.ts";
import type { Handshake } from "./server/handshake.ts";
import { HeadLimitsOf, headMsOf } from "./server/head-rules.ts";
import { UNREADABLE } from "./unreadable.ts";

/** After our last byte the client gets this long to read it and to close; longer while it goes on sending … */
export const LINGER_MS = 2_000;
/** … but no longer than this. What it sends is thrown away, so its amount does not matter. */
const LINGER_MS_MAX = 30_000;
/** What a client is left to read of a response that was cut, before it meets the reset. */
const ABORT_MS = 500;
/** Bytes behind the running exchange that are kept before reading is paused. */
const STASH_BYTES_MAX = 64 * 1024;
/** Responses that the client has not taken: beyond this its next request waits until it has. "drain" tells of it. */
const BACKLOG_BYTES_MAX = 64 * 1024;

type State = "head" | "exchange" | "tunnel" | "discard" | "linger";

/** Body bytes that nobody wants. */
const NOWHERE: BodySink = { onBody: () => {} };

/** Connections so far. */
let connections = 0;

/** A client connection. */
export class ClientConnection extends Connection {
  readonly gateway: Gateway;
  readonly listener: ListenerInfo;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** It comes from a proxy whose forwarding fields are believed. */
  readonly trusted: boolean;
  state: State = "head";
  exchange: Exchange | null = null;
  /** Requests answered so far. */
  requests = 0;
  /** Counts connections of this process. */
  readonly serial: number = ++connections;
  openedAt: Ms = eventTime();
  /** How long it waits for another request; -1 = as the configuration says for all. */
  keepAliveMs: Ms = -1;
  /** What the PROXY protocol said of it; null = it was not spoken. */
  proxyProtocol: ProxyProtocolFacts | null = null;
  /** What TLS says of it; null = plain. */
  tlsFacts: TlsFacts | null = null;
  /** What its handshake agreed on; null = plain, or the listener has certificates of its own. */
  handshake: Handshake | null = null;
  /** Plain HTTP on a listener for TLS. */
  plainOnTls = false;
  readonly #rules = new HeadLimitsOf();
  /** What the last request of this connection said of it to the upstream, and for which host: the next says the same. */
  forwardedFor = "";
  forwardedBy: Runtime | null = null;
  forwardingLines = "";
  #headBuffer: HeadBuffer | null = null;
  #stash: Buffer | null = null;
  /** How the virtual server of the last request wants the connection to end; null = as goodgate.yaml has it for all. */
  closing: RequestRules | null = null;
  /** Its last head could not be read: who knows what is still to come. */
  #unreadable = false;
  /** What is discarded of a body. */
  #rest: RequestBody | null = null;
  #lingerUntil: Ms = 0;
  /** Bytes that the kernel had not taken when it was looked last. */
  #lingerPending = 0;
  /** Its next request waits until the client has taken what was answered. */
  #waits = false;
  /** What the client had taken when that was looked at last. */
  #takenBefore: Bytes = 0;
  /** Its linger ends with a reset. */
  #resets = false;
  /** The buffer being read is ours to keep. */
  #owned = false;

  constructor(gateway: Gateway, listener: ListenerInfo, remoteAddress: string, remotePort: number, trusted: boolean) {
    super();
    this.gateway = gateway;
    this.listener = listener;
    this.remoteAddress = remoteAddress;
    this.remotePort = remotePort;
    this.trusted = trusted;
  }

  /** No further request can come: the client ended its direction, and nothing of it is left to read. */
  get finished(): boolean {
    return this.ended && this.#stash === null;
  }

  /** The connection is attached: the first head must come in time. */
  opened(): void {
    this.setDeadline(eventTime() + headMsOf(this));
  }

  override onBytes(buffer: Buffer, start: number, end: number): void {
    switch (this.state) {
      case "head":
        if (this.#waits) this.#keep(buffer, start, end);
        else this.#readRequests(buffer, start, end);
        return;
      case "exchange": {
        const exchange = this.exchange!;
        const at = exchange.onClientBytes(buffer, start, end);
        if (at < end && !this.closed && (this.state as State) !== "linger") this.#keep(buffer, at, end);
        return;
      }
      case "tunnel":
        this.exchange?.onTunnelBytes(buffer, start, end);
        return;
      case "discard":
        this.#discard(buffer, start, end);
        return;
      case "linger":
        if (this.pendingBytes === 0) this.setDeadline(Math.min(eventTime() + this.#lingerMs, this.#lingerUntil));
    }
  }

  #readRequests(buffer: Buffer, start: number, end: number): void {
    let at = start;
    for (let first = true; at < end && this.state === "head" && !this.closed; first = false) {
      if (this.pendingBytes >= BACKLOG_BYTES_MAX) {
        this.#keep(buffer, at, end);
        this.#awaitClient();
        break;
      }
      if (!first) this.pipelined = true;
      if (this.#headBuffer) {
        const result = this.#headBuffer.push(buffer, at, end);
        if (result === undefined) return;
        this.#headBuffer = null;
        if (isWireError(result)) return this.#refuse(result);
        this.#owned = true;
        buffer = result.rest;
        at = this.#begin(result.head as RequestHead, buffer, 0, buffer.length);
        end = buffer.length;
      } else {
        const head = parseRequestHead(buffer, at, end, this.#rules.limitsFor(this));
        if (head === undefined) return this.#awaitRest(buffer, at, end);
        if (isWireError(head)) return this.#refuse(head);
        at = this.#begin(head, buffer, at + head.size, end);
      }
    }
    if (this.state === "exchange") {
      if (at < end) this.#keep(buffer, at, end);
      else if (this.ended) this.exchange?.onClientEnd();
    }
    this.#owned = false;
  }

  #awaitRest(buffer: Buffer, at: number, end: number): void {
    this.#headBuffer = new HeadBuffer("request", this.#rules.limitsFor(this));
    const early = this.#headBuffer.push(buffer, at, end);
    if (isWireError(early)) return this.#refuse(early);
    // The deadline of a first head runs since the connection was opened, that of a later one from its first byte.
    if (this.requests > 0) this.setDeadline(eventTime() + headMsOf(this));
  }

  #begin(head: RequestHead, buffer: Buffer, start: number, end: number): number {
    this.state = "exchange";
    this.gateway.requests++;
    this.clearDeadline();
    const exchange = new Exchange(this, this.gateway.runtime, head);
    this.exchange = exchange;
    return exchange.begin(buffer, start, end);
  }

  /** A head that cannot be read: answered, and the connection closed, since what follows cannot be trusted. */
  #refuse(error: WireError): void {
    this.#unreadable = true;
    this.#fail(wireFailure("request", error.error, error.detail, error.status, {}));
  }

  #fail(failure: Failure): void {
    this.state = "exchange";
    this.exchange = new Exchange(this, this.gateway.runtime, UNREADABLE);
    this.exchange.fail(failure);
  }

  #headTimedOut(): void {
    const deadlineMs = headMsOf(this);
    const failure = deadlineFailure("client-head", { deadline: "client-head", deadlineMs });
    const { runtime } = this.gateway;
    if (!runtime.servers) return this.#fail(failure);
    this.state = "exchange";
    this.exchange = new Exchange(this, runtime, UNREADABLE);
    this.exchange.closeTimedOut(failure);
  }

  /** It has begun to read a head. */
  get readsHead(): boolean {
    return this.#headBuffer !== null;
  }

  #keep(buffer: Buffer, at: number, end: number): void {
    const more = this.#owned ? buffer.subarray(at, end) : Buffer.from(buffer.subarray(at, end));
    this.#stash = this.#stash ? Buffer.concat([this.#stash, more]) : more;
    if (this.#stash.length >= STASH_BYTES_MAX) this.pauseReading();
  }

  /** Who sends requests and reads no responses would fill our memory with them. */
  #awaitClient(): void {
    this.#waits = true;
    this.pauseReading();
    this.#takenBefore = this.takenBytes;
    this.setDeadline(eventTime() + this.#sendMs);
  }

  /** The exchange has ended; `reusable` = its message boundaries are certain and both sides want to go on. */
  exchangeEnded(reusable: boolean, rest: RequestBody | null = null): void {
    this.exchange = null;
    if (this.closed) return;
    if (!reusable || this.gateway.draining) return this.#linger(rest !== null);
    this.requests++;
    this.pipelined = false;
    if (rest) return this.#discardRest(rest);
    this.state = "head";
    const stash = this.#stash;
    if (stash) {
      this.#stash = null;
      process.nextTick(resumeWith, this, stash);
      return;
    }
    if (this.ended) return this.#linger();
    this.resumeReading();
    this.setDeadline(eventTime() + this.idleMs);
  }

  /** Reads the rest of a body that nobody wants, for so long as the virtual server allows. */
  #discardRest(rest: RequestBody): void {
    this.state = "discard";
    this.#rest = rest;
    if (this.ended) return this.#linger();
    this.#lingerUntil = eventTime() + this.closing!.lingeringTimeMs;
    this.resumeReading();
    this.#awaitDiscarded();
  }

  #awaitDiscarded(): void {
    const waitMs = this.pendingBytes > 0 ? this.#sendMs : this.#lingerMs;
    this.setDeadline(this.pendingBytes > 0 ? eventTime() + waitMs : Math.min(eventTime() + waitMs, this.#lingerUntil));
  }

  #discard(buffer: Buffer, start: number, end: number): void {
    const at = this.#rest!.read(buffer, start, end, NOWHERE);
    if (isWireError(at)) return this.#linger();
    if (!this.#rest!.complete) return this.#awaitDiscarded();
    this.#rest = null;
    this.endBulk(true);
    if (this.gateway.draining) return this.#linger(at < end);
    this.state = "head";
    this.setDeadline(eventTime() + this.idleMs);
    if (at < end) this.#readRequests(buffer, at, end);
  }

  /** How long it may wait for its next request. */
  get idleMs(): Ms {
    return this.keepAliveMs >= 0 ? this.keepAliveMs : this.gateway.runtime.config.client.timeouts.idleMs;
  }

  /** The running request had come before the one before it was answered. */
  pipelined = false;

  /** The upstream has agreed to an upgrade: bytes pass from now on, those that came early first. */
  beginTunnel(): void {
    this.state = "tunnel";
    this.clearDeadline();
    const stash = this.#stash;
    this.#stash = null;
    this.resumeReading();
    if (stash) this.exchange?.onTunnelBytes(stash, 0, stash.length);
    if (this.ended) this.exchange?.onTunnelClientEnd();
  }

  /** Goes on with bytes that came while an exchange was running. */
  readStash(stash: Buffer): void {
    if (this.closed || this.state !== "head") return;
    this.resumeReading();
    this.setDeadline(eventTime() + headMsOf(this));
    this.#owned = true;
    this.pipelined = true;
    this.#readRequests(stash, 0, stash.length);
    this.#owned = false;
    if (this.ended && this.state === "head" && !this.#waits) this.#linger();
  }

  /** The client has taken its responses. */
  #goOn(): void {
    const stash = this.#stash;
    this.#waits = false;
    this.#stash = null;
    if (stash) return this.readStash(stash);
    this.resumeReading();
    this.setDeadline(eventTime() + this.idleMs);
  }

  /** `unread`: something of the client is still to come, or was not looked at. */
  #linger(unread = false): void {
    const { closing } = this;
    const more = unread || this.#stash !== null || this.#unreadable;
    this.state = "linger";
    this.#stash = null;
    this.#waits = false;
    this.#rest = null;
    this.#headBuffer = null;
    this.endSending();
    this.#lingerUntil = eventTime() + (closing ? closing.lingeringTimeMs : LINGER_MS_MAX);
    if (!this.ended) this.resumeReading();
    this.#lingerPending = this.#left;
    this.setDeadline(eventTime() + (this.pendingBytes > 0 ? this.#sendMs : this.#lingerMs));
    if (closing && (closing.lingering === "off" || (closing.lingering === "on" && !more))) this.destroySoon();
  }

  get #lingerMs(): Ms {
    return this.closing ? this.closing.lingeringTimeoutMs : LINGER_MS;
  }

  /** Gets less as long as the client takes something. */
  get #left(): number {
    return this.closing ? -this.takenBytes : this.pendingBytes;
  }

  /** The time to linger is over: who still takes what we sent gets more of it, who takes nothing is cut off. */
  #lingered(): void {
    if (this.pendingBytes === 0) return this.#resets ? this.abort() : this.destroy();
    const left = this.#left;
    // Ended in order, a body that its close delimits would look whole.
    if (left >= this.#lingerPending) return this.abort();
    this.#lingerPending = left;
    this.setDeadline(eventTime() + this.#sendMs);
  }

  /** Ends with a reset, so that nothing looks whole; what was sent gets a moment to arrive before. */
  abortSoon(): void {
    if (this.closed) return;
    this.state = "linger";
    this.#resets = true;
    this.#stash = null;
    this.exchange = null;
    this.resumeReading();
    this.#lingerUntil = eventTime() + LINGER_MS_MAX;
    this.#lingerPending = this.#left;
    this.setDeadline(eventTime() + (this.pendingBytes > 0 ? this.#sendMs : ABORT_MS));
  }

  get #sendMs(): Ms {
    return this.closing ? this.closing.sendTimeoutMs : this.gateway.runtime.config.client.timeouts.sendMs;
  }

  /** Closes a connection that waits for its next request. */
  closeIdle(): void {
    if (this.state === "head" && !this.#headBuffer) this.#linger();
  }

  override onEnd(): void {
    switch (this.state) {
      case "head":
        if (this.#waits) return;
        this.endSending();
        this.destroySoon();
        return;
      case "discard":
      case "linger":
        this.endSending();
        this.destroySoon();
        return;
      case "tunnel":
        this.exchange?.onTunnelClientEnd();
        return;
      case "exchange":
        this.exchange?.onClientEnd();
    }
  }

  override onClosed(_error: NodeJS.ErrnoException | null): void {
    this.gateway.connections.delete(this);
    this.#stash = null;
    this.#headBuffer = null;
    this.exchange?.onClientClosed();
    this.exchange = null;
  }

  override onDrained(): void {
    this.exchange?.onClientDrained();
    if (this.state === "discard") this.#awaitDiscarded();
    else if (this.state === "head" && this.#waits) this.#goOn();
  }

  override onDue(): void {
    switch (this.state) {
      case "linger":
        this.#lingered();
        return;
      case "discard":
        if (this.pendingBytes > 0) this.abort();
        else this.destroy();
        return;
      case "exchange":
      case "tunnel":
        this.exchange?.onClientDeadline();
        return;
      case "head":
        if (this.#waits && this.takenBytes > this.#takenBefore) this.#awaitClient();
        else if (this.#headBuffer) this.#headTimedOut();
        else this.#linger();
    }
  }

  override onWriteFailed(): void {
    this.destroy();
  }

  override onInternalError(error: unknown): void {
    this.gateway.reportInternal(error);
    if (this.exchange) this.exchange.fail(failureOf("gateway-internal-error", {}));
    else this.destroy();
  }
}

function resumeWith(connection: ClientConnection, stash: Buffer): void {
  beginEvent();
  try {
    connection.readStash(stash);
  } catch (error) {
    connection.onInternalError(error);
  }
}
