// What is said to upstreams and to visitors, and what is lost because a block has lines of its own.
import { argOf, argsOf, enclosing, flagOf, oneOf, type Scope, wordOf } from "../../lower/scope.ts";
import { isForVisitors, isPublicName, sentHeader } from "../proxies.ts";
import type { Rule } from "../rule.ts";
import { countOf, listOf, prefixOf } from "../words.ts";
import { SOCKETS } from "./timeouts.ts";

/** The application is told another host than the visitor asked for. */
export const hostMissing: Rule = {
  id: "host-missing",
  about:
    "`proxy_pass` without `proxy_set_header Host`: the application is told the name of the group, or an inner address",
  *find({ proxies, isKnown }) {
    for (const proxy of proxies) {
      const { scope, directive, arg, group, authority, url, hasVariables } = proxy;
      if (sentHeader(scope, "Host") !== undefined || !isKnown(scope) || !isForVisitors(proxy)) continue;
      if (hasVariables || (!group && (!url || isPublicName(url.host)))) continue;
      const server = enclosing(scope, "server");
      const names = (server?.own("server_name") ?? []).flatMap((each) => argsOf(each));
      const isNamed = names.some((name) => isPublicName(name.replace(/^[.*]+/, "")));
      if (!group && !isNamed) continue;
      if (group && isPublicName(authority)) continue;
      const told = /^unix:/i.test(authority) ? "localhost" : authority;
      yield {
        directive,
        arg,
        text: `the application is told "Host: ${told}"${told.includes("_") ? ", which is no valid name (400)" : ""}: it sends visitors there in redirects and links, and refuses what it does not know`,
        fix: 'write "proxy_set_header Host $host;" beside it',
        cause: "upstream-error-passthrough",
      };
    }
  },
};

/** The application does not know the visitor. */
export const forwardedMissing: Rule = {
  id: "forwarded-missing",
  about: "`proxy_pass` without X-Forwarded-For or, on TLS, X-Forwarded-Proto",
  *find({ proxies, isKnown }) {
    for (const proxy of proxies) {
      const { scope, directive, url } = proxy;
      if (!isKnown(scope) || !isForVisitors(proxy) || (url && isPublicName(url.host))) continue;
      const server = enclosing(scope, "server");
      const hasTls = (server?.own("listen") ?? []).some((each) => argsOf(each, 1).includes("ssl"));
      const names = (server?.own("server_name") ?? []).flatMap((each) => argsOf(each));
      // On a server without a name, one that is being tried out, nobody misses it.
      if (!hasTls && !names.some((name) => isPublicName(name.replace(/^[.*]+/, "")))) continue;
      const has = (name: string) =>
        sentHeader(scope, name) !== undefined || sentHeader(scope, "Forwarded") !== undefined;
      const missing = [
        ...(has("X-Forwarded-For") || has("X-Real-IP") ? [] : ["X-Forwarded-For $proxy_add_x_forwarded_for"]),
        ...(hasTls && !has("X-Forwarded-Proto") && !has("X-Forwarded-Scheme") ? ["X-Forwarded-Proto $scheme"] : []),
      ];
      if (missing.length === 0) continue;
      const loses =
        missing.length === 1 && missing[0]!.includes("Proto")
          ? "that it is https: redirects can go round in a circle"
          : "the visitor's address";
      yield {
        directive,
        text: `the application is not told ${loses}`,
        fix: `write ${listOf(missing.map((each) => `"proxy_set_header ${each};"`))}`,
        note: true,
      };
    }
  },
};

/** Two of a kind go out. */
export const headerTwice: Rule = {
  id: "header-twice",
  about: "the same `proxy_set_header` twice in a block (an include has it too): both are sent",
  *find({ scopes }) {
    for (const scope of scopes) {
      const seen = new Map<string, string>();
      for (const directive of scope.own("proxy_set_header")) {
        const name = argOf(directive).toLowerCase();
        const value = argOf(directive, 1);
        const before = seen.get(name);
        if (before && value !== "")
          yield {
            directive,
            arg: directive.args[0],
            text: `${argOf(directive)} is sent twice ("${before}" and "${value}"): ${name === "host" ? "most applications answer 400" : "the application takes either, or both with a comma between"}`,
            fix: "take one of them away",
            cause: "upstream-error-passthrough",
          };
        if (value !== "") seen.set(name, value);
      }
    }
  },
};

/** Lines further out that a block's own lines put out of force. */
function lost(scope: Scope, directive: string): string[] {
  const own = new Set(scope.own(directive).map((each) => argOf(each).toLowerCase()));
  const outer = scope.parent?.all(directive) ?? [];
  const names = new Map(outer.map((each) => [argOf(each).toLowerCase(), argOf(each)]));
  return [...names].flatMap(([key, name]) => (own.has(key) ? [] : [name]));
}

/** One line in a location, and those of the server are gone. */
export const proxyHeadersLost: Rule = {
  id: "proxy-headers-lost",
  about: "a block with a `proxy_set_header` of its own loses all of those around it",
  *find({ proxies }) {
    for (const { scope } of proxies) {
      const from = [scope, ...outerLocations(scope)].find((each) => each.own("proxy_set_header").length > 0);
      if (!from) continue;
      const names = lost(from, "proxy_set_header");
      const host = from.own("proxy_set_header").find((each) => argOf(each).toLowerCase() === "host");
      // Another host is meant, which need not know of our visitors.
      if (names.length === 0 || (host && !/^\$(?:http_)?host\b/i.test(argOf(host, 1)))) continue;
      yield {
        directive: from.own("proxy_set_header")[0]!,
        text: `because of ${countOf(from.own("proxy_set_header").length, "line")} here, ${listOf(names)} of the block around ${names.length === 1 ? "is" : "are"} not sent from here`,
        fix: `repeat ${names.length === 1 ? "it" : "them"} here, or put all of them into a file that each location includes`,
        cause: "upstream-error-passthrough",
      };
    }
  },
};

function outerLocations(scope: Scope): Scope[] {
  const outer: Scope[] = [];
  for (let at = scope.parent; at; at = at.parent) outer.push(at);
  return outer;
}

const SECURITY =
  /^(?:strict-transport-security|content-security-policy|x-frame-options|x-content-type-options|referrer-policy|permissions-policy|cross-origin-\w+-policy|access-control-allow-origin)$/i;

/** One line in a location, and the security headers of the server are gone. */
export const addedHeadersLost: Rule = {
  id: "added-headers-lost",
  about: "a block with an `add_header` of its own loses the security headers around it",
  *find({ scopes }) {
    for (const scope of scopes) {
      const [first] = scope.own("add_header");
      if (!first || oneOf(scope, "add_header_inherit", ["on", "off", "merge"], "on") !== "on") continue;
      const names = lost(scope, "add_header").filter((name) => SECURITY.test(name));
      if (names.length === 0) continue;
      yield {
        directive: first,
        text: `because of ${countOf(scope.own("add_header").length, "line")} here, answers from here lack ${listOf(names)} of the block around`,
        fix: 'repeat them here, or write "add_header_inherit merge;" (nginx 1.29.3)',
      };
    }
  },
};

/** The upgrade does not arrive. */
export const socketHeaders: Rule = {
  id: "websocket-headers",
  about: "a location for WebSockets that does not pass Upgrade and Connection on",
  *find({ proxies, isKnown }) {
    for (const { scope, directive, arg, location } of proxies) {
      const path = location && prefixOf(location);
      if (!path || !SOCKETS.test(path)) continue;
      const upgrade = sentHeader(scope, "Upgrade");
      const connection = sentHeader(scope, "Connection");
      const old = wordOf(scope, "proxy_http_version", "1.1") === "1.0";
      if (!old && (upgrade || !isKnown(scope)) && (connection || !isKnown(scope))) continue;
      yield {
        directive,
        arg,
        text: old
          ? "HTTP/1.0 knows no upgrade: WebSockets fail at their beginning"
          : `${upgrade ? "Connection" : "Upgrade"} is not passed on, so that WebSockets of "${path}" fail at their beginning (400 or 426)`,
        fix: 'write "proxy_http_version 1.1;", "proxy_set_header Upgrade $http_upgrade;" and "proxy_set_header Connection upgrade;"',
        cause: "upgrade-failed",
      };
    }
  },
};

/** Not asked for, and sent nevertheless: before 1.29.7 HTTP/1.0. */
export const socketVersion: Rule = {
  id: "websocket-version",
  about: "Upgrade is passed on without `proxy_http_version 1.1`, which is the default since nginx 1.29.7 only",
  *find({ proxies, isKnown }) {
    for (const { scope, directive } of proxies) {
      if (!sentHeader(scope, "Upgrade") || scope.last("proxy_http_version") || !isKnown(scope)) continue;
      yield {
        directive,
        text: "before nginx 1.29.7 this is sent as HTTP/1.0, in which no upgrade is possible: WebSockets fail",
        fix: 'write "proxy_http_version 1.1;"',
        cause: "upgrade-failed",
      };
    }
  },
};

/** What cannot be searched is not replaced. */
export const subFilterGzip: Rule = {
  id: "sub-filter-gzip",
  about: "`sub_filter` on answers that the application may compress",
  *find({ proxies, isKnown }) {
    for (const { scope } of proxies) {
      const filter = scope.all("sub_filter")[0];
      if (!filter || !isKnown(scope) || sentHeader(scope, "Accept-Encoding") !== undefined) continue;
      if (flagOf(scope, "gunzip", false)) continue;
      yield {
        directive: filter,
        text: "an application that compresses its answers gets them through unchanged: nothing is replaced in them",
        fix: `write "proxy_set_header Accept-Encoding '';" in the same block as the other proxy_set_header`,
      };
    }
  },
};
