// What a location says of its cache, compiled once at load.
import type { CacheUseConfig, LocationSettings } from "../../config/servers.ts";
import type { CompiledText } from "../../variables/subject.ts";
import type { Compiler } from "./compiler.ts";
import { type SetHeaders, setHeadersOf } from "./proxied-request.ts";

export interface CachePlan {
  readonly config: CacheUseConfig;
  /** The cache's name; "" and "off" = none. */
  readonly name: CompiledText;
  /** null = the URL that the upstream is asked for. */
  readonly key: CompiledText | null;
  readonly bypass: readonly CompiledText[];
  readonly noCache: readonly CompiledText[];
  readonly methods: ReadonlySet<string>;
  readonly useStale: ReadonlySet<string>;
  /** What the upstream is asked with where its response may be kept. */
  readonly setHeaders: SetHeaders;
}

/** null = the location keeps nothing. */
export function compileCache({ cache, content }: LocationSettings, compiler: Compiler): CachePlan | null {
  if (cache === null || content.kind !== "proxy") return null;
  const text = (value: string): CompiledText => compiler.text(value);
  return {
    config: cache,
    name: text(cache.cache),
    key: cache.key === "" ? null : text(cache.key),
    bypass: cache.bypass.map(text),
    noCache: cache.noCache.map(text),
    methods: new Set(cache.methods),
    useStale: new Set(cache.useStale),
    setHeaders: setHeadersOf(
      content.request.setHeadersCached.map(({ name, value }) => ({
        name,
        lowerName: name.toLowerCase(),
        value: text(value),
      })),
    ),
  };
}
