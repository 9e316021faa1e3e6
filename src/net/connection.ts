// One socket as the data path sees it: bytes in by a method call, bytes out by `send*`, one deadline.
//
// Reads of plain sockets go into ONE buffer that all connections share (net's `onread`): what onBytes is given is
// only valid during the call, so what is kept must be copied. A connection that moves a large body reads into a
// buffer of its own (`bulk`), which may be written on without a copy: while a write of it is pending, reading is
// paused. Writes are put together in a scratch buffer and go out in one call; where the kernel did not take all
// at once, the scratch belongs to the pending write and a new one is made.
import type { Socket } from "node:net";
import { beginEvent, Timed, wheel } from "../std/clock.ts";
import type { Bytes, Ms } from "../std/units.ts";

const SHARED_BYTES: Bytes = 64 * 1024;
const BULK_BYTES: Bytes = 128 * 1024;
const BULK_KEPT_MAX = 16;
const SMALL_SCRATCH_BYTES: Bytes = 16 * 1024;
const LARGE_SCRATCH_BYTES: Bytes = SHARED_BYTES + 16 * 1024;

const sharedBuffer = Buffer.allocUnsafeSlow(SHARED_BYTES);
const bulkBuffers: Buffer[] = [];
let smallScratch = Buffer.allocUnsafeSlow(SMALL_SCRATCH_BYTES);
let largeScratch = Buffer.allocUnsafeSlow(LARGE_SCRATCH_BYTES);

function scratchFor(bytes: Bytes): Buffer {
  if (bytes <= SMALL_SCRATCH_BYTES) return smallScratch;
  return bytes <= LARGE_SCRATCH_BYTES ? largeScratch : Buffer.allocUnsafeSlow(bytes);
}

/** A pending write owns its buffer from now on. */
function giveAway(buffer: Buffer): void {
  if (buffer === smallScratch) smallScratch = Buffer.allocUnsafeSlow(SMALL_SCRATCH_BYTES);
  else if (buffer === largeScratch) largeScratch = Buffer.allocUnsafeSlow(LARGE_SCRATCH_BYTES);
}

/** A socket that knows its connection: event handlers are shared functions, not closures. */
interface OwnedSocket extends Socket {
  connection?: Connection;
}

/** The handle of a socket: not public, so each part may be missing. */
interface SocketHandle {
  readonly _handle?: { readonly bytesWritten?: number; readonly writeQueueSize?: number } | null;
}

/** What net.connect and new net.Socket take as `onread`. */
export interface OnRead {
  buffer: () => Buffer;
  callback: (bytesRead: number, buffer: Buffer) => boolean;
}

/** A connection with a lifetime: subclasses say what bytes, ends and deadlines mean. */
export abstract class Connection extends Timed {
  socket!: Socket;
  /** Reading goes on until this is set; then nothing arrives before resumeReading. */
  readingPaused = false;
  /** The peer has ended its direction. */
  ended = false;
  closed = false;
  /** What onBytes is given belongs to nobody else ("data" events), so that it may be written on as it is. */
  ownsReads = false;
  #bulk: Buffer | null = null;
  /** The buffer to switch to when the current read returns; null = stay. */
  #nextBuffer: Buffer | null = null;
  #inRead = false;

  /** Bytes [start, end) of `buffer` arrived; they are valid during this call only. */
  abstract onBytes(buffer: Buffer, start: number, end: number): void;
  /** The peer ended its direction (FIN). */
  abstract onEnd(): void;
  /** The socket is gone; `error` where it did not end in order. Called once. */
  abstract onClosed(error: NodeJS.ErrnoException | null): void;
  /** What was pending has gone out. */
  abstract onDrained(): void;
  /** A write failed; what the peer has sent before may still be read. Only where attach was told to go on reading. */
  abstract onWriteFailed(error: NodeJS.ErrnoException): void;
  /** One of the methods above threw: a fault of ours, which ends what this connection does and nothing else. */
  abstract onInternalError(error: unknown): void;

  /** The reader to give to a plain socket that is being made. */
  onRead(): OnRead {
    let first = true;
    return {
      buffer: () => {
        if (first) {
          first = false;
          return sharedBuffer;
        }
        const next = this.#nextBuffer;
        this.#nextBuffer = null;
        // Anything that is not a Uint8Array means: keep the buffer (lib/internal/stream_base_commons.js).
        return next as Buffer;
      },
      callback: (bytesRead, buffer) => {
        if (this.closed) return false;
        this.#inRead = true;
        this.receive(buffer, bytesRead);
        this.#inRead = false;
        return !this.readingPaused;
      },
    };
  }

  /** The deadline has come. */
  abstract onDue(at: Ms): void;

  override onDeadline(at: Ms): void {
    guarded(this, () => this.onDue(at));
  }

  /**
   * Whether what looked like the peer's end was a reset: where bytes and RST come together, libuv reports the bytes and
   * then an end. A socket that was reset has no peer any more (asked for the first time; node keeps the answer).
   */
  get endedByReset(): boolean {
    return this.ended && this.socket.remoteAddress === undefined;
  }

  /** Hands on bytes that were read. */
  receive(buffer: Buffer, length: number): void {
    beginEvent();
    try {
      this.onBytes(buffer, 0, length);
    } catch (error) {
      this.onInternalError(error);
    }
  }

  /**
   * Takes over a connected socket. `reads` = "events" where the socket was not made with onRead(). `readsOn`: a write
   * that fails does not close the socket.
   */
  attach(socket: Socket, reads: "onread" | "events", readsOn = false): void {
    if (readsOn) surviveWriteErrors(socket);
    this.socket = socket;
    (socket as OwnedSocket).connection = this;
    socket.on("end", onSocketEnd);
    socket.on("error", onSocketError);
    socket.on("close", onSocketClose);
    socket.on("drain", onSocketDrain);
    this.ownsReads = reads === "events";
    if (this.ownsReads) socket.on("data", onSocketData);
  }

  /** Stops reading; the kernel's window then stops the peer. */
  pauseReading(): void {
    if (this.readingPaused) return;
    this.readingPaused = true;
    this.socket.pause();
  }

  resumeReading(): void {
    if (!this.readingPaused) return;
    this.readingPaused = false;
    this.socket.resume();
  }

  /** Bytes that the kernel has not taken yet. */
  get pendingBytes(): Bytes {
    return this.socket.writableLength;
  }

  /** Bytes of ours that the kernel has taken so far: what tells a slow peer from one that takes nothing. */
  get takenBytes(): Bytes {
    const { _handle: handle } = this.socket as Socket & SocketHandle;
    return handle ? (handle.bytesWritten ?? 0) - (handle.writeQueueSize ?? 0) : 0;
  }

  /** The address of ours that it has. */
  get localAddress(): string {
    const address = this.socket.localAddress ?? "";
    return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
  }

  get localPort(): number {
    return this.socket.localPort ?? 0;
  }

  /** Reads into a large buffer of its own from the next read on: for bodies of many reads. */
  beginBulk(): void {
    if (this.#bulk || this.ownsReads) return;
    this.#bulk = bulkBuffers.pop() ?? Buffer.allocUnsafeSlow(BULK_BYTES);
    this.#nextBuffer = this.#bulk;
  }

  /** Back to the shared buffer; `reusable` = no pending write refers to the own one any more. */
  endBulk(reusable: boolean): void {
    if (!this.#bulk) return;
    // Only inside a read is the switch done before the next read can begin; another may take it after that.
    const buffer = this.#bulk;
    if (reusable && this.#inRead && bulkBuffers.length < BULK_KEPT_MAX) process.nextTick(keepBulk, buffer);
    this.#bulk = null;
    this.#nextBuffer = sharedBuffer;
  }

  /** Sends a head. False = the peer does not take more now: wait for onDrained. */
  sendText(latin1: string): boolean {
    return this.socket.write(latin1, "latin1");
  }

  /**
   * Sends `before`, then bytes [start, end) of `buffer`, then `after`, as one write where they are small. `source` is the
   * connection that is reading the bytes; null = the buffer is owned and stays as it is.
   * False = the peer does not take more now: wait for onDrained.
   */
  sendBytes(
    before: string,
    buffer: Buffer,
    start: number,
    end: number,
    after: string,
    source: Connection | null,
  ): boolean {
    const length = end - start;
    // From the high-water mark on (16 KiB, 64 KiB since Node 22) a write that is not flushed is announced by "drain".
    if (
      (source === null || source.ownsReads || source.#bulk === buffer) &&
      length >= this.socket.writableHighWaterMark
    ) {
      return this.#sendParts(before, buffer.subarray(start, end), after);
    }
    const total = before.length + length + after.length;
    // A TLS socket takes nothing at once: its write always owns the buffer.
    const target = this.ownsReads ? Buffer.allocUnsafe(total) : scratchFor(total);
    let at = before === "" ? 0 : target.write(before, 0, "latin1");
    at += buffer.copy(target, at, start, end);
    if (after !== "") at += target.write(after, at, "latin1");
    const more = this.socket.write(target.subarray(0, at));
    if (this.socket.writableLength === 0) return true;
    giveAway(target);
    return more;
  }

  #sendParts(before: string, body: Buffer, after: string): boolean {
    const socket = this.socket;
    if (before !== "" || after !== "") {
      socket.cork();
      if (before !== "") socket.write(before, "latin1");
      socket.write(body);
      if (after !== "") socket.write(after, "latin1");
      socket.uncork();
    } else socket.write(body);
    return socket.writableLength === 0;
  }

  /** Ends our direction after what is pending. */
  endSending(): void {
    this.socket.end();
  }

  /** Closes when what is pending has gone out. */
  destroySoon(): void {
    this.socket.destroySoon();
  }

  /** Closes at once. */
  destroy(): void {
    this.socket.destroy();
  }

  /** Closes at once so that the peer cannot take what it got for the whole (RST); TLS: no close_notify. */
  abort(): void {
    if ("encrypted" in this.socket) this.socket.destroy();
    else this.socket.resetAndDestroy();
  }

  /** Sets the deadline to `dueAt`. */
  setDeadline(dueAt: number): void {
    wheel.set(this, dueAt);
  }

  clearDeadline(): void {
    this.dueAt = Infinity;
  }
}

function keepBulk(buffer: Buffer): void {
  bulkBuffers.push(buffer);
}

function onSocketData(this: OwnedSocket, chunk: Buffer): void {
  const connection = this.connection;
  if (connection && !connection.closed) connection.receive(chunk, chunk.length);
}

function onSocketEnd(this: OwnedSocket): void {
  const connection = this.connection;
  if (!connection || connection.closed) return;
  connection.ended = true;
  guarded(connection, () => connection.onEnd());
}

function onSocketError(this: OwnedSocket, error: NodeJS.ErrnoException): void {
  const connection = this.connection;
  if (!this.destroyed && connection && !connection.closed) {
    reviveReading(this);
    guarded(connection, () => connection.onWriteFailed(error));
    return;
  }
  // "close" follows in a later tick; whoever uses the connection must know now.
  closeOnce(this, error);
}

function onSocketClose(this: OwnedSocket): void {
  closeOnce(this, null);
}

/** The states of a stream that decide what an error does to it; not public, so each may be missing. */
interface StreamStates {
  _readableState?: { autoDestroy?: boolean; errored?: Error | null };
  _writableState?: { autoDestroy?: boolean };
}

/**
 * Node closes a socket whose write fails. An upstream that answers early (413) and closes makes our next write fail
 * while its answer waits in the kernel: it must still be read (RFC 9112 §9.6 expects it to be lost; we can do better).
 */
function surviveWriteErrors(socket: Socket): void {
  const { _readableState: readable, _writableState: writable } = socket as Socket & StreamStates;
  if (!readable || !writable) return;
  readable.autoDestroy = false;
  writable.autoDestroy = false;
}

/** A write error marks the reading side as failed, too, and "end" would never come. */
function reviveReading(socket: Socket): void {
  const { _readableState: readable } = socket as Socket & StreamStates;
  if (readable) readable.errored = null;
}

function closeOnce(socket: OwnedSocket, error: NodeJS.ErrnoException | null): void {
  const connection = socket.connection;
  if (!connection || connection.closed) return;
  connection.closed = true;
  wheel.remove(connection);
  connection.endBulk(false);
  guarded(connection, () => connection.onClosed(error));
}

function guarded(connection: Connection, action: () => void): void {
  beginEvent();
  try {
    action();
  } catch (error) {
    connection.onInternalError(error);
  }
}

function onSocketDrain(this: OwnedSocket): void {
  const connection = this.connection;
  if (connection && !connection.closed) guarded(connection, () => connection.onDrained());
}
