// The schemas of incidents and failures; see answers.ts.
import * as z from "zod/mini";
import { CAUSE_IDS, PHASES } from "../../failure/causes.ts";
import type { Mark } from "../../incidents/model.ts";
import { AVOIDED_BY } from "../../observe/record.ts";

const text = z.string();
const number = z.number();
const flag = z.boolean();
const some = z.exactOptional;
const textList = z.array(text);
export const counts = z.record(z.string(), z.number());
export const orNull = <S extends z.ZodMiniType>(schema: S) => z.nullable(schema);

/** A key of the table of failures, and of the reference. */
export const cause = z.enum(CAUSE_IDS);
/** Where in an exchange. */
export const phase = z.enum(PHASES);

/** Fields of a head, in order, as received. */
export const HEAD = z.array(z.tuple([text, text]));

const DEADLINES = [
  ...(["client-head", "client-body", "client-send", "resolve", "connect", "tls"] as const),
  ...(["send", "head", "idle-body", "tunnel-idle", "queue", "hold"] as const),
];

/** What was seen when an attempt failed; which of these there are depends on the phase. */
export const EVIDENCE = z.object({
  errno: some(text),
  tlsCode: some(text),
  tlsAlert: some(number),
  rcode: some(text),
  address: some(text),
  bytesSent: some(number),
  bytesReceived: some(number),
  connectionAgeMs: some(number),
  connectionUses: some(number),
  idleMs: some(number),
  keepAliveHintMs: some(number),
  keepAliveLearntMs: some(number),
  notRetried: some(text),
  replayBytesMax: some(number),
  roundTripMs: some(number),
  raceWindowMs: some(number),
  waitedMs: some(number),
  deadline: some(z.enum(DEADLINES)),
  deadlineMs: some(number),
  closedBy: some(z.enum(["fin", "rst"])),
  detail: some(text),
  headExcerpt: some(text),
  limit: some(text),
  limitBytes: some(number),
  closeDelimited: some(z.boolean()),
  upstreamProxyStatus: some(text),
});

/** Instants are milliseconds since the exchange began; null = did not happen. */
export const ATTEMPT = z.object({
  endpoint: text,
  startMs: number,
  resolvedMs: z.nullable(number),
  tcpMs: z.nullable(number),
  connectedMs: z.nullable(number),
  sentMs: z.nullable(number),
  headMs: z.nullable(number),
  endMs: number,
  status: number,
  reused: z.boolean(),
  bytesSent: number,
  bytesReceived: number,
  cause: z.nullable(cause),
  phase: z.nullable(phase),
  sentence: text,
  evidence: z.nullable(EVIDENCE),
  responseHead: z.nullable(HEAD),
});

const severity = z.enum(["outage", "degraded", "saved", "notice"]);
const series = z.object({ fromAt: number, stepMs: number, shown: z.array(number), saved: z.array(number) });

export const incidentRow = z.object({
  id: text,
  gateway: text,
  openedAt: number,
  lastAt: number,
  closedAt: orNull(number),
  severity,
  cause: text,
  upstream: text,
  endpoints: textList,
  sentence: text,
  short: text,
  confidence: text,
  shown: number,
  saved: number,
  failures: number,
  series,
});

const step = z.object({
  text,
  code: z.exactOptional(text),
  language: z.exactOptional(z.enum(["shell", "yaml", "nginx", "javascript", "text"])),
});

export const verdict = z.object({
  sentence: text,
  short: text,
  pattern: text,
  confidence: z.enum(["proven", "likely", "possible"]),
  reasons: textList,
  settle: z.array(step),
  fixes: z.array(step),
  alternatives: z.array(z.object({ text, why: text })),
  entry: text,
});

const MARK_KINDS = [
  ...["started", "stopping", "reload", "reload-refused", "upgrade", "deploy", "action"],
  ...["endpoint-gone", "endpoint-back", "health-down", "health-up", "ejected", "returned", "poison-request"],
  ...["keepalive-learnt", "breaker-opened", "breaker-closed", "outage-begun", "outage-ended", "addresses-changed"],
] as readonly Mark["kind"][];
const TIMELINE_KINDS = ["opened", "first-shown", "last-failure", "closed", "verdict-changed"] as const;

export const mark = z.object({
  id: text,
  gateway: text,
  at: number,
  kind: z.enum(MARK_KINDS),
  text,
  level: z.enum(["info", "warn"]),
  upstream: text,
  endpoint: text,
  by: text,
});

export const incident = z.object({
  id: text,
  gateway: text,
  openedAt: number,
  lastAt: number,
  closedAt: orNull(number),
  severity,
  cause,
  causes: counts,
  phase: phase,
  fault: z.array(z.enum(["client", "config", "gateway", "network", "upstream"])),
  upstream: text,
  routes: counts,
  endpoints: counts,
  counts: z.object({
    failures: number,
    shown: number,
    cut: number,
    clientLeft: number,
    passed: number,
    held: number,
    queued: number,
    retried: number,
    failedOver: number,
    requests: number,
    clients: number,
  }),
  series,
  methods: counts,
  paths: counts,
  hosts: counts,
  statuses: counts,
  verdict,
  timeline: z.array(z.object({ at: number, kind: z.enum([...MARK_KINDS, ...TIMELINE_KINDS]), text })),
});

const outcome = z.enum(["shown", "cut", "saved", "client-left", "passed"]);
export const savedBy = orNull(z.enum(AVOIDED_BY));

export const failure = z.object({
  id: text,
  incident: text,
  gateway: text,
  requestId: text,
  at: number,
  cause,
  phase: phase,
  outcome,
  savedBy,
  status: number,
  route: text,
  upstream: text,
  endpoint: text,
  listener: text,
  tls: flag,
  method: text,
  host: text,
  target: text,
  protocol: text,
  client: text,
  userAgent: text,
  traceId: text,
  sentence: text,
  fix: text,
  durationMs: number,
  heldMs: number,
  queuedMs: number,
  bytesReceived: number,
  bytesSent: number,
  requestHead: HEAD,
  attempts: z.array(ATTEMPT),
});
