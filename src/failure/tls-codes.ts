// What the codes of Node's TLS errors mean. OpenSSL names a received alert in its reason string, Node makes the code
// from it: "ERR_SSL_" and the reason in capitals. Certificate verification errors carry the X509_V_ERR_ name.
// The tests run real handshakes against the commonest of these.
import type { CauseId } from "./causes.ts";

/** AlertDescription (RFC 8446 §6, RFC 5246 §7.2). */
export const ALERT_NAMES: ReadonlyMap<number, string> = new Map([
  [0, "close_notify"],
  [10, "unexpected_message"],
  [20, "bad_record_mac"],
  [22, "record_overflow"],
  [30, "decompression_failure"],
  [40, "handshake_failure"],
  [41, "no_certificate"],
  [42, "bad_certificate"],
  [43, "unsupported_certificate"],
  [44, "certificate_revoked"],
  [45, "certificate_expired"],
  [46, "certificate_unknown"],
  [47, "illegal_parameter"],
  [48, "unknown_ca"],
  [49, "access_denied"],
  [50, "decode_error"],
  [51, "decrypt_error"],
  [60, "export_restriction"],
  [70, "protocol_version"],
  [71, "insufficient_security"],
  [80, "internal_error"],
  [86, "inappropriate_fallback"],
  [90, "user_cancelled"],
  [100, "no_renegotiation"],
  [109, "missing_extension"],
  [110, "unsupported_extension"],
  [111, "certificate_unobtainable"],
  [112, "unrecognized_name"],
  [113, "bad_certificate_status_response"],
  [114, "bad_certificate_hash_value"],
  [115, "unknown_psk_identity"],
  [116, "certificate_required"],
  [120, "no_application_protocol"],
]);

const ALERT_NUMBERS: ReadonlyMap<string, number> = new Map(
  [...ALERT_NAMES].map(([number, name]) => [name.toUpperCase(), number]),
);

/** Reasons of OpenSSL that stand for an alert without the word in them (openssl/sslerr.h, from 1110 on). */
const ALERT_WITHOUT_THE_WORD =
  /^ERR_SSL_TLSV1_(UNSUPPORTED_EXTENSION|CERTIFICATE_UNOBTAINABLE|UNRECOGNIZED_NAME|BAD_CERTIFICATE_STATUS_RESPONSE|BAD_CERTIFICATE_HASH_VALUE)$/;

/** The number of the alert that a code of the TLS library stands for; undefined = the peer sent none. */
export function tlsAlertOf(code: string): number | undefined {
  const name =
    /^ERR_SSL_(?:SSLV3|TLSV1|TLSV13|SSL\/TLS)_ALERT_(\w+)$/.exec(code)?.[1] ?? ALERT_WITHOUT_THE_WORD.exec(code)?.[1];
  return name === undefined ? undefined : ALERT_NUMBERS.get(name);
}

/** The peer does not speak TLS: what it sent is no TLS record. */
const NOT_TLS: ReadonlySet<string> = new Set([
  "ERR_SSL_WRONG_VERSION_NUMBER",
  "ERR_SSL_HTTP_REQUEST",
  "ERR_SSL_HTTPS_PROXY_REQUEST",
  "ERR_SSL_PACKET_LENGTH_TOO_LONG",
  "ERR_SSL_RECORD_TOO_SMALL",
  "ERR_SSL_UNKNOWN_PROTOCOL",
]);

const EXPIRED: ReadonlySet<string> = new Set(["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID"]);

const OTHER_NAME: ReadonlySet<string> = new Set([
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "ERR_TLS_CERT_ALTNAME_FORMAT",
  "HOSTNAME_MISMATCH",
]);

/** Every other X509_V_ERR_ name that Node hands on (src/crypto/crypto_common.cc). */
const UNTRUSTED: ReadonlySet<string> = new Set([
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_CRL",
  "UNABLE_TO_DECRYPT_CERT_SIGNATURE",
  "UNABLE_TO_DECRYPT_CRL_SIGNATURE",
  "UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY",
  "CERT_SIGNATURE_FAILURE",
  "CRL_SIGNATURE_FAILURE",
  "CRL_NOT_YET_VALID",
  "CRL_HAS_EXPIRED",
  "ERROR_IN_CERT_NOT_BEFORE_FIELD",
  "ERROR_IN_CERT_NOT_AFTER_FIELD",
  "ERROR_IN_CRL_LAST_UPDATE_FIELD",
  "ERROR_IN_CRL_NEXT_UPDATE_FIELD",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "CERT_CHAIN_TOO_LONG",
  "CERT_REVOKED",
  "INVALID_CA",
  "PATH_LENGTH_EXCEEDED",
  "INVALID_PURPOSE",
  "CERT_UNTRUSTED",
  "CERT_REJECTED",
  "UNSPECIFIED",
]);

/** Our own side cannot even begin: keys, certificates, ciphers or versions as configured are unusable. */
const OWN_SETTINGS =
  /^(ERR_OSSL_|ERR_TLS_INVALID_|ERR_TLS_PROTOCOL_VERSION_CONFLICT|ERR_SSL_NO_(CIPHER|PROTOCOLS|CIPHERS)_|ERR_SSL_EE_KEY_TOO_SMALL|ERR_SSL_CA_MD_TOO_WEAK)/;

/** The cause behind a code of the TLS library; undefined = not one of its codes. */
export function tlsCauseOf(code: string): CauseId | undefined {
  if (EXPIRED.has(code)) return "tls-cert-expired";
  if (OTHER_NAME.has(code)) return "tls-cert-name-mismatch";
  if (UNTRUSTED.has(code)) return "tls-cert-untrusted";
  if (NOT_TLS.has(code)) return "tls-plaintext-mismatch";
  if (OWN_SETTINGS.test(code)) return "gateway-config-invalid";
  if (code.startsWith("ERR_SSL_") || code.startsWith("ERR_TLS_") || code === "EPROTO") return "tls-handshake-failed";
  return undefined;
}
