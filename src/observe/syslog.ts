// Lines to a syslog server as nginx sends them: RFC 3164 over UDP, one datagram a line, no answer and no second try.
// A Unix socket is a datagram socket too (/dev/log), which Node cannot open: logger(1) sends for us, where there is
// one. Nothing here throws or waits; what cannot be sent is lost and counted, and told once a minute.
import { type ChildProcess, spawn } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns";
import { isIP } from "node:net";
import { hostname } from "node:os";
import type { SyslogConfig } from "../config/servers.ts";
import type { Ms } from "../std/units.ts";

const FACILITIES =
  "kern user mail daemon auth intern lpr news uucp clock authpriv ftp ntp audit alert cron local0 local1 local2 local3 local4 local5 local6 local7".split(
    " ",
  );
/** As nginx calls them; RFC 5424 §6.2.1 has the numbers. */
const SEVERITIES = "emerg alert crit error warn notice info debug".split(" ");
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
/** nginx's bound of a message, its head not counted. */
const MESSAGE_BYTES_MAX = 2048;
const REPORT_MS: Ms = 60_000;
const CLOSE_MS: Ms = 500;
/** Datagrams that may be on their way. */
const PENDING_MAX = 10_000;

/** Sends lines; they are byte text without a line end. */
export interface SyslogSender {
  /** `severity`: nginx's name of it; absent = that of the configuration. */
  send(line: string, severity?: string): void;
  /** Resolves when what was sent is on its way. */
  close(): Promise<void>;
}

/** Opens nothing yet: the first line does. */
export function createSyslog(config: SyslogConfig, report: (message: string) => void): SyslogSender {
  const complain = onceInAWhile(report);
  return config.server.kind === "unix"
    ? new LoggerSender(config, config.server.path, complain)
    : new UdpSender(config, config.server, complain);
}

/** "<190>Nov 21 17:31:00 host nginx: " */
export function syslogHead(config: SyslogConfig, severity: string, at: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  const day = `${MONTHS[at.getMonth()]} ${String(at.getDate()).padStart(2, " ")}`;
  const host = config.noHostname ? "" : ` ${hostname()}`;
  return `<${priority(config, severity)}>${day} ${time}${host} ${config.tag}: `;
}

function priority(config: SyslogConfig, severity: string): number {
  return Math.max(0, FACILITIES.indexOf(config.facility)) * 8 + Math.max(0, SEVERITIES.indexOf(severity));
}

interface Server {
  readonly host: string;
  readonly port: number;
}

class UdpSender implements SyslogSender {
  readonly #config: SyslogConfig;
  readonly #server: Server;
  readonly #complain: (message: string) => void;
  #socket: Socket | null = null;
  /** null = not known yet; nginx looks a name up once, too. */
  #address: string | null;
  #waiting: Buffer[] = [];
  #pending = 0;
  #onIdle: (() => void) | null = null;

  constructor(config: SyslogConfig, server: Server, complain: (message: string) => void) {
    this.#config = config;
    this.#server = server;
    this.#complain = complain;
    this.#address = isIP(server.host) ? server.host : null;
  }

  send(line: string, severity = this.#config.severity): void {
    if (this.#pending >= PENDING_MAX) return this.#complain("datagrams wait, lines are lost");
    const head = syslogHead(this.#config, severity, new Date());
    const datagram = Buffer.from(head + line.slice(0, MESSAGE_BYTES_MAX), "latin1");
    this.#pending++;
    if (this.#address !== null) return this.#sendTo(this.#address, datagram);
    this.#waiting.push(datagram);
    if (this.#waiting.length === 1) this.#resolve();
  }

  async close(): Promise<void> {
    if (this.#pending > 0) {
      await withinClose((done) => {
        this.#onIdle = done;
      });
    }
    this.#socket?.close();
    this.#socket = null;
  }

  #resolve(): void {
    lookup(this.#server.host, (error, address) => {
      const waiting = this.#waiting;
      this.#waiting = [];
      if (error) {
        this.#complain(`${this.#server.host} has no address (${error.code})`);
        for (const _ of waiting) this.#done();
        return;
      }
      this.#address = address;
      for (const datagram of waiting) this.#sendTo(address, datagram);
    });
  }

  #sendTo(address: string, datagram: Buffer): void {
    try {
      this.#socket ??= this.#open(address);
      this.#socket.send(datagram, this.#server.port, address, (error) => {
        if (error) this.#complain((error as NodeJS.ErrnoException).code ?? error.message);
        this.#done();
      });
    } catch (error) {
      this.#complain((error as Error).message);
      this.#done();
    }
  }

  #open(address: string): Socket {
    const lookupNumeric = (
      host: string,
      _: unknown,
      found: (error: null, address: string, family: number) => void,
    ): void => found(null, host, isIP(host));
    const socket = createSocket({
      type: isIP(address) === 6 ? "udp6" : "udp4",
      lookup: lookupNumeric as typeof lookup,
    });
    socket.unref();
    socket.on("error", (error) => {
      this.#complain(error.message);
      socket.close();
      if (this.#socket === socket) this.#socket = null;
    });
    return socket;
  }

  #done(): void {
    this.#pending--;
    if (this.#pending === 0) this.#onIdle?.();
  }
}

/** logger(1) of util-linux puts time and tag in front of each line; it names no host on a Unix socket. */
class LoggerSender implements SyslogSender {
  readonly #config: SyslogConfig;
  readonly #path: string;
  readonly #complain: (message: string) => void;
  #logger: ChildProcess | null = null;
  #closed = false;

  constructor(config: SyslogConfig, path: string, complain: (message: string) => void) {
    this.#config = config;
    this.#path = path;
    this.#complain = complain;
  }

  send(line: string, severity = this.#config.severity): void {
    if (this.#closed) return;
    this.#logger ??= this.#start();
    const { stdin } = this.#logger;
    if (!stdin?.writable || stdin.writableLength > 1024 * 1024) return this.#complain("lines are lost");
    const text = line.slice(0, MESSAGE_BYTES_MAX).replaceAll("\n", " ");
    stdin.write(Buffer.from(`<${priority(this.#config, severity)}>${text}\n`, "latin1"));
  }

  async close(): Promise<void> {
    this.#closed = true;
    const logger = this.#logger;
    if (!logger || logger.exitCode !== null) return;
    await withinClose((done) => {
      logger.once("exit", done);
      logger.stdin?.end();
    });
  }

  #start(): ChildProcess {
    const options = ["--socket", this.#path, "--socket-errors=off", "--prio-prefix", "--tag", this.#config.tag];
    const child = spawn("logger", options, { stdio: ["pipe", "ignore", "ignore"] });
    const gone = (why: string) => (): void => {
      if (this.#logger === child) this.#logger = null;
      if (!this.#closed) this.#complain(why);
    };
    child.once("error", gone("logger(1), which sends to Unix sockets, cannot be started"));
    child.once("exit", gone("logger(1), which sends to Unix sockets, has ended"));
    child.stdin.on("error", gone("logger(1) takes nothing"));
    child.unref();
    return child;
  }
}

/** The timer keeps the process for what is unreferenced otherwise. */
function withinClose(start: (done: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, CLOSE_MS);
    start(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function onceInAWhile(report: (message: string) => void): (message: string) => void {
  let saidAt = Number.NEGATIVE_INFINITY;
  return (message) => {
    const now = performance.now();
    if (now - saidAt < REPORT_MS) return;
    saidAt = now;
    report(`syslog: ${message}`);
  };
}
