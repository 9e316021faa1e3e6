// What the process costs: the metrics that every Prometheus client has, under their customary names.
// Read at a scrape only.
import { readdirSync, readFileSync, statSync } from "node:fs";
import type { Metrics } from "./metrics.ts";

/** Adds CPU, memory, descriptors, start time and the build to `metrics`. */
export function registerProcessMetrics(metrics: Metrics, version: string): void {
  const startedAtS = Date.now() / 1000 - process.uptime();
  const fdsMax = descriptorLimit();
  metrics.register("process_cpu_seconds_total", "CPU time, user and system.", cpuSeconds, { type: "counter" });
  metrics.registerGauge("process_resident_memory_bytes", "Resident memory.", process.memoryUsage.rss);
  metrics.registerGauge("process_open_fds", "Open file descriptors.", openDescriptors);
  if (fdsMax !== null) {
    metrics.registerGauge("process_max_fds", "Limit of open file descriptors of one process.", () => fdsMax, {
      merge: "min",
    });
  }
  metrics.registerGauge("process_start_time_seconds", "Start, in seconds since 1970.", () => startedAtS, {
    merge: "min",
  });
  const labels = [version, process.version];
  metrics.registerGauge("goodgate_build_info", "Version of Goodgate and of Node.", () => [[labels, 1]], {
    labels: ["version", "node"],
    merge: "max",
  });
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Open files of this process. Linux 6.2 and later tell the number as the directory's size; before, it must be read. */
export function openDescriptors(): number | readonly [] {
  try {
    return statSync("/proc/self/fd").size || readdirSync("/proc/self/fd").length;
  } catch {
    // No /proc on this system: no such series.
    return [];
  }
}

/** How many files this process may have open; Node raises the soft limit to the hard one when it starts. */
export function descriptorLimit(): number | null {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1];
    return limit === undefined ? null : Number(limit);
  } catch {
    // No /proc on this system: no such series.
    return null;
  }
}
