// How long the server keeps an idle connection: the connection is held, and watched until the server closes it or the
// time of the watch is over. Nothing is sent meanwhile.
import { now } from "../../std/clock.ts";
import type { Ms } from "../../std/units.ts";
import type { IdleEvidence } from "../evidence.ts";
import type { IdleEnd, ProbeConnection } from "./connection.ts";
import { roundedMs, type Scene, within } from "./context.ts";

/** Watches an idle connection for at most so long, and leaves it as it is then. */
export function watchIdle(scene: Scene, connection: ProbeConnection, watchMs: Ms): Promise<IdleEvidence> {
  const endsAt = now() + within(scene, watchMs);
  return new Promise((resolve) => {
    const finish = (end: IdleEnd | null) => {
      clearTimeout(timer);
      connection.onIdleEnd = null;
      const { address, idleSince, keepAliveHintMs } = connection;
      resolve({
        address,
        saidMs: keepAliveHintMs > 0 ? keepAliveHintMs : null,
        closedAfterMs: end === null ? null : roundedMs(Math.max(0, end.at - idleSince)),
        closedBy: end?.by ?? null,
        watchedMs: roundedMs(Math.max(0, (end?.at ?? now()) - idleSince)),
      });
    };
    // The event loop turns once first: where it was held up, the close may have been there for long.
    const timer = setTimeout(() => setImmediate(() => finish(connection.idleEnd)), Math.max(0, endsAt - now()));
    if (connection.idleEnd) return finish(connection.idleEnd);
    connection.onIdleEnd = finish;
  });
}
