// The timers of the way through this gateway to an upstream, and where they do not fit: doctor's chain and rules over
// what runs and what the endpoints were seen to do, rather than over files.
import type { Config, UpstreamConfig } from "../../config/config.ts";
import type { TimeoutsView } from "../../console/model.ts";
import { sourceOf } from "../../doctor/timeouts/inversion.ts";
import { defaultLink, knownTimer, type Link, withTimer } from "../../doctor/timeouts/link.ts";
import type { TimerId } from "../../doctor/timeouts/model.ts";
import { inversionsOf } from "../../doctor/timeouts/rules.ts";
import type { Ms } from "../../std/units.ts";
import type { EndpointStanding } from "./process-state.ts";

/** Where a value of goodgate.yaml comes from, by its path: "goodgate.yaml:12", "default". */
export type OriginOf = (path: string) => string;

/** The chain of one upstream; `endpoints` as they stand, for what was learnt of their idle timers. */
export function timeoutsView(
  config: Config,
  upstream: UpstreamConfig,
  endpoints: readonly EndpointStanding[],
  originOf: OriginOf,
): TimeoutsView {
  const links = [gatewayLink(config, upstream, endpoints), applicationLink(endpoints)];
  return {
    upstream: upstream.name,
    hops: links.map(({ hop }) => ({
      name: hop.name,
      timers: hop.timers.map((timer) => ({
        name: timer.setting,
        ms: timer.value,
        from: timer.from === "config" ? originOf(pathOf(timer.setting, upstream)) : sourceOf(timer),
      })),
    })),
    inversions: inversionsOf(links).map(({ text, fix }) => ({ text, fix })),
  };
}

function pathOf(setting: string, { name }: UpstreamConfig): string {
  return /^(?:client\.|drain$)/.test(setting) ? setting : `upstreams.${name}.${setting}`;
}

function gatewayLink(
  { client, drainMs }: Config,
  { timeouts, keepalive, endpoints }: UpstreamConfig,
  standing: readonly EndpointStanding[],
): Link {
  // What is known of the endpoints' own timers makes it shorter, where the file leaves it to the gateway.
  const keptMs = standing.reduce((least, { keptIdleMs }) => Math.min(least, keptIdleMs), Number.POSITIVE_INFINITY);
  const told: readonly (readonly [TimerId, string, Ms])[] = [
    ["client-idle", "client.timeouts.idle", client.timeouts.idleMs],
    ["request", "client.timeouts.head", client.timeouts.headMs],
    ["connect", "timeouts.connect", timeouts.connectMs],
    ["response", "timeouts.head", timeouts.headMs],
    ["upstream-idle", "keepalive.idle", Number.isFinite(keptMs) ? keptMs : keepalive.idleMs],
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
  const timer = knownTimer("app", {
    id: "client-idle",
    setting: `idle connections (${shortest.label})`,
    value: shortest.keepAliveMs,
    from: shortest.keepAliveFrom === "hint" ? "header" : "measured",
    place: null,
  });
  return { ...base, hop: withTimer(base.hop, timer) };
}
