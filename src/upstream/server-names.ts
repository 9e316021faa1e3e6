// From the servers of an upstream to endpoints: a name that is resolved at load or at run time stands for one endpoint
// per address, each with its own connections and failures. What is asked for with each new connection stays one.
import dns from "node:dns";
import { isIP } from "node:net";
import { formatAddress } from "../config/address.ts";
import type { EndpointConfig, UpstreamConfig } from "../config/config.ts";
import type { Lookup } from "../net/resolve.ts";

/** One address of a server. Port, weight and name are those of the server but where an SRV record says otherwise. */
export interface FoundAddress {
  readonly address: string;
  readonly port?: number;
  readonly weight?: number;
  readonly server?: string;
  readonly backup?: boolean;
}

/** An endpoint to be made: its label is its address, `server` what was written for it. */
export interface ServerAddress {
  readonly config: EndpointConfig;
  readonly server: string;
}

/** What is known of a name; null = nothing. */
export type KnownAddresses = (host: string, config: EndpointConfig) => readonly FoundAddress[] | null;

/** The name of a server that has to be resolved before it can be used; null = it has none. */
export function nameToResolve({ address, resolve }: EndpointConfig): string | null {
  if (resolve === "per-connection" || address.kind === "unix" || isIP(address.host) !== 0) return null;
  return address.host;
}

/** The endpoints of servers, in their order. At run time a name has none until it is resolved. */
export function serverAddresses(servers: readonly EndpointConfig[], known: KnownAddresses): ServerAddress[] {
  return servers.flatMap((config): ServerAddress[] => {
    const { label: server, address } = config;
    const isName = address.kind === "tcp" && isIP(address.host) === 0;
    if (!isName) return [{ config: { ...config, label: config.name ?? formatAddress(address) }, server }];
    const host = nameToResolve(config);
    if (host === null) return [{ config, server }];
    const found = known(host, config);
    if (found === null) return config.resolve === "at-load" ? [{ config, server }] : [];
    return found.map((one) => withAddress(config, one));
  });
}

function withAddress(config: EndpointConfig, found: FoundAddress): ServerAddress {
  const port = found.port ?? (config.address.kind === "tcp" ? config.address.port : 0);
  const address = { kind: "tcp", host: found.address, port } as const;
  // A weight that is written counts for more than the record's.
  const weight = config.weight === 1 ? (found.weight ?? 1) : config.weight;
  const backup = config.backup || found.backup === true;
  return {
    config: { ...config, label: formatAddress(address), address, weight, backup },
    server: found.server ?? config.label,
  };
}

/** What getaddrinfo says of a name. */
export const systemLookup: Lookup = (host) => dns.promises.lookup(host, { all: true, verbatim: true });

export interface LoadedNames {
  readonly addresses: ReadonlyMap<string, readonly string[]>;
  /** Names that have no address, with the code of the error. */
  readonly unknown: ReadonlyMap<string, string>;
}

/** Asks for all names of upstreams that are resolved once, at load; IPv4 addresses come first. */
export async function resolveAtLoad(
  upstreams: Iterable<UpstreamConfig>,
  lookup: Lookup = systemLookup,
): Promise<LoadedNames> {
  const hosts = new Set<string>();
  for (const { endpoints } of upstreams) {
    for (const endpoint of endpoints) {
      const host = endpoint.resolve === "at-load" ? nameToResolve(endpoint) : null;
      if (host !== null) hosts.add(host);
    }
  }
  const addresses = new Map<string, readonly string[]>();
  const unknown = new Map<string, string>();
  await Promise.all(
    [...hosts].map(async (host) => {
      try {
        const found = (await lookup(host)).map(({ address }) => address);
        addresses.set(host, [
          ...new Set([...found.filter((a) => isIP(a) === 4), ...found.filter((a) => isIP(a) === 6)]),
        ]);
      } catch (error) {
        unknown.set(host, String((error as NodeJS.ErrnoException).code ?? error));
      }
    }),
  );
  return { addresses, unknown };
}
