// Names of upstreams: when they are resolved, by whom, and to what.
import { isIP } from "node:net";
import { argOf, argsOf } from "../../lower/scope.ts";
import type { Directive } from "../../tree.ts";
import { expansions, isDnsName, isPublicName, type Proxied, serversOf, usersOf } from "../proxies.ts";
import type { Found, Rule } from "../rule.ts";
import type { Survey } from "../survey.ts";

/** Resolved when nginx starts, and never again. */
export const resolvedOnce: Rule = {
  id: "resolved-once",
  about:
    "names in `proxy_pass` and `server` that are resolved at the start only: a new address is a 502 until the next reload",
  *find({ groups, proxies, isKnown }) {
    for (const { url, group, directive, arg, scope, scheme } of proxies) {
      // In a file by itself it may be the name of a group.
      if (!url || group || !isDnsName(url) || !isKnown(scope)) continue;
      yield {
        ...resolvedOnceAt(url.host),
        directive,
        arg,
        fix: `write "upstream app { zone app 64k; server ${url.text}${url.portText === "" && scheme === "https" ? ":443" : ""} resolve; }" (nginx 1.27.3) with a resolver, and pass to it`,
      };
    }
    for (const [name, group] of groups) {
      const named = serversOf(group).find(({ url, resolve }) => isDnsName(url) && !resolve);
      if (!named || usersOf(proxies, group).length === 0) continue;
      yield {
        ...resolvedOnceAt(named.url.host),
        directive: named.directive,
        arg: named.directive.args[0],
        fix: `write "zone ${name} 64k;" and "server ${named.url.text} resolve;" (nginx 1.27.3), with a resolver`,
      };
    }
  },
};

function resolvedOnceAt(host: string): Pick<Found, "text" | "cause"> {
  return {
    text: `"${host}" is resolved when the program starts, and never again: when its address changes, as that of a container does, requests go to the old one`,
    cause: "connect-refused",
  };
}

/** Two addresses, one of which mostly refuses. */
export const localhostTwice: Rule = {
  id: "localhost-twice",
  about: "`localhost` as an upstream: it stands for 127.0.0.1 and ::1, and most applications listen on one of them",
  *find({ groups, proxies, isKnown }) {
    const told = (): Pick<Found, "text" | "cause"> => ({
      text: '"localhost" is 127.0.0.1 and ::1: an application that listens on one of them refuses half of the first tries, and a failure of the other is then a 502',
      cause: "connect-refused",
    });
    for (const { url, group, directive, arg, scope } of proxies) {
      if (!url || group || !/^localhost$/i.test(url.host) || !isKnown(scope)) continue;
      yield { ...told(), directive, arg, fix: `write "${arg.value.replace(/localhost/i, "127.0.0.1")}"` };
    }
    for (const group of groups.values())
      for (const { url, directive } of serversOf(group)) {
        if (!/^localhost$/i.test(url.host)) continue;
        yield {
          ...told(),
          directive,
          arg: directive.args[0],
          fix: `write "${url.text.replace(/localhost/i, "127.0.0.1")}"`,
        };
      }
  },
};

/** The values that the target of a proxy_pass may have, and that DNS must know. */
function unresolvedIn({ groups }: Survey, { scope, authority, scheme }: Proxied): string | null {
  const written = scheme === null ? authority.replace(/^.*:\/\//, "") : authority;
  const values = expansions(scope, written);
  if (!values) return written;
  for (const value of values) {
    const bare = value.replace(/^https?:\/\//i, "").replace(/[/?].*$/s, "");
    const host = bare.startsWith("[") ? bare.slice(1, bare.indexOf("]")) : bare.replace(/:\d*$/, "");
    if (bare !== "" && !/^unix:/i.test(bare) && isIP(host) === 0 && !groups.has(bare.toLowerCase())) return host;
  }
  return null;
}

/** A name in a variable, and nobody to ask. */
export const noResolver: Rule = {
  id: "no-resolver",
  about: "a `proxy_pass` with variables whose name has to be resolved, without `resolver`",
  *find(survey) {
    for (const proxy of survey.proxies) {
      const { scope, directive, arg, hasVariables, authority } = proxy;
      if (!hasVariables || !authority.includes("$") || !survey.isKnown(scope) || scope.last("resolver")) continue;
      const name = unresolvedIn(survey, proxy);
      if (name === null) continue;
      yield {
        directive,
        arg,
        text: `"${name}" is resolved for each request, and no resolver is defined: each is a 502 ("no resolver defined to resolve …")`,
        fix: 'write "resolver 127.0.0.11 valid=10s;" for containers, or the address of your DNS server',
        cause: "dns-not-resolved",
      };
    }
  },
};

/** Resolvers that upstream names are asked of. */
function* usedResolvers(survey: Survey): Generator<{ readonly directive: Directive; readonly name: string }> {
  for (const proxy of survey.proxies) {
    const directive = proxy.scope.last("resolver");
    const name = directive && proxy.authority.includes("$") ? unresolvedIn(survey, proxy) : null;
    if (directive && name !== null) yield { directive, name };
  }
  for (const group of survey.groups.values()) {
    const directive = group.last("resolver");
    const server = serversOf(group).find(({ resolve }) => resolve);
    if (directive && server) yield { directive, name: server.url.host };
  }
}

/** Docker's DNS says ten minutes. */
export const dockerTtl: Rule = {
  id: "docker-ttl",
  about: "Docker's resolver 127.0.0.11 without `valid`: its answers hold for ten minutes",
  *find(survey) {
    for (const { directive } of usedResolvers(survey)) {
      const arg = directive.args.find(({ value }) => /^127\.0\.0\.11(?::53)?$/.test(value));
      if (!arg || argsOf(directive).some((word) => word.startsWith("valid="))) continue;
      yield {
        directive,
        arg,
        text: "Docker's answers hold for 600 s: a container that comes back with another address is a 502 for that long",
        fix: `write "resolver ${argsOf(directive).join(" ")} valid=10s;"`,
        cause: "connect-refused",
      };
    }
  },
};

const PUBLIC = new Set([
  ...["8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9", "149.112.112.112", "208.67.222.222", "208.67.220.220"],
  ...["[2606:4700:4700::1111]", "[2606:4700:4700::1001]", "[2001:4860:4860::8888]", "[2001:4860:4860::8844]"],
]);

/** Anybody on the way can say where requests go. */
export const publicResolver: Rule = {
  id: "public-resolver",
  about: "names of upstreams that are asked of a public DNS server",
  *find(survey) {
    for (const { directive, name } of usedResolvers(survey)) {
      const arg = directive.args.find(({ value }) => PUBLIC.has(value.replace(/:53$/, "")));
      if (!arg) continue;
      yield {
        directive,
        arg,
        text: `${argOf(directive)} is asked over plain UDP for where requests go: it knows no private names, and whoever forges an answer gets the requests`,
        fix: "name a resolver of your own network (127.0.0.53, 127.0.0.11, that of the VPC)",
        cause: "dns-not-resolved",
        note: isPublicName(name),
      };
    }
  },
};

/** Addresses that nobody listens on, or a question that nobody answers. */
export const dockerV6: Rule = {
  id: "docker-ipv6",
  about:
    "Docker's resolver 127.0.0.11 without `ipv6=off`: a second question for each name, which networks without IPv6 may leave unanswered",
  *find(survey) {
    for (const { directive } of usedResolvers(survey)) {
      const arg = directive.args.find(({ value }) => /^127\.0\.0\.11(?::53)?$/.test(value));
      if (!arg || argsOf(directive).some((word) => word.startsWith("ipv6="))) continue;
      yield {
        directive,
        arg,
        text: "each name is asked for twice, for IPv4 and IPv6; where the second question is not answered, requests wait for resolver_timeout",
        fix: `write "resolver ${argsOf(directive).join(" ")} ipv6=off;" in networks without IPv6`,
        cause: "dns-timeout",
        note: true,
      };
    }
  },
};
