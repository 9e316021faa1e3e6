// Servers as a test has them in its hand, and requests that go from one to the next as nginx's do.
import type { BalanceConfig, EndpointConfig } from "../config/config.ts";
import type { NginxFailureKind } from "../failure/nginx-kind.ts";
import { triesAfter } from "../resilience/retry-conditions.ts";
import type { Ms } from "../std/units.ts";
import { seededRandom } from "./balance-two.ts";
import { type PeerEndpoint, Peers } from "./peers.ts";

export interface Server extends PeerEndpoint {
  /** A letter, for short. */
  readonly name: string;
  active: number;
  /** Whether it answers; else it refuses. */
  alive: boolean;
}

/** What nginx makes of a `server` without parameters, with these instead. */
export function serverConfig(label: string, told: Partial<EndpointConfig> = {}): EndpointConfig {
  return {
    label,
    address: { kind: "tcp", host: "192.0.2.1", port: 9 },
    weight: 1,
    backup: false,
    down: false,
    maxFails: 1,
    failTimeoutMs: 10_000,
    maxConnections: 0,
    route: "",
    drain: false,
    resolve: "per-connection",
    service: "",
    ...told,
  };
}

/** A server called `name` that refuses connections: most of what is asked here is what comes after that. */
export function server(name: string, written: string, told: Partial<EndpointConfig> = {}): Server {
  return { name, label: written, server: written, config: serverConfig(written, told), active: 0, alive: false };
}

/** A group with a clock of its own. */
export class Group {
  nowMs: Ms = 50_000;
  readonly servers: readonly Server[];
  readonly peers: Peers<Server>;

  constructor(servers: readonly Server[], balance: BalanceConfig = "round-robin", seed = 1) {
    this.servers = servers;
    this.peers = new Peers(servers, balance, seededRandom(seed), () => this.nowMs);
  }

  /** The servers that a request is sent to until one answers, "=" behind it; "-" = no server could be picked. */
  request({ key = "", route = "", tries = this.peers.triesMax } = {}): string {
    const tried: Server[] = [];
    let story = "";
    for (let left = tries; left > 0; ) {
      const picked = this.peers.pick(tried, key, route);
      if (!picked) return `${story}-`;
      tried.push(picked);
      story += picked.name;
      const kind: NginxFailureKind | null = picked.alive ? null : "error";
      this.peers.ended(picked, kind === null ? { kind, headMs: 1, tookMs: 2 } : { kind }, picked.alive);
      if (picked.alive) return `${story}=`;
      left = triesAfter(left, { kind, reused: false, single: this.peers.single });
    }
    return story === "" ? "-" : story;
  }

  requests(count: number, how: { tries?: number; key?: string; route?: string } = {}): string {
    return Array.from({ length: count }, () => this.request(how)).join(" ");
  }
}
