// The timers of the way through this gateway to an upstream, and where they do not fit: doctor's chain and rules over
// what runs and what the endpoints were seen to do, rather than over files.
import type { Config, UpstreamConfig } from "../../config/config.ts";
import type { TimeoutsView } from "../../console/model.ts";
import { sourceOf } from "../../doctor/timeouts/inversion.ts";
import { defaultLink, expiryOf, knownTimer, type Link, withTimer } from "../../doctor/timeouts/link.ts";
import type { HopTimer, TimerId } from "../../doctor/timeouts/model.ts";
import { inversionsOf } from "../../doctor/timeouts/rules.ts";
import type { Ms } from "../../std/units.ts";
import type { EndpointStanding } from "./process-state.ts";

/** The chain of one upstream; `endpoints` as they stand, for what was learnt of their idle timers. */
export function timeoutsView(
  config: Config,
  upstream: UpstreamConfig,
  endpoints: readonly EndpointStanding[],
): TimeoutsView {
  const links = [gatewayLink(config, upstream), applicationLink(endpoints)];
  return {
    upstream: upstream.name,
    hops: links.map(({ hop }) => ({
      name: hop.name,
      timers: hop.timers.map((timer) => ({ name: timer.setting, ms: timer.value, from: sourceOf(timer) })),
    })),
    inversions: inversionsOf(links).map(({ text, fix }) => ({ text, fix })),
  };
}

function gatewayLink({ client, drainMs }: Config, { timeouts, keepalive, endpoints }: UpstreamConfig): Link {
  const told: readonly (readonly [TimerId, string, Ms])[] = [
    ["client-idle", "client.timeouts.idle", client.timeouts.idleMs],
    ["request", "client.timeouts.head", client.timeouts.headMs],
    ["connect", "timeouts.connect", timeouts.connectMs],
    ["response", "timeouts.head", timeouts.headMs],
    ["upstream-idle", "keepalive.idle", keepalive.idleMs],
    ["drain", "drain", drainMs],
  ];
  const base = defaultLink("goodgate", "goodgate", keepalive.connections > 0 ? "yes" : "no");
  const hop = told.reduce(
    (each, [id, setting, value]) =>
      withTimer(each, knownTimer("goodgate", { id, setting, value, from: "config", place: null })),
    base.hop,
  );
  return { ...base, hop, members: endpoints.length };
}

/** Of the application only what it shows: how long it keeps idle connections. */
function applicationLink(endpoints: readonly EndpointStanding[]): Link {
  const shown = endpoints.filter(({ keepAliveMs }) => keepAliveMs !== null);
  const shortest = shown.toSorted((a, b) => a.keepAliveMs! - b.keepAliveMs!)[0];
  const base = defaultLink("application", "app", "unknown");
  if (!shortest) return base;
  const timer: HopTimer = {
    ...knownTimer("app", {
      id: "client-idle",
      setting: `idle connections (${shortest.label})`,
      value: shortest.keepAliveMs,
      from: shortest.keepAliveFrom === "hint" ? "header" : "measured",
      place: null,
    }),
    atExpiry: expiryOf("app", "client-idle", ""),
  };
  return { ...base, hop: withTimer(base.hop, timer) };
}
