// What a request of a virtual server wants of its connection to the upstream: the address to connect from, the name to
// ask for and to verify, a certificate of its own; whatever is made of variables. Most want nothing.
import { isIP } from "node:net";
import type { Text } from "../../config/servers.ts";
import type { LocalAddress } from "../../net/connect.ts";
import type { DialWishes } from "../../net/dial.ts";
import { fullName } from "../../net/pem-files.ts";
import type { ServerRequest } from "./request.ts";

/** null = nothing beyond what all requests to the upstream want. */
export function wishesOf(request: ServerRequest): DialWishes | null {
  const { content } = request.location.settings;
  const tls = request.exchange.group?.config.tls ?? null;
  const bind = content.kind === "proxy" ? content.request.bind : content.kind === "tunnel" ? content.bind : null;
  // A host that the request names is the name that is asked for and verified, where none is configured.
  const byUrl = content.kind === "proxy" && content.target.kind === "text" && tls?.serverName === null;
  if (bind === null && !byUrl && !tls?.nameText && !tls?.certificateText) return null;
  const render = (text: Text): string => request.servers.compiler.text(text).render(request.subject);
  const file = (text: Text): string => fullName(render(text), request.servers.config.certificatesFrom ?? "");
  const local = bind === null ? null : localAddress(render(bind), request);
  const urlHost = byUrl ? request.proxyAuthority : undefined;
  const name = tls?.nameText ? render(tls.nameText) : urlHost;
  const serverName = name === undefined ? undefined : withoutPort(name);
  const certificate = tls?.certificateText
    ? { cert: file(tls.certificateText.cert), key: file(tls.certificateText.key) }
    : null;
  const own = certificate && certificate.cert !== "" ? certificate : null;
  return {
    key: JSON.stringify([local, serverName, own]),
    ...(local ? { local } : {}),
    ...(serverName === undefined ? {} : { serverName }),
    ...(own ? { certificate: own, certificateKey: own.cert } : {}),
  };
}

/** "10.0.0.1", "10.0.0.1:8080", "[::1]:8080"; none = the system chooses. */
function localAddress(text: string, request: ServerRequest): LocalAddress | null {
  if (text === "" || text === "off") return null;
  const [, literal, plain, port = "0"] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const ip = literal ?? plain ?? "";
  if (isIP(ip) !== 0 && Number(port) <= 65_535) return { ip, port: Number(port) };
  request.log("error", `invalid local address "${text}"`);
  return null;
}

/** A port is no part of the name, and often comes with $http_host. */
function withoutPort(name: string): string {
  return name.replace(/^(\[[^\]]*\]|[^:]*):.*$/s, "$1");
}
