// Responses that the gateway makes itself: failures (status, Proxy-Status, Retry-After, a body by Accept), redirects
// and fixed responses.
import { formatAddress } from "../config/address.ts";
import type { Address } from "../config/config.ts";
import { retryAfterOf } from "../failure/describe.ts";
import { type ErrorContext, errorBody, negotiate, ownPage } from "../failure/error-body.ts";
import { proxyStatusType } from "../failure/facets.ts";
import type { Failure } from "../failure/failure.ts";
import { appendMember, failureMember } from "../failure/proxy-status.ts";
import { statusText } from "../failure/status.ts";
import { eventTime } from "../std/clock.ts";
import { fieldValues } from "../wire/head.ts";
import { httpDate } from "./date.ts";
import type { Exchange } from "./exchange.ts";
import { addedLines, fieldNames, withoutFields } from "./header-ops.ts";
import { mayKeepAlive } from "./response-head.ts";
import { encodeTarget } from "./send-request.ts";

/** The fields and the body that show a failure to the client, in the form it asks for. */
export function failureResponse(
  exchange: Exchange,
  failure: Failure,
): { readonly lines: readonly (readonly [name: string, value: string])[]; readonly body: string } {
  const { head, requestId } = exchange;
  const context = errorContext(exchange, failure);
  const format = negotiate(fieldValues(head, "accept").join(", "));
  const own = format === "html" ? ownPageFor(exchange, failure.status) : undefined;
  const { type, body, policy } = own
    ? { type: "text/html; charset=utf-8", body: ownPage(own, failure, context), policy: "" }
    : errorBody(format, failure, context);
  const member = failureMember(failure, { name: exchange.runtime.config.name, showDetail: context.showDetail });
  const earlier = failure.evidence.upstreamProxyStatus;
  const lines: [string, string][] = [
    ["Content-Type", type],
    ["Cache-Control", "no-store"],
    ["X-Request-Id", requestId],
  ];
  if (proxyStatusType(failure)) lines.push(["Proxy-Status", appendMember(earlier ? [earlier] : [], member)]);
  const retryAfter = retryAfterOf(failure, head.method, context.keyed);
  if (retryAfter !== null) lines.push(["Retry-After", String(retryAfter)]);
  if (failure.status === 405) lines.push(["Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"]);
  if (policy) lines.push(["Content-Security-Policy", policy], ["X-Content-Type-Options", "nosniff"]);
  lines.push(["Vary", "Accept"]);
  return { lines, body };
}

/** Shows a failure to the client. */
export function respondFailure(exchange: Exchange, failure: Failure): void {
  const { lines, body } = failureResponse(exchange, failure);
  send(exchange, failure.status, lines.map(([name, value]) => `${name}: ${value}\r\n`).join(""), body);
}

/** A redirect or fixed response of a route. */
export function respondHere(exchange: Exchange): void {
  const plan = exchange.plan!;
  const { action } = plan;
  const text = plan.text!.render(exchange.placeholders);
  if (action.kind === "redirect") {
    const to = encodeTarget(withQuery(text, action.to, exchange.head.query)).replaceAll("%23", "#");
    return send(exchange, action.status, `Location: ${to}\r\nContent-Type: text/plain\r\n`, "");
  }
  if (action.kind !== "respond") throw new Error(`route ${plan.name} is not answered here`);
  send(exchange, action.status, `Content-Type: ${action.type}\r\n`, text);
}

/** A redirect keeps the query unless its target says otherwise. */
function withQuery(target: string, template: string, query: string): string {
  return query === "" ||
    template.includes("?") ||
    template.includes("{request.query}") ||
    template.includes("{request.target}")
    ? target
    : target + query;
}

/** Sends a response whole. What a route sets replaces our fields, but of a failure ours stay: no-store, Proxy-Status. */
function send(exchange: Exchange, status: number, lines: string, body: string): void {
  const { client, head } = exchange;
  exchange.status = status;
  const bytes = Buffer.from(body, "utf8");
  const bodiless = status === 204 || status === 304;
  exchange.keepAlive = mayKeepAlive(exchange, bytes.length);
  const ops = exchange.plan?.response;
  let fields = `Date: ${httpDate()}\r\n${lines}`;
  if (ops && exchange.failure) fields += withoutFields(addedLines(ops, exchange.placeholders), fieldNames(fields));
  else if (ops) fields = withoutFields(fields, ops.drop) + addedLines(ops, exchange.placeholders);
  let text = `HTTP/1.1 ${status} ${statusText(status)}\r\n${fields}`;
  if (!bodiless) text += `Content-Length: ${bytes.length}\r\n`;
  if (!exchange.keepAlive) text += "Connection: close\r\n";
  else if (head.minor === 0) text += "Connection: keep-alive\r\n";
  text += "\r\n";
  exchange.respondedAt = eventTime();
  const length = head.method === "HEAD" || bodiless ? 0 : bytes.length;
  exchange.bytesSent += text.length + length;
  exchange.bodyBytesSent += length;
  if (!client.sendBytes(text, bytes, 0, length, "", null)) exchange.clientBlocked();
  exchange.end(true);
}

function errorContext(exchange: Exchange, { cause }: Failure): ErrorContext {
  const { head, client, attempts, upstream } = exchange;
  const showDetail = showsDetail(exchange);
  const endpoint = attempts.at(-1)?.endpoint ?? "";
  return {
    requestId: exchange.requestId,
    method: head.method,
    keyed: exchange.keyed,
    path: head.path,
    name: exchange.runtime.config.name,
    showDetail,
    localReferenceBase: showDetail ? consoleUrl(exchange.runtime.config.console) : undefined,
    attempts: attempts.length,
    incident: client.gateway.openIncidents.of(upstream, cause, endpoint),
    upstream,
    endpoint,
    route: exchange.route,
    host: head.host,
    scheme: client.listener.tls ? "https" : "http",
  };
}

/** The console has the reference, too; one on a port of the system's choice is not known here. */
function consoleUrl(address: Address | null): string | undefined {
  return address?.kind === "tcp" && address.port !== 0 ? `http://${formatAddress(address)}` : undefined;
}

function showsDetail(exchange: Exchange): boolean {
  const { detail } = (exchange.plan ?? exchange.runtime.config).errors;
  if (detail !== "loopback") return detail === "always";
  const { client, head } = exchange;
  const local = client.remoteAddress.startsWith("127.") || client.remoteAddress === "::1";
  // What comes through a proxy on this machine is not local.
  return local && !client.trusted && !head.hasXff && !head.hasForwarded && !head.hasVia;
}

function ownPageFor(exchange: Exchange, status: number): string | undefined {
  const { pages } = (exchange.plan ?? exchange.runtime.config).errors;
  return pages.get(String(status)) ?? pages.get(`${Math.floor(status / 100)}xx`);
}
