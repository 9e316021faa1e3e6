// Cost of reading log lines: normalise and recognise, per format, in µs of this process's CPU. Run after the build:
// node bench/explain.mjs. Budget: 6 µs for lines of nginx and HAProxy, so that a whole log is read at 50,000 lines/s.
// Also hostile texts of 100 kB, each of which must be read in 50 ms.
import { normalise } from "../dist/explain/normalise.js";
import { recognise } from "../dist/explain/recognise.js";

const LINES = 20_000;
const ROUNDS = 5;
const BUDGET_US = { "nginx error": 6, "nginx access": 6, "haproxy http": 6 };
const HOSTILE_BYTES = 100_000;
const HOSTILE_MS = 50;

const two = (n) => String(n % 60).padStart(2, "0");
const clock = (n) => `1${n % 10}:${two(n)}:${two(n * 7)}`;
const address = (n) => `203.0.${n % 250}.${(n * 7) % 250}`;
const peer = (n) => `10.0.0.${n % 9}:300${n % 3}`;
const path = (n) => `/shop/items/${n}?page=${n % 13}`;
const status = (n) => [200, 200, 304, 502, 504][n % 5];

const FORMATS = {
  "nginx error": (n) =>
    `2026/03/02 ${clock(n)} [error] 31#31: *${n} connect() failed (111: Connection refused) while connecting to upstream, client: ${address(n)}, server: shop.example, request: "GET ${path(n)} HTTP/1.1", upstream: "http://${peer(n)}${path(n)}", host: "shop.example"`,
  "nginx access": (n) =>
    `${address(n)} - - [02/Mar/2026:${clock(n)} +0000] "GET ${path(n)} HTTP/1.1" ${status(n)} ${n} "https://shop.example/" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"`,
  "ingress-nginx access": (n) =>
    `${address(n)} - - [02/Mar/2026:${clock(n)} +0000] "GET ${path(n)} HTTP/1.1" ${status(n)} ${n} "-" "curl/8.5.0" 612 0.00${n % 9} [default-shop-80] [] ${peer(n)} 157 0.00${n % 9} ${status(n)} 4f0a9c${n}`,
  "haproxy http": (n) =>
    `Mar  2 ${clock(n)} lb1 haproxy[14389]: ${address(n)}:${30000 + (n % 9000)} [02/Mar/2026:${clock(n)}.655] http-in~ shop/srv${n % 4} 0/0/1/${n % 90}/${n % 99} ${status(n)} ${n} - - ${n % 5 < 3 ? "----" : "SH--"} 9/9/1/1/0 0/0 "GET ${path(n)} HTTP/1.1"`,
  "envoy access": (n) =>
    `[2026-03-02T${clock(n)}.123Z] "GET ${path(n)} HTTP/1.1" 503 UF,URX upstream_reset_before_response_started{connection_failure} - "delayed connect error: 111" 0 91 ${n % 90} - "-" "curl/8.5.0" "b1c2-${n}" "shop.example" "${peer(n)}" outbound|80||shop.default.svc.cluster.local - 10.96.0.1:80 10.2.2.2:55555 - default`,
  "alb access": (n) =>
    `https 2026-03-02T${clock(n)}.186641Z app/shop/50dc6c495c0c9188 ${address(n)}:2817 ${peer(n)} 0.001 4.205 -1 502 - 94 326 "GET https://shop.example:443${path(n)} HTTP/1.1" "curl/8.5.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/shop/73e2d6bc24d8a067 "Root=1-58337262-${n}" "shop.example" "arn:x" 1 2026-03-02T12:00:00.0Z "forward" "-" "-" "${peer(n)}" "-" "-" "-"`,
  "caddy json": (n) =>
    `{"level":"error","ts":17470404${n}.123,"logger":"http.log.error","msg":"dial tcp ${peer(n)}: connect: connection refused","request":{"remote_ip":"${address(n)}","proto":"HTTP/2.0","method":"GET","host":"shop.example","uri":"${path(n)}","headers":{"User-Agent":["curl/8.5.0"]}},"duration":0.001234,"status":502,"err_id":"x7k2"}`,
  "traefik json": (n) =>
    `{"ClientHost":"${address(n)}","DownstreamStatus":${status(n)},"Duration":${n}678,"OriginStatus":${status(n)},"RequestHost":"shop.example","RequestMethod":"GET","RequestPath":"${path(n)}","RouterName":"shop@docker","ServiceAddr":"${peer(n)}","level":"info","msg":"","time":"2026-03-02T${clock(n)}Z"}`,
  "apache error": (n) =>
    `[Mon Mar 02 ${clock(n)}.808471 2026] [proxy:error] [pid 2657:tid 1406${n}] (111)Connection refused: [client ${address(n)}:5555] AH00957: HTTP: attempt to connect to ${peer(n)} (localhost) failed`,
  "docker json-file": (n) =>
    `{"log":"2026/03/02 ${clock(n)} [error] 31#31: *${n} connect() failed (111: Connection refused) while connecting to upstream, client: ${address(n)}, server: , request: \\"GET / HTTP/1.1\\", upstream: \\"http://${peer(n)}/\\", host: \\"shop.example\\"\\n","stream":"stderr","time":"2026-03-02T${clock(n)}.1Z"}`,
  "heroku router": (n) =>
    `2026-03-02T${clock(n)}.1+00:00 heroku[router]: at=error code=H12 desc="Request timeout" method=GET path="${path(n)}" host=shop.example request_id=cfda-${n} fwd="${address(n)}" dyno=web.1 connect=1ms service=30000ms status=503 bytes=0 protocol=https`,
  "node error": (n) => `Error: connect ECONNREFUSED ${peer(n)}`,
  "kubernetes event": (n) =>
    `${n % 50}m   Warning   Unhealthy   pod/web-${n}   Readiness probe failed: Get "http://${peer(n)}/health": dial tcp ${peer(n)}: connect: connection refused`,
  "free text": (n) =>
    `worker ${n} took ${n % 90} ms for order ${n * 3} of customer ${n % 999} and stored it in shard ${n % 7}`,
};

const HOSTILE = {
  spaces: " ".repeat(HOSTILE_BYTES),
  "one word": "a".repeat(HOSTILE_BYTES),
  quotes: '"'.repeat(HOSTILE_BYTES),
  backslashes: `{"log":"${"\\".repeat(HOSTILE_BYTES)}`,
  brackets: "[".repeat(HOSTILE_BYTES),
  "open tags": "<html>" + "<a ".repeat(HOSTILE_BYTES / 3),
  "empty lines": "\n".repeat(HOSTILE_BYTES),
  "short lines": "a\n".repeat(HOSTILE_BYTES / 2),
  "deep json": '{"a":'.repeat(HOSTILE_BYTES / 5),
  "json lines": '{"msg":"x"}\n'.repeat(HOSTILE_BYTES / 12),
  "key=value": `level=error ${"a=b ".repeat(HOSTILE_BYTES / 4)}`,
  "open fields": `2026/03/02 10:00:00 [error] 1#1: *1 x${', client: "'.repeat(HOSTILE_BYTES / 11)}`,
  "dial tcp": "dial tcp ".repeat(HOSTILE_BYTES / 9),
  escapes: "\x1b[31m".repeat(HOSTILE_BYTES / 5),
  prefixes: "web-1  | ".repeat(HOSTILE_BYTES / 9),
  "digits and dots": "1.".repeat(HOSTILE_BYTES / 2),
  slashes: "/a".repeat(HOSTILE_BYTES / 2),
  "SSL routines": "SSL routines:a:b ".repeat(HOSTILE_BYTES / 17),
  "citation marks": "> ".repeat(HOSTILE_BYTES / 2),
  "state lines": "State: Waiting\n".repeat(HOSTILE_BYTES / 15),
};

const cpuUs = () => process.cpuUsage().user;

function measure(make) {
  const lines = Array.from({ length: LINES }, (_, n) => make(n));
  let best = Infinity;
  let sum = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const start = cpuUs();
    for (const line of lines) sum += recognise(normalise(line)).codes.length;
    best = Math.min(best, (cpuUs() - start) / LINES);
  }
  return { us: best, codes: sum };
}

let failed = false;
console.log("µs per line (normalise + recognise)");
for (const [name, make] of Object.entries(FORMATS)) {
  const { us } = measure(make);
  const over = us > (BUDGET_US[name] ?? Infinity);
  failed ||= over;
  console.log(
    `  ${name.padEnd(24)} ${us.toFixed(2).padStart(7)}${over ? `   over its budget of ${BUDGET_US[name]}` : ""}`,
  );
}
console.log(`\nms per hostile text of ${HOSTILE_BYTES / 1000} kB`);
for (const [name, text] of Object.entries(HOSTILE)) {
  let ms = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const start = cpuUs();
    recognise(normalise(text));
    ms = Math.min(ms, (cpuUs() - start) / 1000);
  }
  failed ||= ms > HOSTILE_MS;
  console.log(`  ${name.padEnd(24)} ${ms.toFixed(1).padStart(7)}${ms > HOSTILE_MS ? `   over ${HOSTILE_MS}` : ""}`);
}
process.exitCode = failed ? 1 : 0;
