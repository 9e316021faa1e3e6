// Where redirects lead. Each step is one request of the budget. Cookies that the host itself sets on the way are sent
// back to it, as any browser does: a site that sets one and redirects to itself goes round only for who keeps none.
//
// - An origin or an endpoint is only asked on the connection that was named: a redirect elsewhere ends there.
// - A url target is followed within its host (http to https too, on the addresses that DNS gave), and to other hosts
//   only where that is wanted; within its origin only where even another port is not. Never to another scheme than http and https, to link-local or to metadata addresses.
// - A loop is an address that comes twice with the same cookies, or three times, or more than 10 steps.
import { isIP } from "node:net";
import { systemLookup } from "../../net/resolve.ts";
import { compileAddressSet, isAmong } from "../../wire/address-set.ts";
import type { AddressWords } from "../../wire/ip-address.ts";
import { readIp } from "../../wire/ip-address.ts";
import type { HttpTry, TargetEvidence } from "../evidence.ts";
import { addressOf, openConnection, type Way } from "./connection.ts";
import { leaveOut, MORE_REQUESTS, pause, type Scene } from "./context.ts";
import { Cookies } from "./cookies.ts";
import { exchange } from "./http1.ts";
import { type Ask, askFor, fieldOf, hostnameOf, unsent } from "./request.ts";

const STEPS_MAX = 10;
/** A cookie that is new each time makes no difference for ever. */
const TIMES_MAX = 2;
const LOOKUP_MS = 3_000;
const STATUSES: ReadonlySet<number> = new Set([300, 301, 302, 303, 307, 308]);
/** Link-local addresses, and where clouds keep their metadata. */
const FORBIDDEN = compileAddressSet(["169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128", "100.100.100.200/32"]);

/** What following has found. */
export interface Followed {
  readonly redirects: NonNullable<TargetEvidence["redirects"]>;
  readonly tries: readonly HttpTry[];
}

/** Where a response redirects to; null = it does not. */
export function redirectOf({ status, fields, url }: HttpTry): URL | string | null {
  if (status === null || !STATUSES.has(status)) return null;
  const location = fieldOf(fields, "location");
  if (location === undefined) return null;
  // Field values are bytes; most that are not ASCII are UTF-8.
  const text = Buffer.from(location, "latin1").toString("utf8");
  if (!URL.canParse(text, url)) return text;
  const target = new URL(text, url);
  target.hash = "";
  target.username = "";
  target.password = "";
  return target;
}

/** Follows the redirects of a response that came by `way`, with at most `most` requests; null = it does not redirect. */
export async function followRedirects(scene: Scene, from: HttpTry, way: Way, most: number): Promise<Followed | null> {
  if (redirectOf(from) === null || !URL.canParse(from.url)) return null;
  const urls: string[] = [];
  const tries: HttpTry[] = [];
  const cookies = new Cookies();
  cookies.keep(from);
  const seen = [new URL(from.url).href];
  const states = new Set([`${seen[0]} `]);
  let current = from;
  let loop = false;
  for (;;) {
    const next = redirectOf(current);
    if (next === null) break;
    if (typeof next === "string") {
      urls.push(next);
      leaveOut(scene, "redirect", `its Location “${next.slice(0, 200)}” is no URL`, null);
      break;
    }
    urls.push(next.href);
    const cookie = cookies.fieldFor(next);
    const times = seen.filter((href) => href === next.href).length;
    loop = states.has(`${next.href} ${cookie}`) || times >= TIMES_MAX || urls.length > STEPS_MAX;
    if (loop) break;
    seen.push(next.href);
    states.add(`${next.href} ${cookie}`);
    const step = await stepTo(scene, next, { way, cookie, may: tries.length < most });
    if (step === null) break;
    cookies.keep(step);
    tries.push(step);
    current = step;
  }
  return { redirects: { urls, loop }, tries };
}

/** How a step is made. */
interface Step {
  readonly way: Way;
  /** Of the Cookie field; "" = none. */
  readonly cookie: string;
  readonly may: boolean;
}

/** One request to where a redirect leads; null = it is not followed, which is noted. */
async function stepTo(scene: Scene, next: URL, { way, cookie, may }: Step): Promise<HttpTry | null> {
  const to = await wayTo(scene, next, way);
  if (typeof to === "string") {
    leaveOut(scene, `redirect to ${shown(next)}`, to, null);
    return null;
  }
  if (!may || scene.context.budget.left === 0) {
    leaveOut(scene, `redirect to ${shown(next)}`, "no more requests may be sent", MORE_REQUESTS);
    return null;
  }
  const scheme = next.protocol === "https:" ? "https" : "http";
  const fields: Ask["fields"] = cookie === "" ? [] : [["Cookie", cookie]];
  const ask = askFor(scene, "redirect", { scheme, host: next.host, path: next.pathname + next.search, fields });
  const opened = await openConnection(scene, to);
  if (!opened.ok) return unsent(ask, "http/1.1", addressOf(to), opened.failure, opened.connectMs, opened.tlsMs);
  const exchanged = await exchange(scene, opened.connection, ask);
  opened.connection.destroy();
  if (!exchanged) return null;
  // Nobody gets beyond a certificate that is not trusted; that of the target itself is looked at apart.
  const untrusted = to !== way && opened.handshake?.ok ? opened.handshake.untrusted : null;
  return untrusted ? { ...exchanged.http, failure: exchanged.http.failure ?? untrusted } : exchanged.http;
}

const SHOWN_MAX = 300;
const shown = ({ href }: URL): string => (href.length > SHOWN_MAX ? `${href.slice(0, SHOWN_MAX)}…` : href);

const OTHER_HOST = "it leads to another host";
const OTHER_PORT = "it leads to another port";

/** The way to a URL; a text = why there is none. */
async function wayTo(scene: Scene, next: URL, way: Way): Promise<Way | string> {
  const { target, context } = scene;
  if (next.protocol !== "http:" && next.protocol !== "https:") return `it leads to ${next.protocol}, not to HTTP`;
  const name = hostnameOf(next.host).toLowerCase();
  const port = Number(next.port === "" ? (next.protocol === "https:" ? 443 : 80) : next.port);
  const isSameHost = name === hostnameOf(target.host).toLowerCase();
  const secure = next.protocol === "https:" ? { serverName: isIP(name) === 0 ? name : null, identity: name } : null;
  const asTarget = new URL(`${target.scheme}://${target.host}`);
  if (isSameHost && next.origin === asTarget.origin) return way;
  if (target.role !== "url") return "it leads away from the connection that was named";
  // Another port of the same host may be anything: the gateway's neighbours on the same machine.
  if (context.redirects === "origin") return isSameHost ? OTHER_PORT : OTHER_HOST;
  if (isSameHost && way.destination.kind === "tcp") return { destination: { ...way.destination, port }, secure };
  if (!context.redirects) return OTHER_HOST;
  const ip = await addressFor(scene, name);
  if (ip === null) return `${name} does not resolve`;
  if (isForbidden(ip)) return `${name} leads to ${ip}, an address that is not asked`;
  return { destination: { kind: "tcp", ip, port }, secure };
}

async function addressFor(scene: Scene, name: string): Promise<string | null> {
  if (isIP(name) !== 0) return name;
  const lookup = scene.context.names?.lookup ?? systemLookup;
  // Why it does not resolve is of no matter here: that it does not is what the caller says.
  const found = await Promise.race([lookup(name).catch(() => []), pause(scene, LOOKUP_MS)]);
  return found?.[0]?.address ?? null;
}

/** Whether an address is link-local or a cloud's metadata service. */
export function isForbidden(ip: string): boolean {
  const words: AddressWords = new Uint32Array(4);
  const plain = ip.replace(/%.*$/, "");
  const family = readIp(plain, 0, plain.length, words);
  return family === 0 || isAmong(FORBIDDEN, words, family);
}
