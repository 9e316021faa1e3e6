// The client's end of an exchange where there is no socket of its own: what a ClientConnection takes for one. Bytes of
// the request are pushed in, bytes of the response come out by onResponse, both within the call where the other side is
// ready, else they wait here (bounded by the back pressure that both sides obey).
// It has those members of net.Socket that Connection (net/connection.ts) uses, and no more: a stream.Duplex in its place
// cost a quarter of the CPU of a request. There is no half-close: whoever ends it closes it.
import type { Socket } from "node:net";
import type { Bytes } from "../std/units.ts";

/** Writes of at least this size may be a view of the upstream's read buffer (Connection.sendBytes). */
export const BORROWED_BYTES: Bytes = 64 * 1024;

/** Who is at the other side. */
export interface WireUser {
  /** False = no more for now: `taken` follows. */
  onResponse(bytes: Buffer): boolean;
  /** The engine takes more of the request. */
  onRoom(): void;
  /** Over: nothing comes any more. Called once. */
  onWireClosed(): void;
}

type Listener = (this: InMemorySocket, bytes?: Buffer) => void;

type SocketPart = Pick<
  Socket,
  "remoteAddress" | "writableHighWaterMark" | "writableLength" | "destroyed" | "pause" | "resume" | "cork" | "uncork"
>;

export class InMemorySocket implements SocketPart {
  /** Asked for to tell a reset from an end (Connection.endedByReset): this one cannot be reset. */
  readonly remoteAddress = "in-memory";
  readonly writableHighWaterMark: Bytes = BORROWED_BYTES;
  writableLength: Bytes = 0;
  destroyed = false;
  readonly #user: WireUser;
  #onData: Listener | null = null;
  #onDrain: Listener | null = null;
  #onClose: Listener | null = null;
  /** The engine reads no more for now. */
  #paused = false;
  /** Of the request, not read yet. */
  #toEngine: Buffer[] = [];
  /** The user takes no more for now; what the engine goes on to write waits in #toUser. */
  #held = false;
  #toUser: Buffer[] = [];
  #ending = false;

  constructor(user: WireUser) {
    this.#user = user;
  }

  /** "end" and "error" never come. */
  on(event: string, listener: Listener): this {
    if (event === "data") this.#onData = listener;
    else if (event === "drain") this.#onDrain = listener;
    else if (event === "close") this.#onClose = listener;
    return this;
  }

  /** Bytes of the request; false = no more for now: onRoom follows. */
  push(bytes: Buffer): boolean {
    if (this.destroyed) return false;
    if (this.#paused || this.#toEngine.length > 0) this.#toEngine.push(bytes);
    else this.#onData!.call(this, bytes);
    return !this.#paused;
  }

  pause(): Socket {
    this.#paused = true;
    return this as unknown as Socket;
  }

  resume(): Socket {
    this.#paused = false;
    // Not within the call: the engine is in the middle of something.
    process.nextTick(flow, this);
    return this as unknown as Socket;
  }

  /** Hands the engine what waits for it. */
  flow(): void {
    while (!this.#paused && !this.destroyed) {
      const bytes = this.#toEngine.shift();
      if (!bytes) return this.#user.onRoom();
      this.#onData!.call(this, bytes);
    }
  }

  write(data: string | Buffer, encoding?: BufferEncoding): boolean {
    if (this.destroyed) return false;
    const bytes = typeof data === "string" ? Buffer.from(data, encoding) : data;
    if (this.#held) this.#toUser.push(bytes);
    else if (this.#user.onResponse(bytes)) return true;
    else this.#held = true;
    this.writableLength += bytes.length;
    return this.writableLength < BORROWED_BYTES;
  }

  /** The user takes more. */
  taken(): void {
    if (this.destroyed) return;
    this.#held = false;
    this.writableLength = 0;
    while (!this.#held) {
      const bytes = this.#toUser.shift();
      if (!bytes) break;
      this.#held = !this.#user.onResponse(bytes);
    }
    for (const bytes of this.#toUser) this.writableLength += bytes.length;
    if (this.#held) this.writableLength += 1;
    else if (this.#ending) this.destroy();
    else this.#onDrain!.call(this);
  }

  cork(): void {}

  uncork(): void {}

  /** The engine has said all. */
  end(): void {
    this.#ending = true;
    if (!this.#held) process.nextTick(close, this);
  }

  destroySoon(): void {
    this.end();
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.#toEngine = [];
    this.#toUser = [];
    this.#user.onWireClosed();
    process.nextTick(tellClosed, this);
  }

  /** The user sees itself whether the response was whole. */
  resetAndDestroy(): void {
    this.destroy();
  }

  /** Tells the engine that the socket has gone. */
  tellClosed(): void {
    this.#onClose!.call(this);
  }
}

function flow(socket: InMemorySocket): void {
  socket.flow();
}

function close(socket: InMemorySocket): void {
  socket.destroy();
}

function tellClosed(socket: InMemorySocket): void {
  socket.tellClosed();
}
