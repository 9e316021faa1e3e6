// How long a request may take in all, and who before us gives up first: then the client sees their error, without a
// cause. Of upstreams, and of routes that say something else.
import { formatDuration, type Ms } from "../std/units.ts";
import type { Config, UpstreamConfig } from "./config.ts";
import type { Path } from "./document.ts";
import { type Add, FRONT_MS, type IsWritten, warning } from "./finding.ts";

/** A single attempt that may take too long. */
export function checkHeadTimeout(headMs: Ms | undefined, { drainMs }: Config, path: Path, add: Add): void {
  if (headMs === undefined) return;
  if (headMs >= FRONT_MS) {
    add(
      warning(
        `the gateway waits ${formatDuration(headMs)} for a response`,
        "balancers and clients before us give up at 60s by default: stay below them, so that the failure keeps its name",
        "client-closed-request",
      ),
      path,
    );
  }
  if (headMs > drainMs) {
    add(
      warning(
        `a request may wait ${formatDuration(headMs)}, and a drain ends after ${formatDuration(drainMs)}`,
        "a deploy cuts such requests off: raise drain, or lower this",
      ),
      path,
    );
  }
}

/** Attempts that the time for them does not allow, or that take too long together. */
export function checkAttempts(
  { attempts, withinMs }: Pick<UpstreamConfig["retry"], "attempts" | "withinMs">,
  { connectMs, headMs }: Pick<UpstreamConfig["timeouts"], "connectMs" | "headMs">,
  path: Path,
  add: Add,
  isWritten: IsWritten,
): void {
  if (attempts === 1) return;
  const within = [...path, "retry", "within"];
  const place = (timeout: string) => {
    const at = [...path, "timeouts", timeout];
    return isWritten(at) || !isWritten(within) ? at : within;
  };
  if (connectMs >= withinMs) {
    add(
      warning(
        `after a connect timeout (${formatDuration(connectMs)}) no attempt is begun any more (within ${formatDuration(withinMs)})`,
        "a shorter connect timeout leaves time for another endpoint",
        "connect-timeout",
      ),
      place("connect"),
    );
  }
  const longestMs = Math.min(attempts * headMs, withinMs + headMs);
  // Where one attempt alone takes too long, checkHeadTimeout has said so.
  if (headMs < FRONT_MS && longestMs >= FRONT_MS) {
    add(
      warning(
        `a request may take ${formatDuration(longestMs)} over its attempts: the last begins up to ${formatDuration(longestMs - headMs)} after it, and waits ${formatDuration(headMs)} for a response`,
        "balancers and clients before us give up at 60s by default: lower retry.within or timeouts.head, so that both together stay below",
        "client-closed-request",
      ),
      place("head"),
    );
  }
}
