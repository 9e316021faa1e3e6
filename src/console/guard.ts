// Who may ask what, decided from the facts of a request and nothing else; server.ts collects the facts and acts.
// The console has three kinds of enemies: a page on the web that makes somebody's browser ask it (DNS rebinding, forged
// forms and fetches), somebody on the network who guesses a token, and a reader who would like to change something.
// 1. The Host must be one of ours: rebinding needs a name that an attacker controls.
// 2. What changes something is JSON from our own page, or from a program: a form of another site cannot send that type,
//    and a fetch of another site says where it comes from (Origin, Sec-Fetch-Site). A cookie alone proves nothing.
// 3. What is read below /api/ is not read by pages of other sites either, not even blindly: a stream holds a connection.
import { isIP } from "node:net";
import type { Address } from "../config/config.ts";

/** What a decision may rest on. */
export interface RequestFacts {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly fetchSite: string | undefined;
  readonly contentType: string | undefined;
  /** Of the connection to us. */
  readonly tls: boolean;
}

/** Where the console stands. */
export interface Place {
  readonly address: Address;
  /** Further names under which it may be asked (configuration: hosts). */
  readonly hosts: readonly string[];
}

export type Role = "admin" | "reader";

/** Who asks, and how that is known. */
export interface Caller {
  readonly role: Role;
  /** "admin" and "reader" for tokens, the name in a certificate, else the address. */
  readonly by: string;
  readonly proof: "token" | "session" | "certificate" | "none";
  /** Of the connection. */
  readonly client: string;
}

/** Why a request is not answered, with what to do about it. */
export interface Refusal {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly field?: string;
  readonly value?: string;
}

/**
 * Whether a request under this Host may be answered. Beyond loopback, where probes come by whatever address the machine
 * has, IP literals pass too: a rebinding page has a name. A request without Host is HTTP/1.0, which no browser sends.
 */
export function isOurHost(host: string | undefined, { address, hosts }: Place): boolean {
  if (host === undefined || address.kind === "unix") return true;
  const name = hostName(host).toLowerCase();
  if (name === "localhost" || name === "127.0.0.1" || name === "::1") return true;
  if (name === unbracket(address.host).toLowerCase() && name !== "") return true;
  if (isNamed(host, hosts)) return true;
  return !isLoopback(address) && isIP(name) !== 0;
}

function isNamed(host: string, hosts: readonly string[]): boolean {
  const name = hostName(host).toLowerCase();
  return name !== "" && hosts.some((known) => hostName(known).toLowerCase() === name);
}

/** Whether only this machine can connect. "" and names that may resolve to anything are not. */
export function isLoopback(address: Address): boolean {
  if (address.kind === "unix") return true;
  const host = unbracket(address.host).toLowerCase();
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

/** What stands against a request because of where it comes from; null = nothing. */
export function refuseOrigin(facts: RequestFacts, place: Place, proof: Caller["proof"]): Refusal | null {
  const changes = facts.method !== "GET" && facts.method !== "HEAD";
  if (!changes && !facts.path.startsWith("/api/")) return null;
  const { origin, fetchSite } = facts;
  if (fetchSite !== undefined && fetchSite !== "same-origin" && fetchSite !== "none") {
    return foreign("Sec-Fetch-Site", fetchSite);
  }
  if (origin !== undefined && !isOurOrigin(origin, facts, place)) return foreign("Origin", origin);
  if (!changes) return null;
  if (proof === "session" && origin === undefined && fetchSite !== "same-origin") {
    return {
      ...FOREIGN,
      field: "Origin",
      detail:
        "A request with a session's cookie says where it comes from (Origin). A program sends its token as Authorization: Bearer instead.",
    };
  }
  // Other methods than POST cannot be sent by a form, and by a fetch of another site only with our consent (CORS).
  return facts.method !== "POST" || isJson(facts.contentType) ? null : notJson(facts.contentType);
}

/** What stands against a caller's doing what `needed` may; null = nothing. */
export function refuseRole(caller: Caller | null, needed: Role): Refusal | null {
  if (caller === null) {
    return {
      status: 401,
      title: "A token is needed",
      detail:
        "A token is needed: Authorization: Bearer TOKEN (GOODGATE_CONSOLE_TOKEN, or GOODGATE_CONSOLE_READ_TOKEN to look only), or log in at /login.",
    };
  }
  if (needed === "reader" || caller.role === "admin") return null;
  return {
    status: 403,
    title: "Not allowed for readers",
    detail:
      "Who asks may look, not change. Log in with the token of GOODGATE_CONSOLE_TOKEN; with `read-only` nobody can change anything here.",
  };
}

const FOREIGN = { status: 403, title: "Not from the console's own page" } as const;

function foreign(field: string, value: string): Refusal {
  return {
    ...FOREIGN,
    field,
    value: value.slice(0, 200),
    detail: `${field} says that this comes from another site. Open the console under its own address; behind a proxy its host name goes into the configuration (console: hosts).`,
  };
}

/** Scheme, host and port as the Host field has them. Names of `hosts` may have TLS before us. */
function isOurOrigin(origin: string, { host, tls }: RequestFacts, place: Place): boolean {
  if (host === undefined) return false;
  const given = originOf(origin);
  if (given === null) return false;
  if (given === originOf(`${tls ? "https" : "http"}://${host}`)) return true;
  return !tls && isNamed(host, place.hosts) && given === originOf(`https://${host}`);
}

/** In its normal form; null = it is none ("null", a path behind it). */
function originOf(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const { origin, pathname, search, username } = new URL(text);
  return origin !== "null" && pathname === "/" && search === "" && username === "" ? origin : null;
}

function isJson(type: string | undefined): boolean {
  return /^application\/json(?:[ \t]*;[ \t]*charset=(?:utf-8|"utf-8"))?[ \t]*$/i.test(type ?? "");
}

function notJson(type: string | undefined): Refusal {
  return {
    status: 415,
    title: "JSON is needed",
    field: "Content-Type",
    value: (type ?? "").slice(0, 200),
    detail: "What changes something is sent as Content-Type: application/json, with {} where there is nothing to say.",
  };
}

function hostName(host: string): string {
  const port = /:\d*$/.exec(host);
  return unbracket(port ? host.slice(0, port.index) : host);
}

/** An IPv6 address without its brackets. */
export function unbracket(host: string): string {
  return host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
}
