// The gateway: config → running → drain. It holds the listeners, the connections and the current Runtime; a reload
// swaps the Runtime, opens and closes listeners that are new and gone, and changes the manner of those whose settings
// changed, so that no connection notices it and no socket is ever closed for a moment.
import { createHash } from "node:crypto";
import { isIP } from "node:net";
import { hostname } from "node:os";
import type { Address, Config, ListenerConfig } from "../config/config.ts";
import { beginEvent, eventTime } from "../std/clock.ts";
import type { Ms } from "../std/units.ts";
import { type ActionResult, act, type EndpointAction } from "../upstream/administer.ts";
import type { ConnectionCounts } from "../variables/subject.ts";
import { parseForwarded, parseForwardedFor } from "../wire/forwarded.ts";
import { fieldValues, type RequestHead } from "../wire/head.ts";
import type { ClientConnection } from "./client-connection.ts";
import { DescriptorGuard } from "./descriptor-guard.ts";
import { addressMatcher, Listener, listenerLabel, narrowerThan, withSockets } from "./listener.ts";
import { ListeningSocket, socketOptions } from "./listening-socket.ts";
import { OldGeneration } from "./old-generation.ts";
import { OpenIncidents } from "./open-incidents.ts";
import { type GatewayLog, type Observer, Runtime, type RuntimeContext } from "./runtime.ts";
import { headMsOf } from "./server/head-rules.ts";
import { NoClient } from "./server/no-client.ts";

/** The default name, which says nothing about the deployment. */
const DEFAULT_NAME = "goodgate";
/** How often a drain looks whether the last exchange has ended. */
const DRAIN_POLL_MS = 20;
const MINUTE_MS = 60_000;
/**
 * A connection that has been quiet for less than this when a drain begins is likely to send its next request just now:
 * that one is answered (with Connection: close) before it is closed.
 */
export const QUIET_MS = 500;

/** Sockets that were opened for this process by somebody else; each is given once. */
export type GivenSockets = (address: Address) => ListeningSocket | undefined;

/** What a gateway is given by whoever embeds it, or simulates its world. */
export interface GatewayOptions extends Pick<RuntimeContext, "dial" | "random"> {
  readonly given?: GivenSockets;
  /** Where it stands, for its pseudonym in Via; default: its listeners. */
  readonly place?: unknown;
}

export class Gateway {
  runtime: Runtime;
  readonly log: GatewayLog;
  readonly connections = new Set<ClientConnection>();
  readonly descriptors: DescriptorGuard;
  readonly openIncidents = new OpenIncidents();
  handshakesFailed = 0;
  /** Connections and requests since the start. */
  accepted = 0;
  requests = 0;
  /** Connections end behind the response that is sent next: the gateway ends, or descriptors are short. */
  draining = false;
  /** The gateway ends; set before `draining` connections are looked at. */
  ending = false;
  #listeners: Listener[] = [];
  /**
   * Only while accepting is paused: what is not polled keeps no process alive, and where the last client left in a
   * pause the program ended, with exit code 0.
   */
  #life: NodeJS.Timeout | null = null;
  #trusts: (address: string) => boolean;
  readonly #options: GatewayOptions;

  constructor(config: Config, observer: Observer, log: GatewayLog, options: GatewayOptions = {}) {
    this.log = log;
    this.#options = options;
    this.runtime = this.#runtimeOf(config, observer);
    this.#trusts = addressMatcher(config.trust);
    this.descriptors = new DescriptorGuard(this);
  }

  /** Opens the listeners; rejects with the system's error of the first that cannot. */
  async start(): Promise<void> {
    const { config } = this.runtime;
    for (const listener of withSockets(config)) this.#listeners.push(await this.#open(listener, config));
    this.runtime.start();
  }

  async #open(config: ListenerConfig, all: Config): Promise<Listener> {
    const manner = Listener.prepare(this, config, narrowerThan(config, all));
    const socket =
      this.#options.given?.(config.address) ?? (await ListeningSocket.bind(config.address, socketOptions(config, all)));
    const listener = new Listener(this, socket, manner);
    await listener.listen();
    return listener;
  }

  /** The sockets that are listened on, for a process that is to take them over. */
  get sockets(): ListeningSocket[] {
    return this.#listeners.map((listener) => listener.socket);
  }

  /** A listener has accepted a connection. */
  onAccepted(): void {
    this.accepted++;
    this.descriptors.accepted();
  }

  /** Lets new clients wait in the kernel, or accepts again; false = this Node cannot. */
  pauseAccepting(paused: boolean): boolean {
    this.draining = paused || this.ending;
    if (this.#life) clearInterval(this.#life);
    this.#life = paused ? setInterval(() => {}, MINUTE_MS) : null;
    return this.#listeners.map((listener) => listener.setPaused(paused)).every(Boolean);
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

  /**
   * Goes over to another configuration; where a listener cannot be opened, all stays as it was. Gives the generation
   * that was replaced.
   */
  async reload(config: Config, observer: Observer): Promise<OldGeneration> {
    const runtime = this.#runtimeOf(config, observer, this.runtime);
    const left = [...this.#listeners];
    const opened: Listener[] = [];
    const changes: (() => void)[] = [];
    const next: Listener[] = [];
    try {
      for (const wanted of withSockets(config)) {
        const label = listenerLabel(wanted.address);
        const at = left.findIndex((listener) => listener.label === label);
        const [known] = at < 0 ? [] : left.splice(at, 1);
        const listener = known ?? (await this.#open(wanted, config));
        if (!known) opened.push(listener);
        else if (known.isOther(wanted, narrowerThan(wanted, config))) {
          const manner = Listener.prepare(this, wanted, narrowerThan(wanted, config));
          changes.push(() => known.use(manner));
        }
        next.push(listener);
      }
    } catch (error) {
      for (const listener of opened) listener.close();
      runtime.close();
      throw error;
    }
    for (const change of changes) change();
    for (const listener of left) listener.close();
    this.#listeners = next;
    return this.#turnTo(runtime);
  }

  /** Goes over to a configuration with the same listeners. */
  turnTo(config: Config, observer: Observer): OldGeneration {
    return this.#turnTo(this.#runtimeOf(config, observer, this.runtime));
  }

  #turnTo(runtime: Runtime): OldGeneration {
    const old = this.runtime;
    this.runtime = runtime;
    this.#trusts = addressMatcher(runtime.config.trust);
    runtime.start();
    old.close();
    return new OldGeneration(old, this.connections, runtime.config.drainMs);
  }

  #runtimeOf(config: Config, observer: Observer, previous?: Runtime): Runtime {
    const { dial, random, place = config.listeners.map((listener) => listener.address) } = this.#options;
    const context = { ...(dial && { dial }), ...(random && { random }), ...(previous && { previous }) };
    return new Runtime(config, observer, viaName(config, place), this.log, context);
  }

  /** After `drain-delay` stops accepting, lets exchanges in flight end (for at most `drainMs`), closes what is left. True = all ended. */
  async drain(drainMs: Ms = this.runtime.config.drainMs): Promise<boolean> {
    this.ending = true;
    const { drainDelayMs } = this.runtime.config;
    if (drainDelayMs > 0) await new Promise((resolve) => setTimeout(resolve, drainDelayMs));
    beginEvent();
    this.draining = true;
    for (const listener of this.#listeners) listener.close();
    const began = performance.now();
    const until = began + drainMs;
    for (;;) {
      // Nobody becomes idle during a drain: who waits for a request after this time has been quiet for as long.
      this.closeIdle(performance.now() - began < QUIET_MS ? QUIET_MS : 0);
      if (this.connections.size === 0 || performance.now() >= until) break;
      await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
      beginEvent();
    }
    const whole = this.connections.size === 0;
    this.close();
    return whole;
  }

  /** Stands where the exchange of a subrequest has its client. */
  standInFor(client: ClientConnection): NoClient {
    return new NoClient(client);
  }

  /** How many connections there are, by what they do. */
  get connectionCounts(): ConnectionCounts {
    let [reading, writing, waiting] = [0, 0, 0];
    for (const { state, readsHead } of this.connections) {
      if (state === "head" && !readsHead) waiting++;
      else if (state === "head") reading++;
      else if (state === "linger") reading++;
      else writing++;
    }
    return { active: this.connections.size, reading, writing, waiting };
  }

  /** Closes connections that have been waiting for a request for at least `quietMs`. */
  closeIdle(quietMs: Ms): void {
    const at = eventTime();
    for (const connection of this.connections) {
      if (connection.state !== "head") continue;
      // Its deadline tells since when it waits.
      const since = connection.dueAt - (connection.requests > 0 ? connection.idleMs : headMsOf(connection));
      if (at - since >= quietMs) connection.closeIdle();
    }
  }

  /** Closes everything now. */
  close(): void {
    this.ending = true;
    this.draining = true;
    this.descriptors.close();
    if (this.#life) clearInterval(this.#life);
    for (const listener of this.#listeners) {
      listener.close();
      listener.destroyOpenings();
    }
    this.#listeners = [];
    for (const connection of this.connections) connection.destroy();
    this.runtime.close();
  }

  /** Does to an endpoint what somebody asked for; says what is wrong with what cannot be done. */
  act(action: EndpointAction): Promise<ActionResult> {
    return act(this.runtime.groups, action);
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
 * by host and place, so that two gateways in a row are no loop.
 */
function viaName(config: Config, place: unknown): string {
  if (config.name !== DEFAULT_NAME) return config.name;
  const unique = createHash("sha256").update(JSON.stringify([hostname(), place]));
  return `${DEFAULT_NAME}-${unique.digest("hex").slice(0, 8)}`;
}
