// What `import … from "goodgate/node"` offers, as types that stand by themselves: package.json names the declarations
// of this file, and they lead to nothing else of the program. create-proxy.ts is checked against them.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { Duplex } from "node:stream";

export { GatewayError, type GatewayErrorFacts } from "./gateway-error.ts";

/** Makes a proxy; throws an Error that tells every problem of its settings at once. */
export declare function createProxy(target: ProxyTarget, options?: ProxyOptions): NodeProxy;

/** Where requests go: an address, several that form one upstream, or a configuration. */
export type ProxyTarget = string | readonly string[] | (ProxySettings & ProxyOptions) | (ConfigFile & ProxyOptions);

/** A goodgate.yaml. Its listeners, console and workers are not opened. */
export interface ConfigFile {
  readonly config: string;
}

/** A part of the configuration, as goodgate.yaml has it (docs/config.md). It is checked when the proxy is made. */
export type Setting = string | number | boolean | readonly Setting[] | { readonly [key: string]: Setting | undefined };

/** The configuration, as goodgate.yaml has it (docs/config.md). */
export interface ProxySettings {
  /** By name: an address, a list of them, or `{ endpoints, balance, retry, timeouts, host, tls, … }`. */
  readonly upstreams?: Readonly<Record<string, Setting>>;
  /** `{ path, host, method, proxy, redirect, respond, strip, rewrite, … }`; left out: everything to the only upstream. */
  readonly routes?: readonly Readonly<Record<string, Setting | undefined>>[];
  readonly client?: Readonly<Record<string, Setting>>;
  readonly forwarding?: Readonly<Record<string, Setting>>;
  readonly errors?: Readonly<Record<string, Setting>>;
  /** Access log (default: none) and failure log (default: standard error). */
  readonly log?: Readonly<Record<string, Setting>>;
  /** How long close() waits for requests in flight, as "30s". */
  readonly drain?: string | number;
}

/** What a proxy is told beside where requests go. */
export interface ProxyOptions {
  /** Name of this deployment in Via and Proxy-Status. */
  readonly name?: string;
  /** Addresses (CIDR) of proxies before this one whose X-Forwarded-* and Forwarded are believed. */
  readonly trust?: string | readonly string[];
  /** A failure is answered by the gateway (the default), or handed to `next` as a GatewayError. */
  readonly onError?: "respond" | "next";
  /** Told of each exchange when it has ended. */
  readonly onExchange?: (exchange: ProxiedExchange) => void;
  /** Gets the failure log and what the proxy says of itself, instead of standard error. */
  readonly logger?: ProxyLogger;
}

/** `console`, pino, winston and the loggers of frameworks fit. */
export interface ProxyLogger {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** Continues with the next middleware, or with the error handler. */
export type Next = (error?: unknown) => void;

/** A handler for node:http, node:http2 (its compatibility API), Connect, Express, Next and Vite, with all that belongs to it. */
export interface NodeProxy {
  /** Resolves when the response is over, whatever became of it; never rejects. */
  (
    request: IncomingMessage | Http2ServerRequest,
    response: ServerResponse | Http2ServerResponse,
    next?: Next,
  ): Promise<void>;
  /** For the server's "upgrade" event: WebSocket. */
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** A Fastify plugin: `app.register(proxy.fastify, { prefix: "/api" })`. */
  readonly fastify: (instance: FastifyHost, options: unknown, done: (error?: Error) => void) => void;
  /** Counters and durations, as Prometheus text. */
  readonly metrics: () => string;
  /** Lets exchanges in flight end (for as long as `drain` says), then closes every connection. True = nothing was cut. */
  readonly close: () => Promise<boolean>;
}

/** What the plugin needs of a Fastify instance. */
export interface FastifyHost {
  readonly prefix: string;
  removeAllContentTypeParsers(): unknown;
  addContentTypeParser(
    type: string,
    parser: (request: unknown, payload: unknown, done: (error: Error | null, body?: unknown) => void) => void,
  ): unknown;
  all(path: string, handler: (request: FastifyRequestLike, reply: FastifyReplyLike) => Promise<void>): unknown;
}

export interface FastifyRequestLike {
  readonly raw: IncomingMessage | Http2ServerRequest;
}

export interface FastifyReplyLike {
  readonly raw: ServerResponse | Http2ServerResponse;
  hijack(): unknown;
  callNotFound(): unknown;
}

/** One exchange that has ended. */
export interface ProxiedExchange {
  readonly requestId: string;
  readonly method: string;
  /** Path and query as they came to the proxy (Express and Connect have taken the mount path off). */
  readonly target: string;
  readonly host: string;
  readonly clientAddress: string;
  /** Status sent; 499 = the client left before. */
  readonly status: number;
  readonly durationMs: number;
  readonly route: string;
  readonly upstream: string;
  /** What failed and was not mended by a retry; null = nothing. Errors that the upstream answered with are "upstream-error-passthrough". */
  readonly cause: string | null;
  readonly phase: string | null;
  /** The failure in words; "" = none. */
  readonly sentence: string;
  /** The response was cut after its head was sent. */
  readonly aborted: boolean;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly attempts: readonly ProxiedAttempt[];
}

/** One try on one endpoint. */
export interface ProxiedAttempt {
  readonly endpoint: string;
  /** Status received; 0 = none. */
  readonly status: number;
  /** On a connection that was kept alive. */
  readonly reused: boolean;
  readonly durationMs: number;
  readonly cause: string | null;
}
