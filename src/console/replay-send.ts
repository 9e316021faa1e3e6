// One request, sent once over a connection of its own, and its answer read as far as it is worth comparing: the head,
// and at most 64 KiB of the body. Over the same dial, codec and classification as live traffic, so that what fails has
// the name that it had. Never throws; the socket is closed in any case.
import type { Socket } from "node:net";
import { ProbeBody } from "../doctor/probe/body.ts";
import { closedFailure, deadlineFailure, failureOf, headExcerpt, wireFailure } from "../failure/classify.ts";
import type { Evidence, Failure } from "../failure/failure.ts";
import { type DialTarget, dialed } from "../net/dial.ts";
import { now } from "../std/clock.ts";
import type { Bytes, Ms } from "../std/units.ts";
import { type HeadLimits, isWireError, type ResponseHead, type WireError } from "../wire/head.ts";
import { HeadBuffer } from "../wire/head-buffer.ts";

/** So much of a body is read. */
export const REPLAY_BODY_BYTES_MAX: Bytes = 64 * 1024;
/** A body that goes on and on (events) is read for so long. */
const READING_MS: Ms = 3_000;
const INTERIM_MAX = 16;
const HEAD_BYTES_MAX: Bytes = 64 * 1024;
const LIMITS: HeadLimits = { lineBytes: HEAD_BYTES_MAX, headBytes: HEAD_BYTES_MAX, fields: 512 };

export interface Sending {
  readonly target: DialTarget;
  readonly method: string;
  /** The whole head, as it goes out. */
  readonly text: string;
  readonly headMs: Ms;
  readonly idleBodyMs: Ms;
}

/** What came of it. */
export interface Sent {
  /** null = none came. */
  readonly head: ResponseHead | null;
  readonly failure: Failure | null;
  readonly bytes: Bytes;
  readonly durationMs: Ms;
  /** The body was not read to its end. */
  readonly cutOff: boolean;
}

/** Sends it, and reads the answer. */
export async function sendOnce(sending: Sending): Promise<Sent> {
  const startedAt = now();
  const result = await dialed(sending.target);
  const durationMs = now() - startedAt;
  if (!result.ok) return { head: null, failure: result.failure, bytes: 0, durationMs, cutOff: false };
  const { socket, address, timings } = result;
  const roundTripMs = timings.connectedAt - timings.resolvedAt;
  return new Promise((resolve) => new Reading(sending, socket, { address, roundTripMs }, startedAt, resolve).begin());
}

class Reading {
  readonly #sending: Sending;
  readonly #socket: Socket;
  readonly #known: Evidence;
  readonly #startedAt: Ms;
  readonly #done: (sent: Sent) => void;
  #head: ResponseHead | null = null;
  #headBuffer = new HeadBuffer("response", LIMITS);
  #interims = 0;
  #body: ProbeBody | null = null;
  #bytes: Bytes = 0;
  #first: Buffer = Buffer.alloc(0);
  #phaseAt: Ms = now();
  #readUntil: Ms = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #over = false;

  constructor(sending: Sending, socket: Socket, known: Evidence, startedAt: Ms, done: (sent: Sent) => void) {
    this.#sending = sending;
    this.#socket = socket;
    this.#known = known;
    this.#startedAt = startedAt;
    this.#done = done;
  }

  begin(): void {
    const socket = this.#socket;
    socket.on("data", (bytes: Buffer) => this.#take(bytes));
    socket.on("end", () => this.#ended());
    socket.on("error", (error: NodeJS.ErrnoException) => this.#lost("rst", error.code));
    socket.on("close", () => this.#lost("fin"));
    this.#wait(this.#sending.headMs);
    socket.write(this.#sending.text, "latin1");
  }

  #take(bytes: Buffer): void {
    if (this.#over) return;
    this.#bytes += bytes.length;
    if (this.#first.length < 64) this.#first = Buffer.concat([this.#first, bytes]).subarray(0, 64);
    if (this.#body) this.#takeBody(bytes);
    else this.#takeHead(bytes);
  }

  #takeHead(bytes: Buffer): void {
    const result = this.#headBuffer.push(bytes, 0, bytes.length);
    if (result === undefined) return;
    if (isWireError(result)) return this.#unreadable(result);
    const head = result.head as ResponseHead;
    if (head.status < 200) {
      if (head.status === 101 || ++this.#interims > INTERIM_MAX) {
        const detail =
          head.status === 101 ? "101 without a request to upgrade" : `more than ${INTERIM_MAX} interim responses`;
        return this.#finish(failureOf("response-malformed", this.#evidence({ detail })));
      }
      this.#headBuffer = new HeadBuffer("response", LIMITS);
      if (result.rest.length > 0) this.#takeHead(result.rest);
      return;
    }
    this.#head = head;
    this.#body = new ProbeBody(head, this.#sending.method === "HEAD" ? "HEAD" : "GET");
    this.#phaseAt = now();
    this.#readUntil = now() + READING_MS;
    this.#takeBody(result.rest);
  }

  #takeBody(bytes: Buffer): void {
    const body = this.#body!;
    const error = body.take(bytes, 0, bytes.length);
    if (error) return this.#unreadable(error);
    if (body.whole || body.bytes >= REPLAY_BODY_BYTES_MAX || now() > this.#readUntil) return this.#finish(null);
    this.#wait(Math.min(this.#sending.idleBodyMs, Math.max(1, this.#readUntil - now())));
  }

  #ended(): void {
    if (this.#body?.closeDelimited) {
      this.#body.end();
      return this.#finish(null);
    }
    this.#lost("fin");
  }

  #lost(closedBy: "fin" | "rst", errno?: string): void {
    const evidence = this.#evidence({
      closedBy,
      ...(errno === undefined ? {} : { errno }),
      ...(this.#body ? { closeDelimited: this.#body.closeDelimited } : {}),
    });
    this.#finish(closedFailure(this.#body ? "response-body" : "response-head", evidence));
  }

  #unreadable({ error, detail, status }: WireError): void {
    const evidence = this.#evidence(this.#body ? {} : { headExcerpt: headExcerpt(this.#first, 0, this.#first.length) });
    this.#finish(wireFailure("response", error, detail, status, evidence));
  }

  #wait(ms: Ms): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      // What goes on is no failure: enough of it was read.
      if (this.#body && now() >= this.#readUntil) return this.#finish(null);
      const deadlineMs = Math.round(ms);
      this.#finish(deadlineFailure(this.#body ? "idle-body" : "head", this.#evidence({ deadlineMs })));
    }, ms);
  }

  #evidence(more: Evidence): Evidence {
    return {
      ...more,
      ...this.#known,
      waitedMs: Math.round(now() - this.#phaseAt),
      bytesSent: this.#sending.text.length,
      bytesReceived: this.#bytes,
      connectionUses: 0,
    };
  }

  #finish(failure: Failure | null): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#socket.destroy();
    this.#done({
      head: this.#head,
      failure,
      bytes: this.#bytes,
      durationMs: now() - this.#startedAt,
      cutOff: this.#body !== null && !this.#body.whole,
    });
  }
}
