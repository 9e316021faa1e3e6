// The one error that the client throws (the caller's own abort apart, which stays the caller's). It carries what is
// known for a program (kind, status, causeId, retryable), for a log (message, requestId, reference) and for a person
// (userMessage, without internals).
import type { Ms } from "../std/units.ts";
import type { Report } from "./report.ts";

/** status = a failure status came; network = no response; timeout = a deadline fired; circuit-open = not even sent. */
export type FailureKind = "status" | "network" | "timeout" | "circuit-open";

/** What a failure is made of. */
export interface FailureFacts extends Report {
  readonly kind: FailureKind;
  readonly method: string;
  readonly url: string;
  readonly status: number | null;
  readonly retryAfterMs: Ms | null;
  readonly attempts: number;
  readonly elapsedMs: Ms;
  /** The method is safe to repeat, or an Idempotency-Key makes it so. */
  readonly repeatable: boolean;
  readonly headers: Headers | null;
  readonly body: string;
  readonly referenceBase: string;
  /** The platform's error. */
  readonly cause: unknown;
}

/** A request that did not succeed. */
export class RequestFailure extends Error {
  override readonly name = "RequestFailure";
  declare readonly kind: FailureKind;
  declare readonly method: string;
  declare readonly url: string;
  /** null = no response came. */
  declare readonly status: number | null;
  /** Id of the cause in the reference ("connect-refused"); null = the response names none. */
  declare readonly causeId: string | null;
  /** Error type of the Proxy-Status field (RFC 9209), and the hop that reported it. */
  declare readonly proxyError: string | null;
  declare readonly hop: string | null;
  declare readonly requestId: string | null;
  /** The server's own sentence, from problem+json. */
  declare readonly detail: string | null;
  /** The same request may be sent again, and that may help. */
  declare readonly retryable: boolean;
  /** What Retry-After asked for, or how long the circuit stays open. */
  declare readonly retryAfterMs: Ms | null;
  /** Address of the reference entry; null = there is none for it. */
  declare readonly reference: string | null;
  /** A sentence for the person who waits. */
  declare readonly userMessage: string;
  declare readonly attempts: number;
  declare readonly elapsedMs: Ms;
  declare readonly headers: Headers | null;
  /** Beginning of the response's body. */
  declare readonly body: string;

  constructor(facts: FailureFacts) {
    const { repeatable, referenceBase: _, cause, ...told } = facts;
    super(messageOf(facts), { cause });
    // Of a circuit that is open nothing was sent; else the server knows best what it did with the request.
    const retryable = facts.kind === "circuit-open" || (facts.retryable ?? repeatable);
    const reference = facts.reference ?? referenceOf(facts);
    Object.assign(this, told, { retryable, reference, userMessage: userMessage(facts, retryable) });
  }
}

function referenceOf({ causeId, status, referenceBase }: FailureFacts): string | null {
  if (causeId !== null) return `${referenceBase}/reference/cause/${causeId}`;
  return status === null ? null : `${referenceBase}/reference/status/${status}`;
}

function messageOf({ kind, method, url, status, causeId, requestId, attempts, elapsedMs }: FailureFacts): string {
  // The query may hold secrets, and messages end in logs.
  const what = `${method} ${url.replace(/[?#].*/s, "")}: ${status ?? kind}${causeId === null ? "" : ` (${causeId})`}`;
  const tries = attempts === 1 ? "1 try" : `${attempts} tries`;
  return `${what}, ${tries}, ${Math.round(elapsedMs)} ms${requestId === null ? "" : `, request ${requestId}`}`;
}

function userMessage({ kind, status, repeatable }: FailureFacts, retryable: boolean): string {
  const what =
    kind === "network"
      ? "The site cannot be reached."
      : kind === "timeout" || status === 504
        ? "The site is taking too long to answer."
        : kind === "circuit-open" || status === 503
          ? "The site is not available right now."
          : "Something went wrong on the site's side.";
  const when = retryable
    ? "try again in a moment"
    : repeatable
      ? "try again later"
      : "check whether it went through before you try again";
  return `${what} Please ${when}.`;
}
