// Addresses as people write them: where we listen (":8080", "[::1]:80", "unix:/run/g.sock") and where endpoints are
// ("10.0.0.1:3000", "https://app.internal", "unix:/run/app.sock"). Nothing is resolved here.
import { isIP, isIPv6 } from "node:net";
import type { Address, Problem } from "./config.ts";

/** An endpoint as it was written: its scheme says whether TLS is wanted, its path is for those who take one. */
export interface EndpointText {
  readonly address: Address;
  /** null = none was written. */
  readonly scheme: "http" | "https" | null;
  /** "" = none. */
  readonly path: string;
}

/** Whether a parser gave a problem instead of a value. */
export function isProblem(value: object): value is Problem {
  return "severity" in value && "message" in value;
}

export function errorOf(message: string, hint?: string): Problem {
  return hint === undefined ? { severity: "error", message } : { severity: "error", message, hint };
}

/** An address to listen on: "host:port", ":port", "port", "[v6]:port" or "unix:/path". Port 0 = any free one. */
export function parseAddress(text: string): Address | Problem {
  if (text.startsWith("unix:")) return unixAddress(text);
  if (/^\d+$/.test(text)) return portProblem(text, 0) ?? { kind: "tcp", host: "", port: Number(text) };
  const split = splitHostPort(text);
  if (isProblem(split)) return split;
  if (split.port === null) {
    return errorOf(`the address "${text}" has no port`, `write host:port, such as "${text}:8080", or ":8080"`);
  }
  const port = portProblem(split.port, 0);
  if (port) return port;
  return { kind: "tcp", host: split.host === "*" ? "" : split.host, port: Number(split.port) };
}

/** The address as parseAddress reads it. */
export function formatAddress(address: Address): string {
  if (address.kind === "unix") return `unix:${address.path}`;
  return `${isIPv6(address.host) ? `[${address.host}]` : address.host}:${address.port}`;
}

/** Reads an endpoint; the port is the scheme's where none is written. */
export function parseEndpoint(text: string): EndpointText | Problem {
  if (text.startsWith("unix:")) {
    const address = unixAddress(text);
    return isProblem(address) ? address : { address, scheme: null, path: "" };
  }
  const match = /^(?:([a-z][a-z0-9+.-]*):\/\/)?([^/?#]*)(.*)$/i.exec(text);
  const scheme = match?.[1]?.toLowerCase() ?? null;
  if (scheme !== null && scheme !== "http" && scheme !== "https") {
    return errorOf(
      `the scheme "${scheme}" is not supported`,
      'write "host:port", "http://…", "https://…" or "unix:/path"',
    );
  }
  const [authority, path] = [match?.[2] ?? "", match?.[3] ?? ""];
  if (authority.includes("@"))
    return errorOf("an endpoint takes no user name or password", "set an Authorization field in the route");
  const split = splitHostPort(authority);
  if (isProblem(split)) return split;
  if (split.host === "") return errorOf(`the endpoint "${text}" has no host`, `write "127.0.0.1${authority}"`);
  const port = split.port ?? (scheme === "https" ? "443" : "80");
  const wrong = portProblem(port, 1);
  if (wrong) return wrong;
  if (/[?#\s]/.test(path)) return errorOf(`the endpoint "${text}" has more than an address`, 'write "host:port"');
  return { address: { kind: "tcp", host: split.host, port: Number(port) }, scheme, path };
}

/** A CIDR block or a single address, in the form "network/bits"; undefined = neither. */
export function parseCidr(text: string): string | undefined {
  const [network = "", bits, ...rest] = text.split("/");
  const widest = { 0: 0, 4: 32, 6: 128 }[isIP(network)] ?? 0;
  if (widest === 0 || rest.length > 0 || network.includes("%")) return undefined;
  if (bits === undefined) return `${network}/${widest}`;
  return /^\d{1,3}$/.test(bits) && Number(bits) <= widest ? text : undefined;
}

function unixAddress(text: string): Address | Problem {
  const path = text.slice("unix:".length).replace(/^\/\/(?=\/)/, "");
  // struct sockaddr_un holds 108 bytes with the NUL; longer paths are cut without a word by some systems.
  if (!path.startsWith("/")) return errorOf(`"${text}" has no absolute path`, 'write "unix:/run/app.sock"');
  if (Buffer.byteLength(path) > 107) return errorOf("the path of a Unix socket has at most 107 bytes");
  return { kind: "unix", path };
}

function splitHostPort(text: string): { host: string; port: string | null } | Problem {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  if (bracketed) {
    const host = bracketed[1]!;
    if (!isIPv6(host)) return errorOf(`"${host}" is not an IPv6 address`);
    return { host, port: bracketed[2] ?? null };
  }
  if (isIPv6(text)) return errorOf(`an IPv6 address stands in brackets`, `write "[${text}]:8080"`);
  const colon = text.indexOf(":");
  const host = colon < 0 ? text : text.slice(0, colon);
  if (host !== "" && host !== "*" && !isHostName(host)) return errorOf(`"${host}" is not a host name or an address`);
  return { host, port: colon < 0 ? null : text.slice(colon + 1) };
}

/** A host name as DNS and certificates allow it (underscores too: container names have them), or an IPv4 address. */
export function isHostName(text: string): boolean {
  if (/^[\d.]+$/.test(text)) return isIP(text) === 4;
  return text.length <= 253 && /^[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_][a-z0-9_-]{0,62})*\.?$/i.test(text);
}

function portProblem(text: string, min: number): Problem | null {
  if (/^\d{1,5}$/.test(text) && Number(text) >= min && Number(text) <= 65_535) return null;
  return errorOf(
    text === "" ? "the port is missing" : `"${text}" is not a port`,
    `a port is a number from ${min} to 65535`,
  );
}

/** Whether two listeners cannot have these addresses at once. */
export function overlaps(a: Address, b: Address): boolean {
  if (a.kind === "unix" || b.kind === "unix") return a.kind === "unix" && b.kind === "unix" && a.path === b.path;
  const any = (host: string) => host === "" || host === "0.0.0.0" || host === "::";
  return a.port !== 0 && a.port === b.port && (a.host === b.host || any(a.host) || any(b.host));
}
