// `defaults: nginx`: what holds where the file says nothing is what nginx has, so that an nginx.conf can be written
// as goodgate.yaml and do the same. It is done before the file is read: the values are put where none is written.
import { isName } from "./complete-servers-proxy.ts";

type Mapping = Readonly<Record<string, unknown>>;

/** As long as a timer can be. */
const NEVER = "2147483647ms";

/** At the top of the file. */
export const NGINX_FILE: Mapping = {
  console: "off",
  drain: "off",
  forwarding: { "x-forwarded": false, forwarded: false, via: false },
  errors: { detail: "never" },
  log: { failures: "off" },
  product: "nginx/1.31.5",
  "server-defaults": {
    root: "/usr/share/nginx/html",
    request: { "body-folder": "/usr/share/nginx/client_body_temp" },
    logs: "/var/log/nginx/access.log",
  },
};

const UPSTREAM: Mapping = {
  timeouts: { send: "60s" },
  keepalive: { connections: 32, idle: "60s", requests: 1000, time: "1h" },
  limits: { head: "4KiB" },
  retry: {
    attempts: "all",
    within: NEVER,
    budget: "off",
    backoff: "0s",
    "backoff-max": "0s",
    body: String(Number.MAX_SAFE_INTEGER),
  },
  eject: "off",
  breaker: "off",
  hold: "off",
  panic: "off",
  queue: "off",
  resolve: { min: NEVER, timeout: "30s" },
};

/** Plain values of a file, with nginx's defaults where it asks for them. */
export function withDefaults(value: unknown): unknown {
  if (!isMapping(value) || value["defaults"] !== "nginx") return value;
  const { upstreams } = value;
  const filled = beneath(value, NGINX_FILE);
  if (!isMapping(upstreams)) return filled;
  return { ...filled, upstreams: mapValues(upstreams, (upstream) => nginxUpstream(upstream)) };
}

/** An upstream with nginx's defaults. */
export function nginxUpstream(written: unknown): unknown {
  const upstream =
    typeof written === "string" ? { endpoints: [written] } : Array.isArray(written) ? { endpoints: written } : written;
  if (!isMapping(upstream)) return written;
  const filled = beneath(upstream, UPSTREAM) as Record<string, unknown>;
  const endpoints = Array.isArray(upstream["endpoints"]) ? upstream["endpoints"] : [];
  const { keepalive, timeouts, tls } = filled;
  // Off still has the rules for what a text with variables may bring.
  const kept =
    keepalive === "off" || keepalive === false ? { ...(UPSTREAM["keepalive"] as Mapping), connections: 0 } : keepalive;
  return {
    ...filled,
    ...(endpoints.length > 0
      ? { endpoints: endpoints.map((each) => nginxEndpoint(each, endpoints.length === 1)) }
      : {}),
    keepalive: isMapping(kept) ? beneath(kept, { total: kept["connections"] }) : kept,
    timeouts: isMapping(timeouts) ? withTimeouts(timeouts) : timeouts,
    ...(isMapping(tls) ? { tls: beneath(tls, TLS) } : tls === true ? { tls: TLS } : {}),
  };
}

const TLS: Mapping = {
  verify: false,
  sni: false,
  ciphers: "DEFAULT",
  "verify-depth": 1,
  protocols: ["TLSv1.2", "TLSv1.3"],
};

/** One timer for connecting and the handshake, one for all reads. */
function withTimeouts(timeouts: Mapping): Mapping {
  const { connect = "60s", head = "60s" } = timeouts;
  return beneath(timeouts, { connect, tls: connect, head, "idle-body": head, "tunnel-idle": head });
}

function nginxEndpoint(written: unknown, isOnly: boolean): unknown {
  const endpoint = typeof written === "string" ? { address: written } : written;
  if (!isMapping(endpoint)) return written;
  const host = /^(?:https?:\/\/)?(\[[^\]]*\]|[^:/]*)/i.exec(String(endpoint["address"]))?.[1] ?? "";
  const isNamed = host !== "unix" && isName(host);
  const { resolve = isNamed ? "at-load" : "per-connection" } = endpoint;
  // One address is used whatever comes of it.
  const maxFails = isOnly && resolve === "per-connection" ? 0 : 1;
  return beneath(endpoint, { resolve, "max-fails": maxFails, "fail-timeout": "10s" });
}

/** Values with others beneath them: mappings key by key. */
function beneath(value: Mapping, below: Mapping): Mapping {
  const result: Record<string, unknown> = { ...value };
  for (const [key, each] of Object.entries(below)) {
    const own = value[key];
    if (own === undefined || own === null) result[key] = each;
    else if (isMapping(own) && isMapping(each)) result[key] = beneath(own, each);
  }
  return result;
}

function mapValues(mapping: Mapping, make: (value: unknown) => unknown): Mapping {
  return Object.fromEntries(Object.entries(mapping).map(([key, value]) => [key, make(value)]));
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
