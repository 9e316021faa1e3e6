// Ids of traces and spans: random, made a few hundred at a time. The span of an exchange has a random id; its attempts
// count on from it in the last four digits, so that a request that is not exported costs one id, not one per attempt.
import { randomFillSync } from "node:crypto";

const POOL_BYTES = 4096;
const pool = Buffer.allocUnsafeSlow(POOL_BYTES);
let digits = "";
let spent = 0;

/** `length` random hex digits, of which the first is not 0: never all zeros. */
function randomDigits(length: number): string {
  if (spent + length > digits.length) {
    digits = randomFillSync(pool).toString("hex");
    spent = 0;
  }
  const id = digits.slice(spent, spent + length);
  spent += length;
  return id.startsWith("0") ? `8${id.slice(1)}` : id;
}

/** 128 bits in hex. */
export function newTraceId(): string {
  return randomDigits(32);
}

/** 64 bits in hex. */
export function newSpanId(): string {
  return randomDigits(16);
}

/** The id of attempt `number` (1 = the first) of the exchange whose span is `span`. */
export function attemptSpanId(span: string, number: number): string {
  const last = (Number.parseInt(span.slice(12), 16) + number) & 0xffff;
  return span.slice(0, 12) + last.toString(16).padStart(4, "0");
}
