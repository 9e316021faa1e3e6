// mirror: copies of a request for others, whose answers nobody waits for. The body is read first where they get it.
import { splitArgs } from "../../routing/uri.ts";
import { DONE, GO_ON, type Outcome, type ServerRequest, WAIT } from "./request.ts";
import { subrequest } from "./subrequest.ts";

export function mirrorRequest(request: ServerRequest): Outcome {
  const { mirror } = request.location.settings;
  if (mirror === null || request.parent !== null || request.mirrored) return GO_ON;
  request.mirrored = true;
  const { exchange } = request;
  if (!mirror.body || !exchange.body || exchange.body.complete) {
    send(request, mirror);
    return exchange.ended ? DONE : GO_ON;
  }
  if (exchange.awaitsContinue) exchange.sendContinue();
  request.whenBodyIsWhole(() => {
    send(request, mirror);
    request.resume();
  });
  return WAIT;
}

function send(request: ServerRequest, mirror: { readonly uris: readonly string[]; readonly body: boolean }): void {
  const { exchange } = request;
  const body = mirror.body && exchange.body ? exchange.body.content() : null;
  for (const target of mirror.uris) {
    const { uri, args } = splitArgs(target);
    subrequest(request, { uri, args, wantsBody: false, method: exchange.method, body, outlives: true }, () => {});
  }
}
