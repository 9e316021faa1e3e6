// The client's address as trusted proxies say it (set_real_ip_from).
import type { RealIpConfig } from "../../config/servers.ts";
import { compileRealIp as compileRules, type RealIpRules, realAddress } from "../../routing/access.ts";
import { fieldValues } from "../../wire/head.ts";
import { GO_ON, type Outcome, type ServerRequest } from "./request.ts";

export interface RealIpPlan {
  readonly header: string;
  readonly rules: RealIpRules;
}

export function compileRealIp(config: RealIpConfig | null): RealIpPlan | null {
  return config && { header: config.header, rules: compileRules(config) };
}

/** Asked twice: with the server's rules at the beginning, with the location's once that is found. */
export function findRealAddress(request: ServerRequest): Outcome {
  const { realIp } = request.location;
  if (realIp === null || request.parent !== null || request.realAddress !== "") return GO_ON;
  const { client, head } = request.exchange;
  const { subject } = request;
  const told =
    realIp.header === "proxy_protocol"
      ? client.proxyProtocol
        ? [client.proxyProtocol.address]
        : []
      : fieldValues(head, realIp.header);
  if (told.length === 0) return GO_ON;
  const found = realAddress(subject.peerAddress, told, realIp.rules);
  if (!found) return GO_ON;
  request.realAddress = found.address;
  request.realPort = realIp.header === "proxy_protocol" ? (client.proxyProtocol?.port ?? "") : found.port;
  return GO_ON;
}
