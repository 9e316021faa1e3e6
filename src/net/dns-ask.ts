// One question to one DNS server, and what it said, whatever that is: for those who look at DNS rather than use it.
// UDP first, sent again after a second; what comes cut is asked for over TCP. Calls back once; never throws.
// Nothing is kept, and no other server is asked in its place.
import { randomInt } from "node:crypto";
import dgram from "node:dgram";
import net from "node:net";
import { now } from "../std/clock.ts";
import type { Ms } from "../std/units.ts";
import { DNS_TYPES, type DnsAnswerMessage, readDnsAnswer } from "../wire/dns-answer.ts";
import { dnsQuestion } from "../wire/dns-message.ts";
import { type ConnectRace, connectFirst } from "./connect.ts";

const RESEND_MS: Ms = 1_000;
/** The largest message over TCP, and its length. */
const TCP_BYTES_MAX = 65_537;

/** What a server said. */
export type DnsAsked =
  | { readonly ok: true; readonly message: DnsAnswerMessage; readonly overTcp: boolean; readonly tookMs: Ms }
  /** `code`: of the system, ETIMEOUT where nothing came, EBADNAME where the name cannot be asked for. */
  | { readonly ok: false; readonly code: string; readonly tookMs: Ms };

/** "192.0.2.53", "[2001:db8::53]:5353", "2001:db8::53" → host and port; null = no address. */
export function dnsServerOf(text: string): { readonly host: string; readonly port: number } | null {
  const bracketed = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(text);
  const plain = net.isIP(text.replace(/%.*$/, "")) ? [text, text, undefined] : /^([^:]+):(\d{1,5})$/.exec(text);
  const [, host = "", port = "53"] = bracketed ?? plain ?? [];
  const number = Number(port);
  if (net.isIP(host.replace(/%.*$/, "")) === 0 || number < 1 || number > 65_535) return null;
  return { host, port: number };
}

/** Asks one server for one type. */
export function askDns(
  server: { readonly host: string; readonly port: number },
  name: string,
  type: "A" | "AAAA",
  deadlineMs: Ms,
): Promise<DnsAsked> {
  return new Promise((resolve) => new DnsAsking(server, name, type, deadlineMs, resolve).start());
}

class DnsAsking {
  readonly #server: { readonly host: string; readonly port: number };
  readonly #name: string;
  readonly #type: number;
  readonly #deadlineMs: Ms;
  readonly #done: (asked: DnsAsked) => void;
  readonly #id = randomInt(0x1_0000);
  readonly #bytes: Buffer | null;
  readonly #startedAt: Ms = now();
  #over = false;
  #udp: dgram.Socket | null = null;
  #race: ConnectRace | null = null;
  #tcp: net.Socket | null = null;
  #deadline: NodeJS.Timeout | undefined;
  #resend: NodeJS.Timeout | undefined;

  constructor(
    server: { readonly host: string; readonly port: number },
    name: string,
    type: "A" | "AAAA",
    deadlineMs: Ms,
    done: (asked: DnsAsked) => void,
  ) {
    this.#server = server;
    this.#name = name.replace(/\.$/, "").toLowerCase();
    this.#type = DNS_TYPES[type];
    this.#deadlineMs = deadlineMs;
    this.#done = done;
    this.#bytes = dnsQuestion(this.#id, this.#name, type);
  }

  start(): void {
    if (this.#bytes === null || this.#name.length > 253) return this.#failed("EBADNAME");
    // The event loop turns once first: where it was held up, the answer may have been there for long.
    this.#deadline = setTimeout(() => setImmediate(() => this.#failed("ETIMEOUT")), this.#deadlineMs);
    const { host, port } = this.#server;
    const socket = dgram.createSocket(net.isIPv6(host.replace(/%.*$/, "")) ? "udp6" : "udp4");
    this.#udp = socket;
    socket.on("message", (bytes) => this.#received(bytes, false));
    socket.on("error", (error: NodeJS.ErrnoException) => this.#failed(error.code ?? "EIO"));
    socket.connect(port, host, () => this.#send());
  }

  #send(): void {
    if (this.#over || this.#bytes === null) return;
    this.#udp?.send(this.#bytes, (error) => {
      if (error) this.#failed((error as NodeJS.ErrnoException).code ?? "EIO");
    });
    this.#resend = setTimeout(() => this.#send(), RESEND_MS);
  }

  #received(bytes: Buffer, overTcp: boolean): void {
    const message = readDnsAnswer(bytes);
    if (this.#over || message?.id !== this.#id) return;
    const { asked } = message;
    if (asked !== null && (asked.name !== this.#name || asked.type !== this.#type)) return;
    if (message.truncated && !overTcp) return this.#askOverTcp();
    this.#finish({ ok: true, message, overTcp, tookMs: now() - this.#startedAt });
  }

  #askOverTcp(): void {
    if (this.#race) return;
    clearTimeout(this.#resend);
    const { host, port } = this.#server;
    this.#race = connectFirst(
      [{ kind: "tcp", ip: host, port }],
      { deadlineMs: this.#deadlineMs, reader: null },
      (result) => {
        if (!result.ok) return this.#failed(result.failure.evidence.errno ?? "ETIMEOUT");
        this.#readTcp(result.socket);
      },
    );
  }

  #readTcp(socket: net.Socket): void {
    this.#tcp = socket;
    let read: Buffer = Buffer.alloc(0);
    socket.on("error", (error: NodeJS.ErrnoException) => this.#failed(error.code ?? "EIO"));
    socket.on("end", () => this.#failed("ECONNRESET"));
    socket.on("data", (bytes: Buffer) => {
      read = Buffer.concat([read, bytes]);
      if (read.length > TCP_BYTES_MAX) return this.#failed("EBADRESP");
      if (read.length < 2 || read.length < 2 + read.readUInt16BE(0)) return;
      this.#received(read.subarray(2, 2 + read.readUInt16BE(0)), true);
      this.#failed("EBADRESP");
    });
    const length = Buffer.alloc(2);
    length.writeUInt16BE(this.#bytes?.length ?? 0, 0);
    socket.write(Buffer.concat([length, this.#bytes ?? Buffer.alloc(0)]));
  }

  #failed(code: string): void {
    this.#finish({ ok: false, code, tookMs: now() - this.#startedAt });
  }

  #finish(asked: DnsAsked): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#deadline);
    clearTimeout(this.#resend);
    this.#udp?.close();
    this.#race?.cancel();
    this.#tcp?.destroy();
    this.#done(asked);
  }
}
