// Who may, and who says who it is.
import { argOf, argsOf, outwards } from "../../lower/scope.ts";
import { endsAtEnd } from "../patterns.ts";
import type { Rule } from "../rule.ts";
import { prefixOf } from "../words.ts";

/** Everybody chooses an address. */
export const realIpFromAnyone: Rule = {
  id: "real-ip-from-anyone",
  about: "`set_real_ip_from 0.0.0.0/0`: every visitor says which address it has",
  *find({ scopes }) {
    for (const scope of scopes) {
      const header = argOf(scope.last("real_ip_header")) || "X-Real-IP";
      for (const directive of scope.own("set_real_ip_from")) {
        if (!/^(?:0\.0\.0\.0|::|0:0:0:0:0:0:0:0)\/0$/.test(argOf(directive))) continue;
        yield {
          directive,
          arg: directive.args[0],
          text: `${header} is believed of everybody: allow, deny, limit_req and the logs go by what a visitor invents`,
          fix: "name the addresses of your load balancer, as 10.0.0.0/8",
        };
      }
    }
  },
};

/** A claim of the client's is passed on as ours. */
export const forwardedFromClient: Rule = {
  id: "forwarded-from-client",
  about: "`X-Forwarded-For` or `X-Real-IP` passed on as the client sent it",
  *find({ scopes, isKnown }) {
    for (const scope of scopes)
      for (const directive of scope.own("proxy_set_header")) {
        const name = argOf(directive);
        if (!/^x-(?:forwarded-for|real-ip)$/i.test(name)) continue;
        if (!/^\$\{?http_x_(?:forwarded_for|real_ip)\}?$/i.test(argOf(directive, 1))) continue;
        if (scope.last("set_real_ip_from") || !isKnown(scope)) continue;
        const value = /real-ip/i.test(name) ? "$remote_addr" : "$proxy_add_x_forwarded_for";
        yield {
          directive,
          arg: directive.args[1],
          text: `${name} is what the client claims, and its own address is not in it: whoever trusts it can be told anything`,
          fix: `write "proxy_set_header ${name} ${value};"`,
        };
      }
  },
};

/** Some are allowed, nobody is denied. */
export const allowWithoutDeny: Rule = {
  id: "allow-without-deny",
  about: "`allow` without `deny`, which closes nothing",
  *find({ scopes }) {
    for (const scope of scopes) {
      const [first] = scope.own("allow");
      if (!first || scope.own("deny").length > 0 || scope.own("allow").some((each) => argOf(each) === "all")) continue;
      yield {
        directive: first,
        text: "nobody is denied, so everybody may: allow alone closes nothing",
        fix: 'write "deny all;" behind it',
      };
    }
  },
};

/** return comes before access. */
export const returnBeforeAccess: Rule = {
  id: "return-before-access",
  about: "`allow`, `deny`, `auth_basic` or `auth_request` beside a `return` with an answer: return comes first",
  *find({ scopes }) {
    for (const scope of scopes) {
      if (scope.kind !== "location") continue;
      const answer = scope.own("return")[0];
      const rule = ["deny", "auth_basic", "auth_request"]
        .flatMap((name) => scope.own(name))
        .find((each) => argOf(each) !== "off");
      if (!answer || !rule || /^[45]/.test(argOf(answer)) || (/^3/.test(argOf(answer)) && rule.name !== "deny"))
        continue;
      yield {
        directive: rule,
        text: `"return ${argsOf(answer).join(" ")}" is carried out before access is looked at: everybody gets the answer`,
        fix: 'close it with "if", or answer with a file (try_files) instead of return',
      };
    }
  },
};

/** The address is that of whoever is in front. */
export const addressOfProxy: Rule = {
  id: "address-of-proxy",
  about:
    "`allow` and `deny` behind `listen … proxy_protocol` without `set_real_ip_from`: all visitors have the load balancer's address",
  *find({ scopes, isKnown }) {
    for (const scope of scopes) {
      const rule = scope.own("deny")[0];
      if (!rule || scope.own("allow").length === 0 || scope.last("set_real_ip_from") || !isKnown(scope)) continue;
      const server = [...outwards(scope)].find(({ kind }) => kind === "server");
      const listens = server?.own("listen") ?? [];
      if (listens.length === 0 || !listens.every((each) => argsOf(each, 1).includes("proxy_protocol"))) continue;
      if (argOf(scope.last("real_ip_header")) === "proxy_protocol") continue;
      yield {
        directive: rule,
        text: "every connection comes from the load balancer: all visitors are allowed, or none",
        fix: 'write "set_real_ip_from <its addresses>;" and "real_ip_header proxy_protocol;"',
      };
    }
  },
};

const CLOSED = /(?:^|\/)(?:admin|private|internal|manage|management|api|console|dashboard)(?:\/|$)/i;

/** No referer is a good one. */
export const refererAsLock: Rule = {
  id: "referer-as-lock",
  about: "`valid_referers none` for what should be closed: whoever sends no Referer gets in",
  *find({ scopes }) {
    for (const scope of scopes) {
      const directive = scope.own("valid_referers")[0];
      const arg = directive?.args.find(({ value }) => value === "none");
      const path = scope.kind === "location" ? (prefixOf(scope) ?? "") : "";
      if (!directive || !arg || !CLOSED.test(path)) continue;
      yield {
        directive,
        arg,
        text: `whoever sends no Referer, as every script can, gets to "${path}": a Referer is no lock`,
        fix: "use auth_basic, auth_request, or allow and deny",
      };
    }
  },
};

/** Any site that has the name somewhere in its own. */
export const originLoose: Rule = {
  id: "origin-loose",
  about: "patterns for `$http_origin` that fit other people's names too, because nothing binds them to the end",
  *find({ scopes, http }) {
    for (const scope of scopes) {
      for (const directive of scope.own("if")) {
        const words = argsOf(directive);
        const at = words.findIndex((word) => /^~\*?$/.test(word));
        const [, name] = /^\(?\$(http_origin)$/i.exec(words[at - 1] ?? "") ?? [];
        const pattern = words[at + 1]?.replace(/\)$/, "");
        if (at < 1 || !name || !pattern || endsAtEnd(pattern) || !/[a-z]{2,}/i.test(pattern)) continue;
        yield { ...looseText(name, pattern), directive, arg: directive.args[at + 1] };
      }
    }
    for (const map of http?.own("map") ?? []) {
      if (!/^\$http_origin$/i.test(argOf(map))) continue;
      for (const line of map.block?.directives ?? []) {
        const [, pattern] = /^~\*?(.*)$/s.exec(line.name) ?? [];
        if (!pattern || endsAtEnd(pattern) || !/[a-z]{2,}/i.test(pattern) || argOf(line) === "") continue;
        yield { ...looseText("http_origin", pattern), directive: line };
      }
    }
  },
};

function looseText(name: string, pattern: string) {
  return {
    text: `"${pattern}" is not bound to the end: https://${exampleOf(pattern)}.evil.example fits too, and gets what $${name} opens`,
    fix: `write "${pattern}$"`,
  };
}

function exampleOf(pattern: string): string {
  const [name = "example.com"] =
    /[a-z0-9-]+(?:\\?\.[a-z0-9-]+)+|[a-z0-9-]{2,}$/i.exec(pattern.replace(/^\^?https\??:\/\//, "")) ?? [];
  return name.replaceAll("\\", "");
}
