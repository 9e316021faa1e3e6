// A target on loopback and the probe of it; servers that do exactly what a test wants; a small DNS server.
import dgram from "node:dgram";
import { once } from "node:events";
import net from "node:net";
import tls from "node:tls";
import { afterEach } from "vitest";
import { now } from "../../std/clock.ts";
import { answerTo, askedFor, type TestRecord } from "../../wire/dns-message.fixture.ts";
import type { HttpTry, ProbeLimits, Target, TargetEvidence } from "../evidence.ts";
import { type NameSources, type ProbeContext, probeTarget, RequestBudget } from "./probe.ts";

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

/** Runs when the test is over. */
export function afterwards(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}

export const LIMITS: ProbeLimits = {
  requestsMax: 10,
  totalMs: 8_000,
  connectMs: 2_000,
  tlsMs: 2_000,
  headMs: 1_500,
  idleMs: 300,
  upgrade: false,
  resolver: null,
};

/** Nothing but what a test says: no name is asked for outside. */
const NO_NAMES: NameSources = {
  servers: [],
  lookup: (host) =>
    host === "localhost"
      ? Promise.resolve([{ address: "127.0.0.1" }])
      : Promise.reject(Object.assign(new Error("unknown"), { code: "ENOTFOUND" })),
};

export interface Probing {
  readonly target?: Partial<Target>;
  readonly limits?: Partial<ProbeLimits>;
  readonly context?: Partial<ProbeContext>;
}

/** A target at "127.0.0.1:4000" or "unix:/run/app.sock". */
export function targetAt(address: string, more: Partial<Target> = {}): Target {
  const unix = address.startsWith("unix:");
  const colon = address.lastIndexOf(":");
  return {
    id: "url",
    role: "url",
    depth: 0,
    scheme: "http",
    spot: unix
      ? { kind: "unix", path: address.slice(5) }
      : { kind: "tcp", host: address.slice(0, colon), port: Number(address.slice(colon + 1)) },
    host: unix ? "localhost" : address,
    serverName: null,
    verify: true,
    path: "/",
    ca: [],
    pool: null,
    ...more,
  };
}

/** Probes an address. */
export function probing(address: string, { target, limits, context }: Probing = {}): Promise<TargetEvidence> {
  const all = { ...LIMITS, ...limits };
  return probeTarget(targetAt(address, target), all, {
    userAgent: "goodgate-doctor/test",
    requestIdPrefix: "test-",
    deadlineAt: now() + all.totalMs,
    budget: new RequestBudget(all.requestsMax),
    onStep: () => {},
    redirects: false,
    names: NO_NAMES,
    ...context,
  });
}

/** The first try of a kind. */
export function tryOf(evidence: TargetEvidence, what: HttpTry["what"]): HttpTry {
  const found = evidence.http.find((one) => one.what === what);
  if (!found) throw new Error(`no ${what} among ${evidence.http.map((one) => one.what).join(", ")}`);
  return found;
}

/** Brings a server up; "127.0.0.1:PORT". */
export async function listening(server: net.Server, host = "127.0.0.1"): Promise<string> {
  server.on("connection", (socket: net.Socket) => {
    socket.on("error", () => socket.destroy());
    afterwards(() => socket.destroy());
  });
  server.listen(0, host);
  await once(server, "listening");
  afterwards(() => server.close());
  const { port } = server.address() as net.AddressInfo;
  return `${host}:${port}`;
}

/** A request as a server saw it. */
export interface SeenRequest {
  readonly line: string;
  readonly text: string;
  /** On its connection, from 1. */
  readonly number: number;
  readonly connection: number;
}

/** A server that calls `answer` with each request. */
export async function serving(
  answer: (socket: net.Socket, request: SeenRequest) => void,
  secure: tls.TlsOptions | null = null,
): Promise<{ address: string; requests: SeenRequest[] }> {
  const requests: SeenRequest[] = [];
  let connections = 0;
  const onConnection = (socket: net.Socket) => {
    const connection = ++connections;
    let number = 0;
    let text = "";
    socket.on("error", () => socket.destroy());
    socket.on("data", (bytes: Buffer) => {
      text += bytes.toString("latin1");
      for (let end = text.indexOf("\r\n\r\n"); end >= 0; end = text.indexOf("\r\n\r\n")) {
        const request = {
          line: text.slice(0, text.indexOf("\r\n")),
          text: text.slice(0, end + 4),
          number: ++number,
          connection,
        };
        text = text.slice(end + 4);
        requests.push(request);
        answer(socket, request);
      }
    });
  };
  const server = secure ? tls.createServer(secure, onConnection) : net.createServer(onConnection);
  if (secure) server.on("tlsClientError", () => {});
  return { address: await listening(server), requests };
}

/** A whole response. */
export function response(status: string, body: string | Buffer, fields = ""): Buffer {
  const bytes = Buffer.from(body);
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status}\r\nContent-Length: ${bytes.length}\r\n${fields}\r\n`), bytes]);
}

/** A DNS server over UDP that says what a test wants; null = it is silent. */
export async function dnsServer(
  reply: (asked: { readonly name: string; readonly type: number }) => {
    readonly records?: readonly TestRecord[];
    readonly code?: number;
    readonly truncated?: boolean;
  } | null,
): Promise<{ address: string; asked: string[] }> {
  const socket = dgram.createSocket("udp4");
  const asked: string[] = [];
  socket.on("message", (question, from) => {
    const what = askedFor(question);
    asked.push(`${what.type} ${what.name}`);
    const said = reply(what);
    if (said) socket.send(answerTo(question, said.records ?? [], said), from.port, from.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  afterwards(() => socket.close());
  return { address: `127.0.0.1:${socket.address().port}`, asked };
}
