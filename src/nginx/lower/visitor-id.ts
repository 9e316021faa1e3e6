// userid: a cookie that numbers visitors.
import type { VisitorIdConfig } from "../../config/servers.ts";
import { parseSeconds } from "../units.ts";
import { argOf, numberOf, oneOf, type Scope, wordOf } from "./scope.ts";

/** In the order in which nginx writes them. */
const FLAGS = ["secure", "httponly", "samesite=strict", "samesite=lax", "samesite=none"];

/** What a block says of it; null = off. */
export function visitorIdOf(scope: Scope): VisitorIdConfig | null {
  const mode = oneOf(scope, "userid", ["off", "log", "v1", "on"], "off");
  const expires = expiresOf(scope);
  const mark = markOf(scope);
  if (mode === "off") return null;
  const flags = scope.last("userid_flags")?.args.map(({ value }) => value) ?? [];
  return {
    mode,
    name: wordOf(scope, "userid_name", "uid"),
    service: scope.last("userid_service") ? numberOf(scope, "userid_service", 0) : null,
    domain: noneIsEmpty(wordOf(scope, "userid_domain", "")),
    path: wordOf(scope, "userid_path", "/"),
    expires,
    flags: FLAGS.filter((flag) => flags.includes(flag)),
    p3p: noneIsEmpty(wordOf(scope, "userid_p3p", "")),
    mark,
  };
}

function noneIsEmpty(text: string): string {
  return text === "none" ? "" : text;
}

function expiresOf(scope: Scope): VisitorIdConfig["expires"] {
  const directive = scope.last("userid_expires");
  const value = argOf(directive) || "off";
  if (value === "off") return null;
  if (value === "max") return value;
  const seconds = parseSeconds(value);
  if (seconds === undefined) scope.problems.complain(directive!, '"userid_expires" directive invalid value');
  return seconds === undefined ? null : seconds * 1000;
}

function markOf(scope: Scope): string {
  const directive = scope.last("userid_mark");
  const value = argOf(directive) || "off";
  if (value === "off") return "";
  if (/^[0-9A-Za-z=]$/.test(value)) return value;
  scope.problems.complain(directive!, 'value must be "off" or a single letter, digit or "="');
  return "";
}
