// What a proxied request is made of: its fields, its body, and from where it is sent. Fields are inherited all or
// none; those that nginx sets or takes away itself stand behind them where none of them has the name.

import { isIP } from "node:net";
import type { UpstreamTimeouts } from "../../config/config.ts";
import type { ProxyRequestRules, ProxyRetryRules, RetryCondition, Text } from "../../config/servers.ts";
import { proxiedFields } from "../../config/standards.ts";
import { complainUnsupported } from "./proxy-unsupported.ts";
import { argOf, argsOf, flagOf, msOf, numberOf, type Scope, wordOf } from "./scope.ts";
import { hasVariables, textOf } from "./text.ts";
import { parseUpstreamUrl } from "./upstream-url.ts";

type Fields = { readonly name: string; readonly value: Text }[];

/** What a location says of requests. */
export function requestRulesOf(scope: Scope): ProxyRequestRules {
  const minor = minorOf(scope);
  const method = scope.last("proxy_method");
  const body = scope.last("proxy_set_body");
  return {
    method: method ? textOf(scope, method, method.args[0]!) : null,
    minor,
    ...proxiedFields(fieldsOf(scope, minor)),
    passHeaders: flagOf(scope, "proxy_pass_request_headers", true),
    passBody: flagOf(scope, "proxy_pass_request_body", true),
    body: body ? textOf(scope, body, body.args[0]!) : null,
    buffered: flagOf(scope, "proxy_request_buffering", true),
    bind: bindOf(scope, "proxy_bind"),
  };
}

/** Why upstreams are not asked in HTTP/2. */
export const NO_HTTP2 = '"proxy_http_version 2" is not supported: upstreams are asked in HTTP/1';

function minorOf(scope: Scope): 0 | 1 {
  const version = wordOf(scope, "proxy_http_version", "1.1");
  const directive = scope.last("proxy_http_version");
  if (version === "2" && directive) complainUnsupported(scope, directive, NO_HTTP2, directive.args[0]);
  return version === "1.0" ? 0 : 1;
}

/** Host comes first; of several the last one holds. An empty one is the standard one, but under HTTP/1.0. */
function fieldsOf(scope: Scope, minor: 0 | 1): Fields {
  let host = "{$proxy_host}";
  const fields: Fields = [];
  for (const directive of scope.all("proxy_set_header")) {
    const [name, value] = directive.args;
    const text = textOf(scope, directive, value!);
    if (name!.value.toLowerCase() !== "host") fields.push({ name: name!.value, value: text });
    else host = text === "" && minor === 1 ? "{$proxy_host}" : text;
  }
  return [{ name: "Host", value: host }, ...fields];
}

/** The local address of `…_bind`; null = any. */
export function bindOf(scope: Scope, name: string): Text | null {
  const directive = scope.last(name);
  const [address, word] = directive?.args ?? [];
  if (!directive || !address || (address.value === "off" && !word)) return null;
  if (!hasVariables(address.value) && !isLocalAddress(address.value))
    scope.problems.complain(directive, `invalid address "${address.value}"`, address);
  if (word && word.value !== "transparent")
    scope.problems.complain(directive, `invalid parameter "${word.value}"`, word);
  else if (word) {
    const text = `"${name}" with "transparent" is not supported: Node has no IP_TRANSPARENT`;
    complainUnsupported(scope, directive, text, word);
  }
  return textOf(scope, directive, address);
}

/** An address of either family, with a port only behind brackets or IPv4. */
function isLocalAddress(text: string): boolean {
  if (isIP(text) !== 0) return true;
  const url = parseUpstreamUrl(text, 0, false);
  return typeof url === "object" && !url.isName && url.address.kind === "tcp" && url.portText !== "";
}

/** Names of the directives, of proxy_pass or another one: nothing of the kind is made from parts. */
export interface Names {
  readonly connect: string;
  readonly send: string;
  readonly read: string;
  readonly conditions: string;
  readonly tries: string;
  readonly within: string;
}

/** Those of proxy_pass. */
export const PROXY_NAMES: Names = {
  connect: "proxy_connect_timeout",
  send: "proxy_send_timeout",
  read: "proxy_read_timeout",
  conditions: "proxy_next_upstream",
  tries: "proxy_next_upstream_tries",
  within: "proxy_next_upstream_timeout",
};

/** After what another server is asked. */
export function retryRulesOf(scope: Scope, names: Names): ProxyRetryRules {
  const words = scope.all(names.conditions).flatMap((directive) => argsOf(directive));
  const given = words.length === 0 ? ["error", "timeout"] : words.map((word) => word.toLowerCase());
  return {
    conditions: given.includes("off") ? [] : ([...new Set(given)] as RetryCondition[]),
    tries: numberOf(scope, names.tries, 0),
    withinMs: msOf(scope, names.within, 0),
  };
}

/** nginx has one timer for connecting and the handshake, and one for all reads. */
export function timeoutsOf(scope: Scope, names: Names): UpstreamTimeouts {
  const connectMs = msOf(scope, names.connect, 60_000);
  const readMs = msOf(scope, names.read, 60_000);
  return {
    connectMs,
    tlsMs: connectMs,
    sendMs: msOf(scope, names.send, 60_000),
    headMs: readMs,
    idleBodyMs: readMs,
    tunnelIdleMs: readMs,
  };
}

/** A rate that may have variables; a number is bytes. */
export function rateOf(scope: Scope, name: string, parse: (text: string) => number | undefined): Text {
  const directive = scope.last(name);
  if (!directive) return "0";
  const value = argOf(directive);
  if (hasVariables(value)) return textOf(scope, directive, directive.args[0]!);
  const bytes = parse(value);
  if (bytes === undefined) scope.problems.complain(directive, `"${name}" directive invalid value`, directive.args[0]);
  return String(bytes ?? 0);
}
