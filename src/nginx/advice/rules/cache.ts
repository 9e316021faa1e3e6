// Caches that mix visitors up, and rates that have no tolerance.
import { argOf, argsOf, enclosing, type Scope } from "../../lower/scope.ts";
import { sentHeader, variablesIn } from "../proxies.ts";
import type { Rule } from "../rule.ts";

/** What a cache keeps for a block; undefined = nothing. */
function cacheOf(scope: Scope): string | undefined {
  const zone = argOf(scope.last("proxy_cache"));
  return zone === "" || zone === "off" ? undefined : zone;
}

const HOSTS = new Set(["host", "http_host", "server_name", "request_host", "ssl_server_name"]);

/** One host's page for another's visitors. */
export const cacheWithoutHost: Rule = {
  id: "cache-without-host",
  about: "a `proxy_cache_key` without the host in a server of several names: hosts get each other's pages",
  *find({ proxies, isKnown }) {
    for (const { scope, directive } of proxies) {
      const server = enclosing(scope, "server");
      if (cacheOf(scope) === undefined || !server || !isKnown(scope)) continue;
      const host = variablesIn(sentHeader(scope, "Host") ?? "");
      const key = scope.last("proxy_cache_key");
      const text = key ? argOf(key) : "$scheme$proxy_host$request_uri";
      const names = server.own("server_name").flatMap((each) => argsOf(each));
      const isOne = names.length === 1 && /^[\w-]+(?:\.[\w-]+)+$/.test(names[0]!);
      if (!host.some((name) => HOSTS.has(name)) || isOne || variablesIn(text).some((name) => HOSTS.has(name))) continue;
      yield {
        directive: key ?? directive,
        arg: key?.args[0],
        text: `what is kept is found by "${text}", and the application answers by Host: one host's page is given to another's visitors`,
        fix: 'write "proxy_cache_key $scheme$host$request_uri;"',
      };
    }
  },
};

/** One visitor's session for all. */
export const cacheSetsCookies: Rule = {
  id: "cache-sets-cookies",
  about:
    "`proxy_ignore_headers Set-Cookie` in a cache, without `proxy_hide_header Set-Cookie`: visitors get each other's sessions",
  *find({ proxies, isKnown }) {
    for (const { scope } of proxies) {
      const ignored = scope.last("proxy_ignore_headers");
      const arg = ignored?.args.find(({ value }) => /^set-cookie$/i.test(value));
      if (cacheOf(scope) === undefined || !ignored || !arg || !isKnown(scope)) continue;
      if (scope.all("proxy_hide_header").some((each) => /^set-cookie$/i.test(argOf(each)))) continue;
      yield {
        directive: ignored,
        arg,
        text: "answers that set a cookie are kept with it: visitors get the session of whoever came first",
        fix: 'write "proxy_hide_header Set-Cookie;" beside it, or take Set-Cookie away',
      };
    }
  },
};

/** A page with its images is over the rate at once. */
export const noBurst: Rule = {
  id: "limit-req-no-burst",
  about: "`limit_req` without `burst`",
  *find({ scopes }) {
    for (const scope of scopes)
      for (const directive of scope.own("limit_req")) {
        if (argsOf(directive).some((word) => word.startsWith("burst="))) continue;
        yield {
          directive,
          text: "two requests in one interval are one too many, as in every page with images: the second is refused at once",
          fix: `write "limit_req ${argsOf(directive).join(" ")} burst=20 nodelay;"`,
          cause: "rate-limited",
        };
      }
  },
};

/** A copy is there, and a failure is shown. */
export const cacheNotStale: Rule = {
  id: "cache-not-stale",
  about: "a cache without `proxy_cache_use_stale`: failures are shown where an old copy is there",
  *find({ proxies, isKnown }) {
    for (const { scope } of proxies) {
      const cache = scope.last("proxy_cache");
      if (cacheOf(scope) === undefined || !cache || scope.last("proxy_cache_use_stale") || !isKnown(scope)) continue;
      yield {
        directive: cache,
        text: "while the application is away, visitors see 502 though a copy of the page is kept",
        fix: 'write "proxy_cache_use_stale error timeout updating http_500 http_502 http_503 http_504;"',
        cause: "connect-refused",
        note: true,
      };
    }
  },
};
