// One process of `npm run simulate`: runs its share of the seeds and tells the parent of each second's work and of each
// seed that failed. With one seed it is asked for everything that happened.
import { type SimulationResult, simulate } from "./simulate.ts";

/** What the parent asks for. */
interface Share {
  readonly first: number;
  readonly end: number;
  readonly stride: number;
}

/** Work since the last report. */
export interface Progress {
  seeds: number;
  requests: number;
  steps: number;
  virtualMs: number;
  counts: Record<string, number>;
}

const REPORT_MS = 500;

process.once("message", (share: Share) => {
  void work(share);
});

async function work({ first, end, stride }: Share): Promise<void> {
  let progress = nothing();
  let reportedAt = performance.now();
  for (let seed = first; seed < end; seed += stride) {
    const result = await simulate(seed);
    add(progress, result);
    if (result.violations.length > 0) await tell({ failed: { ...result, counts: null } });
    if (performance.now() - reportedAt < REPORT_MS) continue;
    await tell({ progress });
    progress = nothing();
    reportedAt = performance.now();
  }
  await tell({ progress });
  process.disconnect();
}

function nothing(): Progress {
  return { seeds: 0, requests: 0, steps: 0, virtualMs: 0, counts: {} };
}

function add(progress: Progress, result: SimulationResult): void {
  progress.seeds++;
  progress.requests += result.requests;
  progress.steps += result.steps;
  progress.virtualMs += result.virtualMs;
  for (const [what, count] of result.counts) progress.counts[what] = (progress.counts[what] ?? 0) + count;
}

/** Resolves when the parent has it: reports do not pile up. */
function tell(message: object): Promise<void> {
  return new Promise((resolve) => process.send!(message, () => resolve()));
}
