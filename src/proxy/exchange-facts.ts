// What is known of an exchange, and what follows from it: the request as it was received, the route or location that
// took it, the upstream that was chosen. Nothing happens here; exchange.ts tells the story.

import type { UpstreamTimeouts } from "../config/config.ts";
import { type Trace, traceIdIn } from "../observe/traces/tracer.ts";
import { isIdempotent } from "../resilience/retry.ts";
import { eventTime } from "../std/clock.ts";
import type { Bytes, Ms } from "../std/units.ts";
import type { UpstreamGroup } from "../upstream/group.ts";
import { fieldValue, type HeadLimits, type RequestHead } from "../wire/head.ts";
import type { ClientConnection } from "./client-connection.ts";
import type { RoutePlan } from "./plan.ts";
import { RequestBody } from "./request-body.ts";
import { newRequestId, requestIdFor } from "./request-id.ts";
import type { Runtime } from "./runtime.ts";
import type { ServerRequest } from "./server/request.ts";
import { sendsBody } from "./server/sent-body.ts";

export abstract class ExchangeFacts {
  /** Who gets the response; none, where it is fetched for the cache alone. */
  client: ClientConnection;
  readonly runtime: Runtime;
  readonly head: RequestHead;
  readonly body: RequestBody | null;
  readonly requestId: string;

  readonly startedAt: Ms = eventTime();
  /** What the matched route says; null = no route matched (yet). */
  plan: RoutePlan | null = null;
  group: UpstreamGroup | null = null;
  /** Its request of a virtual server; null = it takes a route. */
  served: ServerRequest | null = null;
  #ownId = "";
  #trace: Trace | null = null;

  constructor(client: ClientConnection, runtime: Runtime, head: RequestHead) {
    this.client = client;
    this.runtime = runtime;
    this.head = head;
    this.body = head.bodyLength === 0 ? null : new RequestBody(head.bodyLength, runtime.servers !== null);
    this.requestId = requestIdFor(head);
  }

  /** Path and query as received, without what an absolute target has in front. */
  get targetReceived(): string {
    const { form, target } = this.head;
    if (form !== "absolute") return target;
    const path = target.slice(target.indexOf("://") + 3).search(/[/?]/);
    if (path < 0) return "/";
    const rest = target.slice(target.indexOf("://") + 3 + path);
    return rest.startsWith("?") ? `/${rest}` : rest;
  }
  /** An id that is this gateway's own, whatever the client calls its request. */
  get ownRequestId(): string {
    this.#ownId ||= this.head.hasRequestId ? newRequestId() : this.requestId;
    return this.#ownId;
  }
  /** Its part in a trace, begun when it is first asked for; null = no traces are configured. */
  get trace(): Trace | null {
    const { tracer } = this.runtime.observer;
    if (!tracer) return null;
    // A subrequest is a part of another exchange.
    const parent = this.served?.parent;
    if (parent) return parent.main.exchange.trace;
    this.#trace ??= tracer.begin(this.head, this.requestId);
    return this.#trace;
  }
  get traceId(): string {
    return this.trace?.traceId ?? traceIdIn(this.head);
  }
  /** The client's body goes on to the upstream. */
  get sendsBody(): boolean {
    return this.body !== null && (this.served === null || sendsBody(this.served));
  }

  get timeouts(): UpstreamTimeouts {
    return this.plan!.timeouts;
  }
  /** Sending it twice does what sending it once does: by its method, or by a key where the route says so. */
  get repeatable(): boolean {
    return isIdempotent(this.method) || this.keyed;
  }
  get keyed(): boolean {
    if (!this.plan?.retry.idempotencyKey || isIdempotent(this.method)) return false;
    return fieldValue(this.head, "idempotency-key") !== undefined;
  }
  /** So much of a body is kept to be sent again. */
  get keptBytesMax(): Bytes {
    if (this.served) return Infinity;
    return this.group!.config.retry.bodyBytes;
  }
  get responseLimits(): HeadLimits {
    return this.plan!.responseLimits;
  }

  // What the record says of the request, read from the head when it is asked for.

  get method(): string {
    return this.head.method;
  }
  get target(): string {
    return this.head.target;
  }
  get host(): string {
    return this.head.host;
  }
  get protocol(): string {
    return this.head.minor === 1 ? "HTTP/1.1" : "HTTP/1.0";
  }
  /** The client's address, or what trusted proxies say it is. */
  get clientAddress(): string {
    const { client, head } = this;
    if (!client.trusted || !(head.hasXff || head.hasForwarded)) return client.remoteAddress;
    return client.gateway.clientAddressIn(head) ?? client.remoteAddress;
  }
  get clientPort(): number {
    return this.client.remotePort;
  }
  get listener(): string {
    return this.client.listener.label;
  }
  get tls(): boolean {
    return this.client.listener.tls && !this.client.plainOnTls;
  }
  get route(): string {
    return this.plan ? this.plan.name : "";
  }
  get upstream(): string {
    return this.group ? this.group.config.name : "";
  }
  get userAgent(): string {
    return fieldValue(this.head, "user-agent") ?? "";
  }
  get referer(): string {
    return fieldValue(this.head, "referer") ?? "";
  }
}
