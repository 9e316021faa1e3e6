// The request head as the upstream gets it: path after strip and rewrite, Host, the forwarding fields, the route's
// operations. What a client claims about itself (X-Forwarded-*, Forwarded) goes on only from trusted proxies.

import type { Endpoint } from "../upstream/group.ts";
import { FIELD_VIA, kindBit } from "../wire/fields.ts";
import { forwardedElement } from "../wire/forwarded.ts";
import { fieldValues } from "../wire/head.ts";
import { FORWARDING_FIELDS, forwardRequestHead } from "../wire/serialise.ts";
import { viaValue } from "../wire/via.ts";
import type { Exchange } from "./exchange.ts";
import { addedLines } from "./header-ops.ts";

/** With `via: false` in the configuration the field goes on as it came; the others are never passed on as claimed. */
const WITHOUT_VIA = FORWARDING_FIELDS & ~kindBit(FIELD_VIA);

/** The head that goes to `endpoint`, complete. */
export function requestHeadFor(exchange: Exchange, endpoint: Endpoint): string {
  const { head } = exchange;
  const plan = exchange.plan!;
  const ops = plan.request;
  let added = forwardingLines(exchange);
  if (ops) added += addedLines(ops, exchange.placeholders);
  return forwardRequestHead(head, {
    method: head.method,
    target: head.form === "asterisk" ? "*" : forwardedTarget(exchange),
    host: hostFor(exchange, endpoint),
    added,
    bodyLength: head.bodyLength,
    upgrade: exchange.upgrade,
    replaced: exchange.runtime.config.forwarding.via ? FORWARDING_FIELDS : WITHOUT_VIA,
    drop: ops ? ops.drop : null,
  });
}

/** Path and query after strip and rewrite. */
function forwardedTarget(exchange: Exchange): string {
  const { rewrite } = exchange.plan!;
  const path = rewrite ? rewrite.render(exchange.placeholders) : strippedPath(exchange);
  // A rewrite with a query of its own goes before the request's.
  return path.includes("?") && exchange.head.query !== ""
    ? `${path}&${exchange.head.query.slice(1)}`
    : path + exchange.head.query;
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
  const { forwarding } = runtime.config;
  const proto = client.listener.tls ? "https" : "http";
  let lines = "";
  if (forwarding.xForwarded) {
    const given = client.trusted ? fieldValues(head, "x-forwarded-for").join(", ") : "";
    lines += `X-Forwarded-For: ${given === "" ? client.remoteAddress : `${given}, ${client.remoteAddress}`}\r\n`;
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
  return `${lines}X-Request-Id: ${exchange.requestId}\r\n`;
}

function trustedValue(exchange: Exchange, name: string): string {
  return exchange.client.trusted ? (fieldValues(exchange.head, name).at(-1) ?? "") : "";
}
