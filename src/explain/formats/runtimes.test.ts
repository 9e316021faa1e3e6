import { expect, test } from "vitest";
import type { Facts } from "../explanation.ts";
import { read } from "./read.fixture.ts";

/** Text, facts that must be there, codes that must be there ("!" before one = must not). */
type Case = [text: string, facts: Facts, codes?: readonly string[]];

const node: Case[] = [
  [
    "Error: connect ECONNREFUSED 127.0.0.1:3000\n    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1607:16) {\n  errno: -111,\n  code: 'ECONNREFUSED',\n  syscall: 'connect',\n  address: '127.0.0.1',\n  port: 3000\n}",
    { software: "node", errno: "ECONNREFUSED", phase: "connect", upstream: "127.0.0.1:3000" },
    ["errno=ECONNREFUSED", "node-code=ECONNREFUSED"],
  ],
  ["Error: connect ECONNREFUSED ::1:3000", { upstream: "::1:3000" }],
  ["Error: connect ENOENT /run/app.sock", { upstream: "unix:/run/app.sock", errno: "ENOENT" }],
  [
    "{ errno: -3008, code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: 'app.internal' }",
    { errno: "ENOTFOUND", upstream: "app.internal", phase: "getaddrinfo" },
    ["node-code=ENOTFOUND"],
  ],
  [
    "TypeError: fetch failed\n    at node:internal/deps/undici/undici:13185:13 {\n  [cause]: SocketError: other side closed\n      at Socket.onSocketEnd (node:internal/deps/undici/undici:1:1) {\n    code: 'UND_ERR_SOCKET',\n    socket: {\n      remoteAddress: '10.0.0.7',\n      remotePort: 3000,\n      bytesRead: 0\n    }\n  }\n}",
    { software: "undici", upstream: "10.0.0.7:3000" },
    ["node-code=UND_ERR_SOCKET"],
  ],
  [
    "[HPM] Error occurred while proxying request localhost:3000/api/x to http://localhost:5000/ [ECONNREFUSED] (https://nodejs.org/api/errors.html#errors_common_system_errors)",
    { software: "http-proxy-middleware", upstream: "http://localhost:5000", path: "/api/x", errno: "ECONNREFUSED" },
  ],
  [
    "Proxy error: Could not proxy request /api/users from localhost:3000 to http://localhost:5000/ (ECONNREFUSED).",
    { software: "http-proxy", upstream: "http://localhost:5000", path: "/api/users", host: "localhost:3000" },
  ],
  [
    "10:46:37 AM [vite] http proxy error: /api/x\nError: read ECONNRESET\n    at TCP.onStreamRead (node:internal/stream_base_commons:217:20)",
    { software: "vite", time: "10:46:37 AM", errno: "ECONNRESET" },
  ],
  [
    "Failed to proxy http://localhost:8000/api Error: connect ECONNREFUSED 127.0.0.1:8000",
    { upstream: "http://localhost:8000", path: "/api" },
  ],
  [
    "Error: 140735:error:1408F10B:SSL routines:ssl3_get_record:wrong version number:../deps/openssl/ssl3_record.c:332:",
    {},
    ["openssl-reason=wrong version number"],
  ],
  [
    "code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'",
    {},
    ["node-code=ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION", "tls-alert=70"],
  ],
  ["Error: write EPIPE", { errno: "EPIPE", phase: "write" }],
  ["net::ERR_CONNECTION_REFUSED", { software: "browser" }, ["!node-code=ERR_CONNECTION_REFUSED"]],
];

const go: Case[] = [
  [
    "2026/02/16 13:52:30 http: proxy error: dial tcp 10.0.0.7:3000: connect: connection refused",
    { software: "go", time: "2026/02/16 13:52:30", upstream: "10.0.0.7:3000", phase: "dial" },
  ],
  [
    "read tcp 10.0.0.1:53938->10.0.0.7:8080: read: connection reset by peer",
    { upstream: "10.0.0.7:8080", phase: "read" },
  ],
  ["dial tcp: lookup app on 127.0.0.11:53: no such host", { upstream: "app", phase: "lookup" }],
  ["dial unix /run/app.sock: connect: no such file or directory", { upstream: "unix:/run/app.sock" }],
  [
    'Get "http://10.0.0.7:8080/health": context deadline exceeded',
    { upstream: "http://10.0.0.7:8080", path: "/health" },
  ],
  [
    '2026-07-10T16:21:59Z ERR  error="Unable to reach the origin service: dial tcp 192.168.3.180:3000: i/o timeout" connIndex=0 originService=http://192.168.3.180:3000',
    { software: "cloudflared", level: "error", upstream: "http://192.168.3.180:3000" },
  ],
  [
    '2026-05-12T09:01:02Z DBG github.com/traefik/traefik/v3/pkg/proxy/httputil/proxy.go:113 > 502 Bad Gateway error="dial tcp 10.0.0.7:3000: connect: connection refused"',
    { software: "traefik", status: 502, upstream: "10.0.0.7:3000" },
  ],
  [
    '2026/04/15 12:00:00.000\tERROR\thttp.log.error\tdial tcp 10.0.0.7:3000: connect: connection refused\t{"request": {"remote_ip": "203.0.113.9", "method": "GET", "host": "shop.example", "uri": "/cart"}, "duration": 0.001, "status": 502}',
    { software: "caddy", host: "shop.example", path: "/cart", status: 502, durations: { duration: 1 } },
  ],
  ["remote error: tls: handshake failure", {}, ["tls-alert=handshake_failure", "tls-alert=40"]],
  [
    "rpc error: code = DeadlineExceeded desc = context deadline exceeded",
    { software: "grpc" },
    ["grpc-code=DeadlineExceeded", "grpc-code=DEADLINE_EXCEEDED", "grpc-code=4"],
  ],
  ["Error: 14 UNAVAILABLE: No connection established", {}, ["grpc-code=UNAVAILABLE", "grpc-code=14"]],
];

const others: Case[] = [
  [
    "java.net.ConnectException: Connection refused\n\tat java.base/sun.nio.ch.Net.pollConnect(Native Method)\nCaused by: io.netty.channel.AbstractChannel$AnnotatedConnectException: Connection refused: app/10.0.0.7:8080",
    { software: "spring-cloud-gateway", upstream: "10.0.0.7:8080" },
  ],
  [
    "org.apache.http.conn.HttpHostConnectException: Connect to app.internal:8080 [app.internal/10.0.0.7] failed: Connection refused",
    { software: "java", upstream: "app.internal:8080" },
  ],
  ["java.net.UnknownHostException: app.internal", { upstream: "app.internal" }],
  ["javax.net.ssl.SSLHandshakeException: Received fatal alert: handshake_failure", {}, ["tls-alert=40"]],
  [
    '2026-05-12 09:01:02.123 ERROR 1 --- [reactor-http-epoll-1] a.w.r.e.AbstractErrorWebExceptionHandler : [abc]  500 Server Error for HTTP GET "/x"',
    { level: "error", pid: 1, status: 500 },
  ],
  [
    "requests.exceptions.ConnectionError: HTTPConnectionPool(host='10.0.0.7', port=8000): Max retries exceeded with url: /cart (Caused by NewConnectionError('x: Failed to establish a new connection: [Errno 111] Connection refused'))",
    { software: "python", upstream: "10.0.0.7:8000", path: "/cart", errno: "ECONNREFUSED" },
  ],
  ["socket.gaierror: [Errno -2] Name or service not known", { errno: "ENOTFOUND" }],
  [
    "ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate in certificate chain (_ssl.c:1006)",
    {},
    [
      "openssl-reason=certificate verify failed",
      "x509-error=SELF_SIGNED_CERT_IN_CHAIN",
      "!x509-error=DEPTH_ZERO_SELF_SIGNED_CERT",
    ],
  ],
  [
    "aiohttp.client_exceptions.ClientConnectorError: Cannot connect to host 10.0.0.7:8000 ssl:default [Connect call failed ('10.0.0.7', 8000)]",
    { upstream: "10.0.0.7:8000" },
  ],
  [
    "error trying to connect: tcp connect error: Connection refused (os error 111)",
    { errno: "ECONNREFUSED", software: "rust" },
  ],
  [
    "[2026-01-09 13:25:03 +0000] [1637] [CRITICAL] WORKER TIMEOUT (pid:7284)",
    { software: "gunicorn", level: "crit", pid: 1637 },
  ],
  [
    "[13-May-2026 12:48:55] WARNING: [pool www] child 31 exited on signal 11 (SIGSEGV) after 12.5 seconds from start",
    { software: "php-fpm", level: "warn" },
    ["exit-code=SIGSEGV"],
  ],
  [
    "E, [2026-08-27T16:10:56.820747 #2] ERROR -- : worker=0 PID:7773 timeout (31s > 30s), killing",
    { software: "unicorn", level: "error", pid: 2 },
  ],
  ["[123] ! Terminating timed out worker", { software: "puma", pid: 123 }],
  [
    'INFO:     127.0.0.1:52345 - "GET / HTTP/1.1" 500 Internal Server Error',
    { software: "uvicorn", status: 500, client: "127.0.0.1:52345" },
  ],
  [
    "[pid: 28|app: 0|req: 1/1] 203.0.113.9 () {40 vars in 600 bytes} [Thu May 12 09:01:02 2026] GET /slow => generated 12 bytes in 30001 msecs (HTTP/1.1 502) 2 headers in 71 bytes",
    { software: "uwsgi", status: 502, path: "/slow", durations: { generated: 30001 } },
  ],
  [
    "app.service: Main process exited, code=killed, status=9/KILL",
    { software: "systemd", upstreamName: "app" },
    ["exit-code=SIGKILL"],
  ],
  ["app.service: Failed with result 'oom-kill'.", {}, ["exit-code=oom-kill"]],
  [
    "May 12 09:01:02 web1 kernel: [12345.678901] Out of memory: Killed process 1234 (node) total-vm:123kB",
    { software: "linux", upstreamName: "node", pid: 1234, time: "May 12 09:01:02" },
    ["exit-code=oom-kill"],
  ],
  ["web-1 exited with code 137", {}, ["exit-code=137"]],
  ["curl: (52) Empty reply from server", { software: "curl" }, ["curl-code=52"]],
  [
    "curl: (7) Failed to connect to 10.0.0.7 port 3000 after 0 ms: Connection refused",
    { upstream: "10.0.0.7:3000" },
    ["curl-code=7"],
  ],
  [
    "GuzzleHttp\\Exception\\ConnectException: cURL error 28: Operation timed out",
    { software: "php" },
    ["curl-code=28"],
  ],
  [
    "error:0A000410:SSL routines::ssl/tls alert handshake failure:SSL alert number 40",
    {},
    ["openssl-reason=ssl/tls alert handshake failure", "tls-alert=handshake_failure", "tls-alert=40"],
  ],
  ["error:14094410:SSL routines:SSL3_READ_BYTES:sslv3 alert handshake failure", {}, ["tls-alert=40"]],
  ["error:0A00010B:lib(20)::reason(267)", {}, ["openssl-reason=wrong version number"]],
  [
    "TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:TLS_error_end",
    { software: "envoy" },
    ["openssl-reason=certificate verify failed"],
  ],
  ["backend default: fail errno 111 (Connection refused)", { errno: "ECONNREFUSED" }],
  [
    "Readiness probe failed: HTTP probe failed with statuscode: 503",
    { software: "kubernetes", status: 503 },
    ["http-status=503"],
  ],
  ["error code: 1016", { software: "cloudflare" }, ["cloudflare-error=1016"]],
  ["Error 1016", {}, ["!cloudflare-error=1015"]],
  ["ERROR: upstream said 12,502 things", {}, ["!http-status=502"]],
];

test.each<Case>([...node, ...go, ...others])("%s", (text, facts, codes = []) => {
  const seen = read(text);
  expect(seen.facts).toMatchObject(facts);
  for (const code of codes) {
    if (code.startsWith("!")) expect(seen.codes).not.toContain(code.slice(1));
    else expect(seen.codes).toContain(code);
  }
  expect(seen.benign).toBe(false);
});

test("stack frames hold no messages", () => {
  const { messages } = read(
    "Error: socket hang up\n    at Error502.connect (/app/error 502.js:1:1)\n    at async Refused (node:net:1:1)",
  );
  expect(messages).toEqual(["Error: socket hang up"]);
});
