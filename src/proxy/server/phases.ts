// The phases of a request of a virtual server, in order (request.ts says how they are gone through). Most locations
// use few of them: each begins by looking whether it has anything to do.

import { wireFailure } from "../../failure/classify.ts";
import { escapeUri } from "../../wire/escape.ts";
import { tooLarge } from "../request-body.ts";
import { checkAccess } from "./access.ts";
import { serveContent, tryFiles } from "./content.ts";
import { tlsProblem } from "./handshake.ts";
import { applyLimits } from "./limits.ts";
import { mirrorRequest } from "./mirror.ts";
import { findRealAddress } from "./real-ip.ts";
import { refuseCircle } from "./redirects.ts";
import { DONE, GO_ON, type Outcome, type ServerRequest } from "./request.ts";
import { runProgram } from "./rewrite.ts";
import { redirectHere, respondStatus } from "./special.ts";

type Phase = (request: ServerRequest) => Outcome;

const FIND_LOCATION = 2;

function serverRewrite(request: ServerRequest): Outcome {
  const { program } = request.server;
  if (program === null) return GO_ON;
  const outcome = runProgram(program, request);
  if (outcome === "responded") return DONE;
  return GO_ON;
}

function findLocation(request: ServerRequest): Outcome {
  const location = request.server.findLocation(request);
  request.enter(location);
  if (location.settings.internal && !request.internal) {
    respondStatus(request, 404);
    return DONE;
  }
  if (isBodyTooLarge(request)) {
    request.bodyRefused = true;
    request.failed(tooLarge(location.plan.bodyBytesMax));
    return DONE;
  }
  if (request.redirectBare) {
    request.redirectBare = false;
    redirectHere(
      request,
      301,
      escapeUri(location.path) + (request.args === undefined || request.args === "" ? "" : `?${request.args}`),
    );
    return DONE;
  }
  return GO_ON;
}

/** The error page of one that was is not refused for it. */
function isBodyTooLarge({ exchange, location, parent, clientBody, bodyRefused }: ServerRequest): boolean {
  if (parent !== null || bodyRefused || clientBody?.mode === "lost") return false;
  return Math.max(exchange.head.bodyLength, exchange.body?.received ?? 0) > location.plan.bodyBytesMax;
}

function locationRewrite(request: ServerRequest): Outcome {
  const { program } = request.location;
  if (program === null) return GO_ON;
  const outcome = runProgram(program, request);
  if (outcome === "responded") return DONE;
  if (outcome === "changed") {
    if (!request.countChange()) {
      refuseCircle(request, "processing", request.uri);
      return DONE;
    }
    request.phase = FIND_LOCATION;
    // The location that it comes to begins with its own settings.
    request.inLocation = true;
  }
  return GO_ON;
}

function content(request: ServerRequest): Outcome {
  serveContent(request);
  return DONE;
}

/** Requests that no location is asked for. */
function admitRequest(request: ServerRequest): Outcome {
  const { method, head } = request.exchange;
  const takesConnect = head.minor > 0 && request.server.takesConnect;
  if ((method === "TRACE" || (method === "CONNECT" && !takesConnect)) && request.parent === null) {
    request.exchange.keepAlive = false;
    if (method === "CONNECT" && !/:\d+$/.test(head.target))
      request.problem ??= wireFailure("request", "bad-target", "CONNECT takes host:port", 400, {});
    if (request.problem) request.failed(request.problem);
    else respondStatus(request, 405);
    return DONE;
  }
  if (request.problem) {
    request.exchange.keepAlive = false;
    request.failed(request.problem);
    return DONE;
  }
  const refused = request.parent === null ? tlsProblem(request) : 0;
  if (refused !== 0) {
    respondStatus(request, refused);
    return DONE;
  }
  return findRealAddress(request);
}

export const PHASES: readonly Phase[] = [
  admitRequest,
  serverRewrite,
  findLocation,
  locationRewrite,
  applyLimits,
  checkAccess,
  tryFiles,
  mirrorRequest,
  content,
];
