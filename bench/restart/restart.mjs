// `node bench/restart/restart.mjs [--peer goodgate|nginx|nginx-max-fails-0|haproxy|all] [--seconds 30] [--rate 200]
//   [--endpoints 1|3] [--kind kill|term|rolling|freeze] [--start-ms 600] [--json FILE]`
//
// What visitors see while the application behind a gateway is restarted. Every 5 s: one endpoint, each in its turn, is
// killed (kill: SIGKILL) or ended (term: SIGTERM) and started again, or stands still for 3 s (freeze: SIGSTOP); rolling
// ends all of them, one after the other. Four fifths are GET, a fifth POST; a tenth comes over a new connection.
// Each gateway has the machine to itself. A POST that was in the application's hands when it died cannot be saved by
// any gateway, since nobody may send it again: it is an error all the same, and is named.
import { setTimeout as sleep } from "node:timers/promises";
import { stop } from "../processes.mjs";
import { createClient, openLoop } from "./client.mjs";
import { Endpoints } from "./endpoints.mjs";
import { launch, PEERS, versionOf } from "./gateways.mjs";
import { accountOf, countUp } from "./log.mjs";
import { folder, listOf, numberOf, oneOf, percentile, readArguments, say, table, tally, writeJson } from "./stage.mjs";

const EVERY_MS = 5_000;
const FREEZE_MS = 3_000;
/** Nothing is disturbed at the end, so that every restart is met by the whole load. */
const CALM_END_MS = 4_000;
/** After an endpoint is back its backlog is still worked off: those requests count as met by the restart. */
const AFTERMATH_MS = 500;
const SLOW_PAGE_MS = 50;
const ORDER_MS = 5;
const EMPTY_SHA1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709";

const values = readArguments({
  peer: { type: "string", default: "all" },
  seconds: { type: "string", default: "30" },
  rate: { type: "string", default: "200" },
  endpoints: { type: "string", default: "1" },
  kind: { type: "string", default: "term" },
  "start-ms": { type: "string", default: "600" },
  json: { type: "string" },
});
const options = {
  peers: listOf("peer", values.peer, PEERS),
  seconds: numberOf("seconds", values.seconds, 7),
  rate: numberOf("rate", values.rate, 1),
  endpoints: numberOf("endpoints", values.endpoints, 1),
  kind: oneOf("kind", values.kind, ["kill", "term", "rolling", "freeze"]),
  startMs: numberOf("start-ms", values["start-ms"], 0),
};
await main();
process.exit();

async function main() {
  const reports = [];
  const left = [];
  for (const peer of options.peers) {
    const version = await versionOf(peer);
    if (version === null) left.push(`${peer} is not installed`);
    else reports.push({ peer, version, ...(await measure(peer)) });
  }
  const { kind, endpoints, rate, seconds, startMs } = options;
  const title = `${kind}, ${endpoints} endpoint${endpoints > 1 ? "s" : ""}, ${rate} requests/s for ${seconds} s, start-up ${startMs} ms`;
  process.stdout.write(`${title}\n\n${renderTable(reports)}\n\n${reports.map(renderDetails).join("\n\n")}\n`);
  for (const why of left) process.stdout.write(`left out: ${why}\n`);
  writeJson(values.json, { at: new Date().toISOString(), node: process.version, options, reports, left });
}

async function measure(peer) {
  const dir = folder(peer);
  const endpoints = new Endpoints({ startMs: options.startMs, dir });
  await endpoints.start(options.endpoints);
  const gateway = await launch(peer, { "": endpoints.addresses }, dir);
  const client = createClient(gateway.port);
  await openLoop({ rate: 50, seconds: 1, issue: async (n) => void (await client.send(ask(`warm-${n}`, n))) });

  say(`${peer}: ${options.seconds} s of ${options.kind}`);
  const results = [];
  const issue = async (n) => void results.push(await client.send(ask(`r-${n}`, n)));
  const disturbing = disturb(endpoints);
  const { lateMsMax } = await openLoop({ rate: options.rate, seconds: options.seconds, issue });
  await disturbing;
  client.close();
  const died = gateway.child.exitCode !== null;
  await stop(gateway.child);
  await endpoints.stop();
  const log = peer === "goodgate" ? await accountOf(gateway.accessLog) : null;
  return { ...summarise(results, endpoints), lateMsMax: round(lateMsMax), died, log, config: gateway.config };
}

/** What visitors ask for, by the number of the request alone: the same for every gateway. */
function ask(id, n) {
  const fresh = n % 10 === 7;
  if (n % 5 === 4) {
    const path = `/order?ms=${ORDER_MS}`;
    return { id, method: "POST", path, body: Buffer.alloc(0), fresh, expected: `order ${id} ${EMPTY_SHA1}\n` };
  }
  const path = n % 5 === 2 ? `/slow?ms=${SLOW_PAGE_MS}` : "/";
  return { id, method: "GET", path, fresh, expected: `page ${id}\n` };
}

async function disturb(endpoints) {
  const from = performance.now();
  for (let turn = 0; ; turn++) {
    const at = EVERY_MS * (turn + 0.5);
    if (at > options.seconds * 1000 - CALM_END_MS) return;
    await sleep(Math.max(0, from + at - performance.now()));
    const index = turn % options.endpoints;
    if (options.kind === "kill") await endpoints.restart(index, "SIGKILL");
    else if (options.kind === "term") await endpoints.restart(index, "SIGTERM");
    else if (options.kind === "freeze") await endpoints.freeze(index, FREEZE_MS);
    else for (let i = 0; i < options.endpoints; i++) await endpoints.restart(i, "SIGTERM");
  }
}

function summarise(results, endpoints) {
  const deliveries = endpoints.deliveries();
  const { disturbances } = endpoints;
  const failed = results.filter(({ outcome }) => outcome !== "ok");
  const errors = {};
  for (const { method, outcome } of failed) countUp(errors, `${method} ${outcome}`);
  const good = results.filter(({ outcome }) => outcome === "ok");
  const inRestart = ({ startedAt }) =>
    disturbances.some(({ from, until }) => startedAt >= from && startedAt <= until + AFTERMATH_MS);
  const all = latencies(good);
  const calm = latencies(good.filter((result) => !inRestart(result)));
  const met = good.filter(inRestart);
  const added = addedWaits(
    met,
    good.filter((result) => !inRestart(result)),
  );
  return {
    requests: results.length,
    failed: failed.length,
    errors,
    postInHands: failed.filter(({ method, id }) => method === "POST" && deliveries.has(id)).length,
    postTwice: [...deliveries.values()].filter((list) => list.length > 1).length,
    postLost: good.filter(({ method, id }) => method === "POST" && !deliveries.has(id)).length,
    latencyMs: spread(all),
    calmMs: spread(calm),
    restarts: disturbances.length,
    away: { eachMs: round(mean(disturbances.map(({ from, until }) => until - from))) },
    metByRestart: {
      requests: met.length,
      latencyMs: spread(latencies(met)),
      addedMs: { mean: round(mean(added)), max: round(added.at(-1) ?? 0) },
    },
  };
}

/** By how much each answer took longer than the same page usually does; ascending. */
function addedWaits(met, calm) {
  const usual = new Map();
  for (const path of new Set(met.map((result) => result.path))) {
    usual.set(path, percentile(latencies(calm.filter((result) => result.path === path)), 0.5) ?? 0);
  }
  return met.map(({ path, latencyMs }) => Math.max(0, latencyMs - usual.get(path))).sort((a, b) => a - b);
}

function latencies(results) {
  return results.map(({ latencyMs }) => latencyMs).sort((a, b) => a - b);
}

function mean(list) {
  return list.length === 0 ? 0 : list.reduce((sum, value) => sum + value, 0) / list.length;
}

function round(value) {
  return value === null ? null : Math.round(value * 10) / 10;
}

function spread(sorted) {
  return {
    p50: round(percentile(sorted, 0.5)),
    p99: round(percentile(sorted, 0.99)),
    max: round(sorted.at(-1) ?? null),
  };
}

function renderTable(reports) {
  const head = [
    "",
    "requests",
    "errors",
    "POST twice",
    "p50 ms",
    "p99 ms",
    "max ms",
    "met by restart",
    "added mean ms",
    "added max ms",
  ];
  return table([
    head,
    ...reports.map((report) => {
      const { requests, failed, postTwice, latencyMs, metByRestart } = report;
      const { addedMs } = metByRestart;
      const { p50, p99, max } = latencyMs;
      const name = `${report.peer} ${report.version}`;
      return [name, requests, failed, postTwice, p50, p99, max, metByRestart.requests, addedMs.mean, addedMs.max];
    }),
  ]);
}

function renderDetails(report) {
  const { peer, errors, failed, postInHands, postLost, restarts, away, lateMsMax, died, log, config } = report;
  const lines = [
    `${peer}: ${restarts} restarts, the endpoint away for ${away.eachMs} ms each; the client was late by ${lateMsMax} ms at most`,
    `  errors: ${tally(errors)}`,
  ];
  if (failed > 0) lines.push(`  of them POSTs that were in the application's hands already: ${postInHands}`);
  if (postLost > 0) lines.push(`  WRONG: ${postLost} POSTs were answered 200 and never delivered`);
  if (died) lines.push("  WRONG: the gateway ended");
  if (log !== null) {
    lines.push(`  avoided, by its log: ${tally(log.avoided)}; failed: ${tally(log.failed)}`);
    lines.push(`  held, by its log: ${log.held}, the longest ${round(log.heldMsMax)} ms`);
  }
  lines.push(
    ...config
      .trimEnd()
      .split("\n")
      .map((line) => `  | ${line}`),
  );
  return lines.join("\n");
}
