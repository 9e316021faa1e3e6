// The fields of an upstream. Short forms: `app: 10.0.0.1:3000` and `app: [10.0.0.1:3000, 10.0.0.2:3000]`.
import { isIP } from "node:net";
import * as z from "zod/mini";
import { errorOf, isHostName, isProblem, parseEndpoint } from "./address.ts";
import {
  count,
  duration,
  durationOf,
  either,
  field,
  flag,
  group,
  listOf,
  mapping,
  offOr,
  size,
  templateOf,
  text,
  textAs,
  unitHint,
} from "./fields.ts";
import { RESILIENCE_FIELDS } from "./schema-resilience.ts";
import { hostField, tlsVersion, UPSTREAM_TIMEOUTS } from "./schema-shared.ts";
import {
  balanceExtra,
  endpointExtra,
  keepaliveExtra,
  upstreamExtra,
  upstreamTlsExtra,
} from "./schema-upstream-extra.ts";
import { parseTemplate, REQUEST_PLACEHOLDERS, type TemplatePart } from "./template.ts";

const endpointText = textAs(
  'an endpoint such as "10.0.0.1:3000"',
  (value) => {
    const endpoint = parseEndpoint(value);
    if (isProblem(endpoint) || endpoint.path === "" || endpoint.path === "/") return endpoint;
    return errorOf(
      `the endpoint "${value}" has a path`,
      `leave it out, and give the route rewrite: "${endpoint.path.replace(/\/$/, "")}{path}"`,
    );
  },
  { unit: "address" },
);

const dnsServer = textAs(
  'the address of a DNS server such as "10.0.0.2" or "10.0.0.2:5353"',
  (value) => {
    const host = /^\[(.+)\](?::\d{1,5})?$/.exec(value)?.[1] ?? value.replace(/^([\d.]+):\d{1,5}$/, "$1");
    return isIP(host)
      ? value
      : errorOf(`"${value}" is not an IP address`, 'write "10.0.0.2", "10.0.0.2:5353" or "[::1]:53"');
  },
  { unit: "address" },
);

const endpointName = textAs("a name", (name) =>
  /^[A-Za-z][\w.-]{0,63}$/.test(name)
    ? name
    : errorOf(`"${name}" is no name for an endpoint`, "letters, digits, dots, dashes and underscores, a letter first"),
);

const endpoint = either('an endpoint such as "10.0.0.1:3000", or a mapping with address', [
  endpointText,
  mapping({
    address: field(endpointText, "Host and port, http:// or https:// with them, or unix:/path."),
    weight: z.prefault(field(count(1, 1_000_000), "Share of the requests, relative to the others."), 1),
    name: z.optional(
      field(endpointName, "What logs, metrics, the console and incidents call it. Default: its address."),
    ),
    backup: flag("Used only when no other endpoint is usable.", false),
    down: flag("Out of use.", false),
    ...(endpointExtra.shape as object),
  }),
]);

/** nginx verifies addresses by their text, brackets and all. */
const tlsName = textAs("a host name", (value) =>
  isHostName(value) || /^\[?[\da-f:.]+\]?$/i.test(value) ? value : errorOf(`"${value}" is not a host name`),
);

const tls = mapping({
  verify: flag("Whether the certificate's chain and name are verified.", true),
  ca: z.optional(field(text, "PEM file of the CAs that are trusted instead of the system's.", { unit: "file" })),
  "server-name": z.optional(
    field(
      tlsName,
      "Name that is sent as SNI and verified. Default: the endpoint's host; for an address, the request's Host.",
    ),
  ),
  cert: z.optional(field(text, "PEM file of a client certificate.", { unit: "file" })),
  key: z.optional(field(text, "PEM file of its key.", { unit: "file" })),
  "min-version": z.prefault(field(tlsVersion, "Oldest TLS version."), "1.2"),
  ...(upstreamTlsExtra.shape as object),
});

/** There is no endpoint yet. */
const KEY_PLACEHOLDERS = REQUEST_PLACEHOLDERS.filter((name) => name !== "endpoint");

const hashKey = templateOf({
  allowed: KEY_PLACEHOLDERS,
  check: (value) =>
    (parseTemplate(value) as readonly TemplatePart[]).every(({ kind }) => kind === "text")
      ? errorOf(`"${value}" is the same for every request`, 'write a placeholder, such as "{uri}"')
      : null,
});

const cookieName = textAs("the name of a cookie", (value) =>
  /^[\w.-]{1,64}$/.test(value)
    ? value
    : errorOf(`"${value}" is no name for this cookie`, "letters, digits, dots, dashes and underscores"),
);

const balance = either(
  '"round-robin", "least-connections", "random-two", "peak-ewma", "ip-hash", { hash: "{…}" } or { cookie: NAME }',
  [
    z.enum(["round-robin", "least-connections", "random-two", "peak-ewma", "ip-hash", "client-network"]),
    mapping({
      hash: z.optional(
        field(
          hashKey,
          "Requests with the same value go to the same endpoint; those where it is empty take turns. When an endpoint leaves, only its own requests move.",
        ),
      ),
      cookie: z.optional(
        field(
          cookieName,
          "Name of a cookie that keeps a client at the endpoint that answered it first, as long as that one is usable.",
        ),
      ),
      secret: z.optional(
        field(
          text,
          "Keys what the cookie says, so that nobody can test a guess at an endpoint's address. Default: the upstream's name.",
        ),
      ),
      ...(balanceExtra.shape as object),
    }),
  ],
);

const hostWord = textAs('"keep", "endpoint" or a host', (value) =>
  value === "keep" || value === "endpoint" ? value : hostField(value, 'write "keep", "endpoint" or a name'),
);

const keepalive = offOr(
  mapping({
    connections: z.prefault(
      field(count(0, 100_000), "Idle connections kept per endpoint and worker; 0 keeps none."),
      64,
    ),
    idle: z.prefault(
      field(
        either('a duration, or "auto"', [z.literal("auto"), durationOf(1)], unitHint),
        "How long an idle connection is kept. It must be shorter than the upstream's own keep-alive, or requests meet a connection that is being closed (keepalive-race, a 502). auto is 4s until the upstream says (Keep-Alive: timeout) or shows by its closes how long it keeps connections; then just below that, at most 60s.",
        { unit: "duration or auto" },
      ),
      "auto",
    ),
    requests: z.prefault(field(count(0), "A connection is closed after this many requests; 0 sets no limit."), 0),
    ...(keepaliveExtra.shape as object),
  }),
);

const upstreamFields = mapping({
  endpoints: z.prefault(
    field(
      z.array(endpoint),
      'Addresses: "host:port", "http://…", "https://…" (which turns tls on), "unix:/path", or a mapping.',
    ),
    [],
  ),
  tls: z.optional(
    field(
      either("true, false or a mapping", [z.boolean(), tls]),
      "TLS to the endpoints; true means the defaults. https:// endpoints turn it on.",
    ),
  ),
  balance: z.prefault(
    field(
      balance,
      "Which endpoint gets the next request, in proportion to the weights: each in turn; the one with the fewest requests in flight; the better of two drawn at random, by requests in flight (random-two) or by latency as well (peak-ewma); always the same for a client's address (ip-hash), a hash or a cookie. client-network, random, hash-text and least-time are nginx's ip_hash, random, hash and least_time.",
    ),
    "round-robin",
  ),
  host: z.prefault(
    field(hostWord, "Host field that is sent: the client's (keep), the endpoint's (endpoint), or this name."),
    "keep",
  ),
  timeouts: group("Deadlines of upstream connections.", {
    connect: duration(UPSTREAM_TIMEOUTS.connect.description, UPSTREAM_TIMEOUTS.connect.standard),
    tls: duration(UPSTREAM_TIMEOUTS.tls.description, UPSTREAM_TIMEOUTS.tls.standard),
    send: duration(UPSTREAM_TIMEOUTS.send.description, UPSTREAM_TIMEOUTS.send.standard),
    head: duration(UPSTREAM_TIMEOUTS.head.description, UPSTREAM_TIMEOUTS.head.standard),
    "idle-body": duration(UPSTREAM_TIMEOUTS["idle-body"].description, UPSTREAM_TIMEOUTS["idle-body"].standard),
    "tunnel-idle": duration(UPSTREAM_TIMEOUTS["tunnel-idle"].description, UPSTREAM_TIMEOUTS["tunnel-idle"].standard),
  }),
  keepalive: z.prefault(
    field(keepalive, "Connections that are kept for the next request; off closes each after one."),
    {},
  ),
  limits: group("Bounds of responses, and of the load on each endpoint.", {
    head: size("Response head; response-header-too-large above it.", "64KiB", { min: 1 }),
    body: size("Response body; response-too-large above it.", "off", { off: true }),
    connections: z.prefault(
      field(
        count(0, 1_000_000),
        "Open connections per endpoint and worker; above it requests wait (see queue). 0 sets no limit.",
      ),
      0,
    ),
    requests: z.prefault(
      field(
        count(0, 1_000_000),
        "Requests in flight per endpoint and worker; above it requests wait (see queue). 0 sets no limit.",
      ),
      0,
    ),
    adaptive: flag(
      "Bounds the requests in flight to the whole upstream, and moves the bound with its latency: what is above it waits in the queue for a moment and is then refused (pool-exhausted), instead of waiting in the upstream. For upstreams that slow down under load rather than refuse.",
      false,
    ),
  }),
  ...RESILIENCE_FIELDS,
  ...(upstreamExtra.shape as object),
  resolve: group("Look-up of host names.", {
    min: duration("An answer is used at least this long, whatever its TTL says.", "1s"),
    timeout: duration("For an answer of the resolver; dns-timeout after it.", "5s"),
    servers: z.prefault(
      field(
        listOf(dnsServer, 'an address such as "10.0.0.2", or a list of them'),
        "DNS servers to ask instead of the system's resolver; the hosts file and search domains then have no say.",
      ),
      [],
    ),
  }),
});

type UpstreamFields = z.output<typeof upstreamFields>;
type EndpointFields = UpstreamFields["endpoints"];

/** An upstream in any of its forms. */
export const upstreamSchema = z.pipe(
  either("an address, a list of addresses, or a mapping", [endpointText, z.array(endpoint), upstreamFields]),
  z.transform((value): UpstreamFields => {
    if (Array.isArray(value)) return { ...z.parse(upstreamFields, {}), endpoints: value as EndpointFields };
    if ("scheme" in value) return { ...z.parse(upstreamFields, {}), endpoints: [value] as EndpointFields };
    return value as UpstreamFields;
  }),
);
