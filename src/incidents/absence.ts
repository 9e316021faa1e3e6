// An endpoint that checks found away although no request met it: told as a group of failures without a failure, so that
// it goes the way of all others.
// Nothing here is counted; only the place and the time are said.
import { CAUSES, type CauseId } from "../failure/causes.ts";
import type { FailureGroup } from "../observe/report.ts";
import type { Ms } from "../std/units.ts";

/** A group without failures: an endpoint is away. */
export function absence(upstream: string, endpoint: string, at: Ms, cause: CauseId): FailureGroup {
  const none = {};
  return {
    cause,
    phase: CAUSES[cause].phase,
    route: "",
    upstream,
    endpoint,
    firstAt: at,
    lastAt: at,
    failures: 0,
    shown: 0,
    cut: 0,
    clientLeft: 0,
    saved: none,
    passed: 0,
    statuses: none,
    methods: none,
    paths: none,
    hosts: none,
    clients: none,
    clientCount: 0,
    errnos: none,
    deadlines: none,
    details: none,
    upstreamProxyStatus: none,
    reused: 0,
    withoutByte: 0,
    closedBy: none,
    waitedMs: [],
    idleMs: [],
    ageMs: [],
    bytesReceived: [],
    keepAliveMs: 0,
  };
}
