// Upstreams as the file has them: what differs from what nginx has (nginx-defaults.ts).
import * as z from "zod/mini";
import { formatAddress } from "../address.ts";
import { upstreamOf } from "../complete-upstream.ts";
import type { BalanceConfig, EndpointConfig, UpstreamConfig, UpstreamTls } from "../config.ts";
import { duration, sizeText } from "../forms.ts";
import { isSame } from "../forms-record.ts";
import { nginxUpstream } from "../nginx-defaults.ts";
import { upstreamSchema } from "../schema-upstream.ts";
import {
  balanceExtra,
  endpointExtra,
  keepaliveExtra,
  upstreamExtra,
  upstreamTlsExtra,
} from "../schema-upstream-extra.ts";

type Mapping = Record<string, unknown>;

/** What an upstream is that says only this. */
export function nginxModel(written: Mapping): UpstreamConfig {
  const read = z.parse(upstreamSchema, nginxUpstream(written));
  return upstreamOf("", read as never, [], { file: "", report: () => undefined });
}

/** An upstream as it is written; a list of addresses where that says all. */
export function writtenUpstream(upstream: UpstreamConfig): unknown {
  const whole = wholeOf(upstream);
  const endpoints = upstream.endpoints.map((endpoint) => formatAddress(endpoint.address));
  const usual = wholeOf(nginxModel({ endpoints: [], ...(upstream.tls ? { tls: true } : {}) }));
  // Some values are those of others where nobody says.
  const leading: Mapping = {
    timeouts: pick(whole["timeouts"], ["connect", "head"]),
    keepalive: pick(whole["keepalive"], ["connections"]),
    ...(upstream.tls ? { tls: true } : {}),
  };
  const base = wholeOf(nginxModel({ ...leading, endpoints: [] }));
  const said = differing(whole, base, usual, leading);
  const written: Mapping = {
    endpoints: upstream.endpoints.map((each, index) => writtenEndpoint(each, upstream, endpoints[index]!)),
    ...said,
  };
  if (isSame((said["keepalive"] as Mapping | undefined) ?? {}, { connections: 0 })) written["keepalive"] = "off";
  const { attempts } = upstream.retry;
  const all = Math.max(1, upstream.endpoints.filter(({ down }) => !down).length);
  if (attempts !== all) written["retry"] = { attempts };
  const keys = Object.keys(written);
  return keys.length === 1 && upstream.endpoints.length > 0 ? written["endpoints"] : written;
}

function writtenEndpoint(endpoint: EndpointConfig, { endpoints }: UpstreamConfig, address: string): unknown {
  const { label, address: _, weight, backup, down, ...extra } = endpoint;
  const usual = (resolve: string) =>
    nginxModel({ endpoints: endpoints.length === 1 ? [{ address, resolve }] : [{ address, resolve }, "127.0.0.1:1"] })
      .endpoints[0]!;
  const named = nginxModel({ endpoints: [address] }).endpoints[0]!.resolve;
  const base = usual(extra.resolve);
  const written: Mapping = { address };
  if (weight !== 1) written["weight"] = weight;
  if (backup) written["backup"] = true;
  if (down) written["down"] = true;
  const change: Mapping = {};
  for (const [name, value] of Object.entries({ ...extra, label: label === address ? null : label })) {
    const before = name === "resolve" ? named : name === "label" ? null : base[name as keyof EndpointConfig];
    if (!isSame(value, before)) change[name] = value;
  }
  Object.assign(written, endpointExtra.writeChange(change as never));
  return Object.keys(written).length === 1 ? address : written;
}

/** The keys that differ from `base`, and those of `leading` that differ from `usual`. */
function differing(whole: Mapping, base: Mapping, usual: Mapping, leading: Mapping): Mapping {
  const result: Mapping = {};
  for (const [key, value] of Object.entries(whole)) {
    if (isMapping(value)) {
      const lead = isMapping(leading[key]) ? (leading[key] as Mapping) : {};
      const inner = differing(value, mappingOf(base[key]), mappingOf(usual[key]), {});
      for (const [name, each] of Object.entries(lead)) {
        if (isSame(each, mappingOf(usual[key])[name])) delete inner[name];
        else inner[name] = each;
      }
      if (Object.keys(inner).length > 0) result[key] = inner;
      else if (!isMapping(base[key]) || key === "tls") result[key] = key === "tls" ? true : {};
    } else if (!isSame(value, base[key])) result[key] = value;
  }
  return result;
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function mappingOf(value: unknown): Mapping {
  return isMapping(value) ? value : {};
}

function pick(value: unknown, keys: readonly string[]): Mapping {
  return Object.fromEntries(keys.map((key) => [key, mappingOf(value)[key]]));
}

/** All of it but the endpoints and attempts, as it would be written. */
function wholeOf(upstream: UpstreamConfig): Mapping {
  const { timeouts, keepalive, limits, retry, resolve } = upstream;
  return {
    tls: upstream.tls && tlsOf(upstream.tls),
    balance: balanceOf(upstream.balance),
    ...upstreamExtra.writeChange({ sticky: upstream.sticky, resolver: upstream.resolver }),
    host: typeof upstream.host === "string" ? upstream.host : upstream.host.name,
    timeouts: {
      connect: duration.write(timeouts.connectMs),
      tls: duration.write(timeouts.tlsMs),
      send: duration.write(timeouts.sendMs),
      head: duration.write(timeouts.headMs),
      "idle-body": duration.write(timeouts.idleBodyMs),
      "tunnel-idle": duration.write(timeouts.tunnelIdleMs),
    },
    keepalive: {
      connections: keepalive.connections,
      idle: duration.write(keepalive.idleMs),
      requests: keepalive.requests,
      ...keepaliveExtra.writeChange(keepalive),
    },
    limits: {
      head: sizeText(limits.headBytes),
      body: limits.bodyBytes === 0 ? "off" : sizeText(limits.bodyBytes),
      connections: limits.connections,
      requests: limits.requests,
      adaptive: limits.adaptive,
    },
    retry: {
      within: duration.write(retry.withinMs),
      backoff: duration.write(retry.backoffMs),
      "backoff-max": duration.write(retry.backoffMaxMs),
      body: sizeText(retry.bodyBytes),
    },
    resolve: {
      min: duration.write(resolve.minMs),
      timeout: duration.write(resolve.timeoutMs),
      servers: resolve.servers,
    },
  };
}

function tlsOf({ verify, ca, serverName, cert, key, minVersion, ...extra }: UpstreamTls): Mapping {
  return {
    verify,
    ca,
    "server-name": serverName,
    cert,
    key,
    "min-version": minVersion,
    ...upstreamTlsExtra.writeChange(extra),
  };
}

function balanceOf(balance: BalanceConfig): unknown {
  if (typeof balance === "string") return balance;
  if ("ipHash" in balance) return "client-network";
  if ("hash" in balance || "cookie" in balance) return balance;
  return balanceExtra.writeChange(balance);
}
