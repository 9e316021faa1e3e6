// The body of a client's request in a virtual server, by what is wanted of it:
//
//   early ─▶ whole      read before an upstream (or a mirror) is asked: in memory, beyond a bound in a file
//     ├────▶ streamed   goes to the upstream as it comes
//     └────▶ discarded  nobody wants it: it is read and thrown away, so that the connection can be used again
//
// Until that is known a little of it is kept, and then the client waits. Where it cannot be read to its end (too large, no
// valid chunks, a disk that fails) it is lost.

import type { FileProblem } from "../../content/file-problem.ts";
import { failureOf } from "../../failure/classify.ts";
import type { Bytes, Ms } from "../../std/units.ts";
import { tooLarge } from "../request-body.ts";
import { BodyFile } from "./body-file.ts";
import type { ServerRequest } from "./request.ts";

/** Of a body that nobody has asked for yet, so much is kept. */
const EARLY_BYTES_MAX: Bytes = 64 * 1024;
/** So much may wait for the disk before the client has to wait … */
const BEHIND_BYTES_MAX: Bytes = 256 * 1024;
/** … until it is no more than this. */
const BEHIND_BYTES_LOW: Bytes = 64 * 1024;
/** A body whose length is known may be so much larger than the buffer. */
const KNOWN_LENGTH_SLACK = 1.25;

export class ClientBody {
  mode: "early" | "whole" | "streamed" | "discarded" | "lost" = "early";
  file: BodyFile | null = null;
  readonly #request: ServerRequest;
  #then: (() => void) | null = null;

  constructor(request: ServerRequest) {
    this.#request = request;
  }

  get #body() {
    return this.#request.exchange.body!;
  }
  get #rules() {
    return this.#request.location.settings.request;
  }

  /** How long its next bytes may take. */
  get timeoutMs(): Ms {
    return this.mode === "whole" || this.mode === "streamed" ? this.#rules.bodyTimeoutMs : Infinity;
  }

  /** Body bytes that no upstream takes. */
  take(buffer: Buffer, start: number, end: number): void {
    const body = this.#body;
    if (this.mode === "discarded" || this.mode === "lost") return;
    if (this.file) {
      this.file.append(Buffer.from(buffer.subarray(start, end)));
      if (this.file.behindBytes >= BEHIND_BYTES_MAX) this.#pause();
      return;
    }
    body.keep(buffer, start, end);
    if (this.mode === "whole") {
      if (this.#needsFile()) this.#toFile();
    } else if (body.keptBytes >= EARLY_BYTES_MAX) this.#pause();
  }

  /** The client waits for us: its timer stands still. */
  #pause(): void {
    const { client } = this.#request.exchange;
    client.pauseReading();
    client.clearDeadline();
  }

  /** Calls back once it has been read; at once, where somebody has taken it before. `inMemory`: what has come stays there. */
  whole(then: () => void, inMemory = false): void {
    if (this.mode !== "early" && this.mode !== "whole") return then();
    const begins = this.mode === "early";
    this.mode = "whole";
    if (this.#tooLarge()) return;
    if (begins && !inMemory && this.#needsFile()) this.#toFile();
    this.#then = then;
    if (this.#body.complete) this.arrived();
    else this.#request.exchange.readOn();
  }

  /** It goes to the upstream as it comes. False = it cannot. */
  stream(): boolean {
    if (this.mode === "early") this.mode = "streamed";
    return !this.#tooLarge();
  }

  /** Nobody wants it. */
  discard(): void {
    if (this.mode !== "early" || this.#body.complete) return;
    this.mode = "discarded";
    this.#body.stopKeeping();
    this.#request.exchange.readOn();
  }

  /** It will not be whole. */
  lose(): void {
    this.mode = "lost";
    this.#then = null;
    this.#request.exchange.client.clearDeadline();
    this.#body.stopKeeping();
  }

  /** More of it has come (or is sure to come) than the location takes. */
  #tooLarge(): boolean {
    const { bodyBytesMax } = this.#request.location.plan;
    if (this.bytesMet <= bodyBytesMax) return false;
    this.lose();
    this.#request.exchange.fail(tooLarge(bodyBytesMax));
    return true;
  }

  /** What counts for the location's bound: of a body that nobody wants, nothing. */
  get bytesMet(): Bytes {
    return this.mode === "whole" || this.mode === "streamed" ? this.#body.atLeast : 0;
  }

  /** It goes to an upstream, from memory, from its file, or as it comes. */
  get isSent(): boolean {
    return this.mode === "whole" || this.mode === "streamed";
  }

  #needsFile(): boolean {
    const { bodyInFile, bodyBufferBytes } = this.#rules;
    if (bodyInFile !== "off") return true;
    const { bodyLength } = this.#request.exchange.head;
    if (bodyLength > 0) return bodyLength >= bodyBufferBytes * KNOWN_LENGTH_SLACK;
    return this.#body.keptBytes > bodyBufferBytes;
  }

  #toFile(): void {
    const request = this.#request;
    const { bodyInFile, bodyTempPath } = this.#rules;
    const file = new BodyFile({
      folder: bodyTempPath,
      name: bodyInFile === "on" ? "kept" : bodyInFile === "clean" ? "removed" : "unlinked",
      random: () => request.servers.random(),
      onProgress: () => this.#written(),
    });
    this.file = file;
    const level = bodyInFile === "off" ? "warn" : "notice";
    request.log(level, `a client request body is buffered to a temporary file ${file.path}`);
    for (const bytes of this.#body.kept) file.append(bytes);
    this.#body.handOver();
  }

  /** The disk has taken something. */
  #written(): void {
    const { exchange } = this.#request;
    const file = this.file!;
    if (exchange.ended) return;
    try {
      if (file.problem) this.failed(file.problem);
      else if (this.#body.complete) this.arrived();
      else if (exchange.client.readingPaused && file.behindBytes <= BEHIND_BYTES_LOW) exchange.readOn();
    } catch (error) {
      exchange.client.onInternalError(error);
    }
  }

  /** Its last byte is there (or written). */
  arrived(): void {
    if (this.#then === null || (this.file && !this.file.settled)) return;
    const then = this.#then;
    this.#then = null;
    then();
  }

  /** The disk fails. */
  failed({ problem, code }: FileProblem): void {
    const request = this.#request;
    if (request.exchange.ended) return;
    this.lose();
    request.exchange.fail(failureOf("gateway-internal-error", { detail: problem, errno: code }));
  }

  /** The request has ended. */
  end(): void {
    this.#then = null;
    this.file?.release();
  }
}
