// Cost of observing one exchange: access log line, its share of the writing, metrics; in ns of this process's CPU.
// Run after the build: node bench/observe.mjs. Budget on the data path: json line + metrics under 1,200 ns on Node 20.
// The strings of a record are slices of one head, made anew per record, as the parser makes them.
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileAccessLog } from "../dist/observe/access-log.js";
import { LogWriter } from "../dist/observe/log-writer.js";
import { Metrics } from "../dist/observe/metrics.js";

const RECORDS = 300_000;
const ROUNDS = 5;
const HEAD = Buffer.from(
  "GET /shop/cart/items?page=2&sort=price HTTP/1.1\r\nHost: shop.example.com\r\nReferer: https://shop.example.com/cart\r\n" +
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36\r\n",
);
const METHODS = ["GET", "GET", "GET", "POST"];
const ROUTES = ["shop", "api", "static", "admin"];
const ENDPOINTS = ["10.0.0.1:3000", "10.0.0.2:3000", "10.0.0.3:3000"];

function between(head, from, to) {
  const start = head.indexOf(from) + from.length;
  return head.slice(start, head.indexOf(to, start));
}

function makeRecord(n) {
  const head = HEAD.latin1Slice(0, HEAD.length);
  const start = 1000 + n * 0.137;
  return {
    requestId: `3f2a9c${(1_000_000 + n).toString(16)}`,
    startedAt: start,
    respondedAt: start + 1.234 + (n % 50),
    endedAt: start + 1.334 + (n % 50),
    clientAddress: `10.1.${n % 200}.${n % 250}`,
    clientPort: 40000 + (n % 1000),
    listener: ":8080",
    tls: false,
    method: METHODS[n % 4],
    target: between(head, " ", " HTTP"),
    protocol: "HTTP/1.1",
    host: between(head, "Host: ", "\r\n"),
    userAgent: between(head, "User-Agent: ", "\r\n"),
    referer: between(head, "Referer: ", "\r\n"),
    route: ROUTES[n % 4],
    upstream: "app",
    status: n % 20 === 0 ? 404 : 200,
    bytesReceived: 412 + (n % 100),
    bytesSent: 1400 + (n % 5000),
    bodyBytesSent: 1024 + (n % 5000),
    attempts: [
      {
        endpoint: ENDPOINTS[n % 3],
        startedAt: start + 0.05,
        connectedAt: start + 0.05,
        sentAt: start + 0.08,
        headAt: start + 1.2 + (n % 50),
        endedAt: start + 1.3 + (n % 50),
        status: 200,
        reused: true,
        bytesSent: 512,
        bytesReceived: 1400,
        failure: null,
      },
    ],
    failure: null,
    heldMs: 0,
    queuedMs: 0,
    aborted: false,
  };
}

async function measure(name, prepare) {
  const figures = [];
  for (let round = 0; round < ROUNDS; round++) {
    const { each, flush, close } = prepare();
    let spent = 0;
    for (let done = 0; done < RECORDS; done += 1000) {
      const records = Array.from({ length: 1000 }, (_, i) => makeRecord(done + i));
      const before = process.hrtime.bigint();
      for (let i = 0; i < 1000; i++) each(records[i]);
      spent += Number(process.hrtime.bigint() - before);
      await flush?.();
    }
    await close?.();
    truncateSync(target.path);
    figures.push(spent / RECORDS);
  }
  figures.sort((a, b) => a - b);
  console.log(
    `${name.padEnd(34)} ${figures[0].toFixed(0).padStart(6)} ns best  ${figures[ROUNDS >> 1].toFixed(0).padStart(6)} ns median`,
  );
}

let sum = 0;
const folder = mkdtempSync(join(tmpdir(), "goodgate-bench-"));
const target = { kind: "file", path: join(folder, "access.log") };
writeFileSync(target.path, "");
const wall = Date.now();
const formats = {
  json: "json",
  combined: "combined",
  template: { template: "{time} {client.ip} {status} {duration} {path}" },
};

await measure("nothing (loop and record read)", () => ({ each: (record) => (sum += record.status) }));
for (const [name, format] of Object.entries(formats)) {
  const line = compileAccessLog(format);
  await measure(`${name} line`, () => ({ each: (record) => (sum += line(record, wall).length) }));
  await measure(`${name} line and write (file)`, () => {
    const writer = new LogWriter(target, { encoding: "latin1" });
    return {
      each: (record) => writer.write(line(record, wall)),
      flush: () => writer.flush(),
      close: () => writer.close(),
    };
  });
}
await measure("metrics", () => {
  const metrics = new Metrics();
  return { each: (record) => metrics.observe(record) };
});
const line = compileAccessLog("json");
await measure("json line, write and metrics", () => {
  const metrics = new Metrics();
  const writer = new LogWriter(target, { encoding: "latin1" });
  return {
    each: (record) => {
      metrics.observe(record);
      writer.write(line(record, Date.now()));
    },
    flush: () => writer.flush(),
    close: () => writer.close(),
  };
});
rmSync(folder, { recursive: true });
if (sum < 0) console.log(sum);
