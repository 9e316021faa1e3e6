// stream-heartbeat: a WebSocket or a stream of events lives as long as the shortest idle timer on its way, whatever the
// others say. drain-order: what is told to stop must be allowed to finish before it is killed. Notes, but for a stop
// that cannot be in order.
import { called, inversion, isChosen, type TimerAt, withSource } from "./inversion.ts";
import { type Link, lengthOf, timerOf } from "./link.ts";
import type { HopTimer, Inversion } from "./model.ts";
import { shownMs } from "./values.ts";

/** Where somebody raised the idle time of tunnels, and another hop on the way ends them before. */
export function streamHeartbeat(links: readonly Link[]): readonly Inversion[] {
  const all: TimerAt[] = links.flatMap(({ hop }) => {
    const timer = timerOf(hop, "tunnel-idle");
    return timer === null ? [] : [{ hop, timer }];
  });
  const shortest = all.reduce<TimerAt | null>(
    (least, each) => (least === null || lengthOf(each.timer) < lengthOf(least.timer) ? each : least),
    null,
  );
  if (shortest === null || shortest.timer.value === null) return [];
  const limit = shortest.timer.value;
  return all
    .filter(({ timer }) => isChosen(timer) && lengthOf(timer) > limit)
    .map((longer) => {
      const outerFirst =
        links.findIndex(({ hop }) => hop === shortest.hop) < links.findIndex(({ hop }) => hop === longer.hop);
      const [outer, inner] = outerFirst ? [shortest, longer] : [longer, shortest];
      return inversion({
        rule: "stream-heartbeat",
        severity: "note",
        class: "response-body-timeout",
        outer,
        inner,
        text: `${called(longer.hop)} keeps silent WebSockets and streams for ${withSource(longer.timer)}, and ${called(shortest.hop)} ends them after ${withSource(shortest.timer)}`,
        fix: `a heartbeat more often than every ${shownMs(limit)}, such as a ping every ${shownMs(Math.max(1000, Math.floor(limit / 2000) * 1000))}`,
        about: outerFirst ? "outer" : "inner",
      });
    });
}

/** Each hop that is killed before it may finish, and each that is gone before the hop in front knows. */
export function drainOrder(links: readonly Link[]): readonly Inversion[] {
  return links.flatMap(({ hop }) => {
    const drains = hop.timers.filter(({ id }) => id === "drain");
    const grace = drains.find(({ setting }) => /grace.?period/i.test(setting));
    if (grace === undefined || grace.value === null) return [];
    const own = drains.find((timer) => timer !== grace) ?? null;
    const wait = timerOf(hop, "pre-stop");
    const waitMs = wait?.value ?? 0;
    const finishMs = own?.value ?? 0;
    if (waitMs + finishMs < grace.value || (waitMs === 0 && finishMs === 0)) return [];
    const inner = (waitMs >= finishMs ? wait : own) ?? grace;
    return [stopBroken({ hop, timer: grace }, { hop, timer: inner }, waitMs, own)];
  });
}

function stopBroken(grace: TimerAt, inner: TimerAt, waitMs: number, own: HopTimer | null): Inversion {
  const needsMs = waitMs + (own?.value ?? 0);
  const parts = [
    waitMs > 0 ? `preStop ${shownMs(waitMs)}` : null,
    own ? `${own.setting} ${shownMs(own.value ?? 0)}` : null,
  ];
  const written = waitMs > 0 && waitMs >= (grace.timer.value ?? 0);
  const certain = isChosen(inner.timer) && (own === null || isChosen(own));
  return inversion({
    rule: "drain-order",
    severity: written || certain ? "risk" : "note",
    class: "upstream-not-ready",
    outer: grace,
    inner,
    text: `${called(grace.hop)} needs up to ${shownMs(needsMs)} to stop (${parts.filter((part) => part !== null).join(" + ")}), and is killed after ${withSource(grace.timer)}: requests that still run at a deploy are cut`,
    fix: `\`terminationGracePeriodSeconds: ${Math.ceil((needsMs + 5000) / 1000)}\``,
    about: "outer",
  });
}
