// TLS towards upstreams: to the port that speaks it, with the name that they expect, and verified.
import { argOf, argsOf, enclosing, flagOf } from "../../lower/scope.ts";
import { isPublicName, type Proxied, sentHeader, serversOf } from "../proxies.ts";
import type { Rule } from "../rule.ts";

/** TLS where plain text is spoken, or the reverse. */
export const tlsPort: Rule = {
  id: "tls-port",
  about: "`https://` to a server without a port (80) or on port 80, `http://` to port 443 or 8443",
  *find({ proxies, groups, isKnown }) {
    for (const { scheme, url, group, directive, arg, scope } of proxies) {
      if (scheme === null) continue;
      if (url && !group) {
        const port = url.address.kind === "tcp" ? url.address.port : 0;
        if (!groups.has(url.host) && url.isName && url.portText === "" && !isKnown(scope)) continue;
        const wrong = scheme === "http" ? port === 443 || port === 8443 : port === 80;
        if (wrong)
          yield {
            directive,
            arg,
            text: `${scheme === "http" ? "plain HTTP goes to" : "TLS goes to"} port ${port}: ${scheme === "http" ? 'the answer is 400 ("plain HTTP request was sent to HTTPS port")' : 'the handshake fails ("wrong version number"), which is a 502'}`,
            fix: `write "${scheme === "http" ? "https" : "http"}://${url.text}${url.uri}"`,
            cause: "tls-plaintext-mismatch",
          };
      }
      if (!group) continue;
      for (const server of serversOf(group)) {
        const port = server.url.address.kind === "tcp" ? server.url.address.port : 0;
        if (!(scheme === "https" ? port === 80 : port === 443 || port === 8443)) continue;
        const bare = server.url.portText === "";
        yield {
          directive: server.directive,
          arg: server.directive.args[0],
          text:
            scheme === "https"
              ? `TLS goes to port 80${bare ? ", which is the port of a server without one" : ""}: the handshake fails, which is a 502`
              : `plain HTTP goes to port ${port}: the answer is 400 ("plain HTTP request was sent to HTTPS port")`,
          fix:
            scheme === "https"
              ? `write "server ${server.url.host}:443;"`
              : `write "${arg.value.replace(/^http:/i, "https:")}" in proxy_pass`,
          cause: "tls-plaintext-mismatch",
        };
      }
    }
  },
};

/** The public name that TLS is spoken with. */
function remoteName({ scheme, url, group }: Proxied): string | undefined {
  if (scheme !== "https") return undefined;
  const hosts = group ? serversOf(group).map((server) => server.url.host) : url ? [url.host] : [];
  return hosts.find(isPublicName);
}

/** The name is not said in the handshake. */
export const sniOff: Rule = {
  id: "sni-off",
  about: "`https://` to a public name without `proxy_ssl_server_name on`",
  *find({ proxies, isKnown }) {
    for (const proxy of proxies) {
      const { scope, directive, arg } = proxy;
      const name = remoteName(proxy);
      if (name === undefined || flagOf(scope, "proxy_ssl_server_name", false)) continue;
      if (!isKnown(scope) && !scope.last("proxy_ssl_server_name")) continue;
      yield {
        directive,
        arg,
        text: `the handshake does not say which host is meant: servers with several, as every CDN, refuse it or show another certificate, which is a 502`,
        fix: `write "proxy_ssl_server_name on;" beside it`,
        cause: "tls-handshake-failed",
      };
    }
  },
};

/** The name of the group is said in the handshake. */
export const sniOfGroup: Rule = {
  id: "sni-of-group",
  about: "`proxy_ssl_server_name on` with a group, without `proxy_ssl_name`: the group's name is sent",
  *find({ proxies, isKnown }) {
    for (const proxy of proxies) {
      const { scope, directive, arg, group, authority } = proxy;
      if (!group || proxy.scheme !== "https" || scope.last("proxy_ssl_name") || isPublicName(authority)) continue;
      if (!flagOf(scope, "proxy_ssl_server_name", false) || !isKnown(scope)) continue;
      const host = serversOf(group).find(({ url }) => url.isName)?.url.host;
      yield {
        directive,
        arg,
        text: `the handshake asks for "${authority}", the name of the group: a server with several hosts refuses it, which is a 502`,
        fix: `write "proxy_ssl_name ${host ?? "app.example.com"};" beside it`,
        cause: "tls-handshake-failed",
      };
    }
  },
};

/** Anybody on the way can answer. */
export const tlsUnverified: Rule = {
  id: "tls-unverified",
  about: "`https://` to a public name without `proxy_ssl_verify on`",
  *find({ proxies, isKnown }) {
    for (const proxy of proxies) {
      const { scope, directive } = proxy;
      const name = remoteName(proxy);
      if (name === undefined || flagOf(scope, "proxy_ssl_verify", false)) continue;
      const off = scope.last("proxy_ssl_verify");
      if (!off && !isKnown(scope)) continue;
      yield {
        directive: off ?? directive,
        arg: off ? undefined : proxy.arg,
        text: `the certificate of ${name} is not verified: whoever is on the way can answer in its name and read what is sent`,
        fix: 'write "proxy_ssl_verify on;" and "proxy_ssl_trusted_certificate /etc/ssl/certs/ca-certificates.crt;"',
        note: off === undefined,
      };
    }
  },
};

/** A foreign host is asked for a name of ours. */
export const foreignHost: Rule = {
  id: "foreign-host",
  about: "the visitor's Host is sent to a host of somebody else's",
  *find({ proxies }) {
    for (const proxy of proxies) {
      const { scope, url, group, scheme } = proxy;
      const host = sentHeader(scope, "Host");
      if (group || !url || scheme !== "https" || !isPublicName(url.host) || !host) continue;
      if (!/^\$(?:http_)?host(?::\$\w+)?$/i.test(host)) continue;
      const server = enclosing(scope, "server");
      const own = (server?.own("server_name") ?? []).flatMap((each) => argsOf(each)).filter(isPublicName);
      const isRelated = own.length === 0 || own.some((name) => domainOf(name) === domainOf(url.host));
      const directive = scope.all("proxy_set_header").findLast((each) => argOf(each).toLowerCase() === "host")!;
      if (isRelated) continue;
      yield {
        directive,
        arg: directive.args[1],
        text: `${url.host} is asked for "${own[0]}", a host that it does not have: the answer is 404, 421 or 403`,
        fix: `write "proxy_set_header Host ${url.host};" for this proxy_pass`,
        cause: "upstream-error-passthrough",
      };
    }
  },
};

function domainOf(name: string): string {
  return name.toLowerCase().split(".").slice(-2).join(".");
}
