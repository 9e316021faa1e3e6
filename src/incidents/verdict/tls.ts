// TLS toward upstreams. A certificate was read by the gateway itself: what it says of it is proven. Why a handshake
// was broken off is only proven where the other side said so (an alert).
import type { CauseId } from "../../failure/causes.ts";
import { afterMark, count, type Facts } from "../facts.ts";
import {
  type Candidate,
  doctor,
  isSocket,
  type Pattern,
  quoted,
  reasonsOf,
  shell,
  stepsOf,
  verb,
} from "./candidate.ts";

const TLS: readonly CauseId[] = [
  "tls-cert-expired",
  "tls-cert-name-mismatch",
  "tls-cert-untrusted",
  "tls-handshake-failed",
  "tls-plaintext-mismatch",
];

interface Told {
  readonly pattern: string;
  readonly entry: CauseId;
  readonly says: string;
  readonly short: string;
  readonly fix: string;
  readonly confidence?: Candidate["confidence"];
}

/** Everything about TLS: one pattern function, since the cause decides which story it is. */
export const tls: Pattern = (facts) => {
  if (facts.share(...TLS, "no-healthy-upstream", "client-closed-request") < 0.5 || !facts.has(...TLS)) return null;
  const [part] = facts.parts;
  const told = tell(facts);
  const mark = facts.markBefore(["reload", "deploy", "upgrade"]);
  const others = facts.othersText;
  const few = facts.n(...TLS) < 2;
  return {
    pattern: told.pattern,
    entry: told.entry,
    confidence: told.confidence ?? (few ? "likely" : "proven"),
    weight: 86,
    sentence: `${facts.names} ${facts.over ? "failed" : facts.parts.length > 1 ? "fail" : "fails"} ${facts.since}${mark === null ? "" : `, ${afterMark(mark, facts.firstAt)}`}: ${told.says}${others && `; ${others}`}`,
    short: `${facts.names}: ${told.short}`,
    reasons: reasonsOf(
      count(facts.n(...TLS), "failed handshake"),
      codesOf(facts) && `the TLS library said ${codesOf(facts)}`,
      mark?.text,
      others,
      facts.outcome,
    ),
    settle: stepsOf(
      part === undefined ? null : doctor(facts, part),
      part === undefined || isSocket(part) || told.pattern === "wrong-protocol"
        ? null
        : shell(
            "What the endpoint shows:",
            `openssl s_client -connect ${quoted(part.address)} -servername ${quoted(facts.setting?.tlsName || part.host)} </dev/null 2>/dev/null | openssl x509 -noout -subject -issuer -dates -ext subjectAltName`,
          ),
    ),
    fixes: stepsOf({ text: told.fix }),
  };
};

function codesOf(facts: Facts): string {
  const codes = [...facts.merged("codes", ...TLS).top(2), ...facts.merged("errnos", ...TLS).top(2)].map(
    ([code]) => code,
  );
  return [...new Set(codes)].slice(0, 3).join(", ");
}

function tell(facts: Facts): Told {
  const cause = TLS.reduce((best, id) => (facts.n(id) > facts.n(best) ? id : best));
  const codes = `${codesOf(facts)} ${facts
    .merged("details", ...TLS)
    .top(4)
    .map(([text]) => text)
    .join(" ")}`.toLowerCase();
  switch (cause) {
    case "tls-cert-expired": {
      const early = codes.includes("not_yet_valid") || codes.includes("not yet valid");
      return {
        pattern: "cert-expired",
        entry: cause,
        says: early
          ? "its certificate is not valid yet (a wrong clock, or one that was made too early)"
          : `its certificate ${verb(facts, "has", "had")} expired`,
        short: early ? "certificate not valid yet" : "certificate expired",
        fix: early
          ? "Set the clocks of both machines, or put in place a certificate that is valid now."
          : "Renew the certificate and let the application load it; then see why the renewal did not happen by itself.",
      };
    }
    case "tls-cert-name-mismatch":
      return {
        pattern: "cert-wrong-name",
        entry: cause,
        says: `its certificate ${verb(facts, "is", "was")} for another name than the one that the gateway asks for`,
        short: "certificate for another name",
        fix: "Set tls.server-name of the upstream to a name in the certificate, or give the endpoint a certificate with the name that is asked for.",
      };
    case "tls-cert-untrusted":
      if (/revoked/.test(codes)) {
        return {
          pattern: "cert-revoked",
          entry: cause,
          says: "its certificate has been revoked",
          short: "certificate revoked",
          fix: "Put a new certificate in place; find out why the old one was revoked.",
        };
      }
      return {
        pattern: "cert-unknown-ca",
        entry: cause,
        says: /self/.test(codes)
          ? "its certificate is signed by itself, and the gateway does not trust it"
          : "its certificate does not lead to a CA that the gateway trusts (an unknown issuer, or the chain is sent without its intermediate)",
        short: "certificate not trusted",
        fix: "Let the endpoint send the whole chain, or give the gateway the CA (tls.ca of the upstream).",
      };
    case "tls-plaintext-mismatch": {
      const overTls = facts.setting?.tls ?? codes.trim() !== "";
      return {
        pattern: "wrong-protocol",
        entry: cause,
        says: overTls
          ? "the gateway speaks TLS to a port that speaks plain HTTP"
          : "the gateway speaks plain HTTP to a port that speaks TLS",
        short: overTls ? "TLS spoken to a plain port" : "plain HTTP spoken to a TLS port",
        fix: overTls
          ? "Write the endpoint with http:// (tls: off), or use its TLS port."
          : "Write the endpoint with https:// (tls), or use its plain port.",
      };
    }
    default:
      return handshake(facts, codes);
  }
}

function handshake(facts: Facts, codes: string): Told {
  const wantsCertificate = /certificate[ _]required|alert 116|alert 42\b|bad[ _]certificate/.test(codes);
  if (wantsCertificate) {
    return {
      pattern: "client-cert-required",
      entry: "tls-handshake-failed",
      says: "it wants a client certificate that the gateway does not show, or does not accept the one shown",
      short: "wants a client certificate",
      fix: "Set tls.cert and tls.key of the upstream to a certificate whose CA the endpoint trusts.",
      confidence: /116|required/.test(codes) ? "proven" : "likely",
    };
  }
  if (/protocol[ _]version|alert 70|unsupported[ _]protocol/.test(codes)) {
    return {
      pattern: "tls-versions",
      entry: "tls-handshake-failed",
      says: "the two sides share no version of TLS",
      short: "no common version of TLS",
      fix: "Compare tls.min-version with what the endpoint offers; let it offer TLS 1.2 or 1.3.",
    };
  }
  if (/unrecognized[ _]name|alert 112/.test(codes)) {
    return {
      pattern: "cert-wrong-name",
      entry: "tls-handshake-failed",
      says: "it knows no certificate for the name that the gateway asks for",
      short: "unknown name (SNI)",
      fix: "Set tls.server-name of the upstream to a name that the endpoint serves.",
    };
  }
  return {
    pattern: "tls-broken",
    entry: "tls-handshake-failed",
    says: `the TLS handshake ${verb(facts, "fails", "failed")}`,
    short: "TLS handshake fails",
    fix: "Look at the handshake with openssl s_client: versions, ciphers, SNI, client certificate; and whether the process behind it is alive.",
    confidence: "possible",
  };
}
