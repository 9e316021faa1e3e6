// What becomes of a proxied response: buffers, fields that are hidden, where it is stored.
import type { ProxyResponseRules } from "../../config/servers.ts";
import { hiddenFields } from "../../config/standards.ts";
import type { Directive } from "../tree.ts";
import { parseSize } from "../units.ts";
import type { Lowering } from "./lowering.ts";
import { atEndOf } from "./proxy-late.ts";
import { rateOf } from "./proxy-request.ts";
import { cookieRulesOf, redirectsOf } from "./proxy-rewrites.ts";
import { argOf, argsOf, buffersOf, bytesOf, flagOf, type Scope } from "./scope.ts";
import { textOf } from "./text.ts";

/** A page of memory. */
const PAGE_BYTES = 4096;

/** What a location says of responses. */
export function responseRulesOf(scope: Scope, lowering: Lowering): ProxyResponseRules {
  const pass = namesOf(scope, "proxy_pass_header");
  return {
    buffered: flagOf(scope, "proxy_buffering", true),
    ...buffersFor(scope, lowering),
    hide: hiddenFields({ hide: namesOf(scope, "proxy_hide_header"), pass }),
    pass,
    ignore: [
      ...new Set(scope.all("proxy_ignore_headers").flatMap((each) => argsOf(each).map((name) => name.toLowerCase()))),
    ],
    interceptErrors: flagOf(scope, "proxy_intercept_errors", false),
    passTrailers: flagOf(scope, "proxy_pass_trailers", false),
    redirects: redirectsOf(scope, lowering),
    ...cookieRulesOf(scope),
    limitRate: rateOf(scope, "proxy_limit_rate", parseSize),
    forceRanges: flagOf(scope, "proxy_force_ranges", false),
    store: storeOf(scope),
  };
}

function namesOf(scope: Scope, name: string): string[] {
  return scope.all(name).map((directive) => argOf(directive).toLowerCase());
}

function buffersFor(
  scope: Scope,
  { http }: Lowering,
): Pick<ProxyResponseRules, "headBytes" | "bufferBytes" | "tempFileBytesMax"> {
  const headBytes = bytesOf(scope, "proxy_buffer_size", PAGE_BYTES);
  const buffers = buffersOf(scope, "proxy_buffers", { count: 8, bytes: PAGE_BYTES });
  const largest = Math.max(headBytes, buffers.bytes);
  const all = buffers.count * buffers.bytes;
  const busy = bytesOf(scope, "proxy_busy_buffers_size", 2 * largest);
  const written = bytesOf(scope, "proxy_temp_file_write_size", 2 * largest);
  const tempFileBytesMax = bytesOf(scope, "proxy_max_temp_file_size", 1024 ** 3);
  const complain = (text: string, ...names: readonly string[]): void => {
    const directive = names.map((name) => scope.last(name)).find((each) => each !== undefined);
    // http by itself is nobody's: its servers may say more.
    if (directive && scope.kind !== "http")
      scope.problems.complain(directive, text, undefined, atEndOf(http, directive));
  };
  const AT_LEAST = 'the maximum of the value of "proxy_buffer_size" and one of the "proxy_buffers"';
  const sizes = ["proxy_buffer_size", "proxy_buffers"];
  if (buffers.count < 2) complain('there must be at least 2 "proxy_buffers"', "proxy_buffers");
  else if (busy < largest)
    complain(`"proxy_busy_buffers_size" must be equal to or greater than ${AT_LEAST}`, "proxy_busy_buffers_size");
  else if (busy > all - buffers.bytes) {
    const text = '"proxy_busy_buffers_size" must be less than the size of all "proxy_buffers" minus one buffer';
    complain(text, "proxy_busy_buffers_size", ...sizes);
  } else if (written < largest)
    complain(`"proxy_temp_file_write_size" must be equal to or greater than ${AT_LEAST}`, "proxy_temp_file_write_size");
  else if (tempFileBytesMax !== 0 && tempFileBytesMax < largest) {
    const text = `"proxy_max_temp_file_size" must be equal to zero to disable temporary files usage or must be equal to or greater than ${AT_LEAST}`;
    complain(text, "proxy_max_temp_file_size", ...sizes);
  }
  return { headBytes, bufferBytes: all, tempFileBytesMax };
}

/** A cache of a nearer block turns it off. */
function storeOf(scope: Scope): ProxyResponseRules["store"] {
  const mode = modeOf(scope);
  for (let at: Scope | null = scope; at; at = at.parent) {
    const [store] = at.own("proxy_store");
    const [cache] = at.own("proxy_cache");
    const cached = cache !== undefined && argOf(cache) !== "off";
    if (!store && cached) return null;
    if (!store) continue;
    const path = store.args[0]!;
    if (path.value === "off") return null;
    if (path.value === "") at.problems.complain(store, "empty path", path);
    if (cached) complainBoth(at, store, cache);
    return { path: path.value === "on" ? "{$request_filename}" : textOf(at, store, path), mode };
  }
  return null;
}

function complainBoth({ problems }: Scope, store: Directive, cache: Directive): void {
  const isStoreLater = store.source !== cache.source || store.span.start > cache.span.start;
  const [later, other] = isStoreLater ? [store, cache] : [cache, store];
  problems.complain(later, `"${later.name}" directive is incompatible with "${other.name}"`);
}

const SHIFTS: Readonly<Record<string, number>> = { user: 6, group: 3, all: 0 };

function modeOf(scope: Scope): number {
  const directive = scope.last("proxy_store_access");
  let mode = 0;
  let user = 0o600;
  for (const arg of directive?.args ?? []) {
    const [, who, right] = /^(user|group|all):(rw?)$/.exec(arg.value) ?? [];
    if (who === undefined) scope.problems.complain(directive!, `invalid value "${arg.value}"`, arg);
    else mode |= (right === "rw" ? 6 : 4) << SHIFTS[who]!;
    if (who === "user") user = 0;
  }
  return mode | user;
}
