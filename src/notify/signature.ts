// How a receiver knows that a message is from this gateway and is not an old one sent again:
//   X-Goodgate-Signature: t=UNIX-SECONDS,v1=HEX
// where HEX is the HMAC-SHA256 of t, a full stop and the body as sent, under the secret that both know.
import { createHmac, timingSafeEqual } from "node:crypto";
import type { Ms } from "../std/units.ts";

export const SIGNATURE_FIELD = "x-goodgate-signature";

/** The value of the field for a body that is sent at an instant of the wall clock. */
export function sign(secret: string, body: string, wall: Ms): string {
  const seconds = Math.floor(wall / 1000);
  return `t=${seconds},v1=${digest(secret, seconds, body)}`;
}

/** Whether a body was signed with this secret, at most `toleranceMs` ago (or ahead). As a receiver would do it. */
export function verify(secret: string, body: string, field: string, wall: Ms, toleranceMs: Ms = 300_000): boolean {
  const [, seconds, given] = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/.exec(field) ?? [];
  if (seconds === undefined || given === undefined) return false;
  const isFresh = Math.abs(wall - Number(seconds) * 1000) <= toleranceMs;
  const expected = digest(secret, Number(seconds), body);
  return timingSafeEqual(Buffer.from(given), Buffer.from(expected)) && isFresh;
}

function digest(secret: string, seconds: number, body: string): string {
  return createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex");
}
