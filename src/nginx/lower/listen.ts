// `listen` in all its forms: a port, an address, a name, a range of ports, a Unix socket, and the parameters. The
// same address may stand in many servers: the first of them is its default server unless one says default_server.
// nginx opens one socket for an address, and none for an address whose port is open on all addresses already.
import { isIPv6 } from "node:net";
import type { Address, ListenerConfig } from "../../config/config.ts";
import type { ServerListen } from "../../config/servers.ts";
import { covers } from "../../config/standards.ts";
import type { Arg, Directive } from "../tree.ts";
import { parseNumber, parseSeconds, parseSize } from "../units.ts";
import type { Lowering } from "./lowering.ts";
import { argOf, type Scope } from "./scope.ts";

/** An address and what `listen` directives have said of it. */
export interface Listening {
  /** As nginx says it in messages: "0.0.0.0:80", "[::]:80", "unix:/a". */
  readonly text: string;
  readonly address: Address;
  ssl: boolean;
  proxyProtocol: boolean;
  /** The server that said default_server. */
  chosen: Scope | null;
  /** All that listen here, in order. */
  readonly servers: Scope[];
  /** Options that may be said once. */
  socket: SocketOptions | null;
}

interface SocketOptions {
  readonly backlog?: number;
  readonly ipv6Only?: boolean;
  readonly probesAfterMs?: number;
}

interface Parameters {
  readonly isDefault: boolean;
  readonly ssl: boolean;
  readonly proxyProtocol: boolean;
  readonly socket: SocketOptions | null;
}

/** Reads the `listen` directives of a server; the addresses get into `lowering.listening`. */
export function readListen(server: Scope, { listening }: Lowering): void {
  const directives = server.own("listen");
  if (directives.length === 0) add(server, null, PLAIN, { kind: "tcp", host: "0.0.0.0", port: 80 }, listening);
  for (const directive of directives) {
    const addresses = addressesOf(argOf(directive));
    if (typeof addresses === "string") {
      const text = `${addresses} in "${argOf(directive)}" of the "listen" directive`;
      server.problems.complain(directive, text, directive.args[0]);
      continue;
    }
    const parameters = parametersOf(server, directive);
    for (const address of addresses) add(server, directive, parameters, address, listening);
  }
}

const PLAIN: Parameters = { isDefault: false, ssl: false, proxyProtocol: false, socket: null };

function add(
  server: Scope,
  directive: Directive | null,
  { isDefault, ssl, proxyProtocol, socket }: Parameters,
  address: Address,
  listening: Map<string, Listening>,
): void {
  const text = addressText(address);
  const known = listening.get(text);
  if (!known) {
    const chosen = isDefault ? server : null;
    listening.set(text, { text, address, ssl, proxyProtocol, chosen, servers: [server], socket });
    return;
  }
  const complain = (message: string) => directive && server.problems.complain(directive, message);
  if (known.servers.includes(server)) complain(`a duplicate listen ${text}`);
  else known.servers.push(server);
  if (socket && known.socket) complain(`duplicate listen options for ${text}`);
  known.socket ??= socket;
  if (isDefault && known.chosen) complain(`a duplicate default server for ${text}`);
  if (isDefault) known.chosen ??= server;
  known.ssl ||= ssl;
  known.proxyProtocol ||= proxyProtocol;
}

/** Where a server listens. */
export function listenOf(server: Scope, { listening }: Lowering): ServerListen[] {
  return [...listening.values()]
    .filter(({ servers }) => servers.includes(server))
    .map(({ address, chosen, servers }) => ({ address, isDefault: (chosen ?? servers[0]) === server }));
}

/** All addresses, in order. */
export function listenersOf({ listening }: Lowering): ListenerConfig[] {
  const all = [...listening.values()];
  return all.map(({ address, ssl, proxyProtocol, socket }) => ({
    address,
    tls: null,
    ...(ssl ? { serversTls: true } : {}),
    ...(proxyProtocol ? { proxyProtocol: true } : {}),
    ...(socket === null && all.some((other) => covers(other.address, address)) ? { viaWildcard: true } : {}),
    ...(socket ?? {}),
  }));
}

/** As nginx writes it. */
function addressText(address: Address): string {
  if (address.kind === "unix") return `unix:${address.path}`;
  return `${isIPv6(address.host) ? `[${address.host}]` : address.host}:${address.port}`;
}

/** Addresses of "80", "*:80", "127.0.0.1", "[::1]:80", "localhost:8000-8010", "unix:/a"; a text = what nginx says. */
export function addressesOf(text: string): Address[] | string {
  if (/^unix:/i.test(text)) {
    const path = text.slice(5);
    if (path === "") return "no path in the unix domain socket";
    return path.length > 107 ? "too long path in the unix domain socket" : [{ kind: "unix", path }];
  }
  if (text.startsWith("[")) return v6AddressesOf(text);
  if (/[/?]/.test(text)) return "invalid host";
  const ports = /^(\d+)(?:-(\d+))?$/.exec(text);
  if (ports) return portsOf(text, "0.0.0.0");
  const colon = text.indexOf(":");
  const host = colon === -1 ? text : text.slice(0, colon);
  if (host === "") return "no host";
  const address = host === "*" ? "0.0.0.0" : host === "localhost" ? "127.0.0.1" : host;
  if (!/^[\w.-]+$/.test(address)) return "host not found";
  return colon === -1 ? [{ kind: "tcp", host: address, port: 80 }] : portsOf(text.slice(colon + 1), address);
}

function v6AddressesOf(text: string): Address[] | string {
  const match = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  if (!match) return "invalid host";
  const host = match[1]!;
  if (host === "") return "no host";
  if (!isIPv6(host)) return "invalid IPv6 address";
  const canonical = canonicalV6(host);
  return match[2] === undefined ? [{ kind: "tcp", host: canonical, port: 80 }] : portsOf(match[2], canonical);
}

/** "::" and "0:0::0" are one address. */
function canonicalV6(host: string): string {
  return new URL(`http://[${host}]/`).hostname.slice(1, -1);
}

function portsOf(text: string, host: string): Address[] | string {
  const [first = "", last] = text.split("-", 2);
  const [from, to] = [portOf(first), last === undefined ? portOf(first) : portOf(last)];
  if (from === undefined || to === undefined) return "invalid port";
  if (from > to) return "invalid port range";
  return Array.from({ length: to - from + 1 }, (_, index) => ({ kind: "tcp", host, port: from + index }));
}

function portOf(text: string): number | undefined {
  const port = parseNumber(text);
  return port === undefined || port < 1 || port > 65_535 ? undefined : port;
}

function parametersOf(server: Scope, directive: Directive): Parameters {
  let result: Parameters = PLAIN;
  for (const arg of directive.args.slice(1)) {
    const { value } = arg;
    if (value === "default_server" || value === "default") result = { ...result, isDefault: true };
    else if (value === "ssl") result = { ...result, ssl: true };
    else if (value === "proxy_protocol") result = { ...result, proxyProtocol: true };
    else if (value === "http2") server.problems.complain(directive, HTTP2, arg, { severity: "warning" });
    else if (value === "quic") {
      const facts = { kind: "scope", saidByNginx: false } as const;
      server.problems.complain(directive, '"quic" is not supported: HTTP/3 is not served', arg, facts);
    } else {
      const socket = socketOption(server, directive, arg);
      if (socket) result = { ...result, socket: { ...result.socket, ...socket } };
    }
  }
  return result;
}

const HTTP2 = 'the "listen ... http2" directive is deprecated, use the "http2" directive instead';

/** An option of the socket; {} where it makes no difference here, null where it is wrong. */
function socketOption({ problems }: Scope, directive: Directive, arg: Arg): SocketOptions | null {
  const { value } = arg;
  if (["bind", "deferred", "reuseport", "multipath"].includes(value)) return {};
  const [name, given] = splitAt(value);
  const wrong = (text: string): null => {
    problems.complain(directive, text, arg);
    return null;
  };
  switch (name) {
    case "setfib":
      break;
    case "fastopen":
      return parseNumber(given) === undefined ? wrong(`invalid ${name} "${value}"`) : {};
    case "backlog": {
      const backlog = parseNumber(given.replace(/^-(?=1$)/, ""));
      return backlog ? { backlog } : wrong(`invalid backlog "${value}"`);
    }
    case "rcvbuf":
    case "sndbuf":
      return parseSize(given) === undefined ? wrong(`invalid ${name} "${value}"`) : {};
    case "accept_filter":
      return {};
    case "ipv6only":
      if (given !== "on" && given !== "off") break;
      return { ipv6Only: given === "on" };
    case "so_keepalive":
      return isKeepalive(given) ? probesOf(given) : wrong(`invalid so_keepalive value: "${given}"`);
  }
  return wrong(
    name === "ipv6only" && given.startsWith("o") ? `invalid ipv6only flags "${given}"` : `invalid parameter "${value}"`,
  );
}

/** Of "idle:interval:count" Node lets the first be set. */
function probesOf(given: string): SocketOptions {
  if (given === "off") return {};
  return { probesAfterMs: given === "on" ? 0 : (parseSeconds(given.split(":")[0] || "0") ?? 0) * 1000 };
}

function splitAt(value: string): [name: string, given: string] {
  const at = value.indexOf("=");
  return at === -1 ? [value, ""] : [value.slice(0, at), value.slice(at + 1)];
}

/** "on", "off", or "idle:interval:count", of which one is given. */
function isKeepalive(text: string): boolean {
  if (text === "on" || text === "off") return true;
  const [idle = "", interval = "", count = "", ...more] = text.split(":");
  const times = [idle, interval].map((each) => (each === "" ? 0 : parseSeconds(each)));
  const probes = count === "" ? 0 : parseNumber(count);
  return more.length === 0 && [...times, probes].every((each) => each !== undefined) && /[1-9]/.test(text);
}
