// How many retries may be under way at once: a share of the requests that are active, and always a few. When an
// upstream fails as a whole, every request wants its retry; the budget keeps that from doubling the load on it.
// Callers keep one budget per upstream (or origin) and balance each begin with an end.

export interface RetryBudgetOptions {
  /** Of the active requests: 0.2 = one retry for each five. */
  readonly share: number;
  /** So many retries are allowed however few requests are active. */
  readonly least: number;
}

/** What is under way. */
export interface RetryBudget {
  requests: number;
  retries: number;
}

export const RETRY_BUDGET: RetryBudgetOptions = { share: 0.2, least: 3 };

export function newRetryBudget(): RetryBudget {
  return { requests: 0, retries: 0 };
}

/** A request begins; it counts once, however often it is tried. */
export function beginRequest(budget: RetryBudget): void {
  budget.requests += 1;
}

/** Its outcome is known. */
export function endRequest(budget: RetryBudget): void {
  budget.requests -= 1;
}

/** Whether one more retry may begin. */
export function mayRetry({ requests, retries }: RetryBudget, options: RetryBudgetOptions = RETRY_BUDGET): boolean {
  return retries < Math.max(options.least, Math.floor(requests * options.share));
}

/** Takes room for one retry (its wait included); false = there is none. */
export function beginRetry(budget: RetryBudget, options: RetryBudgetOptions = RETRY_BUDGET): boolean {
  if (!mayRetry(budget, options)) return false;
  budget.retries += 1;
  return true;
}

/** The retry has its outcome. */
export function endRetry(budget: RetryBudget): void {
  budget.retries -= 1;
}
