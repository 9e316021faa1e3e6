// TLS towards clients: ssl_* of a server. A server without certificates has none; whether one of its listeners needs
// them is judged when all servers are known.
import type { ServerTlsConfig } from "../../config/servers.ts";
import { lineAt } from "../source.ts";
import type { Directive } from "../tree.ts";
import { parseNumber, parseSize } from "../units.ts";
import type { Lowering } from "./lowering.ts";
import { complainUnsupported } from "./proxy-unsupported.ts";
import { argOf, flagOf, msOf, numberOf, oneOf, type Scope, secondsMsOf, wordOf } from "./scope.ts";
import { cipherList, commandPair, confCommandsOf } from "./tls-commands.ts";
import { checkCertificateCache, fileOf, pemText, versionsOf } from "./tls-options.ts";

/** What a server says of handshakes that choose it; null = it has no certificate and refuses none. */
export function serverTlsOf(scope: Scope, lowering: Lowering): ServerTlsConfig | null {
  for (let at: Scope | null = scope; at; at = at.parent) checkCertificateCache(at, "ssl_certificate_cache");
  const sessionCache = sessionCacheOf(scope);
  checkOcspCache(scope);
  const rejectHandshake = flagOf(scope, "ssl_reject_handshake", false);
  const certificates = certificatesOf(scope, lowering);
  if (certificates.length === 0 && !rejectHandshake) return null;
  refuseUnsupported(scope);
  const commands = confCommandsOf(scope, "ssl_conf_command", versionsOf(scope, "ssl_protocols"), lowering);
  const pair = commandPair(commands);
  const verifyClient = verifyOf(scope);
  return {
    certificates: pair ? [...certificates.slice(0, -1), pair] : certificates,
    passwordFile: fileOf(scope, "ssl_password_file", lowering),
    protocols: commands.protocols,
    ciphers: cipherList(commands, wordOf(scope, "ssl_ciphers", "HIGH:!aNULL:!MD5")),
    preferServerCiphers: commands.serverPreference ?? flagOf(scope, "ssl_prefer_server_ciphers", false),
    curves: wordOf(scope, "ssl_ecdh_curve", "auto"),
    dhparam: fileOf(scope, "ssl_dhparam", lowering),
    rejectHandshake,
    verifyClient,
    verifyDepth: numberOf(scope, "ssl_verify_depth", 1),
    clientCa: fileOf(scope, "ssl_client_certificate", lowering),
    trustedCa: fileOf(scope, "ssl_trusted_certificate", lowering),
    crl: fileOf(scope, "ssl_crl", lowering),
    sessionTimeoutMs: secondsMsOf(scope, "ssl_session_timeout", 300_000),
    sessionTickets: commands.sessionTickets ?? flagOf(scope, "ssl_session_tickets", true),
    sessionTicketKeys: scope.all("ssl_session_ticket_key").map((directive) => pathOf(argOf(directive), lowering)),
    sessionCache,
    alpn: ["http/1.1", "http/1.0", "http/0.9"],
    handshakeTimeoutMs: msOf(scope, "client_header_timeout", 60_000),
  };
}

function pathOf(name: string, { options }: Lowering): string {
  return name.startsWith("/") ? name : options.confDir + name;
}

function certificatesOf(scope: Scope, lowering: Lowering): { cert: string; key: string }[] {
  const certs = scope.all("ssl_certificate");
  const keys = scope.all("ssl_certificate_key");
  const last = certs.at(-1);
  if (last && keys.length < certs.length) {
    const text = `no "ssl_certificate_key" is defined for certificate "${argOf(last)}"`;
    scope.problems.complain(last, text, last.args[0], { placeless: true });
  }
  return certs.flatMap((cert, index) => {
    const key = keys[index];
    return key ? [{ cert: pemText(scope, cert, lowering), key: pemText(scope, key, lowering) }] : [];
  });
}

function verifyOf(scope: Scope): ServerTlsConfig["verifyClient"] {
  const given = oneOf(scope, "ssl_verify_client", ["off", "on", "optional", "optional_no_ca"], "off");
  const directive = scope.last("ssl_verify_client");
  const hasCa = argOf(scope.last("ssl_client_certificate")) + argOf(scope.last("ssl_trusted_certificate")) !== "";
  if (directive && (given === "on" || given === "optional") && !hasCa) {
    const text = "no ssl_client_certificate or ssl_trusted_certificate for ssl_verify_client";
    scope.problems.complain(directive, text, undefined, { placeless: true });
  }
  const ocsp = scope.last("ssl_ocsp");
  if (given === "optional_no_ca" && ocsp && argOf(ocsp) !== "off")
    scope.problems.complain(ocsp, '"ssl_ocsp" is incompatible with "ssl_verify_client optional_no_ca"', undefined, {
      placeless: true,
    });
  return given === "optional_no_ca" ? "optional-no-ca" : given;
}

const PAGE_BYTES = 4096;

/** A cache in memory is shared here by all that handshake; "builtin" is one of them. */
function sessionCacheOf(scope: Scope): ServerTlsConfig["sessionCache"] {
  let cache: ServerTlsConfig["sessionCache"] = "none";
  const directive = scope.last("ssl_session_cache");
  for (const arg of directive?.args ?? []) {
    const { value } = arg;
    const [, size] = /^shared:[^:]+:(.*)$/s.exec(value) ?? [];
    const bytes = size === undefined ? undefined : parseSize(size);
    if (value === "off" || value === "none") cache = value;
    else if (value === "builtin" || parseNumber(value.replace(/^builtin:/, "")) !== undefined) cache = "shared";
    else if (bytes !== undefined && bytes >= 8 * PAGE_BYTES) cache = "shared";
    else {
      const text = bytes === undefined ? `invalid session cache "${value}"` : `session cache "${value}" is too small`;
      scope.problems.complain(directive!, text, arg);
    }
  }
  return cache;
}

function checkOcspCache(scope: Scope): void {
  for (const directive of scope.own("ssl_ocsp_cache")) {
    const [arg] = directive.args;
    const [, size] = /^shared:[^:]+:(.*)$/s.exec(arg?.value ?? "") ?? [];
    const bytes = size === undefined ? undefined : parseSize(size);
    if (arg?.value === "off" || (bytes !== undefined && bytes >= 8 * PAGE_BYTES)) continue;
    const text = bytes === undefined ? `invalid OCSP cache "${arg?.value}"` : `OCSP cache "${arg?.value}" is too small`;
    scope.problems.complain(directive, text, arg);
  }
}

/** What Node's TLS cannot do: refused where it protects something, told where clients do without it. */
function refuseUnsupported(scope: Scope): void {
  const tell = (name: string, why: string, severity: "error" | "warning"): void => {
    const directive = scope.last(name);
    if (!directive || argOf(directive) === "off" || argOf(directive) === "") return;
    if (severity === "error") {
      complainUnsupported(scope, directive, `"${name}" is not supported: ${why}`, directive.args[0]);
      return;
    }
    const text = `"${name}" has no effect: ${why}`;
    scope.problems.complain(directive, text, directive.args[0], { kind: "scope", saidByNginx: false, severity });
  };
  tell("ssl_ocsp", "certificates of clients are not asked for at their issuers", "error");
  tell("ssl_ech_file", "Node's TLS has no encrypted client hello", "error");
  tell("ssl_early_data", "clients wait for the end of the handshake", "warning");
  tell("ssl_stapling", "clients ask the issuer of the certificate themselves", "warning");
  tell("ssl_certificate_compression", "certificates are sent as they are", "warning");
}

/** Whether the servers of each address with TLS have certificates. */
export function checkTlsServers(
  servers: readonly { readonly scope: Scope; readonly tls: ServerTlsConfig | null }[],
  { listening, http }: Lowering,
): void {
  // Where no server is there to inherit them.
  sessionCacheOf(http);
  checkOcspCache(http);
  const tlsOf = new Map(servers.map(({ scope, tls }) => [scope, tls]));
  for (const { ssl, chosen, servers: scopes } of listening.values()) {
    const main = chosen ?? scopes[0];
    const tls = main && tlsOf.get(main);
    if (!ssl || !main || (tls && tls.certificates.length > 0)) continue;
    // Where the default server refuses all handshakes, the others have to have certificates.
    const bad = tls?.rejectHandshake ? scopes.find((scope) => !tlsOf.get(scope)) : main;
    if (bad?.directive) complainNoCertificate(bad, bad.directive);
  }
}

function complainNoCertificate({ problems }: Scope, server: Directive): void {
  const place = `${server.source.path}:${lineAt(server.source, server.endsAt)}`;
  const text = `no "ssl_certificate" is defined for the "listen ... ssl" directive in ${place}`;
  const hint = "add ssl_certificate and ssl_certificate_key, or take ssl away";
  problems.complain(server, text, undefined, { placeless: true, hint });
}
