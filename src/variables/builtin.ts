// The variables that are always there: one table from names to functions, and the families, which make a function of
// whatever follows their prefix.
import type { VariableFamily } from "../config/variable-names.ts";
import { familyOf } from "../config/variable-names.ts";
import { CONNECTION_VARIABLES } from "./connection.ts";
import { argumentOf } from "./parameters.ts";
import { REQUEST_VARIABLES } from "./request.ts";
import { RESPONSE_VARIABLES } from "./response.ts";
import type { Variable } from "./subject.ts";
import type { ProcessFacts } from "./time.ts";
import { timeVariables } from "./time.ts";
import { TLS_VARIABLES } from "./tls.ts";
import { UPSTREAM_VARIABLES } from "./upstream.ts";

/** All variables that need no configuration, by name. */
export function builtinVariables(facts: ProcessFacts): ReadonlyMap<string, Variable> {
  return new Map(
    Object.entries({
      ...REQUEST_VARIABLES,
      ...CONNECTION_VARIABLES,
      ...RESPONSE_VARIABLES,
      ...UPSTREAM_VARIABLES,
      ...timeVariables(facts),
      ...TLS_VARIABLES,
    }),
  );
}

/** A member of a family ("http_x_real_ip"); undefined = the name belongs to none. */
export function familyMember(name: string): Variable | undefined {
  const family = familyOf(name);
  return family === undefined ? undefined : FAMILIES[family](name.slice(family.length));
}

const FAMILIES: Readonly<Record<VariableFamily, (rest: string) => Variable>> = {
  arg_: (rest) => (of) => (of.args && rest !== "" ? argumentOf(of.args, rest) : undefined),
  cookie_: (rest) => (of) => of.cookie(rest),
  http_: (rest) => byField(rest, (name) => (of) => of.header(name)),
  proxy_protocol_tlv_: (rest) => (of) => of.proxyProtocol?.tlv(rest),
  sent_http_: (rest) => byField(rest, (name) => (of) => of.sentHeader(name)),
  sent_trailer_: (rest) => byField(rest, (name) => (of) => of.sentTrailer(name)),
  upstream_cookie_: (rest) => (of) => of.upstreamCookie(rest),
  upstream_http_: (rest) => byField(rest, (name) => (of) => of.upstreamHeader(name)),
  upstream_trailer_: (rest) => byField(rest, (name) => (of) => of.upstreamTrailer(name)),
};

/** A "_" of the name is a "-" of the field; where a field really has "_", it is found second. */
function byField(rest: string, read: (field: string) => Variable): Variable {
  const usual = read(rest.replaceAll("_", "-"));
  if (!rest.includes("_")) return usual;
  const literal = read(rest);
  return (of) => usual(of) ?? literal(of);
}
