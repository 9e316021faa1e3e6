// The response of an upstream in a location that proxies: whether it is shown at all (an error page, a redirect by
// X-Accel-Redirect), which of its fields go on, and how. Most responses need none of what is said here but for a few
// fields that are left out: their heads go on as a slice of text, their bodies as they come. The others go through
// the filters (output.ts).

import { statusText } from "../../failure/status.ts";
import { readNamedUri } from "../../routing/uri.ts";
import {
  FIELD_CONNECTION,
  FIELD_CONTENT_LENGTH,
  FIELD_CONTENT_TYPE,
  FIELD_DATE,
  FIELD_KEEP_ALIVE,
  FIELD_PROXY_CONNECTION,
  FIELD_SERVER,
  FIELD_TRAILER,
  FIELD_TRANSFER_ENCODING,
  FIELD_UPGRADE,
  kindBit,
} from "../../wire/fields.ts";
import { CHUNKED, UNTIL_CLOSE } from "../../wire/framing.ts";
import type { ResponseHead } from "../../wire/head.ts";
import { eachField, fieldValue, fieldValues, MARK } from "../../wire/head.ts";
import { keptFields } from "../../wire/serialise.ts";
import type { Attempt } from "../attempt.ts";
import { httpDate } from "../date.ts";
import { mayKeepAlive } from "../response-head.ts";
import { connectionLines } from "./head-text.ts";
import { changeCookie, changeLocation, changeRefresh } from "./header-rules.ts";
import { fieldSafe } from "./line-safe.ts";
import { HIDDEN_NAMES, type ProxyPlan } from "./plan.ts";
import { redirectTo, redirectToNamed } from "./redirects.ts";
import type { ServerRequest } from "./request.ts";
import { isPlainStatus, ResponseHeader } from "./response-header.ts";
import { respondStatus } from "./special.ts";

/** Of the upstream's connection, or stated anew. */
const OWN =
  kindBit(FIELD_CONNECTION) |
  kindBit(FIELD_KEEP_ALIVE) |
  kindBit(FIELD_PROXY_CONNECTION) |
  kindBit(FIELD_TRANSFER_ENCODING) |
  kindBit(FIELD_UPGRADE) |
  kindBit(FIELD_CONTENT_LENGTH);
const HIDDEN = kindBit(FIELD_DATE) | kindBit(FIELD_SERVER);

/**
 * Looks at a head before anything of it is passed on. True = it is not: something else answers the client. `alone`:
 * nothing came behind the head.
 */
export function takeUpstreamHead(
  request: ServerRequest,
  attempt: Attempt,
  head: ResponseHead,
  alone: boolean,
): boolean {
  const proxy = request.location.proxy!;
  request.upstreamHead = head;
  request.servers.sticky.learnAtHead(request);
  if (request.cache?.takeHead(head, attempt, alone)) return true;
  if (head.status >= 300 && proxy.interceptErrors && request.location.errorPages?.has(head.status)) {
    const challenges = head.status === 401 ? fieldValues(head, "www-authenticate") : [];
    attempt.dropResponse();
    request.cache?.keepError(head.status);
    respondStatus(request, head.status, challenges.length > 0 ? { "WWW-Authenticate": challenges } : {});
    return true;
  }
  if (!mentionsAccel(head)) return false;
  return obeyAccel(request, attempt, proxy, head);
}

/** X-Accel-*: what an application asks of the gateway in front of it. */
function obeyAccel(request: ServerRequest, attempt: Attempt, proxy: ProxyPlan, head: ResponseHead): boolean {
  const rate = proxy.ignore.has("x-accel-limit-rate") ? undefined : fieldValue(head, "x-accel-limit-rate");
  if (rate !== undefined) request.limitRate = /^\d+$/.test(rate) ? rate : "0";
  const to = proxy.ignore.has("x-accel-redirect") ? undefined : fieldValue(head, "x-accel-redirect");
  if (to === undefined) return false;
  eachField(head, (name, value) => {
    const lowerName = name.toLowerCase();
    if (STILL_SAID.has(lowerName)) request.keptFields.push({ name, value: changed(request, proxy, lowerName, value) });
  });
  attempt.dropResponse();
  if (to.startsWith("@")) redirectToNamed(request, to);
  else redirectInside(request, to);
  return true;
}

/** What the application still says of what is sent in its place. */
const STILL_SAID = new Set([
  "content-type",
  "set-cookie",
  "content-disposition",
  "cache-control",
  "expires",
  "accept-ranges",
]);

function redirectInside(request: ServerRequest, to: string): void {
  const named = readNamedUri(to);
  if (!named) {
    request.log("error", `unsafe URI "${to}" was detected`);
    return respondStatus(request, 404);
  }
  if (request.method !== "HEAD") request.method = "GET";
  redirectTo(request, named.uri, named.args);
}

/** Whether the head has a field that begins with X-Accel-. */
function mentionsAccel(head: ResponseHead): boolean {
  const { text, marks } = head;
  for (let k = 0; k < marks.length; k += MARK) {
    const from = marks[k + 1]!;
    if (
      marks[k + 2]! - from > 8 &&
      (text.charCodeAt(from) | 0x20) === 0x78 &&
      /^x-accel-/i.test(text.slice(from, from + 8))
    )
      return true;
  }
  return false;
}

/** The text of a head that needs no filters; null = it goes through the filters. */
export function plainHeadText(request: ServerRequest, head: ResponseHead, bodyLength: number): string | null {
  const { location, exchange } = request;
  const proxy = location.proxy!;
  if (
    !location.plainResponses ||
    request.cache !== null ||
    request.slice !== null ||
    request.target ||
    request.errorStatus !== 0 ||
    request.limitRate !== undefined ||
    !isPlainHead(head, proxy)
  )
    return null;
  const http10 = exchange.head.minor === 0;
  exchange.status = head.status;
  exchange.keepAlive = request.mayKeepAlive() && mayKeepAlive(exchange, bodyLength);
  let text = `HTTP/1.1 ${head.status} ${head.reason}\r\n${location.serverLine}Date: ${httpDate()}\r\n`;
  text += keptFields(head, OWN | HIDDEN | kindBit(FIELD_TRAILER), null);
  if (bodyLength === CHUNKED) text += "Transfer-Encoding: chunked\r\n";
  else if (bodyLength !== UNTIL_CLOSE && head.status !== 204) {
    const length = bodyLength > 0 ? bodyLength : head.contentLength;
    if (length >= 0) text += `Content-Length: ${length}\r\n`;
  }
  void http10;
  text += addedLines(request, head.status) + connectionLines(request);
  text += "\r\n";
  request.sentHead = text;
  return text;
}

function addedLines(request: ServerRequest, status: number): string {
  let lines = "";
  const cookie = request.servers.sticky.setCookie(request);
  if (cookie) lines += `Set-Cookie: ${fieldSafe(cookie)}\r\n`;
  for (const { name, value, always } of request.location.addHeaders) {
    if (!always && !isPlainStatus(status)) continue;
    const rendered = value.constant ?? fieldSafe(value.render(request.subject));
    if (rendered !== "") lines += `${name}: ${rendered}\r\n`;
  }
  return lines;
}

/** Of these the first holds, others are left out. */
const SINGLE = new Set([
  "content-type",
  "date",
  "etag",
  "expires",
  "last-modified",
  "location",
  "refresh",
  "server",
  "status",
]);

/** No field of it is changed or left out but for those that have a kind. */
function isPlainHead(head: ResponseHead, proxy: ProxyPlan): boolean {
  const { text, marks } = head;
  if (head.bareLf) return false;
  /** Lengths of names that may be those of SINGLE, by bit. */
  let lengths = 0;
  let types = 0;
  for (let k = 0; k < marks.length; k += MARK) {
    if (marks[k] !== 0) {
      if (marks[k] === FIELD_CONTENT_TYPE && ++types > 1) return false;
      continue;
    }
    const from = marks[k + 1]!;
    const length = marks[k + 2]! - from;
    if (length < 16 && SINGLE.has(text.slice(from, from + length).toLowerCase())) {
      if ((lengths & (1 << length)) !== 0) return false;
      lengths |= 1 << length;
    }
    switch (text.charCodeAt(from) | 0x20) {
      case 0x6c: // Location
      case 0x72: // Refresh
        if ((length === 8 || length === 7) && proxy.hasRedirects) return false;
        break;
      case 0x78: // X-Accel-*, X-Pad
        if (length > 8 || length === 5) {
          const name = text.slice(from, from + length).toLowerCase();
          if (name.startsWith("x-accel-") || name === "x-pad") return false;
        }
        break;
      case 0x73: // Set-Cookie
        if (length === 10 && proxy.hasCookieRules) return false;
    }
    if (proxy.hideMore.size > 0 && proxy.hideMore.has(text.slice(from, from + length).toLowerCase())) return false;
  }
  return proxy.hideKinds === 0 || (head.seen & proxy.hideKinds) === 0;
}

/** The header of a response that goes through the filters. */
export function headerOf(request: ServerRequest, head: ResponseHead, bodyLength: number): ResponseHeader {
  const proxy = request.location.proxy!;
  const header = new ResponseHeader(head.status);
  header.reason = head.reason;
  if (!proxy.ignore.has("x-accel-charset")) request.accelCharset = fieldValue(head, "x-accel-charset");
  header.fromUpstream = true;
  const seen = new Set<string>();
  eachField(head, (name, value) => {
    const lowerName = name.toLowerCase();
    if (SINGLE.has(lowerName)) {
      if (seen.has(lowerName)) return;
      seen.add(lowerName);
    }
    if (STATED_ANEW.has(lowerName) || head.nominated?.includes(lowerName) || !passes(proxy, lowerName)) return;
    header.add(name, changed(request, proxy, lowerName, value));
  });
  header.length = bodyLength >= 0 ? (bodyLength > 0 ? bodyLength : Math.max(head.contentLength, 0)) : -1;
  if (head.status === 204 || head.status === 304) header.length = head.contentLength;
  // A response to HEAD, or without a length where none was said, says none here either.
  if (bodyLength === 0 && head.contentLength < 0 && request.exchange.method === "HEAD") header.length = -1;
  header.ranges = proxy.forceRanges;
  // Where the upstream's are passed on, there are none of ours in their place.
  header.noDate = proxy.pass.has("date");
  header.noServer = proxy.pass.has("server");
  request.cache?.editHeader(header);
  return header;
}

const STATED_ANEW = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
  "content-length",
  "trailer",
]);

function passes(proxy: ProxyPlan, lowerName: string): boolean {
  if (proxy.hide.has(lowerName)) return false;
  return !HIDDEN_NAMES.has(lowerName) || proxy.pass.has(lowerName);
}

function changed(request: ServerRequest, proxy: ProxyPlan, lowerName: string, value: string): string {
  switch (lowerName) {
    case "location":
      return changeLocation(request, proxy, value);
    case "refresh": {
      const at = value.toLowerCase().indexOf("url=");
      return at < 0 ? value : value.slice(0, at + 4) + changeRefresh(request, proxy, value.slice(at + 4));
    }
    case "set-cookie":
      return proxy.hasCookieRules ? changeCookie(request, proxy, value) : value;
    default:
      return value;
  }
}

/** Tells who asked by CONNECT that there is a tunnel. */
export function connectedHeadText(request: ServerRequest): string {
  request.exchange.status = 200;
  const text =
    `HTTP/1.1 200 ${statusText(200)}\r\n${request.location.serverLine}Date: ${httpDate()}\r\n` +
    `Connection: close\r\n${addedLines(request, 200)}\r\n`;
  request.sentHead = text;
  return text;
}

/** Head of a 101: the tunnel begins behind it. */
export function switchingHeadText(request: ServerRequest, head: ResponseHead): string {
  const { exchange } = request;
  exchange.status = 101;
  const text =
    `HTTP/1.1 101 ${head.reason || statusText(101)}\r\n${request.location.serverLine}Date: ${httpDate()}\r\n` +
    keptFields(head, OWN | HIDDEN, null) +
    `Connection: upgrade\r\n${head.upgrade === "" ? "" : `Upgrade: ${head.upgrade}\r\n`}` +
    `${addedLines(request, 101)}\r\n`;
  request.sentHead = text;
  return text;
}
