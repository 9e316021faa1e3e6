// What is rewritten in responses: Location and Refresh (proxy_redirect), domains, paths and flags of cookies.
// The standard redirect belongs to the block of a proxy_pass, and blocks within inherit it even where they have a
// proxy_pass of their own.

import type { Pattern, ProxyRedirectRule, ProxyResponseRules, Text } from "../../config/servers.ts";
import { literalText } from "../../config/text.ts";
import type { Arg, Directive } from "../tree.ts";
import type { Lowering } from "./lowering.ts";
import { prefixOf } from "./proxy-place.ts";
import { argOf, outwards, type Scope } from "./scope.ts";
import { hasVariables, textOf } from "./text.ts";
import { parseUpstreamUrl } from "./upstream-url.ts";

/** Rules for Location, with the standard one. */
export function redirectsOf(scope: Scope, lowering: Lowering): readonly ProxyRedirectRule[] {
  let isOn = true;
  let rules: readonly ProxyRedirectRule[] | null = null;
  for (const at of [...outwards(scope)].reverse()) {
    const own = at.own("proxy_redirect");
    if (own.length > 0) {
      isOn = !complainOff(at, own);
      rules = isOn ? own.flatMap((directive) => redirectOf(at, directive, lowering)) : null;
    }
    if (isOn && rules === null) {
      const standard = standardRedirect(at, at.own("proxy_pass")[0], lowering);
      if (standard) rules = [standard];
    }
  }
  return isOn ? (rules ?? []) : [];
}

function redirectOf(scope: Scope, directive: Directive, lowering: Lowering): ProxyRedirectRule[] {
  const [from, to] = directive.args;
  if (from && to) return [{ from: textOrPattern(scope, directive, from, false), to: textOf(scope, directive, to) }];
  if (from?.value !== "default") {
    scope.problems.complain(directive, `invalid parameter "${from?.value}"`, from);
    return [];
  }
  const [pass] = scope.own("proxy_pass").filter(({ span, source }) => isBefore({ span, source }, directive));
  if (pass && hasVariables(argOf(pass))) {
    const text = '"proxy_redirect default" cannot be used with "proxy_pass" directive with variables';
    scope.problems.complain(directive, text, from);
  } else if (!pass) {
    const text = '"proxy_redirect default" should be placed after the "proxy_pass" directive';
    scope.problems.complain(directive, text, from);
  }
  const standard = standardRedirect(scope, pass, lowering);
  return standard ? [standard] : [];
}

function isBefore(a: Pick<Directive, "span" | "source">, b: Directive): boolean {
  return a.source !== b.source || a.span.start < b.span.start;
}

/** From the URL of proxy_pass to the location; null = there is none that is fixed. */
function standardRedirect(scope: Scope, pass: Directive | undefined, lowering: Lowering): ProxyRedirectRule | null {
  const url = argOf(pass);
  if (url === "" || hasVariables(url)) return null;
  const authority = /^https?:\/\/(.*)$/is.exec(url)?.[1];
  const parsed = authority === undefined ? "" : parseUpstreamUrl(authority, 80, true);
  if (typeof parsed === "string") return null;
  if (parsed.uri === "") return { from: literalText(`${url}/`), to: "/" };
  return { from: literalText(url), to: literalText(prefixOf(scope, lowering) ?? "") };
}

/** Whether the rules of a block are "off", which may be the only one. */
function complainOff(scope: Scope, directives: readonly Directive[]): boolean {
  const off = directives.findIndex(isOff);
  const second = off === -1 ? undefined : directives[off === 0 ? 1 : off];
  if (second) scope.problems.complain(second, `"${second.name}" directive is duplicate`);
  return off !== -1;
}

function isOff(directive: Directive): boolean {
  return directive.args.length === 1 && argOf(directive) === "off";
}

/** The rules of the nearest block that has any; none where it says "off". */
function rulesOf(scope: Scope, name: string): readonly Directive[] {
  const directives = scope.all(name);
  if (complainOff(scope, directives)) return [];
  return directives.filter((directive) => {
    const [only] = directive.args;
    if (directive.args.length > 1) return true;
    scope.problems.complain(directive, `invalid parameter "${only?.value}"`, only);
    return false;
  });
}

/** What is done to cookies. */
export function cookieRulesOf(scope: Scope): Pick<ProxyResponseRules, "cookieDomains" | "cookiePaths" | "cookieFlags"> {
  return {
    cookieDomains: rulesOf(scope, "proxy_cookie_domain").map((directive) => domainOf(scope, directive)),
    cookiePaths: rulesOf(scope, "proxy_cookie_path").map((directive) => ({
      from: textOrPattern(scope, directive, directive.args[0]!, false),
      to: textOf(scope, directive, directive.args[1]!),
    })),
    cookieFlags: rulesOf(scope, "proxy_cookie_flags").map((directive) => ({
      cookie: textOrPattern(scope, directive, directive.args[0]!, true),
      flags: directive.args.slice(1).map((arg) => textOf(scope, directive, arg)),
    })),
  };
}

/** A dot in front is no part of a domain. */
function domainOf(scope: Scope, directive: Directive): { from: Text | Pattern; to: Text } {
  const [from, to] = directive.args as [Arg, Arg];
  if (from.value.startsWith("~"))
    return { from: textOrPattern(scope, directive, from, true), to: textOf(scope, directive, to) };
  const plain = ({ value }: Arg): Text => textOf(scope, directive, value.replace(/^\./, ""));
  return { from: plain(from), to: plain(to) };
}

/** "~" begins a pattern, "~*" one that knows no case; in some places none of them does. */
function textOrPattern(scope: Scope, directive: Directive, arg: Arg, neverCase: boolean): Text | Pattern {
  const { value } = arg;
  if (!value.startsWith("~")) return textOf(scope, directive, arg);
  if (neverCase) return { source: value.slice(1), ignoreCase: true };
  return value.startsWith("~*")
    ? { source: value.slice(2), ignoreCase: true }
    : { source: value.slice(1), ignoreCase: false };
}
