// Cost of what is gathered for the console, in ns per exchange (best on an idle machine): requests that went well, a storm
// of failures, a storm in which every client and path is another; then what a tick and a snapshot cost.
// Run after the build: node bench/capture.mjs
import { Capture } from "../dist/observe/capture.js";
import { endingOf } from "../dist/observe/capture-ending.js";
import { keptFailure } from "../dist/observe/capture-kept.js";
import { History } from "../dist/observe/history.js";
import { Metrics } from "../dist/observe/metrics.js";
import { createObserver, newMemory } from "../dist/observe/observer.js";

const RECORDS = 200_000;
const ROUNDS = 5;
/** Records a second of a tick. */
const PER_TICK = 10_000;
const HEAD = Buffer.from(
  "GET /shop/cart/items?page=2&sort=price HTTP/1.1\r\nHost: shop.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n",
);
const ENDPOINTS = ["10.0.0.1:3000", "10.0.0.2:3000", "10.0.0.3:3000"];
const OFF = { access: null, failures: null };

function between(head, from, to) {
  const start = head.indexOf(from) + from.length;
  return head.slice(start, head.indexOf(to, start));
}

const refused = (n) => ({
  cause: "connect-refused",
  phase: "connect",
  status: 502,
  evidence: { errno: "ECONNREFUSED", address: ENDPOINTS[n % 3], waitedMs: 0.4 + (n % 7), bytesReceived: 0 },
});

/** The strings of a record are slices of one head, made anew per record, as the parser makes them. */
function makeRecord(n, kind) {
  const head = HEAD.latin1Slice(0, HEAD.length);
  const failure = kind === "good" ? null : refused(n);
  const startedAt = 1000 + n * 0.137;
  const took = 1.3 + (n % 50);
  return {
    requestId: `3f2a9c${(1_000_000 + n).toString(16)}`,
    startedAt,
    respondedAt: startedAt + took,
    endedAt: startedAt + took,
    clientAddress: kind === "flood" ? `10.${n % 200}.${n % 250}.${n % 241}` : `10.1.0.${n % 20}`,
    clientPort: 40000 + (n % 1000),
    listener: ":8080",
    tls: false,
    method: "GET",
    keyed: false,
    target: kind === "flood" ? `/p/${n}?a=1` : between(head, " ", " HTTP"),
    protocol: "HTTP/1.1",
    host: between(head, "Host: ", "\r\n"),
    userAgent: between(head, "User-Agent: ", "\r\n"),
    referer: "",
    route: "shop",
    upstream: "app",
    status: failure ? failure.status : 200,
    bytesReceived: 412,
    bytesSent: 1400,
    bodyBytesSent: 1024,
    attempts: [
      {
        endpoint: ENDPOINTS[n % 3],
        startedAt: startedAt + 0.05,
        connectedAt: failure ? 0 : startedAt + 0.05,
        sentAt: failure ? 0 : startedAt + 0.08,
        headAt: failure ? 0 : startedAt + took - 0.1,
        endedAt: startedAt + took,
        status: failure ? 0 : 200,
        reused: failure === null,
        bytesSent: 512,
        bytesReceived: failure ? 0 : 1400,
        failure,
      },
    ],
    failure,
    heldMs: 0,
    queuedMs: 0,
    aborted: false,
  };
}

function measure(name, kind, prepare) {
  const figures = [];
  for (let round = 0; round < ROUNDS; round++) {
    const { each, tick } = prepare();
    let spent = 0;
    for (let done = 0; done < RECORDS; done += 1000) {
      const records = Array.from({ length: 1000 }, (_, i) => makeRecord(done + i, kind));
      const before = process.hrtime.bigint();
      for (let i = 0; i < 1000; i++) each(records[i], 1e12 + ((done + i) * 1000) / PER_TICK);
      spent += Number(process.hrtime.bigint() - before);
      if (done % PER_TICK === 0) tick?.(1e12 + (done * 1000) / PER_TICK);
    }
    figures.push(spent / RECORDS);
  }
  figures.sort((a, b) => a - b);
  const [best, median] = [figures[0], figures[ROUNDS >> 1]].map((ns) => `${ns.toFixed(0).padStart(6)} ns`);
  console.log(`${name.padEnd(46)} ${best} best ${median} median`);
}

let sum = 0;
const observed = (capture) => () => {
  const { ledger, events } = newMemory();
  const memory = { ledger, events, ...(capture && { capture }) };
  const observer = createObserver(OFF, new Metrics(), memory, () => 1e12);
  return { each: (record) => observer.exchangeEnded(record), tick: (wall) => capture?.take(wall) };
};
const gathered = (tail) => () => {
  const capture = new Capture();
  capture.setTail(tail);
  return { each: (record, wall) => capture.observe(record, wall), tick: (wall) => capture.take(wall) };
};

measure("nothing (loop and record read)", "good", () => ({ each: (record) => (sum += record.status) }));
measure("exchangeEnded without capture, good", "good", observed(null));
measure("exchangeEnded with capture, good", "good", observed(new Capture()));
measure("exchangeEnded without capture, storm", "storm", observed(null));
measure("capture alone, good", "good", gathered(null));
measure("capture alone, good, live tail of everything", "good", gathered({}));
measure("capture alone, storm of one kind", "storm", gathered(null));
measure("capture alone, storm, all clients different", "flood", gathered(null));

function timed(name, run) {
  const times = [];
  for (let i = 0; i < 20; i++) {
    const before = performance.now();
    run(i);
    times.push(performance.now() - before);
  }
  times.sort((a, b) => a - b);
  console.log(`${name.padEnd(46)} ${times[10].toFixed(2).padStart(6)} ms median ${times[19].toFixed(2)} ms worst`);
}

const fields = HEAD.latin1Slice(0, HEAD.length).split("\r\n").slice(1, -1);
const head = { text: fields.join(""), marks: [] };
for (let i = 0, at = 0; i < fields.length; at += fields[i++].length) {
  const colon = fields[i].indexOf(":");
  head.marks.push(0, at, at + colon, at + colon + 2, at + fields[i].length);
}
timed("1,000 failures kept whole", () => {
  for (let n = 0; n < 1000; n++) {
    const record = { ...makeRecord(n, "storm"), head };
    sum += keptFailure(record, endingOf(record), 1e12, Math.random).durationMs;
  }
});

const metrics = new Metrics();
const snapshots = Array.from({ length: 20 }, () => {
  for (let n = 0; n < 5000; n++) {
    const record = makeRecord(n, n % 5 === 0 ? "storm" : "good");
    record.attempts[0].endpoint = `10.0.0.${n % 250}:${3000 + (n % 500)}`;
    metrics.observe(record);
  }
  return metrics.snapshot();
});
const history = new History();
timed("history of 500 endpoints with traffic", (i) => (sum += history.take(snapshots[i], i * 1000).length));
const full = new Capture();
timed("4,000 failures of 2,000 groups, and take", (i) => {
  for (let n = 0; n < 4000; n++) {
    const record = makeRecord(n, "flood");
    record.route = `route-${n % 2000}`;
    full.observe(record, 1e12 + i * 1000);
  }
  const before = performance.now();
  const { groups } = full.take(1e12 + i * 1000);
  sum += groups.length;
  if (i === 19) console.log(`  of which take() ${(performance.now() - before).toFixed(2)} ms, ${groups.length} groups`);
});
if (sum < 0) console.log(sum);
