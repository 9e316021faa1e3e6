// Failures in words. For whoever runs the gateway: one exact sentence with the evidence, and what to do. For whoever
// called: the same without internals (addresses, error codes, settings), and whether trying again helps.
// The words for each cause stand in describe-request.ts, describe-connect.ts and describe-response.ts.
import { CAUSES, type CauseId } from "./causes.ts";
import { CONNECT_DESCRIPTIONS } from "./describe-connect.ts";
import { REQUEST_DESCRIPTIONS } from "./describe-request.ts";
import { RESPONSE_DESCRIPTIONS } from "./describe-response.ts";
import type { Failure } from "./failure.ts";
import { type DescribeContext, type Description, subjectOf } from "./words.ts";

export { DEADLINE_SETTINGS, type DescribeContext } from "./words.ts";

const DESCRIPTIONS: Readonly<Record<CauseId, Description>> = {
  ...REQUEST_DESCRIPTIONS,
  ...CONNECT_DESCRIPTIONS,
  ...RESPONSE_DESCRIPTIONS,
};

/** What happened, in one sentence. */
export function sentence(failure: Failure, context: DescribeContext): string {
  const description = DESCRIPTIONS[failure.cause];
  return context.showDetail ? description.exact(subjectOf(failure, context)) : description.plain;
}

/** What to do: for the operator where details may be shown, else for the caller. */
export function fix(failure: Failure, context: DescribeContext): string {
  if (!context.showDetail) return forVisitor(failure, context.method, context.keyed).advice;
  return DESCRIPTIONS[failure.cause].fix(subjectOf(failure, context));
}

/** What a person at a browser is told. */
export interface VisitorText {
  readonly headline: string;
  readonly message: string;
  readonly advice: string;
  /** The state of the part that failed, in a word or two. */
  readonly state: string;
  /** Trying again may succeed, and does no harm. */
  readonly retryHelps: boolean;
}

interface Calm {
  readonly headline: string;
  readonly message: string;
  readonly state: string;
  /** For causes that time does not mend. */
  readonly advice?: string;
}

const AWAY: Calm = {
  headline: "This site is not available right now",
  message: "The site is reachable, but the application behind it does not answer. It may be restarting.",
  state: "not answering",
};
const BUSY: Calm = {
  headline: "This site is very busy",
  message: "More people are using it right now than it can serve.",
  state: "busy",
};
const SLOW: Calm = {
  headline: "This is taking too long",
  message: "The application behind this site did not answer in time.",
  state: "too slow",
};
const BROKEN_OFF: Calm = {
  headline: "Something went wrong on our side",
  message: "The application behind this site broke off before it had answered.",
  state: "broke off",
};
const UNREADABLE: Calm = {
  headline: "Something went wrong on our side",
  message: "The application behind this site sent an answer that could not be used.",
  state: "unusable answer",
};
const MISCONFIGURED: Calm = {
  headline: "This site is not working right now",
  message: "The parts of this site cannot reach each other as they are set up.",
  state: "not reachable",
};

const CALM: { readonly [cause in CauseId]?: Calm } = {
  "client-request-invalid": {
    headline: "This request could not be understood",
    message: "Your browser or app sent something that this site cannot read.",
    state: "not understood",
    advice: "Go back and try another way. If it happens again, deleting this site's cookies may help.",
  },
  "client-request-too-large": {
    headline: "This request is too large",
    message: "What was sent is larger than this site accepts.",
    state: "too large",
    advice: "Send a smaller file or less text. If you sent neither, deleting this site's cookies may help.",
  },
  "client-timeout": {
    headline: "Your request did not arrive",
    message: "The connection was too slow or was interrupted while the request was being sent.",
    state: "interrupted",
    advice: "Check your connection and try again.",
  },
  "client-closed-request": {
    headline: "The request was cancelled",
    message: "The connection was closed before the answer was complete.",
    state: "cancelled",
    advice: "Try again if you did not mean to cancel it.",
  },
  "request-denied": {
    headline: "This is not allowed",
    message: "This site does not permit the request.",
    state: "declined",
    advice: "If you think that it should, tell the people who run this site, with the request id.",
  },
  "rate-limited": {
    headline: "Too many requests",
    message: "There were more requests than this site allows in a short time.",
    state: "limited",
  },
  "route-not-found": {
    headline: "There is nothing here",
    message: "No page is known at this address.",
    state: "nothing here",
    advice: "Check the address for a mistake, or start from the home page.",
  },
  "gateway-internal-error": {
    headline: "Something went wrong on our side",
    message: "The server in front of this site failed.",
    state: "failed",
    advice: "You can try again. If it happens again, tell the people who run this site, with the request id.",
  },
  "gateway-resource-exhausted": BUSY,
  "pool-exhausted": BUSY,
  "upstream-saturated": BUSY,
  "connect-timeout": SLOW,
  "response-timeout": SLOW,
  "response-body-timeout": SLOW,
  "worker-timeout": SLOW,
  "upstream-write-failed": BROKEN_OFF,
  "closed-before-response": BROKEN_OFF,
  "keepalive-race": BROKEN_OFF,
  "response-truncated": BROKEN_OFF,
  "response-header-too-large": UNREADABLE,
  "response-malformed": UNREADABLE,
  "response-too-large": UNREADABLE,
  "response-encoding-invalid": UNREADABLE,
  "upgrade-failed": UNREADABLE,
  "protocol-mismatch": UNREADABLE,
  "gateway-config-invalid": MISCONFIGURED,
  "proxy-loop": MISCONFIGURED,
  "dns-not-resolved": MISCONFIGURED,
  "connect-permission-denied": MISCONFIGURED,
  "backend-absent": MISCONFIGURED,
  "tls-handshake-failed": MISCONFIGURED,
  "tls-plaintext-mismatch": MISCONFIGURED,
  "tls-cert-untrusted": MISCONFIGURED,
  "tls-cert-expired": MISCONFIGURED,
  "tls-cert-name-mismatch": MISCONFIGURED,
  "upstream-error-passthrough": {
    headline: "Something went wrong on our side",
    message: "The application behind this site reported an error.",
    state: "error",
    advice:
      "You can try again in a while. If it happens again, tell the people who run this site, with the request id.",
  },
};

const WAIT = "This is usually over in a moment: try again shortly.";
const OPERATOR_ONLY =
  "Trying again will not help until it is mended. The people who run this site can find this request by its id.";
const MAYBE_DONE =
  "What you sent may have arrived all the same: check before you send it again, so that it does not happen twice.";
const FIT_TO_SEND_AGAIN = "What you sent was not accepted, so nothing has happened. You can send it again shortly.";

const KEYED =
  "What you sent may have arrived. It has an Idempotency-Key: sent again with the same key it does not happen twice.";

/** Methods that a browser may repeat without asking (RFC 9110 §9.2.1). */
export function isSafe(method: string | undefined): boolean {
  return method === undefined || method === "" || method === "GET" || method === "HEAD" || method === "OPTIONS";
}

/** The visitor's words for a failure of a request with this method (default: a safe one); `keyed` as in the context. */
export function forVisitor(failure: Failure, method?: string, keyed = false): VisitorText {
  const cause = CAUSES[failure.cause];
  const { headline, message, state, advice } = CALM[failure.cause] ?? AWAY;
  const words = { headline, message, state };
  const safe = isSafe(method);
  if (!safe && cause.retry === "if-idempotent")
    return { ...words, advice: keyed ? KEYED : MAYBE_DONE, retryHelps: keyed };
  if (advice !== undefined) return { ...words, advice, retryHelps: cause.retry !== "no" };
  if (!cause.waitHelps) return { ...words, advice: OPERATOR_ONLY, retryHelps: false };
  return { ...words, advice: safe ? WAIT : FIT_TO_SEND_AGAIN, retryHelps: true };
}

/** Methods that mean the same when they come twice (RFC 9110 §9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"]);

/** Whether a program may send this request again, and has a chance; `keyed` as in the context. */
export function isRetryable(failure: Failure, method: string, keyed = false): boolean {
  const { retry } = CAUSES[failure.cause];
  return retry === "if-idempotent" ? keyed || IDEMPOTENT.has(method) : retry !== "no";
}

/** Seconds for Retry-After; null where waiting does not help, or where this request must not be sent twice. */
export function retryAfterOf(failure: Failure, method: string, keyed = false): number | null {
  return isRetryable(failure, method, keyed) ? CAUSES[failure.cause].retryAfterSeconds : null;
}
