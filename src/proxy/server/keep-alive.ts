// Whether a client's connection stays open behind a response, by the rules of the location.
import { eventTime } from "../../std/clock.ts";
import { fieldValue } from "../../wire/head.ts";
import type { ServerRequest } from "./request.ts";

export function mayKeepAliveOn(request: ServerRequest): boolean {
  const { exchange, location } = request;
  const { keepAliveMs, keepAliveRequests, keepAliveTimeMs, keepAliveDisable } = location.settings.request;
  const { client } = exchange;
  client.keepAliveMs = keepAliveMs;
  if (keepAliveMs === 0) return false;
  // This request is the last that the connection may have.
  if (keepAliveRequests > 0 && client.requests + 1 >= keepAliveRequests) return false;
  if (keepAliveTimeMs > 0 && eventTime() - client.openedAt >= keepAliveTimeMs) return false;
  if (keepAliveDisable.length === 0 || exchange.method !== "POST") {
    return !keepAliveDisable.includes("safari") || !isSafari(request);
  }
  const agent = fieldValue(exchange.head, "user-agent") ?? "";
  if (keepAliveDisable.includes("msie6") && /MSIE [1-6]\./.test(agent)) return false;
  return !keepAliveDisable.includes("safari") || !isSafari(request);
}

function isSafari(request: ServerRequest): boolean {
  const agent = fieldValue(request.exchange.head, "user-agent") ?? "";
  return agent.includes("Safari/") && agent.includes("Mac OS X") && !agent.includes("Chrome/");
}
