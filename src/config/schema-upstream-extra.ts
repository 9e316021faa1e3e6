// Fields of an upstream that come from nginx: what binds requests to endpoints, its own ways to choose one, how often
// an endpoint may fail. The rest of an upstream is in schema-upstream.ts.
import type { UPSTREAM_TLS_STANDARD } from "./complete-tls.ts";
import type { EndpointConfig, StickyConfig, UpstreamConfig, UpstreamTls } from "./config.ts";
import {
  count,
  duration,
  type Form,
  file,
  fileText,
  flag,
  list,
  orNothing,
  orOff,
  orShort,
  plain,
  size,
  text,
  words,
} from "./forms.ts";
import { part, record } from "./forms-record.ts";
import { tagged } from "./forms-tagged.ts";
import { resolver } from "./schema-servers-resolver.ts";
import { tlsVersions } from "./schema-shared.ts";
import type { Text } from "./servers.ts";

type EndpointExtra = Omit<EndpointConfig, "address" | "weight" | "backup" | "down" | "label" | "name"> & {
  /** null = its address. */
  readonly label: string | null;
};

export const endpointExtra = record<EndpointExtra>({
  maxFails: part(
    "max-fails",
    orNothing(count()),
    "So many failures within fail-timeout take it out of use for as long; 0: none does. Default: eject says.",
    null,
  ),
  failTimeoutMs: part(
    "fail-timeout",
    duration,
    "Time in which max-fails counts, and for which it is out of use then.",
    0,
  ),
  maxConnections: part("max-connections", count(), "Requests at a time; 0 sets no limit.", 0),
  route: part("route", plain, "Value of sticky cookies and routes that means it. Default: made from its address.", ""),
  drain: part("drain", flag, "Only requests that are bound to it come here.", false),
  resolve: part(
    "resolve",
    words("per-connection", "at-load", "at-run-time"),
    "When its name is resolved: with each connection; once, or all the time, and then each address is an endpoint.",
    "per-connection",
  ),
  service: part("service", plain, "Name of a service, which is looked up as SRV record.", ""),
  label: part("label", orNothing(plain), "What logs call it. Default: its address.", null),
});

/** Fields of TLS towards upstreams. */
export const upstreamTlsExtra = record<Pick<UpstreamTls, keyof typeof UPSTREAM_TLS_STANDARD>>({
  sni: part("sni", flag, "Whether a name is sent as SNI.", true),
  nameText: part("name", orNothing(text), "Name made per request, instead of server-name.", null),
  certificateText: part(
    "certificate",
    orNothing(
      record<NonNullable<UpstreamTls["certificateText"]>>({
        cert: part("cert", fileText, "Certificate."),
        key: part("key", fileText, "Its key."),
      }),
    ),
    "Client certificate made per request: files, or `data:` and the PEM text.",
    null,
  ),
  passwordFile: part("password-file", orNothing(file), "Passphrases of keys, one a line.", null),
  protocols: part("protocols", orNothing(tlsVersions), "Versions of TLS, instead of min-version.", null),
  ciphers: part("ciphers", orNothing(plain), "OpenSSL's list of ciphers. Default: the platform's.", null),
  sessionReuse: part("session-reuse", flag, "Whether sessions are taken up again.", true),
  crl: part("crl", orNothing(file), "PEM file of revoked certificates.", null),
  verifyDepth: part("verify-depth", orNothing(count()), "Certificates between the upstream's and a trusted one.", null),
});

export const keepaliveExtra = record<Pick<UpstreamConfig["keepalive"], "total" | "timeMs" | "probes">>({
  total: part(
    "total",
    count(),
    "Idle connections in all, those that were used longest ago closed first; 0 sets no limit.",
    0,
  ),
  timeMs: part("time", duration, "A connection that is older is closed behind its request; 0s sets no limit.", 0),
  probes: part("probes", flag, "TCP's own probes (SO_KEEPALIVE).", false),
});

/** nginx's ways to choose an endpoint, besides client-network, which is its ip_hash. */
export interface BalanceExtra {
  readonly random: "one" | "two" | null;
  readonly hashText: Text | null;
  readonly method: "modulo" | "ketama" | null;
  readonly leastTime: "header" | "last-byte" | null;
  readonly inflight: boolean | null;
}

export const balanceExtra = record<BalanceExtra>({
  random: part("random", orNothing(words("one", "two")), "One drawn at random, or the better of two.", null),
  hashText: part(
    "hash-text",
    orNothing(text),
    "Requests with the same value go to the same endpoint, as nginx's hash has it.",
    null,
  ),
  method: part(
    "method",
    orNothing(words("modulo", "ketama")),
    "By CRC-32 and weights, or on a ring. Default: modulo.",
    null,
  ),
  leastTime: part(
    "least-time",
    orNothing(words("header", "last-byte")),
    "Least average time until then, by requests at work and weight.",
    null,
  ),
  inflight: part("inflight", orNothing(flag), "Whether requests at work count into the time.", null),
});

type Sticky<K extends StickyConfig["kind"]> = Omit<Extract<StickyConfig, { kind: K }>, "kind">;

const expires: Form<Sticky<"cookie">["expiresMs"]> = orShort<Sticky<"cookie">["expiresMs"], "max">(
  orNothing(duration) as Form<Sticky<"cookie">["expiresMs"]>,
  words("max"),
  "a duration or max",
  { widen: (word) => word, narrow: (value) => (value === "max" ? value : undefined) },
);

const sticky = tagged<StickyConfig>("kind", {
  cookie: record<Sticky<"cookie">>({
    name: part("cookie", plain, "Name of a cookie that is set and has the endpoint's route."),
    domain: part("domain", orNothing(text), "Its domain.", null),
    path: part("path", orNothing(plain), "Its path.", null),
    expiresMs: part("expires", expires, "When it ends; `max` is as late as can be. Default: with the session.", null),
    httpOnly: part("http-only", flag, "Its flag HttpOnly.", false),
    secure: part("secure", flag, "Its flag Secure.", false),
    sameSite: part("same-site", orNothing(text), "Its SameSite.", null),
  }),
  route: record<Sticky<"route">>({
    lookup: part("route", list(text, "text"), "The first that is not empty is the route of an endpoint."),
  }),
  learn: record<Sticky<"learn">>({
    create: part("create", list(text, "text"), "Where a response names a new session."),
    lookup: part("lookup", list(text, "text"), "Where a request names its session."),
    zone: part("zone", plain, "Name of the memory for sessions."),
    bytes: part("size", size, "Its size."),
    timeoutMs: part("timeout", duration, "A session that is not used for as long is forgotten.", 600_000),
    afterHead: part("after-head", flag, "Learns from the response head, not at the end of the response.", false),
  }),
});

export const upstreamExtra = record<Pick<UpstreamConfig, "sticky" | "resolver">>({
  sticky: part(
    "sticky",
    orOff(sticky),
    "What binds requests to an endpoint, before one is chosen: a cookie, a route, or sessions that are learnt.",
    null,
  ),
  resolver: part("resolver", orOff(resolver), "Who resolves names of endpoints with resolve: at-run-time.", null),
});
