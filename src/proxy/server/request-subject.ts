// A request of a virtual server as its variables see it (variables/subject.ts). Made where the first variable is used.
import { parseBasicCredentials } from "../../access/basic-auth.ts";
import { eventTime } from "../../std/clock.ts";
import type { Ms } from "../../std/units.ts";
import { cookieOf, setCookieOf } from "../../variables/parameters.ts";
import type { ConnectionCounts, ProxyProtocolFacts, Subject, TlsFacts, Try } from "../../variables/subject.ts";
import { CHUNKED } from "../../wire/framing.ts";
import { fieldValue, fieldValues } from "../../wire/head.ts";
import { wallMs } from "../date.ts";
import { featureOf } from "./features.ts";
import { filenameOf } from "./paths.ts";
import { proxiedBodyLength } from "./proxied-request.ts";
import { clientRate } from "./rates.ts";
import type { ServerRequest } from "./request.ts";
import { sliceRange } from "./slice.ts";
import { triesOf } from "./tried.ts";

export class RequestSubject implements Subject {
  readonly #request: ServerRequest;
  readonly slots: (string | undefined)[];
  captures: readonly (string | undefined)[] | null = null;

  constructor(request: ServerRequest) {
    this.#request = request;
    this.slots = request.parent ? request.parent.subject.slots : [];
  }

  get #exchange() {
    return this.#request.exchange;
  }
  get #main() {
    return this.#request.main.exchange;
  }

  // -- the request

  get method(): string {
    return this.#request.main.method;
  }
  get target(): string {
    return this.#main.targetReceived;
  }
  get uri(): string {
    return this.#request.uri;
  }
  get args(): string | undefined {
    return this.#request.args;
  }
  get protocol(): string {
    return this.#main.protocol;
  }
  get requestLine(): string {
    const { head } = this.#main;
    return head.text === "" ? "" : head.text.slice(0, head.text.search(/\r?\n/));
  }
  get host(): string {
    return this.#request.host || this.#request.server.name;
  }
  get requestPort(): string | undefined {
    return this.#request.hostPort;
  }
  header(name: string): string | undefined {
    const values = fieldValues(this.#main.head, name);
    return values.length === 0 ? undefined : values.join(name === "cookie" ? "; " : ", ");
  }
  cookie(name: string): string | undefined {
    const lines = fieldValues(this.#main.head, "cookie");
    return lines.length === 0 ? undefined : cookieOf(lines.join("; "), name);
  }
  get requestLength(): number {
    return this.#main.bytesReceived;
  }
  get contentLength(): string | undefined {
    const { head, body } = this.#main;
    if (head.bodyLength === CHUNKED) return body?.complete ? String(body.received) : undefined;
    return fieldValue(head, "content-length");
  }
  get requestBody(): string | undefined {
    const { body } = this.#main;
    const { clientBody } = this.#request.main;
    if (this.#request.ownBody) return this.#request.ownBody.toString("latin1");
    // What nobody has asked to be read is not there; what is in a file is not read for this.
    if (!body?.complete || clientBody?.mode !== "whole" || clientBody.file) return undefined;
    return body.content().toString("latin1");
  }
  get requestBodyFile(): string | undefined {
    return this.#request.main.clientBody?.file?.path;
  }
  get requestId(): string {
    return this.#main.ownRequestId;
  }
  get remoteUser(): string | undefined {
    const { main } = this.#request;
    const field = main.method === "CONNECT" ? "proxy-authorization" : "authorization";
    return main.remoteUser ?? parseBasicCredentials(fieldValue(main.exchange.head, field))?.user;
  }
  get isSubrequest(): boolean {
    return this.#request.parent !== null;
  }
  get startedAt(): Ms {
    return this.#main.startedAt;
  }
  get now(): Ms {
    return eventTime();
  }
  get wallNowMs(): number {
    return wallMs();
  }

  // -- the connection

  get remoteAddress(): string {
    return this.#request.main.realAddress || this.peerAddress;
  }
  get remotePort(): string {
    const { realAddress, realPort } = this.#request.main;
    return realAddress === "" ? this.peerPort : realPort;
  }
  get peerAddress(): string {
    const { client } = this.#main;
    return client.remoteAddress === "" ? "unix:" : client.remoteAddress;
  }
  get peerPort(): string {
    const { client } = this.#main;
    return client.remotePort === 0 ? "" : String(client.remotePort);
  }
  get serverAddress(): string {
    const { client } = this.#main;
    const { address } = client.listener;
    return address.kind === "unix" ? `unix:${address.path}` : client.localAddress;
  }
  get serverPort(): string {
    const { client } = this.#main;
    const { address } = client.listener;
    return address.kind === "unix" ? "" : String(client.localPort || address.port);
  }
  get connectionSerial(): number {
    return this.#main.client.serial;
  }
  get connectionRequests(): number {
    return this.#main.client.requests + 1;
  }
  get connectionStartedAt(): Ms {
    return this.#main.client.openedAt;
  }
  get pipelined(): boolean {
    return this.#main.client.pipelined;
  }
  get proxyProtocol(): ProxyProtocolFacts | null {
    return this.#main.client.proxyProtocol;
  }
  get tls(): TlsFacts | null {
    return this.#main.client.tlsFacts;
  }
  get openConnections(): ConnectionCounts {
    return this.#main.client.gateway.connectionCounts;
  }

  // -- the virtual server and location

  feature(name: string): string | undefined {
    return name === "slice_range" ? sliceRange(this.#request) : featureOf(this.#request, name);
  }
  get serverName(): string {
    return this.#request.server.name;
  }
  get documentRoot(): string {
    return this.#request.location.root.render(this);
  }
  get requestFilename(): string {
    return filenameOf(this.#request, this.#request.uri);
  }
  get limitRate(): string | undefined {
    return String(clientRate(this.#request));
  }
  get limitReqStatus(): string | undefined {
    return this.#request.main.limitReqStatus;
  }
  get limitConnStatus(): string | undefined {
    return this.#request.main.limitConnStatus;
  }
  get invalidReferer(): string {
    return this.#request.location.invalidReferer?.(fieldValue(this.#main.head, "referer")) ? "1" : "";
  }

  // -- the response

  get status(): number {
    return this.#exchange.status || this.#exchange.failure?.status || 0;
  }
  get bytesSent(): number {
    return this.#exchange.bytesSent;
  }
  get bodyBytesSent(): number {
    return this.#exchange.bodyBytesSent;
  }
  sentHeader(name: string): string | undefined {
    const { sentHead } = this.#request;
    const values: string[] = [];
    if (sentHead === "") {
      const lines = this.#request.output.header?.lines ?? [];
      for (const line of lines) if (line.name.toLowerCase() === name) values.push(line.value);
      return values.length === 0 ? undefined : values.join(", ");
    }
    for (const line of sentHead.split("\r\n").slice(1)) {
      const colon = line.indexOf(":");
      if (colon === name.length && line.slice(0, colon).toLowerCase() === name)
        values.push(line.slice(colon + 1).trim());
    }
    return values.length === 0 ? undefined : values.join(", ");
  }
  sentTrailer(name: string): string | undefined {
    const lines = this.#request.sentTrailers.filter((line) => line.name.toLowerCase() === name);
    return lines.length === 0 ? undefined : lines.map(({ value }) => value).join(", ");
  }
  get gzipRatio(): string | undefined {
    return this.#request.gzipRatio?.();
  }
  get completed(): boolean {
    return this.#exchange.ended && !this.#exchange.aborted;
  }
  get cause(): string | undefined {
    return this.#exchange.failure?.cause;
  }
  get cacheStatus(): string | undefined {
    return this.#request.cacheStatus;
  }
  get cacheKey(): string | undefined {
    return this.#request.cacheKey;
  }
  get cacheLastModified(): string | undefined {
    return this.#request.cacheLastModified;
  }
  get cacheEtag(): string | undefined {
    return this.#request.cacheEtag;
  }

  // -- upstreams

  get tries(): readonly Try[] {
    return triesOf(this.#request);
  }
  upstreamHeader(name: string): string | undefined {
    const head = this.#request.upstreamHead;
    if (!head) return undefined;
    const values = fieldValues(head, name);
    return values.length === 0 ? undefined : values.join(", ");
  }
  upstreamCookie(name: string): string | undefined {
    const head = this.#request.upstreamHead;
    return head ? setCookieOf(fieldValues(head, "set-cookie"), name) : undefined;
  }
  upstreamTrailer(name: string): string | undefined {
    return this.#request.upstreamTrailers.find((line) => line.name.toLowerCase() === name)?.value;
  }
  get upstreamName(): string | undefined {
    return this.#exchange.group?.config.name;
  }
  get proxyHost(): string | undefined {
    const { proxy } = this.#request.location;
    if (!proxy) return undefined;
    return proxy.config.target.kind === "upstream" ? proxy.config.hostName : this.#request.proxyAuthority;
  }
  get proxyPort(): string | undefined {
    const { proxy } = this.#request.location;
    if (!proxy) return undefined;
    const host = this.proxyHost ?? "";
    const port = /:(\d+)$/.exec(host)?.[1];
    if (port) return port;
    const { target } = proxy.config;
    const scheme = target.kind === "upstream" ? target.scheme : this.#request.proxyScheme;
    return scheme === "https" ? "443" : "80";
  }
  get proxyBodyLength(): string | undefined {
    const { proxy } = this.#request.location;
    const length = proxy ? proxiedBodyLength(this.#request, proxy) : null;
    return length === null || length === CHUNKED ? undefined : String(length);
  }
  get proxyChunked(): boolean {
    const { proxy } = this.#request.location;
    return proxy !== null && proxiedBodyLength(this.#request, proxy) === CHUNKED;
  }
}
