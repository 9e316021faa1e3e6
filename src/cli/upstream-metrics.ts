// What /metrics says of upstreams and endpoints: connections, what is in flight, what waits, and how each stands.
// Everything is read when somebody scrapes. With workers, "is it usable" is true where it is for the worst of them.
import type { Metrics } from "../observe/metrics.ts";
import type { Gateway } from "../proxy/gateway.ts";
import { DISABLED, DOWN, DRAINING, EJECTED, type Endpoint, GONE, WARMING } from "../upstream/endpoint.ts";
import type { UpstreamGroup } from "../upstream/group.ts";

const WHY: readonly (readonly [bit: number, name: string])[] = [
  [GONE, "gone"],
  [DOWN, "unhealthy"],
  [EJECTED, "ejected"],
  [WARMING, "warming"],
  [DRAINING, "draining"],
  [DISABLED, "disabled"],
];

/** Registers the gauges of upstreams and endpoints. */
export function registerUpstreamMetrics(metrics: Metrics, gateway: Gateway): void {
  const groups = (): UpstreamGroup[] => [...gateway.runtime.groups.values()];
  const each = (read: (endpoint: Endpoint, group: UpstreamGroup) => number) => () =>
    groups().flatMap((group) =>
      group.endpoints.map((endpoint): readonly [string[], number] => [
        [group.config.name, endpoint.label],
        read(endpoint, group),
      ]),
    );
  const perUpstream = (read: (group: UpstreamGroup) => number) => () =>
    groups().map((group): readonly [string[], number] => [[group.config.name], read(group)]);

  const labels = ["upstream", "endpoint"];
  const gauge = metrics.registerGauge.bind(metrics);
  gauge(
    "goodgate_upstream_connections",
    "Open connections to the endpoint.",
    each(({ pool }) => pool.open),
    { labels },
  );
  gauge(
    "goodgate_upstream_connections_idle",
    "Idle connections to the endpoint.",
    each(({ pool }) => pool.idle),
    { labels },
  );
  gauge(
    "goodgate_upstream_active",
    "Attempts in flight.",
    each(({ active }) => active),
    { labels },
  );
  gauge(
    "goodgate_endpoint_usable",
    "1 where the endpoint may get requests.",
    each(({ config, standing, away }) => (config.down || away || (standing.out & EJECTED) !== 0 ? 0 : 1)),
    { labels, merge: "min" },
  );
  gauge(
    "goodgate_endpoint_out",
    "1 where the endpoint is out of use, or not fully in it, for this reason.",
    () =>
      groups().flatMap((group) =>
        group.endpoints.flatMap((endpoint) =>
          WHY.map(([bit, why]): readonly [string[], number] => [
            [group.config.name, endpoint.label, why],
            (endpoint.standing.out & bit) === 0 ? 0 : 1,
          ]),
        ),
      ),
    { labels: [...labels, "why"], merge: "max" },
  );
  gauge(
    "goodgate_endpoint_keepalive_seconds",
    "After how long the endpoint closes idle connections, as it says or has shown; 0 = unknown.",
    each(({ idleLimitMs }) => idleLimitMs / 1000),
    { labels, merge: "max" },
  );
  const upstream = { labels: ["upstream"] };
  gauge(
    "goodgate_upstream_requests",
    "Requests in flight, those that wait included.",
    perUpstream((g) => g.budget.requests),
    upstream,
  );
  gauge(
    "goodgate_upstream_retries",
    "Retries in flight.",
    perUpstream((g) => g.budget.retries),
    upstream,
  );
  gauge(
    "goodgate_upstream_held",
    "Requests that wait for the upstream to come back.",
    perUpstream((g) => g.room.held),
    upstream,
  );
  gauge(
    "goodgate_upstream_queued",
    "Requests that wait at a limit.",
    perUpstream((g) => g.room.size - g.room.held),
    upstream,
  );
  gauge(
    "goodgate_upstream_away",
    "1 while no endpoint can be used.",
    perUpstream((g) => (g.outageSince > 0 ? 1 : 0)),
    { ...upstream, merge: "max" },
  );
  gauge(
    "goodgate_upstream_breaker_open",
    "1 while the upstream's circuit breaker is not closed.",
    perUpstream((g) => (g.judge.closed ? 0 : 1)),
    { ...upstream, merge: "max" },
  );
  gauge(
    "goodgate_upstream_concurrency_limit",
    "Requests in flight that its latency bears; 0 = not bounded so.",
    perUpstream((g) => g.adaptive?.limit ?? 0),
    upstream,
  );
}
