// Micro-benchmark of the HTTP/1.1 codec: nanoseconds per parse, and per parse with the forwarded head written out as
// bytes. Each figure is the median of several rounds, in CPU time of this process (user + system,
// garbage collection included), which holds on a machine that is busy with other things. Needs a build. `node bench/wire.mjs [--json]`
import { isWireError } from "../dist/wire/head.js";
import { parseRequestHead } from "../dist/wire/request-head.js";
import { parseResponseHead } from "../dist/wire/response-head.js";
import { forwardRequestHead, forwardResponseHead } from "../dist/wire/serialise.js";

const LIMITS = { lineBytes: 8192, headBytes: 32_768, fields: 100 };
const ROUNDS = 15;
const ROUND_MS = 60;
const CALLS_BETWEEN_CLOCKS = 1000;

const small = "GET / HTTP/1.1\r\nHost: localhost:8080\r\n\r\n";
const browserLines = [
  "GET /products/shoes/item-48213?utm_source=newsletter&color=blue HTTP/1.1",
  "Host: www.example.com",
  "Connection: keep-alive",
  'sec-ch-ua: "Chromium";v="122", "Not(A:Brand";v="24", "Google Chrome";v="122"',
  "sec-ch-ua-mobile: ?0",
  'sec-ch-ua-platform: "Linux"',
  "Upgrade-Insecure-Requests: 1",
  "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36",
  "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
  "Sec-Fetch-Site: same-origin",
  "Sec-Fetch-Mode: navigate",
  "Sec-Fetch-User: ?1",
  "Sec-Fetch-Dest: document",
  "Referer: https://www.example.com/products/shoes",
  "Accept-Encoding: gzip, deflate, br, zstd",
  "Accept-Language: en-GB,en;q=0.9",
];
const BROWSER_BYTES = 861;
const cookie = "Cookie: session=".padEnd(BROWSER_BYTES - 4 - `${browserLines.join("\r\n")}\r\n`.length, "c0ffee");
const browser = `${[...browserLines, cookie].join("\r\n")}\r\n\r\n`;
const response = [
  "HTTP/1.1 200 OK",
  "Date: Sat, 21 Nov 2026 09:00:00 GMT",
  "Content-Type: text/html; charset=utf-8",
  "Content-Length: 1024",
  'ETag: "5f3c-18b2a1c3d40"',
  "Cache-Control: public, max-age=60",
  "Vary: Accept-Encoding",
  "Connection: keep-alive",
  "Keep-Alive: timeout=5",
  "\r\n",
].join("\r\n");

const FORWARD_ADDED =
  "X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: www.example.com\r\n" +
  "Via: 1.1 goodgate\r\nX-Request-Id: 0123456789abcdef0123456789abcdef\r\n";

const out = Buffer.alloc(65_536);

function forwardRequest(head) {
  return forwardRequestHead(head, {
    method: head.method,
    target: head.path + head.query,
    host: head.host,
    added: FORWARD_ADDED,
    bodyLength: head.bodyLength,
    upgrade: "",
    drop: null,
  });
}

function forwardResponse(head) {
  return forwardResponseHead(head, {
    bodyLength: head.contentLength,
    keepAlive: true,
    added: "X-Request-Id: 0123456789abcdef0123456789abcdef\r\n",
    drop: null,
    upgrade: "",
    http10Client: false,
  });
}

/** Nanoseconds of CPU per call. */
function measure(call) {
  const rounds = [];
  for (let round = -3; round < ROUNDS; round++) {
    const begun = process.cpuUsage();
    let calls = 0;
    let usedNs = 0;
    while (usedNs < ROUND_MS * 1e6) {
      for (let i = 0; i < CALLS_BETWEEN_CLOCKS; i++) call();
      calls += CALLS_BETWEEN_CLOCKS;
      const used = process.cpuUsage(begun);
      usedNs = (used.user + used.system) * 1000;
    }
    if (round >= 0) rounds.push(usedNs / calls);
  }
  return rounds.sort((a, b) => a - b)[ROUNDS >> 1];
}

const cases = [
  ["request, 40 bytes", small, parseRequestHead, forwardRequest],
  ["request, 861 bytes", browser, parseRequestHead, forwardRequest],
  ["response, 9 lines", response, parseResponseHead, forwardResponse],
];

const results = cases.map(([name, text, parse, forward]) => {
  // As on the data path: the head stands somewhere in a large shared buffer.
  const shared = Buffer.alloc(65_536);
  const start = 0;
  const end = start + shared.write(text, start, "latin1");
  const head = parse(shared, start, end, LIMITS);
  if (head === undefined || isWireError(head)) throw new Error(`${name} is not accepted: ${JSON.stringify(head)}`);
  let sink = 0;
  const parseNs = measure(() => {
    sink += parse(shared, start, end, LIMITS).size;
  });
  const forwardNs = measure(() => {
    sink += out.write(forward(parse(shared, start, end, LIMITS)), 0, "latin1");
  });
  return { name, bytes: text.length, parseNs: Math.round(parseNs), parseAndForwardNs: Math.round(forwardNs), sink };
});

if (process.argv.includes("--json")) {
  console.log(JSON.stringify(results.map(({ sink: _, ...figures }) => figures)));
} else {
  console.log(`node ${process.version}; ns of CPU per head, median of ${ROUNDS} rounds`);
  for (const { name, bytes, parseNs, parseAndForwardNs } of results) {
    console.log(
      `${name.padEnd(20)} ${String(bytes).padStart(5)} bytes   parse ${String(parseNs).padStart(5)}` +
        `   parse + forward as bytes ${String(parseAndForwardNs).padStart(5)}`,
    );
  }
}
