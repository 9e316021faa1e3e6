// What of a body goes to the upstream of a request, and how: the client's body, as it was read, or a subrequest's copy.
import type { FileProblem } from "../../content/file-problem.ts";
import { CHUNKED } from "../../wire/framing.ts";
import type { BodyFile } from "./body-file.ts";
import type { ServerRequest } from "./request.ts";

/** The client's body goes to the upstream. */
export function sendsBody({ ownBody, location, clientBody }: ServerRequest): boolean {
  return ownBody === null && location.proxy?.passBody === true && clientBody?.isSent === true;
}

/** The file that the body comes from, where it does. */
export function fileToSend({ ownBody, location, clientBody, givenFile }: ServerRequest): BodyFile | null {
  if (ownBody !== null || location.proxy?.passBody !== true) return null;
  return givenFile ?? (clientBody?.mode === "whole" ? clientBody.file : null);
}

/** The length of what goes to the upstream is not known. */
export function sendsChunks({ clientBody, exchange }: ServerRequest): boolean {
  return clientBody?.mode === "streamed" && exchange.head.bodyLength === CHUNKED;
}

/** The file of the body cannot be read. */
export function bodyFailed(request: ServerRequest, problem: FileProblem): void {
  request.main.clientBody!.failed(problem);
  if (request.parent !== null) request.exchange.clientGone();
}
