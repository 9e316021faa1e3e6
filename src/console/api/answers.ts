// What the calls answer, as schemas: the components of the OpenAPI document, and what the tests hold answers against.
// Nothing at run time reads them but the document. The types at the end keep them equal to the contract: a field that
// one side has and the other has not does not compile.
import * as z from "zod/mini";
import type { Incident, Mark } from "../../incidents/model.ts";
import type { Rates, TailEntry } from "../../observe/report.ts";
import type {
  AuditEntry,
  GatewayInfo,
  Page,
  PathFigures,
  PointsAnswer,
  StoredFailure,
  StoreState,
} from "../../store/model.ts";
import type {
  ActionResult,
  ConfigView,
  DemoState,
  IncidentRow,
  Now,
  ReplayResult,
  SessionView,
  TimeoutsView,
} from "../model.ts";
import {
  ATTEMPT,
  cause,
  counts,
  EVIDENCE,
  failure,
  HEAD,
  incident,
  incidentRow,
  mark,
  orNull,
  phase,
  savedBy,
  verdict,
} from "./answers-incident.ts";

const text = z.string();
const number = z.number();
const flag = z.boolean();
const textList = z.array(text);

const rates = z.object({
  perSecond: number,
  shownPerSecond: number,
  savedPerSecond: number,
  ownErrorsPerSecond: number,
  causes: counts,
  p50Ms: orNull(number),
  p95Ms: orNull(number),
  p99Ms: orNull(number),
});

const endpointNow = z.object({
  label: text,
  state: z.enum(["ok", "warming", "gone", "unhealthy", "ejected", "draining", "disabled", "down"]),
  why: text,
  since: orNull(number),
  weight: number,
  configuredWeight: number,
  backup: flag,
  active: number,
  connections: number,
  idle: number,
  keepAliveMs: orNull(number),
  keepAliveFrom: orNull(z.enum(["hint", "closes"])),
  rates,
});

const upstreamNow = z.object({
  name: text,
  balance: text,
  rates,
  held: number,
  queued: number,
  inFlight: number,
  breaker: z.enum(["closed", "open"]),
  awaySince: orNull(number),
  panicking: flag,
  endpoints: z.array(endpointNow),
});

const now = z.object({
  at: number,
  gateway: z.object({
    id: text,
    name: text,
    version: text,
    startedAt: number,
    processes: number,
    connections: number,
    cpu: number,
    rssBytes: number,
    ready: flag,
    reasons: textList,
    file: orNull(text),
    language: z.enum(["yaml", "nginx"]),
    demo: flag,
  }),
  all: rates,
  listeners: z.array(z.object({ label: text, tls: flag })),
  routes: z.array(z.object({ name: text, match: text, upstream: orNull(text), action: text, rates })),
  upstreams: z.array(upstreamNow),
  incidents: z.array(incidentRow),
  openIncidents: number,
  problems: textList,
});

const tailEntry = z.object({
  at: number,
  requestId: text,
  method: text,
  host: text,
  target: text,
  status: number,
  durationMs: number,
  route: text,
  upstream: text,
  endpoint: text,
  attempts: number,
  cause: orNull(cause),
  outcome: z.enum(["ok", "shown", "cut", "saved", "client-left", "passed"]),
  savedBy,
  bytesSent: number,
  client: text,
});

const point = z.object({
  kind: z.enum(["all", "route", "upstream", "endpoint"]),
  name: text,
  at: number,
  spanMs: number,
  requests: number,
  classes: z.array(number),
  shown: number,
  saved: number,
  causes: counts,
  savedBy: counts,
  ownErrors: z.exactOptional(number),
  latency: z.array(number),
  latencySumMs: number,
  bytesIn: number,
  bytesOut: number,
});

const pathFigures = z.object({
  host: text,
  path: text,
  method: text,
  count: number,
  worstMs: number,
  meanMs: number,
  route: text,
  causes: counts,
});

const finding = z.object({
  severity: z.enum(["error", "warning"]),
  message: text,
  hint: text,
  line: orNull(number),
  cause: orNull(text),
});

const config = z.object({
  file: orNull(text),
  language: z.enum(["yaml", "nginx"]),
  text: orNull(text),
  loadedAt: number,
  values: z.array(
    z.object({ path: text, value: text, from: z.enum(["file", "default", "command line"]), line: orNull(number) }),
  ),
  findings: z.array(finding),
  diff: text,
  pending: orNull(z.object({ ok: flag, findings: z.array(finding) })),
});

const timeouts = z.object({
  upstream: text,
  hops: z.array(z.object({ name: text, timers: z.array(z.object({ name: text, ms: orNull(number), from: text })) })),
  inversions: z.array(z.object({ text, fix: text })),
});

const side = z.object({
  status: number,
  cause: orNull(text),
  sentence: text,
  durationMs: number,
  head: orNull(HEAD),
  bytes: number,
});

const replay = z.object({
  ok: flag,
  refused: orNull(text),
  endpoint: text,
  request: z.object({ method: text, target: text, head: HEAD }),
  // biome-ignore lint/suspicious/noThenProperty: what came then, beside what comes now; a plain value of the API
  then: side,
  now: orNull(side),
  differences: textList,
  verdict: text,
});

const deed = z.enum(["crash", "restart", "slow", "freeze", "error", "reset", "heal", "fine"]);
const demo = z.object({
  shops: z.array(z.object({ name: text, endpoint: text, state: text, doing: deed })),
  visitors: number,
  shopUrl: text,
  seen: z.exactOptional(
    z.object({ requests: number, fine: number, errors: number, cut: number, slow: number, turnedAway: number }),
  ),
});

const gateway = z.object({ id: text, name: text, host: text, version: text, startedAt: number, seenAt: number });

const audit = z.object({
  id: text,
  gateway: text,
  at: number,
  by: text,
  role: z.enum(["admin", "reader"]),
  client: text,
  action: text,
  outcome: text,
});

const pageOf = <S extends z.ZodMiniType>(item: S) =>
  z.object({ items: z.array(item), next: orNull(text), total: orNull(number) });

/** Parts that several answers have, as components of their own. */
export const PARTS = {
  Cause: cause,
  Phase: phase,
  Fields: HEAD,
  Attempt: ATTEMPT,
  Evidence: EVIDENCE,
  Verdict: verdict,
  UpstreamNow: upstreamNow,
  EndpointNow: endpointNow,
  Point: point,
  PathFigures: pathFigures,
} as const;

/** Every answer, by the name of its component. */
export const ANSWERS = {
  Now: now,
  Rates: rates,
  IncidentRow: incidentRow,
  Incidents: pageOf(incidentRow),
  Incident: incident,
  Failure: failure,
  Failures: pageOf(failure),
  Mark: mark,
  Marks: z.array(mark),
  Points: z.object({ spanMs: number, points: z.array(point) }),
  Paths: z.object({ slow: z.array(pathFigures), failing: z.array(pathFigures) }),
  TailEntry: tailEntry,
  TailPart: z.object({ entries: z.array(tailEntry), left: number }),
  ActionResult: z.object({ ok: flag, said: text }),
  Config: config,
  Timeouts: timeouts,
  ReplayResult: replay,
  DemoState: demo,
  Session: z.object({ role: z.enum(["admin", "reader"]), by: text, tokens: flag }),
  Gateways: z.array(gateway),
  StoreState: z.object({
    kind: z.enum(["sqlite", "memory", "postgres"]),
    where: text,
    ok: flag,
    problem: orNull(text),
    bytes: number,
    queued: number,
    written: number,
    dropped: number,
    oldestAt: orNull(number),
  }),
  Audit: z.array(audit),
  /** As `goodgate doctor --json` and `goodgate explain --json` have them. */
  Diagnosis: z.record(z.string(), z.unknown()),
  Explanation: z.record(z.string(), z.unknown()),
  Document: z.record(z.string(), z.unknown()),
  Problem: z.object({
    type: text,
    title: text,
    status: number,
    detail: text,
    field: z.exactOptional(text),
    value: z.exactOptional(text),
  }),
} as const;

export type AnswerName = keyof typeof ANSWERS;

/** The contract by the same names. */
interface Contract {
  Now: Now;
  Rates: Rates;
  IncidentRow: IncidentRow;
  Incidents: Page<IncidentRow>;
  Incident: Incident;
  Failure: StoredFailure;
  Failures: Page<StoredFailure>;
  Mark: Mark;
  Marks: readonly Mark[];
  Points: PointsAnswer;
  Paths: { readonly slow: readonly PathFigures[]; readonly failing: readonly PathFigures[] };
  TailEntry: TailEntry;
  ActionResult: ActionResult;
  Config: ConfigView;
  Timeouts: TimeoutsView;
  ReplayResult: ReplayResult;
  DemoState: DemoState;
  Session: SessionView;
  Gateways: readonly GatewayInfo[];
  StoreState: StoreState;
  Audit: readonly AuditEntry[];
}

type Writable<T> = T extends (...args: never[]) => unknown ? T : { -readonly [K in keyof T]: Writable<T[K]> };
type Schema<K extends keyof Contract> = Writable<z.output<(typeof ANSWERS)[K]>>;

/** The same, optional fields included, which two types that fit each other may differ in. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Names whose schema and contract are not the same. */
type Different = {
  [K in keyof Contract]: Same<Schema<K>, Writable<Contract[K]>> extends true ? never : K;
}[keyof Contract];

/** Does not compile where a name differs; the message names it. */
export const NONE_DIFFERS: Different extends never ? true : Different = true;
