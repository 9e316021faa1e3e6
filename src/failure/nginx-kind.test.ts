import { expect, test } from "vitest";
import { CAUSE_IDS, CAUSES } from "./causes.ts";
import { connectFailure, deadlineFailure, failureOf, wireFailure } from "./classify.ts";
import type { DeadlineName } from "./failure.ts";
import { nginxFailureKind, nginxStatusKind } from "./nginx-kind.ts";

const errno = (code: string) => Object.assign(new Error(code), { code });

test("errors of connect() are errors, whatever they are; a lack of descriptors ends the request", () => {
  for (const code of ["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EACCES", "ENOENT", "EADDRNOTAVAIL", "EAGAIN"])
    expect(nginxFailureKind(connectFailure(errno(code), "connect", {})), code).toBe("error");
  for (const code of ["EMFILE", "ENFILE"])
    expect(nginxFailureKind(connectFailure(errno(code), "connect", {})), code).toBeNull();
});

test("deadlines up to the head are timeouts; nobody is blamed for a name, a queue or the body", () => {
  const kindOf = (deadline: DeadlineName) =>
    nginxFailureKind(deadlineFailure(deadline, { deadline, waitedMs: 5, deadlineMs: 5 }));
  for (const deadline of ["connect", "tls", "send", "head"] as const)
    expect(kindOf(deadline), deadline).toBe("timeout");
  for (const deadline of ["resolve", "idle-body", "queue", "hold", "client-body"] as const)
    expect(kindOf(deadline), deadline).toBeNull();
});

test("a connection that dies before the head is an error, behind it the response is only cut", () => {
  expect(nginxFailureKind(failureOf("closed-before-response", { closedBy: "fin" }))).toBe("error");
  expect(nginxFailureKind(failureOf("keepalive-race", { closedBy: "rst" }))).toBe("error");
  expect(nginxFailureKind(failureOf("response-truncated", { closedBy: "fin" }))).toBeNull();
});

test("a head that cannot be read is an invalid header", () => {
  const malformed = wireFailure("response", "bad-start-line", "no status", 0, {});
  expect(nginxFailureKind(malformed)).toBe("invalid_header");
  expect(nginxFailureKind(failureOf("response-header-too-large", {}))).toBe("invalid_header");
});

test("a status has a kind where proxy_next_upstream can name it", () => {
  const named = [403, 404, 429, 500, 502, 503, 504];
  for (let status = 100; status < 600; status++)
    expect(nginxStatusKind(status)).toBe(named.includes(status) ? `http_${status}` : null);
  expect(nginxFailureKind(failureOf("upstream-error-passthrough", {}, { status: 429 }))).toBe("http_429");
});

test("what nginx answers is 504 where it says timeout, and 502 for the other kinds that are no status", () => {
  for (const cause of CAUSE_IDS) {
    const kind = nginxFailureKind(failureOf(cause, {}));
    if (kind === "timeout") expect(CAUSES[cause].nginxStatus, cause).toBe(504);
    if (kind === "error" || kind === "invalid_header") expect(CAUSES[cause].nginxStatus, cause).toBe(502);
  }
});
