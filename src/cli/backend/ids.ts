// Ids of incidents, marks and failures: they sort by time and are unique among gateways that share a store.
import { randomInt } from "node:crypto";
import type { Ms } from "../../std/units.ts";

const TIME_DIGITS = 10;
const RANDOM_DIGITS = 4;

/** An id for what happened at `at` (wall clock): ten digits of time and four random ones, in base 32. */
export function newId(at: Ms): string {
  const random = randomInt(32 ** RANDOM_DIGITS).toString(32);
  return `i${Math.max(0, Math.floor(at)).toString(32).padStart(TIME_DIGITS, "0")}${random.padStart(RANDOM_DIGITS, "0")}`;
}
