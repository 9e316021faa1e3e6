// Sends a failed request again, to see whether it still fails: `goodgate incidents replay`, and the page.
//
// - Only what is safe: GET, HEAD and OPTIONS. Only to an endpoint of the configuration, with its upstream's TLS, Host rule
//   and timeouts, on a connection of its own; neither retried nor counted, and no endpoint is judged by it.
// - What was redacted before it was stored cannot be sent: values of the query and of secret fields (cookies,
//   credentials). The query is left out whole then, and the answer says that it is not the same request. A path that was
//   redacted itself is not sent.
// - It is marked (X-Goodgate-Replay), has a request id of its own, and reads at most 64 KiB of the body.
// - An attempt is compared with an attempt: what the endpoint did then (not what the gateway made of it) and does now.
import { randomBytes } from "node:crypto";
import type { Config, EndpointConfig, RouteConfig, UpstreamConfig } from "../config/config.ts";
import { suggest } from "../config/suggest.ts";
import { sentence } from "../failure/describe.ts";
import type { DialTarget } from "../net/dial.ts";
import { resolverFor } from "../net/resolve.ts";
import { createUpstreamTls } from "../net/upstream-tls.ts";
import { shownFields } from "../observe/capture-text.ts";
import type { HeadField } from "../observe/report.ts";
import { REDACTED } from "../std/redact.ts";
import type { StoredFailure } from "../store/model.ts";
import { serverAddresses } from "../upstream/server-names.ts";
import type { ReplayRequest, ReplayResult, ReplaySide } from "./model.ts";
import { compare, sideThen } from "./replay-compare.ts";
import { type Sent, sendOnce } from "./replay-send.ts";

const SAFE = ["GET", "HEAD", "OPTIONS"];
const NAMES_SHOWN = 10;
/** Of the connection or the message, not of the request; made anew for each. */
const NOT_AGAIN =
  /^(?:host|connection|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade|content-length|expect|via|forwarded|x-forwarded-(?:for|proto|host)|x-request-id|x-goodgate-replay|http2-settings)$/i;
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/;
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const TARGET = /^(?:\/[\x21-\x7e]*|\*)$/;

/** What the replay needs besides the configuration; all has a default. */
export interface ReplayOptions {
  /** Endpoints of an upstream as they are now, where names stand for addresses; the configuration's otherwise. */
  readonly endpoints?: (upstream: string) => readonly EndpointConfig[] | undefined;
}

interface Place {
  readonly upstream: UpstreamConfig;
  readonly endpoint: EndpointConfig;
}

/** Sends the failed request again and compares. Rejects only where the program itself is at fault. */
export async function replay(
  failure: StoredFailure,
  request: ReplayRequest,
  config: Config,
  options: ReplayOptions = {},
): Promise<ReplayResult> {
  const place = placeOf(failure, request, config, options);
  const label = typeof place === "string" ? "" : nameOf(place);
  const then = sideThen(failure);
  const refuse = (refused: string, target = failure.target): ReplayResult => ({
    ok: false,
    refused,
    endpoint: label,
    request: { method: failure.method, target, head: [] },
    then,
    now: null,
    differences: [],
    verdict: `Not sent: ${refused}`,
  });
  if (!SAFE.includes(failure.method))
    return refuse(`${failure.method} may change something; only ${SAFE.join(", ")} are sent again.`);
  if (typeof place === "string") return refuse(place);
  const route = config.routes.find(({ name }) => name === failure.route);
  const target = targetOf(failure, route);
  if ("refused" in target) return refuse(target.refused);
  const head = headOf(failure, place, config);
  const sent = await send(failure, target.target, head.fields, place, route);
  if (typeof sent === "string") return refuse(sent, target.target);
  const now = sideNow(sent, failure, place);
  const notes = [...target.notes, ...head.notes, ...(sent.cutOff ? ["its body was not read to the end"] : [])];
  return {
    ok: now.cause === null,
    refused: null,
    endpoint: label,
    request: { method: failure.method, target: target.target, head: head.fields },
    then,
    now,
    ...compare(then, now, { endpoint: place.endpoint.label, sameEndpoint: isSame(failure, place), notes }),
  };
}

const nameOf = ({ upstream, endpoint }: Place): string => `${upstream.name} ${endpoint.label}`;

const isSame = (failure: StoredFailure, { upstream, endpoint }: Place): boolean =>
  failure.upstream === upstream.name && (failure.endpoint === "" || failure.endpoint === endpoint.label);

/** Where it is sent; a text = why nowhere. */
function placeOf(
  failure: StoredFailure,
  { endpoint: asked }: ReplayRequest,
  config: Config,
  { endpoints: now }: ReplayOptions,
): Place | string {
  const places = [...config.upstreams.values()].flatMap((upstream) =>
    (now?.(upstream.name) ?? endpointsOf(upstream, config)).map((endpoint) => ({ upstream, endpoint })),
  );
  if (asked !== undefined) {
    const found = places.find((place) => nameOf(place) === asked.trim().replace(/\s+/g, " "));
    return found ?? `the configuration has no endpoint ${quoted(asked)}: ${whatThereIs(asked, places)}`;
  }
  if (failure.upstream === "") return `it never came to an upstream; name an endpoint: ${whatThereIs("", places)}`;
  const own = places.filter(({ upstream }) => upstream.name === failure.upstream);
  const found = own.find(({ endpoint }) => endpoint.label === failure.endpoint);
  if (found) return found;
  if (failure.endpoint === "" && own[0]) return own.find(({ endpoint }) => !endpoint.down) ?? own[0];
  const where = quoted(`${failure.upstream} ${failure.endpoint}`.trim());
  return `the configuration has no endpoint ${where} any more; name another: ${whatThereIs("", own.length > 0 ? own : places)}`;
}

function endpointsOf(upstream: UpstreamConfig, config: Config): EndpointConfig[] {
  const addresses = (host: string) => config.addresses?.[host]?.map((address) => ({ address })) ?? null;
  return serverAddresses(upstream.endpoints, addresses).map((server) => server.config);
}

function whatThereIs(word: string, places: readonly Place[]): string {
  const names = places.map(nameOf);
  const meant = word === "" ? undefined : suggest(word.slice(0, 200), names);
  if (meant !== undefined) return `did you mean ${quoted(meant)}?`;
  if (names.length === 0) return "there are none.";
  const more = names.length - NAMES_SHOWN;
  return `there are ${names.slice(0, NAMES_SHOWN).map(quoted).join(", ")}${more > 0 ? ` and ${more} more` : ""}.`;
}

/** What is asked for, as the upstream is asked: without what was redacted, and without the prefix that the route takes off. */
function targetOf(
  { target, route }: StoredFailure,
  settings: RouteConfig | undefined,
): { readonly target: string; readonly notes: readonly string[] } | { readonly refused: string } {
  const [whole = ""] = target.split("#");
  const mark = whole.indexOf("?");
  const path = mark < 0 ? whole : whole.slice(0, mark);
  const query = mark < 0 ? "" : whole.slice(mark);
  if (path.includes(REDACTED) || path.includes("…"))
    return { refused: "its path was not kept whole, since it looked like a secret or was too long." };
  if (!TARGET.test(path)) return { refused: `its target ${quoted(path)} is no path that can be asked for.` };
  if (settings?.rewrite)
    return { refused: `the route ${route} rewrites paths, and what the upstream was asked for was not kept.` };
  const lost = query.includes(REDACTED) || query.includes("…");
  const notes = lost ? ["sent without its query, whose values are not kept: it is not the same request"] : [];
  return { target: stripped(path, settings?.strip ?? "") + (lost ? "" : query), notes };
}

/** As the route forwards it (proxy/send-request.ts). */
function stripped(path: string, strip: string): string {
  if (strip === "" || !path.startsWith(strip)) return path;
  const rest = path.slice(strip.length);
  if (rest.startsWith("/")) return rest;
  return rest === "" || strip.endsWith("/") ? `/${rest}` : path;
}

/** The kept head without what was redacted, and with what this request has of its own. */
function headOf(
  failure: StoredFailure,
  { upstream, endpoint }: Place,
  { forwarding }: Config,
): { readonly fields: readonly HeadField[]; readonly notes: readonly string[] } {
  const lost = new Set<string>();
  const kept = failure.requestHead.filter(([name, value]) => {
    if (NOT_AGAIN.test(name)) return false;
    const whole = FIELD_NAME.test(name) && FIELD_VALUE.test(value) && !value.includes(REDACTED) && !value.endsWith("…");
    if (!whole) lost.add(FIELD_NAME.test(name) ? name.toLowerCase() : "some fields");
    return whole;
  });
  const proto = failure.tls ? "https" : "http";
  const made: HeadField[] = [["Host", hostOf(failure, upstream, endpoint)]];
  if (forwarding.xForwarded) {
    if (FIELD_VALUE.test(failure.client) && failure.client !== "") made.push(["X-Forwarded-For", failure.client]);
    made.push(["X-Forwarded-Proto", proto]);
    if (isHost(failure.host)) made.push(["X-Forwarded-Host", failure.host]);
  }
  made.push(
    ["X-Request-Id", randomBytes(16).toString("hex")],
    ["X-Goodgate-Replay", failure.id.replace(/[^\w.-]/g, "")],
  );
  const notes = lost.size === 0 ? [] : [`sent without what was redacted: ${[...lost].slice(0, 8).join(", ")}`];
  return { fields: [...made, ...kept, ["Connection", "close"]], notes };
}

const isHost = (host: string): boolean => /^[\w.:[\]-]{1,255}$/.test(host);

/** By the upstream's rule. */
function hostOf({ host }: StoredFailure, upstream: UpstreamConfig, endpoint: EndpointConfig): string {
  if (typeof upstream.host === "object") return upstream.host.name;
  if (upstream.host === "keep" && isHost(host)) return host;
  return endpoint.address.kind === "unix" ? "localhost" : endpoint.label;
}

/** Sends it; a text = why it could not be. */
async function send(
  { method }: StoredFailure,
  target: string,
  fields: readonly HeadField[],
  { upstream, endpoint }: Place,
  route: RouteConfig | undefined,
): Promise<Sent | string> {
  const { connectMs, tlsMs, headMs, idleBodyMs } = { ...upstream.timeouts, ...route?.timeouts };
  const tls = upstream.tls ? createUpstreamTls(upstream.tls) : null;
  if (tls && !tls.context) return `the TLS files of ${upstream.name} cannot be used: ${tls.problems[0]?.message ?? ""}`;
  const resolver = resolverFor(upstream.resolve);
  const dialTarget: DialTarget = {
    address: endpoint.address,
    tls: tls?.context ?? null,
    resolver,
    timeouts: { resolveMs: upstream.resolve.timeoutMs, connectMs, tlsMs },
  };
  const text = `${method} ${target} HTTP/1.1\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
  try {
    return await sendOnce({ target: dialTarget, method, text, headMs, idleBodyMs });
  } finally {
    resolver.close();
    tls?.context?.close();
  }
}

function sideNow({ head, failure, bytes, durationMs }: Sent, asked: StoredFailure, place: Place): ReplaySide {
  const status = head?.status ?? 0;
  // As capture names what an upstream itself answers.
  const cause = failure?.cause ?? (status >= 500 ? "upstream-error-passthrough" : null);
  const context = {
    showDetail: true,
    upstream: place.upstream.name,
    endpoint: place.endpoint.label,
    method: asked.method,
    host: asked.host,
  };
  return {
    status,
    cause,
    sentence: failure ? sentence(failure, context) : `${place.endpoint.label} answers ${status}.`,
    durationMs: Math.round(durationMs * 10) / 10,
    head: head ? shownFields(head) : null,
    bytes,
  };
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 119)}…` : text);
}
