// One request over HTTP/2 on a connection of its own: where ALPN chooses h2, or (plain) with prior knowledge, where a
// server has answered HTTP/1.1 with frames. The record is the same as for HTTP/1.1, so that the two can be compared.
import http2 from "node:http2";
import { closedFailure, deadlineFailure, failureOf } from "../../failure/classify.ts";
import type { Evidence, Failure } from "../../failure/failure.ts";
import { now } from "../../std/clock.ts";
import type { Bytes, Ms } from "../../std/units.ts";
import type { HttpTry } from "../evidence.ts";
import { BODY_BYTES_MAX } from "./body.ts";
import { addressOf, connectTo, handshakeOn, internalFailure, type Way } from "./connection.ts";
import { contentOf } from "./content.ts";
import { keepTrack, leftMs, roundedMs, type Scene, within } from "./context.ts";
import { READING_MS } from "./http1.ts";
import { type Ask, type Draft, draftOf, fieldOf, settle, unsent, usualFields } from "./request.ts";

/** A field of HTTP/2 costs so much beside its text (RFC 9113 §6.5.2). */
const FIELD_OVERHEAD: Bytes = 32;
/** Error codes (RFC 9113 §7) that say more than that a stream ended. */
const HTTP_1_1_REQUIRED = 13;
const PROTOCOL_ERROR = 1;
const COMPRESSION_ERROR = 9;

/** What came of it; null in place of it = no more requests may be sent, or the server does not offer HTTP/2. */
export interface Exchanged2 {
  readonly http: HttpTry;
  readonly cutShort: boolean;
}

/** Makes one request over HTTP/2; the server's ALPN decides whether it may. */
export async function exchange2(scene: Scene, way: Way, ask: Ask): Promise<Exchanged2 | null> {
  const address = addressOf(way);
  const connected = await connectTo(scene, way.destination);
  if (!connected.ok)
    return { http: unsent(ask, "h2", address, connected.failure, connected.tookMs, null), cutShort: false };
  let socket = connected.socket;
  // The session sees only that a socket has closed, not that its other end has.
  socket.allowHalfOpen = false;
  let tlsMs: Ms | null = null;
  if (way.secure) {
    const handshake = await handshakeOn(scene, connected.socket, way, ["h2"]);
    tlsMs = handshake.tookMs;
    if (!handshake.ok) {
      return { http: unsent(ask, "h2", address, handshake.failure, connected.tookMs, tlsMs), cutShort: false };
    }
    socket = handshake.socket;
    keepTrack(scene, socket);
    if (handshake.socket.alpnProtocol !== "h2") {
      socket.destroy();
      return null;
    }
  }
  const draft = draftOf(scene, ask, "h2", address);
  if (draft === null) {
    socket.destroy();
    return null;
  }
  draft.connectMs = connected.tookMs;
  draft.tlsMs = tlsMs;
  return new Promise((resolve) => {
    const stream = new Http2Exchange(scene, draft, resolve);
    try {
      stream.start(http2.connect(`${ask.scheme}://${ask.host}`, { createConnection: () => socket }));
    } catch (error) {
      socket.destroy();
      stream.fail(internalFailure(error));
    }
  });
}

class Http2Exchange {
  readonly #scene: Scene;
  readonly #draft: Draft;
  readonly #done: (exchanged: Exchanged2) => void;
  readonly #parts: Buffer[] = [];
  #session: http2.ClientHttp2Session | null = null;
  #state: "head" | "body" | "done" = "head";
  #phaseAt: Ms = now();
  #lastByteAt: Ms = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(scene: Scene, draft: Draft, done: (exchanged: Exchanged2) => void) {
    this.#scene = scene;
    this.#draft = draft;
    this.#done = done;
  }

  start(session: http2.ClientHttp2Session): void {
    this.#session = session;
    session.on("error", (error: NodeJS.ErrnoException) => this.#lost(error));
    session.on("close", () => this.#lost(null));
    const { ask, requestId } = this.#draft;
    const fields = Object.fromEntries(
      [...usualFields(this.#scene, requestId), ...ask.fields].map(([name, value]) => [name.toLowerCase(), value]),
    );
    const stream = session.request(
      { ":method": ask.method, ":scheme": ask.scheme, ":authority": ask.host, ":path": ask.path, ...fields },
      { endStream: true },
    );
    this.#setTimer();
    stream.on("response", (...said: unknown[]) => this.#onHead(said));
    stream.on("data", (bytes: Buffer) => this.#onData(bytes));
    stream.on("end", () => this.#onEnd(stream.rstCode));
    stream.on("error", (error: NodeJS.ErrnoException) => this.#lost(error, stream.rstCode));
    stream.on("close", () => this.#lost(null, stream.rstCode));
  }

  #onHead(said: readonly unknown[]): void {
    if (this.#state !== "head") return;
    const draft = this.#draft;
    const raw = Array.isArray(said[2]) ? (said[2] as string[]) : pairsOf(said[0]);
    for (let at = 0; at + 1 < raw.length; at += 2) {
      const name = String(raw[at]);
      const value = String(raw[at + 1]);
      draft.headBytes += name.length + value.length + FIELD_OVERHEAD;
      if (name === ":status") draft.status = Number(value);
      else draft.fields.push([name, value]);
    }
    draft.headMs = now() - this.#phaseAt;
    this.#phaseAt = now();
    this.#state = "body";
    if (/^text\/event-stream\b/i.test(fieldOf(draft.fields, "content-type") ?? "")) return this.#finish(null, false);
    this.#setTimer();
  }

  #onData(bytes: Buffer): void {
    if (this.#state !== "body") return;
    this.#lastByteAt = now();
    this.#draft.bodyBytes += bytes.length;
    this.#parts.push(bytes);
    const tooLong = now() - this.#phaseAt > READING_MS;
    if (this.#draft.bodyBytes >= BODY_BYTES_MAX || tooLong) return this.#finish(null, false);
    this.#setTimer();
  }

  #onEnd(rstCode: number | undefined): void {
    if (this.#state === "body" && (rstCode ?? 0) === 0) this.#finish(null, true);
  }

  #setTimer(): void {
    clearTimeout(this.#timer);
    const limitMs = this.#scene.limits.headMs;
    const deadlineMs = within(this.#scene, limitMs);
    const cutShort = leftMs(this.#scene) < limitMs;
    this.#timer = setTimeout(() => setImmediate(() => this.#timedOut(deadlineMs, cutShort)), deadlineMs);
  }

  #timedOut(deadlineMs: Ms, cutShort: boolean): void {
    if (this.#state === "done") return;
    if (this.#state === "body" && cutShort && now() - this.#lastByteAt < 1_000) return this.#finish(null, false);
    const deadline = this.#state === "head" ? "head" : "idle-body";
    this.#finish(
      deadlineFailure(deadline, { ...this.#evidence(), deadlineMs: roundedMs(deadlineMs) }),
      false,
      cutShort,
    );
  }

  #lost(error: NodeJS.ErrnoException | null, rstCode = 0): void {
    if (this.#state === "done") return;
    const evidence = this.#evidence();
    const system = error?.code !== undefined && !error.code.startsWith("ERR_HTTP2_");
    if (system && error.code !== undefined) evidence.errno = error.code;
    evidence.detail = error === null ? "the stream was closed" : error.message;
    if (rstCode === HTTP_1_1_REQUIRED) return this.#finish(failureOf("protocol-mismatch", evidence), false);
    if (rstCode === PROTOCOL_ERROR || rstCode === COMPRESSION_ERROR || error?.code === "ERR_HTTP2_ERROR") {
      const phase = this.#state === "body" ? "response-body" : "response-head";
      return this.#finish(failureOf("response-malformed", evidence, { phase }), false);
    }
    evidence.closedBy = system ? "rst" : "fin";
    this.#finish(closedFailure(this.#state === "body" ? "response-body" : "response-head", evidence), false);
  }

  #evidence(): Evidence {
    const draft = this.#draft;
    return {
      address: draft.address,
      waitedMs: roundedMs(now() - this.#phaseAt),
      bytesReceived: draft.headBytes + draft.bodyBytes,
      connectionUses: 0,
      ...(draft.connectMs === null ? {} : { roundTripMs: roundedMs(draft.connectMs) }),
    };
  }

  /** Ends it with a failure of ours. */
  fail(failure: Failure): void {
    this.#finish(failure, false);
  }

  #finish(failure: Failure | null, whole: boolean, cutShort = false): void {
    if (this.#state === "done") return;
    const hadHead = this.#state === "body";
    this.#state = "done";
    clearTimeout(this.#timer);
    const draft = this.#draft;
    if (hadHead) draft.bodyMs = now() - this.#phaseAt;
    this.#session?.destroy();
    const report = (found: Failure | null) => this.#done({ http: settle(draft, found), cutShort });
    if (!hadHead) return report(failure);
    this.#readContent(whole && failure === null).then(
      (problem) => report(failure ?? problem),
      (error: unknown) => report(failure ?? internalFailure(error)),
    );
  }

  async #readContent(whole: boolean): Promise<Failure | null> {
    const draft = this.#draft;
    const coding = fieldOf(draft.fields, "content-encoding") ?? "";
    const type = fieldOf(draft.fields, "content-type") ?? "";
    const content = await contentOf(Buffer.concat(this.#parts), coding, type, whole);
    draft.excerpt = content.excerpt;
    draft.bodyHash = content.hash;
    if (content.problem === null) return null;
    return failureOf("response-encoding-invalid", { ...this.#evidence(), detail: content.problem });
  }
}

/** Names and values in turn, where Node hands on only the object. */
function pairsOf(headers: unknown): string[] {
  if (typeof headers !== "object" || headers === null) return [];
  return Object.entries(headers).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).flatMap((one) => [name, String(one)]),
  );
}
