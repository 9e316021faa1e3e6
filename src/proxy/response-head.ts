// Response heads as the client gets them.
import { UNTIL_CLOSE } from "../wire/framing.ts";
import type { ResponseHead } from "../wire/head.ts";
import { forwardResponseHead } from "../wire/serialise.ts";
import { httpDate } from "./date.ts";
import type { Exchange } from "./exchange.ts";
import { addedLines } from "./header-ops.ts";

/** The head of an upstream's response for this client; decides whether the connection stays open behind it. */
export function responseHeadFor(exchange: Exchange, head: ResponseHead, bodyLength: number): string {
  const ops = exchange.plan!.response;
  exchange.status = head.status;
  exchange.keepAlive = mayKeepAlive(exchange, bodyLength);
  let added = head.hasDate ? "" : `Date: ${httpDate()}\r\n`;
  const { balance } = exchange.group!.config;
  if (typeof balance === "object" && "cookie" in balance) added += stickyLine(exchange, balance.cookie);
  if (ops) added += addedLines(ops, exchange.placeholders);
  return forwardResponseHead(head, {
    bodyLength,
    keepAlive: exchange.keepAlive,
    added,
    drop: ops ? ops.drop : null,
    upgrade: head.status === 101 ? head.upgrade : "",
    http10Client: exchange.head.minor === 0,
  });
}

/** Names the endpoint that answers, where the client does not know it yet. */
function stickyLine(exchange: Exchange, name: string): string {
  const value = exchange.attempt!.target.cookieValue;
  if (exchange.placeholders.cookie(name) === value) return "";
  return `Set-Cookie: ${name}=${value}; Path=/; HttpOnly; SameSite=Lax${exchange.tls ? "; Secure" : ""}\r\n`;
}

/** An interim response as it came. */
export function interimHeadFor(head: ResponseHead): string {
  return forwardResponseHead(head, INTERIM);
}

const INTERIM = { bodyLength: 0, keepAlive: true, added: "", drop: null, upgrade: "", http10Client: false };

/** Behind a request that was read to its end, with a response whose end the client can see. */
export function mayKeepAlive(exchange: Exchange, bodyLength: number): boolean {
  const { client, body, head } = exchange;
  return (
    exchange.keepAlive &&
    head.keepAlive &&
    bodyLength !== UNTIL_CLOSE &&
    !client.finished &&
    !client.gateway.draining &&
    (!body || body.complete || exchange.served?.clientBody?.mode === "discarded")
  );
}
