// What watching over a gateway has to know of its configuration: whether it is wanted at all, and the names and values
// that verdicts speak of.
import { formatAddress } from "../../config/address.ts";
import type { Config, UpstreamConfig } from "../../config/config.ts";
import type { Setting, UpstreamSetting } from "../../incidents/model.ts";
import type { Language } from "../target.ts";

/** The configuration as verdicts see it; `file` = where it stands, null = the command line. */
export function settingOf(config: Config, file: string | null, language: Language): Setting {
  return {
    upstreams: [...config.upstreams.values()].map(upstreamSetting),
    file,
    language,
  };
}

function upstreamSetting(upstream: UpstreamConfig): UpstreamSetting {
  const { timeouts, keepalive, hold, health, limits } = upstream;
  return {
    name: upstream.name,
    endpoints: upstream.endpoints.map(({ label, address, backup, down }) => ({
      label,
      host: address.kind === "unix" ? "" : address.host,
      address: formatAddress(address),
      backup,
      down,
    })),
    tls: upstream.tls !== null,
    tlsName: upstream.tls?.serverName ?? "",
    timeouts: {
      connectMs: timeouts.connectMs,
      tlsMs: timeouts.tlsMs,
      sendMs: timeouts.sendMs,
      headMs: timeouts.headMs,
      idleBodyMs: timeouts.idleBodyMs,
    },
    keepalive: { idleMs: keepalive.idleMs, auto: keepalive.auto },
    hold: hold && { forMs: hold.forMs, requests: hold.requests },
    health: health && { path: health.kind === "http" ? health.path : "", intervalMs: health.intervalMs },
    eject: upstream.eject !== null,
    retryAttempts: upstream.retry.attempts,
    limits: { connections: limits.connections, requests: limits.requests },
  };
}

/** Whether anybody would see an incident. What this says when a process starts holds until it ends. */
export function isWatched({ console: address, observability }: Config): boolean {
  return observability.store !== null && (address !== null || observability.webhooks.length > 0);
}
