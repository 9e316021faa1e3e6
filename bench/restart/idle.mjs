// `node bench/restart/idle.mjs [--seconds 600] [--app node|exact-hint|two-seconds|no-hint|sixty-five|all]
//   [--peer goodgate|nginx|haproxy|all] [--lanes 12] [--delay 5] [--json FILE]`
//
// Sparse traffic over kept-alive connections to applications that close idle ones: a request that is sent while the
// close is on its way is lost, and a POST may not be sent again. A lane is an upstream of its own, so that the pauses
// of its client are the idle ages of its connections: one to three requests at once, then a pause of 0.5 to 1.5 times
// what the application allows, every other within 5 % of it. Half of the requests are POST. All lanes of all gateways
// run at the same time. The race is as wide as the network is long: `--delay` milliseconds each way.
// Ends with 1 where Goodgate let a client see an error or delivered a POST twice.
import { setTimeout as sleep } from "node:timers/promises";
import { stop } from "../processes.mjs";
import { createClient } from "./client.mjs";
import { launch, versionOf } from "./gateways.mjs";
import { APPS, idleMsOfNode, startIdleApp } from "./idle-apps.mjs";
import { countUp, logLines } from "./log.mjs";
import { folder, listOf, numberOf, readArguments, say, table, tally, writeJson } from "./stage.mjs";

/** A gateway cannot know what it has not seen: errors from before are told apart, and count. */
const LEARNING_MS = 60_000;
const IDLE_PEERS = ["goodgate", "nginx", "haproxy"];
const BURST_MAX = 3;
const PAUSE_SHARE_MAX = 1.5;
const CLIENT_IDLE_MS_MAX = 15_000;
const BODY = Buffer.from("a=1");

const values = readArguments({
  seconds: { type: "string", default: "600" },
  app: { type: "string", default: "all" },
  peer: { type: "string", default: "all" },
  lanes: { type: "string", default: "12" },
  delay: { type: "string", default: "5" },
  json: { type: "string" },
});
const options = {
  seconds: numberOf("seconds", values.seconds, 1),
  apps: listOf("app", values.app, Object.keys(APPS)),
  peers: listOf("peer", values.peer, IDLE_PEERS),
  lanes: numberOf("lanes", values.lanes, 1),
  delayMs: numberOf("delay", values.delay, 0),
};
process.exit(await main());

async function main() {
  if (options.apps.includes("node")) APPS.node.idleMs = await idleMsOfNode();
  const left = [];
  const measured = [];
  for (const peer of options.peers) {
    const version = await versionOf(peer);
    if (version === null) left.push(`${peer} is not installed`);
    else measured.push(measure(peer, version));
  }
  say(`${options.seconds} s of sparse traffic`);
  const reports = (await Promise.all(measured)).flat();
  const title = `idle gaps around the limit, ${options.lanes} lanes, ${options.seconds} s, network ${options.delayMs} ms each way`;
  process.stdout.write(`${title}\n\n${renderTable(reports)}\n`);
  for (const app of options.apps) process.stdout.write(`${app}: ${APPS[app].what}\n`);
  for (const { peer, app, errors } of reports) {
    if (Object.keys(errors).length > 0) process.stdout.write(`${peer}, ${app}: ${tally(errors)}\n`);
  }
  for (const why of left) process.stdout.write(`left out: ${why}\n`);
  writeJson(values.json, { at: new Date().toISOString(), node: process.version, options, reports, left });
  return reports.some((report) => report.peer === "goodgate" && isOff(report)) ? 1 : 0;
}

function isOff({ failed, postTwice, postLost }) {
  return failed + postTwice + postLost > 0;
}

async function measure(peer, version) {
  const deliveries = new Map();
  const lanes = [];
  for (const app of options.apps) {
    for (let i = 0; i < options.lanes; i++) {
      const { address } = await startIdleApp(app, options.delayMs, deliveries);
      lanes.push({ app, name: `${app}-${i}`, address });
    }
  }
  const upstreams = Object.fromEntries(lanes.map(({ name, address }) => [name, [address]]));
  const gateway = await launch(peer, upstreams, folder(peer));
  const client = createClient(gateway.port);
  const until = performance.now() + options.seconds * 1000;
  const results = (await Promise.all(lanes.map((lane) => runLane(lane, client, until)))).flat();
  client.close();
  await stop(gateway.child);
  const races = await racesByApp(gateway);
  return options.apps.map((app) => {
    const own = results.filter((result) => result.app === app);
    return { peer, version, app, ...summarise(own, deliveries), races: races[app] ?? { met: 0, saved: 0 } };
  });
}

async function runLane({ app, name }, client, until) {
  const results = [];
  const startedAt = performance.now();
  // Clients keep their connections where no gateway closes them: the race on that side is another matter.
  const fresh = APPS[app].idleMs * PAUSE_SHARE_MAX > CLIENT_IDLE_MS_MAX;
  for (let burst = 0; performance.now() < until; burst++) {
    const asks = Array.from({ length: 1 + Math.floor(Math.random() * BURST_MAX) }, (_, i) => {
      const id = `${name}.${burst}.${i}`;
      const ask = { id, path: `/${name}/page`, fresh, expected: `seen ${id}\n` };
      return Math.random() < 0.5 ? { ...ask, method: "POST", body: BODY } : { ...ask, method: "GET" };
    });
    const isLearning = performance.now() - startedAt < LEARNING_MS;
    for (const result of await Promise.all(asks.map(client.send))) results.push({ ...result, app, isLearning });
    await sleep(Math.min(pauseMs(APPS[app].idleMs), Math.max(0, until - performance.now())));
  }
  return results;
}

function pauseMs(limitMs) {
  const share = Math.random() < 0.5 ? PAUSE_SHARE_MAX - Math.random() : 0.95 + Math.random() * 0.1;
  return limitMs * share;
}

function summarise(results, deliveries) {
  const failed = results.filter(({ outcome }) => outcome !== "ok");
  const posts = results.filter(({ method }) => method === "POST");
  const errors = {};
  for (const { method, outcome } of failed) countUp(errors, `${method} ${outcome}`);
  return {
    requests: results.length,
    failed: failed.length,
    failedWhileLearning: failed.filter(({ isLearning }) => isLearning).length,
    errors,
    posts: posts.length,
    postTwice: posts.filter(({ id }) => (deliveries.get(id) ?? 0) > 1).length,
    postLost: posts.filter(({ id, outcome }) => outcome === "ok" && !deliveries.has(id)).length,
  };
}

/** Races that the gateway met, by its own log, and those that it saved the request from. */
async function racesByApp({ peer, accessLog }) {
  const races = {};
  if (peer === "haproxy") return races;
  for await (const line of logLines(accessLog)) {
    const app = line.requestId.replace(/-\d+\.\d+\.\d+$/, "");
    races[app] ??= { met: 0, saved: 0 };
    const met =
      peer === "goodgate"
        ? (line.tries ?? []).filter(({ cause }) => cause === "keepalive-race").length
        : line.statuses.split(", ").filter((status) => status === "502").length;
    races[app].met += met;
    if (line.status === 200) races[app].saved += met;
  }
  return races;
}

function renderTable(reports) {
  const head = [
    "",
    "requests",
    "errors",
    "in the first minute",
    "POSTs",
    "POST twice",
    "races in its log",
    "of them saved",
  ];
  const rows = reports.map((report) => {
    const { peer, app, requests, failed, failedWhileLearning, posts, postTwice, races } = report;
    const { idleMs, hintSeconds } = APPS[app];
    const name = `${peer}, ${app} (${idleMs / 1000} s${hintSeconds > 0 ? `, says ${hintSeconds}` : ""})`;
    const seen = peer === "haproxy" ? ["-", "-"] : [races.met, races.saved];
    return [name, requests, failed, failedWhileLearning, posts, postTwice, ...seen];
  });
  return table([head, ...rows]);
}
