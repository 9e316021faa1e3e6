// The story of one connection in the lab: read a request, record it, find out whether a fault is due, else answer.
// One request at a time; what a fault or a handler left of the body is read before the next.
import type { Ms } from "../std/units.ts";
import { type LabResponse, sendAnswer } from "./answer.ts";
import type { LabRequest } from "./fault.ts";
import { FAULTS, type FaultCall, type FaultName } from "./faults.ts";
import type { Ending, Peer } from "./peer.ts";
import { type Field, RequestBody, type RequestHead, readHead, values } from "./request.ts";

/** A request as it reached the lab: what "the upstream got it" means in a test. */
export interface Delivery {
  readonly id: number;
  readonly method: string;
  readonly target: string;
  readonly version: string;
  /** As they came: order, case and duplicates kept. */
  readonly headers: readonly Field[];
  readonly connectionId: number;
  /** From 0. */
  readonly requestIndexOnConnection: number;
  /** Monotonic instant of the whole head. */
  readonly at: Ms;
  readonly body: RequestBody;
  /** Body bytes read so far. */
  readonly bodyBytes: number;
  readonly bodyComplete: boolean;
  /** What a strict server would object to in the request; [] = nothing. */
  readonly oddities: readonly string[];
  /** The fault that struck it. */
  readonly fault: FaultName | null;
  /** Monotonic instant at which the peer left before the lab was done with the request; null = it did not. */
  peerLeftAt: Ms | null;
}

/** What the connections ask of the lab they belong to. */
export interface Service {
  faultAtAccept(): FaultCall | null;
  faultOf(request: LabRequest): FaultCall | null;
  recorded(delivery: Delivery): void;
  /** A request that could not be read. */
  unreadable(connectionId: number, problem: string): void;
  nextDeliveryId(): number;
  /** Requests for the lab's own controls are no deliveries. */
  isControl(path: string): boolean;
  respond(request: LabRequest): Promise<LabResponse>;
  crash(downMs: Ms): void;
}

/** Serves a connection to its end. */
export async function serveConnection(peer: Peer, service: Service): Promise<void> {
  const call = service.faultAtAccept();
  const fault = call && FAULTS[call.name];
  let ending: Ending = "keep";
  if (fault?.how === "accept") {
    ending = await fault.run({ peer, options: call!.options, arrival: () => arrivalOn(peer) });
  }
  while (ending === "keep") {
    ending = (await nextRequest(peer)) ?? (await serveRequest(peer, service));
  }
  if (ending !== "handed-over") await peer.end(ending);
}

/** Waits for the next request; an ending where the connection is over instead. */
async function nextRequest(peer: Peer): Promise<Ending | null> {
  const { idle, armed } = peer;
  peer.idle = null;
  const timer = idle ? setTimeout(idle.act, idle.afterMs) : undefined;
  const first = await peer.read();
  clearTimeout(timer);
  if (first === null) return "fin";
  if (armed) return armed;
  peer.unread(first);
  return null;
}

async function arrivalOn(peer: Peer): Promise<void> {
  const first = await peer.read();
  if (first) peer.unread(first);
}

async function serveRequest(peer: Peer, service: Service): Promise<Ending> {
  const head = await readHead(peer);
  if (head === null) return "fin";
  if (typeof head === "string") {
    service.unreadable(peer.id, head);
    await peer.send(
      `HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: ${head.length + 1}\r\n\r\n${head}\n`,
    );
    return "fin";
  }
  const request = requestOf(peer, head);
  const call = service.faultOf(request);
  let delivery: Delivery | null = null;
  if (!service.isControl(request.path)) {
    delivery = deliveryOf(service.nextDeliveryId(), request, head, call?.name ?? null);
    const recorded = delivery;
    peer.onLeave = () => {
      recorded.peerLeftAt = performance.now();
    };
    service.recorded(delivery);
  }
  const ending = call ? await strike(peer, service, request, call) : await respond(peer, service, request);
  if (ending === "hang" || ending === "handed-over") return ending;
  peer.onLeave = null;
  if (ending !== "keep") return ending;
  await request.body.drain();
  return request.body.complete ? "keep" : "fin";
}

function requestOf(peer: Peer, head: RequestHead): LabRequest {
  // Absolute form too (RFC 9112 §3.2.2); anything else is taken as it stands.
  const local = head.target.replace(/^https?:\/\/[^/?]*/i, "");
  const mark = local.indexOf("?");
  return {
    method: head.method,
    target: head.target,
    path: mark < 0 ? local : local.slice(0, mark),
    query: new URLSearchParams(mark < 0 ? "" : local.slice(mark + 1)),
    version: head.version,
    headers: head.headers,
    body: new RequestBody(peer, head),
    connectionId: peer.id,
    requestIndexOnConnection: peer.requests++,
    gone: peer.gone,
    header: (name) => values(head.headers, name)[0],
  };
}

function deliveryOf(id: number, request: LabRequest, head: RequestHead, fault: FaultName | null): Delivery {
  const { body } = request;
  return {
    id,
    method: request.method,
    target: request.target,
    version: request.version,
    headers: request.headers,
    connectionId: request.connectionId,
    requestIndexOnConnection: request.requestIndexOnConnection,
    at: performance.now(),
    body,
    get bodyBytes() {
      return body.bytes;
    },
    get bodyComplete() {
      return body.complete;
    },
    get oddities() {
      return [...head.oddities, ...body.oddities];
    },
    fault,
    peerLeftAt: null,
  };
}

async function strike(peer: Peer, service: Service, request: LabRequest, call: FaultCall): Promise<Ending> {
  const fault = FAULTS[call.name];
  const scene = {
    peer,
    options: call.options,
    request,
    arrival: async () => {},
    answer: (response: LabResponse) => sendAnswer(peer, request, response),
    crash: service.crash,
  };
  if (fault.how === "listen") {
    const body = `${call.name} needs an address of its own: POST /lab/listen?fault=${call.name}\n`;
    return sendAnswer(peer, request, { status: 400, body });
  }
  if (fault.how !== "upload") await request.body.drain();
  return fault.run(scene);
}

async function respond(peer: Peer, service: Service, request: LabRequest): Promise<Ending> {
  try {
    return await sendAnswer(peer, request, await service.respond(request));
  } catch (error) {
    // A handler that throws is a bug of the lab or of the shop: shown, and the connection ends.
    process.stderr.write(`lab: ${request.method} ${request.target}: ${error instanceof Error ? error.stack : error}\n`);
    return "rst";
  }
}
