// What holds where neither a goodgate.yaml nor an nginx.conf says otherwise, and is the same in both: fields of proxied
// requests and responses, the log format that is always there, what a gateway goes by before it knows the server.
import type { Address, Config } from "./config.ts";
import type { ObservabilityConfig } from "./observability.ts";
import type { LogFormatConfig, ProxyRequestRules, ProxyResponseRules, ServerConfig } from "./servers.ts";

type Fields = ProxyRequestRules["setHeaders"];

const DAY_MS = 86_400_000;
const MIB = 1_048_576;

/** What is kept and told where nothing says otherwise. */
export const STANDARD_OBSERVABILITY: ObservabilityConfig = {
  console: { tls: null, hosts: [], tokenFile: null, readTokenFile: null, readOnly: false },
  data: null,
  store: { target: { kind: "sqlite" }, forMs: 30 * DAY_MS, bytes: 512 * MIB },
  webhooks: [],
  traces: null,
};

/** Fields of the client that do not go out; connections to upstreams are kept, so that none is set. */
export const TAKEN_AWAY: readonly string[] = [
  "Connection",
  "Proxy-Connection",
  "TE",
  "Keep-Alive",
  "Expect",
  "Upgrade",
];

/** A response that is kept has to be whole, and is asked for by what the cache has. */
const CACHED_FIELDS: Fields = [
  { name: "If-Modified-Since", value: "{$upstream_cache_last_modified}" },
  { name: "If-Unmodified-Since", value: "" },
  { name: "If-None-Match", value: "{$upstream_cache_etag}" },
  { name: "If-Match", value: "" },
  { name: "Range", value: "" },
  { name: "If-Range", value: "" },
];

/** Fields of a proxied request: the given ones, and behind them the standard ones that none of them names. */
export function proxiedFields(given: Fields): Pick<ProxyRequestRules, "setHeaders" | "setHeadersCached"> {
  const names = new Set(given.map(({ name }) => name.toLowerCase()));
  const isMissing = ({ name }: Fields[number]): boolean => !names.has(name.toLowerCase());
  const setHeaders = [...given, ...TAKEN_AWAY.map((name) => ({ name, value: "" })).filter(isMissing)];
  return { setHeaders, setHeadersCached: [...setHeaders, ...CACHED_FIELDS.filter(isMissing)] };
}

/** Fields of responses that only a gateway itself is meant by; lower case. */
export const HIDDEN: readonly string[] = [
  ...["date", "server", "x-pad"],
  ...["x-accel-expires", "x-accel-redirect", "x-accel-limit-rate", "x-accel-buffering", "x-accel-charset"],
];

/** Fields of a proxied response that clients do not get. */
export function hiddenFields({ hide, pass }: Pick<ProxyResponseRules, "hide" | "pass">): readonly string[] {
  return [...new Set([...HIDDEN, ...hide])].filter((name) => !pass.includes(name));
}

/** The format of a log that names none. */
export const COMBINED: LogFormatConfig = {
  name: "combined",
  escape: "default",
  text:
    '{$remote_addr} - {$remote_user} [{$time_local}] "{$request}" {$status} {$body_bytes_sent} ' +
    '"{$http_referer}" "{$http_user_agent}"',
};

/** What a gateway goes by before it knows the server, and where the routes of a file would say it. */
export function clientOf(first: ServerConfig | undefined): Config["client"] {
  const { count, bytes } = first?.head.largeBuffers ?? { count: 4, bytes: 8192 };
  const request = first?.settings.request;
  return {
    timeouts: {
      headMs: first?.head.timeoutMs ?? 60_000,
      bodyMs: request?.bodyTimeoutMs ?? 60_000,
      sendMs: request?.sendTimeoutMs ?? 60_000,
      idleMs: request?.keepAliveMs ?? 75_000,
    },
    limits: { lineBytes: bytes, headBytes: bytes * count, fields: first?.head.fieldsMax ?? 1000, bodyBytes: 0 },
  };
}

/** Whether connections to one address come to the socket of the other, which listens on all addresses. */
export function covers(wide: Address, narrow: Address): boolean {
  if (wide.kind !== "tcp" || narrow.kind !== "tcp" || wide.port !== narrow.port || wide.host === narrow.host)
    return false;
  return wide.host === (narrow.host.includes(":") ? "::" : "0.0.0.0") || wide.host === "";
}
