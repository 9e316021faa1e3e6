// Addresses of upstreams as nginx reads them: "host", "host:port", "[v6]:port", "unix:/path", and behind them, in
// proxy_pass, a URI ("unix:/path:/uri"). Nothing is resolved here. What nginx refuses is told in its words.
import { isIPv4, isIPv6 } from "node:net";
import type { Address } from "../../config/config.ts";
import { parseNumber } from "../units.ts";

/** An address of an upstream. */
export interface UpstreamUrl {
  /** As written, without the URI. */
  readonly text: string;
  /** With brackets where it is IPv6; the path of a Unix socket. */
  readonly host: string;
  /** As written; "" = none is. */
  readonly portText: string;
  readonly address: Address;
  /** It is a name, which may be that of an upstream block, or has to be resolved. */
  readonly isName: boolean;
  /** "" = none. */
  readonly uri: string;
}

/** Reads an address; a text = why nginx refuses it. */
export function parseUpstreamUrl(text: string, defaultPort: number, withUri: boolean): UpstreamUrl | string {
  if (text.slice(0, 5).toLowerCase() === "unix:") return parseUnix(text, withUri);
  return text.startsWith("[") ? parseIPv6(text, defaultPort, withUri) : parseHost(text, defaultPort, withUri);
}

function parseUnix(text: string, withUri: boolean): UpstreamUrl | string {
  const rest = text.slice(5);
  const colon = withUri ? rest.indexOf(":") : -1;
  const path = colon === -1 ? rest : rest.slice(0, colon);
  if (path === "") return "no path in the unix domain socket";
  if (path.length + 1 > UNIX_PATH_MAX) return "too long path in the unix domain socket";
  return {
    text: `unix:${path}`,
    host: path,
    portText: "",
    address: { kind: "unix", path },
    isName: false,
    uri: colon === -1 ? "" : rest.slice(colon + 1),
  };
}

/** sizeof(sun_path). */
const UNIX_PATH_MAX = 108;

function parseIPv6(text: string, defaultPort: number, withUri: boolean): UpstreamUrl | string {
  const end = text.indexOf("]");
  if (end === -1) return "invalid host";
  const slash = text.indexOf("/", end);
  if (slash !== -1 && !withUri) return "invalid host";
  const authority = slash === -1 ? text : text.slice(0, slash);
  const after = authority.slice(end + 1);
  if (after !== "" && !after.startsWith(":")) return "invalid host";
  const port = after === "" ? defaultPort : portOf(after.slice(1));
  if (port === undefined) return "invalid port";
  const host = text.slice(1, end);
  if (host === "") return "no host";
  if (!isIPv6(host) || host.includes("%")) return "invalid IPv6 address";
  return {
    text: authority,
    host: `[${host}]`,
    portText: after.slice(1),
    address: { kind: "tcp", host, port },
    isName: false,
    uri: text.slice(authority.length),
  };
}

function parseHost(text: string, defaultPort: number, withUri: boolean): UpstreamUrl | string {
  const end = text.search(/[/?]/);
  if (end !== -1 && !withUri) return "invalid host";
  const authority = end === -1 ? text : text.slice(0, end);
  const colon = authority.indexOf(":");
  const port = colon === -1 ? defaultPort : portOf(authority.slice(colon + 1));
  if (port === undefined) return "invalid port";
  const host = colon === -1 ? authority : authority.slice(0, colon);
  if (host === "") return "no host";
  return {
    text: authority,
    host,
    portText: colon === -1 ? "" : authority.slice(colon + 1),
    address: { kind: "tcp", host, port },
    isName: !isIPv4(host),
    uri: text.slice(authority.length),
  };
}

function portOf(text: string): number | undefined {
  const port = parseNumber(text);
  return port !== undefined && port >= 1 && port <= 65_535 ? port : undefined;
}
