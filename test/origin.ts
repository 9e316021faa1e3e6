// An upstream that a test scripts byte by byte, with seeded randomness for how bytes are split: what the lab's named
// faults and plain pages do not cover.
import { createHash } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { pause } from "./harness.ts";

export interface Origin {
  /** "127.0.0.1:4000" */
  readonly address: string;
  readonly port: number;
  /** Sockets accepted, oldest first. */
  readonly sockets: readonly Socket[];
  close(): Promise<void>;
}

/** Listens on loopback and hands each connection to `serve`. */
export async function startOrigin(serve: (socket: Socket) => void, options: { pause?: boolean } = {}): Promise<Origin> {
  const sockets: Socket[] = [];
  const server: Server = createServer(
    { allowHalfOpen: true, noDelay: true, pauseOnConnect: options.pause === true },
    (socket) => {
      sockets.push(socket);
      // A gateway that goes away is no error here; tests look at `destroyed` and at what arrived.
      socket.on("error", () => socket.destroy());
      serve(socket);
    },
  );
  const port = await listenOn(server);
  return {
    address: `127.0.0.1:${port}`,
    port,
    sockets,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function listenOn(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const bound = server.address();
      resolve(bound !== null && typeof bound === "object" ? bound.port : 0);
    });
  });
}

/** A port where nothing listens (it was free a moment ago). */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listenOn(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Resolves with what came up to and with the end of the head; further heads are taken by further calls. */
export function headFrom(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const onData = (chunk: Buffer): void => {
      text += chunk.toString("latin1");
      if (!text.includes("\r\n\r\n")) return;
      socket.off("data", onData);
      resolve(text);
    };
    socket.on("data", onData);
  });
}

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Bytes that are the same for the same seed and look like nothing else. */
export function seededBytes(seed: number, length: number): Buffer {
  const random = seeded(seed);
  const words = Uint32Array.from({ length: Math.ceil(length / 4) }, () => random() * 4_294_967_296);
  return Buffer.from(words.buffer, 0, length);
}

export function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Pieces of random sizes, most of them small, some larger than any buffer on the way. */
export function* splits(bytes: Buffer, random: () => number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + Math.floor(random() ** 3 * (random() < 0.2 ? 300_000 : 20_000));
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

/** Writes pieces in their order, waits where the peer is slow, and now and then pauses for a moment. */
export async function writeSlowly(
  socket: Socket,
  pieces: Iterable<Buffer | string>,
  random: () => number,
): Promise<void> {
  for (const piece of pieces) {
    if (socket.destroyed) return;
    if (!socket.write(piece))
      await new Promise<void>((resolve) => void socket.once("drain", resolve).once("close", resolve));
    if (random() < 0.1) await pause(1);
    else if (random() < 0.3) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A body as chunks, cut into pieces that know nothing of the chunks. */
export function chunked(bytes: Buffer, random: () => number, trailers = ""): Buffer {
  const parts: Buffer[] = [];
  for (const piece of splits(bytes, random))
    parts.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n"));
  return Buffer.concat([...parts, Buffer.from(`0\r\n${trailers}\r\n`)]);
}
