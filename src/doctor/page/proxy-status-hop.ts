// Proxy-Status (RFC 9209): the first member is nearest the origin, so the first with an error is the hop at fault; the
// others only passed it on. The error types are read by what the RFC says of them: where one covers several of our
// causes, all are given, the one that the RFC describes first.
import type { CauseId } from "../../failure/causes.ts";
import { hopAtFault, type ParsedMember, parseProxyStatus } from "../../failure/proxy-status.ts";
import { type SoftwareId, softwareOf } from "../software.ts";
import type { StatedCause } from "./model.ts";

type Reading = readonly [certainty: "proven" | "likely", ...causes: CauseId[]];

/** RFC 9209 §2.3. proven = the definition is that of the class. */
const ERROR_TYPES: Readonly<Record<string, Reading>> = {
  dns_timeout: ["proven", "dns-timeout"],
  dns_error: ["likely", "dns-not-resolved", "dns-timeout"],
  destination_not_found: ["proven", "route-not-found"],
  destination_unavailable: [
    "likely",
    "no-healthy-upstream",
    "backend-absent",
    "upstream-not-ready",
    "tunnel-disconnected",
  ],
  destination_ip_prohibited: ["likely", "request-denied", "gateway-config-invalid"],
  destination_ip_unroutable: ["proven", "network-unreachable"],
  connection_refused: ["proven", "connect-refused", "socket-missing"],
  connection_terminated: [
    "likely",
    "closed-before-response",
    "keepalive-race",
    "upstream-write-failed",
    "app-crashed",
    "oom-killed",
    "worker-timeout",
    "tls-handshake-failed",
  ],
  connection_timeout: ["likely", "connect-timeout", "tls-handshake-failed"],
  connection_read_timeout: ["likely", "response-body-timeout", "response-timeout"],
  connection_write_timeout: ["proven", "upstream-write-failed"],
  connection_limit_reached: ["likely", "pool-exhausted", "upstream-saturated"],
  tls_protocol_error: ["likely", "tls-handshake-failed", "tls-plaintext-mismatch"],
  tls_certificate_error: ["likely", "tls-cert-untrusted", "tls-cert-expired", "tls-cert-name-mismatch"],
  tls_alert_received: ["proven", "tls-handshake-failed"],
  http_request_error: ["likely", "client-request-invalid", "client-request-too-large", "client-timeout"],
  http_request_denied: ["likely", "request-denied", "rate-limited"],
  http_response_incomplete: ["likely", "closed-before-response", "response-truncated"],
  http_response_header_section_size: ["proven", "response-header-too-large"],
  http_response_header_size: ["proven", "response-header-too-large"],
  http_response_trailer_section_size: ["proven", "response-header-too-large"],
  http_response_trailer_size: ["proven", "response-header-too-large"],
  http_response_body_size: ["proven", "response-too-large"],
  http_response_transfer_coding: ["proven", "response-encoding-invalid"],
  http_response_content_coding: ["proven", "response-encoding-invalid"],
  http_response_timeout: ["proven", "response-timeout"],
  http_upgrade_failed: ["proven", "upgrade-failed"],
  http_protocol_error: ["likely", "response-malformed", "protocol-mismatch", "tls-plaintext-mismatch"],
  proxy_internal_error: ["likely", "gateway-internal-error", "gateway-resource-exhausted", "connect-permission-denied"],
  proxy_internal_response: ["likely", "request-denied"],
  proxy_configuration_error: ["proven", "gateway-config-invalid"],
  proxy_loop_detected: ["proven", "proxy-loop"],
};

/** Error codes of the system that make a type more exact. */
const BY_DETAIL: readonly (readonly [pattern: RegExp, cause: CauseId])[] = [
  [/\bENOENT\b/, "socket-missing"],
  [/\bE(?:ACCES|PERM)\b/, "connect-permission-denied"],
  [/\bE(?:MFILE|NFILE|ADDRNOTAVAIL|NOBUFS|NOMEM)\b/, "gateway-resource-exhausted"],
  [/\bCERT_(?:HAS_EXPIRED|NOT_YET_VALID)\b|certificate (?:has )?expired/i, "tls-cert-expired"],
  [
    /\bERR_TLS_CERT_ALTNAME_INVALID\b|(?:host ?name|name) (?:does not|doesn't) match|name mismatch/i,
    "tls-cert-name-mismatch",
  ],
];

/** Names of deployments that begin with that of their product. */
const BY_BEGINNING: readonly (readonly [pattern: RegExp, software: SoftwareId])[] = [
  [/^cloudflare/i, "cloudflare"],
  [/^fastly|^cache-[a-z]{3}\d/i, "fastly"],
  [/^(?:istio-)?envoy/i, "envoy"],
  [/^cloudfront|\.cloudfront\.net$/i, "cloudfront"],
  [/^akamai/i, "akamai"],
  [/^goodgate/i, "goodgate"],
  [/^(?:google|gfe)/i, "google-lb"],
];

/** A hop that Proxy-Status names. */
export interface StatusHop {
  readonly name: string;
  readonly software: SoftwareId | null;
  readonly error: string | null;
  readonly stated: StatedCause | null;
}

/** The hops of the field, outermost first, and the one at fault; a field that cannot be read as a whole says nothing. */
export function statusHops(value: string): { readonly hops: readonly StatusHop[]; readonly fault: StatusHop | null } {
  const { members } = parseProxyStatus(value);
  const culprit = hopAtFault(members);
  return { hops: members.map(hopOf).reverse(), fault: culprit ? hopOf(culprit) : null };
}

function hopOf({ name, params }: ParsedMember): StatusHop {
  const error = params.get("error");
  const software = softwareOf(name) ?? BY_BEGINNING.find(([pattern]) => pattern.test(name))?.[1] ?? null;
  if (typeof error !== "string") return { name, software, error: null, stated: null };
  const details = params.get("details");
  const text = `Proxy-Status: ${name}; error=${error}${typeof details === "string" ? ` (${details})` : ""}`;
  return { name, software, error, stated: statedBy(error, typeof details === "string" ? details : "", text, name) };
}

function statedBy(error: string, details: string, text: string, hop: string): StatedCause | null {
  const reading = ERROR_TYPES[error];
  if (!reading) return null;
  const [certainty, ...causes] = reading;
  const exact = BY_DETAIL.find(([pattern, cause]) => pattern.test(details) && causes.includes(cause))?.[1];
  const fits = exact ? [exact] : certainty === "proven" ? causes.slice(0, 1) : causes;
  return { certainty: exact ? "proven" : certainty, causes: fits, text: text.slice(0, 300), hop };
}

/** Every error type that is read, for the test that holds the table against that of failures. */
export const READ_ERROR_TYPES: ReadonlyMap<string, readonly CauseId[]> = new Map(
  Object.entries(ERROR_TYPES).map(([type, [, ...causes]]) => [type, causes as readonly CauseId[]]),
);
