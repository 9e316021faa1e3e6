// Writes log lines to a file or a standard stream without ever making the data path wait (invariant 4).
// Lines gather in a string, that in a batch of 64 KiB, and the batch is written when it is full or 200 ms old, one
// write in flight. (A string alone grows a tree that outlives the collector's young generation; a copy per line
// costs a call per line. Measured: 100 ns a line apart.) What waits is bounded: beyond that, lines are dropped and counted, and the program's own log says so.
// A write that fails (disk full, reader gone) is tried again later from the byte where it stopped: nothing is
// written twice, and no line is cut. Files are written by the thread pool; pipes and terminals on the event loop,
// without blocking, in whole lines (log-target.ts).
import { write as writeFd, writeSync } from "node:fs";
import type { LogTarget } from "../config/config.ts";
import { log } from "../std/log.ts";
import type { Bytes, Ms } from "../std/units.ts";
import { closeLog, linesIn, type OpenLog, openLog, pipeWriteEnd, writeProblem } from "./log-target.ts";

export interface LogWriterOptions {
  /** What the log is called in messages: "access log". */
  readonly name?: string;
  /** "latin1" where every line is ASCII: four times as fast as UTF-8. */
  readonly encoding?: "utf8" | "latin1";
  /** A batch is written when it is this long … */
  readonly batchBytes?: Bytes;
  /** … or this old. */
  readonly flushMs?: Ms;
  /** The first line behind a quiet time is written at once, where the disk is fast: somebody may be reading along. */
  readonly eager?: boolean;
  /** What may wait to be written; lines beyond are dropped. */
  readonly bufferBytes?: Bytes;
  /** Pause after a write that failed. */
  readonly retryMs?: Ms;
  /** At most one message about failures in this time. */
  readonly reportMs?: Ms;
  /** How long close() waits for the last lines. */
  readonly closeMs?: Ms;
  /** Told of lines that were lost. */
  readonly onDrop?: (lines: number) => void;
  /** Where messages go; default: the program's own log. */
  readonly report?: (message: string) => void;
}

const DEFAULTS = {
  name: "log",
  encoding: "utf8",
  batchBytes: 512 * 1024,
  flushMs: 200,
  eager: false,
  bufferBytes: 8 * 1024 * 1024,
  retryMs: 1000,
  reportMs: 10_000,
  closeMs: 2000,
  onDrop: (): void => {},
  report: log.warn as (message: string) => void,
} satisfies LogWriterOptions;

/** A pipe that is full is tried again soon (it holds only 64 KiB), then ever later while its reader takes nothing. */
const FULL_PIPE_MS = 1;
const FULL_PIPE_MS_MAX = 64;
/** Lines that come closer to each other gather. */
const EAGER_GAP_MS = 0.5;
/** A disk that takes longer for a line is left to the thread pool for a while. */
const SLOW_MS = 3;
const SLOW_PAUSE_MS = 1000;
/** Characters that gather before they are copied into the batch. */
const TEXT_MAX = 16 * 1024;

/** A log file or stream. After it was opened it never throws and never blocks. */
export class LogWriter {
  readonly #target: LogTarget;
  readonly #options: Required<LogWriterOptions>;
  readonly #batchBytes: Bytes;
  readonly #bufferBytes: Bytes;
  /** At most so many bytes are a character. */
  readonly #charBytes: number;
  #open: OpenLog;
  /** Takes the place of #open when the write in flight has ended. */
  #next: OpenLog | null = null;
  /** The newest lines. */
  #text = "";
  /** The lines before; #used bytes of it. */
  #batch: Buffer;
  #used = 0;
  /** A batch to use again. */
  #spare: Buffer | null = null;
  /** Batches to be written, in order. */
  readonly #sealed: Buffer[] = [];
  #sealedBytes = 0;
  /** How much of #sealed[0] is written. */
  #offset = 0;
  /** The buffer that the thread pool writes now. */
  #inFlight: Buffer | null = null;
  #closed = false;
  #timer: NodeJS.Timeout | null = null;
  /** When it was written last because of its age; later than now where the disk is too slow to write at once. */
  #flushedAt = Number.NEGATIVE_INFINITY;
  /** What gathers is to be written although it is no whole batch. */
  #flushing = false;
  /** The timer is a pause after a failure: until it fires, full batches only queue. */
  #pausing = false;
  #fullPipeMs = FULL_PIPE_MS;
  #waiters: (() => void)[] = [];
  #dropped = 0;
  #droppedReported = 0;
  #errors = 0;
  /** Code of the last failure; "" after a write that succeeded. */
  #failing = "";
  /** Why lines were dropped last. */
  #dropReason = "";
  #reportedAt = Number.NEGATIVE_INFINITY;

  /** Throws where the target cannot be opened. */
  constructor(target: LogTarget, options: LogWriterOptions = {}) {
    this.#target = target;
    this.#options = { ...DEFAULTS, ...options };
    this.#batchBytes = this.#options.batchBytes;
    this.#bufferBytes = this.#options.bufferBytes;
    this.#batch = Buffer.allocUnsafeSlow(this.#batchBytes);
    this.#charBytes = this.#options.encoding === "latin1" ? 1 : 3;
    this.#open = openLog(target, this.#options.name);
  }

  /** Lines that were lost. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Writes that failed; a pipe that was merely full is not counted. */
  get errors(): number {
    return this.#errors;
  }

  /** Takes one line, "\n" included. */
  write(line: string): void {
    const length = this.#text.length + line.length;
    if (this.#sealedBytes + this.#used + length * this.#charBytes > this.#bufferBytes || this.#closed) {
      this.#drop(1);
      return;
    }
    this.#text += line;
    if (length >= TEXT_MAX && this.#store() && !this.#pausing) this.#drain();
    if (this.#timer !== null) return;
    const { eager, flushMs } = this.#options;
    if (!eager || this.#inFlight || performance.now() - this.#flushedAt < EAGER_GAP_MS) return this.#arm(flushMs);
    this.#writeAtOnce();
  }

  /** While few lines come and the disk is fast, a line is written before its request ends: a call of microseconds. */
  #writeAtOnce(): void {
    const began = performance.now();
    this.#flushing = true;
    try {
      while (this.#nextChunk()) this.#writeNow();
      this.#idle();
    } catch (error) {
      this.#fail(error);
    }
    this.#flushedAt = performance.now();
    if (this.#flushedAt - began > SLOW_MS) this.#flushedAt += SLOW_PAUSE_MS;
  }

  /** Opens the file anew, after it was renamed. Where that fails the old one stays in use and a message says so. */
  async reopen(): Promise<void> {
    if (this.#target.kind !== "file") return;
    await this.flush();
    if (this.#closed) return;
    try {
      const next = openLog(this.#target, this.#options.name);
      if (this.#next) closeLog(this.#next);
      this.#next = next;
    } catch (error) {
      this.#options.report(`${(error as Error).message}; the old file stays in use`);
      return;
    }
    if (!this.#inFlight) this.#swap();
    this.#drain();
  }

  /** Resolves when the lines so far are written, or when a write failed: they wait, then, for the next try. */
  flush(): Promise<void> {
    if (this.#sealed.length === 0 && this.#used === 0 && this.#text === "") return Promise.resolve();
    this.#flushing = true;
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
      this.#drain();
    });
  }

  /** Writes what waits, as far as that is possible at once; for the end of the process. */
  flushSync(): void {
    this.#flushing = true;
    // A write in flight is ended by the thread pool before the process ends: to write its bytes here would double them.
    if (this.#inFlight && this.#sealed[0] === this.#inFlight) {
      this.#sealed.shift();
      this.#sealedBytes -= this.#inFlight.length;
      this.#offset = 0;
    }
    try {
      while (this.#nextChunk()) this.#writeNow();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Writes what waits, for a bounded time, and closes the file; what is left then is dropped. */
  async close(): Promise<void> {
    if (this.#closed) return;
    const deadline = setTimeout(() => this.#settle(), this.#options.closeMs);
    const giveUpAt = performance.now() + this.#options.closeMs;
    do {
      await this.flush();
      if (this.#failing === "EAGAIN") await new Promise((resolve) => setTimeout(resolve, this.#fullPipeMs));
    } while (this.#failing === "EAGAIN" && performance.now() < giveUpAt);
    clearTimeout(deadline);
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
    const left = this.#sealed.reduce((lines, chunk, i) => lines + linesIn(chunk, i === 0 ? this.#offset : 0), 0);
    const lost = left + linesIn(this.#batch.subarray(0, this.#used), 0) + linesIn(Buffer.from(this.#text), 0);
    if (lost > 0) this.#drop(lost);
    this.#text = "";
    this.#used = 0;
    this.#sealed.length = 0;
    this.#sealedBytes = 0;
    this.#report(true);
    if (!this.#inFlight) this.#release();
  }

  /** Copies the newest lines into the batch; where it has no room for them it is sealed first: true, then. */
  #store(): boolean {
    const most = this.#text.length * this.#charBytes;
    const isFull = this.#used + most > this.#batch.length;
    if (isFull && this.#used > 0) this.#seal();
    if (most > this.#batch.length) this.#batch = Buffer.allocUnsafeSlow(most);
    this.#used += this.#batch.write(this.#text, this.#used, this.#options.encoding);
    this.#text = "";
    return isFull;
  }

  #seal(): void {
    this.#sealed.push(this.#batch.subarray(0, this.#used));
    this.#sealedBytes += this.#used;
    this.#used = 0;
    this.#batch = this.#spare ?? Buffer.allocUnsafeSlow(this.#batchBytes);
    this.#spare = null;
  }

  /** What is to be written now: whole batches, and what gathers only when it was asked for. */
  #nextChunk(): Buffer | undefined {
    if (this.#sealed.length === 0 && this.#flushing) {
      this.#flushing = false;
      if (this.#text !== "") this.#store();
      if (this.#used > 0) this.#seal();
    }
    return this.#sealed[0];
  }

  #arm(delayMs: Ms): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#onTimer, delayMs);
    this.#timer.unref();
  }

  readonly #onTimer = (): void => {
    this.#timer = null;
    this.#flushedAt = Math.max(this.#flushedAt, performance.now());
    this.#pausing = false;
    this.#flushing = true;
    this.#drain();
  };

  #drain(): void {
    if (this.#inFlight) return;
    if (!this.#open.nonblocking) {
      this.#startWrite();
      return;
    }
    try {
      while (this.#nextChunk()) this.#writeNow();
      this.#idle();
    } catch (error) {
      this.#fail(error);
    }
  }

  #writeNow(): void {
    const chunk = this.#sealed[0]!;
    const end = this.#open.nonblocking ? pipeWriteEnd(chunk, this.#offset) : chunk.length;
    this.#advance(writeSync(this.#open.fd, chunk, this.#offset, end - this.#offset, null));
  }

  #startWrite(): void {
    const chunk = this.#nextChunk();
    if (!chunk) {
      this.#idle();
      return;
    }
    this.#inFlight = chunk;
    writeFd(this.#open.fd, chunk, this.#offset, chunk.length - this.#offset, null, this.#onWritten);
  }

  readonly #onWritten = (error: NodeJS.ErrnoException | null, written: Bytes): void => {
    const chunk = this.#inFlight;
    this.#inFlight = null;
    if (this.#closed) {
      this.#release();
      return;
    }
    if (error) this.#fail(error);
    else if (this.#sealed[0] === chunk) this.#advance(written);
    if (this.#next) this.#swap();
    if (!error) this.#drain();
  };

  #advance(written: Bytes): void {
    const chunk = this.#sealed[0]!;
    this.#failing = "";
    this.#fullPipeMs = FULL_PIPE_MS;
    this.#offset += written;
    if (this.#offset >= chunk.length) this.#setAside();
  }

  #setAside(): void {
    const chunk = this.#sealed.shift()!;
    this.#sealedBytes -= chunk.length;
    this.#offset = 0;
    if (chunk.buffer.byteLength === this.#batchBytes) this.#spare = Buffer.from(chunk.buffer);
  }

  #fail(error: unknown): void {
    this.#failing = (error as NodeJS.ErrnoException).code ?? "unknown error";
    this.#dropReason = this.#failing;
    this.#pausing = true;
    if (this.#failing === "EAGAIN") {
      this.#arm(this.#fullPipeMs);
      this.#fullPipeMs = Math.min(this.#fullPipeMs * 2, FULL_PIPE_MS_MAX);
    } else {
      this.#errors++;
      this.#arm(this.#options.retryMs);
    }
    this.#report(false);
    this.#settle();
  }

  #idle(): void {
    if (this.#dropped > this.#droppedReported) this.#report(false);
    this.#settle();
  }

  #drop(lines: number): void {
    this.#dropped += lines;
    this.#options.onDrop(lines);
    this.#dropReason ||= this.#failing || "written too slowly";
  }

  /** Says what was lost, or that lines wait; a full pipe alone is worth no message. */
  #report(last: boolean): void {
    const lost = this.#dropped - this.#droppedReported;
    if (lost === 0 && (last || this.#failing === "EAGAIN" || this.#failing === "")) return;
    const now = performance.now();
    if (!last && now - this.#reportedAt < this.#options.reportMs) return;
    this.#reportedAt = now;
    this.#droppedReported = this.#dropped;
    const name = this.#target.kind === "file" ? `${this.#options.name} ${this.#target.path}` : this.#options.name;
    if (lost === 0) this.#options.report(`${name}: lines wait, ${writeProblem(this.#failing)}`);
    else {
      const lines = lost === 1 ? "1 line was" : `${lost.toLocaleString("en-US")} lines were`;
      this.#options.report(`${name}: ${lines} dropped: ${writeProblem(this.#dropReason)}`);
      this.#dropReason = this.#failing;
    }
  }

  #settle(): void {
    const waiters = this.#waiters;
    if (waiters.length === 0) return;
    this.#waiters = [];
    for (const resolve of waiters) resolve();
  }

  #swap(): void {
    closeLog(this.#open);
    this.#open = this.#next!;
    this.#next = null;
    const chunk = this.#sealed[0];
    if (!chunk || this.#offset === 0) return;
    // The beginning of a line is in the old file; its end would be torn off in the new one.
    const newline = chunk.indexOf(0x0a, this.#offset - 1);
    if (newline >= this.#offset) this.#drop(1);
    this.#offset = newline < 0 ? chunk.length : newline + 1;
    if (this.#offset >= chunk.length) this.#setAside();
  }

  #release(): void {
    closeLog(this.#open);
    if (this.#next) closeLog(this.#next);
    this.#next = null;
  }
}
