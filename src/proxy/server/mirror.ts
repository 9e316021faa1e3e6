// Requests whose answers nobody waits for: copies for others (mirror), which get the body where that is wanted, and
// what is asked for behind a response (post_action).
import { DONE, GO_ON, type Outcome, type ServerRequest, WAIT } from "./request.ts";
import { subrequest } from "./subrequest.ts";

/** post_action: a request behind the response, whose answer nobody gets. */
export function followUp(request: ServerRequest): void {
  const { postAction } = request.location.settings;
  if (!postAction || request.parent || request.followsUp) return;
  request.followsUp = true;
  const named = postAction.startsWith("@") ? postAction : null;
  const { uri, args } = named === null ? { uri: postAction, args: undefined } : request;
  subrequest(request, { uri, args, outlives: true, ...(named !== null && { named }) }, () => {});
}

export function mirrorRequest(request: ServerRequest): Outcome {
  const { mirror } = request.location.settings;
  if (mirror === null || request.parent !== null || request.mirrored) return GO_ON;
  request.mirrored = true;
  const { exchange } = request;
  if (!mirror.body || !exchange.body) {
    send(request, mirror);
    return exchange.ended ? DONE : GO_ON;
  }
  request.whenBodyIsWhole(() => {
    send(request, mirror);
    request.resume();
  });
  return WAIT;
}

function send(request: ServerRequest, mirror: { readonly uris: readonly string[]; readonly body: boolean }): void {
  const { exchange } = request;
  const file = mirror.body ? (request.clientBody?.file ?? null) : null;
  const body = mirror.body && exchange.body && !file ? exchange.body.content() : null;
  // Each gets the arguments of the request; what looks like arguments of its own is a part of its path.
  for (const target of mirror.uris) {
    subrequest(
      request,
      { uri: target, args: request.args, method: exchange.method, body, file, outlives: true },
      () => {},
    );
  }
}
