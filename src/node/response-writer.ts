// The engine's response, read from the wire and said again by node's own response object, so that what middleware does
// to it (cookies of a session, compression, its own fields) still happens. Fields of the upstream replace those that
// were set before, but for Set-Cookie and Vary, which add up. What belongs to a connection is node's to say.
// A body that ends early is never ended as if it were whole: the client's connection is reset.
import type { ServerResponse } from "node:http";
import type { Http2ServerResponse } from "node:http2";
import type { Socket } from "node:net";
import { CHUNK_LIMITS } from "../proxy/chunks.ts";
import { ChunkedDecoder } from "../wire/chunked.ts";
import { CHUNKED, responseBodyLength } from "../wire/framing.ts";
import { eachField, fieldValues, isWireError, type ResponseHead } from "../wire/head.ts";
import { parseResponseHead } from "../wire/response-head.ts";
import { BORROWED_BYTES } from "./in-memory-socket.ts";

/** The engine has bounded what the upstream sends. */
const LIMITS = { lineBytes: Infinity, headBytes: Infinity, fields: Infinity };
const OF_THE_CONNECTION = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]);
const ADD_UP = new Set(["set-cookie", "vary"]);
/** RFC 9113 §7: INTERNAL_ERROR. */
const H2_INTERNAL_ERROR = 2;
const UPGRADE_REQUIRED = 426;

/** Says whether a response goes to the client; false = its bytes are thrown away. */
export interface Judge {
  mayBegin(head: ResponseHead): boolean;
}

export class ResponseWriter {
  state: "head" | "body" | "done" | "withheld" = "head";
  readonly #response: ServerResponse;
  readonly #isHttp2: boolean;
  readonly #method: string;
  readonly #judge: Judge;
  /** Body bytes to come; CHUNKED = until the decoder is done. */
  #left = 0;
  #decoder: ChunkedDecoder | null = null;

  constructor(response: ServerResponse | Http2ServerResponse, method: string, judge: Judge) {
    // The compatibility API of HTTP/2 has the methods of node:http; where they differ, #isHttp2 is asked.
    this.#response = response as ServerResponse;
    this.#isHttp2 = "stream" in response;
    this.#method = method;
    this.#judge = judge;
  }

  /** Takes what the engine sends; false = the client takes no more for now, and "drain" of the response follows. */
  take(given: Buffer): boolean {
    const first = this.state === "head";
    let at = 0;
    while (this.state === "head" && at < given.length) {
      const head = parseResponseHead(given, at, given.length, LIMITS);
      // The engine sends each head in one piece, and sound.
      if (head === undefined || isWireError(head)) throw new Error("no response head where one begins");
      at += head.size;
      if (head.status < 200) this.#interim(head);
      else if (this.#judge.mayBegin(head)) this.#begin(head);
      else this.state = "withheld";
    }
    return this.state === "body" ? this.#body(given, at, first) : true;
  }

  #interim(head: ResponseHead): void {
    const response = this.#response;
    if (response.headersSent || response.destroyed) return;
    if (head.status === 100) response.writeContinue();
    else if (head.status === 102) response.writeProcessing();
    else if (head.status === 103) this.#earlyHints(head);
  }

  #earlyHints(head: ResponseHead): void {
    const hints: Record<string, string[]> = {};
    eachField(head, (name, value) => {
      hints[name.toLowerCase()] ??= [];
      hints[name.toLowerCase()]!.push(value);
    });
    const link = fieldValues(head, "link").flatMap((value) => value.split(/,\s*(?=<)/));
    if (link.length === 0) return;
    try {
      this.#response.writeEarlyHints({ ...hints, link });
    } catch {
      // Node knows only a part of the grammar of Link. A hint may be left out.
    }
  }

  #begin(head: ResponseHead): void {
    const response = this.#response;
    this.#left = responseBodyLength(head, this.#method);
    if (this.#left === CHUNKED) this.#decoder = new ChunkedDecoder(CHUNK_LIMITS);
    this.#setFields(head);
    if (this.#isHttp2) response.writeHead(head.status);
    else response.writeHead(head.status, head.reason);
    this.state = "body";
  }

  #setFields(head: ResponseHead): void {
    const response = this.#response;
    // Few enough to be looked through; a Map for each response is the dearest thing in here.
    const lowerNames: string[] = [];
    const names: string[] = [];
    const values: (string | string[])[] = [];
    // Trailers need chunks, which a client of HTTP/1.0 cannot have.
    const noTrailers = this.#left !== CHUNKED || response.req?.httpVersion === "1.0";
    eachField(head, (name, value) => {
      const lowerName = name.toLowerCase();
      if (OF_THE_CONNECTION.has(lowerName) || (noTrailers && lowerName === "trailer")) return;
      const known = lowerNames.indexOf(lowerName);
      if (known >= 0) {
        values[known] = [values[known]!, value].flat();
        return;
      }
      lowerNames.push(lowerName);
      names.push(name);
      values.push(value);
    });
    if (head.status === UPGRADE_REQUIRED && !this.#isHttp2 && head.upgrade !== "") {
      response.setHeader("Connection", "upgrade");
      response.setHeader("Upgrade", head.upgrade);
    }
    for (let i = 0; i < names.length; i++) {
      const before = ADD_UP.has(lowerNames[i]!) ? response.getHeader(names[i]!) : undefined;
      response.setHeader(names[i]!, before === undefined ? values[i]! : [before, values[i]!].flat().map(String));
    }
  }

  #body(given: Buffer, start: number, first: boolean): boolean {
    // A large piece is a view of a buffer that is read into again; whether and when node (or a compression in between)
    // has done with it cannot be known.
    const bytes = given.length < BORROWED_BYTES ? given : Buffer.from(given);
    const pieces: Buffer[] = [];
    const decoder = this.#decoder;
    if (decoder) {
      const used = decoder.decode(bytes, start, bytes.length, (from, to) => pieces.push(bytes.subarray(from, to)));
      if (isWireError(used)) throw new Error(`the response's chunks: ${used.detail}`);
    } else {
      const end = Math.min(bytes.length, start + this.#left);
      this.#left -= end - start;
      if (end > start) pieces.push(bytes.subarray(start, end));
    }
    return this.#send(pieces, decoder ? decoder.done : this.#left === 0, first);
  }

  #send(pieces: Buffer[], last: boolean, first: boolean): boolean {
    const response = this.#response;
    if (response.destroyed) return true;
    const end = last ? pieces.pop() : undefined;
    let more = true;
    for (const piece of pieces) more = response.write(piece);
    if (!last) {
      if (first && pieces.length === 0) response.flushHeaders();
      return more;
    }
    this.state = "done";
    if (this.#decoder && this.#decoder.trailers !== "") response.addTrailers(trailersOf(this.#decoder.trailers));
    if (end) response.end(end);
    else response.end();
    return true;
  }

  /** Ends a response that is not whole so that the client sees it. */
  abort(): void {
    const response = this.#response as ServerResponse & Partial<Pick<Http2ServerResponse, "stream">>;
    if (this.#isHttp2) {
      response.stream?.close(H2_INTERNAL_ERROR);
      return;
    }
    const socket: Socket | null = response.socket;
    // An end in order would make a body that the connection delimits look whole.
    if (socket && !("encrypted" in socket) && typeof socket.resetAndDestroy === "function") socket.resetAndDestroy();
    else response.destroy();
  }
}

/** "Name: value\r\n" lines as node takes them, in both versions of HTTP. */
function trailersOf(lines: string): Record<string, string> {
  const trailers: Record<string, string> = Object.create(null);
  for (const line of lines.trimEnd().split("\r\n")) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).trim();
    trailers[name] = trailers[name] === undefined ? value : `${trailers[name]}, ${value}`;
  }
  return trailers;
}
