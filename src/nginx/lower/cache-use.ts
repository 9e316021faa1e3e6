// What a location keeps and gives from a cache: proxy_cache and its companions. GET and HEAD are always kept; each
// value is that of the nearest block that has one.
import type { CacheUseConfig, RetryCondition } from "../../config/servers.ts";
import type { Directive } from "../tree.ts";
import { parseNumber, parseSeconds } from "../units.ts";
import type { Lowering } from "./lowering.ts";
import { atEndOf } from "./proxy-late.ts";
import { argOf, argsOf, bytesOf, flagOf, msOf, numberOf, type Scope } from "./scope.ts";
import { hasVariables, textOf } from "./text.ts";

/** null = nothing is kept. */
export function cacheUseOf(scope: Scope, lowering: Lowering): CacheUseConfig | null {
  const directive = cacheDirective(scope);
  // All of it is read where nothing is kept, too: nginx complains of it.
  const valid = scope.all("proxy_cache_valid").flatMap((each) => validOf(scope, each));
  const bypass = predicates(scope, "proxy_cache_bypass");
  const noCache = predicates(scope, "proxy_no_cache");
  const keyDirective = scope.last("proxy_cache_key");
  const key = keyDirective ? textOf(scope, keyDirective, keyDirective.args[0]!) : "";
  if (!directive || argOf(directive) === "off") return null;
  checkZone(scope, directive, lowering);
  const lock = flagOf(scope, "proxy_cache_lock", false);
  const stale = scope.all("proxy_cache_use_stale").flatMap((each) => argsOf(each).map((word) => word.toLowerCase()));
  return {
    cache: textOf(scope, directive, directive.args[0]!),
    key,
    valid,
    bypass,
    noCache,
    minUses: numberOf(scope, "proxy_cache_min_uses", 1),
    methods: methodsOf(scope),
    useStale: stale.includes("off") ? [] : ([...new Set(stale)] as RetryCondition[]),
    backgroundUpdate: flagOf(scope, "proxy_cache_background_update", false),
    revalidate: flagOf(scope, "proxy_cache_revalidate", false),
    lock: lock
      ? {
          timeoutMs: msOf(scope, "proxy_cache_lock_timeout", 5000),
          ageMs: msOf(scope, "proxy_cache_lock_age", 5000),
        }
      : null,
    convertHead: flagOf(scope, "proxy_cache_convert_head", true),
    maxRangeOffset: bytesOf(scope, "proxy_cache_max_range_offset", -1),
  };
}

/** proxy_store of a nearer block turns an inherited cache off. */
function cacheDirective(scope: Scope): Directive | undefined {
  for (let at: Scope | null = scope; at; at = at.parent) {
    const [own] = at.own("proxy_cache");
    if (own) return own;
    const [store] = at.own("proxy_store");
    if (store && argOf(store) !== "off") return undefined;
  }
  return undefined;
}

function checkZone(scope: Scope, directive: Directive, { caches, http }: Lowering): void {
  const name = argOf(directive);
  if (hasVariables(name) || caches.some((cache) => cache.name === name)) return;
  const hint = `add "proxy_cache_path /var/cache/nginx keys_zone=${name}:10m;" to http`;
  const facts = { ...atEndOf(http, directive), hint };
  // http by itself is nobody's, and then it is a zone that nobody has made.
  if (scope.kind === "http") {
    const text = `zero size shared memory zone "${name}"`;
    scope.problems.complain(directive, text, directive.args[0], { ...facts, placeless: true });
  } else scope.problems.complain(directive, `"proxy_cache" zone "${name}" is unknown`, directive.args[0], facts);
}

function predicates(scope: Scope, name: string): string[] {
  return scope.all(name).flatMap((directive) => directive.args.map((arg) => textOf(scope, directive, arg)));
}

/** Without statuses they are these. */
const USUALLY_VALID = [200, 301, 302];

function validOf(scope: Scope, directive: Directive): CacheUseConfig["valid"] {
  const time = directive.args.at(-1)!;
  const seconds = parseSeconds(time.value);
  if (seconds === undefined) scope.problems.complain(directive, `invalid time value "${time.value}"`, time);
  const ms = (seconds ?? 0) * 1000;
  if (directive.args.length === 1) return [{ statuses: USUALLY_VALID, ms }];
  const valid: { statuses: number[] | "any"; ms: number }[] = [];
  for (const arg of directive.args.slice(0, -1)) {
    const status = parseNumber(arg.value);
    if (arg.value === "any") valid.push({ statuses: "any", ms });
    else if (status !== undefined && status >= 100 && status <= 599) valid.push({ statuses: [status], ms });
    else scope.problems.complain(directive, `invalid status "${arg.value}"`, arg);
  }
  return valid;
}

function methodsOf(scope: Scope): string[] {
  const given = scope.all("proxy_cache_methods").flatMap((each) => argsOf(each).map((word) => word.toUpperCase()));
  return [...new Set(["GET", "HEAD", ...given])];
}
