// What is different after a reload, as far as it can be seen in failures: upstreams, endpoints, timers, limits.
import { span } from "../failure/words.ts";
import type { Setting, UpstreamSetting } from "./model.ts";

/** One difference, in words; upstream "" = of the whole configuration. */
export interface Difference {
  readonly upstream: string;
  readonly text: string;
}

/** Differences of two configurations, at most 20. */
export function differencesOf(before: Setting, after: Setting): Difference[] {
  const differences: Difference[] = [];
  for (const { name } of before.upstreams) {
    if (!after.upstreams.some((one) => one.name === name)) {
      differences.push({ upstream: "", text: `upstream ${name} removed` });
    }
  }
  for (const upstream of after.upstreams) {
    const was = before.upstreams.find(({ name }) => name === upstream.name);
    if (was === undefined) differences.push({ upstream: "", text: `upstream ${upstream.name} added` });
    else {
      for (const text of changesOf(was, upstream)) differences.push({ upstream: upstream.name, text });
    }
  }
  return differences.slice(0, 20);
}

function changesOf(before: UpstreamSetting, after: UpstreamSetting): string[] {
  const labels = (one: UpstreamSetting): string[] => one.endpoints.map(({ label }) => label);
  const [was, is] = [labels(before), labels(after)];
  const texts: string[] = [];
  const added = is.filter((label) => !was.includes(label));
  const removed = was.filter((label) => !is.includes(label));
  if (added.length > 0) texts.push(`endpoint ${added.slice(0, 5).join(", ")} added to ${after.name}`);
  if (removed.length > 0) texts.push(`endpoint ${removed.slice(0, 5).join(", ")} removed from ${after.name}`);
  if (before.tls !== after.tls) texts.push(`${after.name} is now asked ${after.tls ? "over TLS" : "without TLS"}`);
  const timers: [string, number, number][] = [
    ["timeouts.connect", before.timeouts.connectMs, after.timeouts.connectMs],
    ["timeouts.head", before.timeouts.headMs, after.timeouts.headMs],
    ["timeouts.idle-body", before.timeouts.idleBodyMs, after.timeouts.idleBodyMs],
    ["keepalive.idle", before.keepalive.idleMs, after.keepalive.idleMs],
    ["hold.for", before.hold?.forMs ?? 0, after.hold?.forMs ?? 0],
  ];
  for (const [name, from, to] of timers) {
    if (from !== to) texts.push(`${name} of ${after.name}: ${span(from)} to ${span(to)}`);
  }
  const limits: [string, number, number][] = [
    ["limits.connections", before.limits.connections, after.limits.connections],
    ["limits.requests", before.limits.requests, after.limits.requests],
  ];
  for (const [name, from, to] of limits) if (from !== to) texts.push(`${name} of ${after.name}: ${from} to ${to}`);
  return texts;
}
