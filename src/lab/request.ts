// The lab's own reader of requests, on purpose not the gateway's: a second opinion on every byte that the gateway
// writes. It is tolerant (it reads what can be read) and says in `oddities` what a strict server would object to, so
// that a test can demand that there is none.
import type { Bytes } from "../std/units.ts";
import type { Peer } from "./peer.ts";

const HEAD_BYTES_MAX: Bytes = 64 * 1024;
const CHUNK_LINE_BYTES_MAX: Bytes = 4096;

/** Name and value as they came, latin1. */
export type Field = readonly [name: string, value: string];

export interface RequestHead {
  readonly method: string;
  readonly target: string;
  /** "1.1" of "HTTP/1.1"; "" where there was none. */
  readonly version: string;
  readonly headers: readonly Field[];
  /** Breaches of RFC 9112 that a strict server would reject. */
  readonly oddities: readonly string[];
}

/** Reads one head. null = the peer left before a first byte; a string = why no head could be read. */
export async function readHead(peer: Peer): Promise<RequestHead | string | null> {
  let seen: Buffer = Buffer.alloc(0);
  for (;;) {
    const chunk = await peer.read();
    if (chunk === null) return seen.length === 0 ? null : "the connection ended within the head";
    const from = Math.max(0, seen.length - 3);
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const end = headEnd(seen, from);
    if (end > 0) {
      peer.unread(seen.subarray(end));
      return parseHead(seen.toString("latin1", 0, end));
    }
    if (seen.length > HEAD_BYTES_MAX) return `the head is longer than ${HEAD_BYTES_MAX} bytes`;
  }
}

function headEnd(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(0x0a, from); at >= 0; at = bytes.indexOf(0x0a, at + 1)) {
    if (bytes[at + 1] === 0x0a) return at + 2;
    if (bytes[at + 1] === 0x0d && bytes[at + 2] === 0x0a) return at + 3;
  }
  return -1;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

function parseHead(text: string): RequestHead | string {
  const oddities: string[] = [];
  if (/(?<!\r)\n/.test(text)) oddities.push("a line of the head ends in a bare LF");
  const lines = text.split(/\r?\n/).slice(0, -2);
  const requestLine = /^(\S+) (\S+) HTTP\/(\d\.\d)$/.exec(lines[0] ?? "");
  if (!requestLine) return "the request line cannot be read: " + JSON.stringify((lines[0] ?? "").slice(0, 80));
  const headers: Field[] = [];
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(":");
    if (/^[ \t]/.test(line)) oddities.push("a folded line");
    else if (colon < 0) oddities.push("a field line without a colon");
    else {
      const name = line.slice(0, colon);
      if (!TOKEN.test(name)) oddities.push("a field name that is no token: " + JSON.stringify(name));
      headers.push([name, line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "")]);
    }
    if (/[\0\r]/.test(line)) oddities.push("a NUL or a bare CR in a field");
  }
  const [, method = "", target = "", version = ""] = requestLine;
  const hosts = values(headers, "host").length;
  if (version === "1.1" && hosts !== 1) oddities.push(hosts === 0 ? "no Host" : "several Host fields");
  const lengths = values(headers, "content-length");
  if (lengths.length > 1) oddities.push("several Content-Length fields");
  if (lengths.some((length) => !/^\d+$/.test(length))) oddities.push("a Content-Length that is no number");
  const codings = values(headers, "transfer-encoding");
  if (codings.length > 0 && lengths.length > 0) oddities.push("both Transfer-Encoding and Content-Length");
  if (codings.length > 0 && version === "1.0") oddities.push("Transfer-Encoding in HTTP/1.0");
  return { method, target, version, headers, oddities };
}

/** All values of a field, in order; the name in lower case. */
export function values(headers: readonly Field[], name: string): string[] {
  return headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
}

/** A request's body: read at most once, piece by piece; figures grow while it is read. */
export class RequestBody {
  bytes: Bytes = 0;
  complete: boolean;
  started = false;
  readonly trailers: Field[] = [];
  readonly oddities: string[] = [];
  readonly #peer: Peer;
  readonly #length: number;
  readonly #chunked: boolean;
  readonly #expectsContinue: boolean;

  constructor(peer: Peer, head: RequestHead) {
    this.#peer = peer;
    this.#chunked = /(^|,)\s*chunked\s*$/i.test(values(head.headers, "transfer-encoding").join(","));
    const length = Number(values(head.headers, "content-length")[0] ?? 0);
    this.#length = Number.isSafeInteger(length) && length >= 0 ? length : 0;
    this.complete = !this.#chunked && this.#length === 0;
    this.#expectsContinue = /^100-continue$/i.test(values(head.headers, "expect")[0] ?? "");
  }

  /** The client waits for 100 (Continue) and has not been told to go on. */
  get awaitsContinue(): boolean {
    return this.#expectsContinue && !this.started && !this.complete;
  }

  /** Reads on; asks for the body with 100 (Continue) first where the client waits for that, unless told not to. */
  async *read(options: { continue?: boolean } = {}): AsyncGenerator<Buffer, void> {
    const ask = this.awaitsContinue && options.continue !== false;
    this.started = true;
    if (ask) await this.#peer.send("HTTP/1.1 100 Continue\r\n\r\n");
    for await (const chunk of this.#chunked ? this.#readChunked() : this.#readCounted(this.#length)) {
      this.bytes += chunk.length;
      yield chunk;
    }
    if (!this.#chunked) this.complete = this.bytes === this.#length;
  }

  /** Reads the rest to nowhere. */
  async drain(options: { continue?: boolean } = {}): Promise<void> {
    if (this.complete) return;
    for await (const _ of this.read(options));
  }

  /** The whole body; null = longer than the limit (the rest stays unread). */
  async collect(bytesMax: Bytes): Promise<Buffer | null> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.read()) {
      if (this.bytes > bytesMax) return null;
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  async *#readCounted(count: number): AsyncGenerator<Buffer, boolean> {
    let left = count;
    while (left > 0) {
      const chunk = await this.#peer.read();
      if (chunk === null) return false;
      if (chunk.length > left) this.#peer.unread(chunk.subarray(left));
      const taken = chunk.subarray(0, left);
      left -= taken.length;
      yield taken;
    }
    return true;
  }

  async *#readChunked(): AsyncGenerator<Buffer, void> {
    for (;;) {
      const line = await this.#readLine();
      if (line === null) return;
      const size = /^([0-9a-fA-F]{1,8})[ \t]*(;.*)?$/.exec(line)?.[1];
      if (size === undefined) return void this.oddities.push("a chunk size that is no number: " + JSON.stringify(line));
      const count = Number.parseInt(size, 16);
      if (count === 0) break;
      if (!(yield* this.#readCounted(count))) return;
      const behind = await this.#readLine();
      if (behind === null) return;
      if (behind !== "") return void this.oddities.push("no CRLF after a chunk");
    }
    for (;;) {
      const line = await this.#readLine();
      if (line === null) return;
      if (line === "") break;
      const colon = line.indexOf(":");
      if (colon < 0) this.oddities.push("a trailer line without a colon");
      else this.trailers.push([line.slice(0, colon), line.slice(colon + 1).trim()]);
    }
    this.complete = true;
  }

  async #readLine(): Promise<string | null> {
    let seen: Buffer = Buffer.alloc(0);
    for (;;) {
      const chunk = await this.#peer.read();
      if (chunk === null) return null;
      seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
      const end = seen.indexOf(0x0a);
      if (end >= 0) {
        this.#peer.unread(seen.subarray(end + 1));
        if (seen[end - 1] !== 0x0d) this.oddities.push("a line of the chunked framing ends in a bare LF");
        return seen.toString("latin1", 0, seen[end - 1] === 0x0d ? end - 1 : end);
      }
      if (seen.length > CHUNK_LINE_BYTES_MAX) {
        this.oddities.push("a line of the chunked framing is too long");
        return null;
      }
    }
  }
}
