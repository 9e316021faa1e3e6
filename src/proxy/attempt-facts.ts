// What an attempt asks of the connections that are kept, what it learns of its endpoint, and what is known of it when
// it fails.
import type { DeadlineName, Evidence } from "../failure/failure.ts";
import type { PooledConnection } from "../net/pool.ts";
import { noteResponse } from "../resilience/adaptive-limit.ts";
import type { Ms } from "../std/units.ts";
import { keepAliveTimeoutMs } from "../wire/connection.ts";
import { FIELD_CONTENT_LENGTH, FIELD_KEEP_ALIVE, FIELD_TRANSFER_ENCODING, kindBit } from "../wire/fields.ts";
import { hasField, MARK, type ResponseHead } from "../wire/head.ts";
import type { Attempt } from "./attempt.ts";

/** A reuse after less says nothing of the upstream's idle timer. */
const IDLE_WORTH_NOTING_MS: Ms = 500;

/**
 * A kept connection that may be used; what cannot be repeated goes on one that is certainly still open. Null = a new one
 * is to be opened, and there is room for it.
 */
export function keptConnection(attempt: Attempt, fresh: boolean): PooledConnection | null {
  const { target } = attempt;
  const { pool } = target;
  if (pool.idle === 0) return null;
  const oldestMs = fresh ? -1 : attempt.exchange.repeatable ? Infinity : target.safeIdleMs;
  const kept = pool.take(attempt, oldestMs, attempt.startedAt, attempt.wishes?.key);
  if (!kept && !pool.mayOpen) pool.closeOldestIdle();
  return kept;
}

/** What the head of a final response tells of the endpoint: how fast it is, and how long it keeps connections. */
export function learnFrom(attempt: Attempt, head: ResponseHead): void {
  const { target, group, sentAt, headAt } = attempt;
  const connection = attempt.connection!;
  if (sentAt > 0) {
    target.latency?.answered(headAt - sentAt, headAt);
    if (group.adaptive) noteResponse(group.adaptive, headAt - sentAt, group.judge.awaiting, headAt);
  }
  if (attempt.reused && attempt.idleMs >= IDLE_WORTH_NOTING_MS) target.reused(attempt.idleMs);
  if (connection.keepAliveHintMs > 0 || !hasField(head, FIELD_KEEP_ALIVE)) return;
  connection.keepAliveHintMs = keepAliveTimeoutMs(head);
  target.hinted(connection.keepAliveHintMs);
}

/** What is known at this point. */
export function evidenceOf(attempt: Attempt, more: Evidence, at: Ms): Evidence {
  const { connection, target, bytesSent, bytesReceived } = attempt;
  const evidence: Evidence = { ...more, bytesSent, bytesReceived };
  evidence.address = connection?.address || target.label;
  if (connection) {
    evidence.connectionAgeMs = at - connection.connectedAt;
    evidence.connectionUses = connection.uses - 1;
    evidence.roundTripMs = connection.roundTripMs;
    if (connection.keepAliveHintMs > 0) evidence.keepAliveHintMs = connection.keepAliveHintMs;
    if (attempt.reused) evidence.idleMs = attempt.idleMs;
    if (attempt.reused && target.idleLimitMs > 0) evidence.keepAliveLearntMs = target.idleLimitMs;
  }
  evidence.waitedMs = at - (attempt.headAt || attempt.sentAt || attempt.connectedAt);
  return evidence;
}

/** Equal lengths are one to RFC 9110 §8.6; nginx takes no response that says its length twice. */
export function saysLengthTwice({ marks, seen }: ResponseHead): boolean {
  if ((seen & kindBit(FIELD_CONTENT_LENGTH)) === 0) return false;
  let lengths = (seen & kindBit(FIELD_TRANSFER_ENCODING)) === 0 ? 0 : 1;
  for (let k = 0; k < marks.length; k += MARK) if (marks[k] === FIELD_CONTENT_LENGTH) lengths++;
  return lengths > 1;
}

/** Which of its deadlines has passed. */
export function deadlineMet({ state, relay, sentAt, exchange }: Attempt): [DeadlineName, Ms] {
  const { timeouts } = exchange;
  if (state === "body") return ["idle-body", relay!.idleMs];
  return sentAt === 0 && !exchange.awaitsContinue ? ["send", timeouts.sendMs] : ["head", timeouts.headMs];
}
