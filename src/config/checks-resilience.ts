// Findings of what keeps failures from visitors: settings that have no effect where they stand, that contradict each
// other, or that wait longer than those before us do.
import { formatDuration, type Ms } from "../std/units.ts";
import type { EjectConfig, HealthConfig, UpstreamConfig } from "./config.ts";
import type { Path } from "./document.ts";
import { type Add, type IsWritten, warning } from "./finding.ts";

/** Half of what balancers and browsers before us wait: the other half is for the response. */
const WAIT_MAX_MS: Ms = 30_000;

/** Statuses below 500 that tell of the endpoint's state, not of the request. */
const LOAD_STATUSES: readonly number[] = [408, 421, 425, 429];

/** What is risky or without effect in an upstream's resilience. */
export function checkResilience(upstream: UpstreamConfig, add: Add, isWritten: IsWritten): void {
  const path: Path = ["upstreams", upstream.name];
  checkEffects(upstream, path, add, isWritten);
  checkWaits(upstream, path, add);
  if (upstream.health) checkHealth(upstream.health, [...path, "health"], add, isWritten);
  if (upstream.eject) checkEject(upstream.eject, [...path, "eject"], add);
}

function checkEffects(upstream: UpstreamConfig, path: Path, add: Add, isWritten: IsWritten): void {
  const { endpoints, limits, queue, health, eject, panic, slowStartMs } = upstream;
  const without = (key: string, why: string, hint: string) =>
    add(warning(`${key} has no effect: ${why}`, hint), [...path, key], "key");
  const limited = limits.connections > 0 || limits.requests > 0 || limits.adaptive;
  if (queue && !limited && isWritten([...path, "queue"])) {
    without(
      "queue",
      "nothing limits what an endpoint gets",
      "set limits.connections or limits.requests to what one endpoint bears",
    );
  }
  if (panic > 0 && !health && !eject)
    without("panic", "nothing takes endpoints out of use", "it goes with health or eject");
  if (endpoints.filter(({ down }) => !down).length !== 1) return;
  const alone = "the upstream has one endpoint in use";
  if (eject && isWritten([...path, "eject"]))
    without("eject", `${alone}, and it is never left out`, "add an endpoint, or take eject out");
  if (slowStartMs > 0) without("slow-start", `${alone}, and it gets all requests`, "add an endpoint, or take it out");
}

/** Requests that wait longer than their clients do, and bounds that are below what they bound. */
function checkWaits({ queue, hold, retry, eject, breaker }: UpstreamConfig, path: Path, add: Add): void {
  const waits = [
    ["hold", hold, "an endpoint to come back"],
    ["queue", queue, "a place"],
  ] as const;
  for (const [key, wait, what] of waits) {
    if (!wait || wait.forMs <= WAIT_MAX_MS) continue;
    add(
      warning(
        `a request may wait ${formatDuration(wait.forMs)} for ${what}`,
        "browsers and balancers before us give up at 60s, and the response takes its time too: 30s at most",
        "client-closed-request",
      ),
      [...path, key, "for"],
    );
  }
  const bounds: readonly (readonly [group: string, key: string, Ms, max: string, Ms] | null)[] = [
    ["retry", "backoff", retry.backoffMs, "backoff-max", retry.backoffMaxMs],
    eject && ["eject", "for", eject.forMs, "for-max", eject.forMaxMs],
    breaker && ["breaker", "for", breaker.forMs, "for-max", breaker.forMaxMs],
  ];
  for (const bound of bounds) {
    if (bound === null) continue;
    const [group, key, ms, max, maxMs] = bound;
    if (ms <= maxMs) continue;
    add(
      warning(
        `${group}.${key} (${formatDuration(ms)}) is longer than ${group}.${max} (${formatDuration(maxMs)})`,
        `${max} bounds it: raise ${max}, or lower ${key}`,
      ),
      [...path, group, key],
    );
  }
}

function checkHealth({ intervalMs, timeoutMs }: HealthConfig, path: Path, add: Add, isWritten: IsWritten): void {
  const at = [...path, "timeout"];
  // Left out, it is the interval at most, and the two may be alike.
  if (timeoutMs < intervalMs || (timeoutMs === intervalMs && !isWritten(at))) return;
  add(
    warning(
      `a check may take ${formatDuration(timeoutMs)}, and the next is due after ${formatDuration(intervalMs)}`,
      "an endpoint that hangs is noticed later than the interval promises: a timeout below it",
      "response-timeout",
    ),
    at,
  );
}

function checkEject({ statuses }: EjectConfig, path: Path, add: Add): void {
  const asked = statuses.filter((status) => status < 500 && !LOAD_STATUSES.includes(status));
  if (asked.length === 0) return;
  add(
    warning(
      `responses with ${asked.join(", ")} eject endpoints`,
      "anyone can provoke these with requests of their own, and so take well endpoints out of use: leave them out",
      "no-healthy-upstream",
    ),
    [...path, "status"],
  );
}
