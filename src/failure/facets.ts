// Facets: one cause can show itself in ways that RFC 9209 names apart, some with a status of their own. The facet is
// read from the evidence, here and nowhere else; where none fits, the row of the cause in causes.ts holds.
// Facets also say what goes beside the error type in a Proxy-Status member (RFC 9209 §2.3 "extra parameters").
import { CAUSES, type CauseId } from "./causes.ts";
import type { Evidence, Failure } from "./failure.ts";
import { statusText } from "./status.ts";
import { ALERT_NAMES } from "./tls-codes.ts";

interface Facet {
  readonly when: (evidence: Evidence) => boolean;
  readonly proxyStatus?: string;
  readonly status?: number;
  readonly nginxStatus?: number;
}

/** The resolver was asked and gave no answer; every other trouble of it is an answer. */
const RESOLVER_SILENT: ReadonlySet<string> = new Set(["EAI_AGAIN", "ETIMEOUT", "ETIMEDOUT", "ECONNREFUSED"]);

/** The first that fits counts. */
const FACETS: { readonly [cause in CauseId]?: readonly Facet[] } = {
  "dns-timeout": [
    {
      when: (seen) => seen.rcode !== undefined || (seen.errno !== undefined && !RESOLVER_SILENT.has(seen.errno)),
      proxyStatus: "dns_error",
      status: 502,
    },
  ],
  "gateway-resource-exhausted": [{ when: (seen) => seen.errno === "EADDRNOTAVAIL", nginxStatus: 502 }],
  "tls-handshake-failed": [
    { when: (seen) => seen.tlsAlert !== undefined, proxyStatus: "tls_alert_received" },
    {
      when: (seen) => seen.deadline === "tls" || seen.errno === "ETIMEDOUT",
      proxyStatus: "connection_timeout",
      status: 504,
      nginxStatus: 504,
    },
    { when: (seen) => seen.closedBy !== undefined, proxyStatus: "connection_terminated" },
  ],
  // A TLS record came over a connection that was to be plain.
  "tls-plaintext-mismatch": [{ when: (seen) => seen.tlsCode === undefined, proxyStatus: "http_protocol_error" }],
  "upstream-write-failed": [
    {
      when: (seen) => seen.deadline === "send",
      proxyStatus: "connection_write_timeout",
      status: 504,
      nginxStatus: 504,
    },
  ],
  "closed-before-response": [
    { when: (seen) => (seen.bytesReceived ?? 0) > 0, proxyStatus: "http_response_incomplete" },
  ],
  "response-header-too-large": [
    { when: (seen) => seen.limit === "trailer section", proxyStatus: "http_response_trailer_section_size" },
  ],
};

function facetOf(cause: CauseId, evidence: Evidence): Facet | undefined {
  return FACETS[cause]?.find((facet) => facet.when(evidence));
}

/** The status of a cause with this evidence, by RFC 9209. */
export function statusOf(cause: CauseId, evidence: Evidence): number {
  return facetOf(cause, evidence)?.status ?? CAUSES[cause].status;
}

/** The status that nginx would answer. */
export function nginxStatusOf(failure: Failure): number {
  const { cause, evidence, status } = failure;
  if (cause === "upstream-error-passthrough") return status;
  // nginx's own 494 goes out as 400 ("Request Header Or Cookie Too Large").
  if (CAUSES[cause].phase === "client") return status === 431 ? 400 : status;
  return facetOf(cause, evidence)?.nginxStatus ?? CAUSES[cause].nginxStatus;
}

/** The error type of RFC 9209 §2.3; null = not an error of the proxy. */
export function proxyStatusType(failure: Failure): string | null {
  return facetOf(failure.cause, failure.evidence)?.proxyStatus ?? CAUSES[failure.cause].proxyStatus;
}

/** The extra parameters that RFC 9209 defines for the error type of this failure. */
export function proxyStatusExtra(failure: Failure): Record<string, string | number> {
  const { evidence } = failure;
  switch (proxyStatusType(failure)) {
    case "dns_error":
      return evidence.rcode === undefined ? {} : { rcode: evidence.rcode };
    case "tls_alert_received": {
      const id = evidence.tlsAlert!;
      const name = ALERT_NAMES.get(id);
      return name === undefined ? { "alert-id": id } : { "alert-id": id, "alert-message": name };
    }
    case "http_request_error":
      return { "status-code": failure.status, "status-phrase": statusText(failure.status) };
    default:
      return {};
  }
}
