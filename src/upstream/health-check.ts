// One check of one endpoint, over the same dial, wire code and classification as live traffic, so that a check and a
// visitor's request name the same cause. HTTP: GET, a whole response within the time; TCP: connected (and TLS).
//
// - One deadline is over the whole of it. A check never throws, and reports once; after cancel not at all.
// - A connection that has answered is kept for a later check, and is always being read: bytes or an end on it close it.
// - An idle timer of the endpoint that runs out under a check says nothing against it: where a kept connection dies
//   as one does that raced its keep-alive timer, the same check goes on, on a fresh one.
import { closedFailure, deadlineFailure, failureOf, headExcerpt, wireFailure } from "../failure/classify.ts";
import { sentence } from "../failure/describe.ts";
import type { Evidence, Failure } from "../failure/failure.ts";
import { Connection } from "../net/connection.ts";
import type { DialHandle, DialResult, SocketReader } from "../net/dial.ts";
import { beginEvent, eventTime, Timed, wheel } from "../std/clock.ts";
import { log } from "../std/log.ts";
import type { Bytes, Ms } from "../std/units.ts";
import { keepAliveTimeoutMs } from "../wire/connection.ts";
import { fieldValues, type HeadLimits, isWireError, type ResponseHead } from "../wire/head.ts";
import { HeadBuffer } from "../wire/head-buffer.ts";
import { HEALTH_BODY_BYTES_MAX, HealthBody } from "./health-body.ts";

/** Interim responses (1xx) before the final one, as in live traffic. */
const INTERIM_MAX = 16;
const HEAD_LIMITS: HeadLimits = { lineBytes: 64 * 1024, headBytes: 64 * 1024, fields: 512 };
/** Of the text that was looked for, in the words of a result. */
const WORDS_MAX = 60;

/** Opens a connection to one endpoint: net/dial with the upstream's own target. */
export type Dialler = (reader: SocketReader | null, done: (result: DialResult) => void) => DialHandle;

/** What a check has found. */
export interface CheckResult {
  readonly good: boolean;
  /** The failure as live traffic would name it; null = good, or an answer that only the check objects to. */
  readonly failure: Failure | null;
  /** Why not, in words; "" when good. */
  readonly detail: string;
  /** On a connection that had carried a check before. */
  readonly reused: boolean;
  readonly tookMs: Ms;
}

/** What is checked, and what counts as good. */
export interface CheckPlan {
  readonly dialler: Dialler;
  /** The endpoint, where no address was dialled yet. */
  readonly label: string;
  /** The request head; "" = it is enough to connect. */
  readonly request: string;
  readonly statuses: readonly (readonly [from: number, to: number])[];
  /** Text that the body has to contain; null = anything. */
  readonly body: string | null;
  readonly timeoutMs: Ms;
}

/** The request of an HTTP check. */
export function checkRequest(path: string, host: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: goodgate-health\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n`;
}

/** A connection that carries checks, one after the other. */
export class CheckConnection extends Connection {
  /** The check that runs on it; null = it is idle, or of no more use. */
  check: HealthCheck | null = null;
  address = "";
  connectedAt: Ms = 0;
  idleSince: Ms = 0;
  roundTripMs: Ms = 0;
  /** "Keep-Alive: timeout" as the endpoint has said it; 0 = it has not. */
  keepAliveHintMs: Ms = 0;
  /** Checks carried so far, the running one included. */
  uses = 0;

  /** Whether another check may be sent on it. */
  get usable(): boolean {
    return !this.closed && !this.ended && !this.socket.destroyed;
  }

  /** Closes it; its check has done with it. */
  discard(): void {
    this.check = null;
    this.destroy();
  }

  override onBytes(buffer: Buffer, start: number, end: number): void {
    if (this.check) this.check.onBytes(buffer, start, end);
    else this.destroy();
  }

  override onEnd(): void {
    if (this.check) this.check.onEnd();
    else this.destroy();
  }

  override onClosed(error: NodeJS.ErrnoException | null): void {
    this.check?.onClosed(error);
  }

  override onWriteFailed(error: NodeJS.ErrnoException): void {
    this.onClosed(error);
  }

  /** Its check has the deadline, from before it was connected. */
  override onDue(): void {}

  override onDrained(): void {}

  override onInternalError(error: unknown): void {
    if (this.check) this.check.onInternalError(error);
    else reportInternal(error);
  }
}

type State = "dialling" | "head" | "body" | "done";

/** One check under way. */
export class HealthCheck extends Timed {
  readonly #plan: CheckPlan;
  readonly #done: (result: CheckResult) => void;
  #state: State = "dialling";
  #startedAt: Ms = 0;
  /** When the phase that is running began. */
  #phaseAt: Ms = 0;
  #dial: DialHandle | null = null;
  #connection: CheckConnection | null = null;
  #reused = false;
  #head = new HeadBuffer("response", HEAD_LIMITS);
  #interims = 0;
  #status = 0;
  /** Where the upstream's own error came from, as it says itself. */
  #proxyStatus = "";
  #keepAlive = false;
  #body: HealthBody | null = null;
  #bytesReceived: Bytes = 0;
  /** The connection of a check that is over, where it can carry another. */
  kept: CheckConnection | null = null;

  constructor(plan: CheckPlan, done: (result: CheckResult) => void) {
    super();
    this.#plan = plan;
    this.#done = done;
  }

  /** Begins on a kept connection, or (null) on one of its own. `done` is called in a later event. */
  start(kept: CheckConnection | null): void {
    beginEvent();
    this.#startedAt = eventTime();
    wheel.set(this, this.#startedAt + this.#plan.timeoutMs);
    this.#reused = kept !== null;
    try {
      if (kept) this.#send(kept);
      else this.#dialNew();
    } catch (error) {
      this.onInternalError(error);
    }
  }

  /** Ends it without a result. */
  cancel(): void {
    if (this.#state !== "done") this.#end();
  }

  #dialNew(): void {
    this.#state = "dialling";
    this.#phaseAt = eventTime();
    const connection = this.#plan.request === "" ? null : new CheckConnection();
    this.#dial = this.#plan.dialler(connection, (result) => {
      beginEvent();
      try {
        this.#dialled(connection, result);
      } catch (error) {
        this.onInternalError(error);
      }
    });
  }

  #dialled(connection: CheckConnection | null, result: DialResult): void {
    this.#dial = null;
    if (!result.ok) return this.#failed(result.failure);
    if (!connection) {
      result.socket.destroy();
      return this.#finish(true, null, "");
    }
    connection.address = result.address;
    connection.connectedAt = eventTime();
    connection.roundTripMs = result.timings.connectedAt - result.timings.resolvedAt;
    connection.attach(result.socket, result.reads);
    this.#send(connection);
  }

  #send(connection: CheckConnection): void {
    this.#connection = connection;
    connection.check = this;
    connection.uses++;
    this.#state = "head";
    this.#phaseAt = eventTime();
    connection.sendText(this.#plan.request);
  }

  onBytes(buffer: Buffer, start: number, end: number): void {
    this.#bytesReceived += end - start;
    if (this.#state === "head") this.#readHead(buffer, start, end);
    else if (this.#state === "body") this.#readBody(buffer, start, end);
  }

  #readHead(buffer: Buffer, start: number, end: number): void {
    const result = this.#head.push(buffer, start, end);
    if (result === undefined) return;
    if (isWireError(result)) {
      const evidence = this.#evidence({ headExcerpt: headExcerpt(buffer, start, end) });
      return this.#failed(wireFailure("response", result.error, result.detail, result.status, evidence));
    }
    const head = result.head as ResponseHead;
    const { rest } = result;
    if (head.status >= 200) return this.#onHead(head, rest);
    const fault =
      head.status === 101
        ? "101 without a request to upgrade"
        : ++this.#interims > INTERIM_MAX
          ? `more than ${INTERIM_MAX} interim responses`
          : "";
    if (fault !== "") return this.#failed(failureOf("response-malformed", this.#evidence({ detail: fault })));
    this.#head = new HeadBuffer("response", HEAD_LIMITS);
    if (rest.length > 0) this.#readHead(rest, 0, rest.length);
  }

  #onHead(head: ResponseHead, rest: Buffer): void {
    const connection = this.#connection!;
    if (connection.keepAliveHintMs === 0) connection.keepAliveHintMs = keepAliveTimeoutMs(head);
    this.#status = head.status;
    if (head.hasProxyStatus) this.#proxyStatus = fieldValues(head, "proxy-status").join(", ");
    this.#keepAlive = head.keepAlive;
    this.#state = "body";
    this.#phaseAt = eventTime();
    this.#body = new HealthBody(head, this.#statusIsGood ? this.#plan.body : null);
    this.#readBody(rest, 0, rest.length);
  }

  #readBody(buffer: Buffer, start: number, end: number): void {
    const body = this.#body!;
    const error = body.take(buffer, start, end);
    if (error) this.#failed(wireFailure("response", error.error, error.detail, error.status, this.#evidence({})));
    else if (body.whole) this.#judge(this.#keepAlive && !body.surplus);
    else if (body.full) this.#judge(false);
  }

  get #statusIsGood(): boolean {
    return this.#plan.statuses.some(([from, to]) => from <= this.#status && this.#status <= to);
  }

  /** The response is whole, or long enough. */
  #judge(reusable: boolean): void {
    const connection = this.#connection!;
    if (reusable && connection.usable) {
      connection.check = null;
      connection.idleSince = eventTime();
      this.kept = connection;
      this.#connection = null;
    }
    if (!this.#statusIsGood) return this.#finish(false, this.#ownError(connection), `status ${this.#status}`);
    const { body } = this.#plan;
    if (body === null || this.#body!.found) return this.#finish(true, null, "");
    const words = body.length > WORDS_MAX ? body.slice(0, WORDS_MAX) + "…" : body;
    const where = this.#body!.cut ? `first ${HEALTH_BODY_BYTES_MAX / 1024} KiB of the body` : "body";
    this.#finish(false, null, `${where} without “${words}”`);
  }

  /** An error of the application itself is a failure in live traffic too; any other status is only not what was asked. */
  #ownError({ address }: CheckConnection): Failure | null {
    if (this.#status < 500) return null;
    const evidence: Evidence = { address };
    if (this.#proxyStatus !== "") evidence.upstreamProxyStatus = this.#proxyStatus;
    return failureOf("upstream-error-passthrough", evidence, { status: this.#status });
  }

  onEnd(): void {
    const connection = this.#connection!;
    // A Unix socket has no peer address at any time.
    const reset = !connection.address.startsWith("unix:") && connection.endedByReset;
    if (!reset && this.#state === "body" && this.#body!.closeDelimited) {
      this.#body!.end();
      return this.#judge(false);
    }
    this.#lost(reset ? "rst" : "fin", null);
  }

  onClosed(error: NodeJS.ErrnoException | null): void {
    this.#lost(error ? "rst" : "fin", error);
  }

  #lost(closedBy: "fin" | "rst", error: NodeJS.ErrnoException | null): void {
    if (this.#state === "done") return;
    const evidence = this.#evidence({ closedBy });
    if (error?.code) evidence.errno = error.code;
    if (this.#body) evidence.closeDelimited = this.#body.closeDelimited;
    const failure = closedFailure(this.#state === "body" ? "response-body" : "response-head", evidence);
    if (failure.cause !== "keepalive-race") return this.#failed(failure);
    this.#connection!.discard();
    this.#connection = null;
    this.#reused = false;
    this.#dialNew();
  }

  /** The event loop turns once first: where it was held up, an answer may have been there for long. */
  override onDeadline(): void {
    setImmediate(() => {
      beginEvent();
      if (this.#state !== "done") this.#timedOut();
    });
  }

  #timedOut(): void {
    const deadline =
      this.#state === "head" ? "head" : this.#state === "body" ? "idle-body" : (this.#dial?.phase ?? "connect");
    this.#failed(deadlineFailure(deadline, this.#evidence({ deadlineMs: this.#plan.timeoutMs })));
  }

  onInternalError(error: unknown): void {
    reportInternal(error);
    if (this.#state !== "done") this.#failed(failureOf("gateway-internal-error", {}));
  }

  /** What is known at this point. */
  #evidence(more: Evidence): Evidence {
    const at = eventTime();
    const connection = this.#connection;
    const evidence: Evidence = { ...more, waitedMs: at - this.#phaseAt };
    evidence.address = connection?.address || this.#plan.label;
    if (!connection) return evidence;
    evidence.bytesSent = this.#plan.request.length;
    evidence.bytesReceived = this.#bytesReceived;
    evidence.connectionAgeMs = at - connection.connectedAt;
    evidence.connectionUses = connection.uses - 1;
    evidence.roundTripMs = connection.roundTripMs;
    if (connection.keepAliveHintMs > 0) evidence.keepAliveHintMs = connection.keepAliveHintMs;
    if (this.#reused) evidence.idleMs = this.#startedAt - connection.idleSince;
    return evidence;
  }

  #failed(failure: Failure): void {
    this.#finish(false, failure, sentence(failure, { method: "GET", endpoint: this.#plan.label, showDetail: true }));
  }

  #finish(good: boolean, failure: Failure | null, detail: string): void {
    if (this.#state === "done") return;
    this.#end();
    this.#done({ good, failure, detail, reused: this.#reused, tookMs: eventTime() - this.#startedAt });
  }

  #end(): void {
    this.#state = "done";
    wheel.remove(this);
    this.#dial?.cancel();
    this.#dial = null;
    this.#connection?.discard();
    this.#connection = null;
  }
}

/** A fault of our own costs one check, never the process. */
export function reportInternal(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  log.error(`internal error while an endpoint was checked: ${text}`);
}
