// `proxy_cache_path`: where responses are kept, and the zone that is the cache's name.
import type { CacheConfig } from "../../config/servers.ts";
import type { Arg, Directive } from "../tree.ts";
import { parseNumber, parseOffset, parseSeconds, parseSize, parseTime } from "../units.ts";
import { type Lowering, prefixPath } from "./lowering.ts";
import { argOf } from "./scope.ts";

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Reads all of them; they get into `lowering.caches`. */
export function readCaches(lowering: Lowering): void {
  const { http, caches } = lowering;
  for (const directive of http.own("proxy_cache_path")) {
    const cache = cacheOf(directive, lowering);
    if (caches.some(({ name }) => name === cache.name))
      http.problems.complain(directive, `duplicate zone "${cache.name}"`);
    else if (cache.name === "")
      http.problems.complain(directive, `"${directive.name}" must have "keys_zone" parameter`);
    else caches.push(cache);
  }
}

function cacheOf(directive: Directive, lowering: Lowering): CacheConfig {
  const cache: Mutable<CacheConfig> = {
    name: "",
    path: prefixPath(lowering.options, argOf(directive)).replace(/(?<=.)\/$/, ""),
    levels: [],
    useTempPath: true,
    keysBytes: 0,
    inactiveMs: 600_000,
    maxBytes: 0,
    minFreeBytes: 0,
  };
  for (const arg of directive.args.slice(1)) {
    const refusal = readParameter(cache, arg);
    if (refusal !== null) lowering.http.problems.complain(directive, refusal, arg);
  }
  return cache;
}

const PAGE_BYTES = 4096;
const MANAGER = { files: 100, pauseMs: 50 };

/** What nginx says of a parameter; null = it is right, and taken over. */
function readParameter(cache: Mutable<CacheConfig>, { value: text }: Arg): string | null {
  const equals = text.indexOf("=");
  const name = text.slice(0, equals);
  const value = text.slice(equals + 1);
  switch (name) {
    case "levels": {
      if (!/^[12](?::[12]){0,2}$/.test(value)) return `invalid "levels" "${text}"`;
      cache.levels = value.split(":").map(Number);
      return null;
    }
    case "use_temp_path": {
      cache.useTempPath = value !== "off";
      return value === "on" || value === "off"
        ? null
        : `invalid use_temp_path value "${text}", it must be "on" or "off"`;
    }
    case "keys_zone": {
      const colon = value.indexOf(":");
      const bytes = colon === -1 ? undefined : parseSize(value.slice(colon + 1));
      if (bytes === undefined) return `invalid keys zone size "${text}"`;
      cache.name = value.slice(0, colon);
      cache.keysBytes = bytes;
      return bytes < 2 * PAGE_BYTES ? `keys zone "${text}" is too small` : null;
    }
    case "inactive": {
      const seconds = parseSeconds(value);
      cache.inactiveMs = (seconds ?? 600) * 1000;
      return seconds === undefined ? `invalid inactive value "${text}"` : null;
    }
    case "max_size":
    case "min_free": {
      const bytes = parseOffset(value);
      // To nginx a size of 0 is one that everything is above.
      cache[name === "max_size" ? "maxBytes" : "minFreeBytes"] = bytes === 0 && name === "max_size" ? 1 : (bytes ?? 0);
      return bytes === undefined ? `invalid ${name} value "${text}"` : null;
    }
    // How fast nginx reads the folder at start: here it is read file by file while requests are served.
    case "loader_files":
      return parseNumber(value) === undefined ? `invalid ${name} value "${text}"` : null;
    case "manager_files": {
      const files = parseNumber(value);
      cache.manager = { ...(cache.manager ?? MANAGER), files: files ?? MANAGER.files };
      return files === undefined ? `invalid ${name} value "${text}"` : null;
    }
    case "manager_sleep": {
      const pauseMs = parseTime(value);
      cache.manager = { ...(cache.manager ?? MANAGER), pauseMs: pauseMs ?? MANAGER.pauseMs };
      return pauseMs === undefined ? `invalid ${name} value "${text}"` : null;
    }
    case "loader_sleep":
    case "loader_threshold":
    case "manager_threshold":
      return parseTime(value) === undefined ? `invalid ${name} value "${text}"` : null;
    default:
      return `invalid parameter "${text}"`;
  }
}
