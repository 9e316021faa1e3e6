// The gateway's end of a simulated connection: what net.Socket is, without the handle. The stream is node's own Duplex,
// so that buffering, "drain", half-closing and the order of "error" and "close" are the real ones; what node's Socket and
// libuv add is done here: a write is over when the kernel has taken all of it (until then its buffer is read from), reads
// bring what has arrived in one piece, `onread` reads into the reader's buffer, and a reset behind unread bytes looks
// like an end whose socket has no peer any more.
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { OnRead } from "../../src/net/connection.ts";
import type { Link, LinkEnd } from "./link.ts";
import type { Scheduler } from "./scheduler.ts";

const READ_BYTES = 64 * 1024;
/** The most that may wait in one socket: a bulk read on its way through, with its framing and a head. */
export const PENDING_BYTES_MAX = 256 * 1024;

type Done = (error?: Error | null) => void;

interface PendingWrite {
  parts: Buffer[];
  readonly done: Done;
}

/** What a simulated socket tells the simulation. */
export interface SocketWatch {
  violated(what: string): void;
}

export class SimulatedSocket extends Duplex implements LinkEnd {
  readonly #link: Link;
  readonly #scheduler: Scheduler;
  readonly #watch: SocketWatch;
  readonly #onread: OnRead | null;
  #buffer: Buffer | null = null;
  #inbox: Buffer[] = [];
  #reading = false;
  #finArrived = false;
  #resetArrived = false;
  #endRead = false;
  #readPlanned = false;
  #pending: PendingWrite | null = null;
  #resetting = false;
  #left = false;
  #peerAsked: string | undefined;

  constructor(scheduler: Scheduler, link: Link, onread: OnRead | null, watch: SocketWatch) {
    super({ allowHalfOpen: true, emitClose: false, autoDestroy: true, decodeStrings: false });
    this.#scheduler = scheduler;
    this.#link = link;
    this.#watch = watch;
    this.#onread = onread;
    this.#buffer = onread ? onread.buffer() : null;
    link.join("gateway", this);
    this.read(0);
  }

  /** As the program's types want it. */
  get asSocket(): Socket {
    return this as unknown as Socket;
  }

  /** Node asks the kernel once and keeps the answer; a connection that was reset has none. */
  get remoteAddress(): string | undefined {
    if (this.#peerAsked === undefined && !this.#resetArrived && !this.#left) this.#peerAsked = "192.0.2.1";
    return this.#peerAsked;
  }

  // Writing.

  override write(chunk: unknown, encodingOrDone?: BufferEncoding | Done, done?: Done): boolean {
    const more =
      typeof encodingOrDone === "string"
        ? super.write(chunk, encodingOrDone, done)
        : super.write(chunk, encodingOrDone);
    if (this.writableLength > PENDING_BYTES_MAX)
      this.#watch.violated(`${this.writableLength} bytes wait in the socket of ${this.#link.label}`);
    return more;
  }

  override _write(chunk: Buffer | string, encoding: BufferEncoding, done: Done): void {
    this.#send([typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk], done);
  }

  override _writev(chunks: { chunk: Buffer | string; encoding: BufferEncoding }[], done: Done): void {
    this.#send(
      chunks.map(({ chunk, encoding }) => (typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk)),
      done,
    );
  }

  #send(parts: Buffer[], done: Done): void {
    if (this.#resetArrived) return done(systemError("EPIPE", "write"));
    this.#pending = { parts, done };
    this.onRoom();
  }

  onRoom(): void {
    const pending = this.#pending;
    if (!pending || this.#left) return;
    const pipe = this.#link.from("gateway");
    while (pending.parts.length > 0) {
      const part = pending.parts[0]!;
      const taken = pipe.accept(part);
      if (taken < part.length) {
        pending.parts[0] = part.subarray(taken);
        return;
      }
      pending.parts.shift();
    }
    this.#pending = null;
    pending.done();
  }

  override _final(done: Done): void {
    if (!this.#resetArrived) this.#link.from("gateway").fin();
    this.#scheduler.after(0, done);
  }

  // Reading.

  override _read(): void {
    this.#startReading();
  }

  override pause(): this {
    if (this.#onread) this.#reading = false;
    return super.pause();
  }

  override resume(): this {
    if (this.#onread && !this.#reading) this.#startReading();
    return super.resume();
  }

  #startReading(): void {
    this.#reading = true;
    this.#planRead();
  }

  onArrived(bytes: Buffer): void {
    this.#inbox.push(bytes);
    if (this.#reading) this.#planRead();
  }

  onFin(): void {
    this.#finArrived = true;
    if (this.#reading) this.#planRead();
  }

  onReset(): void {
    this.#resetArrived = true;
    const pending = this.#pending;
    this.#pending = null;
    if (pending) pending.done(systemError("ECONNRESET", "write"));
    if (this.#reading) this.#planRead();
  }

  #planRead(): void {
    if (this.#readPlanned || (this.#inbox.length === 0 && !this.#finArrived && !this.#resetArrived)) return;
    this.#readPlanned = true;
    this.#scheduler.after(0, () => {
      this.#readPlanned = false;
      this.#readAll();
    });
  }

  #readAll(): void {
    let brought = false;
    while (this.#reading && this.#inbox.length > 0 && !this.destroyed) {
      brought = true;
      this.#readOnce();
    }
    if (!this.#reading || this.destroyed || this.#endRead || this.#inbox.length > 0) return;
    if (this.#finArrived || (this.#resetArrived && brought)) {
      this.#endRead = true;
      this.push(null);
      this.read(0);
    } else if (this.#resetArrived) {
      this.destroy(systemError("ECONNRESET", "read"));
    }
  }

  #readOnce(): void {
    const most = this.#buffer ? this.#buffer.length : READ_BYTES;
    const all = this.#inbox.length === 1 ? this.#inbox[0]! : Buffer.concat(this.#inbox);
    const bytes = all.subarray(0, most);
    this.#inbox = bytes.length < all.length ? [all.subarray(bytes.length)] : [];
    this.#link.from("peer").read(bytes.length);
    if (!this.#onread || !this.#buffer) {
      this.#reading = this.push(Buffer.from(bytes));
      return;
    }
    bytes.copy(this.#buffer);
    const goesOn = this.#onread.callback(bytes.length, this.#buffer);
    // Paused and resumed within the callback: the answer says what counts.
    if (!goesOn) this.#reading = false;
    const next: unknown = this.#onread.buffer();
    if (Buffer.isBuffer(next)) this.#buffer = next;
  }

  // Closing.

  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once("finish", this.destroy);
  }

  resetAndDestroy(): this {
    this.#resetting = true;
    return this.destroy();
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#left = true;
    this.#reading = false;
    this.#inbox = [];
    this.#pending = null;
    if (!this.#resetArrived) this.#link.leave("gateway", this.#resetting ? "reset" : "fin");
    done(error);
    this.#scheduler.after(0, () => this.emit("close", error !== null));
  }
}

/** An error as the system reports it. */
export function systemError(code: string, syscall: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall });
}
