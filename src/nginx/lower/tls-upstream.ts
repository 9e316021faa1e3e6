// TLS towards upstreams: proxy_ssl_*. nginx verifies nothing and sends no name unless it is told to.
import type { UpstreamTls } from "../../config/config.ts";
import { plainText } from "../../config/text.ts";
import type { Lowering } from "./lowering.ts";
import { argOf, flagOf, numberOf, type Scope, wordOf } from "./scope.ts";
import { hasVariables, textOf } from "./text.ts";
import { cipherList, commandPair, confCommandsOf } from "./tls-commands.ts";
import { fileOf, isText, pemText, versionsOf } from "./tls-options.ts";

/** The settings of a location; `host` is the name where proxy_ssl_name says none, null = that of the URL. */
export function upstreamTlsOf(scope: Scope, host: string | null, lowering: Lowering): UpstreamTls {
  const verify = flagOf(scope, "proxy_ssl_verify", false);
  const ca = fileOf(scope, "proxy_ssl_trusted_certificate", lowering);
  const at = scope.last("proxy_ssl_verify");
  if (verify && ca === null && at)
    scope.problems.complain(at, "no proxy_ssl_trusted_certificate for proxy_ssl_verify", undefined, {
      placeless: true,
      hint: "add the file of the certificates to trust",
    });
  const versions = versionsOf(scope, "proxy_ssl_protocols");
  const commands = confCommandsOf(scope, "proxy_ssl_conf_command", versions, lowering);
  const pair = commandPair(commands);
  const name = scope.last("proxy_ssl_name");
  const dynamic = name !== undefined && hasVariables(argOf(name));
  return {
    verify,
    ca: verify ? ca : null,
    serverName: name && !dynamic ? withoutPort(argOf(name)) : host,
    nameText: dynamic ? textOf(scope, name, name.args[0]!) : null,
    sni: flagOf(scope, "proxy_ssl_server_name", false),
    ...(pair
      ? { cert: plainText(pair.cert), key: plainText(pair.key), certificateText: null }
      : certificateOf(scope, lowering)),
    passwordFile: fileOf(scope, "proxy_ssl_password_file", lowering),
    minVersion: "TLSv1.2",
    protocols: commands.protocols,
    ciphers: cipherList(commands, wordOf(scope, "proxy_ssl_ciphers", "DEFAULT")),
    sessionReuse: flagOf(scope, "proxy_ssl_session_reuse", true),
    crl: verify ? fileOf(scope, "proxy_ssl_crl", lowering) : null,
    verifyDepth: numberOf(scope, "proxy_ssl_verify_depth", 1),
  };
}

/** A port is no part of the name, and often comes with $http_host. */
function withoutPort(name: string): string {
  return name.replace(/^(\[[^\]]*\]|[^:]*):.*$/s, "$1");
}

function certificateOf(scope: Scope, lowering: Lowering): Pick<UpstreamTls, "cert" | "key" | "certificateText"> {
  const cert = scope.last("proxy_ssl_certificate");
  const key = scope.last("proxy_ssl_certificate_key");
  const none = { cert: null, key: null, certificateText: null };
  if (!cert || argOf(cert) === "") return none;
  if (!key) {
    const text = `no "proxy_ssl_certificate_key" is defined for certificate "${argOf(cert)}"`;
    scope.problems.complain(cert, text, cert.args[0], { placeless: true });
    return none;
  }
  const pair = { cert: pemText(scope, cert, lowering), key: pemText(scope, key, lowering) };
  return isText(cert, key)
    ? { cert: null, key: null, certificateText: pair }
    : { cert: plainText(pair.cert), key: plainText(pair.key), certificateText: null };
}
