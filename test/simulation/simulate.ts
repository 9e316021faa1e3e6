// Runs one seed: the world until every client has gone, then a while in which everything has to come to rest.
import { useClock } from "../../src/std/clock.ts";
import { setLogSink } from "../../src/std/log.ts";
import type { Planned } from "./scheduler.ts";
import { World } from "./world.ts";

const HOUR_MS = 3_600_000;
/** Longer than a linger, an idle connection and the wheel's turn. */
const REST_MS = 65_000;
const GONE_MS = 25_000;

export interface SimulationResult {
  readonly seed: number;
  readonly requests: number;
  readonly steps: number;
  readonly virtualMs: number;
  /** A hash over all that happened. */
  readonly digest: string;
  /** What was broken; empty = nothing. */
  readonly violations: readonly string[];
  /** The configurations, as JSON. */
  readonly configs: readonly string[];
  /** The last things that happened. */
  readonly lines: readonly string[];
  readonly counts: ReadonlyMap<string, number>;
}

/** Runs a seed to its end, or to the first violation. */
export async function simulate(seed: number): Promise<SimulationResult> {
  const world = new World(seed);
  const { scheduler, gateway } = world;
  const beganAt = scheduler.now;
  const broken = (): boolean => world.violations.length > 0;
  const restore = borrow(world);
  try {
    await scheduler.run(beganAt + HOUR_MS, () => broken() || world.openRequests === 0);
    if (!broken() && world.openRequests > 0) world.violated(`${world.openRequests} requests have no outcome`);
    await scheduler.run(scheduler.now + REST_MS, broken);
    if (!broken()) gateway.checkQuiet();
    if (!broken()) gateway.close();
    await scheduler.run(scheduler.now + GONE_MS, broken);
    if (!broken()) gateway.checkGone();
  } catch (error) {
    world.violated(error instanceof Error ? (error.stack ?? error.message) : String(error));
  } finally {
    restore();
  }
  return {
    seed,
    requests: world.requests.length,
    steps: scheduler.steps,
    virtualMs: scheduler.now - beganAt,
    digest: scheduler.digest,
    violations: world.violations,
    configs: world.configs.map((config) => JSON.stringify([...config.upstreams.values(), config.client.timeouts])),
    lines: scheduler.lines,
    counts: world.counts,
  };
}

/** Gives node's own turn of the loop and the program's log to the world for a while. */
function borrow(world: World): () => void {
  const { setImmediate: immediate, clearImmediate: clear } = globalThis;
  const { scheduler } = world;
  const planImmediate = (action: () => void) => scheduler.after(0, action);
  globalThis.setImmediate = planImmediate as unknown as typeof setImmediate;
  globalThis.clearImmediate = ((planned: Planned) => planned.cancel()) as unknown as typeof clearImmediate;
  // What is thrown outside of every guard would end the program.
  process.setUncaughtExceptionCaptureCallback((error) => world.violated(`uncaught: ${error.stack ?? error.message}`));
  const sink = setLogSink((line) => {
    if (line.includes("internal error")) world.violated(line);
  });
  return () => {
    globalThis.setImmediate = immediate;
    globalThis.clearImmediate = clear;
    process.setUncaughtExceptionCaptureCallback(null);
    setLogSink(sink);
    useClock(null);
  };
}
