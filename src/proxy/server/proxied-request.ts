// What goes to an upstream from a location that proxies: the target, the fields, the body.

import type { CompiledText } from "../../variables/subject.ts";
import { escapeUri } from "../../wire/escape.ts";
import {
  FIELD_CONNECTION,
  FIELD_CONTENT_LENGTH,
  FIELD_EXPECT,
  FIELD_HOST,
  FIELD_KEEP_ALIVE,
  FIELD_OTHER,
  FIELD_PROXY_CONNECTION,
  FIELD_TE,
  FIELD_TRANSFER_ENCODING,
  FIELD_UPGRADE,
  FIELD_X_FORWARDED_OTHER,
  kindBit,
  kindOf,
} from "../../wire/fields.ts";
import { CHUNKED } from "../../wire/framing.ts";
import { fieldValue, hasField, type RequestHead } from "../../wire/head.ts";
import { keptFields } from "../../wire/serialise.ts";
import type { Exchange } from "../exchange.ts";
import { traceFieldsFor, withoutCallersTrace } from "../trace-fields.ts";
import { askCache } from "./cache.ts";
import { fieldSafe, methodSafe, targetSafe } from "./line-safe.ts";
import type { ProxyPlan } from "./plan.ts";
import type { ServerRequest } from "./request.ts";
import { fileToSend, sendsBody, sendsChunks } from "./sent-body.ts";
import { resolveHost } from "./target.ts";

/** Fields that never go on as they came: of one connection, or stated anew. */
const NEVER =
  kindBit(FIELD_HOST) |
  kindBit(FIELD_CONNECTION) |
  kindBit(FIELD_KEEP_ALIVE) |
  kindBit(FIELD_PROXY_CONNECTION) |
  kindBit(FIELD_TE) |
  kindBit(FIELD_TRANSFER_ENCODING) |
  kindBit(FIELD_CONTENT_LENGTH) |
  kindBit(FIELD_UPGRADE) |
  kindBit(FIELD_EXPECT);

/** A field that a location sets for its upstream. */
interface SetHeader {
  readonly name: string;
  readonly lowerName: string;
  readonly value: CompiledText;
}

/** The fields that a location sets, and which of the client's they stand for. */
export interface SetHeaders {
  readonly list: readonly SetHeader[];
  /** Kinds of the client's fields that do not go on. */
  readonly removed: number;
  /** Those that have no kind. */
  readonly removedNames: readonly string[];
}

/** Works out which fields of the client's a list of set fields stands for. */
export function setHeadersOf(list: readonly SetHeader[]): SetHeaders {
  let removed = NEVER;
  const removedNames: string[] = [];
  for (const { lowerName } of list) {
    const kind = kindOf(lowerName);
    if (kind === FIELD_OTHER || kind === FIELD_X_FORWARDED_OTHER) removedNames.push(lowerName);
    else removed |= kindBit(kind);
  }
  // What is always empty only keeps the client's field away.
  return { list: list.filter(({ value }) => value.constant !== ""), removed, removedNames };
}

/** Path and query as they are sent on. */
export function proxiedTarget(request: ServerRequest, proxy: ProxyPlan): string {
  const { uri: rule } = proxy;
  const { exchange, uri } = request;
  const args = request.args === undefined ? "" : `?${request.args}`;
  switch (rule.kind) {
    case "as-received":
      if (request.asReceived) return withoutFragment(exchange.targetReceived);
      return escaped(request, uri) + args;
    case "replace": {
      if (!request.inLocation) return escaped(request, uri) + args;
      return rule.by + escaped(request, uri.slice(rule.prefixLength)) + args;
    }
    case "whole":
      return rule.text.render(request.subject);
  }
}

/** What a client sends of its fragment is nothing for an upstream. */
function withoutFragment(target: string): string {
  const at = target.indexOf("#");
  return at < 0 ? target : target.slice(0, at);
}

function escaped(request: ServerRequest, uri: string): string {
  return request.quoted || request.internal ? escapeUri(uri) : uri;
}

/** The request head for an upstream. */
export function proxiedRequestHead(exchange: Exchange): string {
  const request = exchange.served!;
  const proxy = request.location.proxy!;
  const { head } = exchange;
  const { cache } = request;
  const setHeaders = cache?.cacheable ? cache.setHeaders : proxy.setHeaders;
  const method = cache?.convertsHead
    ? "GET"
    : proxy.method
      ? (methodSafe(proxy.method.render(request.subject).trim()) ?? request.method)
      : request.method;
  let text = `${method} ${exchange.forwardTarget} HTTP/1.${proxy.minor}\r\n`;
  let hasHost = proxy.minor === 0;
  for (const { name, lowerName, value } of setHeaders.list) {
    if (lowerName === "content-length" || lowerName === "transfer-encoding") continue;
    const rendered = value.constant ?? fieldSafe(value.render(request.subject));
    if (rendered === "") continue;
    if (lowerName === "host") hasHost = true;
    text += `${name}: ${rendered}\r\n`;
  }
  // HTTP/1.1 has to have one, whatever the configuration says.
  if (!hasHost) text += `Host: ${proxy.config.hostName}\r\n`;
  text += bodyFields(request, proxy);
  // A location that sets the context itself is let alone.
  const traced = setHeaders.removedNames.includes("traceparent") ? "" : traceFieldsFor(exchange);
  if (proxy.passHeaders) text += clientFields(head, setHeaders, request, traced !== "");
  return `${text}${traced}\r\n`;
}

function clientFields(
  head: RequestHead,
  { removed, removedNames }: SetHeaders,
  request: ServerRequest,
  traced: boolean,
): string {
  let drop: Set<string> | null = null;
  for (const name of removedNames) {
    if (fieldValue(head, name) === undefined) continue;
    drop ??= new Set();
    drop.add(name);
  }
  for (const name of request.oddFields) {
    drop ??= new Set();
    drop.add(name);
  }
  return keptFields(head, removed, traced ? withoutCallersTrace(head, drop) : drop);
}

/** Content-Length or Transfer-Encoding: by what is sent, whatever was received. */
function bodyFields(request: ServerRequest, proxy: ProxyPlan): string {
  const length = proxiedBodyLength(request, proxy);
  if (length === null) return "";
  return length === CHUNKED ? "Transfer-Encoding: chunked\r\n" : `Content-Length: ${length}\r\n`;
}

/** Bytes of the body that goes to the upstream, CHUNKED, or null = no field says it. */
export function proxiedBodyLength(request: ServerRequest, proxy: ProxyPlan): number | null {
  const { exchange } = request;
  if (request.ownBody !== null) return request.ownBody.length;
  const file = fileToSend(request);
  if (file !== null) return file.sizeBytes;
  if (!sendsBody(request) || exchange.body === null) {
    return exchange.head.bodyLength === 0 &&
      hasField(exchange.head, FIELD_CONTENT_LENGTH) &&
      request.parent === null &&
      proxy.passBody
      ? 0
      : null;
  }
  // What was chunked and has been read whole has a length now.
  if (exchange.head.bodyLength === CHUNKED) return sendsChunks(request) ? CHUNKED : exchange.body.received;
  return exchange.head.bodyLength;
}

/** The upstream of a location; waits (for its name, for the body) where it has to. */
export function beginProxying(request: ServerRequest): void {
  const { exchange } = request;
  const proxy = request.location.proxy!;
  const target = proxy.chooseTarget(request);
  if (target === null) return;
  exchange.forwardTarget = targetSafe(target);
  if (request.givenBody && proxy.passBody) request.ownBody = request.givenBody;
  const { clientBody } = request;
  const isStreamed = clientBody !== null && streams(request, proxy);
  if (!isStreamed || exchange.body!.complete) {
    return request.whenBodyIsWhole(() => {
      if (proxy.body) request.ownBody = Buffer.from(proxy.body.render(request.subject), "latin1");
      ask(request);
    }, isStreamed);
  }
  request.testExpect();
  if (clientBody.stream()) ask(request);
}

/** The body goes on as it comes. An upstream that knows no chunks has to be told its length, so that it is read first. */
function streams({ exchange }: ServerRequest, { buffered, body, passBody, minor }: ProxyPlan): boolean {
  return !buffered && body === null && passBody && (exchange.head.bodyLength !== CHUNKED || minor === 1);
}

function ask(request: ServerRequest): void {
  if (request.location.cache === null) askUpstream(request);
  else askCache(request);
}

/** Where the cache has nothing to say. */
export function askUpstream(request: ServerRequest): void {
  const { exchange, unresolved } = request;
  // The head does not wait for a body that goes on as it comes.
  const begin = () => {
    exchange.proxy();
    exchange.attempt?.request?.flushHead();
  };
  if (unresolved === null) begin();
  else resolveHost(request, unresolved, begin);
}
