// What single targets show, and what is a risk of theirs rather than a fault.
import { expect, test } from "vitest";
import { failureOf } from "../../failure/classify.ts";
import type { Evidence } from "../evidence.ts";
import { diagnose } from "./diagnose.ts";
import { event, evidence, HERE, leg, NOW_MS, page, seen, target, tried } from "./evidence.fixture.ts";

const answer = (of: Evidence) => {
  const { outcome, verdict } = diagnose(of);
  return verdict ? [outcome, verdict.class, verdict.hop, verdict.certainty] : [outcome];
};

const BAD_GATEWAY = tried({ status: 502, page: page({}) });
const MEMBER = target("endpoint app 127.0.0.1:3000");
const logs = (more: Partial<Evidence["logs"]>): Evidence["logs"] => ({ ...evidence([]).logs, ...more });

const at = (ms: number, more: Parameters<typeof tried>[0] = {}) => tried({ startedAtMs: NOW_MS + ms, ...more });
const busy = (ms: number) => at(ms, { status: 503, page: page({}) });

test("a rate limit that doctor's own requests met is a risk, and no fault of a site that answers", () => {
  const met = (http: Parameters<typeof seen>[1], more: Partial<Evidence> = {}) =>
    evidence([seen(target("url"), http)], more);
  const limited = [
    met([at(0), at(10, { status: 429 }), at(300, { status: 429 })]),
    met([at(0), busy(4), busy(6), at(300), at(600), at(900)]),
    // What a log calls a limit is one, however the requests came.
    met([at(0), busy(300), at(310), busy(600)], {
      logs: logs({ duringProbes: [event({ class: "rate-limited", upstream: null })] }),
    }),
  ];
  for (const each of limited) {
    expect(answer(each)).toEqual(["healthy"]);
    expect(diagnose(each).risks.map(({ id }) => id)).toEqual(["rate-limit-met"]);
  }
  // Refused from the first request on, or at times that no limit explains: visitors may be, too.
  expect(answer(met([at(0, { status: 429 }), at(300, { status: 429 })]))[1]).toBe("rate-limited");
  expect(answer(met([at(0), at(10), busy(300), at(310), busy(600)]))).toEqual([
    "fault",
    "rate-limited",
    "url",
    "possible",
  ]);
});

test("a member that shows a gateway's page is a gateway that no configuration tells of", () => {
  const found = evidence([seen(target("url"), [BAD_GATEWAY]), seen(MEMBER, [BAD_GATEWAY])], {
    way: [leg([MEMBER.id])],
    local: HERE,
  });
  expect(answer(found)).toEqual(["unknown", "status-only-502", `behind ${MEMBER.id}`, "possible"]);
});

const refused = failureOf("tls-handshake-failed", { address: "127.0.0.1:8080", tlsAlert: 120 });
const handshake = (what: "as-asked" | "no-name", failure: typeof refused | null, names = ["shop.example"]) => ({
  what,
  serverName: "shop.example",
  protocol: "TLSv1.3",
  cipher: null,
  alpn: "h2",
  chain: [
    {
      subject: "CN=shop.example",
      issuer: "CN=CA",
      names,
      notBeforeMs: NOW_MS - 1,
      notAfterMs: NOW_MS + 90 * 86_400_000,
      selfSigned: false,
      fingerprint: "",
    },
  ],
  failure,
  untrusted: null,
  tookMs: 1,
});
const secure = (
  tries: ReturnType<typeof handshake>[],
  otherWay: Evidence["targets"][0]["tls"][0]["otherWay"] = null,
) => [{ address: "127.0.0.1:8080", tries, otherWay }];
const HTTPS = target("url", { scheme: "https" });

test("a site that speaks HTTP/2 alone serves browsers: a risk", () => {
  const alone = tried({ status: null, requestId: "", failure: refused });
  const http = [alone, tried({ what: "h2", protocol: "h2" })];
  const found = evidence([seen(HTTPS, http, { tls: secure([handshake("as-asked", null)]) })]);
  expect(answer(found)).toEqual(["healthy"]);
  expect(diagnose(found).risks.map(({ id }) => id)).toEqual(["http2-only"]);
  // Without time for HTTP/2 nothing is known of the site.
  const late = evidence([seen(HTTPS, [alone], { tls: secure([handshake("as-asked", null)]) })]);
  expect(answer(late)).toEqual(["unknown"]);
});

test("what other handshakes and the other protocol are answered says what a port speaks", () => {
  const failure = failureOf("tls-handshake-failed", { address: "127.0.0.1:8080", errno: "ECONNRESET" });
  const tls = secure([handshake("as-asked", failure), handshake("no-name", null)]);
  const named = evidence([seen(HTTPS, [tried({ status: null, failure })], { tls })]);
  expect(diagnose(named).verdict?.reasons[0]?.text).toContain("It succeeds without a server name (SNI).");
  const plain = failureOf("tls-plaintext-mismatch", { address: "127.0.0.1:8080" });
  const other = { asked: "plain-http", answered: "other", status: null } as const;
  const banner = evidence([
    seen(HTTPS, [tried({ status: null, failure: plain })], { tls: secure([handshake("as-asked", plain)], other) }),
  ]);
  expect(answer(banner)).toEqual(["fault", "protocol-mismatch", "url", "proven"]);
  const silent = failureOf("tls-handshake-failed", { address: "127.0.0.1:8080", deadline: "tls" });
  expect(answer(evidence([seen(HTTPS, [tried({ status: null, failure: silent })])]))[3]).toBe("likely");
});

test("a certificate without subjectAltName is refused by browsers", () => {
  const found = evidence([seen(HTTPS, [tried()], { tls: secure([handshake("as-asked", null, [])]) })]);
  expect(answer(found)).toEqual(["fault", "tls-cert-name-mismatch", "url", "likely"]);
});

test("what only HTTP/2 shows is not called masked, and where a redirect leads that is not asked is said", () => {
  const h2 = evidence([seen(HTTPS, [tried(), tried({ what: "h2", protocol: "h2", status: 500 })])]);
  expect(diagnose(h2).summary).not.toContain("Visitors are answered all the same");
  const redirects = { urls: ["http://169.254.169.254/"], loop: false };
  const away = diagnose(evidence([seen(target("url"), [tried({ status: 302 })], { redirects })]));
  expect([away.outcome, away.summary]).toEqual(["healthy", expect.stringContaining("169.254.169.254")]);
});

test("a slow member is a risk, where the others answer the same at once", () => {
  const slow = (ms: number) => tried({ timings: { connectMs: 1, tlsMs: null, headMs: ms, bodyMs: 1, totalMs: ms } });
  const found = evidence([
    seen(target("url"), [tried()]),
    ...[5, 6, 1_500].map((ms, index) => seen(target(`origin 127.0.0.1:300${index}`), [slow(ms)])),
  ]);
  expect(answer(found)).toEqual(["healthy"]);
  expect(diagnose(found).risks.map(({ id, text }) => [id, text.includes("3002")])).toEqual([["slow-member", true]]);
});

test("where all members fail for doctor alone, they may be asked otherwise: possible, unless the answer was kept", () => {
  const bad = tried({ status: 500 });
  const found = (fields: readonly (readonly [string, string])[], others = [] as ReturnType<typeof seen>[]) =>
    evidence([seen(target("url"), [tried({ fields })]), seen(MEMBER, [bad]), ...others], {
      way: [leg([MEMBER.id, ...others.map(({ target: { id } }) => id)])],
      local: HERE,
    });
  expect(answer(found([]))).toEqual(["fault", "upstream-error-passthrough", MEMBER.id, "possible"]);
  expect(answer(found([["Age", "12"]]))[3]).toBe("proven");
  expect(answer(found([], [seen(target("endpoint app 127.0.0.1:3001"), [tried()])]))[3]).toBe("proven");
});

test("failures that all came first, or last, are told so", () => {
  const rate = (statuses: readonly number[]) =>
    diagnose(
      evidence([
        seen(
          target("url"),
          statuses.map((status) => tried({ status })),
        ),
      ]),
    ).verdict?.rate ?? "";
  expect(rate([500, 500, 200, 200])).toContain("it answers now");
  expect(rate([200, 200, 500, 500])).toContain("failed while doctor asked");
  expect(rate([500, 200, 500, 200])).not.toMatch(/now|while/);
});

test("where only kept connections are silent, that is said", () => {
  const silent = tried({ what: "reused", reused: true, status: null, failure: failureOf("response-timeout", {}) });
  const { verdict } = diagnose(evidence([seen(target("url"), [tried(), silent, tried({ what: "fresh" })])]));
  expect([verdict?.class, verdict?.certainty]).toEqual(["response-timeout", "likely"]);
  expect(verdict?.reasons[0]?.text).toContain("those on a kept connection are not");
});
