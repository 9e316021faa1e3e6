// What becomes of attempts on the servers of peers.ts: told to them once per attempt, when it is over. A failure before
// the response head counts, and so does a response that is given up for another server's; what is passed on does not,
// whatever its status, and neither does a response that breaks off.
import type { Failure } from "../failure/failure.ts";
import { type NginxFailureKind, nginxFailureKind, nginxStatusKind } from "../failure/nginx-kind.ts";
import type { UpstreamGroup } from "./group.ts";
import type { Judged } from "./judge.ts";

/** Responses with other statuses may yet be given up. */
const PASSED_ON_BELOW = 400;

/** Of the permit of an attempt: it is over, or has never begun. */
const NOT_PICKED = 0;
const PICKED = 1;

/** It begins. */
export function peerBegan(judged: Judged): void {
  judged.endpointPermit = PICKED;
}

/** The head of a final response has come. */
export function peerAnswered({ peers }: UpstreamGroup, judged: Judged): void {
  if (isPassedOn(judged)) peers?.headCame(judged.target, judged.headAt - judged.startedAt);
}

/** It failed; behind the head the server has done its part. */
export function peerFailed(group: UpstreamGroup, judged: Judged, failure: Failure): void {
  peerEnded(group, judged, judged.headAt > 0 ? null : nginxFailureKind(failure), failure, failure.cause);
}

/** Its response was passed on to its end, was given up, or nobody waits for it any more. */
export function peerDone(group: UpstreamGroup, judged: Judged): void {
  peerEnded(group, judged, judged.dropped ? nginxStatusKind(judged.status) : null, null, `answers ${judged.status}`);
}

function peerEnded(
  group: UpstreamGroup,
  judged: Judged,
  kind: NginxFailureKind | null,
  failure: Failure | null,
  detail: string,
): void {
  const { target, headAt, startedAt } = judged;
  if (judged.endpointPermit === NOT_PICKED) return;
  judged.endpointPermit = NOT_PICKED;
  const at = group.clock();
  const headMs = headAt > 0 ? headAt - startedAt : null;
  const end = kind === null ? { kind, headMs, tookMs: at - startedAt } : { kind };
  const turned = group.peers?.ended(target, end, isPassedOn(judged)) ?? null;
  if (turned === null) return;
  const where = { at, upstream: group.config.name, endpoint: target.label };
  const forMs = target.config.failTimeoutMs;
  if (turned === "out") group.onEvent({ kind: "ejected", ...where, forMs, cause: failure?.cause ?? null, detail });
  else group.onEvent({ kind: "returned", ...where });
}

function isPassedOn({ status }: Judged): boolean {
  return status > 0 && status < PASSED_ON_BELOW;
}
