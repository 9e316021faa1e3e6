// Which addresses are this machine's, and whether a listener takes connections to an address. Names are not looked up:
// only localhost, the machine's own name and the hosts file count, so that nothing is asked of a network.
import { hostname, networkInterfaces } from "node:os";
import { type AddressWords, formatIp, isMapped, readIp } from "../../wire/ip-address.ts";
import type { SsLine, TcpListener } from "./socket-tables.ts";

const words: AddressWords = new Uint32Array(4);

/** The address in one form, IPv4 in IPv6 as IPv4; null = no address. */
export function plainAddress(text: string): string | null {
  const bare = text.replace(/^\[|\]$/g, "").replace(/%[\w.-]{1,40}$/, "");
  const family = readIp(bare, 0, bare.length, words);
  if (family === 0) return null;
  return formatIp(words, family === 6 && !isMapped(words) ? 6 : 4);
}

/** Every address of this machine's interfaces. */
export function ownAddresses(): ReadonlySet<string> {
  const own = new Set<string>();
  for (const list of Object.values(networkInterfaces()))
    for (const { address } of list ?? []) {
      const plain = plainAddress(address);
      if (plain !== null) own.add(plain);
    }
  return own;
}

export const isLoopback = (address: string): boolean => /^127\./.test(address) || address === "::1";
export const isAny = (host: string): boolean => host === "0.0.0.0" || host === "::";

/** The addresses that a host of a configuration means on this machine; null = it is none of this machine. */
export function addressesHere(host: string, own: ReadonlySet<string>, hosts: string): readonly string[] | null {
  if (host === "" || host === "*") return ["0.0.0.0", "::"];
  const plain = plainAddress(host);
  if (plain !== null) return isAny(plain) || isLoopback(plain) || own.has(plain) ? [plain] : null;
  const name = host.toLowerCase().replace(/\.$/, "");
  const here = fromHosts(name, hosts).filter((address) => isLoopback(address) || own.has(address));
  if (here.length > 0) return here;
  if (name === "localhost" || name.endsWith(".localhost")) return ["127.0.0.1", "::1"];
  return name === hostname().toLowerCase() && own.size > 0 ? [...own] : null;
}

const HOSTS_LINES_MAX = 10_000;

/** What the hosts file says of a name. */
function fromHosts(name: string, hosts: string): string[] {
  const found: string[] = [];
  for (const line of hosts.split("\n", HOSTS_LINES_MAX)) {
    const [address = "", ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    const plain = names.some((each) => each.toLowerCase() === name) ? plainAddress(address) : null;
    if (plain !== null) found.push(plain);
  }
  return found;
}

/** Whether a listener takes connections to an address; `line` is what ss says of it. */
export function takes(listener: TcpListener, address: string, line: SsLine | undefined): boolean {
  const family = address.includes(":") ? 6 : 4;
  const mapped = plainAddress(listener.host) ?? listener.host;
  if (mapped === address) return true;
  // To every address: the kernel sends such a connection to the machine itself.
  if (isAny(address)) return isAny(listener.host) || isLoopback(listener.host);
  if (!isAny(listener.host)) return false;
  if (listener.family === family) return true;
  return listener.family === 6 && line?.v6only !== true;
}

/** "127.0.0.1:3000", "[::]:3000". */
export const addressText = (host: string, port: number): string => `${host.includes(":") ? `[${host}]` : host}:${port}`;
