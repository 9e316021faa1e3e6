// The request target (RFC 9112 §3.2) and the one form of its path that is both routed on and forwarded: a path that
// two readers can understand in two ways is how routes and their access rules are passed by. What differs only in
// spelling becomes the same (RFC 3986 §6.2.2); what changes the meaning ("%2F", "//", case) stays as it is.

import { isAuthority } from "./authority.ts";
import { BYTE_CLASS, HEX_VALUE, UNRESERVED } from "./bytes.ts";

/** A target taken apart. `host` is "" where the target names none. */
export interface Target {
  readonly form: "origin" | "absolute" | "asterisk" | "authority";
  readonly host: string;
  readonly path: string;
  readonly query: string;
}

/** Takes a target apart that does not begin with "/"; returns what is wrong with it where it is none. */
export function readTarget(target: string, method: string): Target | string {
  if (method === "CONNECT") {
    if (!isAuthority(target, 0, target.length)) return "CONNECT takes host:port";
    return { form: "authority", host: target, path: "/", query: "" };
  }
  if (target === "*") {
    return method === "OPTIONS" ? ASTERISK : `"*" is a target for OPTIONS only`;
  }
  const scheme = target.slice(0, 8).toLowerCase();
  const from = scheme === "https://" ? 8 : scheme.startsWith("http://") ? 7 : 0;
  if (from === 0) return "neither a path nor an http(s) URI";
  const query = queryStart(target);
  const slash = target.indexOf("/", from);
  const to = slash < 0 || slash > query ? query : slash;
  // A userinfo ("user@host") is no authority here, as RFC 9110 §4.2.4 asks.
  if (!isAuthority(target, from, to)) return "no valid host in the URI";
  const host = target.slice(from, to);
  // RFC 9112 §3.2.4: OPTIONS for a URI without path and query is OPTIONS * for its host.
  if (to === target.length && method === "OPTIONS") return { ...ASTERISK, host };
  const path = normalisePath(target.slice(to, query) || "/");
  if (path === null) return INVALID_PATH;
  return { form: "absolute", host, path, query: target.slice(query) };
}

const ASTERISK: Target = { form: "asterisk", host: "", path: "/", query: "" };

/** What a null from normalisePath means. */
export const INVALID_PATH = "an invalid percent-encoding in the path";

function queryStart(target: string): number {
  const at = target.indexOf("?");
  return at < 0 ? target.length : at;
}

/**
 * The normal form of a path that begins with "/": unreserved characters decoded, other triplets in upper case, dot
 * segments removed (never above the root). Null where a triplet is malformed or stands for NUL.
 */
export function normalisePath(path: string): string | null {
  const decoded = path.includes("%") ? normaliseTriplets(path) : path;
  return decoded?.includes("/.") ? removeDotSegments(decoded) : decoded;
}

function normaliseTriplets(path: string): string | null {
  let out = "";
  let from = 0;
  for (let i = path.indexOf("%"); i >= 0; i = path.indexOf("%", from)) {
    const high = HEX_VALUE[path.charCodeAt(i + 1)] ?? 255;
    const low = HEX_VALUE[path.charCodeAt(i + 2)] ?? 255;
    const byte = high * 16 + low;
    if (high > 15 || low > 15 || byte === 0) return null;
    out += path.slice(from, i);
    out += (BYTE_CLASS[byte]! & UNRESERVED) !== 0 ? String.fromCharCode(byte) : path.slice(i, i + 3).toUpperCase();
    from = i + 3;
  }
  return out + path.slice(from);
}

/** RFC 3986 §5.2.4, for a path that begins with "/". */
function removeDotSegments(path: string): string {
  const kept: string[] = [];
  const segments = path.split("/");
  for (let i = 1; i < segments.length; i++) {
    const segment = segments[i]!;
    const dots = segment === "." || segment === "..";
    if (segment === "..") kept.pop();
    if (!dots) kept.push(segment);
    else if (i === segments.length - 1) kept.push("");
  }
  return `/${kept.join("/")}`;
}
