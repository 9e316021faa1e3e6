// Directives that nginx open source does not have (any more): what was removed and what took its place, and those of
// modules and products that people add to it. nginx says "unknown directive" to them; we say where they come from.

/** Removed: what to write instead. */
const REMOVED: ReadonlyMap<string, string> = new Map([
  ["ssl", 'it was removed in nginx 1.25.1: write "listen 443 ssl;"'],
  ["limit_zone", "it was removed in nginx 1.7.6: write limit_conn_zone"],
  ["spdy_headers_comp", "SPDY was removed in nginx 1.9.5"],
  ["spdy_chunk_size", "SPDY was removed in nginx 1.9.5"],
  ["proxy_downstream_buffer", "it was removed from stream: write proxy_buffer_size"],
  ["proxy_upstream_buffer", "it was removed from stream: write proxy_buffer_size"],
]);

const OF_MODULES: readonly (readonly [pattern: RegExp, from: string])[] = [
  [/_by_lua(?:_block|_file)?$|^lua_|^set_by_lua/, "the Lua module (OpenResty)"],
  [/^js_/, "the JavaScript module (njs)"],
  [
    /^more_(?:set|clear)_(?:input_)?headers$/,
    "the headers-more module (add_header, proxy_set_header and proxy_hide_header do most of it)",
  ],
  [/^brotli/, "the Brotli module (gzip works)"],
  [/^zstd/, "the Zstandard module (gzip works)"],
  [/^modsecurity|^SecRule/i, "ModSecurity"],
  [/^geoip2/, "the GeoIP2 module (geo works)"],
  [/^echo(?:_|$)/, "the echo module (return does most of it)"],
  [/^vhost_traffic_status/, "the VTS module"],
  [/^passenger/, "Phusion Passenger"],
  [/^rtmp|^hls(?:_|$)|^dash(?:_|$)/, "the RTMP module or NGINX Plus"],
  [/^pagespeed/, "PageSpeed"],
  [/^upload_/, "the upload module"],
  [/^subs_filter|^replace_filter/, "the substitutions module (sub_filter does most of it)"],
  [/^fancyindex/, "the fancyindex module (autoindex works)"],
  [/^dav_ext/, "the DAV-ext module"],
  [/^check(?:_|$)/, "the upstream check module (health checks: see goodgate.yaml)"],
  [/^otel_|^opentracing|^opentelemetry/, "a tracing module"],
  [/^acme_/, "the ACME module"],
  [/^proxy_cache_purge$|^(?:fastcgi|scgi|uwsgi)_cache_purge$/, "NGINX Plus or the cache purge module"],
  [/^auth_(?:jwt|oidc|require|pam|ldap|digest|spnego)/, "NGINX Plus or a module of its own"],
  [
    /^(?:status_zone|status|status_format|api|health_check|match|state|ntlm|queue|keyval|keyval_zone|session_log|session_log_zone|session_log_format|internal_redirect|num_map|zone_sync.*|f4f.*|upstream_conf|mgmt|license_token)$|_(?:allow_upstream|bind_dynamic|request_dynamic)$/,
    "NGINX Plus",
  ],
];

/** Where a directive comes from that nginx does not know; undefined = from nowhere that is known. */
export function originOf(name: string): string | undefined {
  const removed = REMOVED.get(name);
  if (removed !== undefined) return removed;
  const from = OF_MODULES.find(([pattern]) => pattern.test(name))?.[1];
  return from === undefined ? undefined : `it belongs to ${from}, which is not part of nginx, nor of Goodgate`;
}
