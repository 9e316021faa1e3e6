// Which requests are traced, and what is exported of them. A request takes part in a trace as soon as somebody asks
// for its context (to send it on, or at its end); spans come into being at its end only, from its record, and only
// where it is sampled or has failed: what is neither costs two ids and a comparison.
//   caller's context   its trace goes on, its decision holds
//   none, or invalid   a trace begins; a share of them is sampled, decided by the trace id
//   failed             exported in any case, up to a number a second: a storm must not cost more than the traffic
import type { TracesConfig } from "../../config/observability.ts";
import type { Ms } from "../../std/units.ts";
import { fieldValues, type RequestHead } from "../../wire/head.ts";
import { type ExchangeRecord, hasFailed } from "../record.ts";
import { combineTracestate, formatTraceparent, type ParentContext, parseTraceparent, SAMPLED } from "./context.ts";
import { type ExporterOptions, type SpanCounts, SpanExporter } from "./exporter.ts";
import { spansOf } from "./spans.ts";
import { attemptSpanId, newSpanId, newTraceId } from "./trace-ids.ts";

/** The part of one exchange in a trace. */
export interface Trace {
  readonly traceId: string;
  /** Span of the caller; "" = the trace begins here. */
  readonly parentId: string;
  /** Span of the exchange; those of its attempts count on from it. */
  readonly spanId: string;
  readonly flags: number;
  /** What goes on as tracestate; "" = nothing. */
  readonly state: string;
}

/** Failed exchanges that are exported in a second although they were not sampled. */
const FAILURES_PER_SECOND = 200;
/** Digits of a trace id that decide: the last 13, 52 bits, which a number holds exactly. */
const DECIDING_FROM = 32 - 13;
const DECIDING_VALUES = 2 ** 52;

export interface TracerOptions extends ExporterOptions {
  readonly failuresPerSecond?: number;
}

/** The traces of one process. */
export class Tracer {
  readonly #exporter: SpanExporter;
  readonly #unsampledBelow: number;
  readonly #failuresPerSecond: number;
  #windowAt: Ms = Number.NaN;
  #failuresInWindow = 0;

  constructor(config: TracesConfig, version: string, options: TracerOptions = {}) {
    this.#exporter = new SpanExporter(config, version, options);
    this.#unsampledBelow = (1 - config.sample) * DECIDING_VALUES;
    this.#failuresPerSecond = options.failuresPerSecond ?? FAILURES_PER_SECOND;
  }

  /** The part of a request in a trace: its caller's, or one that begins here. `ownId` is its id where we made it. */
  begin(head: RequestHead, ownId: string): Trace {
    const parent = parentIn(head);
    if (parent) {
      const state = combineTracestate(fieldValues(head, "tracestate"));
      return { ...parent, spanId: newSpanId(), state };
    }
    // The same id in logs and traces, where it is ours: 128 random bits in both.
    const traceId = head.hasRequestId || !OWN_ID.test(ownId) ? newTraceId() : ownId;
    return { traceId, parentId: "", spanId: newSpanId(), flags: this.#samples(traceId) ? SAMPLED : 0, state: "" };
  }

  #samples(traceId: string): boolean {
    if (this.#unsampledBelow === DECIDING_VALUES) return false;
    return Number.parseInt(traceId.slice(DECIDING_FROM), 16) >= this.#unsampledBelow;
  }

  /** Takes an exchange that ended; nothing of the record is kept. */
  exchangeEnded(record: ExchangeRecord, wallAtEnd: Ms): void {
    const { trace } = record;
    if (!trace) return;
    if ((trace.flags & SAMPLED) === 0) {
      if (!hasFailed(record)) return;
      if (!this.#takesFailure(wallAtEnd)) return this.#exporter.drop("storm", record.attempts.length + 1);
    }
    const count = record.attempts.length + 1;
    if (!this.#exporter.hasRoomFor(count)) return this.#exporter.drop("queue", count);
    this.#exporter.add(spansOf(record, trace, wallAtEnd));
  }

  #takesFailure(wall: Ms): boolean {
    // A clock that was set back ends the second, too.
    if (!(wall >= this.#windowAt && wall < this.#windowAt + 1000)) {
      this.#windowAt = wall;
      this.#failuresInWindow = 0;
    }
    return ++this.#failuresInWindow <= this.#failuresPerSecond;
  }

  /** Spans exported and dropped. */
  get counts(): SpanCounts {
    return this.#exporter.counts;
  }

  /** Sends what waits, for at most so long. */
  close(graceMs: Ms): Promise<void> {
    return this.#exporter.close(graceMs);
  }
}

const OWN_ID = /^(?!0{32})[0-9a-f]{32}$/;

function parentIn(head: RequestHead): ParentContext | null {
  return parseTraceparent(fieldValues(head, "traceparent"));
}

/** The trace that a request says it belongs to, for records where no traces are configured; "" = none. */
export function traceIdIn(head: RequestHead): string {
  return parentIn(head)?.traceId ?? "";
}

/** Names (lower-case) of the caller's fields that ours stand for. */
export const TRACE_FIELDS: readonly string[] = ["traceparent", "tracestate"];

/** The lines for the upstream of attempt `number`; 0 = on behalf of the exchange itself. Each ended by CRLF. */
export function traceLines(trace: Trace, number: number): string {
  const spanId = number === 0 ? trace.spanId : attemptSpanId(trace.spanId, number);
  const parent = `traceparent: ${formatTraceparent(trace.traceId, spanId, trace.flags)}\r\n`;
  return trace.state === "" ? parent : `${parent}tracestate: ${trace.state}\r\n`;
}
