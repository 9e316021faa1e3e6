// The tries of a request as $upstream_* tell of them.
import { CAUSES } from "../../failure/causes.ts";
import { nginxStatusOf } from "../../failure/facets.ts";
import type { Try } from "../../variables/subject.ts";
import type { Attempt } from "../attempt.ts";
import type { ServerRequest } from "./request.ts";

/** One entry per attempt, and one where there was no endpoint to try. */
export function triesOf(request: ServerRequest): Try[] {
  const { exchange, triesFrom, withoutServer } = request;
  const tries = exchange.attempts.map((attempt, index) => tryOf(attempt, triesFrom.includes(index)));
  for (const [index, { at, upstream }] of withoutServer.entries()) {
    tries.splice(at + index, 0, { ...NO_SERVER, address: upstream, afterRedirect: triesFrom.includes(at) });
  }
  return tries;
}

const NO_SERVER = {
  status: CAUSES["no-healthy-upstream"].nginxStatus,
  connectMs: -1,
  headMs: -1,
  responseMs: 0,
  bytesSent: 0,
  bytesReceived: 0,
  responseLength: 0,
};

function tryOf(attempt: Attempt, afterRedirect: boolean): Try {
  const { startedAt, failure, relay } = attempt;
  const connected = attempt.connection !== null || attempt.connectedAt > 0;
  const status = attempt.status || (failure ? nginxStatusOf(failure) : 0);
  return {
    address: attempt.peerLabel,
    status,
    connectMs: connected && attempt.connectedAt > 0 ? attempt.connectedAt - startedAt : -1,
    headMs: attempt.headAt > 0 ? attempt.headAt - startedAt : -1,
    responseMs: attempt.endedAt > 0 ? attempt.endedAt - startedAt : -1,
    bytesSent: attempt.bytesSent,
    bytesReceived: attempt.bytesReceived,
    responseLength: relay?.bodyBytes ?? 0,
    afterRedirect,
  };
}
