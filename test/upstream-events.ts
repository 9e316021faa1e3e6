// What a running gateway tells of its upstreams, read from its console: the log leaves out what comes too fast.
import { pause, type RunningGateway } from "./harness.ts";

/** An event as the console shows it. */
export interface UpstreamTold {
  readonly kind: string;
  readonly upstream: string;
  readonly endpoint?: string;
  readonly request?: string;
  readonly forMs?: number;
  readonly lastedMs?: number;
  readonly heldRequests?: number;
  readonly cause?: string | null;
}

/** Kinds that end each other. */
const PAIRS = [
  ["endpoint-gone", "endpoint-back"],
  ["health-down", "health-up"],
  ["ejected", "returned"],
  ["breaker-opened", "breaker-closed"],
  ["outage-begun", "outage-ended"],
];

/** What was told of an upstream, oldest first. */
export async function eventsOf(gateway: RunningGateway, upstream: string): Promise<UpstreamTold[]> {
  const response = await fetch(`${gateway.consoleUrl}/api/events`);
  const { events } = (await response.json()) as { events: UpstreamTold[] };
  return events.filter((event) => event.upstream === upstream && event.kind !== "keepalive-learnt").reverse();
}

/** Waits until the events of an upstream are as `expected`. */
export async function eventsOnce(
  gateway: RunningGateway,
  upstream: string,
  expected: (told: readonly UpstreamTold[]) => boolean,
): Promise<UpstreamTold[]> {
  const end = performance.now() + 8000;
  for (;;) {
    const told = await eventsOf(gateway, upstream);
    if (expected(told)) return told;
    if (performance.now() > end) throw new Error(`not what was told of ${upstream}: ${JSON.stringify(told)}`);
    await pause(20);
  }
}

/** Waits until this is how an upstream, or one of its endpoints, stands: told, and not ended since. */
export async function stands(
  gateway: RunningGateway,
  upstream: string,
  kind: string,
  endpoint?: string,
): Promise<UpstreamTold> {
  const pair = PAIRS.find((kinds) => kinds.includes(kind))!;
  const last = (told: readonly UpstreamTold[]): UpstreamTold | undefined =>
    told.findLast((event) => pair.includes(event.kind) && (endpoint === undefined || event.endpoint === endpoint));
  return last(await eventsOnce(gateway, upstream, (told) => last(told)?.kind === kind))!;
}
