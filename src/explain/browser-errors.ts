// What browsers call it (Chromium's net errors, Firefox's): the words on the page of a visitor in an outage. They speak
// of the connection that the browser made, to the site or to the gateway before it.
import type { CauseId } from "../failure/causes.ts";

export const BROWSER_ERRORS: readonly (readonly [cause: CauseId, pattern: RegExp])[] = [
  ["connect-refused", /\b(?:ERR|NS_ERROR)_CONNECTION_REFUSED\b/i],
  ["connect-timeout", /\bERR_(?:CONNECTION_)?TIMED_OUT\b|\bNS_ERROR_NET_TIMEOUT\b/i],
  ["network-unreachable", /\bERR_ADDRESS_UNREACHABLE\b/i],
  ["dns-not-resolved", /\bERR_NAME_NOT_RESOLVED\b|\bDNS_PROBE_FINISHED_NXDOMAIN\b|\bNS_ERROR_UNKNOWN_HOST\b/i],
  ["dns-timeout", /\bERR_DNS_TIMED_OUT\b/i],
  [
    "closed-before-response",
    /\bERR_(?:EMPTY_RESPONSE|CONNECTION_CLOSED|CONNECTION_RESET)\b|\bNS_ERROR_NET_(?:RESET|EMPTY_RESPONSE)\b|\bPR_CONNECT_RESET_ERROR\b/i,
  ],
  [
    "response-truncated",
    /\bERR_(?:INCOMPLETE_CHUNKED_ENCODING|CONTENT_LENGTH_MISMATCH)\b|\bNS_ERROR_NET_PARTIAL_TRANSFER\b/i,
  ],
  ["response-encoding-invalid", /\bERR_(?:INVALID_CHUNKED_ENCODING|CONTENT_DECODING_FAILED)\b/i],
  ["response-malformed", /\bERR_(?:INVALID_HTTP_RESPONSE|RESPONSE_HEADERS_MULTIPLE_CONTENT_LENGTH)\b/i],
  ["tls-plaintext-mismatch", /\bSSL_ERROR_RX_RECORD_TOO_LONG\b/i],
  [
    "tls-handshake-failed",
    /\bERR_SSL_(?:PROTOCOL_ERROR|VERSION_OR_CIPHER_MISMATCH)\b|\bSSL_ERROR_NO_CYPHER_OVERLAP\b/i,
  ],
  ["tls-cert-expired", /\bERR_CERT_DATE_INVALID\b|\bSEC_ERROR_EXPIRED_CERTIFICATE\b/i],
  ["tls-cert-name-mismatch", /\bERR_CERT_COMMON_NAME_INVALID\b|\bSSL_ERROR_BAD_CERT_DOMAIN\b/i],
  ["tls-cert-untrusted", /\bERR_CERT_AUTHORITY_INVALID\b|\bSEC_ERROR_UNKNOWN_ISSUER\b/i],
];
