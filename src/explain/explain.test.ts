// The rules that a matcher of longest patterns gets wrong, and what holds for any text.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { loadIndex } from "../knowledge/load-index.ts";
import { explain } from "./explain.ts";
import { targetOf } from "./target.ts";
import { templateHash, templateOf } from "./template.ts";

const index = loadIndex();
const classOf = (text: string): string | null => explain(text, index).class;
const NGINX = (
  message: string,
  rest = ', client: 203.0.113.9, server: shop.example, request: "GET /cart HTTP/1.1", upstream: "http://10.0.0.7:3000/cart", host: "shop.example"',
) => `2026/03/02 10:15:04 [error] 31#31: *7 ${message}${rest}`;

describe("a wrapper defers to what it wraps", () => {
  test.each([
    [
      "upstream connect error or disconnect/reset before headers. reset reason: connection failure, transport failure reason: TLS error: 268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER",
      "tls-plaintext-mismatch",
    ],
    [
      "[HPM] Error occurred while proxying request localhost:3000/api to http://10.0.0.7:8080/ [ECONNREFUSED] (https://nodejs.org/api/errors.html#errors_common_system_errors)",
      "connect-refused",
    ],
    [
      "[HPM] Error occurred while trying to proxy request /api from localhost:3000 to http://app.example/ (ENOTFOUND) (https://nodejs.org/api/errors.html#errors_common_system_errors)",
      "dns-not-resolved",
    ],
    [
      'ERR error="Unable to reach the origin service. The service may be down or it may not be responding to traffic from cloudflared: dial tcp 10.0.0.7:3000: i/o timeout" connIndex=0',
      "connect-timeout",
    ],
    [
      "TypeError: fetch failed\n    at node:internal/deps/undici/undici:13502:13 {\n  [cause]: Error: connect ECONNREFUSED 10.0.0.7:3000\n      at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1611:16) {\n    errno: -111,\n    code: 'ECONNREFUSED',\n    syscall: 'connect'\n  }\n}",
      "connect-refused",
    ],
  ])("%s", (text, expected) => expect(classOf(text)).toBe(expected));

  test("but a failed probe is a failed probe, whatever made it fail", () => {
    expect(
      classOf(
        'Readiness probe failed: Get "http://10.1.0.120:9000/ping": dial tcp 10.1.0.120:9000: connect: connection refused',
      ),
    ).toBe("upstream-not-ready");
  });
});

describe("which side it is about", () => {
  test("TLS with a client is no fault of the upstream", () => {
    const client =
      "SSL_do_handshake() failed (SSL: error:0A000102:SSL routines::unsupported protocol) while SSL handshaking, client: 203.0.113.9, server: 0.0.0.0:443";
    expect(classOf(`2026/03/02 10:15:04 [info] 31#31: *7 ${client}`)).toBe("client-request-invalid");
    expect(
      classOf(
        NGINX(
          "SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version number) while SSL handshaking to upstream",
        ),
      ),
    ).toBe("tls-plaintext-mismatch");
  });

  test("a reset by the client is the client's", () => {
    expect(
      classOf(NGINX("recv() failed (104: Connection reset by peer) while reading response header from upstream")),
    ).toBe("closed-before-response");
    expect(
      classOf(
        "2026/03/02 10:15:04 [info] 31#31: *7 recv() failed (104: Connection reset by peer) while reading client request line, client: 203.0.113.9, server: 0.0.0.0:80",
      ),
    ).toBe("client-closed-request");
  });
});

describe("the number of an error decides over its text", () => {
  test.each([
    ["connect() failed (111: Verbindungsaufbau abgelehnt) while connecting to upstream", "connect-refused"],
    ["connect() failed (111: Unknown error) while connecting to upstream", "connect-refused"],
    ["connect() failed (113: 没有到主机的路由) while connecting to upstream", "network-unreachable"],
    ["upstream timed out (110: Délai d'attente expiré) while connecting to upstream", "connect-timeout"],
    [
      "upstream timed out (110: Délai d'attente expiré) while reading response header from upstream",
      "response-timeout",
    ],
    ["upstream timed out (110: Operation timed out) while reading upstream", "response-body-timeout"],
  ])("%s", (message, expected) => expect(classOf(NGINX(message))).toBe(expected));
});

describe("a status alone is a status", () => {
  test.each(["502", "502 Bad Gateway", "HTTP 503", "504 Gateway Time-out", "Request failed with status code 502"])(
    "%s",
    (text) => {
      const answer = explain(text, index);
      expect(answer.class).toBe("status-only-502");
      expect(answer.confidence).toBe("none");
      expect(answer.next.text).toMatch(/which hop/i);
      expect(answer.generated).toBe(false);
    },
  );

  test("its page is that of the number", () => {
    expect(explain("502", index).entry).toBe("/status/502");
    expect(explain("504 Gateway Time-out", index).entry).toBe("/status/504");
  });

  test("nginx enters 502 as the upstream's status where it made it itself: nothing is proven", () => {
    const line =
      '203.0.113.9 - - [02/Mar/2026:10:15:04 +0000] "GET / HTTP/1.1" 502 157 "-" "curl/8.5.0" rt=0.001 upstream_addr=10.0.0.7:3000 upstream_status=502';
    expect(classOf(line)).toBe("status-only-502");
  });
});

describe("codes count in their field only", () => {
  test("HAProxy's state tells by case who was slow", () => {
    const line = (state: string, status: number) =>
      `198.51.100.14:48888 [02/Mar/2026:10:15:01.334] fe_http be_shop/web1 0/0/0/-1/30001 ${status} 217 - - ${state}-- 12/12/0/0/3 0/0 "GET /cart HTTP/1.1"`;
    expect(classOf(line("sH", 504))).toBe("response-timeout");
    expect(classOf(line("SH", 502))).toBe("closed-before-response");
  });

  test("a bundle of Envoy's flags", () => expect(classOf("UF,URX")).toBe("connect-refused"));
  test("a letter pair in a sentence is none", () => expect(classOf("The SC and UF teams meet at noon")).toBeNull());
});

describe("what is fine or has nothing to do with it is not diagnosed", () => {
  test.each([
    '203.0.113.9 - - [02/Mar/2026:10:15:04 +0000] "GET /errors/502/connection-refused HTTP/1.1" 200 512 "-" "curl/8.5.0 (timeout; 504)"',
    "2026/05/25 12:04:24 [notice] 26072#26072: start worker process 26081",
    '198.51.100.14:48888 [02/Mar/2026:10:15:01.334] fe_http be_shop/web1 0/0/1/5/6 200 217 - - ---- 12/12/0/0/0 0/0 "GET /cart HTTP/1.1"',
  ])("%s", (text) => expect(classOf(text)).toBe("not-an-error"));

  test.each([
    "npm ERR! Missing script: start",
    "expected 3 to be 4",
    "SELECT * FROM users WHERE id = 502",
    "",
    "   \n\t ",
  ])("%s", (text) => {
    const answer = explain(text, index);
    expect([null, "not-an-error"]).toContain(answer.class);
  });
});

test.each([
  ["This site can't be reached. shop.example refused to connect. ERR_CONNECTION_REFUSED", "connect-refused"],
  ["ERR_CONNECTION_TIMED_OUT", "connect-timeout"],
  ["shop.example didn't send any data. ERR_EMPTY_RESPONSE", "closed-before-response"],
  ["net::ERR_INCOMPLETE_CHUNKED_ENCODING 200 (OK)", "response-truncated"],
  ["DNS_PROBE_FINISHED_NXDOMAIN", "dns-not-resolved"],
  ["Error code: SSL_ERROR_RX_RECORD_TOO_LONG", "tls-plaintext-mismatch"],
  ["NET::ERR_CERT_DATE_INVALID", "tls-cert-expired"],
])("a visitor's browser: %s", (text, expected) => expect(classOf(text)).toBe(expected));

test("the words that decided are those of the pasted text", () => {
  const text = `web-1  | \u001b[31m${NGINX("connect() failed (111: Connection refused) while connecting to upstream")}\u001b[0m`;
  const { decisive, facts } = explain(text, index);
  expect(decisive.map(([start, end]) => text.slice(start, end)).join(" … ")).toMatch(
    /^connect\(\) failed \(111: .*while connecting to upstream$/,
  );
  expect(facts.upstream).toContain("10.0.0.7:3000");
});

test("the next command has the user's own address", () => {
  expect(
    explain(NGINX("connect() failed (111: Connection refused) while connecting to upstream"), index).next.command,
  ).toBe("ss -ltnp 'sport = :3000'");
});

test("what is not known gets a page of its own, the same for equal lines", () => {
  const first = explain("frobnicator 7 jammed at 10.0.0.7:3000 after 60.0 s", index);
  const second = explain("frobnicator 12 jammed at 192.0.2.9:80 after 31.2 s", index);
  expect(first.generated).toBe(true);
  expect(first.page?.title).toMatch(/^Not in the reference/);
  expect(first.entry).toBe(second.entry);
  expect(JSON.stringify(first.page)).toContain("proxy_read_timeout");
});

test("property: any text gets an answer, with ranges inside of it", () => {
  const fragments = fc.constantFrom(
    "connect() failed (111: ",
    "502",
    "upstream",
    "\n",
    "\u001b[31m",
    "{",
    '"',
    "SSL",
    " | ",
    "unix:/x",
    "\u0000",
    "…",
    "🤷",
  );
  const text = fc
    .array(fc.oneof(fragments, fc.string({ unit: "binary", maxLength: 12 })), { maxLength: 30 })
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(text, (input) => {
      const answer = explain(input, index);
      expect(answer.input).toBe(input);
      for (const [start, end] of answer.decisive) {
        expect(start).toBeGreaterThanOrEqual(0);
        expect(end).toBeGreaterThan(start);
        expect(end).toBeLessThanOrEqual(input.length);
      }
    }),
    { numRuns: 300 },
  );
});

test("property: nothing that was pasted steers the shell of a copied command", () => {
  const hostile = fc.string({
    unit: fc.constantFrom("$", "(", ")", "`", ";", "'", '"', "|", "&", "\n", "a", "1", ".", ":", "/", "-", "[", "]"),
    maxLength: 30,
  });
  fc.assert(
    fc.property(hostile, hostile, hostile, (upstream, path, host) => {
      const { url, address, site, path: shown, socket } = targetOf({ upstream, path, host });
      for (const part of [url, address, site ?? "", shown, socket ?? ""]) expect(part).not.toMatch(/[$`;|&'"\\\s()<>]/);
    }),
    { numRuns: 300 },
  );
});

test("a template masks what changes, and only that", () => {
  expect(templateOf(NGINX("upstream timed out (110: Connection timed out) while connecting to upstream"))).toBe(
    '<time> [error] <n>#<n>: *<n> upstream timed out (<n>: Connection timed out) while connecting to upstream, client: <address>, server: <name>, request: "<request>", upstream: "<url>", host: "<name>"',
  );
  expect(templateHash("a")).not.toBe(templateHash("b"));
  expect(templateHash("a")).toMatch(/^[0-9a-f]{12}$/);
});

test("the address of a client is not taken for the upstream", () => {
  const line =
    'Nov 20 21:45:10 lb1 haproxy[9]: 203.0.113.152:53412 [20/Nov/2026:21:45:10.120] www app/app2 0/0/1/-1/50001 504 512 - - sH-- 5/5/1/1/0 0/0 "GET / HTTP/1.1"';
  const { facts, next } = explain(line, index);
  expect(facts.upstream).toBeUndefined();
  expect(facts).toMatchObject({ client: "203.0.113.152:53412", upstreamName: "app/app2" });
  expect(next.command).not.toContain("203.0.113.152");
});
