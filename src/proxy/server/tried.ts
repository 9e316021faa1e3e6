// The tries of a request as $upstream_* tell of them.
import { nginxStatusOf } from "../../failure/facets.ts";
import { eventTime } from "../../std/clock.ts";
import type { Try } from "../../variables/subject.ts";
import type { Attempt } from "../attempt.ts";
import type { ServerRequest } from "./request.ts";

/** One entry per attempt, and one where there was no endpoint to try. */
export function triesOf(request: ServerRequest): Try[] {
  const { exchange, triesFrom } = request;
  return exchange.attempts.map((attempt, index) => tryOf(attempt, triesFrom.includes(index)));
}

function tryOf(attempt: Attempt, afterRedirect: boolean): Try {
  const { startedAt, failure, relay } = attempt;
  const connected = attempt.connection !== null || attempt.connectedAt > 0;
  const until = attempt.endedAt || eventTime();
  const status = attempt.status || (failure ? nginxStatusOf(failure) : 0);
  return {
    address: attempt.peerLabel,
    status,
    connectMs: connected && attempt.connectedAt > 0 ? attempt.connectedAt - startedAt : -1,
    headMs: attempt.headAt > 0 ? attempt.headAt - startedAt : -1,
    responseMs: until - startedAt,
    bytesSent: attempt.bytesSent,
    bytesReceived: attempt.bytesReceived,
    responseLength: relay?.bodyBytes ?? 0,
    afterRedirect,
  };
}
