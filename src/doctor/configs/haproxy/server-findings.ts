// Findings about single servers: TLS to a port without it, and what is sent and verified in handshakes.
import { isPublicName, note, risk } from "../finding.ts";
import type { Finding } from "../model.ts";
import { isAddress } from "../reader.ts";
import type { Server } from "./servers.ts";
import { modeOf, type Section } from "./words.ts";

/** Of the servers of one backend. */
export function serverFindings(section: Section, servers: readonly Server[]): Finding[] {
  const isHttp = modeOf(section) === "http";
  return servers.flatMap((server) => [
    ...(isHttp ? plainFindings(server) : []),
    ...(isHttp ? nameFindings(server) : []),
    ...verifyFindings(server),
  ]);
}

function plainFindings({ name, text, spot, settings, at }: Server): Finding[] {
  if (spot?.kind !== "tcp" || settings.has("ssl") || (spot.port !== 443 && spot.port !== 8443)) return [];
  const say = spot.port === 443 ? risk : note;
  return [
    say({
      id: "haproxy-plain-to-tls-port",
      class: "tls-plaintext-mismatch",
      text: `server "${name}" is asked without TLS on port ${spot.port}: a TLS server answers 400, or closes`,
      fix: `write "server ${name} ${text} ssl verify required ca-file /etc/ssl/certs/ca-certificates.crt sni req.hdr(host)"`,
      at,
    }),
  ];
}

/** HAProxy sends no name of itself before 3.3. */
function nameFindings({ name, text, spot, settings, at, places }: Server): Finding[] {
  if (!settings.has("ssl") || settings.has("sni") || settings.has("sni-auto") || spot?.kind !== "tcp") return [];
  const say = !isAddress(spot.host) && isPublicName(spot.host) ? risk : note;
  const sni = isAddress(spot.host) ? "req.hdr(host)" : `str(${spot.host})`;
  return [
    say({
      id: "haproxy-sni-missing",
      class: "tls-handshake-failed",
      text: `no name is sent in handshakes with server "${name}" (releases before 3.3): a server with several sites shows the wrong certificate, or refuses`,
      fix: `write "server ${name} ${text} ssl sni ${sni}"`,
      at: places.get("ssl") ?? at,
    }),
  ];
}

function verifyFindings({ name, settings, at, places }: Server): Finding[] {
  if (!settings.has("ssl") || settings.get("verify") !== "none") return [];
  return [
    note({
      id: "haproxy-verify-none",
      class: null,
      text: `the certificate of server "${name}" is not verified: whoever answers at its address is taken for it`,
      fix: 'write "verify required ca-file /etc/ssl/certs/ca-certificates.crt", or the file of your own authority',
      at: places.get("verify") ?? at,
    }),
  ];
}
