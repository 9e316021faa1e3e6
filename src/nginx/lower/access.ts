// Who may: allow and deny, auth_basic, auth_request, and what the address of a client and its referer go by.
import type { AccessConfig, RealIpConfig, ReferersConfig, SecureLinkConfig } from "../../config/servers.ts";
import type { Directive } from "../tree.ts";
import { parseCidr } from "./cidr.ts";
import { confPath, type Lowering } from "./lowering.ts";
import { hostName, nameKeys } from "./names.ts";
import { patternOf } from "./patterns.ts";
import { argOf, enclosing, flagOf, msOf, oneOf, outwards, type Scope } from "./scope.ts";
import { textOf } from "./text.ts";
import { definedName } from "./variables.ts";

/** What a request has to pass. */
export function accessOf(scope: Scope, lowering: Lowering): AccessConfig {
  return {
    satisfy: oneOf(scope, "satisfy", ["all", "any"], "all"),
    rules: rulesOf(scope),
    basic: basicOf(scope, lowering),
    request: requestOf(scope),
    requestSets: scope.all("auth_request_set").flatMap((directive) => {
      const variable = definedName(scope, directive, 0, "not-found");
      const value = textOf(scope, directive, argOf(directive, 1));
      return variable === null ? [] : [{ variable, value }];
    }),
    delayMs: msOf(scope, "auth_delay", 0),
    secureLink: secureLinkOf(scope),
  };
}

/** Links with a hash: of a text, or of a secret before the path. The nearer of the two holds. */
function secureLinkOf(scope: Scope): SecureLinkConfig | null {
  for (const at of outwards(scope)) {
    const [secret] = at.own("secure_link_secret");
    const isText = [...at.own("secure_link"), ...at.own("secure_link_md5")].length > 0;
    if (secret && isText) {
      const text = '"secure_link_secret" cannot be mixed with "secure_link" and "secure_link_md5"';
      // nginx notices at the end of the http block.
      const end = enclosing(scope, "http")?.directive;
      const noticedAt = end?.source === secret.source ? end.block?.closedAt : null;
      scope.problems.complain(secret, text, undefined, noticedAt ? { noticedAt } : {});
    }
    if (secret) return { kind: "secret", secret: argOf(secret) };
    if (isText) break;
  }
  const [link, md5] = [scope.last("secure_link"), scope.last("secure_link_md5")];
  if (!link || !md5) return null;
  return { kind: "md5", link: textOf(scope, link, argOf(link)), md5: textOf(scope, md5, argOf(md5)) };
}

/** allow and deny are one list: a block with either has none of those around it. */
function rulesOf(scope: Scope): AccessConfig["rules"] {
  for (const at of outwards(scope)) {
    // By name first: every location would walk through all the servers of its http block.
    if (at.own("allow").length + at.own("deny").length === 0) continue;
    const own = at.directives.filter(({ name }) => name === "allow" || name === "deny");
    return own.flatMap((directive) => ruleOf(scope, directive) ?? []);
  }
  return [];
}

function ruleOf(scope: Scope, directive: Directive): AccessConfig["rules"][number] | null {
  const from = argOf(directive);
  const allow = directive.name === "allow";
  if (from === "all" || from === "unix:") return { allow, from };
  const block = blockOf(scope, directive);
  if (block === undefined) scope.problems.complain(directive, `invalid parameter "${from}"`, directive.args[0]);
  return block === undefined ? null : { allow, from: block };
}

function blockOf({ problems }: Scope, directive: Directive): string | undefined {
  const text = argOf(directive);
  const cidr = parseCidr(text);
  if (cidr?.hadLowBits) {
    const facts = { severity: "warning" } as const;
    problems.complain(directive, `low address bits of ${text} are meaningless`, directive.args[0], facts);
  }
  return cidr?.text;
}

function basicOf(scope: Scope, { options }: Lowering): AccessConfig["basic"] {
  const [realm, file] = [scope.last("auth_basic"), scope.last("auth_basic_user_file")];
  if (!realm || !file) return null;
  const path = argOf(file);
  const isLate = path.startsWith("$");
  const text = {
    realm: textOf(scope, realm, argOf(realm)),
    file: textOf(scope, file, isLate ? path : confPath(options, path)),
    folder: isLate ? options.confDir : "",
  };
  return argOf(realm) === "off" ? null : text;
}

function requestOf(scope: Scope): AccessConfig["request"] {
  const uri = argOf(scope.last("auth_request"));
  return uri === "" || uri === "off" ? null : { uri };
}

/** Whose word on the client's address is believed; null = nobody's. */
export function realIpOf(scope: Scope): RealIpConfig | null {
  const from = scope.all("set_real_ip_from");
  if (from.length === 0) return null;
  return {
    // A host name is resolved at load.
    from: from.map((directive) => blockOf(scope, directive) ?? argOf(directive)),
    header: (argOf(scope.last("real_ip_header")) || "X-Real-IP").toLowerCase(),
    recursive: flagOf(scope, "real_ip_recursive", false),
  };
}

/** What referers are valid; null = nothing is said. */
export function referersOf(scope: Scope): ReferersConfig | null {
  const directives = scope.all("valid_referers");
  if (directives.length === 0) return null;
  const { problems } = scope;
  const seen = new Set<string>();
  const result = { none: false, blocked: false, names: [], uris: [], patterns: [] } as Mutable<ReferersConfig>;
  for (const directive of directives)
    for (const arg of directive.args) {
      const { value } = arg;
      const [name, uri] = splitUri(value);
      if (value === "") problems.complain(directive, 'invalid referer ""', arg);
      else if (value === "none") result.none = true;
      else if (value === "blocked") result.blocked = true;
      else if (value === "server_names") addServerNames(scope, result);
      else if (value === "~") problems.complain(directive, 'empty regex in "~"', arg);
      else if (value.startsWith("~")) result.patterns.push(patternOf(scope, directive, value.slice(1), true, arg));
      else {
        const host = hostName(name);
        const keys = host ? nameKeys(host) : [];
        if (keys.some((key) => seen.has(key)))
          problems.complain(directive, `conflicting parameter "${name.toLowerCase()}"`, arg);
        for (const key of keys) seen.add(key);
        if (!host) problems.complain(directive, `invalid hostname or wildcard "${name}"`, arg);
        else if (uri === "") result.names.push(host);
        else result.uris.push({ name: name.toLowerCase(), uri });
      }
    }
  return result;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };

function splitUri(text: string): readonly [string, string] {
  const slash = text.indexOf("/");
  return slash === -1 ? [text, ""] : [text.slice(0, slash), text.slice(slash)];
}

/** Patterns among them are asked about the host only. */
function addServerNames(scope: Scope, { names }: Mutable<ReferersConfig>): void {
  const server = enclosing(scope, "server");
  for (const directive of server?.own("server_name") ?? [])
    for (const { value } of directive.args) {
      const name = value.startsWith("~") ? undefined : hostName(value);
      if (name) names.push(name);
      else if (value.startsWith("~"))
        names.push({ kind: "pattern", source: value.slice(1), ignoreCase: /[A-Z]/.test(value) });
    }
}
