// `npm run simulate -- --seeds N [--seed S] [--workers W]`: the simulation of test/simulation/ over N seeds, from seed S
// on (1 unless it is said), in W processes. A seed that fails is told with what was broken, the last things that happened
// and the command that runs it again; the exit code is 1 then. `--seed S` alone runs that seed and shows more of it.
import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { installPackages, root } from "./prepare.mjs";

const FAILURES_SHOWN = 5;
const LINES_SHOWN = 40;
const LINES_OF_ONE_SEED = 400;
const SEEDS = 1_000;

const options = readOptions();
if (!options) process.exitCode = 2;
else if (!(await installPackages(root))) process.exitCode = 1;
else await run(options);

/** @returns {{ first: number, end: number, workers: number, lines: number } | null} */
function readOptions() {
  try {
    const { values } = parseArgs({
      options: { seeds: { type: "string" }, seed: { type: "string" }, workers: { type: "string" } },
    });
    const first = whole(values.seed ?? "1", "--seed");
    const seeds = whole(values.seeds ?? (values.seed === undefined ? String(SEEDS) : "1"), "--seeds");
    const workers = Math.min(seeds, whole(values.workers ?? String(availableParallelism()), "--workers"));
    const single = seeds === 1;
    return { first, end: first + seeds, workers, lines: single ? LINES_OF_ONE_SEED : LINES_SHOWN };
  } catch (error) {
    process.stderr.write(`${error.message}\n→ npm run simulate -- --seeds N [--seed S] [--workers W]\n`);
    return null;
  }
}

function whole(text, name) {
  if (!/^\d{1,9}$/.test(text) || Number(text) < 1) throw new Error(`${name} ${text}: a whole number from 1 on`);
  return Number(text);
}

async function run({ first, end, workers, lines }) {
  const folder = mkdtempSync(join(tmpdir(), "goodgate-simulate-"));
  try {
    const program = await bundle(folder);
    const began = performance.now();
    const total = { seeds: 0, requests: 0, steps: 0, virtualMs: 0, counts: {} };
    const failed = [];
    const onMessage = (message) => {
      if (message.progress) addTo(total, message.progress);
      if (!message.failed) return;
      failed.push(message.failed.seed);
      if (failed.length <= FAILURES_SHOWN) show(message.failed, lines);
    };
    const ticking = setInterval(() => report(total, failed.length, end - first, began, "\n"), 5_000);
    const codes = await Promise.all(
      Array.from({ length: workers }, (_, index) =>
        work(program, { first: first + index, end, stride: workers }, onMessage),
      ),
    );
    clearInterval(ticking);
    finish(total, failed, end - first, began, codes);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One file of the simulation and all of src/ that it needs: Node 20 runs no TypeScript. */
async function bundle(folder) {
  const { rolldown } = await import("rolldown");
  const built = await rolldown({ input: join(root, "test/simulation/run.ts"), platform: "node", logLevel: "warn" });
  const file = join(folder, "simulate.mjs");
  await built.write({ file, format: "es" });
  await built.close();
  return file;
}

/** Resolves with the exit code of one process. */
function work(program, share, onMessage) {
  return new Promise((resolve) => {
    const child = fork(program, { stdio: "inherit" });
    child.on("message", onMessage);
    child.once("close", (code, signal) => resolve(code ?? signal));
    child.send(share);
  });
}

function addTo(total, { seeds, requests, steps, virtualMs, counts }) {
  total.seeds += seeds;
  total.requests += requests;
  total.steps += steps;
  total.virtualMs += virtualMs;
  for (const [what, count] of Object.entries(counts)) total.counts[what] = (total.counts[what] ?? 0) + count;
}

function report(total, failures, seeds, began, end) {
  const seconds = (performance.now() - began) / 1000;
  const speed = Math.round(total.requests / seconds).toLocaleString("en");
  process.stderr.write(
    `${total.seeds} of ${seeds} seeds, ${failures} failed; ${total.requests.toLocaleString("en")} requests, ${speed}/s${end}`,
  );
}

function show({ seed, violations, lines, configs, requests, digest }, count) {
  process.stdout.write(`\n✗ seed ${seed} (${requests} requests)\n`);
  for (const violation of violations) process.stdout.write(`  ${violation}\n`);
  process.stdout.write(`  the last ${Math.min(count, lines.length)} events (trace ${digest}):\n`);
  for (const line of lines.slice(-count)) process.stdout.write(`    ${line}\n`);
  if (count > LINES_SHOWN) for (const config of configs) process.stdout.write(`  configuration: ${config}\n`);
  process.stdout.write(`→ npm run simulate -- --seed ${seed}\n`);
}

function finish(total, failed, seeds, began, codes) {
  report(total, failed.length, seeds, began, "\n");
  const hours = (total.virtualMs / 3_600_000).toFixed(1);
  const counts = Object.entries(total.counts).sort(([, a], [, b]) => b - a);
  process.stdout.write(`${total.seeds} seeds, ${hours} hours of virtual time, ${total.steps} steps\n`);
  process.stdout.write(`${counts.map(([what, count]) => `${what} ${count}`).join(", ")}\n`);
  const died = codes.filter((code) => code !== 0);
  if (died.length > 0) process.stdout.write(`✗ ${died.length} processes ended with ${died.join(", ")}\n`);
  if (failed.length > 0) process.stdout.write(`✗ ${failed.length} seeds failed: ${failed.slice(0, 50).join(" ")}\n`);
  else if (died.length === 0) process.stdout.write("✓ no seed failed\n");
  process.exitCode = failed.length > 0 || died.length > 0 || total.seeds < seeds ? 1 : 0;
}
