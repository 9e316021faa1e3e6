// `resolver`: name servers, and which addresses are asked for.
import type { ResolverConfig } from "../../config/servers.ts";
import type { Ms } from "../../std/units.ts";
import type { Directive } from "../tree.ts";
import { parseSeconds } from "../units.ts";
import type { Scope } from "./scope.ts";
import { parseUpstreamUrl } from "./upstream-url.ts";

/** What a `resolver` directive says. */
export function resolverOf(scope: Scope, directive: Directive, timeoutMs: Ms): ResolverConfig {
  const servers: string[] = [];
  let validMs = 0;
  const family = { ipv4: true, ipv6: true };
  for (const arg of directive.args) {
    const [, name, value] = /^(valid|ipv4|ipv6)=(.*)$/s.exec(arg.value) ?? [];
    if (name === "valid") {
      const seconds = parseSeconds(value!);
      if (seconds === undefined) scope.problems.complain(directive, `invalid parameter: ${arg.value}`, arg);
      validMs = (seconds ?? 0) * 1000;
    } else if (name === "ipv4" || name === "ipv6") {
      if (value !== "on" && value !== "off") scope.problems.complain(directive, `invalid parameter: ${arg.value}`, arg);
      family[name] = value !== "off";
    } else if (!name) {
      const url = parseUpstreamUrl(arg.value, DNS_PORT, false);
      if (typeof url === "string") scope.problems.complain(directive, `${url} in resolver "${arg.value}"`, arg);
      else servers.push(url.portText === "" ? `${url.host}:${DNS_PORT}` : url.text);
    }
  }
  if (!family.ipv4 && !family.ipv6) scope.problems.complain(directive, '"ipv4" and "ipv6" cannot both be "off"');
  else if (servers.length === 0) scope.problems.complain(directive, "no name servers defined");
  return { servers, timeoutMs, validMs, ...family };
}

const DNS_PORT = 53;
