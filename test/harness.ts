// What the end-to-end tests stand on: the real program as a process of its own, and clients that send exact bytes
// and keep exactly what comes back.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../bin/goodgate.js", import.meta.url));
const START_MS = 15_000;

export interface RunningGateway {
  readonly port: number;
  readonly consoleUrl: string | null;
  readonly process: ChildProcess;
  readonly folder: string;
  /** What it has written to standard error. */
  output(): string;
  /** Access log entries so far, oldest first. */
  log(): LogEntry[];
  /** The entry of a request, once it is written. */
  entryOf(requestId: string): Promise<LogEntry>;
  /** Sends a signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** A line of the JSON access log. */
export type LogEntry = Record<string, unknown> & { requestId: string; status: number; cause?: string | null };

/** How the program is started. */
export interface StartOptions {
  /** A command that starts it in its turn: ["setpriv", "--bounding-set=-dac_override"]. */
  readonly prefix?: readonly string[];
}

/** Starts `goodgate run` with a configuration (its `listen`, `console` and `log` are set here unless it has them). */
export async function startGateway(
  config: Record<string, unknown>,
  args: readonly string[] = [],
  options: StartOptions = {},
): Promise<RunningGateway> {
  const folder = mkdtempSync(join(tmpdir(), "goodgate-test-"));
  const file = join(folder, "goodgate.yaml");
  const accessLog = join(folder, "access.log");
  const whole = {
    listen: ["127.0.0.1:0"],
    console: "127.0.0.1:0",
    log: { access: { to: accessLog, format: "json" } },
    ...config,
  };
  writeFileSync(file, JSON.stringify(whole));
  const command = [...(options.prefix ?? []), process.execPath, PROGRAM, "run", file];
  const data = args.includes("--data") ? [] : ["--data", join(folder, "data")];
  const child = spawn(command[0]!, [...command.slice(1), "--pid-file", join(folder, "pid"), ...data, ...args], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1" },
  });
  let output = "";
  child.stderr!.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stdout!.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  const port = await until(
    () => /listening +\S*:(\d+)/.exec(output)?.[1],
    START_MS,
    () => `the gateway did not start:\n${output}`,
    ended,
  );
  const log = (): LogEntry[] =>
    readText(accessLog)
      .split("\n")
      // What stands behind the last line end is a line that is still being written.
      .slice(0, -1)
      .map((line) => JSON.parse(line) as LogEntry);
  return {
    port: Number(port),
    consoleUrl: /console +(http:\S+)/.exec(output)?.[1] ?? null,
    process: child,
    folder,
    output: () => output,
    log,
    entryOf: (requestId) =>
      until(
        () => log().find((entry) => entry.requestId === requestId),
        5_000,
        () => `no log line for ${requestId}`,
      ),
    stop: async (signal = "SIGTERM") => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      const code = await ended;
      rmSync(folder, { recursive: true, force: true });
      return code;
    },
  };
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** Polls until `probe` gives something; rejects when `early` settles first or the time is over. */
export async function until<T>(
  probe: () => T | undefined | null | false | "",
  ms: number,
  message: () => string,
  early?: Promise<unknown>,
): Promise<T> {
  let over = false;
  void early?.then(() => (over = true));
  const end = performance.now() + ms;
  for (;;) {
    const value = probe();
    if (value) return value;
    if (over || performance.now() > end) throw new Error(message());
    await pause(10);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A client that sends bytes as they are told and keeps what comes. */
export class RawClient {
  readonly socket: Socket;
  bytes = Buffer.alloc(0);
  /** How the peer ended: not yet, in order, or by a reset. */
  ending: "open" | "fin" | "rst" = "open";
  readonly closed: Promise<void>;

  constructor(port: number, host = "127.0.0.1") {
    this.socket = connect({ port, host, allowHalfOpen: true, noDelay: true });
    this.socket.on("data", (chunk: Buffer) => (this.bytes = Buffer.concat([this.bytes, chunk])));
    // Bytes and an RST in one go look to libuv like an end in order; but a socket that was reset has no peer any more
    // (nor has one that had ended its own direction before).
    this.socket.on("end", () => {
      const isReset = this.socket.remoteAddress === undefined && !this.socket.writableEnded;
      this.ending = isReset ? "rst" : "fin";
    });
    this.socket.on("error", () => (this.ending = "rst"));
    this.closed = new Promise((resolve) => {
      this.socket.on("end", () => resolve());
      this.socket.on("close", () => resolve());
    });
  }

  send(bytes: string | Buffer): void {
    this.socket.write(bytes, "latin1");
  }

  get text(): string {
    return this.bytes.toString("latin1");
  }

  /** Waits for a whole response and takes it off what was received. */
  async response(method = "GET", ms = 8_000): Promise<RawResponse> {
    let over = false;
    void this.closed.then(() => (over = true));
    const end = performance.now() + ms;
    for (;;) {
      const response = readResponse(this.bytes, method, over);
      if (response?.whole || (over && response)) {
        this.bytes = this.bytes.subarray(response.size);
        return response;
      }
      if (over || performance.now() > end)
        throw new Error(`no response; got ${JSON.stringify(this.text.slice(0, 300))} (${this.ending})`);
      await pause(5);
    }
  }

  close(): void {
    this.socket.destroy();
  }
}

export interface RawResponse {
  readonly status: number;
  readonly head: string;
  /** Lower-case name → values joined by ", ". */
  readonly fields: ReadonlyMap<string, string>;
  readonly body: Buffer;
  /** The body came to the end that its framing promises. */
  readonly whole: boolean;
  /** Interim responses before this one, by status. */
  readonly interims: readonly number[];
  readonly size: number;
}

/** Reads a response off the front of `bytes`; undefined = not even the head is there. */
export function readResponse(bytes: Buffer, method: string, closed: boolean): RawResponse | undefined {
  const interims: number[] = [];
  for (let from = 0; ; ) {
    const end = bytes.indexOf("\r\n\r\n", from);
    if (end < 0) return undefined;
    const head = bytes.toString("latin1", from, end);
    const status = Number(head.slice(9, 12));
    const fields = new Map<string, string>();
    for (const line of head.split("\r\n").slice(1)) {
      const colon = line.indexOf(":");
      const name = line.slice(0, colon).toLowerCase();
      const value = line.slice(colon + 1).trim();
      fields.set(name, fields.has(name) ? `${fields.get(name)}, ${value}` : value);
    }
    const at = end + 4;
    if (status < 200 && status !== 101) {
      interims.push(status);
      from = at;
      continue;
    }
    return { status, head, fields, interims, ...readBody(bytes, at, method, status, fields, closed) };
  }
}

function readBody(
  bytes: Buffer,
  at: number,
  method: string,
  status: number,
  fields: ReadonlyMap<string, string>,
  closed: boolean,
): { body: Buffer; whole: boolean; size: number } {
  if (method === "HEAD" || status === 204 || status === 304 || status === 101)
    return { body: Buffer.alloc(0), whole: true, size: at };
  if (fields.get("transfer-encoding") === "chunked") return readChunks(bytes, at);
  const length = fields.get("content-length");
  if (length === undefined) return { body: bytes.subarray(at), whole: closed, size: bytes.length };
  const end = at + Number(length);
  return { body: bytes.subarray(at, end), whole: bytes.length >= end, size: Math.min(end, bytes.length) };
}

function readChunks(bytes: Buffer, at: number): { body: Buffer; whole: boolean; size: number } {
  const parts: Buffer[] = [];
  for (;;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) return { body: Buffer.concat(parts), whole: false, size: bytes.length };
    const size = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
    const start = lineEnd + 2;
    if (size === 0) {
      const end =
        bytes.toString("latin1", start, start + 2) === "\r\n" ? start + 2 : bytes.indexOf("\r\n\r\n", start) + 4;
      return { body: Buffer.concat(parts), whole: end >= start + 2 && bytes.length >= end, size: end };
    }
    parts.push(bytes.subarray(start, Math.min(start + size, bytes.length)));
    at = start + size + 2;
    if (at > bytes.length) return { body: Buffer.concat(parts), whole: false, size: bytes.length };
  }
}

/** One request on a connection of its own. */
export async function exchange(
  port: number,
  request: string,
  method = request.slice(0, request.indexOf(" ")),
): Promise<RawResponse & { ending: string }> {
  const client = new RawClient(port);
  try {
    client.send(request);
    const response = await client.response(method);
    return { ...response, ending: client.ending };
  } finally {
    client.close();
  }
}
