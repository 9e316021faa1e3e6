// What the chain of timeouts is made from: what was asked on the command line, and what the other parts saw.
import type { ConfigEvidence, ConfiguredHop, Pool } from "../configs/model.ts";
import type { TargetEvidence } from "../evidence.ts";

/** What buildChain takes. */
export interface ChainInput {
  /** Text of --chain: "cloudflare > alb > nginx > node"; null = the chain is taken from what was seen. */
  readonly spec: string | null;
  /** Each --what-if: "nginx.proxy_read_timeout=30s". */
  readonly whatIf: readonly string[];
  readonly configs: readonly ConfigEvidence[];
  /** Idle closes and Keep-Alive fields that were seen, and who passed the responses. */
  readonly targets: readonly TargetEvidence[];
  /** Gateways on the way of the request that is asked about; absent or [] = who forwards to whom decides alone. */
  readonly way?: readonly WayStep[];
}

/** A gateway on the way of a request, and the pool it chooses for that one. */
export interface WayStep {
  readonly hop: ConfiguredHop;
  readonly pool: Pool | null;
  readonly depth: number;
}
