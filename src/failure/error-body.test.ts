import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { CAUSE_IDS, CAUSES } from "./causes.ts";
import { deadlineFailure, failureOf } from "./classify.ts";
import { fix, forVisitor, isRetryable, sentence } from "./describe.ts";
import { type ErrorContext, type ErrorFormat, errorBody, negotiate, ownPage } from "./error-body.ts";
import type { DeadlineName, Evidence } from "./failure.ts";

const FORMATS: readonly ErrorFormat[] = ["html", "problem", "markdown", "text"];

/** Everything that must not reach a stranger; each is recognisable. */
const evidence: Evidence = {
  errno: "ESECRET",
  tlsCode: "ERR_SSL_SECRET",
  rcode: "SECRETRCODE",
  address: "192.0.2.77:3000",
  detail: "secret detail <script>alert(1)</script>",
  headExcerpt: "secret excerpt <script>",
  limit: "head",
  limitBytes: 4711,
  bytesSent: 4712,
  bytesReceived: 4713,
  connectionUses: 4714,
  idleMs: 4715,
  waitedMs: 4716,
  deadlineMs: 4717,
  closedBy: "rst",
  upstreamProxyStatus: "secrethop; error=dns_error",
};
const INTERNALS =
  /secret|192\.0\.2\.77|3000|471\d|4\.7 s|4\.6 KiB|inner-upstream|inner-route|timeouts\.|limits\.|keepalive\.|upstreams\./i;

const context: ErrorContext = {
  requestId: "id-<script>alert(2)</script>",
  method: "GET",
  path: '/<script>alert("3")</script>/\x1b[31m?token=QUERY-SECRET',
  name: "gw",
  host: "shop.example<script>",
  upstream: "inner-upstream",
  endpoint: "192.0.2.77:3000",
  route: "inner-route",
  attempts: 1,
  showDetail: false,
};

test.each(CAUSE_IDS)("%s: every form renders, escapes, and keeps internals to itself", (cause) => {
  const failure = failureOf(cause, evidence);
  for (const format of FORMATS) {
    for (const showDetail of [false, true]) {
      const { body } = errorBody(format, failure, { ...context, showDetail });
      expect(body).toContain(cause);
      expect(body).toContain(String(failure.status));
      expect(body).not.toMatch(/undefined|NaN|\[object/);
      expect(body).not.toContain("QUERY-SECRET");
      expect(body).not.toContain("\x1b");
      // Plain text is shown as text; in the others markup of a request must not be markup.
      if (format !== "text") expect(body.replace(/\\</g, "")).not.toMatch(/<script>\s*alert/);
      if (!showDetail) expect(body).not.toMatch(INTERNALS);
    }
  }
});

test.each(CAUSE_IDS)("%s: words are sentences", (cause) => {
  for (const seen of [{}, evidence, { ...evidence, deadline: "head" as DeadlineName }]) {
    const failure = failureOf(cause, seen);
    for (const showDetail of [false, true]) {
      const about = { ...context, showDetail };
      for (const text of [sentence(failure, about), fix(failure, about)]) {
        expect(text).toMatch(/^["A-Z\d].*[."]$/s);
        expect(text).not.toMatch(/undefined|NaN|\.\.| {2}| \.| ,/);
      }
    }
    for (const method of ["GET", "POST"]) {
      const { headline, message, advice } = forVisitor(failure, method);
      expect(`${headline}${message}${advice}`).not.toMatch(/upstream|gateway|timeout|config|TLS|DNS|socket/i);
    }
  }
});

test("a sentence carries the evidence", () => {
  const refused = failureOf("connect-refused", { errno: "ECONNREFUSED", address: "10.0.0.7:3000", waitedMs: 0.42 });
  expect(sentence(refused, { showDetail: true })).toBe(
    "10.0.0.7:3000 refused the connection (ECONNREFUSED) after 0.4 ms.",
  );
  const late = deadlineFailure("head", { address: "10.0.0.7:3000", deadlineMs: 30_000 });
  expect(sentence(late, { showDetail: true })).toBe(
    "10.0.0.7:3000 sent no response head within 30 s of the whole request.",
  );
  expect(fix(late, { showDetail: true, upstream: "app" })).toContain("upstreams.app.timeouts.head (30 s)");
});

test("every deadline's fix names the setting of the timer that fired", () => {
  const settings: Readonly<Record<DeadlineName, RegExp>> = {
    "client-head": /client\.timeouts\.head/,
    "client-body": /client\.timeouts\.body/,
    "client-send": /client\.timeouts\.send/,
    resolve: /resolve\.timeout/,
    connect: /timeouts\.connect/,
    tls: /timeouts\.tls/,
    send: /timeouts\.send/,
    head: /timeouts\.head/,
    "idle-body": /timeouts\.idle-body/,
    "tunnel-idle": /timeouts\.tunnel-idle/,
    queue: /limits\.connections/,
    hold: /hold\.for/,
  };
  for (const [deadline, setting] of Object.entries(settings)) {
    const failure = deadlineFailure(deadline as DeadlineName, { deadlineMs: 1000 });
    expect(fix(failure, { showDetail: true })).toMatch(setting);
  }
});

test("a race says how the idle timer is known", () => {
  const race = (keepAliveHintMs: number | undefined, keepAliveLearntMs: number): string =>
    fix(failureOf("keepalive-race", { ...(keepAliveHintMs && { keepAliveHintMs }), keepAliveLearntMs }), {
      showDetail: true,
    });
  expect(race(5000, 5000)).toContain("for 5 s, as it says.");
  expect(race(undefined, 2000)).toContain("for 2 s, as it has shown.");
  expect(race(5000, 2000)).toContain("for 2 s, as it has shown.");
});

test("whether to send again depends on the method", () => {
  const closed = failureOf("closed-before-response", {});
  expect([isRetryable(closed, "GET"), isRetryable(closed, "PUT"), isRetryable(closed, "POST")]).toEqual([
    true,
    true,
    false,
  ]);
  expect(forVisitor(closed, "POST")).toMatchObject({
    retryHelps: false,
    advice: expect.stringContaining("may have arrived"),
  });
  // A key that the application honours makes a POST as good as a PUT.
  expect([isRetryable(closed, "POST", true), isRetryable(failureOf("route-not-found", {}), "POST", true)]).toEqual([
    true,
    false,
  ]);
  expect(forVisitor(closed, "POST", true)).toMatchObject({
    retryHelps: true,
    advice: expect.stringContaining("same key"),
  });
  const refused = failureOf("connect-refused", {});
  expect(isRetryable(refused, "POST")).toBe(true);
  expect(forVisitor(refused, "POST").advice).toContain("nothing has happened");
});

test("the page tries again by itself only where waiting helps and the method is safe", () => {
  const wait = (cause: "connect-refused" | "tls-cert-expired", method: string): string | undefined =>
    /data-wait="(\d+)"/.exec(errorBody("html", failureOf(cause, {}), { ...context, method }).body)?.[1];
  expect(wait("connect-refused", "GET")).toBe(String(CAUSES["connect-refused"].retryAfterSeconds));
  expect(wait("connect-refused", "POST")).toBe("0");
  expect(wait("tls-cert-expired", "GET")).toBe("0");
  const offers = (cause: "gateway-internal-error" | "tls-cert-expired"): boolean =>
    errorBody("html", failureOf(cause, {}), context).body.includes(">Try again</a>");
  expect([offers("gateway-internal-error"), offers("tls-cert-expired")]).toEqual([true, false]);
});

test("the page loads nothing, and its policy names its style and script", () => {
  const { body, policy } = errorBody("html", failureOf("connect-refused", {}), { ...context, showDetail: true });
  expect(body).not.toMatch(/\s(?:src|style|on\w+)=|url\(|@import|<link|<img|<iframe/i);
  for (const [element, directive] of [
    ["style", "style-src"],
    ["script", "script-src"],
  ]) {
    const parts = [...body.matchAll(new RegExp(`<${element}>([\\s\\S]*?)</${element}>`, "g"))];
    expect(parts).toHaveLength(1);
    const hash = createHash("sha256").update(parts[0]![1]!).digest("base64");
    expect(policy).toContain(`${directive} 'sha256-${hash}'`);
  }
});

test("the page marks the part that failed in words", () => {
  const text = (cause: Parameters<typeof failureOf>[0]): string =>
    /<ol[\s\S]*<\/ol>/.exec(errorBody("html", failureOf(cause, {}), context).body)![0].replace(/<[^>]+>/g, " ");
  expect(text("connect-refused")).toMatch(
    /browser\s+connected\s+✓\s+Gateway\s+working\s+✕\s+Application\s+not answering/,
  );
  expect(text("route-not-found")).toMatch(/connected\s+✕\s+Gateway\s+nothing here\s+–\s+Application\s+not reached/);
  expect(text("client-request-invalid")).toMatch(/✕\s+Your browser\s+not understood\s+✓\s+Gateway\s+working\s+–/);
});

test("problem+json has what RFC 9457 and the contract ask for", () => {
  const failure = failureOf("no-healthy-upstream", {});
  const { type, body } = errorBody("problem", failure, {
    ...context,
    requestId: "abc",
    referenceBase: "https://ref.example",
  });
  expect(type).toBe("application/problem+json");
  expect(JSON.parse(body)).toEqual({
    type: "https://ref.example/reference/cause/no-healthy-upstream",
    title: "No usable member in the pool",
    status: 503,
    detail: "No server of the application is available at the moment.",
    instance: "urn:goodgate:request:abc",
    cause: "no-healthy-upstream",
    phase: "pool",
    requestId: "abc",
    retryable: true,
    retryAfter: 5,
    fix: "This is usually over in a moment: try again shortly.",
  });
});

test("the hop at fault is told where an earlier one reported an error", () => {
  const failure = failureOf(
    "upstream-error-passthrough",
    { upstreamProxyStatus: "inner; error=dns_error, mid" },
    { status: 502 },
  );
  expect(errorBody("text", failure, { ...context, showDetail: true }).body).toContain(
    "Hop at fault: inner (dns_error)",
  );
});

test("a page of the user's own is filled in, escaped; other braces stay", () => {
  const template = "<style>p{color:red}</style>{status} {title} {cause} {message} {request.id} {retry.after} {unknown}";
  expect(ownPage(template, failureOf("connect-refused", {}), context)).toBe(
    "<style>p{color:red}</style>502 Bad Gateway connect-refused The site is reachable, but the application behind it does not answer. It may be restarting. id-&lt;script&gt;alert(2)&lt;/script&gt; 5 {unknown}",
  );
});

test.each<[string | null | undefined, ErrorFormat]>([
  [undefined, "text"],
  [null, "text"],
  ["", "text"],
  ["*/*", "text"],
  ["text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", "html"],
  ["application/json", "problem"],
  ["application/json, text/plain, */*", "problem"],
  ["text/html;q=0.5, application/problem+json", "problem"],
  ["application/vnd.api+json", "problem"],
  ["text/markdown, text/html;q=0.9", "markdown"],
  ["text/*", "text"],
  ["*/*, TEXT/HTML ; q=1.0", "html"],
  ["text/html;q=0, */*;q=0.1", "text"],
  ["text/html;q=0", "text"],
  ["image/webp", "text"],
  [";;;,,,q=,text/html;q=x", "html"],
])("Accept %s gets %s", (accept, format) => {
  expect(negotiate(accept)).toBe(format);
});

test("of an endless Accept only the beginning counts", () => {
  expect(negotiate("a/b,".repeat(10_000) + "text/html")).toBe("text");
});

test("whoever runs the gateway is led to the reference on this machine, nobody else", () => {
  const failure = failureOf("connect-refused", {});
  const told = { ...context, requestId: "abc", localReferenceBase: "http://127.0.0.1:8502" };
  const link = 'href="http://127.0.0.1:8502/reference/cause/connect-refused"';
  expect(errorBody("html", failure, { ...told, showDetail: true }).body).toContain(link);
  expect(errorBody("html", failure, { ...told, showDetail: false }).body).not.toContain("8502");
  expect(JSON.parse(errorBody("problem", failure, { ...told, showDetail: true }).body)).toMatchObject({
    type: "https://goodgate.dev/reference/cause/connect-refused",
  });
});
