// The trace context that goes to an upstream (W3C Trace Context): the span of the attempt stands as the parent in what
// the upstream gets. Where no traces are configured nothing is touched, and the caller's fields go on as they came.
import { TRACE_FIELDS, traceLines } from "../observe/traces/tracer.ts";
import { fieldValue, type RequestHead } from "../wire/head.ts";
import type { Exchange } from "./exchange.ts";

/** The lines for the attempt that begins; "" = no traces are configured. */
export function traceFieldsFor(exchange: Exchange): string {
  const { trace } = exchange;
  if (trace === null) return "";
  // A subrequest has no span of its own: what it asks for belongs to the request that it is a part of.
  return traceLines(trace, exchange.served?.parent ? 0 : exchange.attempts.length);
}

/** `drop`, and the names of the caller's trace fields that ours stand for. */
export function withoutCallersTrace(head: RequestHead, drop: ReadonlySet<string> | null): ReadonlySet<string> | null {
  let names: Set<string> | null = null;
  for (const name of TRACE_FIELDS) {
    // Only names that are there: without one to drop a head goes on as a slice.
    if (fieldValue(head, name) === undefined) continue;
    names ??= new Set(drop);
    names.add(name);
  }
  return names ?? drop;
}
