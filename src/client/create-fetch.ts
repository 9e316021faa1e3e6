// createFetch: fetch with deadlines, retries, a breaker per origin, and errors that say what failed.
// The story of a call: admitted by the breaker → one try under its deadline → returned, or a failure is made of it →
// decided (decide.ts) → waited → the next try. The caller's abort ends all of it at once, with the caller's reason.
// Deadlines end with the response head: a body that is read later, a stream of events, ends by the caller's signal.
import { backoffMs, parseHttpDate, retryAfterMs } from "../resilience/backoff.ts";
import { admit, type Breaker, newBreaker, type Outcome, openForMs, settle } from "../resilience/circuit-breaker.ts";
import { isIdempotent } from "../resilience/retry.ts";
import { beginRequest, beginRetry, endRequest, endRetry, newRetryBudget } from "../resilience/retry-budget.ts";
import type { Ms } from "../std/units.ts";
import { type Call, type Init, type Input, inputOf, readCall } from "./call.ts";
import { type RetryRefusal, refusal } from "./decide.ts";
import { type ClientOptions, complete, type Settings } from "./options.ts";
import { isProblem, letGo, readReport, readText } from "./report.ts";
import { type FailureFacts, type FailureKind, RequestFailure } from "./request-failure.ts";

interface Origin {
  readonly name: string;
  readonly breaker: Breaker;
  readonly budget: ReturnType<typeof newRetryBudget>;
}

/** One call under way. */
interface Run {
  readonly call: Call;
  readonly origin: Origin;
  readonly settings: Settings;
  readonly startMs: Ms;
  attempts: number;
}

/** A try that failed; the response is still there where its status was the failure. */
interface Failed {
  readonly failure: RequestFailure;
  readonly response?: Response;
}

const ORIGINS_MAX = 1000;
const DAY_MS = 86_400_000;
/** What is known where no response came. */
const NOTHING = { status: null, headers: null, body: "", retryAfterMs: null, cause: null };
/** A body that is being read → what its abort depends on: Node 20 lets go of a signal that only another one follows. */
const kept = /* @__PURE__ */ new WeakMap<object, unknown>();

/** A fetch that tries again where that is safe, and that throws a RequestFailure where it is not, or does not help. */
export function createFetch(options: ClientOptions = {}): typeof fetch {
  const settings = complete(options);
  const origins = new Map<string, Origin>();
  return async (input: Input, init?: Init) => {
    const call = readCall(input, init, settings);
    call.signal?.throwIfAborted();
    const startMs = settings.platform.now();
    const origin = originOf(origins, call.origin, startMs, settings);
    const run: Run = { call, origin, settings, startMs, attempts: 0 };
    beginRequest(origin.budget);
    try {
      return await runCall(run);
    } finally {
      endRequest(origin.budget);
    }
  };
}

function originOf(origins: Map<string, Origin>, name: string, nowMs: Ms, { breaker }: Settings): Origin {
  const known = origins.get(name);
  if (known) return known;
  // The oldest is forgotten: at worst a circuit closes early.
  if (origins.size >= ORIGINS_MAX) origins.delete(origins.keys().next().value!);
  const origin = { name, breaker: newBreaker(nowMs, breaker), budget: newRetryBudget() };
  origins.set(name, origin);
  return origin;
}

async function runCall(run: Run): Promise<Response> {
  const { call, origin, settings } = run;
  const { budget } = origin;
  const permit = admitted(run);
  if (permit === 0) {
    const failure = failureOf(run, "circuit-open", {
      retryAfterMs: openForMs(origin.breaker, settings.platform.now()),
    });
    return giveUp(run, { failure }, "circuit-open");
  }
  let result = await oneTry(run, permit);
  while ("failure" in result) {
    const { failure } = result;
    const waitMs = waitBefore(run, failure);
    const why = refusal(factsOf(run, failure, waitMs)) ?? (beginRetry(budget, settings.budget) ? null : "budget");
    if (why) return giveUp(run, result, why);
    try {
      settings.onEvent({ type: "retry", method: call.method, url: call.url, attempt: run.attempts, waitMs, failure });
      await sleep(run, waitMs);
      const next = admitted(run);
      if (next === 0) return giveUp(run, result, "circuit-open");
      void letGo(result.response?.body);
      result = await oneTry(run, next);
    } finally {
      endRetry(budget);
    }
  }
  if (run.attempts > 1) {
    const { method, url } = call;
    settings.onEvent({ type: "recovered", method, url, attempts: run.attempts, elapsedMs: elapsed(run) });
  }
  return result.response;
}

/** One try under its deadline; throws only what the caller's abort or a broken call gives. */
async function oneTry(run: Run, permit: number): Promise<Failed | { readonly response: Response }> {
  const { call, settings } = run;
  run.attempts += 1;
  const deadline = new AbortController();
  const left = Math.min(settings.tryMs, settings.deadlineMs - elapsed(run));
  const cancel = settings.platform.after(left, () => deadline.abort());
  const signal = call.signal ? AbortSignal.any([call.signal, deadline.signal]) : deadline.signal;
  let outcome: Outcome = "unknown";
  try {
    const response = await settings.fetch(inputOf(call), { ...call.init, headers: call.headers, signal });
    if (response.body) kept.set(response.body, call);
    const hasFailed = settings.statuses.has(response.status);
    outcome = hasFailed ? "failure" : "success";
    return hasFailed ? await failedResponse(run, response) : { response };
  } catch (error) {
    call.signal?.throwIfAborted();
    const isTimeout = deadline.signal.aborted;
    // The platform tells of every network error by a TypeError (Fetch §5.6).
    if (!isTimeout && !(error instanceof TypeError)) throw error;
    outcome = "failure";
    return { failure: failureOf(run, isTimeout ? "timeout" : "network", { cause: error }) };
  } finally {
    cancel();
    settled(run, permit, outcome);
  }
}

async function failedResponse(run: Run, response: Response): Promise<Failed> {
  const { throwOnStatus, platform } = run.settings;
  const { headers, status } = response;
  let body = "";
  try {
    if (throwOnStatus) body = await readText(response);
    else if (isProblem(headers)) body = await readText(response.clone());
  } catch {
    // The body broke off or its deadline fired: the status and the fields are there all the same.
    run.call.signal?.throwIfAborted();
  }
  // By the server's own clock where it tells it: that of this machine may be wrong.
  const wallClock = parseHttpDate(headers.get("date") ?? "") ?? platform.wallClock();
  const waitMs = retryAfterMs(headers.get("retry-after"), wallClock, DAY_MS);
  const report = readReport(headers, body);
  // "Not retryable" can mean "not idempotent": the gateway does not know what the key is worth to the application.
  const retryable = report.retryable || isIdempotent(run.call.method) ? report.retryable : null;
  const facts = { ...report, retryable, status, headers, body, retryAfterMs: waitMs };
  return { failure: failureOf(run, "status", facts), response };
}

/** The last failure as the caller asked to be told of it. */
function giveUp({ settings }: Run, { failure, response }: Failed, why: RetryRefusal): Response {
  settings.onEvent({ type: "failed", failure, why });
  if (response && !settings.throwOnStatus) return response;
  throw failure;
}

function failureOf(run: Run, kind: FailureKind, facts: Partial<FailureFacts>): RequestFailure {
  const { call, settings, attempts } = run;
  return new RequestFailure({
    ...readReport(new Headers(), ""),
    ...NOTHING,
    ...facts,
    kind,
    method: call.method,
    url: call.url,
    attempts,
    elapsedMs: elapsed(run),
    repeatable: call.repeatable,
    referenceBase: settings.referenceBase,
  });
}

/** What Retry-After asks comes first; the jitter on top keeps callers apart that were told the same. */
function waitBefore({ attempts, settings }: Run, { retryAfterMs }: RequestFailure): Ms {
  return (retryAfterMs ?? 0) + backoffMs(attempts, settings.platform.random(), settings.backoff);
}

function factsOf(run: Run, failure: RequestFailure, waitMs: Ms) {
  const { call, origin, settings } = run;
  return {
    attemptsMade: run.attempts,
    attemptsMax: settings.attempts,
    repeatable: call.repeatable,
    bodyReplayable: call.bodyReplayable,
    refusedByGateway: !failure.retryable,
    waitMs,
    leftMs: settings.deadlineMs - elapsed(run),
    openForMs: openForMs(origin.breaker, settings.platform.now()),
  };
}

/** A permit of the breaker, or 0. */
function admitted({ origin, settings }: Run): number {
  const { breaker, platform } = settings;
  const { phase } = origin.breaker;
  const permit = admit(origin.breaker, platform.now(), platform.random(), breaker);
  tellPhase(origin, settings, phase);
  return permit;
}

function settled({ origin, settings }: Run, permit: number, outcome: Outcome): void {
  const { phase } = origin.breaker;
  settle(origin.breaker, permit, outcome, settings.platform.now(), settings.breaker);
  tellPhase(origin, settings, phase);
}

function tellPhase({ name, breaker }: Origin, { onEvent }: Settings, from: Breaker["phase"]): void {
  if (breaker.phase !== from) onEvent({ type: "circuit", origin: name, from, to: breaker.phase });
}

const elapsed = ({ settings, startMs }: Run): Ms => settings.platform.now() - startMs;

/** Waits; the caller's abort ends it at once. */
function sleep({ call, settings }: Run, ms: Ms): Promise<void> {
  const { signal } = call;
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const abort = (): void => {
      cancel();
      reject(signal!.reason);
    };
    const cancel = settings.platform.after(ms, () => {
      signal?.removeEventListener("abort", abort);
      resolve();
    });
    signal?.addEventListener("abort", abort);
  });
}
