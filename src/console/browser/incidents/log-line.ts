// A kept failure as the line that the gateway's log has of it (observe/failure-log.ts): what explain reads best, because
// it names its cause itself. The query is not in it, as in the log.
import { CAUSES } from "../../../failure/causes.ts";
import type { KeptFailure } from "../../../observe/report.ts";

/** "12:01:33.123 502 connect-refused app/10.0.0.7:3000 GET shop.example/cart: … [req 3f2a]" */
export function logLine(failure: KeptFailure): string {
  const { at, cause, outcome, status, upstream, endpoint, route, method, host, target, sentence, requestId } = failure;
  // A saved one had another status in the end; the line says what would have been shown.
  const told = outcome === "saved" || status < 100 ? (CAUSES[cause]?.status ?? 0) : status;
  const saved = outcome === "saved" ? "saved " : "";
  const address = failure.attempts.find((attempt) => attempt.cause === cause)?.evidence?.address ?? endpoint;
  const where = upstream === "" ? route : endpoint === "" ? upstream : `${upstream}/${address}`;
  const path = target.replace(/[?#].*$/s, "");
  const time = new Date(at).toISOString().slice("2026-11-21T".length, -1);
  return `${time} ${told} ${saved}${cause} ${word(where)} ${method} ${word(host + path)}: ${sentence} [req ${requestId}]`;
}

/** Columns have no blanks. */
const word = (text: string): string => text.replace(/\s+/g, "_") || "-";
