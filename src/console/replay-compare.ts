// What an endpoint did then beside what it does now, in words. Pure.
import { span } from "../failure/words.ts";
import type { HeadField } from "../observe/report.ts";
import type { StoredFailure } from "../store/model.ts";
import type { ReplaySide } from "./model.ts";

/** Fields that differ between any two answers. */
const VOLATILE =
  /^(?:date|age|expires|last-modified|etag|set-cookie|x-request-id|x-runtime|server-timing|content-length|connection|keep-alive|cf-ray|traceparent|alt-svc)$/i;
const FIELDS_SHOWN = 8;
/** Times that differ by less than this, or by less than twice, are the same. */
const NOTICED_MS = 50;

export interface Around {
  readonly endpoint: string;
  /** It was sent where it had failed. */
  readonly sameEndpoint: boolean;
  /** What is not the same about the request itself. */
  readonly notes: readonly string[];
}

/** What the endpoint did then: the attempt that decided, else what the gateway said. */
export function sideThen(failure: StoredFailure): ReplaySide {
  const attempt =
    failure.attempts.findLast(({ endpoint, cause }) => endpoint === failure.endpoint && cause !== null) ??
    failure.attempts.findLast(({ endpoint }) => endpoint === failure.endpoint);
  if (!attempt) {
    const { status, cause, sentence, durationMs, bytesSent } = failure;
    return { status, cause, sentence, durationMs, head: null, bytes: bytesSent };
  }
  return {
    status: attempt.status,
    cause: attempt.cause ?? (attempt.status >= 500 ? "upstream-error-passthrough" : null),
    sentence: attempt.sentence || failure.sentence,
    durationMs: Math.round((attempt.endMs - attempt.startMs) * 10) / 10,
    head: attempt.responseHead,
    bytes: attempt.bytesReceived,
  };
}

/** What is different, and what that means. */
export function compare(
  then: ReplaySide,
  now: ReplaySide,
  around: Around,
): { readonly differences: readonly string[]; readonly verdict: string } {
  const differences = [...around.notes];
  if (then.status !== now.status) differences.push(`status: ${statusText(then)} then, ${statusText(now)} now`);
  if (then.cause !== now.cause) differences.push(`cause: ${then.cause ?? "none"} then, ${now.cause ?? "none"} now`);
  const [short, long] = [Math.min(then.durationMs, now.durationMs), Math.max(then.durationMs, now.durationMs)];
  if (long - short > NOTICED_MS && long > 2 * short)
    differences.push(`time: ${span(then.durationMs)} then, ${span(now.durationMs)} now`);
  if (then.head && now.head) differences.push(...fieldsThatDiffer(then.head, now.head));
  return { differences, verdict: verdictOf(then, now, around) };
}

const statusText = ({ status }: ReplaySide): string => (status === 0 ? "no answer" : String(status));

function fieldsThatDiffer(then: readonly HeadField[], now: readonly HeadField[]): string[] {
  const before = byName(then);
  const after = byName(now);
  const lines: string[] = [];
  for (const [name, value] of before) {
    const other = after.get(name);
    if (other === undefined) lines.push(`field ${name}: ${JSON.stringify(value)} then, absent now`);
    else if (other !== value) lines.push(`field ${name}: ${JSON.stringify(value)} then, ${JSON.stringify(other)} now`);
  }
  for (const [name, value] of after)
    if (!before.has(name)) lines.push(`field ${name}: absent then, ${JSON.stringify(value)} now`);
  const more = lines.length - FIELDS_SHOWN;
  return more > 0 ? [...lines.slice(0, FIELDS_SHOWN), `and ${more} more fields`] : lines;
}

function byName(fields: readonly HeadField[]): Map<string, string> {
  const all = new Map<string, string>();
  for (const [name, value] of fields) {
    const key = name.toLowerCase();
    if (name === "…" || VOLATILE.test(key)) continue;
    const before = all.get(key);
    all.set(key, before === undefined ? value : `${before}, ${value}`);
  }
  return all;
}

function verdictOf(then: ReplaySide, now: ReplaySide, { endpoint, sameEndpoint, notes }: Around): string {
  const but = notes.some((note) => note.includes("not the same request"))
    ? " (It is not the same request: the query is missing.)"
    : "";
  if (now.cause === null) {
    const where = sameEndpoint ? "" : `; that is another endpoint than the one that failed, whose failure may last`;
    return `It is answered now: ${endpoint} says ${now.status} after ${span(now.durationMs)}${where}.${but}`;
  }
  const same = now.cause === then.cause && now.status === then.status;
  if (same && sameEndpoint) return `It fails again in the same way: ${now.sentence}${but}`;
  if (same)
    return `It fails in the same way at ${endpoint}, too: the request is the reason, or what the endpoints share. ${now.sentence}${but}`;
  return `It fails in another way now: ${now.sentence}${but}`;
}
