// The gateway: config → running → drain. It holds the listeners, the connections and the current Runtime; a reload
// swaps the Runtime and only touches the listeners that changed, so that no connection notices it.
import { createHash } from "node:crypto";
import { isIP } from "node:net";
import { hostname } from "node:os";
import type { Config, ListenerConfig } from "../config/config.ts";
import { beginEvent } from "../std/clock.ts";
import type { Ms } from "../std/units.ts";
import { parseForwarded, parseForwardedFor } from "../wire/forwarded.ts";
import { fieldValues, type RequestHead } from "../wire/head.ts";
import type { ClientConnection } from "./client-connection.ts";
import { addressMatcher, Listener, listenerLabel } from "./listener.ts";
import { type GatewayLog, type Observer, Runtime } from "./runtime.ts";

/** The default name, which says nothing about the deployment. */
const DEFAULT_NAME = "goodgate";
/** How often a drain looks whether the last exchange has ended. */
const DRAIN_POLL_MS = 20;

export class Gateway {
  runtime: Runtime;
  readonly log: GatewayLog;
  readonly connections = new Set<ClientConnection>();
  handshakesFailed = 0;
  draining = false;
  #listeners: Listener[] = [];
  #trusts: (address: string) => boolean;

  constructor(config: Config, observer: Observer, log: GatewayLog) {
    this.log = log;
    this.runtime = new Runtime(config, observer, viaName(config), log);
    this.#trusts = addressMatcher(config.trust);
  }

  /** Opens the listeners; rejects with the system's error of the first that cannot. */
  async start(): Promise<void> {
    for (const config of this.runtime.config.listeners) this.#listeners.push(await this.#open(config));
  }

  async #open(config: ListenerConfig): Promise<Listener> {
    const listener = new Listener(this, config, listenerLabel(config.address));
    await listener.listen();
    return listener;
  }

  /** Ports bound, in the order of the configuration. */
  get ports(): number[] {
    return this.#listeners.map((listener) => listener.port);
  }

  trusts(address: string): boolean {
    return this.#trusts(address);
  }

  /** The client that trusted proxies say they speak for: of X-Forwarded-For or Forwarded the last address not theirs. */
  clientAddressIn(head: RequestHead): string | undefined {
    const addresses = head.hasXff
      ? parseForwardedFor(fieldValues(head, "x-forwarded-for").join(","))
      : parseForwarded(fieldValues(head, "forwarded").join(","))?.map((element) => element.for);
    const client = addresses?.findLast((address) => !this.#trusts(address)) ?? addresses?.[0] ?? "";
    return isIP(client) === 0 ? undefined : client;
  }

  /** Goes over to another configuration; where a listener cannot be opened, all stays as it was. */
  async reload(config: Config, observer: Observer): Promise<void> {
    const runtime = new Runtime(config, observer, viaName(config), this.log);
    const before = this.#listeners;
    const same = (wanted: ListenerConfig): Listener | undefined =>
      before.find((listener) => JSON.stringify(listener.config) === JSON.stringify(wanted));
    const kept = new Set(config.listeners.map(same));
    const gone = before.filter((listener) => !kept.has(listener));
    const opened: Listener[] = [];
    try {
      const next: Listener[] = [];
      for (const wanted of config.listeners) {
        const listener = same(wanted) ?? (await this.#replace(wanted, gone));
        if (!kept.has(listener)) opened.push(listener);
        next.push(listener);
      }
      this.#listeners = next;
    } catch (error) {
      for (const listener of opened) listener.close();
      runtime.close();
      this.#listeners = await Promise.all(
        before.map((listener) => (listener.closed ? this.#open(listener.config) : listener)),
      );
      throw error;
    }
    for (const listener of gone) listener.close();
    const old = this.runtime;
    this.runtime = runtime;
    this.#trusts = addressMatcher(config.trust);
    old.close();
  }

  /** Opens a listener; one with other settings at the same address has to go first. */
  async #replace(wanted: ListenerConfig, gone: readonly Listener[]): Promise<Listener> {
    const label = listenerLabel(wanted.address);
    gone.find((listener) => listener.info.label === label)?.close();
    return this.#open(wanted);
  }

  /** Stops accepting, lets exchanges in flight end (for at most `drainMs`), closes what is left. True = all ended. */
  async drain(drainMs: Ms = this.runtime.config.drainMs): Promise<boolean> {
    beginEvent();
    this.draining = true;
    for (const listener of this.#listeners) listener.close();
    for (const connection of this.connections) connection.closeIdle();
    const until = performance.now() + drainMs;
    while (this.connections.size > 0 && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
    }
    const whole = this.connections.size === 0;
    this.close();
    return whole;
  }

  /** Closes everything now. */
  close(): void {
    this.draining = true;
    for (const listener of this.#listeners) listener.close();
    this.#listeners = [];
    for (const connection of this.connections) connection.destroy();
    this.runtime.close();
  }

  /** Upstreams that no request can be sent to: what /readyz says. */
  unusableUpstreams(): string[] {
    return [...this.runtime.groups.values()].filter((group) => !group.usable).map((group) => group.config.name);
  }

  /** An error of our own code, which cost one exchange. */
  reportInternal(error: unknown): void {
    this.log.error(`internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
}

/**
 * Our pseudonym in Via (RFC 9110 §7.6.3). A name that was given names the deployment; the default one is made unique
 * by host and listeners, so that two gateways in a row are no loop.
 */
function viaName(config: Config): string {
  if (config.name !== DEFAULT_NAME) return config.name;
  const place = JSON.stringify([hostname(), config.listeners.map((listener) => listener.address)]);
  return `${DEFAULT_NAME}-${createHash("sha256").update(place).digest("hex").slice(0, 8)}`;
}
