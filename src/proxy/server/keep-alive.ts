// Whether a client's connection stays open behind a response, by the rules of the location.
import { keepAliveAllowed } from "../../routing/keep-alive.ts";
import { eventTime } from "../../std/clock.ts";
import { fieldValue } from "../../wire/head.ts";
import type { ServerRequest } from "./request.ts";

export function mayKeepAliveOn({ exchange, location }: ServerRequest): boolean {
  const { keepAliveMs, keepAliveRequests, keepAliveTimeMs, keepAliveDisable } = location.settings.request;
  const { client, head, method } = exchange;
  client.keepAliveMs = keepAliveMs;
  if (keepAliveMs === 0) return false;
  // This request is the last that the connection may have.
  if (keepAliveRequests > 0 && client.requests + 1 >= keepAliveRequests) return false;
  if (keepAliveTimeMs > 0 && eventTime() - client.openedAt >= keepAliveTimeMs) return false;
  return keepAliveDisable.length === 0 || keepAliveAllowed(fieldValue(head, "user-agent"), method, keepAliveDisable);
}
