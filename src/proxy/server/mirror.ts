// mirror: copies of a request for others, whose answers nobody waits for. The body is read first where they get it.
import { DONE, GO_ON, type Outcome, type ServerRequest, WAIT } from "./request.ts";
import { subrequest } from "./subrequest.ts";

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
