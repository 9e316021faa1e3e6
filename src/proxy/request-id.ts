// Request ids: the caller's own where it is fit for a log line and a field, else 128 random bits in hex.
import { randomFillSync } from "node:crypto";
import { fieldValue, type RequestHead } from "../wire/head.ts";

const POOL_BYTES = 4096;
const ID_BYTES = 16;
const ID_LENGTH_MAX = 128;
const FIT = /^[A-Za-z0-9_.:+/=@-]+$/;

const pool = Buffer.allocUnsafeSlow(POOL_BYTES);
let used = POOL_BYTES;

/** 32 hex digits. */
export function newRequestId(): string {
  if (used === POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  const id = pool.toString("hex", used, used + ID_BYTES);
  used += ID_BYTES;
  return id;
}

/** The id under which this request is logged, answered and sent on. */
export function requestIdFor(head: RequestHead): string {
  if (head.hasRequestId) {
    const given = fieldValue(head, "x-request-id") ?? "";
    if (given.length <= ID_LENGTH_MAX && FIT.test(given)) return given;
  }
  return newRequestId();
}
