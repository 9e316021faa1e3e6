// Upstreams that no configuration names: a target that is made of variables is known with the request only. Each
// address, or name with its addresses, gets a group made from a template, so that connections are kept and requests are
// counted as in any other. The number of groups is bounded, since requests may choose the target: the one that was used
// longest ago goes, its requests in flight end in peace. Failures are not remembered from request to request.
import { isIP } from "node:net";
import { formatAddress } from "../config/address.ts";
import type { Address, EndpointConfig, UpstreamConfig } from "../config/config.ts";
import type { UpstreamGroup } from "./group.ts";

const GROUPS_MAX = 1_000;

/** What is asked for. */
export interface AdHocTarget {
  readonly address: Address;
  /** What its name stands for; [] where the address is one. */
  readonly addresses: readonly string[];
}

interface AdHocGroup {
  readonly group: UpstreamGroup;
  addresses: readonly string[];
}

export class AdHocGroups {
  readonly #most: number;
  readonly #make: (config: UpstreamConfig, template: UpstreamConfig) => UpstreamGroup;
  /** In the order of their last use. */
  readonly #groups = new Map<string, AdHocGroup>();
  /** Templates have no names. */
  readonly #serials = new Map<UpstreamConfig, number>();

  /** `make` is told the template besides, by which TLS and the like are known. */
  constructor(make: (config: UpstreamConfig, template: UpstreamConfig) => UpstreamGroup, most = GROUPS_MAX) {
    this.#make = make;
    this.#most = most;
  }

  get size(): number {
    return this.#groups.size;
  }

  /** The group of a target; two templates have different ones. */
  groupFor(template: UpstreamConfig, target: AdHocTarget): UpstreamGroup {
    const label = formatAddress(target.address);
    const key = `${this.#serialOf(template)} ${label}`;
    const known = this.#groups.get(key) ?? this.#begin(key, template, target, label);
    this.#groups.delete(key);
    this.#groups.set(key, known);
    if (isOther(known.addresses, target.addresses)) tellAddresses(known, target.addresses);
    return known.group;
  }

  #serialOf(template: UpstreamConfig): number {
    const serial = this.#serials.get(template) ?? this.#serials.size;
    this.#serials.set(template, serial);
    return serial;
  }

  #begin(key: string, template: UpstreamConfig, { address }: AdHocTarget, label: string): AdHocGroup {
    if (this.#groups.size >= this.#most) {
      for (const [oldest, { group }] of this.#groups) {
        this.#groups.delete(oldest);
        group.close();
        break;
      }
    }
    const group = this.#make({ ...template, name: label, endpoints: [endpointOf(address, label)] }, template);
    group.start();
    const begun = { group, addresses: [] };
    this.#groups.set(key, begun);
    return begun;
  }

  /** Groups in use, for statistics and limits. */
  all(): Iterable<UpstreamGroup> {
    return [...this.#groups.values()].map(({ group }) => group);
  }

  close(): void {
    for (const { group } of this.#groups.values()) group.close();
    this.#groups.clear();
  }
}

function isOther(before: readonly string[], now: readonly string[]): boolean {
  return before.length !== now.length || now.some((address) => !before.includes(address));
}

function tellAddresses(known: AdHocGroup, addresses: readonly string[]): void {
  known.addresses = addresses;
  const [server] = known.group.config.endpoints;
  if (server)
    known.group.setAddresses(
      server,
      addresses.map((address) => ({ address })),
    );
}

function endpointOf(address: Address, label: string): EndpointConfig {
  const isName = address.kind === "tcp" && isIP(address.host) === 0;
  return {
    label,
    address,
    weight: 1,
    backup: false,
    down: false,
    maxFails: 0,
    failTimeoutMs: 10_000,
    maxConnections: 0,
    route: "",
    drain: false,
    resolve: isName ? "at-run-time" : "per-connection",
    service: "",
  };
}
