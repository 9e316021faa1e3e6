// One entry of a log as the patterns need it: its facts with their units and names made equal over all formats. The member
// is the upstream as it is printed, without a scheme; the path has no query, and its numbers and ids are "*", so that
// requests for the same thing are counted together. Pure.
import type { Facts } from "../../explain/explanation.ts";
import type { SeenEntry } from "../../explain/log/groups.ts";
import { CAUSES, isCauseId } from "../../failure/causes.ts";
import type { EntryClass } from "../../knowledge/entry.ts";
import type { Ms } from "../../std/units.ts";
import { type Attempt, attemptsIn } from "./attempts.ts";

export interface Seen {
  readonly line: number;
  readonly atMs: number | null;
  /** It tells of one request: a line of an access log. */
  readonly isRequest: boolean;
  /** A failure of the gateway or behind it: patterns are about these; what clients did wrong is none. */
  readonly isFailure: boolean;
  readonly class: EntryClass | null;
  readonly member: string | null;
  readonly path: string | null;
  readonly facts: Facts;
  readonly durationMs: Ms | null;
  /** Where a request was tried more than once, each try; else empty. */
  readonly attempts: readonly Attempt[];
}

const ACCESS = /access|^haproxy-http$|^heroku-router$|json$|^uvicorn$|^uwsgi-request$/;

/** The facts of an entry, in equal words. */
export function seenOf(entry: SeenEntry, atMs: number | null): Seen {
  const { recognised, line } = entry;
  const { facts, format } = recognised;
  const isRequest = facts.status !== undefined && isAccess(format, facts);
  return {
    line,
    atMs,
    isRequest,
    isFailure: entry.of === "failure" && isBehindGateway(entry.class),
    class: entry.class,
    member: memberOf(facts),
    path: pathOf(facts.path),
    facts,
    durationMs: durationOf(facts),
    attempts: isRequest ? attemptsIn(entry.normalised) : [],
  };
}

function isAccess(format: string | null, { path, durations }: Facts): boolean {
  return format === null ? path !== undefined && durations !== undefined : ACCESS.test(format);
}

/** What clients did wrong, and what policy refused, is no failure that doctor looks for. */
export function isBehindGateway(of: EntryClass | null): boolean {
  return of === null || !isCauseId(of) || CAUSES[of].status >= 500;
}

/** "10.0.0.7:3000", "unix:/run/app.sock", HAProxy's "app/web1", a dyno. */
export function memberOf({ upstream, upstreamName }: Facts): string | null {
  const name = upstream ?? upstreamName;
  return name === undefined ? null : withoutScheme(name);
}

/** An address without its scheme and path. */
export function withoutScheme(address: string): string {
  const at = address.indexOf("://");
  const bare = at < 0 ? address : address.slice(at + 3);
  if (bare.startsWith("unix:")) return bare.replace(/:$/, "");
  const slash = at < 0 ? -1 : bare.indexOf("/");
  return slash < 0 ? bare : bare.slice(0, slash);
}

const PATH_MAX = 160;
/** Numbers, and names that are long and have digits: ids, hashes, versions of files. */
const CHANGING = /\/(?:\d{1,20}(?=\/|$)|(?=[^\d/]{0,60}\d)[^/]{12,160})/g;

/** The path that requests for the same thing have in common. */
export function pathOf(path: string | undefined): string | null {
  if (path === undefined) return null;
  const end = path.search(/[?#;]/);
  const bare = end < 0 ? path : path.slice(0, end);
  const short = bare.length > PATH_MAX ? bare.slice(0, PATH_MAX) : bare;
  return /\d/.test(short) ? short.replace(CHANGING, "/*") : short;
}

/** The whole time of the request, as formats call it; the most telling name first. */
const WHOLE = [
  "request_time",
  "Ta",
  "Tt",
  "duration",
  "total",
  "service",
  "time_taken",
  "time-taken",
  "duration_ms",
  "latency",
  "response_time",
  "elapsed",
  "generated",
  "upstream_response_time",
] as const;

/** How long the request took; null = the line does not say. */
export function durationOf({ durations }: Facts): Ms | null {
  if (durations === undefined) return null;
  for (const name of WHOLE) {
    const value = durations[name];
    if (value !== undefined && value >= 0) return value;
  }
  return (
    sumOfAws(durations) ?? Object.entries(durations).find(([name, ms]) => ms >= 0 && LOOSE.test(name))?.[1] ?? null
  );
}

const LOOSE = /duration|latency|request_time|response_time|elapsed|took/;

function sumOfAws(durations: Readonly<Record<string, Ms>>): Ms | null {
  const target = durations["target_processing_time"] ?? durations["backend_processing_time"];
  if (target === undefined || target < 0) return null;
  return target + Math.max(0, durations["request_processing_time"] ?? 0);
}
