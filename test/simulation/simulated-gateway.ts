// The gateway of a simulated world: the program's own, with a dialler that needs no network, dice for chance, and no
// listeners. Clients are handed to it as a listener would hand them.
import type { Config } from "../../src/config/config.ts";
import type { ClientConnection } from "../../src/proxy/client-connection.ts";
import { Gateway } from "../../src/proxy/gateway.ts";
import type { Runtime } from "../../src/proxy/runtime.ts";
import { beginEvent, wheel } from "../../src/std/clock.ts";
import type { UpstreamGroup } from "../../src/upstream/group.ts";
import { dialIn } from "./dial.ts";
import type { SimulatedSocket } from "./socket.ts";
import type { World } from "./world.ts";

/** What one read brings, and one read of a large body: kept beyond the configured bound until an endpoint is there. */
const READ_BYTES = 64 * 1024;
const LARGE_READ_BYTES = 128 * 1024;
/** Clients that have been quiet for less are not closed where descriptors are short (descriptor-guard.ts). */
const QUIET_MS = 1_000;

export class SimulatedGateway {
  readonly gateway: Gateway;
  readonly #world: World;
  /** Every generation of the configuration. */
  readonly #runtimes: Runtime[];

  constructor(world: World) {
    this.#world = world;
    const log = {
      info: (message: string) => world.scheduler.trace(`log: ${message}`),
      warn: (message: string) => world.scheduler.trace(`log: ${message}`),
      error: (message: string) => world.violated(message),
    };
    this.gateway = new Gateway(world.configs[0]!, world, log, { dial: dialIn(world), random: world.dice.random });
    this.gateway.start().catch((error: unknown) => world.violated(String(error)));
    this.#runtimes = [this.gateway.runtime];
  }

  accept(connection: ClientConnection, socket: SimulatedSocket, reads: "onread" | "events"): void {
    connection.attach(socket.asSocket, reads);
    beginEvent();
    this.gateway.connections.add(connection);
    connection.opened();
    if (reads === "onread") socket.resume();
  }

  /** Goes over to another configuration. */
  reload(config: Config): void {
    this.#world.scheduler.trace("reload");
    beginEvent();
    this.gateway.turnTo(config, this.#world);
    this.#runtimes.push(this.gateway.runtime);
  }

  /** Descriptors run out, or are there again: connections end behind their answers meanwhile. */
  shortOfDescriptors(short: boolean): void {
    this.#world.scheduler.trace(short ? "descriptors are short" : "descriptors are there again");
    beginEvent();
    this.gateway.pauseAccepting(short);
    if (short) this.gateway.closeIdle(QUIET_MS);
  }

  /** At any time: buffers are within their bounds. */
  checkBounds(): void {
    for (const { exchange } of this.gateway.connections) {
      if (!exchange?.body || !exchange.group) continue;
      const { keptBytes } = exchange.body;
      if (keptBytes > Math.max(exchange.group.config.retry.bodyBytes, READ_BYTES) + LARGE_READ_BYTES)
        this.#world.violated(`${keptBytes} bytes of the body of request ${exchange.requestId} are kept`);
    }
    for (const { groups } of this.#runtimes) for (const group of groups.values()) this.#checkRoom(group);
    for (const group of this.gateway.runtime.groups.values()) this.#checkAwake(group);
  }

  /** Nobody waits for an endpoint that has room, where it is the only one and nothing is wrong with it. */
  #checkAwake({ room, endpoints, outageSince, adaptive, judge }: UpstreamGroup): void {
    const [only, ...others] = endpoints;
    if (room.size === 0 || !only || others.length > 0 || outageSince > 0 || adaptive || room.pacing) return;
    if (judge.closed && only.standing.out === 0 && only.hasRoom)
      this.#world.violated(`${room.size} requests wait for ${only.label}, which has room`);
  }

  #checkRoom(group: UpstreamGroup): void {
    const { room, budget, endpoints, config } = group;
    if (room.size < 0 || budget.requests < 0 || budget.retries < 0)
      this.#world.violated(`counters below zero: ${room.size}, ${budget.requests}, ${budget.retries}`);
    for (const { label, active, pool } of endpoints) {
      if (active < 0) this.#world.violated(`${label}: ${active} attempts are active`);
      const allowed = this.#mostRequests(config.name, label);
      if (active > allowed) this.#world.violated(`${label}: ${active} requests in flight, ${allowed} are allowed`);
      const { connections } = config.limits;
      if (connections > 0 && pool.open > connections)
        this.#world.violated(`${label}: ${pool.open} connections, ${connections} are allowed`);
    }
  }

  /** What an endpoint may have in flight: under a lower limit, what an earlier generation began may still run. */
  #mostRequests(upstream: string, label: string): number {
    const limits = this.#runtimes.flatMap(({ groups }) =>
      (groups.get(upstream)?.endpoints ?? []).filter((e) => e.label === label).map((e) => e.requestsMax || Infinity),
    );
    return Math.max(...limits);
  }

  /** Every client has gone: what has to be over by now. */
  checkQuiet(): void {
    const { connections, log } = this.gateway;
    if (connections.size > 0) log.error(`${connections.size} client connections are open`);
    for (const [generation, { groups }] of this.#runtimes.entries()) {
      for (const group of groups.values()) this.#checkGroup(group, generation);
    }
  }

  #checkGroup({ room, budget, endpoints, config }: UpstreamGroup, generation: number): void {
    const most = config.limits.connections;
    const wrong = (what: string): void => this.#world.violated(`at rest, generation ${generation}: ${what}`);
    if (room.size !== 0 || room.held !== 0 || room.bytes !== 0)
      wrong(`${room.size} requests wait (${room.held} held, ${room.bytes} bytes)`);
    if (budget.requests !== 0) wrong(`${budget.requests} requests count as in flight`);
    if (budget.retries !== 0) wrong(`${budget.retries} retries count as in flight`);
    for (const { label, active, pool, standing } of endpoints) {
      if (active !== 0) wrong(`${label}: ${active} attempts count as active`);
      if (pool.open !== pool.idle) wrong(`${label}: ${pool.open} connections, ${pool.idle} of them idle`);
      if (most > 0 && pool.open < most && !pool.mayOpen) wrong(`${label}: connects that are over count as under way`);
      const { phase, probing, succeeded } = standing.breaker;
      if (phase === "half-open" && probing !== succeeded)
        wrong(`${label}: ${probing} probes are out, ${succeeded} have succeeded`);
    }
  }

  close(): void {
    beginEvent();
    this.gateway.close();
  }

  /** The gateway has closed: nothing is left of it. */
  checkGone(): void {
    const world = this.#world;
    if (wheel.size > 0) world.violated(`${wheel.size} timers are left`);
    for (const { label, connections } of world.origins.values()) {
      const open = [...connections].filter(({ lost }) => !lost);
      if (open.length > 0) world.violated(`${label} still has ${open.length} connections`);
    }
    for (const [generation, { groups }] of this.#runtimes.entries()) {
      for (const { endpoints } of groups.values()) {
        for (const { label, pool } of endpoints) {
          if (pool.open > 0) world.violated(`${label} of generation ${generation}: ${pool.open} connections are left`);
        }
      }
    }
  }
}
