// What a client asks for, and what has become of it: the ledger that the invariants are read from.
import type { Dice } from "./dice.ts";

export type Outcome =
  /** A whole response, the origin's or the gateway's own. */
  | "answered"
  /** The connection ended, and anybody can see that something is missing. */
  | "cut"
  /** The client went away itself, or its network did. */
  | "left";

/** One time that a request reached an origin's application. */
export interface Delivery {
  /** What the answer is made of: no other delivery has it. */
  readonly key: string;
  readonly endpoint: string;
  readonly at: number;
  /** The answer's body ends with the connection. */
  closeDelimited: boolean;
  /** The application's side ended in order in the middle: nobody can tell that from the end of such a body. */
  endedInOrder: boolean;
}

export interface RequestRecord {
  readonly id: number;
  readonly method: string;
  readonly keyed: boolean;
  readonly path: string;
  readonly bodyBytes: number;
  readonly chunked: boolean;
  readonly minor: 0 | 1;
  readonly expect: boolean;
  readonly close: boolean;
  readonly deliveries: Delivery[];
  outcome: Outcome | null;
  status: number;
}

const METHODS = { GET: 10, HEAD: 1, POST: 4, PUT: 2, DELETE: 1, OPTIONS: 0.3 };

/** Draws a request. */
export function requestOf(dice: Dice, id: number, prefix: string, largeBytes: number): RequestRecord {
  const method = dice.weighted(METHODS);
  const withBody = method === "POST" || method === "PUT" ? dice.chance(0.85) : dice.chance(0.02);
  const bodyBytes = !withBody ? 0 : dice.chance(0.2) ? dice.spreadWhole(1_000, largeBytes) : dice.spreadWhole(1, 3_000);
  const keyed = dice.chance(0.3);
  const minor = dice.chance(0.05) ? 0 : 1;
  return {
    id,
    method,
    keyed,
    path: `${keyed ? prefix : "/r/"}${id}`,
    bodyBytes,
    chunked: minor === 1 && bodyBytes > 0 && dice.chance(0.3),
    minor,
    expect: minor === 1 && bodyBytes > 0 && dice.chance(0.1),
    close: dice.chance(0.05),
    deliveries: [],
    outcome: null,
    status: 0,
  };
}

/** Whether RFC 9110 §9.2.2 lets it be sent again. */
export function isIdempotentMethod(method: string): boolean {
  return method !== "POST";
}
