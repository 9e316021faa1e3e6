// What the probe asks for, and the record of a request that it makes: the same whatever protocol carries it.
// The request is as plain as a client's can be: no cookies, no credentials, no conditions; GET or HEAD.
import type { Failure } from "../../failure/failure.ts";
import { now } from "../../std/clock.ts";
import type { Ms } from "../../std/units.ts";
import type { HttpTry } from "../evidence.ts";
import { pageMakerOf } from "../page/page-maker.ts";
import { roundedMs, type Scene } from "./context.ts";

/** One request to make. */
export interface Ask {
  readonly what: HttpTry["what"];
  readonly method: "GET" | "HEAD";
  readonly scheme: "http" | "https";
  readonly host: string;
  /** Path and query. */
  readonly path: string;
  /** Fields beside the usual ones. */
  readonly fields: readonly (readonly [name: string, value: string])[];
}

/** A request of the target's own path. */
export function askFor(scene: Scene, what: HttpTry["what"], more: Partial<Ask> = {}): Ask {
  const { scheme, host, path } = scene.target;
  return { what, method: "GET", scheme, host, path, fields: [], ...more };
}

/** Fields of every request, in order, without Host. */
export function usualFields(scene: Scene, requestId: string): readonly (readonly [string, string])[] {
  return [
    ["User-Agent", scene.context.userAgent],
    ["Accept", "*/*"],
    ["X-Request-Id", requestId],
  ];
}

/** What becomes of a request, filled in on the way. */
export interface Draft {
  readonly ask: Ask;
  readonly protocol: HttpTry["protocol"];
  readonly address: string;
  readonly requestId: string;
  readonly startedAtMs: number;
  readonly startedAt: Ms;
  connectMs: Ms | null;
  tlsMs: Ms | null;
  reused: boolean;
  idleMs: Ms | null;
  status: number | null;
  reason: string;
  fields: (readonly [name: string, value: string])[];
  headBytes: number;
  excerpt: string;
  bodyBytes: number;
  bodyHash: string | null;
  headMs: Ms | null;
  bodyMs: Ms | null;
}

/** A request that is about to be made; it is counted. null = no more may be sent. */
export function draftOf(scene: Scene, ask: Ask, protocol: HttpTry["protocol"], address: string): Draft | null {
  const { budget } = scene.context;
  if (!budget.take()) return null;
  return emptyDraft(ask, protocol, address, `${scene.context.requestIdPrefix}${budget.used}`);
}

/** The record of a request that could not be sent: there was no connection to send it on, so that none is counted. */
export function unsent(
  ask: Ask,
  protocol: HttpTry["protocol"],
  address: string,
  failure: Failure,
  connectMs: Ms,
  tlsMs: Ms | null,
): HttpTry {
  const draft = emptyDraft(ask, protocol, address, "");
  return settle({ ...draft, connectMs, tlsMs }, failure);
}

function emptyDraft(ask: Ask, protocol: HttpTry["protocol"], address: string, requestId: string): Draft {
  return {
    ask,
    protocol,
    address,
    requestId,
    startedAtMs: Date.now(),
    startedAt: now(),
    connectMs: null,
    tlsMs: null,
    reused: false,
    idleMs: null,
    status: null,
    reason: "",
    fields: [],
    headBytes: 0,
    excerpt: "",
    bodyBytes: 0,
    bodyHash: null,
    headMs: null,
    bodyMs: null,
  };
}

/** The record, when all is seen. */
export function settle(draft: Draft, failure: Failure | null): HttpTry {
  const { ask, protocol, address, requestId, startedAtMs, status, fields, excerpt } = draft;
  return {
    what: ask.what,
    address,
    protocol,
    method: ask.method,
    url: `${ask.scheme}://${ask.host}${ask.path}`,
    reused: draft.reused,
    idleMs: rounded(draft.idleMs),
    requestId,
    startedAtMs,
    status,
    reason: draft.reason,
    fields,
    headBytes: draft.headBytes,
    excerpt,
    bodyBytes: draft.bodyBytes,
    bodyHash: draft.bodyHash,
    timings: {
      connectMs: rounded(draft.connectMs),
      tlsMs: rounded(draft.tlsMs),
      headMs: rounded(draft.headMs),
      bodyMs: rounded(draft.bodyMs),
      totalMs: roundedMs(now() - draft.startedAt + (draft.connectMs ?? 0) + (draft.tlsMs ?? 0)),
    },
    failure,
    page: status === null ? null : pageMakerOf({ status, fields, excerpt }),
  };
}

function rounded(ms: Ms | null): Ms | null {
  return ms === null ? null : roundedMs(ms);
}

/** The first value of a field; the name in lower case. */
export function fieldOf(fields: HttpTry["fields"], lowerName: string): string | undefined {
  return fields.find(([name]) => name.toLowerCase() === lowerName)?.[1];
}

/** "shop.example.com:8443" → "shop.example.com", "[::1]:80" → "::1". */
export function hostnameOf(host: string): string {
  return host.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
}
