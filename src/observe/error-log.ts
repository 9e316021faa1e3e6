// nginx's error_log: what goes wrong, in lines that tooling for nginx's logs reads:
//   2026/11/21 17:31:00 [error] 123#123: *7 connect() failed (111: Connection refused) while connecting to upstream,
//   client: 127.0.0.1, server: shop, request: "GET / HTTP/1.1", upstream: "http://127.0.0.1:81/", host: "shop",
//   cause: connect-refused
// (one line). The cause is ours and stands last, in the form of the other fields. A block may have several logs, each
// with a level of its own. Lines are written behind the back of the data path: at once while there are few, else within 50 ms.
import type { LogTarget } from "../config/config.ts";
import type { ErrorLevel, ErrorLogConfig } from "../config/servers.ts";
import type { CauseId } from "../failure/causes.ts";
import type { Ms } from "../std/units.ts";
import { LogWriter } from "./log-writer.ts";
import { createSyslog, type SyslogSender } from "./syslog.ts";

/** What a line says of the request; texts are byte text. */
export interface ErrorContext {
  /** $connection; 0 = none. */
  readonly connection: number;
  readonly client: string;
  /** The first name of the virtual server; before there is one, the listener's address. */
  readonly server: string;
  /** The request line; "" = none was read. */
  readonly request: string;
  /** Of a subrequest its path. */
  readonly subrequest?: string;
  /** "http://10.0.0.7:3000/cart". */
  readonly upstream?: string;
  readonly host?: string;
  readonly referrer?: string;
  readonly cause?: CauseId;
}

/** The error logs of a block as one. */
export interface ErrorLog {
  /** The most talkative of them. */
  readonly level: ErrorLevel;
  enabled(level: ErrorLevel): boolean;
  log(level: ErrorLevel, text: string, about: ErrorContext | null): void;
}

/** From grave to trivial. */
const LEVELS = ["emerg", "alert", "crit", "error", "warn", "notice", "info", "debug"] as const;
const RANK = Object.fromEntries(LEVELS.map((level, rank) => [level, rank])) as Readonly<Record<ErrorLevel, number>>;
/** nginx's bound of a line. */
const LINE_BYTES_MAX = 2048;
const FLUSH_MS: Ms = 2;

/** Where the lines of one `error_log` go. */
interface Destination {
  write(level: ErrorLevel, line: string): void;
  /** All lines of an entry are there. */
  hurry(): void;
}

/** All open error logs of a process; a file that is named several times is open once. */
export class ErrorLogs {
  readonly #report: (message: string) => void;
  readonly #writers = new Map<string, LogWriter>();
  readonly #senders = new Map<string, SyslogSender>();

  /** `report` is told what keeps a log from being written. */
  constructor(report: (message: string) => void) {
    this.#report = report;
  }

  /** Opens the logs of a block; throws an Error that says which cannot be opened. */
  open(configs: readonly ErrorLogConfig[]): ErrorLog {
    const targets = configs.map(({ to, level }) => ({ rank: RANK[level], to: this.#destination(to) }));
    const most = Math.max(-1, ...targets.map(({ rank }) => rank));
    return {
      level: LEVELS[Math.max(0, most)]!,
      enabled: (level) => RANK[level] <= most,
      log: (level, text, about) => {
        const rank = RANK[level];
        if (rank > most) return;
        const line = errorLine(level, text, about, new Date());
        for (const target of targets) if (rank <= target.rank) target.to.write(level, line);
        for (const target of targets) if (rank <= target.rank) target.to.hurry();
      },
    };
  }

  /** Opens files anew, after they were renamed. */
  async reopen(): Promise<void> {
    await Promise.all([...this.#writers.values()].map((writer) => writer.reopen()));
  }

  async flush(): Promise<void> {
    await Promise.all([...this.#writers.values()].map((writer) => writer.flush()));
  }

  /** Writes what waits, at once; for the end of the process. */
  flushSync(): void {
    for (const writer of this.#writers.values()) writer.flushSync();
  }

  async close(): Promise<void> {
    const senders = [...this.#senders.values()].map((sender) => sender.close());
    await Promise.all([...senders, ...[...this.#writers.values()].map((writer) => writer.close())]);
  }

  #destination(to: ErrorLogConfig["to"]): Destination {
    if (to.kind === "syslog") {
      const sender = this.#sender(to);
      return { write: (level, line) => sender.send(line, level), hurry: () => {} };
    }
    return writtenAtOnce(this.#writer(openable(to)));
  }

  #sender(config: Extract<ErrorLogConfig["to"], { kind: "syslog" }>): SyslogSender {
    const key = JSON.stringify(config);
    const known = this.#senders.get(key) ?? createSyslog(config, this.#report);
    this.#senders.set(key, known);
    return known;
  }

  #writer(target: LogTarget): LogWriter {
    const key = target.kind === "file" ? target.path : `:${target.kind}`;
    const known =
      this.#writers.get(key) ??
      new LogWriter(target, {
        name: "error log",
        encoding: "latin1",
        batchBytes: 64 * 1024,
        flushMs: FLUSH_MS,
        eager: true,
        reportMs: 60_000,
        report: this.#report,
      });
    this.#writers.set(key, known);
    return known;
  }
}

/** Whoever reads the log behind the answer finds the line; lines that come while one is being written wait a moment. */
function writtenAtOnce(writer: LogWriter): Destination {
  let busy = false;
  return {
    write: (_, line) => writer.write(`${line}\n`),
    hurry: () => {
      if (busy) return;
      busy = true;
      void writer.flush().then(() => {
        busy = false;
      });
    },
  };
}

/**
 * A target of virtual servers for a LogWriter, whose paths are ordinary strings. Containers name the standard streams
 * by their path, which cannot be opened where it is a socket.
 */
export function openable(target: LogTarget): LogTarget {
  if (target.kind !== "file") return target;
  if (target.path === "/dev/stdout") return { kind: "stdout" };
  if (target.path === "/dev/stderr") return { kind: "stderr" };
  return { kind: "file", path: Buffer.from(target.path, "latin1").toString("utf8") };
}

/** A line as nginx writes it, without its end. */
export function errorLine(level: ErrorLevel, text: string, about: ErrorContext | null, at: Date): string {
  const connection = about && about.connection > 0 ? `*${about.connection} ` : "";
  const head = `${time(at)} [${level}] ${process.pid}#${process.pid}: ${connection}`;
  const tail = about ? contextText(about) : "";
  const cause = about?.cause === undefined ? "" : `, cause: ${about.cause}`;
  // A request line fills what there is; what is cut then is the middle, since the cause tells most.
  const room = LINE_BYTES_MAX - 1 - cause.length;
  return oneLine((head + text + tail).slice(0, room)) + cause;
}

function contextText(about: ErrorContext): string {
  let text = `, client: ${about.client}, server: ${about.server}`;
  if (about.request !== "") text += `, request: "${about.request}"`;
  if (about.subrequest !== undefined) text += `, subrequest: "${about.subrequest}"`;
  if (about.upstream !== undefined) text += `, upstream: "${about.upstream}"`;
  if (about.host !== undefined) text += `, host: "${about.host}"`;
  if (about.referrer !== undefined) text += `, referrer: "${about.referrer}"`;
  return text;
}

/** Control characters as escapes: what a client sends must not begin a line of its own. */
function oneLine(text: string): string {
  return text.replace(
    /[\x00-\x1f\x7f]/g,
    (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0").toUpperCase()}`,
  );
}

let second = -1;
let secondText = "";

/** "2026/11/21 17:31:00" */
function time(at: Date): string {
  const now = Math.floor(at.getTime() / 1000);
  if (now === second) return secondText;
  second = now;
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${at.getFullYear()}/${two(at.getMonth() + 1)}/${two(at.getDate())}`;
  secondText = `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return secondText;
}
