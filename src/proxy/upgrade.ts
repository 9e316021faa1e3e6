// A tunnel: after 101 (or CONNECT) bytes pass both ways as they are, with back pressure, half-close and an idle limit.
// It begins only when the upstream has agreed; until then what the client sends stays here.
import type { PooledConnection } from "../net/pool.ts";
import { eventTime } from "../std/clock.ts";
import { fieldValue, type ResponseHead } from "../wire/head.ts";
import type { Attempt } from "./attempt.ts";
import type { ClientConnection } from "./client-connection.ts";
import type { Exchange } from "./exchange.ts";
import { responseHeadFor } from "./response-head.ts";
import { connectedHeadText, switchingHeadText } from "./server/proxied-response.ts";
import type { ServerRequest } from "./server/request.ts";

const EMPTY = Buffer.alloc(0);

export class Tunnel {
  readonly #attempt: Attempt;
  readonly #exchange: Exchange;
  readonly #client: ClientConnection;
  readonly #upstream: PooledConnection;

  constructor(attempt: Attempt, upstream: PooledConnection) {
    this.#attempt = attempt;
    this.#exchange = attempt.exchange;
    this.#client = attempt.exchange.client;
    this.#upstream = upstream;
  }

  /** Sends the 101 with what the upstream has sent behind it, and what the client has sent meanwhile. */
  begin(head: ResponseHead, buffer: Buffer, start: number, end: number): void {
    const exchange = this.#exchange;
    const text = exchange.served ? switchingHeadText(exchange.served, head) : responseHeadFor(exchange, head, 0);
    exchange.status = head.status;
    this.#open(text, buffer, start, end);
  }

  /** The client asked for the tunnel itself (CONNECT): it is told that there is one. */
  beginConnected(served: ServerRequest): void {
    this.#open(connectedHeadText(served), EMPTY, 0, 0);
  }

  #open(text: string, buffer: Buffer, start: number, end: number): void {
    const exchange = this.#exchange;
    exchange.respondedAt = this.#attempt.headAt;
    exchange.keepAlive = false;
    exchange.bytesSent += text.length;
    this.#client.sendText(text);
    if (start < end) this.toClient(buffer, start, end);
    this.#touch();
    this.#client.beginTunnel();
  }

  #touch(): void {
    this.#upstream.setDeadline(eventTime() + this.#exchange.timeouts.tunnelIdleMs);
  }

  toClient(buffer: Buffer, start: number, end: number): void {
    this.#exchange.bytesSent += end - start;
    this.#exchange.bodyBytesSent += end - start;
    this.#touch();
    if (!this.#client.sendBytes("", buffer, start, end, "", this.#upstream)) this.#upstream.pauseReading();
  }

  toUpstream(buffer: Buffer, start: number, end: number): void {
    this.#attempt.bytesSent += end - start;
    this.#touch();
    if (!this.#upstream.sendBytes("", buffer, start, end, "", this.#client)) this.#client.pauseReading();
  }

  clientDrained(): void {
    this.#touch();
    this.#upstream.resumeReading();
  }

  upstreamDrained(): void {
    this.#touch();
    this.#client.resumeReading();
  }

  clientEnded(): void {
    if (this.#upstream.ended) this.#end();
    else this.#upstream.endSending();
  }

  upstreamEnded(): void {
    if (this.#client.ended) this.#end();
    else this.#client.endSending();
  }

  /** The upstream's socket has gone. */
  upstreamClosed(error: NodeJS.ErrnoException | null): void {
    if (error) this.#exchange.aborted = true;
    this.#end();
  }

  /** Nothing has passed for the idle time. */
  idle(): void {
    this.#end();
  }

  #end(): void {
    this.#attempt.complete(false);
    this.#exchange.attempt = null;
    this.#exchange.end(false);
    if (this.#exchange.aborted) this.#client.abort();
  }
}

/** Why a 101 begins no tunnel: it has to be asked for, and to say what was asked for (RFC 9110 §7.8). */
export function switchRefused(
  { served, head: request, upgrade }: Exchange,
  head: ResponseHead,
): { readonly cause: "response-malformed" | "upgrade-failed"; readonly detail: string } | null {
  if (served?.parent) return { cause: "response-malformed", detail: "101 to a subrequest" };
  // A virtual server sends what its location says: what counts there is that the client has asked.
  const wanted = served ? (fieldValue(request, "upgrade") ?? "") : upgrade;
  if (wanted === "") return { cause: "response-malformed", detail: "101 without a request to upgrade" };
  if (served || offers(wanted, head.upgrade)) return null;
  const detail = head.upgrade === "" ? "101 without Upgrade" : `101 for ${head.upgrade}, which was not asked for`;
  return { cause: "upgrade-failed", detail };
}

/** Whether the protocol that was chosen is one of those that were offered. */
function offers(offered: string, chosen: string): boolean {
  const wanted = chosen.toLowerCase();
  return wanted !== "" && offered.split(",").some((protocol) => protocol.trim().toLowerCase() === wanted);
}
