// The story of one request that came through the application's own server:
//
//   head ─▶ no route, and there is a next middleware ─▶ next()
//     └──▶ ClientConnection on an in-memory socket ─▶ (the engine: routes, attempts, retries, failures)
//              ▲ body, with back pressure                 │
//              └── request          response ◀── writer ◀─┘
//
// Whichever side ends first ends the other: a client that leaves closes the in-memory socket, which cancels the upstream
// request; an in-memory socket that closes before the response is whole resets the client's connection.
import { AsyncResource } from "node:async_hooks";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { Socket } from "node:net";
import { failureOf } from "../failure/classify.ts";
import type { Failure } from "../failure/failure.ts";
import type { ClientConnection } from "../proxy/client-connection.ts";
import { Exchange } from "../proxy/exchange.ts";
import { UNREADABLE } from "../proxy/unreadable.ts";
import { beginEvent } from "../std/clock.ts";
import { chunkHeader } from "../wire/chunked.ts";
import { CHUNKED } from "../wire/framing.ts";
import type { ResponseHead } from "../wire/head.ts";
import type { Engine } from "./engine.ts";
import { errorOf } from "./exchange-report.ts";
import type { GatewayError } from "./gateway-error.ts";
import { InMemorySocket, type WireUser } from "./in-memory-socket.ts";
import type { Next } from "./public.ts";
import { NO_CHANGES, requestHeadOf } from "./request-head.ts";
import { type Judge, ResponseWriter } from "./response-writer.ts";
import { type Body, bodyOf } from "./taken-body.ts";

export type AnyRequest = IncomingMessage | Http2ServerRequest;
export type AnyResponse = ServerResponse | Http2ServerResponse;

export class HandledRequest implements WireUser, Judge {
  readonly #engine: Engine;
  readonly #request: AnyRequest;
  readonly #response: AnyResponse;
  readonly #next: Next | undefined;
  /** Where the application's own context (AsyncLocalStorage) goes on; made only where it is called for. */
  readonly #context: AsyncResource | null;
  #wire!: InMemorySocket;
  readonly #writer: ResponseWriter;
  #connection: ClientConnection | null = null;
  #error: GatewayError | null = null;
  /** Body bytes that the client still owes; Infinity for chunks. */
  #owed = 0;
  #reading = false;
  #over = false;
  #resolve: (() => void) | null = null;

  constructor(engine: Engine, request: AnyRequest, response: AnyResponse, next: Next | undefined) {
    this.#engine = engine;
    this.#request = request;
    this.#response = response;
    this.#next = next;
    this.#context = next && engine.passesErrors ? new AsyncResource("goodgate") : null;
    this.#writer = new ResponseWriter(response, request.method ?? "", this);
  }

  /** Proxies the request; `strip` is taken off its path. Resolves when nothing more will happen to it. */
  run(strip: string): Promise<void> {
    const body = bodyOf(this.#request);
    const fields = body.kind === "bytes" ? body.fields : NO_CHANGES;
    const head = requestHeadOf(this.#request, {
      bodyLength: body.kind === "stream" ? body.length : body.kind === "bytes" ? body.bytes.length : 0,
      upgrade: false,
      strip,
      fields: wasToldToGoOn(this.#request, this.#response) ? { ...fields, expect: null } : fields,
    });
    if (this.#next && Buffer.isBuffer(head) && !this.#engine.accepts(head)) {
      this.#next();
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#response.on("close", this.#onClientGone);
      this.#response.on("error", this.#onClientGone);
      this.#begin(head, body);
    });
  }

  #begin(head: Buffer | { readonly problem: string }, body: Body): void {
    this.#wire = new InMemorySocket(this);
    const connection = this.#engine.connect(this.#wire as unknown as Socket, this.#request.socket);
    this.#connection = connection;
    if (!Buffer.isBuffer(head))
      return this.#refuse(null, failureOf("client-request-invalid", { detail: head.problem }));
    if (this.#engine.closed)
      return this.#refuse(head, failureOf("no-healthy-upstream", { detail: "the proxy was closed" }));
    if (body.kind === "lost") return this.#refuse(head, failureOf("gateway-config-invalid", { detail: body.why }));
    connection.receive(head, head.length);
    if (body.kind === "bytes") this.#wire.push(body.bytes);
    else if (body.kind === "stream" && !this.#over) this.#readBody(body.length);
  }

  /** Answers without asking anybody: the engine says it, so that it looks and is counted like every failure. */
  #refuse(head: Buffer | null, failure: Failure): void {
    beginEvent();
    const connection = this.#connection!;
    const understood = (head && this.#engine.understand(head)) ?? UNREADABLE;
    connection.state = "exchange";
    connection.exchange = new Exchange(connection, this.#engine.gateway.runtime, understood);
    connection.exchange.fail(failure);
  }

  #readBody(length: number): void {
    const request = this.#request;
    this.#owed = length === CHUNKED ? Infinity : length;
    this.#reading = true;
    request.on("data", this.#onBody);
    request.on("end", this.#onBodyEnd);
    request.on("error", this.#onClientGone);
  }

  readonly #onBody = (chunk: Buffer): void => {
    let bytes = chunk;
    if (this.#owed === Infinity) bytes = Buffer.concat([Buffer.from(chunkHeader(chunk.length)), chunk, CRLF]);
    // What is beyond the announced length would be read as another request.
    else if (chunk.length > this.#owed) return this.#onClientGone();
    else this.#owed -= chunk.length;
    if (!this.#wire.push(bytes)) this.#request.pause();
  };

  readonly #onBodyEnd = (): void => {
    if (this.#owed === Infinity)
      this.#wire.push(Buffer.from(`0\r\n${trailerLines(this.#request.rawTrailers)}\r\n`, "latin1"));
    else if (this.#owed > 0) this.#onClientGone();
  };

  onRoom(): void {
    if (this.#reading) this.#request.resume();
  }

  onResponse(bytes: Buffer): boolean {
    let more: boolean;
    try {
      more = this.#writer.take(bytes);
    } catch (error) {
      // The response object refused something, or a middleware that hooks into it threw: this response is lost.
      this.#engine.gateway.reportInternal(error);
      this.#wire.destroy();
      return true;
    }
    if (!more) this.#response.once("drain", () => this.#wire.taken());
    return more;
  }

  mayBegin(head: ResponseHead): boolean {
    const exchange = this.#connection?.exchange;
    const failure = exchange?.failure;
    if (this.#context && exchange && failure && failure.cause !== "upstream-error-passthrough") {
      this.#error = errorOf(exchange, failure, head);
      return false;
    }
    const response = this.#response as ServerResponse;
    // Another part of the application has answered meanwhile (a deadline of its own): that answer stands.
    if (response.headersSent) {
      process.nextTick(this.#onClientGone);
      return false;
    }
    // A client that was never told to send its body may, or may not, send it now: the connection has no next request.
    const expects = this.#request.headers.expect !== undefined;
    if (expects && !("stream" in response) && !wasToldToGoOn(this.#request, response)) response.shouldKeepAlive = false;
    return true;
  }

  readonly #onClientGone = (): void => {
    this.#wire.destroy();
  };

  onWireClosed(): void {
    if (this.#over) return;
    this.#over = true;
    const request = this.#request;
    const response = this.#response;
    if (this.#reading) {
      this.#reading = false;
      request.off("data", this.#onBody);
      request.off("end", this.#onBodyEnd);
      // What the upstream did not want to hear is thrown away, so that the client gets to read the answer.
      request.resume();
    }
    response.off("close", this.#onClientGone);
    if (this.#error) this.#context!.runInAsyncScope(process.nextTick, null, this.#next!, this.#error);
    else if (this.#writer.state !== "done" && this.#writer.state !== "withheld" && !isClosed(request, response))
      this.#writer.abort();
    this.#resolve?.();
  }
}

const CRLF = Buffer.from("\r\n");

/** Where there is no "checkContinue" listener node itself has sent 100 already. */
function wasToldToGoOn(request: AnyRequest, response: AnyResponse): boolean {
  if (request.headers.expect === undefined) return false;
  if ("stream" in response) return response.stream.sentInfoHeaders?.some((info) => info[":status"] === 100) ?? false;
  return (response as { _sent100?: boolean })._sent100 === true;
}

/** The client has left before the proxy was asked, or since. */
export function isClosed(request: AnyRequest, response: AnyResponse): boolean {
  if ("stream" in request) return request.stream.destroyed;
  return request.socket.destroyed || (response as ServerResponse).destroyed;
}

function trailerLines(raw: readonly string[]): string {
  let lines = "";
  for (let i = 0; i < raw.length; i += 2) lines += `${raw[i]}: ${raw[i + 1]}\r\n`;
  return lines;
}
