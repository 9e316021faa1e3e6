// Whether another server is asked after a failed attempt, by named conditions: the rule of proxy_next_upstream.
//
//   the kind of failure is among the conditions
//   a request that was sent with POST, LOCK or PATCH: `non_idempotent` is among them, too
//   a request that was sent: its body can be sent again (nginx: it was buffered)
//   there is a try left, and time
//
// Tries are counted, not looked for: a group has as many as it has servers in use, those of the backups included; that
// none of them can be picked shows when it is tried. A single server has one try. A kept connection that fails with
// `error` costs none, since it says little of the server.
import type { NginxFailureKind } from "../failure/nginx-kind.ts";
import type { Ms } from "../std/units.ts";

export interface NextFacts {
  /** What failed; null = nothing that another server could mend. */
  readonly kind: NginxFailureKind | null;
  /** In the words of proxy_next_upstream; empty = off. */
  readonly conditions: readonly string[];
  readonly method: string;
  /** A connection was there and the request was begun to be written. */
  readonly requestSent: boolean;
  /** The body is there to be sent again, or there is none. */
  readonly bodyReplayable: boolean;
  /** Bytes of a final response went to the client. */
  readonly responseBegun: boolean;
  /** Tries that are left, this attempt counted (`triesAfter`). */
  readonly triesLeft: number;
  /** Since the first attempt was begun. */
  readonly elapsedMs: Ms;
  /** 0 = no bound. */
  readonly withinMs: Ms;
}

/** Methods that are repeated only where the configuration says so. */
function needsNonIdempotent(method: string): boolean {
  return method === "POST" || method === "LOCK" || method === "PATCH";
}

/**
 * Whether another server is asked. For a response with one of the statuses it is asked before the response is given up:
 * where it says no, the response goes to the client, and does not count against its server.
 */
export function nextUpstream(facts: NextFacts): boolean {
  const { kind, conditions, withinMs } = facts;
  if (kind === null || facts.responseBegun || facts.triesLeft <= 0) return false;
  if (!conditions.includes(kind)) return false;
  if (facts.requestSent) {
    if (!facts.bodyReplayable) return false;
    if (needsNonIdempotent(facts.method) && !conditions.includes("non_idempotent")) return false;
  }
  return withinMs === 0 || facts.elapsedMs < withinMs;
}

/** Tries at the start, of a group that allows `triesMax`; `configured` 0 = all of them. */
export function triesAtFirst(triesMax: number, configured: number): number {
  return configured > 0 ? Math.min(triesMax, configured) : triesMax;
}

/** Tries that are left behind an attempt. */
export function triesAfter(
  left: number,
  attempt: {
    readonly kind: NginxFailureKind | null;
    /** It went on a kept connection. */
    readonly reused: boolean;
    /** The group has this one server and no backups. */
    readonly single: boolean;
  },
): number {
  const counted = attempt.single ? 0 : Math.max(0, left - 1);
  return attempt.reused && attempt.kind === "error" ? counted + 1 : counted;
}

/** Whether a failure counts against its server: what is refused or not found says nothing of it. */
export function countsAgainstServer(kind: NginxFailureKind): boolean {
  return kind !== "http_403" && kind !== "http_404";
}
