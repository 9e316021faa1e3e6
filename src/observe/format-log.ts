// Access logs of virtual servers: lines that the data path has rendered, to files, streams and syslog servers. Nothing
// here throws or waits: a full disk or a missing folder costs lines, which are counted and told once a minute.
// A path with variables is opened for each flush, appended to and closed: no file stays open for a name that a client
// has made up, and a file that was renamed is noticed by itself. What gathers is bounded in paths and in bytes.
import { appendFileSync } from "node:fs";
import { appendFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import type { LogTarget } from "../config/config.ts";
import type { AccessLogConfig } from "../config/servers.ts";
import type { Bytes, Ms } from "../std/units.ts";
import { openable } from "./error-log.ts";
import { LogWriter } from "./log-writer.ts";
import { createSyslog, type SyslogSender } from "./syslog.ts";

/** One `access_log` at work. */
export interface AccessLog {
  /** A line without its end; `path` = the rendered path, where it has variables. Byte text, both. */
  write(line: string, path?: string): void;
}

/** Whoever reads a log right behind the response finds the line; a write for each line would cost more than the line. */
const FLUSH_MS: Ms = 2;
/** Where a buffer is configured, nobody waits for the lines. */
const BUFFERED_FLUSH_MS: Ms = 1000;
const REPORT_MS: Ms = 60_000;
const PATHS_MAX = 4096;
const PATH_BYTES_MAX: Bytes = 8 * 1024 * 1024;
/** Files that are appended to at once. */
const AT_ONCE = 16;
const FILE_MODE = 0o640;
const DEFAULT_BUFFER_BYTES: Bytes = 64 * 1024;

/** All access logs of a configuration; a file that is named several times is open once. */
export class AccessLogs {
  readonly #report: (message: string) => void;
  readonly #onDrop: (lines: number) => void;
  readonly #files = new Map<string, LogWriter>();
  readonly #gzipped = new Map<string, GzipLog>();
  readonly #senders = new Map<string, SyslogSender>();
  #paths: PathLogs | null = null;

  constructor(report: (message: string) => void, onDrop: (lines: number) => void = () => {}) {
    this.#report = report;
    this.#onDrop = onDrop;
  }

  /** Opens a log; throws an Error that says why it cannot be. */
  open(config: AccessLogConfig): AccessLog {
    const { to } = config;
    if (to.kind === "syslog") {
      const sender = this.#sender(to);
      return { write: (line) => sender.send(line) };
    }
    if (to.kind === "text") {
      this.#paths ??= new PathLogs(this.#report, this.#onDrop);
      const paths = this.#paths;
      return { write: (line, path = to.path) => paths.write(path, `${line}\n`) };
    }
    const target = openable(to);
    if (config.gzipLevel > 0 && target.kind === "file") {
      const log = this.#gzip(target, config);
      return { write: (line) => log.write(`${line}\n`) };
    }
    const writer = this.#file(target, config);
    return { write: (line) => writer.write(`${line}\n`) };
  }

  /** Opens files anew, after they were renamed. */
  async reopen(): Promise<void> {
    for (const log of this.#gzipped.values()) log.flush();
    await Promise.all([...this.#files.values()].map((writer) => writer.reopen()));
  }

  async flush(): Promise<void> {
    await Promise.all([this.#paths?.flush(), ...[...this.#files.values()].map((writer) => writer.flush())]);
  }

  /** Writes what waits, at once; for the end of the process. */
  flushSync(): void {
    for (const log of this.#gzipped.values()) log.flush();
    for (const writer of this.#files.values()) writer.flushSync();
    this.#paths?.flushSync();
  }

  async close(): Promise<void> {
    for (const log of this.#gzipped.values()) log.close();
    const senders = [...this.#senders.values()].map((sender) => sender.close());
    await Promise.all([this.#paths?.close(), ...senders, ...[...this.#files.values()].map((writer) => writer.close())]);
  }

  #file(target: LogTarget, { bufferBytes, flushMs }: AccessLogConfig): LogWriter {
    const key = target.kind === "file" ? target.path : `:${target.kind}`;
    const known =
      this.#files.get(key) ??
      new LogWriter(target, {
        name: "access log",
        encoding: "latin1",
        batchBytes: Math.max(DEFAULT_BUFFER_BYTES, bufferBytes),
        flushMs: flushMs > 0 ? flushMs : bufferBytes > 0 ? BUFFERED_FLUSH_MS : FLUSH_MS,
        eager: flushMs === 0 && bufferBytes === 0,
        reportMs: REPORT_MS,
        report: this.#report,
        onDrop: this.#onDrop,
      });
    this.#files.set(key, known);
    return known;
  }

  #gzip(target: Extract<LogTarget, { kind: "file" }>, config: AccessLogConfig): GzipLog {
    const { path } = target;
    const known =
      this.#gzipped.get(path) ??
      new GzipLog(this.#file(target, { ...config, flushMs: FLUSH_MS, bufferBytes: 0 }), config);
    this.#gzipped.set(path, known);
    return known;
  }

  #sender(config: Extract<AccessLogConfig["to"], { kind: "syslog" }>): SyslogSender {
    const key = JSON.stringify(config);
    const known = this.#senders.get(key) ?? createSyslog(config, this.#report);
    this.#senders.set(key, known);
    return known;
  }
}

/** Each buffer of lines becomes one member of a gzip file. */
class GzipLog {
  readonly #writer: LogWriter;
  readonly #bufferBytes: Bytes;
  readonly #flushMs: Ms;
  readonly #level: number;
  #text = "";
  #timer: NodeJS.Timeout | null = null;

  constructor(writer: LogWriter, { bufferBytes, flushMs, gzipLevel }: AccessLogConfig) {
    this.#writer = writer;
    this.#bufferBytes = bufferBytes > 0 ? bufferBytes : DEFAULT_BUFFER_BYTES;
    this.#flushMs = flushMs;
    this.#level = gzipLevel;
  }

  write(line: string): void {
    if (this.#text.length + line.length > this.#bufferBytes) this.flush();
    this.#text += line;
    if (this.#flushMs > 0 && this.#timer === null) {
      this.#timer = setTimeout(() => this.flush(), this.#flushMs);
      this.#timer.unref();
    }
  }

  flush(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#text === "") return;
    const member = gzipSync(Buffer.from(this.#text, "latin1"), { level: this.#level });
    this.#text = "";
    this.#writer.write(member.toString("latin1"));
  }

  close(): void {
    this.flush();
  }
}

/** Lines by path, appended together. */
class PathLogs {
  readonly #report: (message: string) => void;
  readonly #onDrop: (lines: number) => void;
  #lines = new Map<string, string[]>();
  #bytes: Bytes = 0;
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();
  #reportedAt = Number.NEGATIVE_INFINITY;

  constructor(report: (message: string) => void, onDrop: (lines: number) => void) {
    this.#report = report;
    this.#onDrop = onDrop;
  }

  write(path: string, line: string): void {
    const known = this.#lines.get(path);
    if (this.#bytes + line.length > PATH_BYTES_MAX || (!known && this.#lines.size >= PATHS_MAX))
      return this.#lost(1, path, "written too slowly");
    this.#bytes += line.length;
    if (known) known.push(line);
    else this.#lines.set(path, [line]);
    if (this.#timer === null) {
      this.#timer = setTimeout(() => void this.flush(), FLUSH_MS);
      this.#timer.unref();
    }
  }

  /** One round behind the other, so that the lines of a file stay in order. */
  flush(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#writing = this.#writing.then(() => this.#writeAll());
    return this.#writing;
  }

  flushSync(): void {
    for (const [path, lines] of this.#taken()) {
      try {
        appendFileSync(fileName(path), bytesOf(lines), { mode: FILE_MODE });
      } catch (error) {
        this.#failed(path, lines, error);
      }
    }
  }

  close(): Promise<void> {
    return this.flush();
  }

  async #writeAll(): Promise<void> {
    const all = this.#taken();
    for (let from = 0; from < all.length; from += AT_ONCE) {
      const some = all.slice(from, from + AT_ONCE).map(async ([path, lines]) => {
        try {
          await appendFile(fileName(path), bytesOf(lines), { mode: FILE_MODE });
        } catch (error) {
          this.#failed(path, lines, error);
        }
      });
      await Promise.all(some);
    }
  }

  #taken(): [string, string[]][] {
    const all = [...this.#lines];
    this.#lines = new Map();
    this.#bytes = 0;
    return all;
  }

  #failed(path: string, lines: readonly string[], error: unknown): void {
    this.#lost(lines.length, path, (error as NodeJS.ErrnoException).code ?? (error as Error).message);
  }

  #lost(lines: number, path: string, why: string): void {
    this.#onDrop(lines);
    const now = performance.now();
    if (now - this.#reportedAt < REPORT_MS) return;
    this.#reportedAt = now;
    this.#report(`access log ${path}: ${lines === 1 ? "1 line was" : `${lines} lines were`} dropped: ${why}`);
  }
}

function bytesOf(lines: readonly string[]): Buffer {
  return Buffer.from(lines.join(""), "latin1");
}

function fileName(path: string): Buffer {
  return Buffer.from(path, "latin1");
}
