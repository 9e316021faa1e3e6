// `server` in an upstream block: an address and its parameters. nginx reads a block from top to bottom, so that a
// balancing method forbids `backup` to the servers behind it only.
import type { EndpointConfig } from "../../config/config.ts";
import type { Arg, Directive } from "../tree.ts";
import { parseNumber, parseSeconds } from "../units.ts";
import type { Scope } from "./scope.ts";
import { parseUpstreamUrl, type UpstreamUrl } from "./upstream-url.ts";

/** What the parameters of a server say; -readonly: they come one after the other. */
type Parameters = {
  -readonly [Key in
    | "weight"
    | "backup"
    | "down"
    | "drain"
    | "route"
    | "service"
    | "maxConnections"]: EndpointConfig[Key];
} & { maxFails: number; failTimeoutMs: number; resolve: boolean };

/** The endpoint that a `server` means; null = it was refused. */
export function endpointOf(scope: Scope, directive: Directive, backupAllowed: boolean): EndpointConfig | null {
  const [first, ...rest] = directive.args;
  const parameters: Parameters = {
    weight: 1,
    maxConnections: 0,
    maxFails: 1,
    failTimeoutMs: 10_000,
    backup: false,
    down: false,
    drain: false,
    route: "",
    service: "",
    resolve: false,
  };
  for (const arg of rest) {
    const refusal = readParameter(parameters, arg.value, backupAllowed);
    if (refusal !== null) scope.problems.complain(directive, refusal, arg, hintFor(arg));
  }
  const { resolve, ...told } = parameters;
  if (told.service !== "" && !resolve) {
    const text = `service upstream "${first?.value}" requires "resolve" parameter`;
    scope.problems.complain(directive, text, first);
  }
  const url = parseUpstreamUrl(first?.value ?? "", DEFAULT_PORT, false);
  if (typeof url === "string") {
    const hint = /^https?:\/\//i.test(first?.value ?? "") ? `a server has no scheme: proxy_pass says it` : undefined;
    scope.problems.complain(directive, `${url} in upstream "${first?.value}"`, first, { hint });
    return null;
  }
  if (told.service !== "") complainService(scope, directive, url, first);
  return {
    ...told,
    label: url.text,
    address: url.address,
    resolve: resolve && url.isName ? "at-run-time" : url.isName ? "at-load" : "per-connection",
  };
}

/** The scheme of proxy_pass makes no difference. */
const DEFAULT_PORT = 80;

function complainService(scope: Scope, directive: Directive, url: UpstreamUrl, arg: Arg | undefined): void {
  if (url.portText !== "" || url.address.kind === "unix")
    scope.problems.complain(directive, `service upstream "${url.text}" may not have port`, arg);
  else if (!url.isName) scope.problems.complain(directive, `service upstream "${url.text}" requires domain name`, arg);
}

function hintFor({ value }: Arg): { hint?: string } {
  const name = value.split("=", 1)[0]!;
  return name === "slow_start" ? { hint: "nginx itself has no slow_start, only its commercial version" } : {};
}

/** Digests of sticky cookies have as many bytes. */
const ROUTE_LENGTH_MAX = 32;

/** What nginx says of a parameter; null = it is right, and taken over. */
function readParameter(into: Parameters, text: string, backupAllowed: boolean): string | null {
  const invalid = `invalid parameter "${text}"`;
  const equals = text.indexOf("=");
  const name = equals === -1 ? text : text.slice(0, equals + 1);
  const value = text.slice(name.length);
  switch (name) {
    case "weight=": {
      into.weight = parseNumber(value) || 1;
      return parseNumber(value) ? null : invalid;
    }
    case "max_conns=":
      into.maxConnections = parseNumber(value) ?? 0;
      return parseNumber(value) === undefined ? invalid : null;
    case "max_fails=":
      into.maxFails = parseNumber(value) ?? 1;
      return parseNumber(value) === undefined ? invalid : null;
    case "fail_timeout=":
      into.failTimeoutMs = (parseSeconds(value) ?? 10) * 1000;
      return parseSeconds(value) === undefined ? invalid : null;
    case "route=":
      into.route = value;
      if (value === "") return "route is empty";
      return value.length > ROUTE_LENGTH_MAX ? `route is longer than ${ROUTE_LENGTH_MAX}` : null;
    case "service=":
      into.service = value;
      return value === "" ? "service is empty" : null;
    case "backup":
      into.backup = backupAllowed;
      return backupAllowed ? null : `balancing method does not support parameter "${text}"`;
    case "down":
    case "drain":
      into.down = name === "down";
      into.drain = name === "drain";
      return null;
    case "resolve":
      into.resolve = true;
      return null;
    default:
      return invalid;
  }
}
