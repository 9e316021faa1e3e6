// The client's address as trusted proxies say it (set_real_ip_from).
import type { RealIpConfig } from "../../config/servers.ts";
import { systemLookup } from "../../net/resolve.ts";
import { compileRealIp as compileRules } from "../../routing/access.ts";
import { log } from "../../std/log.ts";
import { readBlock } from "../../wire/address-set.ts";
import { fieldValues } from "../../wire/head.ts";
import { type RealIpRules, realAddress } from "../../wire/real-address.ts";
import { GO_ON, type Outcome, type ServerRequest } from "./request.ts";

export interface RealIpPlan {
  readonly header: string;
  /** Names are not in it before they are resolved. */
  rules: RealIpRules;
}

export function compileRealIp(config: RealIpConfig | null): RealIpPlan | null {
  if (!config) return null;
  const plan: RealIpPlan = { header: config.header, rules: compileRules(config) };
  const names = config.from.filter((from) => from !== "unix:" && readBlock(from) === null);
  if (names.length > 0) void addNames(plan, config, names);
  return plan;
}

/** Names are asked for once, when the configuration is loaded. */
async function addNames(plan: RealIpPlan, config: RealIpConfig, names: readonly string[]): Promise<void> {
  const found = await Promise.all(names.map(addressesOf));
  plan.rules = compileRules({ ...config, from: [...config.from, ...found.flat()] });
}

async function addressesOf(name: string): Promise<string[]> {
  try {
    return (await systemLookup(name)).map(({ address }) => address);
  } catch (error) {
    log.error(`set_real_ip_from: host "${name}" not found: ${(error as Error).message}`);
    return [];
  }
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
