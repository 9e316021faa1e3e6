// Whether a page may link here (valid_referers): by the host in Referer, the beginning of its path, or a pattern over
// all behind the scheme. A field without http(s):// was blocked on the way; that may count as valid, as may none.
import { plainName } from "../config/server-name.ts";
import type { ReferersConfig } from "../config/servers.ts";
import { NameTable } from "./name-table.ts";
import type { CompilePattern } from "./pattern.ts";

/** Referer rules, ready to be asked. */
export interface RefererRules {
  readonly none: boolean;
  readonly blocked: boolean;
  readonly isEmpty: boolean;
  /** What the path has to begin with; "" = anything. */
  readonly names: NameTable<string>;
  /** Over the host. */
  readonly hostPatterns: readonly RegExp[];
  /** Over all behind the scheme. */
  readonly patterns: readonly RegExp[];
}

/** Shorter ones name no host of a site: "http://i.ru". */
const LENGTH_MIN = 11;
const HOST_LENGTH_MAX = 256;

/** Compiles referer rules. */
export function compileReferers(config: ReferersConfig, compile: CompilePattern): RefererRules {
  const names = new NameTable<string>();
  const hostPatterns: RegExp[] = [];
  for (const name of config.names) {
    if (name.kind === "pattern") hostPatterns.push(compile(name).regex);
    else names.add(name, "");
  }
  for (const { name, uri } of config.uris) names.add(plainName(name), uri);
  return {
    none: config.none,
    blocked: config.blocked,
    isEmpty: config.names.length + config.uris.length + config.patterns.length === 0,
    names,
    hostPatterns,
    patterns: config.patterns.map((pattern) => compile(pattern).regex),
  };
}

/** Whether a request with this Referer (undefined = without one) is valid. */
export function isValidReferer(rules: RefererRules, referer: string | undefined): boolean {
  if (rules.isEmpty) return true;
  if (referer === undefined) return rules.none;
  const from = referer.length < LENGTH_MIN ? 0 : schemeLength(referer);
  if (from === 0) return rules.blocked;
  const to = endOfHost(referer, from);
  if (to - from > HOST_LENGTH_MAX) return false;
  const host = referer.slice(from, to).toLowerCase();
  const uri = rules.names.find(host);
  if (uri !== undefined) {
    if (uri === "") return true;
    const path = referer.indexOf("/", to);
    return path >= 0 && referer.startsWith(uri, path);
  }
  if (rules.hostPatterns.some((regex) => regex.test(host))) return true;
  if (rules.patterns.length === 0) return false;
  const rest = referer.slice(from);
  return rules.patterns.some((regex) => regex.test(rest));
}

function schemeLength(referer: string): number {
  const scheme = referer.slice(0, 8).toLowerCase();
  return scheme === "https://" ? 8 : scheme.startsWith("http://") ? 7 : 0;
}

/** Where a port or the path begins. */
function endOfHost(referer: string, from: number): number {
  for (let i = from; i < referer.length; i++) {
    const c = referer.charCodeAt(i);
    if (c === 0x2f || c === 0x3a) return i;
  }
  return referer.length;
}
