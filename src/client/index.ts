// goodgate/client: what callers import. Runs wherever fetch does (browsers, Node, Bun, workers); no `node:` imports,
// and nothing of the table of causes: size is part of the interface (test/client.test.ts holds it).
export type { BackoffOptions } from "../resilience/backoff.ts";
export type { BreakerOptions, BreakerPhase } from "../resilience/circuit-breaker.ts";
export type { RetryBudgetOptions } from "../resilience/retry-budget.ts";
export { createFetch } from "./create-fetch.ts";
export type { RetryRefusal } from "./decide.ts";
export type { ClientEvent } from "./events.ts";
export type { ClientOptions, Platform } from "./options.ts";
export { type FailureKind, RequestFailure } from "./request-failure.ts";
