// What happened to an upstream, as a sentence for the program's log and the console: names first, what it means for
// requests last. Something that takes capacity away is a warning; its return is information.
import type { CauseId } from "../failure/causes.ts";
import { span } from "../failure/words.ts";
import type { UpstreamEvent } from "../upstream/events.ts";

/** A sentence and how it is logged. */
export interface EventText {
  readonly level: "info" | "warn";
  readonly text: string;
}

/** The event in words. */
export function eventText(event: UpstreamEvent): EventText {
  const level = WARNINGS.has(event.kind) ? "warn" : "info";
  return { level, text: `upstream ${event.upstream}: ${sentenceOf(event)}` };
}

/** A request without its query, which may hold secrets. */
export function withoutQuery(request: string): string {
  return request.replace(/[?#]\S*/g, "");
}

const WARNINGS: ReadonlySet<UpstreamEvent["kind"]> = new Set([
  "endpoint-gone",
  "health-down",
  "ejected",
  "poison-request",
  "breaker-opened",
  "outage-begun",
]);

const DETAIL_MAX = 200;

function sentenceOf(event: UpstreamEvent): string {
  switch (event.kind) {
    case "endpoint-gone": {
      const what = event.cause === "connect-refused" ? "refuses connections" : "cannot be reached";
      return `${event.endpoint} ${what}${because(event.detail, event.cause)}; it gets no requests until it is back`;
    }
    case "endpoint-back":
      return `${event.endpoint} is back after ${span(event.awayMs)}`;
    case "health-down":
      return `health checks of ${event.endpoint} fail${because(event.detail, event.cause)}; it gets no requests`;
    case "health-up":
      return `health checks of ${event.endpoint} pass again after ${span(event.downMs)}`;
    case "ejected":
      return `${event.endpoint} fails too often${because(event.detail, event.cause)}; it gets no requests for ${span(event.forMs)}`;
    case "returned":
      return `${event.endpoint} answers well again and has its full share`;
    case "poison-request":
      return `failures follow ${withoutQuery(event.request)} from endpoint to endpoint${because(event.detail)}; they do not count against these`;
    case "keepalive-learnt":
      return event.from === "hint"
        ? `${event.endpoint} says that it closes idle connections after ${span(event.limitMs)}; they are closed before that`
        : `${event.endpoint} was seen to close idle connections after ${span(event.limitMs)}; they are closed before that`;
    case "breaker-opened":
      return `circuit breaker open${because("", event.cause)}; requests fail at once for ${span(event.forMs)}`;
    case "breaker-closed":
      return "circuit breaker closed; requests go through again";
    case "outage-begun":
      return `no endpoint left${event.detail && `: ${cut(event.detail)}`}; requests ${event.held ? "are held" : "fail"}`;
    case "outage-ended":
      return `requests go through again after ${span(event.lastedMs)}${heldText(event.heldRequests)}`;
  }
}

/** " (ECONNREFUSED)": what was seen, else its cause. */
function because(detail: string, cause: CauseId | null = null): string {
  const reason = cut(detail) || cause;
  return reason ? ` (${reason})` : "";
}

function cut(detail: string): string {
  return detail.length > DETAIL_MAX ? `${detail.slice(0, DETAIL_MAX)}…` : detail;
}

function heldText(requests: number): string {
  if (requests === 0) return "";
  return requests === 1 ? "; 1 request was held" : `; ${requests.toLocaleString("en-US")} requests were held`;
}
