// `node bench/restart/soak.mjs [--minutes 15] [--rate 300] [--quiet 65] [--json FILE]`
//
// Goodgate at work for long: mixed load (pages, slow ones, large ones, orders, uploads, event streams) over three
// endpoints, of which one after the other is killed, ended or frozen at random, while the configuration is reloaded at
// random. Every answer is held against what was asked, every POST against what the applications had in hands, every
// error against the gateway's log: the only ones that are excused are those that no gateway can avoid (soak-audit.mjs).
// Memory and descriptors are compared before, during and after a pause of `--quiet` seconds, in which old generations
// of the configuration end (60 s). Ends with 1 where something is off.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { residentBytes, stop } from "../processes.mjs";
import { createClient, openLoop } from "./client.mjs";
import { Endpoints } from "./endpoints.mjs";
import { launch, versionOf } from "./gateways.mjs";
import { accountOf, countUp } from "./log.mjs";
import { audit } from "./soak-audit.mjs";
import { folder, numberOf, percentile, readArguments, say, table, tally, writeJson } from "./stage.mjs";

const ENDPOINTS = 3;
const START_MS = 600;
const FREEZE_MS = 3_000;
/** Disturbances and reloads each come after a pause of 10 to 30 s. */
const PAUSE_MS = [10_000, 30_000];
const CALM_END_MS = 6_000;
const WARM_SECONDS = 10;
/** After the last request idle connections to endpoints are closed. */
const SETTLE_MS = 6_000;
const SAMPLE_MS = 5_000;
/** A heap that was at work stays larger than a fresh one; one that grows with the requests passes this in minutes. */
const RSS_GROWTH_MAX = { times: 1.5, bytes: 64 * 1024 * 1024 };
/** From 128 connections on 15 more acceptors stay open; a leak at each restart or reload soon passes this. */
const DESCRIPTORS_GROWTH_MAX = 24;

const values = readArguments({
  minutes: { type: "string", default: "15" },
  rate: { type: "string", default: "300" },
  quiet: { type: "string", default: "65" },
  json: { type: "string" },
});
const options = {
  seconds: numberOf("minutes", values.minutes, 0.2) * 60,
  rate: numberOf("rate", values.rate, 1),
  quietSeconds: numberOf("quiet", values.quiet, 0),
};
const uploads = [20_000, 100_000, 600_000].map((size) => {
  const body = Buffer.alloc(size, `upload of ${size} `);
  return { body, sha1: createHash("sha1").update(body).digest("hex") };
});
process.exit(await main());

async function main() {
  const dir = folder("soak");
  const endpoints = new Endpoints({ startMs: START_MS, dir });
  await endpoints.start(ENDPOINTS);
  const gateway = await launch("goodgate", { "": endpoints.addresses }, dir);
  const warm = await load(gateway, "warm", WARM_SECONDS, []);
  await sleep(SETTLE_MS);
  const before = await takeStock(gateway);

  say(`${options.seconds} s at ${options.rate} requests/s`);
  const work = { over: false, reloads: 0, from: performance.now() };
  const samples = [];
  const disturbing = [disturb(endpoints, work), reload(gateway, work), sample(gateway, work, samples)];
  const results = [];
  const { lateMsMax } = await load(gateway, "s", options.seconds, results);
  work.over = true;
  await Promise.all(disturbing);

  say(`quiet for ${options.quietSeconds} s`);
  await sleep(SETTLE_MS + options.quietSeconds * 1000);
  const after = await takeStock(gateway);
  const died = gateway.child.exitCode !== null;
  await stop(gateway.child);
  await endpoints.stop();
  const quarters = [0.25, 0.5, 0.75, 1].map((share) => samples[Math.ceil(samples.length * share) - 1]);
  const stock = { before, quarters, during: peakOf(samples), after };
  const checked = await audit(results, endpoints, gateway.accessLog);
  const account = await accountOf(gateway.accessLog);
  const reloadsDone = readFileSync(gateway.ownLog, "utf8").split("reloaded").length - 1;
  const wrong = whatIsOff({ checked, stock, died, warm, reloads: work.reloads, reloadsDone });
  const report = { ...summarise(results, endpoints, work), lateMsMax, checked, stock, account, wrong };
  process.stdout.write(`${render(report, await versionOf("goodgate"))}\n`);
  writeJson(values.json, { at: new Date().toISOString(), node: process.version, options, ...report, samples });
  return wrong.length === 0 ? 0 : 1;
}

async function load(gateway, prefix, seconds, results) {
  const client = createClient(gateway.port);
  let failed = 0;
  const issue = async (n) => {
    const result = await client.send(ask(`${prefix}-${n}`, n));
    results.push(result);
    if (result.outcome !== "ok") failed += 1;
  };
  const { lateMsMax } = await openLoop({ rate: options.rate, seconds, issue });
  client.close();
  return { lateMsMax: Math.round(lateMsMax), failed };
}

/** Of 20 requests: 9 pages, 2 slow ones, 2 large ones, 4 orders, 2 uploads, 1 event stream; 1 of 10 connections is new. */
function ask(id, n) {
  const fresh = Math.random() < 0.1;
  const turn = n % 20;
  if (turn < 9) return { id, method: "GET", path: "/", fresh, expected: `page ${id}\n` };
  if (turn < 11) return { id, method: "GET", path: "/slow?ms=50", fresh, expected: `page ${id}\n` };
  if (turn < 13) {
    const size = 1_000 + Math.floor(Math.random() * 400_000);
    return { id, method: "GET", path: `/bytes?n=${size}`, fresh, expected: Buffer.alloc(size, `${id}\n`) };
  }
  if (turn < 17) {
    const body = Buffer.from(`item=${id}`);
    const sha1 = createHash("sha1").update(body).digest("hex");
    return { id, method: "POST", path: "/order?ms=5", body, fresh, expected: `order ${id} ${sha1}\n` };
  }
  if (turn < 19) {
    const { body, sha1 } = uploads[Math.floor(Math.random() * uploads.length)];
    return { id, method: "POST", path: "/order?ms=0", body, fresh, expected: `order ${id} ${sha1}\n` };
  }
  const events = Array.from({ length: 10 }, (_, i) => `data: ${id} ${i}\n\n`).join("");
  return { id, method: "GET", path: "/events?n=10&every=100", fresh, expected: events };
}

async function disturb(endpoints, work) {
  while (await pause(work)) {
    const index = Math.floor(Math.random() * ENDPOINTS);
    const kind = Math.random();
    if (kind < 1 / 3) await endpoints.restart(index, "SIGKILL");
    else if (kind < 2 / 3) await endpoints.restart(index, "SIGTERM");
    else await endpoints.freeze(index, FREEZE_MS);
  }
}

async function reload(gateway, work) {
  while (await pause(work)) {
    gateway.child.kill("SIGHUP");
    work.reloads += 1;
  }
}

/** Waits for its turn; false where the load is over, or too soon over for another. */
async function pause(work) {
  const [least, most] = PAUSE_MS;
  const until = performance.now() + least + Math.random() * (most - least);
  const last = work.from + options.seconds * 1000 - CALM_END_MS;
  if (until > last) return false;
  await sleep(until - performance.now());
  return !work.over;
}

async function sample(gateway, work, samples) {
  while (!work.over) {
    samples.push({ atMs: Math.round(performance.now() - work.from), ...(await takeStock(gateway)) });
    await sleep(SAMPLE_MS);
  }
}

async function takeStock({ child, consolePort }) {
  if (child.exitCode !== null) return { rssBytes: 0, heapBytes: null, descriptors: 0 };
  const text = await fetch(`http://127.0.0.1:${consolePort}/metrics`, { headers: { connection: "close" } }).then(
    (response) => response.text(),
    () => "",
  );
  const heap = /^\w*heap\w*used\w*(?:\{[^}]*\})? ([\d.e+]+)$/im.exec(text)?.[1];
  return {
    rssBytes: residentBytes(child.pid),
    heapBytes: heap === undefined ? null : Number(heap),
    descriptors: readdirSync(`/proc/${child.pid}/fd`).length,
  };
}

function peakOf(samples) {
  const most = (read) => samples.reduce((max, each) => Math.max(max, read(each) ?? 0), 0);
  const heapBytes = most((each) => each.heapBytes);
  return {
    rssBytes: most((each) => each.rssBytes),
    heapBytes: heapBytes === 0 ? null : heapBytes,
    descriptors: most((each) => each.descriptors),
  };
}

function whatIsOff({ checked, stock, died, warm, reloads, reloadsDone }) {
  const { before, after } = stock;
  const wrong = [];
  if (died) wrong.push("the gateway ended");
  if (warm.failed > 0) wrong.push(`${warm.failed} errors before anything was disturbed`);
  if (reloadsDone !== reloads) wrong.push(`${reloads} reloads were asked for and ${reloadsDone} done`);
  if (checked.unexcused.length > 0) wrong.push(`${checked.unexcused.length} errors that could have been avoided`);
  if (checked.wrongBodies > 0) wrong.push(`${checked.wrongBodies} wrong bodies`);
  if (checked.postTwice.length > 0) wrong.push(`${checked.postTwice.length} POSTs delivered twice`);
  if (checked.postLost.length > 0) wrong.push(`${checked.postLost.length} POSTs answered and never delivered`);
  const rssMax = Math.max(before.rssBytes * RSS_GROWTH_MAX.times, before.rssBytes + RSS_GROWTH_MAX.bytes);
  if (after.rssBytes > rssMax) wrong.push(`memory grew from ${mebi(before.rssBytes)} to ${mebi(after.rssBytes)} MiB`);
  if (after.descriptors > before.descriptors + DESCRIPTORS_GROWTH_MAX) {
    wrong.push(`descriptors grew from ${before.descriptors} to ${after.descriptors}`);
  }
  return wrong;
}

function summarise(results, endpoints, work) {
  // An event stream lasts as long as it is asked to.
  const timed = results.filter(({ outcome, path }) => outcome === "ok" && !path.startsWith("/events"));
  const sorted = timed.map(({ latencyMs }) => latencyMs).sort((a, b) => a - b);
  const errors = {};
  for (const { method, outcome } of results) if (outcome !== "ok") countUp(errors, `${method} ${outcome}`);
  const disturbances = {};
  for (const { kind } of endpoints.disturbances) countUp(disturbances, kind);
  const [p50, p99, max] = [0.5, 0.99, 1].map((share) => Math.round((percentile(sorted, share) ?? 0) * 10) / 10);
  return { requests: results.length, errors, disturbances, reloads: work.reloads, latencyMs: { p50, p99, max } };
}

function render(report, version) {
  const { requests, errors, disturbances, reloads, latencyMs, checked, stock, account, wrong } = report;
  const stockRow = (name, { rssBytes, heapBytes, descriptors }) => [
    name,
    mebi(rssBytes),
    heapBytes === null ? "-" : mebi(heapBytes),
    descriptors,
  ];
  return [
    `soak of goodgate ${version}: ${requests} requests in ${options.seconds / 60} min, ${tally(disturbances)}, ${reloads} reloads`,
    `latency without the event streams: p50 ${latencyMs.p50} ms, p99 ${latencyMs.p99} ms, max ${latencyMs.max} ms; the client was late by ${report.lateMsMax} ms at most`,
    `client errors: ${tally(errors)}`,
    `  that no gateway can avoid: ${tally(checked.excused)}`,
    `  others: ${checked.unexcused.length}`,
    ...checked.unexcused.slice(0, 20).map((each) => `    ${JSON.stringify(each)}`),
    `wrong bodies: ${checked.wrongBodies}; POSTs delivered twice: ${checked.postTwice.length}; answered and not delivered: ${checked.postLost.length}`,
    `avoided, by its log: ${tally(account.avoided)}; held: ${account.held}, the longest ${account.heldMsMax} ms`,
    "",
    table([
      ["", "RSS MiB", "heap MiB", "descriptors"],
      stockRow("before", stock.before),
      ...stock.quarters.map((each, i) => stockRow(`after ${i + 1} of 4 quarters`, each)),
      stockRow("during, at most", stock.during),
      stockRow(`after ${options.quietSeconds} s of quiet`, stock.after),
    ]),
    "",
    wrong.length === 0 ? "Nothing is off." : `OFF: ${wrong.join("; ")}.`,
  ].join("\n");
}

function mebi(bytes) {
  return (bytes / 1024 / 1024).toFixed(1);
}
