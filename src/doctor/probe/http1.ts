// One HTTP/1.1 exchange on a connection of the probe, with the codec and the classification of live traffic, so that
// doctor and gateway name the same cause. Never throws; calls back once.
//
// - The head has one deadline (limits.headMs), which a dripping server does not move. Silence in a body has the same.
// - A body is read to its end, or up to 1 MiB, or (where it goes on and on) for two seconds: what is
//   not read is no failure. A stream of events has no end and is not waited for.
// - Where only our own time was up, the result says so (`cutShort`): the caller judges whether the wait was telling.
import { closedFailure, deadlineFailure, failureOf, headExcerpt, wireFailure } from "../../failure/classify.ts";
import type { DeadlineName, Evidence, Failure } from "../../failure/failure.ts";
import { beginEvent, now } from "../../std/clock.ts";
import type { Bytes, Ms } from "../../std/units.ts";
import { keepAliveTimeoutMs } from "../../wire/connection.ts";
import { eachField, type HeadLimits, isWireError, type ResponseHead, type WireError } from "../../wire/head.ts";
import { HeadBuffer } from "../../wire/head-buffer.ts";
import type { HttpTry } from "../evidence.ts";
import { BODY_BYTES_MAX, ProbeBody } from "./body.ts";
import { internalFailure, type ProbeConnection, type Reader } from "./connection.ts";
import { contentOf } from "./content.ts";
import { leftMs, roundedMs, type Scene } from "./context.ts";
import { type Ask, type Draft, draftOf, fieldOf, settle, usualFields } from "./request.ts";

const HEAD_BYTES_MAX: Bytes = 64 * 1024;
const HEAD_LIMITS: HeadLimits = { lineBytes: HEAD_BYTES_MAX, headBytes: HEAD_BYTES_MAX, fields: 512 };
/** Interim responses (1xx) before the final one, as in live traffic. */
const INTERIM_MAX = 16;
/** A body that goes on is read for so long. */
export const READING_MS: Ms = 2_000;
/** A body that has sent something within this time is under way. */
const UNDER_WAY_MS: Ms = 1_000;
/** Of the answer, to tell another protocol by. */
const FIRST_BYTES = 32;

/** What came of an exchange. */
export interface Exchanged {
  readonly http: HttpTry;
  /** Another request may be sent on the connection. */
  readonly reusable: boolean;
  /** It was not the phase's limit that ended it, but the end of all our time. */
  readonly cutShort: boolean;
  /** The body was not read to its end. */
  readonly cutOff: boolean;
  /** The beginning of what the server sent. */
  readonly first: Buffer;
}

/** Sends one request and reads its response; null = no more requests may be sent. */
export function exchange(scene: Scene, connection: ProbeConnection, ask: Ask): Promise<Exchanged | null> {
  const draft = draftOf(scene, ask, "http/1.1", connection.address);
  if (draft === null) return Promise.resolve(null);
  return new Promise((resolve) => new Http1Exchange(scene, connection, draft, resolve).start());
}

class Http1Exchange implements Reader {
  readonly #scene: Scene;
  readonly #connection: ProbeConnection;
  readonly #draft: Draft;
  readonly #done: (exchanged: Exchanged) => void;
  readonly #request: string;
  #state: "head" | "body" | "done" = "head";
  #phaseAt: Ms = now();
  #lastByteAt: Ms = 0;
  #head = new HeadBuffer("response", HEAD_LIMITS);
  #interims = 0;
  #keepAlive = false;
  #upgraded = false;
  #body: ProbeBody | null = null;
  #bytesReceived: Bytes = 0;
  #first: Buffer = Buffer.alloc(0);
  #timer: NodeJS.Timeout | undefined;
  /** The body is read until then. */
  #readUntil: Ms = Number.POSITIVE_INFINITY;

  constructor(scene: Scene, connection: ProbeConnection, draft: Draft, done: (exchanged: Exchanged) => void) {
    this.#scene = scene;
    this.#connection = connection;
    this.#draft = draft;
    this.#done = done;
    const fields = [["Host", draft.ask.host], ...usualFields(scene, draft.requestId), ...draft.ask.fields];
    const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join("");
    this.#request = `${draft.ask.method} ${draft.ask.path} HTTP/1.1\r\n${lines}\r\n`;
  }

  start(): void {
    const connection = this.#connection;
    const draft = this.#draft;
    draft.reused = connection.uses > 0;
    draft.idleMs = draft.reused ? now() - connection.idleSince : null;
    draft.connectMs = draft.reused ? null : connection.connectMs;
    draft.tlsMs = draft.reused ? null : connection.tlsMs;
    const wasUsable = connection.usable;
    const { idleEnd } = connection;
    connection.readBy(this);
    if (!wasUsable) return this.#lost(idleEnd?.by ?? "fin", null);
    this.#setTimer(this.#scene.limits.headMs);
    connection.sendText(this.#request);
  }

  onBytes(buffer: Buffer, start: number, end: number): void {
    this.#bytesReceived += end - start;
    this.#lastByteAt = now();
    if (this.#first.length < FIRST_BYTES) {
      this.#first = Buffer.concat([this.#first, buffer.subarray(start, end)]).subarray(0, FIRST_BYTES);
    }
    if (this.#state === "head") this.#readHead(buffer, start, end);
    else if (this.#state === "body") this.#readBody(buffer, start, end);
  }

  #readHead(buffer: Buffer, start: number, end: number): void {
    const result = this.#head.push(buffer, start, end);
    if (result === undefined) return;
    if (isWireError(result)) return this.#unreadable(result, headExcerpt(this.#first, 0, this.#first.length));
    const head = result.head as ResponseHead;
    if (head.status >= 200) return this.#onHead(head, result.rest);
    if (head.status === 101 && this.#draft.ask.what === "upgrade") {
      this.#upgraded = true;
      return this.#onHead(head, result.rest);
    }
    const fault =
      head.status === 101
        ? "101 without a request to upgrade"
        : ++this.#interims > INTERIM_MAX
          ? `more than ${INTERIM_MAX} interim responses`
          : "";
    if (fault !== "") return this.#finish(failureOf("response-malformed", this.#evidence({ detail: fault })));
    this.#head = new HeadBuffer("response", HEAD_LIMITS);
    if (result.rest.length > 0) this.#readHead(result.rest, 0, result.rest.length);
  }

  #onHead(head: ResponseHead, rest: Buffer): void {
    const draft = this.#draft;
    const connection = this.#connection;
    if (connection.keepAliveHintMs === 0) connection.keepAliveHintMs = keepAliveTimeoutMs(head);
    draft.status = head.status;
    draft.reason = head.reason;
    draft.headBytes = head.size;
    draft.headMs = now() - this.#phaseAt;
    eachField(head, (name, value) => draft.fields.push([name, value]));
    this.#keepAlive = head.keepAlive;
    this.#state = "body";
    this.#phaseAt = now();
    const body = new ProbeBody(head, draft.ask.method);
    this.#body = body;
    if (this.#upgraded) return this.#finish(null);
    if (/^text\/event-stream\b/i.test(fieldOf(draft.fields, "content-type") ?? "")) return this.#finish(null);
    this.#readUntil = now() + READING_MS;
    this.#setTimer(this.#scene.limits.headMs);
    this.#readBody(rest, 0, rest.length);
  }

  #readBody(buffer: Buffer, start: number, end: number): void {
    const body = this.#body;
    if (!body) return;
    const error = body.take(buffer, start, end);
    if (error) return this.#unreadable(error, null);
    if (body.whole || body.full || now() > this.#readUntil) return this.#finish(null);
    if (end > start) this.#setTimer(this.#scene.limits.headMs);
  }

  onEnd(closedBy: "fin" | "rst"): void {
    const body = this.#body;
    if (closedBy === "fin" && this.#state === "body" && body?.closeDelimited) {
      body.end();
      return this.#finish(null);
    }
    this.#lost(closedBy, null);
  }

  onClosed(error: NodeJS.ErrnoException | null): void {
    this.#lost(error ? "rst" : "fin", error);
  }

  #lost(closedBy: "fin" | "rst", error: NodeJS.ErrnoException | null): void {
    if (this.#state === "done") return;
    const evidence = this.#evidence({ closedBy });
    if (error?.code !== undefined) evidence.errno = error.code;
    if (this.#body) evidence.closeDelimited = this.#body.closeDelimited;
    // Bytes of a head that stops in its middle are shown: they may be another protocol's.
    if (this.#state === "head" && this.#first.length > 0)
      evidence.headExcerpt = headExcerpt(this.#first, 0, FIRST_BYTES);
    this.#finish(closedFailure(this.#state === "body" ? "response-body" : "response-head", evidence));
  }

  #unreadable(error: WireError, excerpt: string | null): void {
    const evidence = this.#evidence(excerpt === null ? {} : { headExcerpt: excerpt });
    if (error.error === "head-too-large" || error.error === "line-too-long") evidence.limitBytes = HEAD_BYTES_MAX;
    this.#finish(wireFailure("response", error.error, error.detail, error.status, evidence));
  }

  /** The event loop turns once first: where it was held up, an answer may have been there for long. */
  #setTimer(ms: Ms): void {
    clearTimeout(this.#timer);
    const waitMs = Math.min(ms, leftMs(this.#scene));
    this.#timer = setTimeout(() => {
      setImmediate(() => {
        beginEvent();
        if (this.#state !== "done") this.#timedOut(waitMs, waitMs < ms);
      });
    }, waitMs);
  }

  #timedOut(deadlineMs: Ms, cutShort: boolean): void {
    const deadline: DeadlineName = this.#state === "head" ? "head" : "idle-body";
    if (this.#state === "body" && cutShort && now() - this.#lastByteAt < UNDER_WAY_MS) return this.#finish(null);
    const evidence = this.#evidence({ deadlineMs: roundedMs(deadlineMs) });
    if (this.#state === "body") evidence.waitedMs = roundedMs(now() - Math.max(this.#lastByteAt, this.#phaseAt));
    this.#finish(deadlineFailure(deadline, evidence), cutShort);
  }

  #evidence(more: Evidence): Evidence {
    const at = now();
    const connection = this.#connection;
    const { idleMs } = this.#draft;
    return {
      ...more,
      address: connection.address,
      waitedMs: roundedMs(at - this.#phaseAt),
      bytesSent: this.#request.length,
      bytesReceived: this.#bytesReceived,
      connectionAgeMs: roundedMs(at - connection.connectedAt),
      connectionUses: connection.uses - 1,
      roundTripMs: roundedMs(connection.connectMs),
      ...(connection.keepAliveHintMs > 0 ? { keepAliveHintMs: connection.keepAliveHintMs } : {}),
      ...(idleMs === null ? {} : { idleMs: roundedMs(idleMs) }),
    };
  }

  #finish(failure: Failure | null, cutShort = false): void {
    if (this.#state === "done") return;
    const body = this.#body;
    if (body) this.#draft.bodyMs = now() - this.#phaseAt;
    this.#state = "done";
    clearTimeout(this.#timer);
    const connection = this.#connection;
    const reusable =
      failure === null &&
      body?.whole === true &&
      !body.surplus &&
      this.#keepAlive &&
      !this.#upgraded &&
      connection.usable;
    connection.readBy(null);
    if (!reusable) connection.destroy();
    const report = (found: Failure | null) =>
      this.#done({
        http: settle(this.#draft, found),
        reusable,
        cutShort,
        cutOff: body?.whole === false,
        first: this.#first,
      });
    if (!body) return report(failure);
    this.#readContent(body).then(
      (problem) => report(failure ?? problem),
      (error: unknown) => report(failure ?? internalFailure(error)),
    );
  }

  /** Decodes the body; the value is what is wrong with its coding. */
  async #readContent(body: ProbeBody): Promise<Failure | null> {
    const draft = this.#draft;
    const coding = fieldOf(draft.fields, "content-encoding") ?? "";
    const whole = body.whole && body.bytes <= BODY_BYTES_MAX;
    const content = await contentOf(body.content, coding, fieldOf(draft.fields, "content-type") ?? "", whole);
    draft.bodyBytes = body.bytes;
    draft.excerpt = content.excerpt;
    draft.bodyHash = content.hash;
    if (content.problem === null) return null;
    return failureOf("response-encoding-invalid", this.#evidence({ detail: content.problem }));
  }
}
