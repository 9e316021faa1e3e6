// Directives of an upstream block that say which of its servers is next: methods, and what binds a request to one
// of them (sticky). A second method takes the place of the first, with a warning.
import type { BalanceConfig, StickyConfig } from "../../config/config.ts";
import type { Directive } from "../tree.ts";
import { parseSeconds, parseSize, parseTime } from "../units.ts";
import { argOf, argsOf, type Scope } from "./scope.ts";
import { hasVariables, textOf, variableName } from "./text.ts";

/** Names of the directives that choose a method. */
export const METHODS: ReadonlySet<string> = new Set(["least_conn", "ip_hash", "hash", "random", "least_time"]);

/** Those under which no server may be a backup. */
export const WITHOUT_BACKUP: ReadonlySet<string> = new Set(["ip_hash", "hash", "random"]);

/** What a method means. */
export function balanceOf(scope: Scope, directive: Directive): BalanceConfig {
  const [first, second] = argsOf(directive);
  const refuse = (index: number): void =>
    scope.problems.complain(directive, `invalid parameter "${argOf(directive, index)}"`, directive.args[index]);
  switch (directive.name) {
    case "least_conn":
      return "least-connections";
    case "ip_hash":
      return { ipHash: true };
    case "hash":
      if (second !== undefined && second !== "consistent") refuse(1);
      return {
        hashText: textOf(scope, directive, directive.args[0]!),
        method: second === "consistent" ? "ketama" : "modulo",
      };
    case "random":
      if (first !== undefined && first !== "two") refuse(0);
      else if (second !== undefined && second !== "least_conn") refuse(1);
      return { random: first === "two" ? "two" : "one" };
    default:
      if (second !== undefined && second !== "inflight") refuse(1);
      if (first !== "header" && first !== "last_byte")
        scope.problems.complain(directive, `invalid value "${first}"`, directive.args[0]);
      return { leastTime: first === "last_byte" ? "last-byte" : "header", inflight: second === "inflight" };
  }
}

/** What `sticky` means; null = it was refused. */
export function stickyOf(scope: Scope, directive: Directive): StickyConfig | null {
  switch (argOf(directive)) {
    case "cookie":
      return stickyCookie(scope, directive);
    case "route": {
      const names = directive.args.slice(1).map((arg) => variableName(scope, directive, arg));
      return { kind: "route", lookup: names.flatMap((name) => (name === undefined ? [] : [`{$${name}}`])) };
    }
    case "learn":
      return stickyLearn(scope, directive);
    default:
      scope.problems.complain(directive, `unknown parameter "${argOf(directive)}"`, directive.args[0]);
      return null;
  }
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

function stickyCookie(scope: Scope, directive: Directive): StickyConfig {
  const say = (text: string): void => scope.problems.complain(directive, `"sticky" directive ${text}`);
  const cookie: Mutable<Extract<StickyConfig, { kind: "cookie" }>> = {
    kind: "cookie",
    name: argOf(directive, 1),
    domain: null,
    path: null,
    expiresMs: null,
    httpOnly: false,
    secure: false,
    sameSite: null,
  };
  if (cookie.name === "") say("empty cookie name");
  const seen = new Set<string>();
  for (const arg of directive.args.slice(2)) {
    const [, name, value] = /^(domain|path|expires|samesite)=(.*)$/s.exec(arg.value) ?? wordOf(arg.value);
    if (seen.has(name!)) say(`parameter "${name}" is duplicate`);
    seen.add(name!);
    if ((name === "domain" || name === "path") && value === "") say(`no value for "${name}"`);
    if (name === "domain") cookie.domain = textOf(scope, directive, value!);
    else if (name === "path") cookie.path = value!;
    else if (name === "expires" && value === "max") cookie.expiresMs = "max";
    else if (name === "expires") {
      const seconds = parseSeconds(value!);
      if (seconds === undefined) say('invalid "expires" parameter value');
      cookie.expiresMs = seconds === undefined ? null : seconds * 1000;
    } else if (name === "httponly") cookie.httpOnly = true;
    else if (name === "secure") cookie.secure = true;
    else if (name === "samesite") {
      if (!hasVariables(value!) && !/^(?:strict|lax|none)$/i.test(value!)) say('invalid "samesite" parameter value');
      cookie.sameSite = textOf(scope, directive, value!);
    } else scope.problems.complain(directive, `unknown parameter "${arg.value}"`, arg);
  }
  return cookie;
}

/** A parameter that has no value, as one with an empty one. */
function wordOf(text: string): [string, string, string] {
  return [text, /^(?:httponly|secure|header)$/.test(text) ? text : "", ""];
}

const PAGE_BYTES = 4096;
const SESSIONS_MS = 600_000;

function stickyLearn(scope: Scope, directive: Directive): StickyConfig {
  const say = (text: string): void => scope.problems.complain(directive, `"sticky" directive ${text}`);
  const create: string[] = [];
  const lookup: string[] = [];
  let zone: { readonly name: string; readonly bytes: number } | null = null;
  let timeoutMs: number | null = null;
  let afterHead = false;
  for (const arg of directive.args.slice(1)) {
    const [, name, value] = /^(zone|timeout|create|lookup)=(.*)$/s.exec(arg.value) ?? wordOf(arg.value);
    if (name === "zone") {
      if (zone) say("duplicate zone");
      zone = zoneOf(value!, say);
    } else if (name === "timeout") {
      const ms = parseTime(value!);
      if (timeoutMs !== null) say("duplicate timeout");
      else if (!ms) say("invalid timeout");
      timeoutMs = ms || SESSIONS_MS;
    } else if (name === "create" || name === "lookup") {
      if (!value!.startsWith("$")) say(`missing variable in the "${name}" parameter`);
      else (name === "create" ? create : lookup).push(textOf(scope, directive, value!));
    } else if (name === "header") afterHead = true;
    else scope.problems.complain(directive, `unknown parameter "${arg.value}"`, arg);
  }
  if (lookup.length === 0) say('"lookup" parameter is not specified');
  else if (create.length === 0) say('"create" parameter is not specified');
  else if (!zone) say('"zone" parameter is not specified');
  const { name, bytes } = zone ?? { name: "", bytes: 0 };
  return { kind: "learn", create, lookup, zone: name, bytes, timeoutMs: timeoutMs ?? SESSIONS_MS, afterHead };
}

function zoneOf(text: string, say: (text: string) => void): { readonly name: string; readonly bytes: number } {
  const colon = text.indexOf(":");
  const name = colon === -1 ? text : text.slice(0, colon);
  const bytes = parseSize(text.slice(colon + 1));
  if (colon === -1) say("zone size is not specified");
  else if (name === "") say("zone name is not specified");
  else if (bytes === undefined) say("invalid zone size");
  else if (bytes < 8 * PAGE_BYTES) say("zone is too small");
  return { name, bytes: bytes ?? 0 };
}
