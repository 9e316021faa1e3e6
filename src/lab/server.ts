// The lab: an HTTP server on bare sockets that misbehaves on request in each way that faults.ts names, and records
// every request that reached it. Ordinary requests go to a handler, so the demo's shop is a handler on the same server.
// A fault is chosen, in this order: by the listener, by X-Lab-Fault, by the path /lab/fault/NAME, by the queue of
// next(), by what setFault() left standing.
import { createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Ms } from "../std/units.ts";
import type { LabResponse } from "./answer.ts";
import { controlResponse, isControlPath } from "./control.ts";
import type { FaultOptions, LabRequest, Opened } from "./fault.ts";
import { FAULTS, type FaultCall, type FaultName, isFaultName, readFaultField, readOptions } from "./faults.ts";
import { authority, openPort } from "./faults-listen.ts";
import { goodResponse } from "./good.ts";
import { Peer } from "./peer.ts";
import { type Delivery, type Service, serveConnection } from "./serve.ts";

const DELIVERIES_MAX = 10_000;
const FAULT_PATH = "/lab/fault/";

/** Answers an ordinary request; null = not mine. */
export type LabHandler = (request: LabRequest) => LabResponse | null | Promise<LabResponse | null>;

export interface LabOptions {
  readonly host?: string;
  readonly port?: number;
  /** Asked first; what it leaves goes to the lab's own pages. */
  readonly handler?: LabHandler;
}

/** Starts a lab; port 0 (the default) takes a free port. */
export async function startLab(options: LabOptions = {}): Promise<Lab> {
  const lab = new Lab(options);
  await lab.listen();
  return lab;
}

export class Lab {
  readonly host: string;
  port: number;
  /** The last 10,000 requests, oldest first. */
  readonly deliveries: Delivery[] = [];
  /** Requests that could not be read, with the reason. */
  readonly unreadable: { readonly connectionId: number; readonly problem: string }[] = [];
  readonly connections = { open: 0, total: 0 };
  readonly #handler: LabHandler | null;
  readonly #queue: FaultCall[] = [];
  readonly #opened = new Set<Opened>();
  readonly #sockets = new Set<Socket>();
  #standing: FaultCall | null = null;
  #server: Server | null = null;
  #deliveryCount = 0;
  #comeBack: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: LabOptions) {
    this.host = options.host ?? "127.0.0.1";
    this.port = options.port ?? 0;
    this.#handler = options.handler ?? null;
  }

  /** "127.0.0.1:8503" */
  get address(): string {
    return authority(this.host, this.port);
  }

  get url(): string {
    return "http://" + this.address;
  }

  /** The fault that strikes every request; null = none. */
  get standing(): FaultName | null {
    return this.#standing?.name ?? null;
  }

  /** Something accepts connections at the address. */
  get listening(): boolean {
    return this.#server !== null;
  }

  /** Deliveries whose target is the path, with or without a query. */
  deliveriesOf(path: string): Delivery[] {
    return this.deliveries.filter(({ target }) => target === path || target.startsWith(path + "?"));
  }

  /** Forgets deliveries and what is queued or standing. */
  clear(): void {
    this.deliveries.length = 0;
    this.unreadable.length = 0;
    this.#queue.length = 0;
    this.#standing = null;
  }

  /** The next `count` requests (connections, for faults at accept) meet the fault. */
  next(name: FaultName, count = 1, options: FaultOptions = {}): void {
    refuseListenFault(name);
    for (let left = count; left > 0; left--) this.#queue.push({ name, options });
  }

  /** Every request meets the fault from now on; null = none. */
  setFault(name: FaultName | null, options: FaultOptions = {}): void {
    if (name) refuseListenFault(name);
    this.#standing = name ? { name, options } : null;
  }

  /** Opens an address where every connection meets the fault; it closes with the lab. */
  async listener(name: FaultName, options: FaultOptions = {}): Promise<Opened> {
    const fault = FAULTS[name];
    const inner =
      fault.how === "listen" ? await this.#openListenFault(name, options) : await this.#openWith({ name, options });
    const opened: Opened = {
      ...inner,
      close: async () => {
        this.#opened.delete(opened);
        await inner.close();
      },
    };
    this.#opened.add(opened);
    return opened;
  }

  /** Stops listening, resets every connection, and listens again after the time. */
  async restart(downMs: Ms): Promise<void> {
    this.#stop();
    await new Promise((resolve) => setTimeout(resolve, downMs));
    await this.listen();
  }

  /** As restart, but does not wait; Infinity = until somebody says `crash(0)` or listen(). */
  crash(downMs: Ms): void {
    this.#stop();
    if (this.#closed || downMs === Number.POSITIVE_INFINITY) return;
    this.#comeBack = setTimeout(() => {
      this.listen().catch((error: unknown) => {
        // Somebody took the port meanwhile.
        process.stderr.write(`lab: cannot listen again: ${error instanceof Error ? error.message : error}\n`);
      });
    }, downMs);
  }

  /** Listens, where it does not yet. */
  async listen(): Promise<void> {
    clearTimeout(this.#comeBack);
    if (this.#server) return;
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
      this.#serve(socket, socket, null);
    });
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error) => {
        this.#server = null;
        reject(error);
      });
      server.listen(this.port, this.host, resolve);
    });
    const address = server.address();
    if (address && typeof address === "object") this.port = address.port;
  }

  /** Ends everything: listener, connections, extra addresses. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#stop();
    await Promise.all([...this.#opened].map((opened) => opened.close()));
  }

  #stop(): void {
    clearTimeout(this.#comeBack);
    this.#server?.close();
    this.#server = null;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** An address where `fixed` strikes every connection. */
  async #openWith(fixed: FaultCall): Promise<Opened> {
    const port = await openPort(this.host, (socket) => this.#serve(socket, socket, fixed));
    return { address: port.address, close: port.close };
  }

  #openListenFault(name: FaultName, options: FaultOptions): Promise<Opened> {
    const fault = FAULTS[name];
    if (fault.how !== "listen") throw new Error(name + " is no fault of an address");
    return fault.open({ host: this.host, options, serve: (stream, raw) => this.#serve(stream, raw, null) });
  }

  #serve(stream: Duplex, raw: Socket, fixed: FaultCall | null): void {
    const peer = new Peer(this.connections.total++, stream, raw);
    this.connections.open++;
    raw.on("close", () => {
      this.connections.open--;
    });
    serveConnection(peer, this.#service(fixed)).catch((error: unknown) => {
      process.stderr.write(`lab: ${error instanceof Error ? error.stack : error}\n`);
      peer.reset();
    });
  }

  #service(fixed: FaultCall | null): Service {
    const atAccept = (call: FaultCall | null | undefined) => (call && FAULTS[call.name].how === "accept" ? call : null);
    return {
      faultAtAccept: () => {
        if (fixed) return atAccept(fixed);
        return atAccept(this.#queue[0]) ? (this.#queue.shift() ?? null) : atAccept(this.#standing);
      },
      faultOf: (request) => this.#faultOf(request, fixed),
      isControl: isControlPath,
      nextDeliveryId: () => this.#deliveryCount++,
      recorded: (delivery) => {
        if (this.deliveries.push(delivery) > DELIVERIES_MAX) this.deliveries.shift();
      },
      unreadable: (connectionId, problem) => {
        if (this.unreadable.push({ connectionId, problem }) > DELIVERIES_MAX) this.unreadable.shift();
      },
      respond: (request) => this.#respond(request),
      crash: (downMs) => this.crash(downMs),
    };
  }

  async #respond(request: LabRequest): Promise<LabResponse> {
    const field = request.header("x-lab-fault");
    const wrong = field ?? (request.path.startsWith(FAULT_PATH) ? request.path.slice(FAULT_PATH.length) : null);
    // A fault that was asked for and not found must not look like a success.
    if (wrong !== null && !isControlPath(request.path)) {
      return { status: 404, body: `The lab has no fault called ${wrong}; /lab/faults lists them.\n` };
    }
    return (
      (await this.#handler?.(request)) ??
      (await controlResponse(this, request)) ??
      (await goodResponse(request)) ?? { status: 404, body: "The lab has no such page; /lab/ lists what it has.\n" }
    );
  }

  #faultOf(request: LabRequest, fixed: FaultCall | null): FaultCall | null {
    if (fixed) return fixed;
    if (isControlPath(request.path)) return null;
    const field = request.header("x-lab-fault");
    if (field) return readFaultField(field);
    if (request.path.startsWith(FAULT_PATH)) {
      const name = request.path.slice(FAULT_PATH.length);
      return isFaultName(name) ? { name, options: readOptions((key) => request.query.get(key)) } : null;
    }
    const next = this.#queue[0];
    if (next && FAULTS[next.name].how !== "accept") return this.#queue.shift() ?? null;
    return this.#standing;
  }
}

function refuseListenFault(name: FaultName): void {
  if (FAULTS[name].how === "listen") throw new Error(`${name} needs an address of its own: use listener("${name}")`);
}
