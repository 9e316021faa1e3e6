// Local replies of Envoy: plain text that says at which step it gave up, and why the transport failed. It is also what
// Istio's sidecars and Google's regional balancers answer. The reason counts only as far as it goes: "connection failure"
// alone is any failure to connect, and a certificate that is not accepted may be untrusted, expired or for another name.
import { type Detector, explained, likely, possible, proven } from "./fingerprint.ts";
import type { StatedCause } from "./model.ts";

/** Local replies of Envoy, from their start. */
const ENVOY_TEXTS =
  /^(?:upstream connect error or disconnect\/reset before headers\b|no healthy upstream$|upstream request timeout$|upstream response timeout$|stream timeout$|request timeout$|RBAC: access denied$|local_rate_limited$|envoy overloaded$|Jwt (?:is missing|verification fails|is expired|issuer is not configured)|maximum request size exceeded$|no cluster match for |filter chain not found$)/;
/** Only Envoy says these; the others are short enough for anybody. */
const ENVOY_ONLY =
  /^(?:upstream connect error or disconnect\/reset before headers\b|no healthy upstream$|upstream request timeout$|RBAC: access denied$|local_rate_limited$|envoy overloaded$)/;

export const envoy: Detector = (seen) => {
  const marked = /\benvoy\b/.test(seen.server) || seen.fields.some(([name]) => name.startsWith("x-envoy-"));
  if (seen.status >= 400 && ENVOY_TEXTS.test(seen.body) && (marked || ENVOY_ONLY.test(seen.body))) {
    const inner =
      seen.field("x-envoy-upstream-service-time") === ""
        ? ""
        : ", of an Envoy further in: X-Envoy-Upstream-Service-Time says that it came from upstream";
    return {
      software: "envoy",
      certainty: "proven",
      reason: `the body is a local reply of Envoy ("${seen.body.slice(0, 60)}")${inner}`,
      stated: envoyStated(seen.body),
    };
  }
  // A route that does not exist is answered with nothing but the status.
  if (!/\benvoy\b/.test(seen.server) || seen.body !== "" || seen.field("x-envoy-upstream-service-time") !== "")
    return null;
  if (seen.status !== 404 && seen.status < 500) return null;
  return {
    software: "envoy",
    certainty: "likely",
    reason: "Server names Envoy, the body is empty and X-Envoy-Upstream-Service-Time is missing: no upstream was asked",
    stated: seen.status === 404 ? possible("404 without a body", "route-not-found") : null,
  };
};

/** What the reply says of the cause. */
export function envoyStated(body: string): StatedCause | null {
  const reason = /reset reason: ([\s\S]{1,400})$/.exec(body)?.[1] ?? body;
  const text = reason.slice(0, 200);
  if (/CERTIFICATE_VERIFY_FAILED/.test(reason)) {
    if (/has expired|not yet valid/.test(reason)) return proven("tls-cert-expired", text);
    if (/\bSAN\b|host ?name mismatch/i.test(reason)) return proven("tls-cert-name-mismatch", text);
    return likely(text, "tls-cert-untrusted", "tls-cert-expired", "tls-cert-name-mismatch");
  }
  if (/Secret is not supplied by SDS/.test(reason)) return likely(text, "gateway-config-invalid");
  if (/connect error: (?:99\b|Cannot assign)/i.test(reason)) return proven("gateway-resource-exhausted", text);
  if (/^(?:local |remote )?connection failure$/.test(reason))
    return likely(text, "connect-refused", "network-unreachable", "connect-timeout", "tls-handshake-failed");
  if (/^local reset\b/.test(reason))
    return possible(text, "closed-before-response", "response-header-too-large", "response-malformed");
  return explained(body);
}
