// Everything in an httpd.conf that forwards: ProxyPass and ProxyPassMatch (in a server, or in a <Location>), RewriteRule
// with [P], and handlers "proxy:…". In the order in which Apache tries them: rewriting before ProxyPass, of several
// ProxyPass the first that fits.
import type { Place } from "../../evidence.ts";
import type { ConfiguredRoute } from "../model.ts";
import type { Directive } from "./parse.ts";
import { named, type Site } from "./sites.ts";

export interface Forward {
  readonly directive: Directive;
  readonly kind: "ProxyPass" | "ProxyPassMatch" | "RewriteRule" | "SetHandler";
  readonly path: ConfiguredRoute["path"];
  /** null = "!": it is not forwarded. */
  readonly target: Target | null;
  /** Parameters, names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
  /** Outermost first, with that of its <Location>. */
  readonly scopes: readonly (readonly Directive[])[];
  readonly at: Place;
}

export interface Target {
  readonly text: string;
  /** "http", "https", "balancer", "fcgi", "ws" …, lower case. */
  readonly scheme: string;
  /** "127.0.0.1:3000", the name of a balancer. */
  readonly authority: string;
  /** From the slash on; "" = none. */
  readonly path: string;
  /** Of "unix:/run/app.sock|http://localhost/". */
  readonly socket: string | null;
}

/** All of a site, those of the main server among them. */
export function forwardsOf(site: Site): Forward[] {
  const { own, scopes } = site;
  const rules = rewriteForwards(own, scopes);
  const passes = scopes.flatMap((scope) => passesIn(scope, scopes));
  const located = scopes.flatMap((scope) => locatedIn(scope, scopes));
  return [...rules, ...passes, ...located];
}

function passesIn(directives: readonly Directive[], scopes: Forward["scopes"]): Forward[] {
  return directives.flatMap((directive) => {
    const kind = passKind(directive);
    const args = directive.args.filter((arg) => !/^(?:interpolate|noquery)$/i.test(arg));
    const [path, url, ...rest] = args;
    if (!kind || path === undefined || url === undefined) return [];
    const text = path;
    const isPattern = kind === "ProxyPassMatch";
    return [made(directive, kind, { kind: isPattern ? "pattern" : "prefix", text }, url, rest, scopes)];
  });
}

function passKind({ name }: Directive): "ProxyPass" | "ProxyPassMatch" | null {
  const lower = name.toLowerCase();
  return lower === "proxypass" ? "ProxyPass" : lower === "proxypassmatch" ? "ProxyPassMatch" : null;
}

/** In <Location> the path is that of the section; in <FilesMatch> and <Directory> handlers forward. */
function locatedIn(directives: readonly Directive[], scopes: Forward["scopes"]): Forward[] {
  return directives.flatMap((section): Forward[] => {
    const { inner } = section;
    const path = inner && pathOf(section);
    if (!inner || !path) return [];
    const around = [...scopes, inner];
    const passes = inner.flatMap((directive) => {
      const kind = passKind(directive);
      const [url, ...rest] = directive.args;
      return kind && url !== undefined ? [made(directive, kind, path, url, rest, around)] : [];
    });
    const handlers = named(inner, "SetHandler").flatMap((directive) => {
      const [handler = ""] = directive.args;
      return /^proxy:/i.test(handler) ? [made(directive, "SetHandler", path, handler.slice(6), [], around)] : [];
    });
    const below = section.name.toLowerCase() === "directory" ? locatedIn(inner, around) : [];
    return [...passes, ...rewriteForwards(inner, around), ...handlers, ...below];
  });
}

function pathOf({ name, args }: Directive): ConfiguredRoute["path"] | null {
  const lower = name.toLowerCase();
  const text = args.at(-1) ?? "";
  if (lower === "location" && args[0] !== "~") return { kind: "prefix", text };
  if (lower === "location" || lower === "locationmatch") return { kind: "pattern", text };
  if (lower === "filesmatch") return { kind: "pattern", text };
  if (lower === "files") return { kind: "pattern", text: `${text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$` };
  return lower === "directory" ? { kind: "prefix", text: "/" } : null;
}

/** With a RewriteCond in front of it, what that asks for stands in the path: the pattern alone says too much. */
function rewriteForwards(directives: readonly Directive[], scopes: Forward["scopes"]): Forward[] {
  let conditions: string[] = [];
  return directives.flatMap((directive) => {
    const lower = directive.name.toLowerCase();
    const { args } = directive;
    if (lower === "rewritecond") conditions.push(`RewriteCond ${args.join(" ")}`);
    if (lower !== "rewriterule") return [];
    const [pattern = "", url = "", flags = ""] = args;
    const text = conditions.length === 0 ? pattern : conditions.join(", ");
    conditions = [];
    if (!/^\[(?:.*,)?\s*(?:P|proxy)\s*(?:,.*)?\]$/.test(flags)) return [];
    return [made(directive, "RewriteRule", { kind: "pattern", text }, url, [], scopes)];
  });
}

function made(
  directive: Directive,
  kind: Forward["kind"],
  path: Forward["path"],
  url: string,
  rest: readonly string[],
  scopes: Forward["scopes"],
): Forward {
  return {
    directive,
    kind,
    path,
    target: url === "!" ? null : targetOf(url),
    parameters: parametersOf(rest),
    scopes,
    at: directive.at,
  };
}

/** A URL of mod_proxy taken apart. */
export function targetOf(text: string): Target {
  const [, socket, url = text] = /^unix:([^|]*)\|?(.*)$/i.exec(text) ?? [];
  const [, scheme = "http", whole = "", rest = ""] = /^([a-z][\w+.-]*):\/\/([^/?]*)(.*)$/i.exec(url) ?? [];
  // "localhost:8000%{REQUEST_URI}" and "localhost:8000$1": the path comes from the request, the host does not.
  const [, host, variable = ""] =
    /^([\w.-]+(?::\d+)?|\[[0-9a-f:.]+\](?::\d+)?)(%\{REQUEST_URI\}|\$\d)$/i.exec(whole) ?? [];
  const [authority, path] = host === undefined ? [whole, rest] : [host, variable + rest];
  return { text, scheme: scheme.toLowerCase(), authority, path, socket: socket ?? null };
}

/** "timeout=5 retry=0". */
export function parametersOf(words: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    words.flatMap((word) => {
      const at = word.indexOf("=");
      return at === -1 ? [] : [[word.slice(0, at).toLowerCase(), word.slice(at + 1)] as const];
    }),
  );
}

/** Whether the target depends on the request. */
export function isVariable({ authority, socket }: Target): boolean {
  return /[$%]/.test(socket ?? authority);
}
