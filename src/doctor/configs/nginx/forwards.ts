// Every place where nginx forwards requests, taken apart: the target (a group, an address, or what variables decide),
// the Host and the name in the ClientHello as nginx would send them, and whether certificates are looked at.
// What releases differ in (the HTTP version and reuse of connections by default) is left open unless it is written.

import { sentHeader, valuesOf, variablesIn } from "../../../nginx/advice/proxies.ts";
import { shown } from "../../../nginx/byte-text.ts";
import { argOf, enclosing, flagOf, type Scope } from "../../../nginx/lower/scope.ts";
import { parseUpstreamUrl, type UpstreamUrl } from "../../../nginx/lower/upstream-url.ts";
import type { Directive } from "../../../nginx/tree.ts";
import type { Pool } from "../model.ts";
import { type Forwarder, groupTimers, placeOf } from "./timers.ts";

export interface Forward {
  readonly by: Forwarder;
  readonly scope: Scope;
  readonly directive: Directive;
  readonly scheme: Pool["scheme"];
  /** Behind the scheme, without the URI; as written. */
  readonly authority: string;
  /** "" = none. */
  readonly uri: string;
  readonly hasVariables: boolean;
  readonly url: UpstreamUrl | null;
  readonly group: Scope | null;
  readonly upgrades: boolean;
}

const PASSES: readonly (readonly [name: string, by: Forwarder, scheme: Pool["scheme"]])[] = [
  ["proxy_pass", "proxy", "http"],
  ["fastcgi_pass", "fastcgi", "fastcgi"],
  ["uwsgi_pass", "uwsgi", "uwsgi"],
  ["scgi_pass", "scgi", "tcp"],
  ["grpc_pass", "grpc", "h2c"],
];

/** What a block's own directive forwards to; null = it forwards nothing itself. */
export function forwardOf(scope: Scope, groups: ReadonlyMap<string, Scope>): Forward | null {
  for (const [name, by, plain] of PASSES) {
    const directive = scope.own(name)[0];
    if (directive && argOf(directive) !== "") return taken(scope, directive, by, plain, groups);
  }
  return null;
}

function taken(
  scope: Scope,
  directive: Directive,
  by: Forwarder,
  plain: Pool["scheme"],
  groups: ReadonlyMap<string, Scope>,
): Forward {
  const text = constantOf(scope, argOf(directive));
  const [, word, rest = text] = /^([a-z$][\w{}]*):\/\/(.*)$/is.exec(text) ?? [];
  const isSecure = /^(?:https|grpcs|suwsgi)$/i.test(word ?? "");
  const hasVariables = text.includes("$");
  const parsed = hasVariables ? "" : parseUpstreamUrl(rest, isSecure ? 443 : 80, true);
  const url = typeof parsed === "string" ? null : parsed;
  const slash = rest.startsWith("unix:") ? -1 : rest.search(/[/?]|\$\{?(?:request_uri|uri|document_uri|is_args)\b/);
  const authority = url?.text ?? (slash === -1 ? rest : rest.slice(0, slash));
  return {
    by,
    scope,
    directive,
    scheme: isSecure ? "https" : plain,
    authority,
    uri: url ? url.uri : slash === -1 ? "" : rest.slice(slash),
    hasVariables,
    url,
    group: groups.get(authority.toLowerCase()) ?? null,
    upgrades: by === "proxy" && (sentHeader(scope, "Upgrade") ?? "") !== "",
  };
}

/** The text with variables replaced that can have one value only. */
function constantOf(scope: Scope, text: string): string {
  let result = text;
  for (const name of new Set(variablesIn(text))) {
    const values = valuesOf(scope, name);
    if (values?.length === 1)
      result = result.replace(new RegExp(`\\$(?:${name}(?!\\w)|\\{${name}\\})`, "gi"), () => values[0] ?? "");
  }
  return result;
}

/** The pool that a forward goes to; its name is made unique by whoever collects them. */
export function poolOf(forward: Forward): Pool {
  const { scope, directive, scheme, authority, url, group, by } = forward;
  const own = group ? "group" : "member";
  const tls = scheme === "https";
  return {
    name: shown(authority),
    scheme,
    members: group ? groupMembers(group) : [memberOf(directive, authority, url)],
    host: hostOf(forward, own),
    serverName: tls && flagOf(scope, `${by}_ssl_server_name`, false) ? serverNameOf(forward, own) : null,
    verify: tls ? flagOf(scope, `${by}_ssl_verify`, false) : null,
    caFile: tls ? fileOf(scope, `${by}_ssl_trusted_certificate`) : null,
    httpVersion: by === "grpc" ? "2" : by === "proxy" ? versionOf(scope) : null,
    reuses: reusesOf(forward),
    health: null,
    timers: group ? groupTimers(group) : [],
    at: group?.directive ? placeOf(group.directive) : placeOf(directive),
  };
}

function memberOf(directive: Directive, text: string, url: UpstreamUrl | null): Pool["members"][number] {
  const spot = url && !/[${}]/.test(url.host) ? url.address : null;
  return { text: shown(text), spot, backup: false, down: false, at: placeOf(directive, directive.args[0]) };
}

function groupMembers(group: Scope): Pool["members"] {
  return group.own("server").map((directive) => {
    const words = directive.args.slice(1).map(({ value }) => value);
    const url = parseUpstreamUrl(argOf(directive), 80, false);
    // The ports of a service come from DNS.
    const isPlain = typeof url !== "string" && !words.some((word) => word.startsWith("service="));
    const member = memberOf(directive, argOf(directive), isPlain ? url : null);
    return { ...member, backup: words.includes("backup"), down: words.includes("down") };
  });
}

/** $proxy_host unless a header says otherwise: what stands in proxy_pass, which may be the name of a group. */
function hostOf(forward: Forward, own: "group" | "member"): Pool["host"] {
  const { by, scope, authority } = forward;
  if (by === "fastcgi" || by === "uwsgi" || by === "scgi") return "client";
  const set = by === "grpc" ? grpcHeader(scope, "Host") : sentHeader(scope, "Host");
  const written = set === undefined ? "$proxy_host" : constantOf(scope, set);
  if (/^\$\{?server_name\}?$/i.test(written))
    return { text: shown(argOf(enclosing(scope, "server")?.own("server_name")[0])) };
  if (/^\$\{?(?:host|http_host)\}?(?::\$\{?(?:server_port|http_x_forwarded_port)\}?)?$/i.test(written)) return "client";
  if (!/^\$\{?proxy_host\}?$/i.test(written)) return { text: shown(written) };
  return own === "group" ? { text: shown(authority) } : "member";
}

function serverNameOf({ by, scope, authority }: Forward, own: "group" | "member"): Pool["serverName"] {
  const set = scope.last(`${by}_ssl_name`);
  const written = set ? constantOf(scope, argOf(set)) : "$proxy_host";
  if (/^\$\{?(?:host|http_host|ssl_server_name)\}?$/i.test(written)) return "client";
  if (!/^\$\{?proxy_host\}?$/i.test(written)) return { text: shown(written) };
  return own === "group" ? { text: shown(authority).replace(/:\d+$/, "") } : "member";
}

function grpcHeader(scope: Scope, name: string): string | undefined {
  const found = scope.all("grpc_set_header").filter((each) => argOf(each).toLowerCase() === name.toLowerCase());
  const last = found.at(-1);
  return last ? argOf(last, 1) : undefined;
}

function versionOf(scope: Scope): Pool["httpVersion"] {
  const text = argOf(scope.last("proxy_http_version"));
  return text === "1.0" || text === "1.1" || text === "2" ? text : null;
}

/** Only where it is plain in every release: what is written, not what is default. */
function reusesOf({ by, scope, group }: Forward): boolean {
  const keepalive = group?.own("keepalive")[0];
  if (!keepalive || argOf(keepalive) === "0") return false;
  if (by === "grpc") return true;
  if (by === "fastcgi") return flagOf(scope, "fastcgi_keep_conn", false);
  const connection = sentHeader(scope, "Connection");
  const version = versionOf(scope);
  return (
    by === "proxy" && (version === "1.1" || version === "2") && connection !== undefined && !/close/i.test(connection)
  );
}

function fileOf(scope: Scope, name: string): string | null {
  const file = argOf(scope.last(name));
  return file === "" || file.includes("$") ? null : shown(file);
}
