// Variables about the TLS connection to the client. All but protocol and cipher are not found where they are empty.
import type { TlsVariable } from "../config/variable-names.ts";
import type { TlsClientFacts, TlsFacts, Variable } from "./subject.ts";

export const TLS_VARIABLES: Readonly<Record<TlsVariable, Variable>> = {
  ssl_alpn_protocol: ofTls(({ alpn }) => alpn),
  ssl_cipher: (of) => of.tls?.cipher,
  ssl_ciphers: ofTls(({ ciphers }) => ciphers),
  ssl_client_cert: ofClient(({ pem }) => whole(pem).slice(0, -1).replaceAll("\n", "\n\t")),
  ssl_client_escaped_cert: ofClient(({ pem }) => escapeComponent(whole(pem))),
  ssl_client_fingerprint: ofClient(({ fingerprint }) => fingerprint),
  ssl_client_i_dn: ofClient(({ issuer }) => issuer),
  ssl_client_i_dn_legacy: ofClient(({ issuerLegacy }) => issuerLegacy),
  ssl_client_raw_cert: ofClient(({ pem }) => whole(pem)),
  ssl_client_s_dn: ofClient(({ subject }) => subject),
  ssl_client_s_dn_legacy: ofClient(({ subjectLegacy }) => subjectLegacy),
  ssl_client_serial: ofClient(({ serial }) => serial),
  ssl_client_sigalg: ofTls(({ clientSigalg }) => clientSigalg),
  ssl_client_v_end: ofClient(({ validUntil }) => validUntil),
  ssl_client_v_remain: ofClient(({ daysRemaining }) => daysRemaining),
  ssl_client_v_start: ofClient(({ validFrom }) => validFrom),
  ssl_client_verify: ofTls(({ clientVerify }) => clientVerify),
  ssl_curve: ofTls(({ curve }) => curve),
  ssl_curves: ofTls(({ curves }) => curves),
  ssl_early_data: ofTls(({ earlyData }) => (earlyData ? "1" : "")),
  // Encrypted Client Hello is nothing that Node's TLS does.
  ssl_ech_outer_server_name: () => undefined,
  ssl_ech_status: () => undefined,
  ssl_protocol: (of) => of.tls?.protocol,
  ssl_server_name: ofTls(({ serverName }) => serverName),
  ssl_session_id: ofTls(({ sessionId }) => sessionId),
  ssl_session_reused: ofTls(({ sessionReused }) => (sessionReused ? "r" : ".")),
  ssl_sigalg: ofTls(({ sigalg }) => sigalg),
  ssl_sigalgs: ofTls(({ sigalgs }) => sigalgs),
};

function ofTls(read: (tls: TlsFacts) => string | undefined): Variable {
  return (of) => (of.tls === null ? undefined : read(of.tls) || undefined);
}

function ofClient(read: (client: TlsClientFacts) => string): Variable {
  return ofTls(({ client }) => (client === undefined ? undefined : read(client)));
}

/** PEM ends with a line feed. */
function whole(pem: string): string {
  return pem.endsWith("\n") ? pem : `${pem}\n`;
}

function escapeComponent(text: string): string {
  const hex = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
  return text.replace(/[^\w.~-]/g, hex);
}
