// Failures as lines for people, those included that waiting or a retry mended:
//   12:01:33.123 502 connect-refused app/10.0.0.7:3000 GET shop.example/cart: … refused the connection … [req 3f2a]
// A storm must not bury what else fails, nor cost more than the traffic: at most 50 lines a second, 25 of one kind
// (cause and upstream), then one line per kind with the number of those left out. The query of the target is left
// out too: it is where tokens are; what else looks like a secret is redacted.
import { sentence } from "../failure/describe.ts";
import type { Failure } from "../failure/failure.ts";
import { span } from "../failure/words.ts";
import { escapeControls } from "../std/log.ts";
import { redactText } from "../std/redact.ts";
import type { Ms } from "../std/units.ts";
import { failureOrAvoided } from "./avoided-failure.ts";
import { redactedPath } from "./capture-text.ts";
import { failureJson, leftOutJson } from "./failure-json.ts";
import { orDash } from "./log-template.ts";
import { type AttemptRecord, avoided, type ExchangeRecord, statusOf } from "./record.ts";
import { hexEscape, localTime, statusText } from "./text.ts";

export interface FailureLogOptions {
  /** Lines begin with the date as well: for files. */
  readonly dated?: boolean;
  /** As JSON objects, one a line; text for people unless given. */
  readonly format?: "text" | "json";
  readonly linesPerSecond?: number;
  readonly linesPerKind?: number;
}

const WINDOW_MS = 1000;
const KINDS_MAX = 256;
/** Lines of a summary; the kinds beyond share the last. */
const SUMMARY_LINES = 8;
const TIME_AT = "2026-11-21 ".length;

interface Kind {
  readonly text: string;
  written: number;
  left: number;
}

/** Writes a line per failed exchange, within bounds. */
export class FailureLog {
  readonly #write: (line: string) => void;
  readonly #dated: boolean;
  readonly #json: boolean;
  readonly #linesPerSecond: number;
  readonly #linesPerKind: number;
  readonly #kinds = new Map<string, Kind>();
  #windowAt = Number.NaN;
  #written = 0;
  #left = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(write: (line: string) => void, options: FailureLogOptions = {}) {
    this.#write = write;
    this.#dated = options.dated ?? false;
    this.#json = options.format === "json";
    this.#linesPerSecond = options.linesPerSecond ?? 50;
    this.#linesPerKind = options.linesPerKind ?? 25;
  }

  /** Takes an exchange that failed, or that was saved. */
  record(record: ExchangeRecord, wall: Ms): void {
    const saved = record.failure === null ? avoided(record) : null;
    const cause = record.failure?.cause ?? saved?.cause;
    if (cause === undefined) return;
    // A window lasts a second from its first failure; a clock that was set back ends it too.
    if (!(wall >= this.#windowAt && wall < this.#windowAt + WINDOW_MS)) {
      this.summarise();
      this.#windowAt = wall;
    }
    // A storm of what was saved leaves what was shown its lines.
    const kind = this.#kindOf(saved ? `saved ${cause}` : cause, record.upstream);
    if (this.#written < this.#linesPerSecond && kind.written < this.#linesPerKind) {
      this.#written++;
      kind.written++;
      this.#write(this.#json ? failureJson(record, wall) : formatFailure(record, wall, this.#dated));
      return;
    }
    kind.left++;
    this.#left++;
    if (this.#timer === null) {
      this.#timer = setTimeout(this.#onTimer, WINDOW_MS);
      this.#timer.unref();
    }
  }

  /** Ends the window: says how many lines it left out. */
  summarise(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#left > 0) this.#writeSummary();
    this.#kinds.clear();
    this.#windowAt = Number.NaN;
    this.#written = 0;
    this.#left = 0;
  }

  close(): void {
    this.summarise();
  }

  readonly #onTimer = (): void => this.summarise();

  #kindOf(cause: string, upstream: string): Kind {
    const key = this.#kinds.size < KINDS_MAX ? `${cause} ${upstream}` : "others";
    let kind = this.#kinds.get(key);
    if (!kind) {
      kind = { text: key === "others" ? key : `${cause}${upstream && ` ${hexEscape(upstream)}`}`, written: 0, left: 0 };
      this.#kinds.set(key, kind);
    }
    return kind;
  }

  #writeSummary(): void {
    const time = timeText(this.#windowAt + WINDOW_MS, this.#dated);
    const kinds = [...this.#kinds.values()].filter((kind) => kind.left > 0).sort((a, b) => b.left - a.left);
    const shown = kinds.length > SUMMARY_LINES ? kinds.slice(0, SUMMARY_LINES - 1) : kinds;
    let rest = this.#left;
    for (const { text, left } of shown) {
      rest -= left;
      if (this.#json) {
        this.#write(leftOutJson(this.#windowAt + WINDOW_MS, text, left));
        continue;
      }
      this.#write(`${time} … and ${left.toLocaleString("en-US")} more: ${text} (last 1 s)\n`);
    }
    if (rest > 0 && this.#json) this.#write(leftOutJson(this.#windowAt + WINDOW_MS, "others", rest));
    else if (rest > 0) {
      const others = kinds.length - shown.length;
      this.#write(`${time} … and ${rest.toLocaleString("en-US")} more of ${others} other kinds (last 1 s)\n`);
    }
  }
}

/** One failed (or saved) exchange as a line, "\n" included; "" where nothing failed. */
export function formatFailure(record: ExchangeRecord, wall: Ms, dated: boolean): string {
  const saved = record.failure === null ? avoided(record) : null;
  const failure = failureOrAvoided(record);
  if (failure === null) return "";
  const at = record.attempts.findIndex((attempt) => attempt.failure === failure);
  const head = `${timeText(wall, dated)} ${statusText(statusOf(record))}${saved ? " saved" : ""} ${failure.cause}`;
  const request = `${orDash(record.method)} ${hexEscape(record.host)}${hexEscape(redactedPath(record.target))}`;
  const cut = record.aborted ? ", the response was cut" : "";
  const others = otherAttempts(record.attempts, at, saved !== null);
  const by = saved ? `, saved by ${saved.by} after ${span(saved.costMs)}` : "";
  return `${head} ${placeText(record, at)} ${request}: ${said(record, failure, at)}${others}${by}${cut} [req ${orDash(record.requestId)}]\n`;
}

function placeText(record: ExchangeRecord, attemptIndex: number): string {
  const attempt = record.attempts[attemptIndex];
  if (attempt) return `${orDash(record.upstream)}/${hexEscape(attempt.endpoint)}`;
  return record.upstream ? hexEscape(record.upstream) : orDash(record.route);
}

/** Attempts before the one that the line is about, and those after it; of what waiting saved, all came after. */
function otherAttempts(attempts: readonly AttemptRecord[], about: number, saved: boolean): string {
  let text = "";
  attempts.forEach((attempt, index) => {
    if (index === about) return;
    const outcome = attempt.failure ? `: ${attempt.failure.cause}` : ` → ${statusText(attempt.status)}`;
    const isBefore = about < 0 ? !saved : index < about;
    const word = isBefore ? ", after" : about < 0 ? ", then" : ", retried on";
    text += `${word} ${hexEscape(attempt.endpoint)}${outcome}`;
  });
  return text;
}

function said(record: ExchangeRecord, failure: Failure, attemptIndex: number): string {
  const { upstream, route, method, host } = record;
  const endpoint = record.attempts[attemptIndex]?.endpoint;
  const text = redactText(
    sentence(failure, {
      upstream,
      endpoint,
      route,
      method,
      host,
      // What only waited was tried once, with success.
      attempts: attemptIndex < 0 && record.failure === null ? 0 : record.attempts.length,
      showDetail: true,
    }),
  );
  return escapeControls(text.endsWith(".") ? text.slice(0, -1) : text);
}

function timeText(wall: Ms, dated: boolean): string {
  return dated ? localTime(wall) : localTime(wall).slice(TIME_AT);
}
