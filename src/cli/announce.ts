// What a person sees when the gateway has started: where it listens, where requests go, what is not there yet.
import { formatAddress } from "../config/address.ts";
import type { Config, EndpointConfig, UpstreamConfig } from "../config/config.ts";
import { sentence } from "../failure/describe.ts";
import { dial } from "../net/dial.ts";
import { resolverFor } from "../net/resolve.ts";
import { log } from "../std/log.ts";
import { version } from "./version.ts";

/** Says on standard error what runs. */
export function announce(
  config: Config,
  ports: readonly number[],
  consoleUrl: string | null,
  file: string | null,
  workers = 1,
): void {
  const lines = [`goodgate ${version}${file ? ` with ${file}` : ""}${workers > 1 ? `, ${workers} workers` : ""}`];
  for (const [index, listener] of config.listeners.entries()) {
    lines.push(`  listening   ${listenerUrl(listener.address, listener.tls !== null, ports[index] ?? 0)}`);
  }
  for (const upstream of config.upstreams.values()) {
    lines.push(
      `  upstream    ${upstream.name} → ${upstream.endpoints.map((endpoint) => endpoint.label).join(", ") || "(no endpoint)"}`,
    );
  }
  if (consoleUrl) lines.push(`  console     ${consoleUrl}  (/metrics /healthz /readyz)`);
  process.stderr.write(`${lines.join("\n")}\n`);
}

function listenerUrl(address: Config["listeners"][number]["address"], tls: boolean, port: number): string {
  if (address.kind === "unix") return formatAddress(address);
  const everywhere = address.host === "" || address.host === "0.0.0.0" || address.host === "::";
  return `${tls ? "https" : "http"}://${everywhere ? "localhost" : formatAddress({ ...address, port }).replace(/:\d+$/, "")}:${port}${everywhere ? "  (all addresses)" : ""}`;
}

/** Tries each endpoint once: one that cannot be reached now is said now, not when the first visitor meets it. */
export async function warnOfSilentEndpoints(config: Config): Promise<void> {
  const probes = [...config.upstreams.values()].flatMap((upstream) =>
    upstream.endpoints.map((endpoint) => probe(upstream, endpoint)),
  );
  for (const warning of await Promise.all(probes)) if (warning) log.warn(warning);
}

function probe(upstream: UpstreamConfig, endpoint: EndpointConfig): Promise<string | null> {
  const { connectMs, tlsMs } = upstream.timeouts;
  const resolver = resolverFor(upstream.resolve);
  const timeouts = { resolveMs: upstream.resolve.timeoutMs, connectMs, tlsMs };
  return new Promise((resolve) => {
    dial({ address: endpoint.address, tls: null, resolver, timeouts }, null, (result) => {
      if (result.ok) {
        result.socket.destroy();
        return resolve(null);
      }
      const what = sentence(result.failure, { showDetail: true, upstream: upstream.name, endpoint: endpoint.label });
      resolve(
        `upstream ${upstream.name}: ${what} Start it or correct the address; until then requests get ${result.failure.status} (${result.failure.cause}).`,
      );
    });
  });
}
