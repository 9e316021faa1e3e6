// The request head as the upstream gets it: path after strip and rewrite, Host, the forwarding fields, the route's
// operations. What a client claims about itself (X-Forwarded-*, Forwarded) goes on only from trusted proxies.

import type { Endpoint } from "../upstream/endpoint.ts";
import { FIELD_MAX_FORWARDS, FIELD_VIA, FIELD_X_FORWARDED_OTHER, FIELD_X_REAL_IP, kindBit } from "../wire/fields.ts";
import { forwardedElement } from "../wire/forwarded.ts";
import { fieldValue, fieldValues, hasField, type RequestHead } from "../wire/head.ts";
import { FORWARDING_FIELDS, forwardRequestHead } from "../wire/serialise.ts";
import { normalisePath } from "../wire/target.ts";
import { viaValue } from "../wire/via.ts";
import type { Exchange } from "./exchange.ts";
import { addedLines, withoutFields } from "./header-ops.ts";
import { proxiedRequestHead } from "./server/proxied-request.ts";
import { traceFieldsFor, withoutCallersTrace } from "./trace-fields.ts";

/** What an address that is not trusted may not say; applications take X-Real-IP and X-Forwarded-Port for ours. */
const CLAIMS = FORWARDING_FIELDS | kindBit(FIELD_X_REAL_IP) | kindBit(FIELD_X_FORWARDED_OTHER);
/** With `via: false` in the configuration the field goes on as it came; the others are never passed on as claimed. */
const VIA = kindBit(FIELD_VIA);
const MAX_FORWARDS = kindBit(FIELD_MAX_FORWARDS);

/** The head that goes to `endpoint`, complete. */
export function requestHeadFor(exchange: Exchange, endpoint: Endpoint): string {
  if (exchange.served) return proxiedRequestHead(exchange);
  const { head } = exchange;
  const plan = exchange.plan!;
  const ops = plan.request;
  let added = forwardingLines(exchange);
  let replaced = exchange.client.trusted ? FORWARDING_FIELDS : CLAIMS;
  if (!exchange.runtime.config.forwarding.via) replaced &= ~VIA;
  if (head.method === "OPTIONS" && hasField(head, FIELD_MAX_FORWARDS)) {
    added += maxForwardsLine(head);
    replaced |= MAX_FORWARDS;
  }
  const traced = traceFieldsFor(exchange);
  added += traced;
  const drop = ops ? ops.drop : null;
  if (ops) added = withoutFields(added, ops.drop) + addedLines(ops, exchange.placeholders);
  return forwardRequestHead(head, {
    method: head.method,
    target: exchange.forwardTarget,
    host: hostFor(exchange, endpoint),
    added,
    bodyLength: head.bodyLength,
    upgrade: exchange.upgrade,
    replaced,
    drop: traced === "" ? drop : withoutCallersTrace(head, drop),
  });
}

/** One less (RFC 9110 §7.6.2); 0 has been answered by admit. */
function maxForwardsLine(head: RequestHead): string {
  const value = fieldValue(head, "max-forwards") ?? "";
  return /^\d{1,9}$/.test(value) ? `Max-Forwards: ${Number(value) - 1}\r\n` : "";
}

/**
 * Path and query after strip and rewrite, in the normal form; null = a rewrite gave no path. A rewrite may hold what a
 * client sent: what is no part of a target is encoded, so that it can end neither the target nor the line.
 */
export function targetFor(exchange: Exchange): string | null {
  const { head } = exchange;
  if (head.form === "asterisk") return "*";
  const { rewrite } = exchange.plan!;
  if (!rewrite) return strippedPath(exchange) + head.query;
  const text = encodeTarget(rewrite.render(exchange.placeholders));
  const mark = text.indexOf("?");
  const path = normalisePath(mark < 0 ? text : text.slice(0, mark));
  if (path === null || !path.startsWith("/")) return null;
  if (mark < 0) return path + head.query;
  // A query of the rewrite's own goes before the request's.
  return path + text.slice(mark) + (head.query === "" ? "" : `&${head.query.slice(1)}`);
}

/** Percent-encodes (as UTF-8) what may not stand in a request target or a Location (RFC 3986 §2.1). */
export function encodeTarget(text: string): string {
  return text.replace(/[^\x21\x22\x24-\x7e]+/g, (part) =>
    Buffer.from(part, "utf8").toString("hex").toUpperCase().replace(/../g, "%$&"),
  );
}

/** The path without the prefix that the route takes off, where it stands on a segment's boundary. */
export function strippedPath(exchange: Exchange): string {
  const { path } = exchange.head;
  const { strip } = exchange.plan!;
  if (strip === "" || !path.startsWith(strip)) return path;
  const rest = path.slice(strip.length);
  if (rest.startsWith("/")) return rest;
  return rest === "" || strip.endsWith("/") ? `/${rest}` : path;
}

function hostFor(exchange: Exchange, endpoint: Endpoint): string {
  const { host } = exchange.group!.config;
  if (host === "keep" && exchange.head.host !== "") return exchange.head.host;
  if (typeof host === "object") return host.name;
  return endpoint.hostField;
}

/** X-Forwarded-*, Forwarded, Via and X-Request-Id, each ended by CRLF. */
function forwardingLines(exchange: Exchange): string {
  const { client, head, runtime } = exchange;
  if (client.trusted || head.hasVia || head.minor === 0)
    return `${describeClient(exchange)}X-Request-Id: ${exchange.requestId}\r\n`;
  if (client.forwardedFor !== head.host || client.forwardedBy !== runtime) {
    client.forwardedFor = head.host;
    client.forwardedBy = runtime;
    client.forwardingLines = describeClient(exchange);
  }
  return `${client.forwardingLines}X-Request-Id: ${exchange.requestId}\r\n`;
}

/** X-Forwarded-*, Forwarded and Via. */
function describeClient(exchange: Exchange): string {
  const { client, head, runtime } = exchange;
  const { forwarding } = runtime.config;
  const proto = client.listener.tls ? "https" : "http";
  let lines = "";
  if (forwarding.xForwarded) {
    const given = client.trusted ? fieldValues(head, "x-forwarded-for").join(", ") : "";
    const addresses = [given, client.remoteAddress].filter((address) => address !== "");
    // A client at a Unix socket has no address.
    if (addresses.length > 0) lines += `X-Forwarded-For: ${addresses.join(", ")}\r\n`;
    lines += `X-Forwarded-Proto: ${trustedValue(exchange, "x-forwarded-proto") || proto}\r\n`;
    const host = trustedValue(exchange, "x-forwarded-host") || head.host;
    if (host !== "") lines += `X-Forwarded-Host: ${host}\r\n`;
  }
  if (forwarding.forwarded) {
    const given = client.trusted ? fieldValues(head, "forwarded").join(", ") : "";
    const own = forwardedElement(client.remoteAddress, head.host, proto);
    lines += `Forwarded: ${given === "" ? own : `${given}, ${own}`}\r\n`;
  }
  if (forwarding.via) lines += `Via: ${viaValue(head, runtime.viaName)}\r\n`;
  return lines;
}

function trustedValue(exchange: Exchange, name: string): string {
  return exchange.client.trusted ? (fieldValues(exchange.head, name).at(-1) ?? "") : "";
}
