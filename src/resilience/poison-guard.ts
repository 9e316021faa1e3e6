// The poison guard: tells failures that follow the request from failures of the endpoint. A request that crashes
// whatever serves it would otherwise take one endpoint after another out of use. Each failure is noted under two
// keys, the request ("GET /report") and the client. A key that failed on two endpoints or more within the window and
// succeeded nowhere meanwhile takes the blame; else the endpoint does. So one success elsewhere acquits the request,
// and in an outage of everything nobody is ejected, which would help nobody.
// Callers ask only where the request had been sent: it cannot be why an endpoint refuses connections. Nothing is
// kept while nothing fails; keys are bounded, and the one whose last failure is longest ago goes first.
import type { Ms } from "../std/units.ts";

export interface PoisonOptions {
  /** How long a failure or a success speaks. */
  readonly windowMs: Ms;
  /** Keys that are remembered. */
  readonly keysMax: number;
}

const POISON: PoisonOptions = { windowMs: 30_000, keysMax: 256 };

/** Of one key, so many endpoints are told apart; two are enough to judge, the rest is for the finding. */
const ENDPOINTS_MAX = 16;

interface Suspect {
  /** Endpoint → its last failure with this key; in the order of these. */
  readonly failedAtMs: Map<string, Ms>;
  lastFailedMs: Ms;
  /** -Infinity = never. */
  succeededMs: Ms;
  /** When the finding was last new. */
  foundMs: Ms;
}

/** One upstream's state; only the functions here change it. */
export interface PoisonGuard {
  readonly options: PoisonOptions;
  /** In the order of their last failures. */
  readonly suspects: Map<string, Suspect>;
  lastFailedMs: Ms;
}

/** The keys of one request: "METHOD /path" without the query, and the client's address. */
export interface PoisonKeys {
  readonly request: string;
  readonly client: string;
}

/** Who a failure is put down to; `endpoints` = on how many the key has failed, `isNew` = once per key and window. */
export type Blame =
  | { readonly blamed: "endpoint" }
  | { readonly blamed: "request"; readonly key: string; readonly endpoints: number; readonly isNew: boolean };

const ENDPOINT: Blame = { blamed: "endpoint" };

export function newPoisonGuard(options: PoisonOptions = POISON): PoisonGuard {
  return { options, suspects: new Map(), lastFailedMs: Number.NEGATIVE_INFINITY };
}

/** Notes that a request failed on an endpoint, one of `endpoints`, and says who is to blame. */
export function blame(guard: PoisonGuard, keys: PoisonKeys, endpoint: string, endpoints: number, nowMs: Ms): Blame {
  // With one endpoint there is nothing to tell apart.
  if (endpoints < 2) return ENDPOINT;
  guard.lastFailedMs = nowMs;
  const request = noteFailure(guard, keys.request, endpoint, nowMs);
  const client = noteFailure(guard, keys.client, endpoint, nowMs);
  if (isPoison(guard, request, nowMs)) return found(guard, keys.request, request, nowMs);
  if (isPoison(guard, client, nowMs)) return found(guard, keys.client, client, nowMs);
  return ENDPOINT;
}

/** Notes that a request with these keys succeeded, on whatever endpoint. */
export function noteSuccess(guard: PoisonGuard, request: string, client: string, nowMs: Ms): void {
  const byRequest = guard.suspects.get(request);
  if (byRequest) byRequest.succeededMs = nowMs;
  const byClient = guard.suspects.get(client);
  if (byClient) byClient.succeededMs = nowMs;
}

/** Nothing has failed of late: a success need not be noted. */
export function isEmpty(guard: PoisonGuard, nowMs: Ms): boolean {
  if (guard.suspects.size === 0) return true;
  if (nowMs - guard.lastFailedMs < guard.options.windowMs) return false;
  guard.suspects.clear();
  return true;
}

function noteFailure({ suspects, options }: PoisonGuard, key: string, endpoint: string, nowMs: Ms): Suspect {
  let suspect = suspects.get(key);
  suspects.delete(key);
  if (!suspect || nowMs - suspect.lastFailedMs >= options.windowMs) {
    const never = Number.NEGATIVE_INFINITY;
    suspect = { failedAtMs: new Map(), lastFailedMs: nowMs, succeededMs: never, foundMs: never };
  }
  suspect.lastFailedMs = nowMs;
  suspects.set(key, suspect);
  evict(suspects, options.keysMax);

  const { failedAtMs } = suspect;
  failedAtMs.delete(endpoint);
  failedAtMs.set(endpoint, nowMs);
  evict(failedAtMs, ENDPOINTS_MAX);
  for (const [name, atMs] of failedAtMs) {
    if (nowMs - atMs < options.windowMs) break;
    failedAtMs.delete(name);
  }
  return suspect;
}

/** Drops the oldest of one too many. */
function evict(entries: Map<string, unknown>, max: number): void {
  if (entries.size <= max) return;
  for (const oldest of entries.keys()) {
    entries.delete(oldest);
    return;
  }
}

function isPoison({ options }: PoisonGuard, suspect: Suspect, nowMs: Ms): boolean {
  return suspect.failedAtMs.size >= 2 && nowMs - suspect.succeededMs >= options.windowMs;
}

function found({ options }: PoisonGuard, key: string, suspect: Suspect, nowMs: Ms): Blame {
  const isNew = nowMs - suspect.foundMs >= options.windowMs;
  if (isNew) suspect.foundMs = nowMs;
  return { blamed: "request", key, endpoints: suspect.failedAtMs.size, isNew };
}
