// `npm run bench -- [--only a,b] [--workloads a,b] [--rounds N] [--seconds S] [--quick]`
//
// All proxies run at the same time and wait; in each round of each workload every proxy is loaded once, and the order
// is rotated from round to round, so that whatever else the machine does falls on all of them. What is compared is CPU
// time per request: on a noisy machine it holds where requests per second do not. Memory of idle connections is
// measured on fresh processes, one after another.
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { loadGenerator, measure, measureIdle, verify, WORKLOADS } from "./load.mjs";
import {
  accepts,
  findProgram,
  freePort,
  openFilesMax,
  pinning,
  pinSelf,
  residentBytes,
  run,
  start,
  stop,
  stopEverything,
} from "./processes.mjs";
import { PROXIES } from "./proxies.mjs";
import { describeRun, renderReport } from "./report.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const IDLE_CONNECTIONS = 5000;
const WARM_SECONDS = 2;

const options = readOptions();
const scratch = mkdtempSync(join(tmpdir(), "goodgate-bench-"));
process.once("exit", () => {
  stopEverything();
  rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
});
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
]) {
  // `on`: npm passes on what the terminal sent already, and a second signal must not cut the cleaning up short.
  process.on(signal, () => process.exit(code));
}
await main();
process.exit();

async function main() {
  if (loadGenerator === null) fail("wrk is missing, which makes the load. Debian: apt-get install wrk");
  await pinSelf();
  const certificate = await makeCertificate();
  const upstream = await startUpstream();
  const left = [];
  const versions = {};
  const proxies = [];
  for (const proxy of PROXIES.filter(({ name }) => options.only === null || options.only.includes(name))) {
    const version = await proxy.version();
    const instance = version === null ? "not installed" : await launch(proxy, upstream.port, certificate);
    if (typeof instance === "string") {
      left.push(`${proxy.name} (${instance})`);
      say(`left out: ${left.at(-1)}`);
    } else {
      versions[proxy.name] = version;
      proxies.push(instance);
    }
  }
  if (proxies.length === 0) fail("there is nothing to measure");

  for (const proxy of proxies) {
    await measure(WORKLOADS[0], proxy, WARM_SECONDS);
    if (statSync(join(proxy.dir, "access.log"), { throwIfNoEntry: false })?.size > 0) continue;
    left.push(`the access log of ${proxy.name}, which it does not write: its figures flatter it`);
    say(`⚠ ${left.at(-1)}`);
  }
  const results = [];
  for (const workload of WORKLOADS.filter(({ name }) => options.workloads.includes(name))) {
    const those = proxies.filter(({ name }) => workload.only?.includes(name) !== false);
    results.push({ workload, rows: await runWorkload(workload, those) });
  }
  const atRest = new Map(proxies.map(({ name, atRestBytes }) => [name, atRestBytes]));
  for (const proxy of proxies) await stop(proxy.child);
  const idle = options.workloads.includes("idle") ? await runIdle(proxies, upstream.port, certificate) : [];

  const { rounds, seconds } = options;
  const description = await describeRun({ versions, upstream: upstream.kind, rounds, seconds });
  write({ run: description, results, idle, atRest, left });
}

async function runWorkload(workload, proxies) {
  const rows = proxies.map(({ name }) => ({ proxy: name, runs: [] }));
  for (const proxy of proxies) await measure(workload, proxy, 1);
  for (let round = 0; round < options.rounds; round++) {
    for (let turn = 0; turn < proxies.length; turn++) {
      const index = (round + turn) % proxies.length;
      const result = await measure(workload, proxies[index], options.seconds);
      rows[index].runs.push(result);
      const { child, dir } = proxies[index];
      if (child.exitCode !== null) result.errors.push(`it ended: ${await lastLines(dir)}`);
      const flag = result.errors.length === 0 ? "" : `  ⚠ ${result.errors.join("; ")}`;
      say(
        `${workload.name} ${round + 1}/${options.rounds} ${proxies[index].name.padEnd(20)} ` +
          `${result.cpuMicros.toFixed(1).padStart(8)} µs/request ${Math.round(result.requestsPerSecond)} requests/s${flag}`,
      );
    }
  }
  return rows;
}

async function runIdle(proxies, upstreamPort, certificate) {
  const count = Math.min(IDLE_CONNECTIONS, Math.floor((openFilesMax() - 500) / 2));
  const rows = [];
  for (const { name, proxy } of proxies) {
    const instance = await launch(proxy, upstreamPort, certificate);
    if (typeof instance === "string") continue;
    await measure(WORKLOADS[0], instance, WARM_SECONDS);
    const row = { proxy: name, count, ...(await measureIdle(instance, count)) };
    rows.push(row);
    say(`idle ${name.padEnd(20)} ${(row.perConnectionBytes / 1024).toFixed(1)} KiB each ${row.errors.join("; ")}`);
    await stop(instance.child);
  }
  return rows;
}

/** Starts a proxy and looks whether it proxies; a string says why it cannot be measured. */
async function launch(proxy, upstreamPort, certificate) {
  const dir = mkdtempSync(join(scratch, `${proxy.name}-`));
  const [httpPort, httpsPort, adminPort] = [await freePort(), await freePort(), await freePort()];
  const place = { dir, upstreamPort, httpPort, httpsPort, adminPort, ...certificate };
  const errors = join(dir, "stderr.log");
  const child = start({ ...proxy.launch(place), core: pinning?.proxy, stderr: errors, cwd: dir });
  const up = (await accepts(httpPort, child)) && (await accepts(httpsPort, child));
  const wrong = up ? await verify({ httpPort, httpsPort }) : [`does not start: ${await lastLines(dir)}`];
  if (wrong.length > 0) {
    await stop(child);
    return wrong.join("; ");
  }
  return {
    name: proxy.name,
    proxy,
    child,
    dir,
    pid: child.pid,
    httpPort,
    httpsPort,
    atRestBytes: residentBytes(child.pid),
  };
}

async function lastLines(dir) {
  const { output } = await run("tail", ["-q", "-n", "5", join(dir, "stderr.log"), join(dir, "output.log")]);
  return output.trim().replaceAll("\n", " / ");
}

async function makeCertificate() {
  const [cert, key] = [join(scratch, "cert.pem"), join(scratch, "key.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const { code, output } = await run("openssl", ["req", "-x509", ...kind, ...subject, "-keyout", key, "-out", cert]);
  if (code !== 0) fail(`openssl made no certificate: ${output}`);
  return { cert, key };
}

async function startUpstream() {
  const compiler = ["cc", "gcc", "clang"].map(findProgram).find((path) => path !== null);
  const binary = join(scratch, "upstream");
  const built =
    compiler !== undefined && (await run(compiler, ["-O2", "-o", binary, join(here, "upstream.c")])).code === 0;
  const child = start(
    built
      ? { command: binary, args: [], core: pinning?.load }
      : { command: process.execPath, args: [join(here, "upstream.mjs")], core: pinning?.load },
  );
  const port = await new Promise((resolve, reject) => {
    child.stdout.once("data", (chunk) => resolve(Number(chunk)));
    child.once("close", () => reject(new Error("the upstream ended at once")));
  });
  return { port, kind: built ? "C, epoll (bench/upstream.c)" : "node:http (bench/upstream.mjs)" };
}

function write(report) {
  const markdown = renderReport(report);
  const folder = join(here, "results");
  mkdirSync(folder, { recursive: true });
  const json = { ...report, atRest: Object.fromEntries(report.atRest) };
  writeFileSync(join(folder, "latest.json"), `${JSON.stringify(json, null, 2)}\n`);
  writeFileSync(join(folder, "latest.md"), `${markdown}\n`);
  process.stdout.write(`\n${markdown}\n`);
}

function readOptions() {
  const known = [...WORKLOADS.map(({ name }) => name), "idle"];
  const list = (value) => value.split(",").filter((name) => name !== "");
  const { values } = parseOrFail({
    only: { type: "string" },
    workloads: { type: "string" },
    rounds: { type: "string" },
    seconds: { type: "string" },
    quick: { type: "boolean", default: false },
  });
  const only = values.only === undefined ? (values.quick ? ["goodgate", "nginx"] : null) : list(values.only);
  const workloads = values.workloads === undefined ? (values.quick ? ["get1k"] : known) : list(values.workloads);
  const names = PROXIES.map(({ name }) => name);
  for (const name of only ?? []) if (!names.includes(name)) fail(`--only ${name}: there are ${names.join(", ")}`);
  for (const name of workloads) if (!known.includes(name)) fail(`--workloads ${name}: there are ${known.join(", ")}`);
  const rounds = Number(values.rounds ?? (values.quick ? 7 : 3));
  const seconds = Number(values.seconds ?? (values.quick ? 5 : 3));
  if (!(Number.isInteger(rounds) && rounds > 0 && Number.isInteger(seconds) && seconds > 0)) {
    fail("--rounds and --seconds are whole numbers from 1");
  }
  return { only, workloads, rounds, seconds };
}

function parseOrFail(known) {
  try {
    return parseArgs({ options: known });
  } catch (error) {
    return fail(error.message);
  }
}

function say(line) {
  process.stderr.write(`${line}\n`);
}

/** @returns {never} */
function fail(message) {
  say(`bench: ${message}`);
  process.exit(2);
}
