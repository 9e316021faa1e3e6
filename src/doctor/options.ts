// What doctor is asked, read from the words of the command line into values; each mistake is a problem with the next
// step, and what is usable goes on.
import { isIP } from "node:net";
import type { InputProblem, Spot } from "./evidence.ts";

/** An address to ask, in full. */
export interface AskedUrl {
  /** As it is shown: without credentials and fragment. */
  readonly href: string;
  readonly scheme: "http" | "https";
  /** Without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** Path and query. */
  readonly path: string;
}

/** --origin: where the origin is, and how it is spoken to; null = it is found out. */
export interface AskedOrigin {
  readonly text: string;
  readonly scheme: "http" | "https" | null;
  readonly spot: Spot;
}

export interface DoctorOptions {
  readonly url: AskedUrl | null;
  readonly origins: readonly AskedOrigin[];
  readonly configs: readonly string[];
  readonly logs: readonly string[];
  /** Host field and SNI instead of the URL's. */
  readonly host: string | null;
  readonly resolver: string | null;
  /** Certificate authorities, PEM. */
  readonly ca: readonly string[];
  readonly requestsMax: number;
  readonly timeoutMs: number;
  readonly upgrade: boolean;
  /** Whether redirects are followed to other hosts and ports; absent = they are. */
  readonly redirects?: boolean;
  /** Whether this is the gateway's machine; null = it is found out. */
  readonly local: boolean | null;
  readonly chain: string | null;
  readonly whatIf: readonly string[];
  readonly problems: readonly InputProblem[];
}

const DEFAULT_PORT = { http: 80, https: 443 } as const;

/** Reads an address as people type it: with or without a scheme. */
export function readUrl(text: string): AskedUrl | InputProblem {
  const problem = (said: string, next: string): InputProblem => ({ input: text, place: null, text: said, next });
  const example = "Write it as a browser shows it: goodgate doctor https://shop.example.com/cart";
  if (text.trim() === "") return problem("The address is empty.", example);
  const schemeOf = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (schemeOf !== undefined && schemeOf !== "http" && schemeOf !== "https")
    return problem(`doctor asks http and https, not ${schemeOf}.`, example);
  let url: URL;
  try {
    url = new URL(schemeOf === undefined ? `${guessScheme(text)}://${text}` : text);
  } catch {
    return problem(`"${text}" is not an address: ${whyNoUrl(text)}.`, example);
  }
  if (url.username !== "" || url.password !== "")
    return problem(
      "doctor sends no credentials, so the address must not have a user name or a password.",
      `Leave out what stands before the @: ${url.protocol}//${url.host}${url.pathname}`,
    );
  const scheme = url.protocol === "https:" ? "https" : "http";
  const port = url.port === "" ? DEFAULT_PORT[scheme] : Number(url.port);
  if (port === 0) return problem("Port 0 is no port to connect to.", example);
  const path = url.pathname + url.search;
  const hostname = url.hostname.replace(/^\[|\]$/g, "");
  return { href: `${url.protocol}//${url.host}${path}`, scheme, hostname, port, path };
}

/** Without a scheme: what a browser would take, but plain HTTP for a machine's own and for usual plain ports. */
function guessScheme(text: string): "http" | "https" {
  const authority = text.split(/[/?#]/, 1)[0]!;
  const port = /:(\d+)$/.exec(authority)?.[1];
  if (port !== undefined) return /443$/.test(port) ? "https" : "http";
  return /^(?:localhost|127\.[\d.]+|\[::1\])$/i.test(authority) ? "http" : "https";
}

function whyNoUrl(text: string): string {
  const authority = text.replace(/^[a-z][a-z0-9+.-]*:\/\//i, "").split(/[/?#]/, 1)[0]!;
  if (/\s/.test(text)) return "it has a blank in it";
  if (authority === "") return "it names no host";
  const port = /:(\d+)$/.exec(authority)?.[1];
  if (port !== undefined && Number(port) > 65_535) return `${port} is no port (1 to 65535)`;
  if (/:[^\d\]]/.test(authority)) return "what follows the host's colon is no port";
  return "its host is no name and no address";
}

/** Reads HOST, HOST:PORT, http(s)://HOST:PORT or unix:/path. */
export function readOrigin(text: string, url: AskedUrl | null): AskedOrigin | InputProblem {
  const input = `--origin ${text}`;
  const next = "Name the origin as HOST, HOST:PORT, https://HOST:PORT or unix:/path/to.sock.";
  if (text.startsWith("unix:")) {
    const path = text.slice("unix:".length);
    if (!path.startsWith("/") || path.includes("\0"))
      return { input, place: null, text: "The socket's path must be absolute.", next };
    return { text, scheme: "http", spot: { kind: "unix", path } };
  }
  const said = /^(https?):\/\/(.*)$/i.exec(text);
  const scheme = said ? (said[1]!.toLowerCase() as "http" | "https") : null;
  const authority = (said ? said[2]! : text).replace(/\/$/, "");
  const bare = isIP(authority) === 6 ? `[${authority}]` : authority;
  const parts = /^(\[[0-9a-f:.]+\]|[^\s:/?#@[\]]+)(?::(\d{1,5}))?$/i.exec(bare);
  if (!parts) return { input, place: null, text: `"${text}" is not an address.`, next };
  const host = parts[1]!.replace(/^\[|\]$/g, "");
  const port = parts[2] === undefined ? DEFAULT_PORT[scheme ?? url?.scheme ?? "http"] : Number(parts[2]);
  if (port < 1 || port > 65_535) return { input, place: null, text: `${port} is no port (1 to 65535).`, next };
  return {
    text,
    scheme: parts[2] === undefined ? (scheme ?? url?.scheme ?? null) : scheme,
    spot: { kind: "tcp", host, port },
  };
}

/** Host field of an address: with the port where it is not the scheme's own. */
export function hostField(hostname: string, port: number, scheme: "http" | "https"): string {
  const host = isIP(hostname) === 6 ? `[${hostname}]` : hostname;
  return port === DEFAULT_PORT[scheme] ? host : `${host}:${port}`;
}

/** The name for SNI: RFC 6066 §3 knows no addresses; null = none. */
export function serverNameOf(host: string): string | null {
  const name = host.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
  return isIP(name) === 0 && name !== "" ? name.toLowerCase() : null;
}

/** "10.0.0.1:80", "[::1]:80", "unix:/run/app.sock". */
export function spotText(spot: Spot): string {
  if (spot.kind === "unix") return `unix:${spot.path}`;
  return isIP(spot.host) === 6 ? `[${spot.host}]:${spot.port}` : `${spot.host}:${spot.port}`;
}

/** Whether two addresses are the same for whoever connects: localhost is 127.0.0.1 as well as ::1. */
export function sameSpot(a: Spot, b: Spot): boolean {
  if (a.kind === "unix" || b.kind === "unix") return a.kind === b.kind && spotText(a) === spotText(b);
  if (a.port !== b.port) return false;
  const own = (host: string): string => (/^(?:localhost|127\.0\.0\.1|::1|0\.0\.0\.0|::)$/i.test(host) ? "here" : host);
  return own(a.host.toLowerCase()) === own(b.host.toLowerCase());
}
