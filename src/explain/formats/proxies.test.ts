import { expect, test } from "vitest";
import type { Facts } from "../explanation.ts";
import { read } from "./read.fixture.ts";

interface Case {
  readonly text: string;
  readonly format: string;
  readonly facts: Facts;
  readonly codes?: readonly string[];
  readonly messages?: readonly string[];
  readonly benign?: boolean;
}

const NGINX = "2026/03/02 10:15:04 [error] 31#31: *7 ";
const REQUEST =
  'client: 203.0.113.9, server: shop.example, request: "GET /cart?x=1 HTTP/1.1", upstream: "http://10.0.0.7:3000/cart?x=1", host: "shop.example"';

const nginx: Case[] = [
  {
    text: `${NGINX}connect() failed (111: Connection refused) while connecting to upstream, ${REQUEST}, referrer: "https://a.example/error"`,
    format: "nginx-error",
    facts: {
      software: "nginx",
      time: "2026/03/02 10:15:04",
      level: "error",
      pid: 31,
      client: "203.0.113.9",
      server: "shop.example",
      method: "GET",
      path: "/cart?x=1",
      upstream: "http://10.0.0.7:3000",
      host: "shop.example",
      errno: "ECONNREFUSED",
      phase: "connecting to upstream",
      side: "upstream",
    },
    codes: ["errno=ECONNREFUSED"],
    messages: ["connect() failed (111: Connection refused) while connecting to upstream"],
  },
  {
    // Translated text: the number decides.
    text: `${NGINX}connect() failed (111: Verbindungsaufbau abgelehnt) while connecting to upstream, ${REQUEST}`,
    format: "nginx-error",
    facts: { errno: "ECONNREFUSED" },
  },
  {
    // macOS and the BSDs have other numbers, Windows too.
    text: `${NGINX}kevent() reported that connect() failed (61: Connection refused) while connecting to upstream, ${REQUEST}`,
    format: "nginx-error",
    facts: { errno: "ECONNREFUSED" },
  },
  {
    text: `${NGINX}connect() failed (10061: 由于目标计算机积极拒绝，无法连接。) while connecting to upstream, ${REQUEST}`,
    format: "nginx-error",
    facts: { errno: "ECONNREFUSED", upstream: "http://10.0.0.7:3000" },
  },
  {
    // musl
    text: `${NGINX}connect() failed (113: Host is unreachable) while connecting to upstream, ${REQUEST}`,
    format: "nginx-error",
    facts: { errno: "EHOSTUNREACH" },
  },
  {
    text: '[crit] 9#9: *1 connect() to unix:/run/php/php8.2-fpm.sock failed (2: No such file or directory) while connecting to upstream, client: 203.0.113.9, server: _, request: "GET / HTTP/1.1", upstream: "fastcgi://unix:/run/php/php8.2-fpm.sock:", host: "shop.example"',
    format: "nginx-error",
    facts: { level: "crit", upstream: "fastcgi://unix:/run/php/php8.2-fpm.sock", errno: "ENOENT", pid: 9 },
  },
  {
    // Through a translator: blanks around every sign, fields in another order.
    text: '2026/03/02 10:15:04 [crit] 17 # 17: * 79 connect () to unix: /run/app.sock failed (2: No such file or directory) while connecting to upstream, client: Upstream: "fastcgi: // unix: /run/app.sock:", host: "shop.example", request: "GET / status HTTP / 1.1"',
    format: "nginx-error",
    facts: { upstream: "fastcgi://unix:/run/app.sock", host: "shop.example", errno: "ENOENT", method: "GET" },
  },
  {
    // Cut at both ends.
    text: '5:04 [error] 31#31: *7 recv() failed (104: Connection reset by peer) while reading response header from upstream, client: 203.0.113.9, server: shop.example, request: "GET /ca',
    format: "nginx-error",
    facts: {
      errno: "ECONNRESET",
      client: "203.0.113.9",
      server: "shop.example",
      phase: "reading response header from upstream",
    },
  },
  {
    text: "upstream prematurely closed connection while reading response header from upstream",
    format: "nginx-error",
    facts: { software: "nginx", side: "upstream" },
  },
  {
    text: `${NGINX}SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version number) while SSL handshaking to upstream, ${REQUEST}`,
    format: "nginx-error",
    facts: { side: "upstream", phase: "SSL handshaking to upstream" },
    codes: ["openssl-reason=wrong version number"],
  },
  {
    text: "2026/03/02 10:15:04 [crit] 31#31: *8 SSL_do_handshake() failed (SSL: error:0A00006C:SSL routines::bad key share) while SSL handshaking, client: 203.0.113.9, server: 0.0.0.0:443",
    format: "nginx-error",
    facts: { side: "client", phase: "SSL handshaking", client: "203.0.113.9" },
    codes: ["openssl-reason=bad key share"],
  },
  {
    text: `${NGINX}upstream SSL certificate verify error: (20:unable to get local issuer certificate) while SSL handshaking to upstream, ${REQUEST}`,
    format: "nginx-error",
    facts: { side: "upstream" },
    codes: [
      "x509-error=UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
      "x509-error=20",
      "x509-error=unable to get local issuer certificate",
    ],
  },
  {
    text: `${NGINX}client timed out (110: Connection timed out) while reading client request body, client: 203.0.113.9, server: shop.example`,
    format: "nginx-error",
    facts: { side: "client", errno: "ETIMEDOUT" },
  },
  {
    // The resolver's numbers are its own.
    text: `${NGINX}app.internal could not be resolved (3: Host not found), client: 203.0.113.9, server: shop.example, request: "GET / HTTP/1.1", host: "shop.example"`,
    format: "nginx-error",
    facts: { upstream: "app.internal", phase: "resolving" },
    codes: [],
  },
  {
    text: 'nginx: [emerg] host not found in upstream "app" in /etc/nginx/conf.d/shop.conf:26',
    format: "nginx-error",
    facts: { level: "emerg", upstream: "app" },
  },
  {
    text: `${NGINX}no live upstreams while connecting to upstream, client: 203.0.113.9, server: shop.example, request: "GET / HTTP/1.1", upstream: "http://backend/", host: "shop.example"`,
    format: "nginx-error",
    facts: { upstreamName: "backend" },
  },
  { text: "2026/03/02 10:15:04 [notice] 1#1: start worker process 31", format: "nginx-error", facts: {}, benign: true },
  {
    text: `2026/03/02 10:15:04 [warn] 31#31: *7 an upstream response is buffered to a temporary file /var/cache/nginx/1 while reading upstream, ${REQUEST}`,
    format: "nginx-error",
    facts: { level: "warn" },
    benign: true,
  },
];

const combined = '203.0.113.9 - ann [12/May/2026:09:01:02 +0000] "GET /error/502 HTTP/1.1"';
const access: Case[] = [
  {
    text: `${combined} 502 157 "-" "Mozilla/5.0 (error 504)"`,
    format: "access-combined",
    facts: {
      client: "203.0.113.9",
      time: "12/May/2026:09:01:02 +0000",
      method: "GET",
      path: "/error/502",
      status: 502,
      bytes: 157,
    },
    codes: ["http-status=502"],
    messages: [],
  },
  { text: `${combined} 200 157`, format: "access-combined", facts: { status: 200 }, benign: true },
  {
    text: '203.0.113.9 - - [12/May/2026:09:01:02 +0000] "GET /ws HTTP/1.1" 101 0 "-" "x"',
    format: "access-combined",
    facts: { status: 101 },
    benign: true,
  },
  { text: `${combined} 499 0 "-" "curl/8" "-"`, format: "nginx-access", facts: { software: "nginx", status: 499 } },
  {
    text: `shop.example:443 ${combined} 502 157 "-" "curl/8"`,
    format: "access-combined",
    facts: { host: "shop.example:443", client: "203.0.113.9", status: 502 },
  },
  {
    text: `203.0.113.9 - - [12/May/2026:09:01:02 +0000] "\\x16\\x03\\x01" 400 157 "-" "-"`,
    format: "access-combined",
    facts: { status: 400 },
  },
  {
    text: `${combined} 502 157 "-" "curl/8" 612 0.004 [default-shop-80] [] 10.244.0.14:8080, 10.244.0.15:8080 0, 0 0.001, 0.003 502, 502 4f0a9c`,
    format: "ingress-nginx-access",
    facts: {
      software: "ingress-nginx",
      upstream: "10.244.0.15:8080",
      upstreamName: "default-shop-80",
      upstreamStatus: 502,
      requestId: "4f0a9c",
      durations: { request_time: 4, upstream_response_time: 3 },
    },
  },
  {
    text: `${combined} 504 157 "-" "curl/8" rt=60.003 uct="0.001" uht="-" urt="60.002" ua="10.0.0.7:3000" us="504"`,
    format: "nginx-access",
    facts: {
      upstream: "10.0.0.7:3000",
      upstreamStatus: 504,
      durations: { request_time: 60003, upstream_connect_time: 1, upstream_response_time: 60002 },
    },
  },
  {
    text: `${combined} 502 157 "-" "curl/8" upstream_addr=10.0.0.7:3000, 10.0.0.8:3000 upstream_status=502, 502 request_time=0.003`,
    format: "nginx-access",
    facts: { upstream: "10.0.0.8:3000", upstreamStatus: 502, durations: { request_time: 3 } },
  },
  {
    text: `${combined} 502 11 "-" "-" 5 "shop@docker" "http://10.0.0.7:3000" 2ms`,
    format: "traefik-access",
    facts: {
      software: "traefik",
      upstream: "http://10.0.0.7:3000",
      upstreamName: "shop@docker",
      durations: { duration: 2 },
    },
  },
  {
    text: 'shop.example - [2026-05-12T09:01:02.123456789Z] "GET / HTTP/1.1" 502 0 67 "-" "curl/8" "203.0.113.9:4444" "10.0.0.7:61012" x_forwarded_for:"203.0.113.9" x_cf_routererror:"endpoint_failure"',
    format: "gorouter-access",
    facts: {
      software: "cloudfoundry",
      host: "shop.example",
      client: "203.0.113.9:4444",
      upstream: "10.0.0.7:61012",
      status: 502,
    },
  },
];

const haproxy: Case[] = [
  {
    text: '10.0.1.2:33317 [06/Feb/2026:12:14:14.655] http-in~ static/srv1 10/0/30/-1/109 502 2750 - - SH-- 1/1/1/1/0 0/0 {shop.example|curl} {} "GET /x HTTP/1.1"',
    format: "haproxy-http",
    facts: {
      software: "haproxy",
      client: "10.0.1.2:33317",
      server: "http-in",
      upstreamName: "static/srv1",
      durations: { TR: 10, Tw: 0, Tc: 30, Tr: -1, Ta: 109 },
      status: 502,
      terminationState: "SH--",
      phase: "waiting for response headers",
      side: "upstream",
      path: "/x",
    },
    codes: ["http-status=502", "haproxy-state=SH--", "haproxy-state=SH"],
    messages: [],
  },
  {
    text: '10.0.1.2:33317 [06/Feb/2026:12:14:14.655] http-in http-in/<NOSRV> -1/-1/-1/-1/+0 400 +187 - - cR-- 1/1/0/0/0 0/0 "<BADREQ>"',
    format: "haproxy-http",
    facts: { upstreamName: "http-in", side: "client", status: 400 },
    codes: ["http-status=400", "haproxy-state=cR--", "haproxy-state=cR"],
  },
  {
    text: '10.0.1.2:33317 [06/Feb/2026:12:14:14.655] http-in http-in/<NOSRV> 0/-1/-1/-1/0 301 97 - - LR-- 1/1/0/0/0 0/0 "GET / HTTP/1.1"',
    format: "haproxy-http",
    facts: { terminationState: "LR--" },
    benign: true,
  },
  {
    text: '10.0.1.2:33317 [06/Feb/2026:12:14:14.655] http-in bck/srv1 0/0/1/8/9 200 97 - - --VN 1/1/0/0/0 0/0 "GET / HTTP/1.1"',
    format: "haproxy-http",
    facts: { status: 200 },
    codes: ["http-status=200"],
    benign: true,
  },
  {
    text: "10.0.1.2:33313 [06/Feb/2026:12:12:51.443] fnt bck/srv1 0/-1/5007 0 sC 0/0/0/0/3 0/0",
    format: "haproxy-tcp",
    facts: { durations: { Tw: 0, Tc: -1, Tt: 5007 }, phase: "connecting to the server" },
    codes: ["haproxy-state=sC"],
  },
  {
    text: "203.0.113.9:59670 [06/Jul/2026:20:01:22.541] https-in/1: SSL handshake failure",
    format: "haproxy-connection",
    facts: { side: "client", server: "https-in" },
    messages: ["SSL handshake failure"],
  },
  {
    text: '[WARNING] 271/091212 (3065) : Server shop/srv1 is DOWN, reason: Layer4 connection problem, info: "Connection refused", check duration: 0ms. 0 active and 0 backup servers left.',
    format: "haproxy-message",
    facts: { upstreamName: "shop/srv1", level: "warn", pid: 3065 },
  },
  {
    text: "[WARNING]  (8) : Server shop/srv1 is UP, reason: Layer4 check passed, check duration: 0ms.",
    format: "haproxy-message",
    facts: {},
    benign: true,
  },
  { text: "backend shop has no server available!", format: "haproxy-message", facts: { upstreamName: "shop" } },
  {
    text: "Mar  2 10:15:04 lb haproxy[8]: Proxy shop started.",
    format: "haproxy-message",
    facts: { software: "haproxy" },
    benign: true,
  },
];

const envoy: Case[] = [
  {
    text: '[2026-05-12T09:01:02.123Z] "GET /x HTTP/1.1" 503 UF,URX upstream_reset_before_response_started{connection_failure} - "delayed connect error: 111" 0 91 84 - "-" "curl/7.68" "b1c2" "shop.example" "10.0.0.7:3000" outbound|80||shop.default.svc.cluster.local - 10.96.0.1:80 10.2.2.2:55555 - default',
    format: "envoy-access",
    facts: {
      software: "envoy",
      time: "2026-05-12T09:01:02.123Z",
      status: 503,
      flags: ["UF", "URX"],
      errno: "ECONNREFUSED",
      host: "shop.example",
      upstream: "10.0.0.7:3000",
      requestId: "b1c2",
      upstreamName: "outbound|80||shop.default.svc.cluster.local",
      client: "10.2.2.2:55555",
      durations: { duration: 84 },
    },
    codes: [
      "http-status=503",
      "envoy-flag=UF",
      "envoy-flag=URX",
      "envoy-detail=upstream_reset_before_response_started{connection_failure}",
      "envoy-detail=upstream_reset_before_response_started",
      "errno=ECONNREFUSED",
    ],
  },
  {
    text: '[2026-04-15T20:17:00.310Z] "POST /api HTTP/2" 204 - 154 0 226 100 "10.0.35.28" "nsq2http" "cc21" "locations" "tcp://10.0.2.1:80"',
    format: "envoy-access",
    facts: { status: 204, upstream: "tcp://10.0.2.1:80", durations: { duration: 226, upstream_service_time: 100 } },
    benign: true,
  },
  {
    text: '[2026-04-15T20:17:00.310Z] "- - -" 0 UH - - "-" 0 0 0 - "-" "-" "-" "-" "-" - - 10.96.0.1:80 10.2.2.2:5 - -',
    format: "envoy-access",
    facts: { flags: ["UH"] },
    codes: ["envoy-flag=UH"],
  },
  {
    text: '[2026-04-15T20:17:00.310Z] "GET / HTTP/1.1" 503 UF,URX "-" "TLS error: 268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER" 0 91 84 - "-" "curl" "b1" "shop.example" "10.0.0.7:443"',
    format: "envoy-access",
    facts: { upstream: "10.0.0.7:443" },
    codes: ["http-status=503", "envoy-flag=UF", "envoy-flag=URX", "openssl-reason=wrong version number"],
  },
  {
    text: "[2026-03-02 10:15:04.123][12][warning][config] [source/common/config/grpc_stream.h:163] StreamAggregatedResources gRPC config stream closed: 14, connection termination",
    format: "envoy-log",
    facts: { level: "warn" },
    messages: ["StreamAggregatedResources gRPC config stream closed: 14, connection termination"],
  },
];

const apache: Case[] = [
  {
    text: "[Mon Mar 02 15:19:36.808471 2026] [proxy:error] [pid 2657:tid 140669] (111)Connection refused: [client 203.0.113.9:5555] AH00957: HTTP: attempt to connect to 127.0.0.1:8080 (localhost) failed, referer: https://a.example/502",
    format: "apache-error",
    facts: {
      software: "apache",
      level: "error",
      pid: 2657,
      errno: "ECONNREFUSED",
      client: "203.0.113.9:5555",
      upstream: "127.0.0.1:8080",
    },
    codes: ["errno=ECONNREFUSED", "apache-code=AH00957"],
    messages: ["AH00957: HTTP: attempt to connect to 127.0.0.1:8080 (localhost) failed"],
  },
  {
    text: "[Mon Mar 02 15:19:36 2026] [error] [client 203.0.113.9] (70007)The timeout specified has expired: proxy: error reading status line from remote server 10.0.0.7:8080",
    format: "apache-error",
    facts: { upstream: "10.0.0.7:8080" },
    codes: [],
  },
  {
    text: "[Mon Mar 02 15:19:36 2026] [proxy:error] [pid 8:tid 9] (OS 10061)No connection could be made because the target machine actively refused it.  : AH00957: http: attempt to connect to 127.0.0.1:8080 (*) failed",
    format: "apache-error",
    facts: { errno: "ECONNREFUSED" },
  },
  {
    text: "AH01102: error reading status line from remote server 10.0.0.7:8080",
    format: "apache-error",
    facts: { upstream: "10.0.0.7:8080" },
    codes: ["apache-code=AH01102"],
  },
  {
    text: "[Mon Mar 02 15:19:36.8 2026] [mpm_event:notice] [pid 1:tid 2] AH00489: Apache/2.4.58 (Unix) configured -- resuming normal operations",
    format: "apache-error",
    facts: {},
    benign: true,
  },
];

test.each([...nginx, ...access, ...haproxy, ...envoy, ...apache])("$format: $text", (each) => {
  const { format, facts, codes, messages, benign } = read(each.text);
  expect(format).toBe(each.format);
  expect(facts).toMatchObject(each.facts);
  if (each.codes) expect(codes).toEqual(each.codes);
  if (each.messages) expect(messages).toEqual(each.messages);
  expect(benign).toBe(each.benign ?? false);
});
