// What a run of the benchmark says: medians with their range, ratios to nginx, what was promised beside what was
// measured, and the machine, without which a figure means nothing.
import { cpus, release, totalmem } from "node:os";
import { findProgram, pinning, run } from "./processes.mjs";

/** What the data path has to reach, as ratios of CPU time per request (goodgate over the other), or in KiB. */
const GOALS = [
  { workload: "get1k", than: "nginx", atMost: 1.3 },
  { workload: "get1m", than: "nginx", atMost: 1.0 },
  { workload: "get1k", than: "http-proxy-3", atMost: 1 / 5 },
  { workload: "get1k", than: "httpxy", atMost: 1 / 5 },
  { workload: "get1k", than: "fastify-http-proxy", atMost: 1 / 5 },
  { workload: "get1k", than: "node-http-undici", atMost: 1 / 2 },
  { workload: "get1k", than: "caddy", atMost: 1 / 3 },
];
const IDLE_KIB_MAX = 8;
const OURS = "goodgate";

/** The machine, the programs and the way of the run. */
export async function describeRun({ versions, upstream, rounds, seconds }) {
  const wrk = (await run(findProgram("wrk"), ["-v"])).output.split("\n")[0]?.split("[")[0]?.trim() ?? "wrk";
  return {
    date: new Date().toISOString(),
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    load: wrk,
    upstream,
    pinning: pinning === null ? "none" : `proxy on core ${pinning.proxy}, load and upstream on core ${pinning.load}`,
    rounds,
    seconds,
    versions,
  };
}

/** The whole report as Markdown. */
export function renderReport({ run: description, results, idle, atRest, left }) {
  return [
    "# Benchmark",
    "",
    ...describe(description, left),
    ...results.flatMap(({ workload, rows }) => renderWorkload(workload, rows)),
    ...renderMemory(atRest, idle),
    ...renderGoals(results, idle),
  ].join("\n");
}

function describe(d, left) {
  return [
    `${d.date} · ${d.cpu}, ${d.cores} cores, ${d.memoryGib} GiB · Linux ${d.kernel} · Node ${d.node}`,
    "",
    `Load: ${d.load}; upstream: ${d.upstream}; ${d.pinning}. ${d.rounds} rounds of ${d.seconds} s for each proxy and`,
    "workload, the proxies in turn within each round; median (lowest–highest). All on loopback, one worker each, access",
    "log to a file and metrics on. CPU is user + system time of the proxy's processes over the requests that wrk counted.",
    "",
    `Versions: ${Object.entries(d.versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(", ")}.`,
    ...left.map((line) => `Left out: ${line}.`),
    "",
  ];
}

function renderWorkload(workload, rows) {
  const nginx = rows.find(({ proxy }) => proxy === "nginx");
  const reference = nginx === undefined ? null : medianCpu(nginx);
  const large = workload.bytes !== undefined;
  const heads = ["proxy", "CPU µs/request", "of it user", "to nginx", "requests/s", "p50 ms", "p99 ms", "RSS MB"];
  if (large) heads.push("CPU s/GiB");
  const lines = rows.map(({ proxy, runs }) => {
    const served = runs.filter(({ requests }) => requests > 0);
    if (served.length === 0) return row([proxy, ...heads.slice(1).map(() => "–")]);
    const of = (pick) => served.map(pick);
    const cpu = of(({ cpuMicros }) => cpuMicros);
    const cells = [
      proxy,
      `${figure(median(cpu))} (${figure(Math.min(...cpu))}–${figure(Math.max(...cpu))})`,
      figure(median(of(({ userMicros }) => userMicros))),
      reference === null ? "" : (median(cpu) / reference).toFixed(2),
      Math.round(median(of(({ requestsPerSecond }) => requestsPerSecond))).toLocaleString("en"),
      figure(median(of(({ p50Ms }) => p50Ms))),
      figure(median(of(({ p99Ms }) => p99Ms))),
      figure(median(of(({ residentBytes }) => residentBytes)) / 1e6),
    ];
    if (large) cells.push(((median(cpu) / 1e6) * (2 ** 30 / workload.bytes)).toFixed(2));
    return row(cells);
  });
  const problems = rows.flatMap(({ proxy, runs }) =>
    runs.flatMap(({ errors }, round) => errors.map((error) => `⚠ ${proxy}, round ${round + 1}: ${error}`)),
  );
  return [
    `## ${workload.title} (${workload.name})`,
    "",
    ...table(heads, lines),
    "",
    ...problems.flatMap((problem) => [problem, ""]),
  ];
}

function renderMemory(atRest, idle) {
  if (idle.length === 0) return [];
  const lines = idle.map(({ proxy, count, restBytes, withIdleBytes, perConnectionBytes, errors }) =>
    row([
      proxy,
      figure((atRest.get(proxy) ?? Number.NaN) / 1e6),
      figure(restBytes / 1e6),
      figure(withIdleBytes / 1e6),
      (perConnectionBytes / 1024).toFixed(1) + (errors.length > 0 ? ` ⚠ ${errors.join("; ")}` : ""),
      count.toLocaleString("en"),
    ]),
  );
  const heads = [
    "proxy",
    "RSS MB at start",
    "after load",
    "with idle connections",
    "KiB per idle connection",
    "connections",
  ];
  return ["## Memory of idle connections (idle)", "", ...table(heads, lines), ""];
}

function renderGoals(results, idle) {
  const lines = [];
  for (const { workload, than, atMost } of GOALS) {
    const rows = results.find((result) => result.workload.name === workload)?.rows ?? [];
    const [ours, theirs] = [OURS, than].map((name) => rows.find(({ proxy }) => proxy === name));
    if (ours === undefined || theirs === undefined) continue;
    const ratio = medianCpu(ours) / medianCpu(theirs);
    lines.push(
      row([`${workload}: CPU against ${than}`, `≤ ${atMost.toFixed(2)}`, ratio.toFixed(2), mark(ratio <= atMost)]),
    );
  }
  const own = idle.find(({ proxy }) => proxy === OURS);
  if (own !== undefined) {
    const kib = own.perConnectionBytes / 1024;
    lines.push(row(["idle: KiB per connection", `≤ ${IDLE_KIB_MAX}`, kib.toFixed(1), mark(kib <= IDLE_KIB_MAX)]));
  }
  return lines.length === 0 ? [] : ["## Goals", "", ...table(["what", "goal", "measured", ""], lines), ""];
}

function medianCpu({ runs }) {
  return median(runs.filter(({ requests }) => requests > 0).map(({ cpuMicros }) => cpuMicros));
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function figure(value) {
  if (!Number.isFinite(value)) return "–";
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function mark(reached) {
  return reached ? "✓" : "✗";
}

function table(heads, rows) {
  return [row(heads), row(heads.map((_, column) => (column === 0 ? "---" : "---:"))), ...rows];
}

function row(cells) {
  return `| ${cells.join(" | ")} |`;
}
