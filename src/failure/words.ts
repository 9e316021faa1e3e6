// The words that sentences about failures are made of: spans, sizes, names of settings, and who is spoken of.

import type { Bytes, Ms } from "../std/units.ts";
import type { DeadlineName, Evidence, Failure } from "./failure.ts";

/** Around the failure: which parts of the gateway and of the request it belongs to. "" and undefined = none. */
export interface DescribeContext {
  readonly upstream?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly route?: string | undefined;
  readonly method?: string | undefined;
  /** It came with an Idempotency-Key, and the route says that the application honours it. */
  readonly keyed?: boolean | undefined;
  readonly host?: string | undefined;
  /** Attempts made, the failed one included. */
  readonly attempts?: number | undefined;
  /** Addresses, error codes and settings may be named. */
  readonly showDetail: boolean;
}

/** The failure as sentences see it. */
export interface Subject {
  readonly seen: Evidence;
  readonly failure: Failure;
  /** The endpoint as it was dialled, else the name of the upstream. */
  readonly app: string;
  readonly upstream: string;
  readonly context: DescribeContext;
}

/** What is said of one cause. */
export interface Description {
  /** Without internals. */
  readonly plain: string;
  /** With the evidence. */
  readonly exact: (subject: Subject) => string;
  /** What to do, for the person who runs the gateway. */
  readonly fix: (subject: Subject) => string;
}

/** Settings of the configuration that a deadline is set by; those of an upstream stand under upstreams.NAME. */
export const DEADLINE_SETTINGS: Readonly<Record<DeadlineName, string>> = {
  "client-head": "client.timeouts.head",
  "client-body": "client.timeouts.body",
  "client-send": "client.timeouts.send",
  resolve: "resolve.timeout",
  connect: "timeouts.connect",
  tls: "timeouts.tls",
  send: "timeouts.send",
  head: "timeouts.head",
  "idle-body": "timeouts.idle-body",
  "tunnel-idle": "timeouts.tunnel-idle",
  queue: "queue.for",
  hold: "hold.for",
};

/** The failure with its names resolved. */
export function subjectOf(failure: Failure, context: DescribeContext): Subject {
  const { evidence } = failure;
  const upstream = context.upstream ? `upstream "${context.upstream}"` : "the upstream";
  return { seen: evidence, failure, context, upstream, app: evidence.address || context.endpoint || upstream };
}

/** "0.4 ms", "250 ms", "1.5 s", "3 min". */
export function span(ms: Ms): string {
  if (ms < 10) return `${Math.max(0, Math.round(ms * 10) / 10)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Math.round(ms / 100) / 10} s`;
  return `${Math.round(ms / 6000) / 10} min`;
}

/** "812 bytes", "16 KiB". */
export function size(bytes: Bytes): string {
  if (bytes === 1) return "1 byte";
  if (bytes < 1024) return `${bytes} bytes`;
  if (bytes < 1024 * 1024) return `${Math.round(bytes / 102.4) / 10} KiB`;
  return `${Math.round(bytes / 104_857.6) / 10} MiB`;
}

/** " (ECONNREFUSED)": the code of the system, the resolver or the TLS library. */
export function code(seen: Evidence): string {
  const codes = [seen.errno ?? seen.tlsCode, seen.rcode].filter((part) => part !== undefined);
  return codes.length === 0 ? "" : ` (${codes.join(", ")})`;
}

/** " after 0.4 ms". */
export const after = (seen: Evidence): string => (seen.waitedMs === undefined ? "" : ` after ${span(seen.waitedMs)}`);

/** " within 30 s": the deadline that fired. */
export const within = (seen: Evidence): string =>
  seen.deadlineMs === undefined ? "" : ` within ${span(seen.deadlineMs)}`;

/** ": two different Content-Length values". */
export const objection = (seen: Evidence): string => (seen.detail ? `: ${seen.detail}` : "");

/** ' It began with "HTTP/0.9 hello".' */
export const beginning = (seen: Evidence): string => (seen.headExcerpt ? ` It began with "${seen.headExcerpt}".` : "");

/** "closed" or "reset" the connection. */
export const ended = (seen: Evidence): string => (seen.closedBy === "rst" ? "reset" : "closed");

/** The setting behind the deadline that fired: "upstreams.app.timeouts.head (30 s)". */
export function setting({ seen, context }: Subject, otherwise: DeadlineName): string {
  const deadline = seen.deadline ?? otherwise;
  const key = DEADLINE_SETTINGS[deadline];
  const path = key.startsWith("client.") ? key : `upstreams.${context.upstream || "NAME"}.${key}`;
  return seen.deadlineMs === undefined ? path : `${path} (${span(seen.deadlineMs)})`;
}

/** The path of a setting of this upstream. */
export const upstreamSetting = ({ context }: Subject, key: string): string =>
  `upstreams.${context.upstream || "NAME"}.${key}`;

/** "GET /cart", without the query, which may hold secrets. */
export const requestLine = (method: string, path: string): string => `${method} ${path.replace(/[?#].*/s, "")}`.trim();
