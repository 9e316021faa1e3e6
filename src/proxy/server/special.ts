// Responses that a virtual server makes itself: statuses with their pages (and error_page before them), redirects,
// texts of `return`, and failures, which are named as everywhere else.

import { typeOf } from "../../content/mime.ts";
import { nginxStatusOf, proxyStatusType } from "../../failure/facets.ts";
import type { Failure } from "../../failure/failure.ts";
import { failureMember } from "../../failure/proxy-status.ts";
import { escapeHtml } from "../../std/html.ts";
import { escapeRefresh } from "../../wire/escape.ts";
import { fieldValue } from "../../wire/head.ts";
import { failureResponse } from "../respond.ts";
import { ownStatusText, pageTitle, shownStatus } from "./own-statuses.ts";
import type { ErrorPagePlan } from "./plan.ts";
import { redirectTo, redirectToNamed } from "./redirects.ts";
import type { ServerRequest } from "./request.ts";
import { ResponseHeader } from "./response-header.ts";
import { isRedirect } from "./rewrite.ts";

/** Fields that go with a status, such as WWW-Authenticate. */
export interface MoreFields {
  readonly [name: string]: string | readonly string[];
}

/** Answers with a status: by the error page that the location has for it, or with our own. */
export function respondStatus(request: ServerRequest, status: number, more: MoreFields = {}): void {
  endsConnection(request, status);
  if (request.output.begun || (request.stub && status !== 200 && sendStub(request))) return;
  const page = errorPageFor(request, status);
  if (page) return goToErrorPage(request, page, status, more);
  request.errorStatus = shownStatus(status);
  request.errorFields = { ...request.errorFields, ...more };
  const header = new ResponseHeader(shownStatus(status));
  if (status === 204 || status === 304 || status < 300) return sendWhole(request, header, "");
  const body = plainPage(request, status);
  if (body !== "") header.add("Content-Type", "text/html");
  sendWhole(request, header, body);
}

/** An attempt or something of ours has failed: the status is nginx's, the name is ours. */
export function respondFailed(request: ServerRequest, failure: Failure): void {
  const { exchange } = request;
  if (request.output.begun || (request.stub && sendStub(request))) return;
  if (request.output.header !== null) request.renewOutput();
  const code = errorPageCode(failure);
  const status = shownStatus(code);
  endsConnection(request, status);
  const member = proxyStatusType(failure)
    ? { "Proxy-Status": failureMember(failure, { name: exchange.runtime.config.name, showDetail: false }) }
    : {};
  const page = errorPageFor(request, code);
  if (page) return goToErrorPage(request, page, code, member);
  request.errorStatus = status;
  const header = new ResponseHeader(status);
  const { lines, body } = failureResponse(exchange, { ...failure, status });
  for (const [name, value] of lines) header.add(name, value);
  sendWhole(request, header, body, "utf8");
}

/** What error_page calls it: nginx has a number of its own for heads that are too large. */
function errorPageCode(failure: Failure): number {
  // What is not done here.
  if (failure.status === 501) return 501;
  return failure.status === 431 && failure.cause !== "upstream-error-passthrough" ? 494 : nginxStatusOf(failure);
}

/** After these nobody knows where the next request would begin, or should not be served. */
function endsConnection(request: ServerRequest, status: number): void {
  if (shownStatus(status) === 400 || status === 413 || status === 414 || status === 500 || status === 501) {
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
  const shown = page.status === "of-page" ? 0 : (page.status ?? shownStatus(status));
  request.errorStatus = shown;
  request.errorFields = { ...request.errorFields, ...more };
  const to = page.to.render(request.subject);
  if (to.startsWith("@")) return redirectToNamed(request, to);
  if (to.startsWith("/")) {
    if (request.method !== "HEAD") request.method = "GET";
    const mark = to.indexOf("?");
    return mark < 0 ? redirectTo(request, to, undefined) : redirectTo(request, to.slice(0, mark), to.slice(mark + 1));
  }
  request.errorStatus = 0;
  const redirect = isRedirect(shown) ? shown : 302;
  sendRedirect(request, redirect, to);
}

/** Old browsers get a page that sends them on, where the location says so. */
function sendRedirect(request: ServerRequest, status: number, to: string): void {
  const refreshes = request.location.settings.response.refreshForMsie && (status === 301 || status === 302);
  const header = new ResponseHeader(status);
  if (refreshes && isMsie(request)) {
    request.errorStatus = 0;
    header.status = 200;
    header.add("Content-Type", "text/html");
    return sendWhole(request, header, `${REFRESH[0]}${escapeRefresh(to)}${REFRESH[1]}`);
  }
  header.add("Location", to);
  header.add("Content-Type", "text/html");
  sendWhole(request, header, plainPage(request, status));
}

const REFRESH = ['<html><head><meta http-equiv="Refresh" content="0; URL=', '"></head><body></body></html>\r\n'];

function isMsie({ exchange }: ServerRequest): boolean {
  const agent = fieldValue(exchange.head, "user-agent") ?? "";
  return /MSIE [\s\S]{3}/.test(agent) && !agent.includes("Opera");
}

/** What a document has for an include that fails. */
function sendStub(request: ServerRequest): true {
  const header = new ResponseHeader(200);
  const type = request.parent?.output.header?.get("content-type");
  if (type !== undefined) header.add("Content-Type", type);
  const { stub } = request;
  request.stub = null;
  sendBytes(request, header, stub!);
  return true;
}

/** A redirect; a path is made absolute where the location says so. */
export function redirectHere(request: ServerRequest, status: number, to: string): void {
  if (request.stub) return void sendStub(request);
  const page = errorPageFor(request, status);
  if (page) return goToErrorPage(request, page, status, { Location: to });
  request.errorStatus = status;
  sendRedirect(request, status, absoluteLocation(request, to));
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

/** The text of a `return`. */
export function respondText(request: ServerRequest, status: number, text: string, type?: string): void {
  request.testExpect();
  const header = new ResponseHeader(status);
  if (status !== 204 && (text !== "" || request.method !== "HEAD")) {
    const { types } = request.location.settings;
    const rendered = type ?? typeOf(request.uri, types) ?? request.location.defaultType.render(request.subject);
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
  if (request.location.settings.request.resetTimedOut) exchange.client.abort();
  else exchange.client.destroy();
}

/** The page of a status that nginx has made up. */
function ownPage(request: ServerRequest, text: string): string {
  const { product } = request.location;
  return (
    `<html>\r\n<head><title>400 ${text}</title></head>\r\n<body>\r\n<center><h1>400 Bad Request</h1></center>\r\n` +
    `<center>${text}</center>\r\n<hr><center>${escapeHtml(product)}</center>\r\n</body>\r\n</html>\r\n`
  );
}

/** The page of a status that nobody has a page for. */
function plainPage(request: ServerRequest, status: number): string {
  const own = ownStatusText(status);
  if (own !== undefined) return ownPage(request, own);
  const title = pageTitle(status);
  if (title === undefined) return "";
  const { product } = request.location;
  return (
    `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n` +
    `<hr><center>${escapeHtml(product)}</center>\r\n</body>\r\n</html>\r\n`
  );
}
