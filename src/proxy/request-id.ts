// Request ids: the caller's own where it is fit for a log line and a field, else 128 random bits in hex.
import { randomFillSync } from "node:crypto";
import { fieldValue, type RequestHead } from "../wire/head.ts";

const POOL_BYTES = 4096;
const ID_HEX = 32;
const ID_LENGTH_MAX = 128;
const FIT = /^[A-Za-z0-9_.:+/=@-]+$/;

const pool = Buffer.allocUnsafeSlow(POOL_BYTES);
/** The pool in hex, and how much of it is spent: one conversion for 256 ids. */
let digits = "";
let spent = 0;

/** 32 hex digits. */
export function newRequestId(): string {
  if (spent === digits.length) {
    digits = randomFillSync(pool).toString("hex");
    spent = 0;
  }
  spent += ID_HEX;
  return digits.slice(spent - ID_HEX, spent);
}

/** The id under which this request is logged, answered and sent on. */
export function requestIdFor(head: RequestHead): string {
  if (head.hasRequestId) {
    const given = fieldValue(head, "x-request-id") ?? "";
    if (given.length <= ID_LENGTH_MAX && FIT.test(given)) return given;
  }
  return newRequestId();
}
