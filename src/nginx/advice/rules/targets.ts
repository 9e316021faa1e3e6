// The path that an upstream gets, and requests that come back.

import { addressesOf } from "../../lower/listen.ts";
import { argOf, argsOf, enclosing } from "../../lower/scope.ts";
import { sentHeader, variablesIn } from "../proxies.ts";
import type { Rule } from "../rule.ts";
import { prefixOf } from "../words.ts";

/** One slash too many, or too few. */
export const slashes: Rule = {
  id: "slashes",
  about:
    "`location /a { proxy_pass http://app/; }` and `location /a/ { proxy_pass http://app/b; }`: slashes that do not fit",
  *find({ proxies, isWritten }) {
    for (const { scope, directive, arg, uri, hasVariables, location } of proxies) {
      const path = location === scope ? prefixOf(location, false) : undefined;
      if (path === undefined || !location || !isWritten(location) || hasVariables || uri === "" || uri.includes("?"))
        continue;
      const [here, there] = [path.endsWith("/"), uri.endsWith("/")];
      if (here === there || path === "") continue;
      const sent = (rest: string) => `${uri}${rest}`;
      if (there)
        yield {
          directive,
          arg,
          text: `"${path}/users" is sent as "${sent("/users")}", "${path}x" as "${sent("x")}", and "${path}../" leads out of it`,
          fix: `write "location ${path}/ {": both with a slash at the end, or none`,
          cause: "upstream-error-passthrough",
        };
      else
        yield {
          directive,
          arg,
          text: `"${path}users" is sent as "${sent("users")}", without a slash between`,
          fix: `write "${arg.value}/": both with a slash at the end, or none`,
          cause: "upstream-error-passthrough",
        };
    }
  },
};

/** A target with variables takes the place of the whole URI. */
export const uriOfVariables: Rule = {
  id: "uri-with-variables",
  about: "`proxy_pass http://$app/api/;`: with a variable in it, every request is sent to that one path",
  *find({ proxies, isWritten }) {
    for (const { scope, directive, arg, authority, uri, location, hasVariables } of proxies) {
      if (!hasVariables || !authority.includes("$") || uri === "" || uri.includes("$") || !location) continue;
      if (!isWritten(location) || prefixOf(location, false) === undefined || scope.last("internal")) continue;
      const path = prefixOf(location, false)!;
      const target = arg.value.slice(0, arg.value.length - uri.length);
      yield {
        directive,
        arg,
        text: `with a variable in the target nothing is put behind it: every request below "${path}" is sent to "${uri}"`,
        fix:
          uri === path
            ? `write "${target}", which sends the path as it came`
            : `write "rewrite ^${path.replace(/\/$/, "")}/(.*)$ ${uri.replace(/\/$/, "")}/$1 break;" and "proxy_pass ${target};"`,
        cause: "upstream-error-passthrough",
      };
    }
  },
};

/** Round in a circle. */
export const toItself: Rule = {
  id: "proxy-to-itself",
  about: "`proxy_pass` to an address on which the same server listens, with the visitor's Host",
  *find({ proxies }) {
    for (const { scope, directive, arg, url, group, location } of proxies) {
      if (!url || group || url.address.kind !== "tcp" || !/^(?:localhost|127\.|\[::1\])/i.test(url.host)) continue;
      const server = enclosing(scope, "server");
      const { port } = url.address;
      const listens = server?.own("listen") ?? [];
      const ports = listens.flatMap((each) => {
        const addresses = addressesOf(argOf(each));
        return typeof addresses === "string" ? [] : addresses.flatMap((at) => (at.kind === "tcp" ? [at] : []));
      });
      const isOwn =
        listens.length === 0
          ? port === 80
          : ports.some((at) => at.port === port && /^(?:0\.0\.0\.0|::|127\.|::1)/.test(at.host));
      const variables = variablesIn(sentHeader(scope, "Host") ?? "");
      if (!isOwn || !variables.some((name) => name === "host" || name === "http_host")) continue;
      // A path that another location answers comes to an end.
      const path = location ? (prefixOf(location) ?? "/") : "/";
      if (url.uri !== "" && !url.uri.startsWith(path)) continue;
      yield {
        directive,
        arg,
        text: `this server listens on port ${port} itself: a request goes round until worker_connections are used up, and is a 500 or 502`,
        fix: "name the port of the application",
        cause: "proxy-loop",
      };
    }
  },
};

/** Uses of "https" that end in a circle: redirect to https behind what speaks http. */
export const redirectLoop: Rule = {
  id: "redirect-loop",
  about: "a server without TLS that redirects by `$scheme`, where `X-Forwarded-Proto` was meant",
  *find({ servers, inner, isKnown }) {
    const hasTls = ({ own }: (typeof servers)[number]) =>
      own("listen").some((each) => argsOf(each, 1).includes("ssl") || /(?:^|:)443$/.test(argOf(each)));
    if (servers.some(hasTls)) return;
    for (const server of servers) {
      if (!isKnown(server)) continue;
      for (const condition of inner(server, "server if")) {
        const words = argsOf(condition.directive ?? undefined).join(" ");
        const target = condition.own("return")[0] ?? condition.own("rewrite")[0];
        if (!/^\(?\s*\$scheme\s*(?:!=\s*"?https|=\s*"?http\b(?!s))/.test(words) || !target) continue;
        if (!argsOf(target).some((word) => word.startsWith("https://"))) continue;
        const proxied = server.own("location").length > 0 || server.own("proxy_pass").length > 0;
        if (!proxied) continue;
        yield {
          directive: condition.directive!,
          text: "nothing but http arrives here, so every request is redirected, also those that came by TLS to a load balancer in front: a circle",
          fix: 'write "if ($http_x_forwarded_proto = http) {" where a load balancer ends TLS',
          cause: "proxy-loop",
        };
      }
    }
  },
};
