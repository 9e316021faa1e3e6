// One simulated world: a gateway with its configuration, origins, clients and a network between them, all drawn from one
// seed, and the book in which every request, delivery and outcome is entered and checked as it happens.
import type { Config } from "../../src/config/config.ts";
import type { OnRead } from "../../src/net/connection.ts";
import { type ExchangeRecord, statusOf } from "../../src/observe/record.ts";
import { ClientConnection } from "../../src/proxy/client-connection.ts";
import type { UpstreamEvent } from "../../src/upstream/events.ts";
import { Client } from "./client.ts";
import { Dice } from "./dice.ts";
import { Link } from "./link.ts";
import { bodyFor, type MessageHead } from "./message.ts";
import { Origin } from "./origin.ts";
import { type Delivery, isIdempotentMethod, type Outcome, type RequestRecord, requestOf } from "./requests.ts";
import { Scheduler } from "./scheduler.ts";
import { attemptsMax, configOf, KEYED_PREFIX, labelsOf, longestMs } from "./settings.ts";
import { SimulatedGateway } from "./simulated-gateway.ts";
import { SimulatedSocket } from "./socket.ts";
import { type Climate, climateOf, weatherOf } from "./weather.ts";

const LARGE_BYTES_MAX = 200_000;

const LISTENER = { label: "sim", address: { kind: "unix", path: "" }, tls: false } as const;

export class World {
  readonly scheduler = new Scheduler();
  readonly dice: Dice;
  readonly climate: Climate;
  readonly largeBytes: number;
  readonly labels: readonly string[];
  readonly configs: Config[] = [];
  readonly origins = new Map<string, Origin>();
  readonly requests: RequestRecord[] = [];
  readonly gateway: SimulatedGateway;
  readonly violations: string[] = [];
  /** How often each outcome, status or cause was met. */
  readonly counts = new Map<string, number>();
  readonly #recorded = new Map<string, number>();
  /** Requests whose response was cut by the gateway on purpose, since the origin's was. */
  readonly #cut = new Set<string>();
  /** When the gateway had handed on the last byte of a response. */
  readonly #answeredAt = new Map<string, number>();
  #connections = 0;

  constructor(seed: number) {
    this.dice = new Dice(seed);
    const { dice } = this;
    this.climate = climateOf(dice);
    // What takes many round trips would only take long.
    this.largeBytes = Math.round(Math.min(LARGE_BYTES_MAX, 4_000_000 / this.climate.lagMsMax));
    this.labels = labelsOf(dice);
    this.configs.push(configOf(dice, this.labels));
    for (const label of this.labels) this.origins.set(label, new Origin(this, label));
    this.gateway = new SimulatedGateway(this);
    this.scheduler.afterStep = () => this.gateway.checkBounds();
    this.#populate();
    this.#troubles();
  }

  #populate(): void {
    const { dice } = this;
    const count = dice.whole(20, 200);
    const overMs = dice.spread(200, 20_000);
    while (this.requests.length < count) {
      const asks = dice.chance(0.4) ? 1 : dice.whole(1, 8);
      const requests = Array.from({ length: asks }, (_, index) =>
        requestOf(dice, this.requests.length + index + 1, KEYED_PREFIX, this.largeBytes),
      );
      this.requests.push(...requests);
      this.arriveAfter(dice.between(0, overMs), requests);
    }
  }

  /** Plans a client with these requests. */
  arriveAfter(delayMs: number, requests: readonly RequestRecord[]): void {
    this.scheduler.after(delayMs, () => this.#arrive(requests));
  }

  #arrive(requests: readonly RequestRecord[]): void {
    const connection = new ClientConnection(this.gateway.gateway, LISTENER, "192.0.2.9", 1, false);
    const plain = this.dice.chance(0.7);
    const { link, socket } = this.connect("client", "client", plain ? connection.onRead() : null);
    const client = new Client(this, link, requests);
    this.gateway.accept(connection, socket, plain ? "onread" : "events");
    client.start();
  }

  /** Restarts, reloads, and moments in which the process has no time. */
  #troubles(): void {
    const { dice, scheduler, climate } = this;
    for (const origin of this.origins.values()) {
      for (let i = 0; i < climate.restarts; i++) {
        const at = dice.between(0, 20_000);
        scheduler.after(at, () => origin.stop(dice.chance(0.8) ? "refused" : "silent"));
        scheduler.after(at + dice.spread(5, 10_000), () => origin.start());
      }
    }
    if (dice.chance(0.3)) {
      scheduler.after(dice.between(0, 15_000), () => {
        const config = configOf(dice, dice.chance(0.7) ? this.labels : this.labels.slice(0, 1));
        this.configs.push(config);
        this.gateway.reload(config);
      });
    }
    if (dice.chance(0.2)) scheduler.after(dice.between(0, 15_000), () => scheduler.stall(dice.spread(5, 1_500)));
    if (dice.chance(0.15)) {
      const at = dice.between(0, 15_000);
      scheduler.after(at, () => this.gateway.shortOfDescriptors(true));
      scheduler.after(at + dice.spread(10, 3_000), () => this.gateway.shortOfDescriptors(false));
    }
  }

  /** A connection between the gateway and somebody. */
  connect(to: "client" | "origin", name: string, onread: OnRead | null): { link: Link; socket: SimulatedSocket } {
    const { dice, climate, scheduler } = this;
    const label = `${name}#${++this.#connections}`;
    const link = new Link(scheduler, dice, label, weatherOf(dice, climate, to), weatherOf(dice, climate, to));
    return { link, socket: new SimulatedSocket(scheduler, link, onread, this) };
  }

  violated(what: string): void {
    // Behind the first line a stack may follow, with paths of this machine.
    this.scheduler.trace(`VIOLATED: ${what.split("\n", 1)[0]}`);
    this.violations.push(what);
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  /** Requests without an outcome. */
  get openRequests(): number {
    return this.requests.reduce((sum, { outcome }) => sum + (outcome ? 0 : 1), 0);
  }

  longestMs(): number {
    const { lagMsMax } = this.climate;
    const transferMs = (this.largeBytes / 2_048) * 3 * lagMsMax + 2_000;
    return Math.max(
      ...this.configs.map((config) => {
        const upstream = [...config.upstreams.values()][0]!;
        const quiet = 7 * Math.min(6_000, upstream.timeouts.idleBodyMs);
        return longestMs(config) + quiet + (attemptsMax(config, true) + 2) * transferMs + 3_000;
      }),
    );
  }

  #requestOf(head: MessageHead): RequestRecord {
    const id = Number(head.fields.get("x-request-id"));
    const request = this.requests[id - 1];
    if (!request) throw new Error(`no request ${id}: ${head.line}`);
    return request;
  }

  /** A request head has reached an application. */
  delivered(head: MessageHead, endpoint: string): Delivery {
    const request = this.#requestOf(head);
    const key = `${request.id}.${request.deliveries.length + 1}`;
    const delivery = { key, endpoint, at: this.scheduler.now, closeDelimited: false, endedInOrder: false };
    request.deliveries.push(delivery);
    this.scheduler.trace(`${endpoint} gets ${head.line} (${key})`);
    const count = request.deliveries.length;
    if (!isIdempotentMethod(request.method) && !request.keyed && count > 1)
      this.violated(`${request.method} ${request.id} reached an application ${count} times`);
    const most = Math.max(...this.configs.map((config) => attemptsMax(config, request.keyed)));
    if (count > most) this.violated(`request ${request.id} was delivered ${count} times, ${most} are allowed`);
    return delivery;
  }

  /** The application takes this body for whole. */
  checkUpload(head: MessageHead, body: Buffer): void {
    const request = this.#requestOf(head);
    if (!body.equals(bodyFor(`up${request.id}`, request.bodyBytes)))
      this.violated(`the body of request ${request.id} is wrong: ${body.length} of ${request.bodyBytes} bytes`);
  }

  /** The client takes this response for whole. */
  checkResponse(request: RequestRecord, head: MessageHead, body: Buffer): void {
    const mark = head.fields.get("x-simulated");
    this.scheduler.trace(`client gets ${head.line} for ${request.id}, ${body.length} bytes`);
    if (mark === undefined) return this.#checkOwn(request, head);
    const [key = "", length = ""] = mark.split(";");
    const delivery = request.deliveries.find((one) => one.key === key);
    if (!delivery) return this.violated(`request ${request.id} was answered with what belongs to ${key}`);
    if (request.method === "HEAD" || request.status === 204) return;
    const expected = bodyFor(key, Number(length));
    const mayBeShort = delivery.closeDelimited && delivery.endedInOrder;
    if (body.length < expected.length && !mayBeShort)
      this.violated(`request ${request.id}: ${body.length} of ${length} bytes were shown as the whole`);
    if (!body.equals(expected.subarray(0, body.length)))
      this.violated(`request ${request.id} was answered with other bytes than the origin's`);
  }

  /** A response that the gateway made: an honest error. */
  #checkOwn(request: RequestRecord, head: MessageHead): void {
    this.count(`own ${request.status}`);
    if (request.status < 400) this.violated(`request ${request.id}: nobody has said ${head.line}`);
    if (request.status >= 500 && !head.fields.has("proxy-status"))
      this.violated(`request ${request.id}: ${request.status} without Proxy-Status`);
  }

  /** The gateway has handed on a whole response, and the client still has time to take it. */
  isAnswered(request: RequestRecord): boolean {
    const timeMs = Math.min(...this.configs.map(({ client }) => client.timeouts.sendMs));
    const at = this.#answeredAt.get(String(request.id));
    return at !== undefined && this.scheduler.now - at < timeMs;
  }

  /** The response had begun, and was cut since it could not be ended. */
  wasCut(request: RequestRecord): boolean {
    return this.#cut.has(String(request.id));
  }

  settle(request: RequestRecord, outcome: Outcome): void {
    if (request.outcome) return this.violated(`request ${request.id}: ${outcome} after ${request.outcome}`);
    request.outcome = outcome;
    this.count(outcome);
    this.scheduler.trace(`request ${request.id}: ${outcome}`);
  }

  upstreamEvent(event: UpstreamEvent): void {
    const { kind, at: _, upstream: __, ...rest } = event;
    this.count(`event ${kind}`);
    this.scheduler.trace(`event ${kind} ${JSON.stringify(rest)}`);
  }

  /** The gateway's own record of an exchange. */
  exchangeEnded(record: ExchangeRecord): void {
    const { requestId, failure } = record;
    const known = /^\d+$/.test(requestId);
    const tries = record.attempts.map(({ endpoint, status, failure: why }) => `${endpoint} ${status || why?.cause}`);
    this.scheduler.trace(
      `record ${known ? requestId : "-"} ${statusOf(record)} ${failure?.cause ?? "fine"} [${tries.join(", ")}]`,
    );
    this.count(failure?.cause ?? "fine");
    if (record.heldMs > 0) this.count("held");
    if (record.queuedMs > 0) this.count("queued");
    if (record.attempts.length > 1) this.count(failure ? "retried in vain" : "retried, and mended");
    if (record.endedAt < record.startedAt) this.violated(`record of ${requestId}: it ended before it began`);
    if (!known) return;
    const count = (this.#recorded.get(requestId) ?? 0) + 1;
    this.#recorded.set(requestId, count);
    if (record.aborted && record.respondedAt > 0) this.#cut.add(requestId);
    if (!record.aborted) this.#answeredAt.set(requestId, record.endedAt);
    if (count > 1) this.violated(`request ${requestId} was recorded ${count} times`);
  }
}
