// Which server a request is for. First the connection: servers that listen on the very address it came to, else those
// that listen on every address of that port. Then the host, among these: exact name, longest wildcard in front, longest
// wildcard at the end, patterns in order of the file; none = the address's default server.
// An exact name is one look-up, a wildcard one per label; only patterns cost time by their number.
import { isIPv6 } from "node:net";
import type { Address } from "../config/config.ts";
import type { ServerConfig } from "../config/servers.ts";
import { NameTable } from "./name-table.ts";
import type { CompiledPattern, CompilePattern, PatternMatch } from "./pattern.ts";

/** The server for a host; `pattern` is what its name captured, null = it is no pattern. */
export interface ServerMatch<T> {
  readonly server: T;
  readonly pattern: PatternMatch | null;
}

/** The servers of one address. */
export interface ServerSet<T> {
  readonly address: Address;
  /** Its rules hold until a host is known, and for hosts that are nobody's. */
  readonly defaultServer: T;
  /** `host` as readHost gives it; "" = the request names none. */
  find(host: string): ServerMatch<T>;
  /** The server with the empty name; undefined = none has it. */
  findNameless(): ServerMatch<T> | undefined;
}

/** The servers of all addresses. */
export interface ServerTable<T> {
  readonly sets: readonly ServerSet<T>[];
  /** For a connection to `localAddress` on a listener of `port` (as configured); null = no server is there. */
  onPort(localAddress: string, port: number): ServerSet<T> | null;
  onPath(path: string): ServerSet<T> | null;
}

type NamedServer = Pick<ServerConfig, "names" | "listen">;

/** Puts servers under their addresses; their order is that of the file. */
export function compileServers<T>(
  servers: readonly T[],
  configOf: (server: T) => NamedServer,
  compile: CompilePattern,
): ServerTable<T> {
  const byAddress = new Map<string, { address: Address; servers: T[]; defaultServer: T | null }>();
  for (const server of servers) {
    for (const { address, isDefault } of configOf(server).listen) {
      const key = keyOf(address);
      const known = byAddress.get(key) ?? { address, servers: [], defaultServer: null };
      byAddress.set(key, known);
      known.servers.push(server);
      if (isDefault) known.defaultServer ??= server;
    }
  }
  const sets = new Map<string, ServerSet<T>>();
  for (const [key, { address, servers: own, defaultServer }] of byAddress) {
    const match: ServerMatch<T> = { server: defaultServer ?? own[0]!, pattern: null };
    sets.set(key, compileSet(address, match, own, configOf, compile));
  }
  return {
    sets: [...sets.values()],
    onPort(localAddress, port) {
      for (const host of hostsFor(localAddress)) {
        const set = sets.get(keyOf({ kind: "tcp", host, port }));
        if (set) return set;
      }
      return null;
    },
    onPath: (path) => sets.get(keyOf({ kind: "unix", path })) ?? null,
  };
}

function compileSet<T>(
  address: Address,
  fallback: ServerMatch<T>,
  servers: readonly T[],
  configOf: (server: T) => NamedServer,
  compile: CompilePattern,
): ServerSet<T> {
  const names = new NameTable<ServerMatch<T>>();
  const patterns: { readonly pattern: CompiledPattern; readonly server: T }[] = [];
  for (const server of servers) {
    const match: ServerMatch<T> = { server, pattern: null };
    for (const name of configOf(server).names) {
      if (name.kind === "pattern") patterns.push({ pattern: compile(name), server });
      else names.add(name, match);
    }
  }
  return {
    address,
    defaultServer: fallback.server,
    findNameless: () => names.find(""),
    find(host) {
      const match = names.find(host);
      if (match || host === "") return match ?? fallback;
      for (const { pattern, server } of patterns) {
        const captures = pattern.regex.exec(host);
        if (captures) return { server, pattern: { captures, pattern, outer: null } };
      }
      return fallback;
    },
  };
}

/** The hosts under which servers for this local address may listen, the most specific first. */
function hostsFor(localAddress: string): readonly string[] {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(localAddress);
  const address = mapped?.[1] ?? localAddress;
  // A socket for all IPv6 addresses may be one for IPv4, too.
  return isIPv6(address) ? [address, "::", ""] : [address, "0.0.0.0", "", "::"];
}

function keyOf(address: Address): string {
  if (address.kind === "unix") return `unix:${address.path}`;
  return `${address.port} ${isIPv6(address.host) ? shortest(address.host) : address.host}`;
}

/** The one spelling of an IPv6 address, which sockets give, too. */
function shortest(address: string): string {
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}
