// Faults that are properties of an address, so each gets an address of its own: nothing listens there, nobody accepts,
// the name does not resolve, the resolver is silent, the TLS handshake goes wrong.
// Where a certificate is needed it is made then and there.
import { createSocket } from "node:dgram";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer as createNetServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TLSSocket, type TLSSocketOptions } from "node:tls";
import { Worker } from "node:worker_threads";
import type { CauseId } from "../failure/causes.ts";
import type { Ms } from "../std/units.ts";
import { makeCertificates, type TestCertificates } from "./certificates.ts";
import type { Fault, ListenScene, Opened, Stage } from "./fault.ts";
import { faultTable } from "./fault.ts";

function listens(
  cause: CauseId | null,
  stage: Stage,
  description: string,
  open: (scene: ListenScene) => Promise<Opened>,
): Fault {
  return { how: "listen", cause, stage, description, provoke: "get", open };
}

/** A plain name, nothing to open. */
function addressOnly(address: string): () => Promise<Opened> {
  return async () => ({ address, close: async () => {} });
}

/** "127.0.0.1:80", "[::1]:80" */
export function authority(host: string, port: number): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

interface Port {
  readonly address: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Listens on an ephemeral port and hands each connection over; closing ends all of them. */
export async function openPort(host: string, accept: (socket: Socket) => void): Promise<Port> {
  const sockets = new Set<Socket>();
  const server: Server = createNetServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    accept(socket);
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, host, resolve));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return {
    address: authority(host, port),
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/**
 * A port that nobody can listen on while it is open: an outgoing connection owns it. A closed listener's port could
 * be given to the next program that asks.
 */
async function openRefusing({ host }: ListenScene): Promise<Opened> {
  const server = await openPort(host, (socket) => socket.on("error", () => socket.destroy()).resume());
  const owner = connect(server.port, host);
  await new Promise<void>((resolve, reject) => owner.once("error", reject).once("connect", resolve));
  return {
    address: authority(host, owner.localPort ?? 0),
    close: async () => {
      owner.destroy();
      await server.close();
    },
  };
}

/** A thread that listens and then never looks at its socket again: the kernel's accept queue fills. */
const DEAF_LISTENER = `
  const { parentPort, workerData } = require("node:worker_threads");
  const server = require("node:net").createServer();
  server.listen(workerData.listen, () => {
    const address = server.address();
    parentPort.postMessage(typeof address === "string" ? address : address.port);
    setImmediate(() => Atomics.wait(new Int32Array(workerData.gate), 0, 0));
  });
`;
const BACKLOG = 1;

async function openDeaf(listen: object): Promise<{ place: string | number; close(): Promise<void> }> {
  const worker = new Worker(DEAF_LISTENER, { eval: true, workerData: { listen, gate: new SharedArrayBuffer(4) } });
  const place = await new Promise<string | number>((resolve, reject) => {
    worker.once("error", reject).once("message", resolve);
  });
  // Linux lets the queue hold one more than the backlog; further SYNs are dropped, further Unix connects get EAGAIN.
  const fillers: Socket[] = [];
  for (let filled = 0; filled <= BACKLOG; filled++) {
    const filler = typeof place === "string" ? connect(place) : connect(place, "127.0.0.1");
    fillers.push(filler);
    await new Promise<void>((resolve, reject) => filler.once("error", reject).once("connect", resolve));
    filler.on("error", () => filler.destroy());
  }
  return {
    place,
    close: async () => {
      for (const filler of fillers) filler.destroy();
      await worker.terminate();
    },
  };
}

async function openBlackHole(): Promise<Opened> {
  const deaf = await openDeaf({ port: 0, host: "127.0.0.1", backlog: BACKLOG });
  return { address: `127.0.0.1:${deaf.place}`, close: deaf.close };
}

/** Opens something at a Unix path in a folder that goes away with it. */
async function atUnixPath(open: (path: string) => Promise<() => Promise<void>>): Promise<Opened> {
  const folder = await mkdtemp(join(tmpdir(), "goodgate-lab-"));
  const path = join(folder, "app.sock");
  const closeInner = await open(path);
  return {
    address: `unix:${path}`,
    close: async () => {
      await closeInner();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The socket file of a process that died: it is there, nobody listens. */
async function leaveStaleSocket(path: string): Promise<void> {
  const code = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  const { spawn } = await import("node:child_process");
  await new Promise<void>((resolve, reject) => {
    spawn(process.execPath, ["-e", code], { stdio: "ignore" })
      .once("error", reject)
      .once("exit", () => resolve());
  });
}

const addresses = faultTable({
  refuse: listens("connect-refused", "listen", "Nothing listens at the address.", openRefusing),
  "black-hole": listens("connect-timeout", "listen", "The accept queue is full: each SYN is dropped.", openBlackHole),
  unroutable: listens(
    "network-unreachable",
    "listen",
    "An address that no TCP connection can go to (multicast).",
    addressOnly("224.0.0.1:80"),
  ),
  "socket-missing": listens("socket-missing", "listen", "A Unix socket path that does not exist.", () =>
    atUnixPath(async () => async () => {}),
  ),
  "socket-stale": listens(
    "connect-refused",
    "listen",
    "A Unix socket whose process was killed: the file is there, nobody listens.",
    () =>
      atUnixPath(async (path) => {
        await leaveStaleSocket(path);
        return async () => {};
      }),
  ),
  "backlog-full": listens("upstream-saturated", "listen", "A Unix socket whose accept queue is full: EAGAIN.", () =>
    atUnixPath(async (path) => (await openDeaf({ path, backlog: BACKLOG })).close),
  ),
});

/** A DNS server on UDP that answers every question with one response code, or not at all. */
async function openDns(host: string, rcode: number | null): Promise<Opened> {
  const socket = createSocket("udp4");
  socket.on("message", (query, from) => {
    if (rcode === null || query.length < 12) return;
    // Header and question come back as they were; QR and RA set, no records (RFC 1035 §4.1.1).
    const reply = Buffer.from(query);
    reply[2] = (query[2]! & 0x79) | 0x80;
    reply[3] = 0x80 | rcode;
    reply.fill(0, 6, 12);
    socket.send(reply.subarray(0, questionEnd(reply)), from.port, from.address);
  });
  await new Promise<void>((resolve, reject) => socket.once("error", reject).bind(0, host, resolve));
  return {
    address: authority(host, socket.address().port),
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

function questionEnd(message: Buffer): number {
  let at = 12;
  while (at < message.length && message[at] !== 0) at += message[at]! + 1;
  return Math.min(at + 5, message.length);
}

const names = faultTable({
  "dns-missing-name": listens(
    "dns-not-resolved",
    "dns",
    "A name that cannot exist (.invalid, RFC 6761 §6.4).",
    addressOnly("missing.invalid:80"),
  ),
  "dns-nxdomain": listens(
    "dns-not-resolved",
    "dns",
    "The address of a DNS server that knows no name: NXDOMAIN.",
    ({ host }) => openDns(host, 3),
  ),
  "dns-servfail": listens("dns-timeout", "dns", "The address of a DNS server that fails: SERVFAIL.", ({ host }) =>
    openDns(host, 2),
  ),
  "dns-silent": listens("dns-timeout", "dns", "The address of a DNS server that never answers.", ({ host }) =>
    openDns(host, null),
  ),
});

let made: TestCertificates | null = null;

/** The certificates of this process, made once. */
export function certificates(): TestCertificates {
  made ??= makeCertificates();
  return made;
}

/** TLS with these options (and a handshake that begins late), ordinary service inside. */
function tlsPort(cause: CauseId | null, description: string, tls: () => TLSSocketOptions, delayMs: Ms = 0): Fault {
  return listens(cause, "tls", description, async ({ host, serve, options }) => {
    const handshake = tls();
    const port = await openPort(host, (raw) => {
      const begin = () => serve(new TLSSocket(raw, { ...handshake, isServer: true }), raw);
      const wait = options.ms ?? delayMs;
      if (wait > 0) setTimeout(() => !raw.destroyed && begin(), wait);
      else begin();
    });
    return { address: port.address, close: port.close, ca: certificates().ca, client: certificates().client };
  });
}

/** A raw answer to the ClientHello. */
function handshake(
  cause: CauseId,
  description: string,
  bytes: number[] | string,
  ending: "fin" | "rst" | "hang",
): Fault {
  return listens(cause, "tls", description, async ({ host }) => {
    const port = await openPort(host, (socket) => {
      socket.on("error", () => socket.destroy());
      socket.once("data", () => {
        const reply = typeof bytes === "string" ? Buffer.from(bytes) : Buffer.from(bytes);
        if (ending === "rst") socket.resetAndDestroy();
        else if (ending === "fin") socket.end(reply);
        else if (reply.length > 0) socket.write(reply);
      });
      socket.on("end", () => socket.end());
    });
    return { address: port.address, close: port.close };
  });
}

/** A fatal alert record (RFC 8446 §6). */
function alert(description: number): number[] {
  return [0x15, 0x03, 0x03, 0x00, 0x02, 0x02, description];
}

const wantsClient = (maxVersion: "TLSv1.2" | "TLSv1.3"): TLSSocketOptions => ({
  ...certificates().good,
  ca: certificates().ca,
  requestCert: true,
  rejectUnauthorized: true,
  maxVersion,
});
const PLAIN_ANSWER = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
const FAILED = "tls-handshake-failed";

const tls = faultTable({
  "tls-good": tlsPort(null, "Proper TLS with a certificate of the lab's CA.", () => certificates().good),
  "tls-slow": tlsPort(null, "Proper TLS, but the handshake begins after `ms` (300).", () => certificates().good, 300),
  "tls-expired": tlsPort("tls-cert-expired", "The certificate has expired.", () => certificates().expired),
  "tls-not-yet-valid": tlsPort(
    "tls-cert-expired",
    "The certificate is not valid yet.",
    () => certificates().notYetValid,
  ),
  "tls-wrong-name": tlsPort(
    "tls-cert-name-mismatch",
    "The certificate is for another name.",
    () => certificates().wrongName,
  ),
  "tls-self-signed": tlsPort(
    "tls-cert-untrusted",
    "The certificate is signed by itself.",
    () => certificates().selfSigned,
  ),
  "tls-untrusted": tlsPort(
    "tls-cert-untrusted",
    "The certificate is of a CA that nobody trusts.",
    () => certificates().untrusted,
  ),
  "tls-client-cert-wanted": tlsPort(
    FAILED,
    "Wants a client certificate; TLS 1.3, so the alert comes after the handshake.",
    () => wantsClient("TLSv1.3"),
  ),
  "tls-client-cert-wanted-1.2": tlsPort(FAILED, "Wants a client certificate; TLS 1.2, so the handshake fails.", () =>
    wantsClient("TLSv1.2"),
  ),
  "tls-old-version": handshake(
    FAILED,
    "Speaks only versions of TLS that are too old: alert 70 (protocol_version).",
    alert(70),
    "fin",
  ),
  "tls-alert": handshake(FAILED, "Refuses the handshake: alert 40 (handshake_failure).", alert(40), "fin"),
  "tls-unknown-name": handshake(FAILED, "Knows no such name: alert 112 (unrecognized_name).", alert(112), "fin"),
  "tls-stall": handshake(FAILED, "Takes the ClientHello and stays silent.", [], "hang"),
  "tls-close": handshake(FAILED, "Takes the ClientHello and closes.", [], "fin"),
  "tls-reset": handshake(FAILED, "Takes the ClientHello and resets.", [], "rst"),
  "tls-plaintext": handshake(
    "tls-plaintext-mismatch",
    "A plain HTTP port that is spoken to in TLS.",
    PLAIN_ANSWER,
    "fin",
  ),
});

export const LISTEN_FAULTS = { ...addresses, ...names, ...tls };
