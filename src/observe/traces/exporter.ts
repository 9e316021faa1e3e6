// Spans on their way to a collector: OTLP over HTTP with JSON (https://opentelemetry.io/docs/specs/otlp/#otlphttp).
// They wait in a queue that is bounded in spans and bytes; a batch goes out when it is full or two seconds old, one
// request at a time, compressed. A collector that is away or busy is asked again with growing waits, or when its
// Retry-After says; what does not fit meanwhile is dropped and counted. Nothing here is waited for by traffic.
import { randomUUID } from "node:crypto";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { TracesConfig } from "../../config/observability.ts";
import { backoffMs, retryAfterMs } from "../../resilience/backoff.ts";
import { escapeControls, log } from "../../std/log.ts";
import type { Bytes, Ms } from "../../std/units.ts";
import { attributes } from "./spans.ts";

const BATCH_SPANS = 512;
const BATCH_MS: Ms = 2000;
const QUEUE_SPANS = 4096;
const QUEUE_CHARACTERS = 16 * 1024 * 1024;
const TIMEOUT_MS: Ms = 10_000;
const TRIES = 5;
const BACKOFF = { baseMs: 1000, maxMs: 30_000 };
const RETRY_AFTER_MAX_MS: Ms = 60_000;
/** Smaller ones are not worth it. */
const GZIP_FROM_CHARACTERS = 1024;
const ANSWER_BYTES_MAX: Bytes = 64 * 1024;
const SAID_CHARACTERS_MAX = 200;
const WARN_EVERY_MS: Ms = 60_000;

const compress = promisify(gzip);

export interface ExporterOptions {
  readonly fetch?: typeof fetch;
  readonly batchMs?: Ms;
  readonly queueSpans?: number;
  readonly backoff?: { readonly baseMs: Ms; readonly maxMs: Ms };
  readonly timeoutMs?: Ms;
  readonly random?: () => number;
  readonly warn?: (message: string) => void;
  /** Goes on from here: figures of the tracer before. */
  readonly counts?: SpanCounts;
}

/** What became of spans. */
export interface SpanCounts {
  exported: number;
  readonly dropped: { queue: number; storm: number; collector: number };
}

/** All zero. */
export function newSpanCounts(): SpanCounts {
  return { exported: 0, dropped: { queue: 0, storm: 0, collector: 0 } };
}

/** What became of one try to send a batch. */
type Sent =
  | { readonly kind: "taken"; readonly rejected: number }
  | { readonly kind: "refused"; readonly why: string }
  | { readonly kind: "again"; readonly why: string; readonly waitMs: Ms | null };

/** Sends spans to one collector. */
export class SpanExporter {
  readonly #url: URL;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #head: string;
  readonly #fetch: typeof fetch;
  readonly #options: Required<Omit<ExporterOptions, "fetch" | "counts">>;
  readonly counts: SpanCounts;
  #queue: string[] = [];
  #characters = 0;
  #timer: NodeJS.Timeout | null = null;
  #sending: Promise<void> | null = null;
  readonly #closing = new AbortController();
  #closed = false;
  /** Ends a wait between tries. */
  #wake: (() => void) | null = null;
  #warnedAt: Ms = Number.NEGATIVE_INFINITY;

  constructor(config: TracesConfig, version: string, options: ExporterOptions = {}) {
    this.#url = new URL(config.url);
    const { username, password } = this.#url;
    // fetch takes no credentials in an address.
    const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    const authorization = username || password ? `Basic ${Buffer.from(pair).toString("base64")}` : null;
    this.#url.username = "";
    this.#url.password = "";
    this.#headers = {
      "content-type": "application/json",
      "user-agent": "goodgate",
      ...(authorization !== null && { authorization }),
      ...config.headers,
    };
    this.#fetch = options.fetch ?? fetch;
    this.counts = options.counts ?? newSpanCounts();
    this.#options = {
      batchMs: BATCH_MS,
      queueSpans: QUEUE_SPANS,
      backoff: BACKOFF,
      timeoutMs: TIMEOUT_MS,
      random: Math.random,
      warn: (message) => log.warn(message),
      ...options,
    };
    const resource = attributes({
      "service.name": config.service,
      "service.version": version,
      "service.instance.id": randomUUID(),
      "process.pid": process.pid,
    });
    const scope = { name: "goodgate", version };
    this.#head = `{"resourceSpans":[{"resource":{"attributes":${JSON.stringify(resource)}},"scopeSpans":[{"scope":${JSON.stringify(scope)},"spans":[`;
  }

  hasRoomFor(spans: number): boolean {
    return (
      !this.#closed && this.#queue.length + spans <= this.#options.queueSpans && this.#characters < QUEUE_CHARACTERS
    );
  }

  /** Takes spans as JSON texts. */
  add(spans: readonly string[]): void {
    for (const span of spans) {
      this.#queue.push(span);
      this.#characters += span.length;
    }
    if (this.#sending) return;
    if (this.#queue.length >= BATCH_SPANS) this.#send();
    else if (this.#timer === null) {
      this.#timer = setTimeout(() => this.#send(), this.#options.batchMs);
      this.#timer.unref();
    }
  }

  drop(reason: keyof SpanCounts["dropped"], spans: number): void {
    this.counts.dropped[reason] += spans;
  }

  /** Sends what waits, for at most so long; the rest is dropped. */
  async close(graceMs: Ms): Promise<void> {
    this.#closed = true;
    const timer = setTimeout(() => this.#closing.abort(), graceMs);
    this.#wake?.();
    if (!this.#sending && this.#queue.length > 0) this.#send();
    await this.#sending;
    clearTimeout(timer);
    this.#closing.abort();
    this.drop("collector", this.#queue.length);
    this.#queue = [];
  }

  #send(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#sending ??= this.#drain().finally(() => {
      this.#sending = null;
      // What came meanwhile and is no batch yet waits for its time.
      if (this.#queue.length > 0 && !this.#closed) this.add([]);
    });
  }

  /** Batch after batch, until less than one is left (or, at the end, nothing). */
  async #drain(): Promise<void> {
    do {
      const batch = this.#queue.splice(0, BATCH_SPANS);
      for (const span of batch) this.#characters -= span.length;
      try {
        await this.#deliver(batch);
      } catch (error) {
        // A defect of ours costs its batch.
        this.drop("collector", batch.length);
        this.#warn(`was not asked: ${escapeControls(String(error))}`);
      }
    } while (!this.#closing.signal.aborted && this.#queue.length >= (this.#closed ? 1 : BATCH_SPANS));
  }

  async #deliver(batch: readonly string[]): Promise<void> {
    const { body, encoding } = await this.#encode(batch);
    for (let attempt = 1; ; attempt++) {
      const sent = await this.#post(body, encoding);
      if (sent.kind === "taken") {
        this.counts.exported += batch.length - sent.rejected;
        this.drop("collector", sent.rejected);
        if (sent.rejected > 0) this.#warn(`refused ${sent.rejected} of ${batch.length} spans`);
        return;
      }
      const isLast = attempt >= TRIES || this.#closing.signal.aborted;
      if (sent.kind === "refused" || isLast) {
        this.drop("collector", batch.length);
        this.#warn(`${sent.why}; ${batch.length} spans are lost`);
        return;
      }
      this.#warn(`${sent.why}; it is tried again`);
      await this.#wait(sent.waitMs ?? backoffMs(attempt, this.#options.random(), this.#options.backoff));
    }
  }

  async #encode(batch: readonly string[]): Promise<{ body: string | Uint8Array<ArrayBuffer>; encoding: string }> {
    const text = `${this.#head}${batch.join(",")}]}]}]}`;
    if (text.length < GZIP_FROM_CHARACTERS) return { body: text, encoding: "identity" };
    return { body: new Uint8Array(await compress(text)), encoding: "gzip" };
  }

  async #post(body: string | Uint8Array<ArrayBuffer>, encoding: string): Promise<Sent> {
    const timeout = AbortSignal.timeout(this.#options.timeoutMs);
    try {
      const response = await this.#fetch(this.#url.href, {
        method: "POST",
        // A collector does not move; where it says so, it is not followed with our headers.
        redirect: "manual",
        signal: AbortSignal.any([timeout, this.#closing.signal]),
        headers: encoding === "gzip" ? { ...this.#headers, "content-encoding": "gzip" } : this.#headers,
        body,
      });
      const said = await readStart(response);
      if (response.ok) return { kind: "taken", rejected: rejectedSpans(said) };
      const why = `answered ${response.status}${said === "" ? "" : `: ${excerpt(said)}`}`;
      if (!isWorthARepeat(response.status)) return { kind: "refused", why };
      const asked = retryAfterMs(response.headers.get("retry-after"), Date.now(), RETRY_AFTER_MAX_MS);
      return { kind: "again", why, waitMs: asked };
    } catch (error) {
      if (this.#closing.signal.aborted)
        return { kind: "again", why: "had not answered when the gateway ended", waitMs: null };
      return { kind: "again", why: timeout.aborted ? "did not answer in time" : reasonOf(error), waitMs: null };
    }
  }

  #wait(ms: Ms): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      timer.unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** At most one line a minute: the metric has the figures. */
  #warn(what: string): void {
    const at = Date.now();
    if (at - this.#warnedAt < WARN_EVERY_MS) return;
    this.#warnedAt = at;
    // Host only: paths and credentials of such addresses are keys.
    this.#options.warn(`traces: the collector at ${this.#url.host} ${what}`);
  }
}

/** OTLP/HTTP: too many requests, and what a gateway or a busy collector says. */
function isWorthARepeat(status: number): boolean {
  return status === 429 || (status > 501 && status < 505);
}

/** ExportTraceServiceResponse.partial_success. */
function rejectedSpans(text: string): number {
  try {
    const { partialSuccess } = JSON.parse(text) as { partialSuccess?: { rejectedSpans?: string | number } };
    return Number(partialSuccess?.rejectedSpans ?? 0) || 0;
  } catch {
    // Collectors that answer with nothing, or not in JSON, took it all.
    return 0;
  }
}

/** The answer as far as it matters: it is read to its end only where it is short. */
async function readStart(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk as Uint8Array);
    bytes += (chunk as Uint8Array).length;
    if (bytes > ANSWER_BYTES_MAX) break;
  }
  return Buffer.concat(chunks).toString("utf8");
}

function excerpt(text: string): string {
  return escapeControls(text.trim().slice(0, SAID_CHARACTERS_MAX));
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const { code, message = "" } = cause as { code?: unknown; message?: string };
  // A code where there is one; a message that names an address could name its secrets.
  const why = typeof code === "string" ? code : message.includes("/") ? "" : message;
  return why === "" ? "cannot be reached" : `cannot be reached (${escapeControls(why)})`;
}
