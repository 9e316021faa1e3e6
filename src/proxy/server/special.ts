// Responses that a virtual server makes itself: statuses with their pages (and error_page before them), redirects,
// texts of `return`, and failures, which are named as everywhere else.

import { nginxStatusOf, proxyStatusType } from "../../failure/facets.ts";
import type { Failure } from "../../failure/failure.ts";
import { failureMember } from "../../failure/proxy-status.ts";
import { nginxStatusText } from "../../failure/status.ts";
import { escapeUri } from "../../routing/uri.ts";
import { escapeHtml } from "../../std/html.ts";
import { fieldValue } from "../../wire/head.ts";
import { failureResponse } from "../respond.ts";
import type { ErrorPagePlan } from "./plan.ts";
import type { ServerRequest } from "./request.ts";
import { ResponseHeader } from "./response-header.ts";
import { isRedirect } from "./rewrite.ts";

/** Fields that go with a status, such as WWW-Authenticate. */
export interface MoreFields {
  readonly [name: string]: string;
}

/** Answers with a status: by the error page that the location has for it, or with our own. */
export function respondStatus(request: ServerRequest, status: number, more: MoreFields = {}): void {
  endsConnection(request, status);
  if (request.output.begun) return;
  const page = errorPageFor(request, status);
  if (page) return goToErrorPage(request, page, status, more);
  request.errorStatus = status;
  request.errorFields = { ...request.errorFields, ...more };
  const header = new ResponseHeader(status);
  if (status === 204 || status === 304 || status < 300) return sendWhole(request, header, "");
  header.add("Content-Type", "text/html");
  sendWhole(request, header, plainPage(request, status));
}

/** An attempt or something of ours has failed: the status is nginx's, the name is ours. */
export function respondFailed(request: ServerRequest, failure: Failure): void {
  const { exchange } = request;
  if (request.output.begun) return;
  if (request.output.header !== null) request.renewOutput();
  const status = nginxStatusOf(failure);
  endsConnection(request, status);
  const member = proxyStatusType(failure)
    ? { "Proxy-Status": failureMember(failure, { name: exchange.runtime.config.name, showDetail: false }) }
    : {};
  const page = errorPageFor(request, status);
  if (page) return goToErrorPage(request, page, status, member);
  request.errorStatus = status;
  const header = new ResponseHeader(status);
  const { lines, body } = failureResponse(exchange, { ...failure, status });
  for (const [name, value] of lines) header.add(name, value);
  sendWhole(request, header, body, "utf8");
}

/** After these nobody knows where the next request would begin, or should not be served. */
function endsConnection(request: ServerRequest, status: number): void {
  if (status === 400 || status === 413 || status === 414 || status === 500 || status === 501) {
    request.exchange.keepAlive = false;
  }
}

function errorPageFor(request: ServerRequest, status: number): ErrorPagePlan | undefined {
  const { location } = request;
  if (location.errorPages === null || request.exchange.served === null) return undefined;
  if (request.inErrorPage && !location.settings.recursiveErrorPages) return undefined;
  if (request.changes >= 10) return undefined;
  return location.errorPages.get(status);
}

function goToErrorPage(request: ServerRequest, page: ErrorPagePlan, status: number, more: MoreFields): void {
  if (!request.location.settings.recursiveErrorPages) request.inErrorPage = true;
  const shown = page.status === "of-page" ? 0 : (page.status ?? status);
  request.errorStatus = shown;
  request.errorFields = { ...request.errorFields, ...more };
  const to = page.to.render(request.subject);
  if (to.startsWith("@")) return request.redirectToNamed(to);
  if (to.startsWith("/")) {
    if (request.method !== "HEAD") request.method = "GET";
    const mark = to.indexOf("?");
    return mark < 0 ? request.redirectTo(to, undefined) : request.redirectTo(to.slice(0, mark), to.slice(mark + 1));
  }
  request.errorStatus = 0;
  const redirect = isRedirect(shown) ? shown : 302;
  const header = new ResponseHeader(redirect);
  header.add("Location", to);
  header.add("Content-Type", "text/html");
  sendWhole(request, header, plainPage(request, redirect));
}

/** A redirect; a path is made absolute where the location says so. */
export function redirectHere(request: ServerRequest, status: number, to: string): void {
  const page = errorPageFor(request, status);
  if (page) return goToErrorPage(request, page, status, { Location: to });
  request.errorStatus = status;
  const header = new ResponseHeader(status);
  header.add("Location", absoluteLocation(request, to));
  header.add("Content-Type", "text/html");
  sendWhole(request, header, plainPage(request, status));
}

/** "/path" with scheme, host and port in front, as the location wants it. */
export function absoluteLocation(request: ServerRequest, to: string): string {
  const { response } = request.location.settings;
  if (!to.startsWith("/") || to.startsWith("//") || !response.absoluteRedirect) return to;
  const { subject, exchange } = request;
  const scheme = exchange.tls ? "https" : "http";
  const host =
    response.serverNameInRedirect && request.server.name !== "" ? request.server.name : request.hostForRedirect();
  const port = subject.serverPort;
  const plain = port === "" || port === (exchange.tls ? "443" : "80") || !response.portInRedirect;
  return `${scheme}://${host}${plain ? "" : `:${port}`}${to}`;
}

/** A folder without its slash. */
export function redirectToFolder(request: ServerRequest): void {
  const args = request.args === undefined || request.args === "" ? "" : `?${request.args}`;
  redirectHere(request, 301, `${escapeUri(request.uri)}/${args}`);
}

/** The text of a `return`. */
export function respondText(request: ServerRequest, status: number, text: string, type?: string): void {
  const header = new ResponseHeader(status);
  if (text !== "" || request.method !== "HEAD") {
    const rendered = type ?? request.location.defaultType.render(request.subject);
    if (rendered !== "") header.add("Content-Type", rendered);
  }
  sendWhole(request, header, text);
}

/** Sends a response whose body is at hand; byte text unless said otherwise. */
export function sendWhole(
  request: ServerRequest,
  header: ResponseHeader,
  body: string,
  encoding: "latin1" | "utf8" = "latin1",
): void {
  sendBytes(request, header, Buffer.from(body, encoding));
}

/** `length` -1: it goes out as if it were not known before. */
export function sendBytes(request: ServerRequest, header: ResponseHeader, bytes: Buffer, length = bytes.length): void {
  const { output } = request;
  header.length = length;
  if (!output.begin(header) && bytes.length > 0) output.write(bytes);
  output.end();
}

/** 444: the connection ends without an answer. */
export function closeSilently(request: ServerRequest): void {
  const { exchange } = request;
  exchange.status = 444;
  exchange.end(false);
  exchange.client.destroy();
}

/** The page of a status that nobody has a page for. */
function plainPage(request: ServerRequest, status: number): string {
  const title = `${status}${nginxStatusText(status) === "" ? "" : ` ${nginxStatusText(status)}`}`;
  const { product } = request.location;
  return (
    `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n` +
    `<hr><center>${escapeHtml(product)}</center>\r\n</body>\r\n</html>\r\n`
  );
}

/** Whether a field of the request has this value; for conditions that are asked once. */
export function requestHas(request: ServerRequest, name: string): boolean {
  return fieldValue(request.exchange.head, name) !== undefined;
}
