// Records to rows and back. Texts of columns are cut to what an index can hold; numbers are made whole. Pure.
import type { Incident, Mark } from "../incidents/model.ts";
import type { Point, TailEntry } from "../observe/report.ts";
import { boundedJson, clip } from "./bounds.ts";
import type { AuditEntry, GatewayInfo, StoredFailure } from "./model.ts";
import { maskedPath } from "./paths.ts";
import type { AuditRow, BodyRow, FailureRow, GatewayRow, IncidentRow, MarkRow, PointRow, SlowRow } from "./schema.ts";

/** PostgreSQL refuses rows of an index above 2,700 bytes, and one has six of these. */
const NAME_MAX = 240;
const SAID_MAX = 1024;
const INCIDENT_SEARCH_MAX = 2048;
const FAILURE_SEARCH_MAX = 512;
const INCIDENT_BODY_MAX = 128 * 1024;
const FAILURE_BODY_MAX = 64 * 1024;
const POINT_BODY_MAX = 16 * 1024;

/** A text as a column of an index has it; what is looked for goes through the same. */
export function name(text: string): string {
  let cut = clip(text, NAME_MAX);
  while (Buffer.byteLength(cut) > NAME_MAX) cut = clip(cut, Math.floor(cut.length * 0.7));
  return cut;
}

const whole = (value: number): number => (Number.isFinite(value) ? Math.round(value) : 0);

export function gatewayRow(info: GatewayInfo): GatewayRow {
  return {
    id: name(info.id),
    name: name(info.name),
    host: name(info.host),
    version: name(info.version),
    started_at: whole(info.startedAt),
    seen_at: whole(info.seenAt),
  };
}

export function gatewayOf(row: GatewayRow): GatewayInfo {
  return {
    id: row.id,
    name: row.name,
    host: row.host,
    version: row.version,
    startedAt: row.started_at,
    seenAt: row.seen_at,
  };
}

export function incidentRow(incident: Incident): IncidentRow {
  const { verdict } = incident;
  const endpoints = Object.keys(incident.endpoints).filter((endpoint) => endpoint !== "");
  const search = [
    verdict.sentence,
    verdict.short,
    verdict.pattern,
    incident.upstream,
    incident.cause,
    ...Object.keys(incident.causes),
    ...endpoints.slice(0, 20),
    ...Object.keys(incident.paths),
    ...Object.keys(incident.routes),
  ];
  return {
    id: name(incident.id),
    gateway: name(incident.gateway),
    opened_at: whole(incident.openedAt),
    last_at: whole(incident.lastAt),
    closed_at: incident.closedAt === null ? null : whole(incident.closedAt),
    severity: incident.severity,
    cause: incident.cause,
    upstream: name(incident.upstream),
    endpoints: endpoints.length === 0 ? "" : `\n${endpoints.slice(0, 600).map(name).join("\n")}\n`,
    search: clip(search.join("\n").toLowerCase(), INCIDENT_SEARCH_MAX),
  };
}

export function incidentBody(incident: Incident): BodyRow {
  return { id: name(incident.id), body: boundedJson(incident, INCIDENT_BODY_MAX) };
}

export function failureRow(failure: StoredFailure): FailureRow {
  const { requestId, method, host, target, client, traceId, cause, endpoint, sentence, userAgent } = failure;
  const search = [requestId, method, `${host}${target}`, client, traceId, cause, endpoint, sentence, userAgent];
  return {
    id: name(failure.id),
    gateway: name(failure.gateway),
    at: whole(failure.at),
    incident: name(failure.incident),
    request_id: name(requestId),
    cause,
    upstream: name(failure.upstream),
    endpoint: name(endpoint),
    route: name(failure.route),
    method: clip(method, 32),
    host: name(host),
    path: maskedPath(target),
    duration_ms: int(failure.durationMs),
    search: clip(
      search
        .map((text) => clip(text, 200))
        .join("\n")
        .toLowerCase(),
      FAILURE_SEARCH_MAX,
    ),
  };
}

export function failureBody(failure: StoredFailure): BodyRow {
  return { id: name(failure.id), body: boundedJson(failure, FAILURE_BODY_MAX) };
}

/** What was stored by us as JSON. */
export function recordOf<T>({ body }: Pick<BodyRow, "body">): T {
  return JSON.parse(body) as T;
}

export function markRow(mark: Mark): MarkRow {
  return {
    id: name(mark.id),
    gateway: name(mark.gateway),
    at: whole(mark.at),
    kind: mark.kind,
    said: clip(mark.text, SAID_MAX),
    level: mark.level,
    upstream: name(mark.upstream),
    endpoint: name(mark.endpoint),
    who: name(mark.by),
  };
}

export function markOf(row: MarkRow): Mark {
  const { id, gateway, at, said: text, upstream, endpoint, who: by } = row;
  return {
    id,
    gateway,
    at,
    kind: row.kind as Mark["kind"],
    text,
    level: row.level as Mark["level"],
    upstream,
    endpoint,
    by,
  };
}

export function pointRow(point: Point, gateway: string): PointRow {
  const { kind, name: series, at, spanMs, requests, ...rest } = point;
  return {
    gateway: name(gateway),
    kind,
    name: seriesName(series),
    span_ms: int(spanMs),
    at: whole(at),
    requests: whole(requests),
    body: boundedJson(rest, POINT_BODY_MAX),
  };
}

export function pointOf(row: Omit<PointRow, "gateway">): Point {
  return {
    kind: row.kind as Point["kind"],
    name: row.name,
    at: row.at,
    spanMs: row.span_ms,
    requests: row.requests,
    ...recordOf<Omit<Point, "kind" | "name" | "at" | "spanMs" | "requests">>(row),
  };
}

export function slowRow(entry: TailEntry, gateway: string): SlowRow {
  return {
    gateway: name(gateway),
    at: whole(entry.at),
    request_id: name(entry.requestId),
    method: clip(entry.method, 32),
    host: name(entry.host),
    path: maskedPath(entry.target),
    route: name(entry.route),
    duration_ms: int(entry.durationMs),
  };
}

export function auditRow(entry: AuditEntry): AuditRow {
  return {
    id: name(entry.id),
    gateway: name(entry.gateway),
    at: whole(entry.at),
    who: name(entry.by),
    role: entry.role,
    client: name(entry.client),
    action: clip(entry.action, SAID_MAX),
    outcome: clip(entry.outcome, SAID_MAX),
  };
}

export function auditOf(row: AuditRow): AuditEntry {
  const { id, gateway, at, who: by, client, action, outcome } = row;
  return { id, gateway, at, by, role: row.role === "admin" ? "admin" : "reader", client, action, outcome };
}

/** "upstream endpoint". */
export function seriesName(text: string): string {
  const blank = text.indexOf(" ");
  return blank < 0 ? name(text) : `${name(text.slice(0, blank))} ${name(text.slice(blank + 1))}`;
}

/** Fits PostgreSQL's integer. */
function int(value: number): number {
  return Math.min(2_147_483_647, Math.max(-2_147_483_648, whole(value)));
}
