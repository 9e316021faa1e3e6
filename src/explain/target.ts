// The upstream of a text, taken apart, for commands that a reader copies: what was pasted may be hostile, so only names,
// addresses and paths of harmless letters come through; anything else becomes a placeholder in capitals.
import type { Facts } from "./explanation.ts";

export interface Target {
  readonly scheme: "http" | "https" | null;
  /** Name or address; "UPSTREAM" where it is not known. */
  readonly host: string;
  /** "PORT" where it is not known. */
  readonly port: string;
  /** Path of a Unix socket, or null. */
  readonly socket: string | null;
  /** host:port, "[::1]:80"; "unix:/run/app.sock". */
  readonly address: string;
  /** Address of a request to it: "http://10.0.0.7:3000/". */
  readonly url: string;
  /** The name that the visitor asked for, or null. */
  readonly site: string | null;
  /** Path of the request, harmless within single quotes. */
  readonly path: string;
  readonly known: boolean;
}

const HOST = /^(?:\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9])?)$/;
const SOCKET = /^\/[\w./@+-]{1,200}$/;
const PATH = /^\/[\w./@%+~,:=-]{0,200}$/;

/** Takes apart "http://10.0.0.7:3000/cart", "10.0.0.7:3000", "fastcgi://unix:/run/php.sock:", "[::1]:80". */
export function targetOf(facts: Facts): Target {
  const given = (facts.upstream ?? "").trim();
  const scheme = /^https:/i.test(given) ? "https" : /^http:/i.test(given) ? "http" : null;
  const rest = given.replace(/^[a-z0-9+.-]+:\/\//i, "");
  const site = facts.host && HOST.test(facts.host.replace(/:\d+$/, "")) ? facts.host.replace(/:\d+$/, "") : null;
  const path = facts.path && PATH.test(facts.path.split("?", 1)[0]!) ? facts.path.split("?", 1)[0]! : "/";
  const socket = /^unix:\s*([^\s:]+)/i.exec(rest)?.[1] ?? (rest.startsWith("/") ? rest.split(":", 1)[0]! : null);
  if (socket !== null) {
    const safe = SOCKET.test(socket) ? socket : "/PATH/TO.sock";
    const address = `unix:${safe}`;
    return {
      scheme,
      host: "localhost",
      port: "",
      socket: safe,
      address,
      url: "http://localhost/",
      site,
      path,
      known: true,
    };
  }
  const [, rawHost = "", rawPort = ""] = /^(\[[^\]]*\]|[^:/\s]+)(?::(\d{1,5}))?/.exec(rest) ?? [];
  const known = HOST.test(rawHost);
  const host = known ? rawHost : "UPSTREAM";
  const port = rawPort !== "" ? rawPort : known && scheme ? (scheme === "https" ? "443" : "80") : "PORT";
  const url = `${scheme ?? "http"}://${host}:${port}${path}`;
  return { scheme, host, port, socket: null, address: `${host}:${port}`, url, site, path, known };
}
