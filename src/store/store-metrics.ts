// What /metrics says of the store: whether it writes, how much it holds, what waits and what it had to drop.
// Read at a scrape only, in the process that has the store.
import type { Metrics } from "../observe/metrics.ts";
import type { StoreState } from "./model.ts";

/** Adds the figures of the store to `metrics`; `read` is called at each scrape. */
export function registerStoreMetrics(metrics: Metrics, read: () => StoreState): void {
  const counter = { type: "counter" } as const;
  metrics.registerGauge("goodgate_store_ok", "1 while the store takes what is written.", () => (read().ok ? 1 : 0));
  metrics.registerGauge("goodgate_store_size_bytes", "What the store holds.", () => read().bytes);
  metrics.registerGauge("goodgate_store_queued", "Entries that wait to be written.", () => read().queued);
  metrics.register("goodgate_store_written_total", "Entries that were written.", () => read().written, counter);
  metrics.register(
    "goodgate_store_dropped_total",
    "Entries that were dropped, since the store took none.",
    () => read().dropped,
    counter,
  );
}
