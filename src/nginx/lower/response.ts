// What a response says besides its content: fields that are added, expires, redirects, validators, its speed.
import type { ExpiresConfig, ResponseRules, Text } from "../../config/servers.ts";
import type { Directive } from "../tree.ts";
import { parseSeconds, parseSize } from "../units.ts";
import { argOf, flagOf, numberOf, oneOf, type Scope } from "./scope.ts";
import { hasVariables, textOf } from "./text.ts";
import { visitorIdOf } from "./visitor-id.ts";

/** All rules of a block. */
export function responseOf(scope: Scope): ResponseRules {
  return {
    addHeaders: addedOf(scope, "add_header"),
    addTrailers: addedOf(scope, "add_trailer"),
    expires: expiresOf(scope),
    absoluteRedirect: flagOf(scope, "absolute_redirect", true),
    portInRedirect: flagOf(scope, "port_in_redirect", true),
    serverNameInRedirect: flagOf(scope, "server_name_in_redirect", false),
    serverTokens: oneOf(scope, "server_tokens", ["on", "off", "build"], "on"),
    etag: flagOf(scope, "etag", true),
    ifModifiedSince: oneOf(scope, "if_modified_since", ["off", "exact", "before"], "exact"),
    chunked: flagOf(scope, "chunked_transfer_encoding", true),
    rangesMax: numberOf(scope, "max_ranges", -1),
    limitRate: sizeTextOf(scope, "limit_rate"),
    visitorId: visitorIdOf(scope),
    limitRateAfter: sizeTextOf(scope, "limit_rate_after"),
    refreshForMsie: flagOf(scope, "msie_refresh", false),
  };
}

type Added = ResponseRules["addHeaders"][number];

/** Those of the block; with add_header_inherit merge also those around it, with off none of them. */
function addedOf(scope: Scope, name: "add_header" | "add_trailer"): Added[] {
  const own = scope.own(name).flatMap((directive) => addOf(scope, directive) ?? []);
  const mode = oneOf(scope, `${name}_inherit`, ["on", "off", "merge"], "on");
  if (!scope.parent || mode === "off" || (own.length > 0 && mode === "on")) return own;
  return [...own, ...addedOf(scope.parent, name)];
}

function addOf(scope: Scope, directive: Directive): Added | null {
  const [name, value, always] = directive.args;
  if (!name || !value) return null;
  if (always && always.value !== "always")
    scope.problems.complain(directive, `invalid parameter "${always.value}"`, always);
  return { name: name.value, value: textOf(scope, directive, value), always: always !== undefined };
}

/** A size, or a text with variables that gives one. */
function sizeTextOf(scope: Scope, name: string): Text {
  const directive = scope.last(name);
  if (!directive) return "0";
  const value = argOf(directive);
  if (hasVariables(value)) return textOf(scope, directive, value);
  const bytes = parseSize(value);
  if (bytes === undefined) scope.problems.complain(directive, `"${name}" directive invalid value`, directive.args[0]);
  return String(bytes ?? 0);
}

const DAY_SECONDS = 86_400;

function expiresOf(scope: Scope): ExpiresConfig | null {
  const directive = scope.last("expires");
  if (!directive) return null;
  const modified = directive.args.length > 1;
  const value = argOf(directive, modified ? 1 : 0);
  const wrong = (text: string): null => {
    scope.problems.complain(directive, `"expires" directive ${text}`);
    return null;
  };
  if (modified && argOf(directive) !== "modified") return wrong("invalid value");
  if (hasVariables(value)) return { kind: "text", value: textOf(scope, directive, value), modified };
  if (!modified && (value === "epoch" || value === "max" || value === "off")) return { kind: value };
  const [, sign, time = ""] = /^([@+-]?)(.*)$/s.exec(value)!;
  if (sign === "@" && modified) return wrong('daily time cannot be used with "modified" parameter');
  const seconds = parseSeconds(time);
  if (seconds === undefined) return wrong("invalid value");
  if (sign === "@" && seconds > DAY_SECONDS) return wrong("daily time value must be less than 24 hours");
  if (sign === "@") return { kind: "daily", ms: seconds * 1000 };
  return { kind: modified ? "after-modified" : "after-access", ms: (sign === "-" ? -seconds : seconds) * 1000 };
}
