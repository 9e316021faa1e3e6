import fc from "fast-check";
import { expect, test } from "vitest";
import {
  closedFailure,
  connectFailure,
  deadlineFailure,
  failureOf,
  headExcerpt,
  RACE_IDLE_MIN_MS,
  RACE_SLACK_MS,
  RACE_WINDOW_MS,
  type WireCode,
  wireFailure,
} from "./classify.ts";
import { nginxStatusOf, proxyStatusType } from "./facets.ts";
import type { DeadlineName, Evidence } from "./failure.ts";

const coded = (code: string, more: object = {}): Error =>
  Object.assign(new Error("text that nobody reads"), { code, ...more });

test.each([
  ["ECONNREFUSED", "connect-refused", 502, "connection_refused"],
  ["ETIMEDOUT", "connect-timeout", 504, "connection_timeout"],
  ["EHOSTUNREACH", "network-unreachable", 502, "destination_ip_unroutable"],
  ["ENETUNREACH", "network-unreachable", 502, "destination_ip_unroutable"],
  ["EADDRNOTAVAIL", "gateway-resource-exhausted", 500, "proxy_internal_error"],
  ["EMFILE", "gateway-resource-exhausted", 500, "proxy_internal_error"],
  ["EACCES", "connect-permission-denied", 500, "proxy_internal_error"],
  ["EPERM", "connect-permission-denied", 500, "proxy_internal_error"],
  ["ENOENT", "socket-missing", 502, "connection_refused"],
  ["EAGAIN", "upstream-saturated", 503, "connection_limit_reached"],
  ["ECONNRESET", "closed-before-response", 502, "connection_terminated"],
  ["E_NOBODY_KNOWS", "gateway-internal-error", 500, "proxy_internal_error"],
])("connect: %s is %s", (code, cause, status, type) => {
  const failure = connectFailure(coded(code), "connect", { address: "10.0.0.1:80" });
  expect(failure).toMatchObject({ cause, status, evidence: { errno: code, address: "10.0.0.1:80" } });
  expect(proxyStatusType(failure)).toBe(type);
});

test.each([
  ["ENOTFOUND", "queryA", "dns-not-resolved", "NXDOMAIN", 502, "dns_error"],
  ["ENOTFOUND", "getaddrinfo", "dns-not-resolved", undefined, 502, "dns_error"],
  ["ENODATA", "queryAaaa", "dns-not-resolved", "NOERROR", 502, "dns_error"],
  ["EAI_AGAIN", "getaddrinfo", "dns-timeout", undefined, 504, "dns_timeout"],
  ["ETIMEOUT", "queryA", "dns-timeout", undefined, 504, "dns_timeout"],
  ["ECONNREFUSED", "queryA", "dns-timeout", undefined, 504, "dns_timeout"],
  ["ESERVFAIL", "queryA", "dns-timeout", "SERVFAIL", 502, "dns_error"],
  ["EREFUSED", "queryA", "dns-timeout", "REFUSED", 502, "dns_error"],
  ["EMFILE", "getaddrinfo", "gateway-resource-exhausted", undefined, 500, "proxy_internal_error"],
])("resolve: %s of %s is %s", (code, syscall, cause, rcode, status, type) => {
  const failure = connectFailure(coded(code, { syscall }), "resolve", {});
  expect(failure).toMatchObject({ cause, status, phase: "dns" });
  expect(failure.evidence.rcode).toBe(rcode);
  expect(proxyStatusType(failure)).toBe(type);
});

test("of several addresses the error that says most of the upstream is told, with its address", () => {
  const errors = [
    coded("ENETUNREACH", { address: "2001:db8::1", port: 80 }),
    coded("ETIMEDOUT", { address: "10.0.0.1", port: 80 }),
    coded("ECONNREFUSED", { address: "10.0.0.2", port: 80 }),
  ];
  const failure = connectFailure(new AggregateError(errors), "connect", { address: "app.internal:80" });
  expect(failure).toMatchObject({ cause: "connect-refused", evidence: { address: "10.0.0.2:80" } });
  expect(connectFailure(new AggregateError(errors.slice(0, 2)), "connect", {}).cause).toBe("connect-timeout");
  const v6 = coded("EADDRNOTAVAIL", { address: "::1", port: 80 });
  expect(connectFailure(v6, "connect", {})).toMatchObject({
    cause: "network-unreachable",
    evidence: { address: "[::1]:80" },
  });
});

test.each([null, undefined, 7, "ECONNREFUSED", {}, new Error("ECONNREFUSED"), new AggregateError([])])(
  "an error without a code is the gateway's own (%s)",
  (error) => {
    for (const stage of ["resolve", "connect", "tls"] as const) {
      expect(connectFailure(error, stage, {}).cause).toBe("gateway-internal-error");
    }
  },
);

test.each<[DeadlineName, string, number, string | null]>([
  ["client-head", "client-timeout", 408, "http_request_error"],
  ["client-body", "client-timeout", 408, "http_request_error"],
  ["client-send", "client-closed-request", 499, null],
  ["resolve", "dns-timeout", 504, "dns_timeout"],
  ["connect", "connect-timeout", 504, "connection_timeout"],
  ["tls", "tls-handshake-failed", 504, "connection_timeout"],
  ["send", "upstream-write-failed", 504, "connection_write_timeout"],
  ["head", "response-timeout", 504, "http_response_timeout"],
  ["idle-body", "response-body-timeout", 504, "connection_read_timeout"],
  ["tunnel-idle", "response-body-timeout", 504, "connection_read_timeout"],
  ["queue", "pool-exhausted", 503, "connection_limit_reached"],
])("deadline %s: %s", (deadline, cause, status, type) => {
  const failure = deadlineFailure(deadline, { deadlineMs: 5 });
  expect(failure).toMatchObject({ cause, status, evidence: { deadline, deadlineMs: 5 } });
  expect(proxyStatusType(failure)).toBe(type);
});

const race: Evidence = {
  closedBy: "fin",
  bytesReceived: 0,
  bytesSent: 90,
  connectionUses: 3,
  idleMs: 5000,
  waitedMs: 0.3,
};

test("keepalive-race: idle, carried requests before, closed at once, nothing received", () => {
  expect(closedFailure("response-head", race)).toMatchObject({
    cause: "keepalive-race",
    phase: "response-head",
    evidence: { raceWindowMs: RACE_WINDOW_MS, idleMs: 5000 },
  });
  expect(closedFailure("write", { ...race, closedBy: "rst", errno: "EPIPE" })).toMatchObject({
    cause: "keepalive-race",
    phase: "write",
  });
  const far = closedFailure("response-head", { ...race, roundTripMs: 90, waitedMs: 95, keepAliveHintMs: 5000 });
  expect(far).toMatchObject({ cause: "keepalive-race", evidence: { raceWindowMs: 2 * 90 + RACE_SLACK_MS } });
});

test.each<[string, Evidence]>([
  ["the connection is new", { ...race, connectionUses: 0 }],
  ["it was busy a moment ago", { ...race, idleMs: RACE_IDLE_MIN_MS - 1 }],
  ["the upstream worked on it", { ...race, waitedMs: RACE_WINDOW_MS + 1 }],
  ["a part of a response came", { ...race, bytesReceived: 12 }],
  ["the upstream promised to keep it far longer", { ...race, keepAliveHintMs: 60_000 }],
  ["two round trips were over", { ...race, roundTripMs: 90, waitedMs: 2 * 90 + RACE_SLACK_MS + 0.1 }],
  ["nothing is known", {}],
])("no keepalive-race where %s", (_, evidence) => {
  expect(closedFailure("response-head", evidence).cause).toBe("closed-before-response");
});

test("closed in each phase", () => {
  const none = closedFailure("response-head", { bytesReceived: 0, closedBy: "fin" });
  expect([none.cause, proxyStatusType(none)]).toEqual(["closed-before-response", "connection_terminated"]);
  const half = closedFailure("response-head", { bytesReceived: 9, closedBy: "fin" });
  expect([half.cause, proxyStatusType(half)]).toEqual(["closed-before-response", "http_response_incomplete"]);
  expect(closedFailure("write", { bytesSent: 9 }).cause).toBe("upstream-write-failed");
  expect(closedFailure("response-body", { bytesReceived: 9 }).cause).toBe("response-truncated");
  expect(closedFailure("upgrade", { bytesReceived: 0 }).cause).toBe("upgrade-failed");
  expect(closedFailure("upgrade", { bytesReceived: 99 })).toMatchObject({
    cause: "response-truncated",
    phase: "upgrade",
  });
});

const RESPONSE_WIRE: Readonly<Record<WireCode, string>> = {
  "not-http": "protocol-mismatch",
  "tls-bytes": "tls-plaintext-mismatch",
  "http2-preface": "protocol-mismatch",
  "http-0.9": "protocol-mismatch",
  "bad-start-line": "response-malformed",
  "bad-version": "response-malformed",
  "bad-field": "response-malformed",
  "bad-host": "response-malformed",
  "bad-length": "response-malformed",
  "bad-coding": "response-encoding-invalid",
  "both-framings": "response-encoding-invalid",
  "bare-cr": "response-malformed",
  "line-too-long": "response-header-too-large",
  "head-too-large": "response-header-too-large",
  "too-many-fields": "response-header-too-large",
  "bad-chunk": "response-encoding-invalid",
  "bad-trailer": "response-encoding-invalid",
  "trailer-too-large": "response-header-too-large",
  "bad-target": "response-malformed",
};

test.each(Object.entries(RESPONSE_WIRE) as [WireCode, string][])("a response with %s is %s, 502", (code, cause) => {
  expect(wireFailure("response", code, "why", 400, {})).toMatchObject({
    cause,
    status: 502,
    evidence: { detail: "why" },
  });
});

test("a plain connection on which TLS came is a protocol error of HTTP; a trailer has its own type", () => {
  expect(proxyStatusType(wireFailure("response", "tls-bytes", "", 0, {}))).toBe("http_protocol_error");
  expect(proxyStatusType(wireFailure("response", "trailer-too-large", "", 0, {}))).toBe(
    "http_response_trailer_section_size",
  );
});

test.each<[WireCode, number | undefined, string, number, number]>([
  ["bad-field", 400, "client-request-invalid", 400, 400],
  ["bad-version", 505, "client-request-invalid", 505, 505],
  ["bad-coding", 501, "client-request-invalid", 501, 501],
  ["line-too-long", undefined, "client-request-too-large", 414, 414],
  ["head-too-large", 431, "client-request-too-large", 431, 400],
  ["too-many-fields", undefined, "client-request-too-large", 431, 400],
  ["tls-bytes", 400, "client-request-invalid", 400, 400],
])("a request with %s (%s) is %s, %s; nginx %s", (code, status, cause, expected, nginx) => {
  const failure = wireFailure("request", code, "why", status, {});
  expect(failure).toMatchObject({ cause, status: expected });
  expect(nginxStatusOf(failure)).toBe(nginx);
});

test("what the upstream answered is passed on with its own status, which is no error of ours", () => {
  const failure = failureOf("upstream-error-passthrough", {}, { status: 503 });
  expect([failure.status, nginxStatusOf(failure), proxyStatusType(failure)]).toEqual([503, 503, null]);
});

test("evidence that was passed in is left as it was", () => {
  const evidence: Evidence = Object.freeze({ ...race, errno: "ECONNRESET" });
  closedFailure("response-head", evidence);
  deadlineFailure("head", evidence);
  connectFailure(coded("ECONNREFUSED"), "connect", evidence);
  expect(wireFailure("response", "bare-cr", "d", 0, evidence).evidence).not.toBe(evidence);
});

test("an excerpt is printable ASCII of at most 120 characters, within its bounds", () => {
  expect(headExcerpt(Buffer.from("HTTP/1.1 200\r\nA\\\x1b[0m\xff", "latin1"), 0, 99)).toBe(
    "HTTP/1.1 200\\r\\nA\\\\\\x1b[0m\\xff",
  );
  expect(headExcerpt(Buffer.from("abcdef"), 2, 4)).toBe("cd");
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(headExcerpt(Buffer.from(bytes), 0, bytes.length)).toMatch(/^[\x20-\x7e]{0,120}$/);
    }),
    { numRuns: 200 },
  );
});

test("an excerpt of a head has no secrets, whether its lines can be read or not", () => {
  const excerpt = (text: string): string => headExcerpt(Buffer.from(text, "latin1"), 0, text.length);
  const head = "HTTP/1.1 200 OK\r\nSet-Cookie: session=0123abcd; Path=/\r\nX-Token 4567ef\r\nContent-Length: 5x";
  expect(excerpt(head)).toBe(
    "HTTP/1.1 200 OK\\r\\nSet-Cookie: session=[redacted]; Path=/\\r\\nX-Token [redacted]\\r\\nContent-Length: 5x",
  );
  expect(excerpt(`HTTP/1.1 200 OK\r\nX-Note: a\r\nAuthorization: Bearer ${"a1".repeat(200)}`)).toBe(
    "HTTP/1.1 200 OK\\r\\nX-Note: a\\r\\nAuthorization: [redacted]",
  );
  expect(excerpt("SSH-2.0-OpenSSH_9.6\r\n")).toBe("SSH-2.0-OpenSSH_9.6\\r\\n");
});
