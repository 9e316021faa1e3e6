// What a case of the lab is: a chain of programs with one fault in it, what doctor is told of it, and what it must say.
// A case builds everything with a Chain, which takes it away again. What a verdict may be at most and must be at least
// is part of the case: with less evidence the same fault permits less.
import type { Certainty, FaultClass } from "../../src/doctor/diagnose/model.ts";
import type { Chain } from "./chain.ts";

/** How doctor is asked. */
export interface Asked {
  /** null = files only. */
  readonly url: string | null;
  readonly args: readonly string[];
  /** Where the fault is: addresses of hops, or kinds of hops ("dns", "gateway") where a hop has no address. */
  readonly at?: readonly string[];
}

/** What the machine must have. */
export type Need =
  | "nginx"
  | "haproxy"
  | "caddy"
  | "apache2"
  | "varnishd"
  | "python3"
  | "root"
  | "names"
  | "ipv6"
  | "memory-cgroup";

export interface Expected {
  readonly class: FaultClass;
  /** Others that the evidence permits as well. */
  readonly also?: readonly FaultClass[];
  readonly atLeast?: Certainty;
  readonly atMost?: Certainty;
}

export interface FaultCase {
  /** Unique: "connect/dead-process-config". */
  readonly name: string;
  /** "nginx > Node" */
  readonly chain: string;
  /** What was done to the chain. */
  readonly fault: string;
  readonly needs?: readonly Need[];
  readonly expect: Expected;
  readonly build: (chain: Chain) => Promise<Asked>;
}

/** Nothing is wrong: no verdict, whatever the risks. */
export interface HealthyCase {
  readonly name: string;
  readonly chain: string;
  /** What about it could mislead. */
  readonly trap: string;
  readonly needs?: readonly Need[];
  readonly build: (chain: Chain) => Promise<Asked>;
}

/** Files only, with something in them that leads to failures: a risk, and no verdict. */
export interface RiskCase {
  readonly name: string;
  readonly chain: string;
  /** What is wrong in the files. */
  readonly fault: string;
  /** Found in the id, class or text of a risk. */
  readonly risk: RegExp;
  readonly needs?: readonly Need[];
  readonly build: (chain: Chain) => Promise<Asked>;
}
