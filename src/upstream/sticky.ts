// Binding a request to a server before the balancer is asked, as nginx's `sticky` does. Pure:
//   cookie   a cookie names the server's route; every answer sets it anew, by the server that gave it
//   route    the first of some values that is not empty names it
//   learn    a session, known from a response (`create`), is looked up in requests (sticky-sessions.ts)
// A server's route is what the configuration calls it, else the MD5 of its address: nothing secret, and the same in
// nginx, so that cookies outlive the change from one to the other. A bound server that cannot be used binds nobody.
import { createHash } from "node:crypto";
import type { StickyConfig } from "../config/config.ts";
import type { Ms } from "../std/units.ts";
import type { StickySessions } from "./sticky-sessions.ts";

/** What cookies and routes call a server. */
export function routeOf(configured: string, address: string): string {
  return configured !== "" ? configured : createHash("md5").update(address, "latin1").digest("hex");
}

/** The first value that is not empty; "" = there is none. */
export function firstValue(values: readonly string[]): string {
  return values.find((value) => value !== "") ?? "";
}

/**
 * The route that a request is bound to: `looked` is what its cookie, or each of the configured lookups, says. Sessions
 * are looked up where they are learnt.
 */
export function boundRoute(config: StickyConfig, sessions: StickySessions | null, looked: readonly string[]): string {
  const value = firstValue(looked);
  return config.kind === "learn" ? (sessions?.lookUp(value) ?? "") : value;
}

export type CookieSticky = Extract<StickyConfig, { readonly kind: "cookie" }>;

/** The parts of a cookie that have variables, rendered; null = not configured. */
export interface RenderedCookie {
  readonly domain: string | null;
  readonly sameSite: string | null;
}

const SAME_SITE = /^(?:strict|lax|none)$/i;

/** Value of the Set-Cookie field that binds the client to `route`; `now` is wall-clock time. */
export function stickySetCookie(config: CookieSticky, route: string, rendered: RenderedCookie, now: Date): string {
  const { name, path, expiresMs, httpOnly, secure } = config;
  let cookie = `${name}=${route}`;
  if (expiresMs === "max") cookie += "; expires=Thu, 31-Dec-37 23:55:55 GMT; max-age=315360000";
  else if (expiresMs !== null) cookie += expiry(expiresMs, now);
  if (rendered.domain) cookie += `; domain=${rendered.domain}`;
  if (httpOnly) cookie += "; httponly";
  if (secure) cookie += "; secure";
  const { sameSite } = rendered;
  // What a variable gives may be anything: the strictest then.
  if (sameSite) cookie += `; samesite=${SAME_SITE.test(sameSite) ? sameSite : "strict"}`;
  return path === null ? cookie : `${cookie}; path=${path}`;
}

function expiry(expiresMs: Ms, now: Date): string {
  const seconds = Math.floor(expiresMs / 1000);
  const end = new Date((Math.floor(now.getTime() / 1000) + seconds) * 1000).toUTCString();
  // "Sun, 06 Nov 1994 08:49:37 GMT"; before 2038 cookies have the old form, with two digits of the year.
  const [weekday, day, month, year, time] = end.replace(",", "").split(" ") as [string, string, string, string, string];
  const written = Number(year) > 2037 ? year : year.slice(-2);
  return `; expires=${weekday}, ${day}-${month}-${written} ${time} GMT; max-age=${seconds}`;
}
