// The traces of a process over the generations of its configuration: while what the configuration says of them stays
// the same, so does the tracer with its queue; else a new one takes over and the old one sends what it has. The
// figures go on over all of them, so that no counter falls.
import { isDeepStrictEqual } from "node:util";
import type { TracesConfig } from "../../config/observability.ts";
import type { Ms } from "../../std/units.ts";
import type { Metrics } from "../metrics.ts";
import { newSpanCounts, type SpanCounts } from "./exporter.ts";
import { Tracer, type TracerOptions } from "./tracer.ts";

/** So long a tracer that was replaced may take to send what it has. */
const REPLACED_GRACE_MS: Ms = 10_000;

export class Traces {
  readonly #version: string;
  readonly #metrics: Metrics;
  readonly #options: TracerOptions;
  readonly #counts: SpanCounts = newSpanCounts();
  readonly #leaving = new Set<Promise<void>>();
  #config: TracesConfig | null = null;
  #tracer: Tracer | null = null;
  #registered = false;

  constructor(version: string, metrics: Metrics, options: TracerOptions = {}) {
    this.#version = version;
    this.#metrics = metrics;
    this.#options = options;
  }

  /** The tracer for a configuration that is taken on; null = it has no traces. */
  tracerFor(config: TracesConfig | null): Tracer | null {
    if (isDeepStrictEqual(config, this.#config)) return this.#tracer;
    if (this.#tracer) {
      const left = this.#tracer.close(REPLACED_GRACE_MS).finally(() => this.#leaving.delete(left));
      this.#leaving.add(left);
    }
    this.#config = config;
    this.#tracer = config && new Tracer(config, this.#version, { ...this.#options, counts: this.#counts });
    if (config && !this.#registered) this.#register();
    return this.#tracer;
  }

  #register(): void {
    this.#registered = true;
    const counts = this.#counts;
    const counter = { type: "counter" } as const;
    this.#metrics.register(
      "goodgate_spans_exported_total",
      "Spans that a collector took.",
      () => counts.exported,
      counter,
    );
    this.#metrics.register(
      "goodgate_spans_dropped_total",
      "Spans that were not exported: the queue was full, failures came in a storm, or the collector did not take them.",
      () => Object.entries(counts.dropped).map(([reason, value]) => [[reason], value] as const),
      { ...counter, labels: ["reason"] },
    );
  }

  /** At the end of the process: sends what waits, for at most so long. */
  async close(graceMs: Ms): Promise<void> {
    await Promise.all([this.#tracer?.close(graceMs), ...this.#leaving]);
  }
}
