// Internal redirects: a request goes on as one for another path, from the server's rewrite program on, or in a named
// location, from that location's. Variables stay what they are.
import { splitArgs } from "../../routing/uri.ts";
import type { ServerRequest } from "./request.ts";
import { respondStatus } from "./special.ts";

/** The phases (phases.ts) where it goes on. */
const FROM_SERVER_REWRITE = 1;
const FROM_LOCATION_REWRITE = 3;

/** Goes on as a request for this path and these arguments. */
export function redirectTo(request: ServerRequest, uri: string, args: string | undefined): void {
  if (!request.countChange()) return refuseCircle(request, "internally redirecting to", uri);
  request.newRound();
  request.asReceived = false;
  request.uri = uri;
  request.args = args;
  request.location = request.server.base;
  request.exchange.plan = request.location.plan;
  request.phase = FROM_SERVER_REWRITE;
  request.run();
}

/** Goes on as a request for "/path?args". */
export function redirectToTarget(request: ServerRequest, target: string): void {
  const { uri, args } = splitArgs(target);
  redirectTo(request, uri, args);
}

/** Goes on in a named location ("@name"). */
export function redirectToNamed(request: ServerRequest, name: string): void {
  const location = request.server.named.get(name);
  if (!request.countChange()) return refuseCircle(request, "redirecting to named location", name);
  if (!location) {
    request.log("error", `could not find named location "${name}"`);
    return respondStatus(request, 500);
  }
  request.newRound();
  request.enter(location);
  request.phase = FROM_LOCATION_REWRITE;
  request.run();
}

/** It has been redirected too often. */
export function refuseCircle(request: ServerRequest, doing: string, to: string): void {
  request.log("error", `rewrite or internal redirection cycle while ${doing} "${to}"`);
  respondStatus(request, 500);
}
