// A request of our own that asks for what another one asks for, from the same location: to update the cache behind the
// client's back, and for the slices of a response.
import { Exchange } from "../exchange.ts";
import type { OutputTarget } from "./output.ts";
import type { ServerRequest } from "./request.ts";

/** Makes it; nothing is asked yet. Its response goes to `target`. */
export function cloneOf(request: ServerRequest, target: OutputTarget, onAborted: () => void): ServerRequest {
  const { exchange: outer, servers } = request;
  const client = outer.client.gateway.standInFor(outer.client);
  client.onFailed = onAborted;
  const head = { ...outer.head, bodyLength: 0, expectContinue: false, upgrade: "" };
  const exchange = new Exchange(client, outer.runtime, head);
  const clone = servers.subrequest(exchange, { parent: request, target });
  exchange.served = clone;
  clone.server = request.server;
  clone.uri = request.uri;
  clone.args = request.args;
  clone.method = request.method;
  clone.asReceived = request.asReceived;
  clone.inLocation = request.inLocation;
  clone.internal = request.internal;
  clone.subject.captures = request.subject.captures;
  clone.enter(request.location);
  return clone;
}

/** A target that nobody looks at. */
export const NOBODY: OutputTarget = { header: () => {}, body: () => {}, end: () => {} };
