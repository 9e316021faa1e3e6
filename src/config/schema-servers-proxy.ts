// Proxying of a block. What is null in the file's model follows from the rest (complete-servers-proxy.ts): deadlines
// from the upstream, the name of the host and the rule for redirects from where the requests go.
import type { UpstreamTls } from "./config.ts";
import {
  bytes,
  count,
  duration,
  type Form,
  file,
  fileText,
  flag,
  list,
  mapped,
  nameOf,
  orNothing,
  orOff,
  orShort,
  pairs,
  plain,
  size,
  text,
  textOrPattern,
  words,
} from "./forms.ts";
import { groupPart, part, record } from "./forms-record.ts";
import { httpMinor } from "./schema-shared.ts";
import { upstreamTlsExtra } from "./schema-upstream-extra.ts";
import type {
  CacheUseConfig,
  HostsByText,
  ProxyRedirectRule,
  ProxyRequestRules,
  ProxyResponseRules,
  ProxyRetryRules,
  RetryCondition,
  Text,
} from "./servers.ts";

/** All of it, for a URL that is made per request. */
const upstreamTls = record<UpstreamTls>({
  verify: part("verify", flag, "Whether the certificate's chain and name are verified.", true),
  ca: part("ca", orNothing(file), "PEM file of the CAs that are trusted instead of the system's.", null),
  serverName: part(
    "server-name",
    orNothing(plain),
    "Name that is sent as SNI and verified. Default: the host of the URL.",
    null,
  ),
  cert: part("cert", orNothing(file), "PEM file of a client certificate.", null),
  key: part("key", orNothing(file), "PEM file of its key.", null),
  minVersion: part("min-version", words("TLSv1.2", "TLSv1.3"), "Oldest TLS version.", "TLSv1.2"),
  ...upstreamTlsExtra.parts,
});

/** A deadline that is the upstream's where it is null. */
const deadline = orNothing(duration);

export interface FileTimeouts {
  readonly connectMs: number | null;
  readonly tlsMs: number | null;
  readonly sendMs: number | null;
  readonly headMs: number | null;
  readonly idleBodyMs: number | null;
  readonly tunnelIdleMs: number | null;
}

const timeouts = record<FileTimeouts>({
  connectMs: part("connect", deadline, "To connect. Default: the upstream's.", null),
  tlsMs: part("tls", deadline, "For the TLS handshake. Default: as connect.", null),
  sendMs: part(
    "send",
    deadline,
    "Between two writes of the request that make progress. Default: the upstream's.",
    null,
  ),
  headMs: part(
    "head",
    deadline,
    "From the end of the request to the end of the response head. Default: the upstream's.",
    null,
  ),
  idleBodyMs: part("idle-body", deadline, "Between two reads of the response body. Default: as head.", null),
  tunnelIdleMs: part("tunnel-idle", deadline, "For an upgraded connection without a byte. Default: as head.", null),
});

export type FileProxyRequest = Omit<ProxyRequestRules, "setHeaders" | "setHeadersCached"> & {
  readonly headers: readonly (readonly [string, readonly Text[]])[];
};

const request = record<FileProxyRequest>({
  headers: part(
    "headers",
    pairs(list(text, "text"), { unit: "name: text" }),
    "Fields that go out instead of the client's; an empty one is left out. Host is `{$proxy_host}` unless it is here, and Connection and what belongs to it is taken away. The whole mapping is inherited or replaced.",
    [],
  ),
  method: part("method", orOff(text), "Method, instead of the client's.", null),
  minor: part("http", httpMinor, "Version of HTTP.", 1),
  passHeaders: part("pass-headers", flag, "Whether the client's fields go out.", true),
  passBody: part("pass-body", flag, "Whether its body goes out.", true),
  body: part("body", orOff(text), "Body, instead of the client's.", null),
  buffered: part("buffered", flag, "Whether the body is read whole before an upstream is asked.", true),
  bind: part("bind", orOff(text), "Local address to connect from.", null),
});

/** What is hidden besides what always is. */
export type FileProxyResponse = Omit<ProxyResponseRules, "headBytes" | "redirects"> & {
  readonly headBytes: number | null;
  readonly redirects: readonly ProxyRedirectRule[] | null;
};

const rule = record<ProxyRedirectRule>({
  from: part("from", textOrPattern, "What it begins with, or a regular expression."),
  to: part("to", text, "What takes its place."),
});
const rules = list(rule, "a mapping with from and to");
const fields = list(plain, "the name of a field");

const response = record<FileProxyResponse>({
  buffered: part(
    "buffered",
    flag,
    "Whether responses are read as fast as they come, whatever the client's speed.",
    true,
  ),
  headBytes: part("head", orNothing(size), "Response head; 502 above it. Default: the upstream's.", null),
  bufferBytes: part("buffer", size, "What is kept in memory for a slow client.", 32_768),
  tempFileBytesMax: part("temp-file", size, "What is kept in a file behind that.", 1024 ** 3),
  hide: part("hide", fields, "Fields that are not passed on, besides Date, Server, X-Pad and X-Accel-….", []),
  pass: part("pass", fields, "Fields that are passed on although they usually are not.", []),
  ignore: part(
    "ignore",
    fields,
    "Fields that are not obeyed: x-accel-…, expires, cache-control, set-cookie, vary.",
    [],
  ),
  interceptErrors: part("intercept-errors", flag, "Whether errors of upstreams get `error-pages`.", false),
  passTrailers: part("trailers", flag, "Whether trailers are passed on.", false),
  redirects: part(
    "redirects",
    orNothing(rules),
    "What is replaced in Location and Refresh. Default: the address of the upstream by the location.",
    null,
  ),
  cookieDomains: part("cookie-domains", rules, "What is replaced in the domain of cookies.", []),
  cookiePaths: part("cookie-paths", rules, "What is replaced in the path of cookies.", []),
  cookieFlags: part(
    "cookie-flags",
    list(
      record<ProxyResponseRules["cookieFlags"][number]>({
        cookie: part("cookie", textOrPattern, "Name of a cookie, or a regular expression."),
        flags: part("flags", list(text, "a flag"), "Flags that it gets, or loses (`nosecure`)."),
      }),
      "a mapping with cookie and flags",
    ),
    "Flags of cookies.",
    [],
  ),
  limitRate: part("rate", text, "Bytes per second that are read; 0 sets no limit.", "0"),
  forceRanges: part("force-ranges", flag, "Whether ranges are made of whole responses.", false),
  store: part(
    "store",
    orOff(
      record<NonNullable<ProxyResponseRules["store"]>>({
        path: part("path", fileText, "Where to."),
        mode: part("mode", count(), "Mode of the file.", 0o600),
      }),
    ),
    "Responses are written to files.",
    null,
  ),
});

const CONDITIONS: readonly RetryCondition[] = [
  ...(["error", "timeout", "denied", "invalid_header", "non_idempotent", "updating"] as const),
  ...(["http_403", "http_404", "http_429", "http_500", "http_502", "http_503", "http_504"] as const),
];
const condition = words<RetryCondition>(...CONDITIONS);

const retryRules = record<ProxyRetryRules>({
  conditions: part("on", list(condition, "a condition"), "After what another endpoint is asked.", ["error", "timeout"]),
  tries: part("tries", count(), "Attempts in all; 0 is as many as there are endpoints.", 0),
  withinMs: part("within", duration, "No attempt begins after it; 0s sets no limit.", 0),
});

/** Where the requests of a block go, and how. */
export interface FileProxy {
  readonly to: string | null;
  readonly url: Text | null;
  readonly uri: Text | null;
  readonly hostName: string | null;
  readonly timeouts: FileTimeouts;
  readonly request: FileProxyRequest;
  readonly response: FileProxyResponse;
  readonly retry: ProxyRetryRules;
  readonly ignoreClientAbort: boolean;
  /** For a URL that is made per request. */
  readonly tls: UpstreamTls | null;
  readonly probes: boolean;
  readonly hosts: HostsByText["upstreams"] | null;
}

const hostEntry = record<HostsByText["upstreams"][string]>({
  http: part(
    "http",
    orNothing(nameOf("upstream") as Form<string | null>),
    "Upstream where the URL begins with http.",
    null,
  ) as never,
  https: part(
    "https",
    orNothing(nameOf("upstream") as Form<string | null>),
    "Upstream where it begins with https.",
    null,
  ) as never,
});

/** Upstreams by what a host may be. */
const hostsForm: Form<HostsByText["upstreams"]> = mapped(
  pairs(hostEntry, { unit: "host: upstreams" }),
  (all) => Object.fromEntries(all.map(([host, entry]) => [host, withoutNull(entry)])),
  (hosts) => Object.entries(hosts).map(([host, entry]) => [host, entry] as const),
);

function withoutNull(entry: object): HostsByText["upstreams"][string] {
  return Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== null));
}

/** The group of a block; what is given without `to` and `url` holds for blocks within. */
export const proxy = record<FileProxy>({
  to: part("to", orNothing(nameOf("upstream", "the name of an upstream")), "Name of the upstream that answers.", null),
  url: part(
    "url",
    orNothing(text),
    "URL with variables that requests go to: an upstream by its name, or any other host.",
    null,
  ),
  uri: part(
    "uri",
    orNothing(text),
    "Path that takes the place of what the location's prefix matched; without a prefix, of the whole target.",
    null,
  ),
  hostName: part("host-name", orNothing(plain), "What `{$proxy_host}` is. Default: the upstream's name.", null),
  timeouts: groupPart("timeouts", timeouts, "Deadlines that differ from the upstream's."),
  request: groupPart("request", request, "What is sent."),
  response: groupPart("response", response, "What becomes of responses."),
  retry: groupPart("retry", retryRules, "After what another endpoint is asked."),
  ignoreClientAbort: part("ignore-client-abort", flag, "Whether the request goes on when the client has left.", false),
  tls: part("tls", orOff(upstreamTls), "TLS for a URL that is made per request.", null),
  probes: part("probes", flag, "TCP's own probes (SO_KEEPALIVE) for such connections.", false),
  hosts: part("hosts", orNothing(hostsForm), "Upstreams that such a URL may mean. Default: all.", null),
});

export interface FileTunnel {
  readonly to: Text;
  readonly hosts: HostsByText["upstreams"] | null;
  readonly timeouts: FileTimeouts;
  readonly retry: ProxyRetryRules;
  readonly bind: Text | null;
  readonly probes: boolean;
  readonly headBytes: number;
}

/** CONNECT requests become tunnels. */
export const tunnel = record<FileTunnel>({
  to: part("to", text, "Address, `host:port`.", "{$host}:{$request_port}"),
  hosts: part("hosts", orNothing(hostsForm), "Upstreams that the host may mean. Default: all.", null),
  timeouts: part("timeouts", timeouts, "Deadlines.", timeouts.standard),
  retry: part("retry", retryRules, "After what another endpoint is asked.", retryRules.standard),
  bind: part("bind", orNothing(text), "Local address to connect from.", null),
  probes: part("probes", flag, "TCP's own probes (SO_KEEPALIVE).", false),
  headBytes: part("buffer", size, "Size of a buffer.", 16_384),
});

const cacheUseFull = record<CacheUseConfig>({
  cache: part(
    "zone",
    { ...text, visit: nameOf("cache").visit! },
    "Name of a cache; a text with variables chooses one.",
  ),
  key: part(
    "key",
    text,
    "Requests with the same key have the same response. Default: the URL that the upstream is asked for.",
    "",
  ),
  valid: part(
    "valid",
    list(
      record<CacheUseConfig["valid"][number]>({
        statuses: part(
          "statuses",
          orShort<readonly number[] | "any", "any">(
            list(count(100, 599), "a status") as Form<readonly number[] | "any">,
            words("any"),
            "statuses or any",
            {
              widen: (any) => any,
              narrow: (value) => (value === "any" ? value : undefined),
            },
          ),
          "Statuses, or `any`.",
        ),
        ms: part("for", duration, "How long they are fresh."),
      }),
      "a mapping with statuses and for",
    ),
    "How long responses are fresh that do not say so.",
    [],
  ),
  bypass: part("bypass", list(text, "text"), "Where one is neither empty nor 0, the upstream is asked.", []),
  noCache: part("no-cache", list(text, "text"), "Where one is neither empty nor 0, the response is not kept.", []),
  minUses: part("min-uses", count(1), "Requests until a response is kept.", 1),
  methods: part("methods", list(plain, "a method"), "Methods whose responses are kept.", ["GET", "HEAD"]),
  useStale: part("use-stale", list(condition, "a condition"), "When a response is used that is no longer fresh.", []),
  backgroundUpdate: part(
    "background-update",
    flag,
    "Whether the upstream is asked while the old response goes out.",
    false,
  ),
  revalidate: part("revalidate", flag, "Whether the upstream is asked by If-Modified-Since and If-None-Match.", false),
  lock: part(
    "lock",
    orOff(
      record<NonNullable<CacheUseConfig["lock"]>>({
        timeoutMs: part("timeout", duration, "How long the others wait.", 5000),
        ageMs: part("age", duration, "After which another one asks.", 5000),
      }),
    ),
    "One request at a time asks for a response that is not there.",
    null,
  ),
  convertHead: part("convert-head", flag, "Whether the upstream is asked by GET instead of HEAD.", true),
  maxRangeOffset: part(
    "max-range-offset",
    mapped(
      orOff(bytes),
      (value) => value ?? -1,
      (value) => (value === -1 ? null : value),
    ),
    "Ranges that begin beyond it go to the upstream as they are; off: none does.",
    -1,
  ),
});

/** What is kept; short form: the name of the cache. */
export const cacheUse: Form<CacheUseConfig> = orShort(
  cacheUseFull,
  cacheUseFull.parts.cache.form,
  "the name of a cache, or a mapping",
  {
    widen: (cache): CacheUseConfig => ({ ...cacheUseFull.standard, cache }),
    narrow: (value) =>
      Object.keys(cacheUseFull.write(value) as object).length === 1 && value.cache !== "off" ? value.cache : undefined,
  },
);
