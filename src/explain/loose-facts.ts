// What can be read from any text, whatever its form: addresses with a port, durations, a request. A format that was
// recognised knows better; its facts stand before these.
import type { Facts } from "./explanation.ts";

const ADDRESS =
  /(?<![\w.:/@-])(?:(https?):\/\/)?((?:\d{1,3}\.){3}\d{1,3}|\[[0-9a-f:.]{2,45}\]|localhost|[a-z0-9](?:[a-z0-9-]{0,62}\.){1,8}[a-z][a-z0-9-]{0,62}):(\d{2,5})\b/i;
const DURATION = /(?<![\w.:-])(\d{1,6}(?:\.\d{1,6})?)\s?(ms|milliseconds?|s|secs?|seconds?|min|minutes?)\b(?![\w-])/gi;
const REQUEST = /\b(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (\/[^\s"'<>]{0,200})/;
const DURATIONS_MAX = 3;
const TEXT_MAX = 8_192;

/** Reads them; what is not there is absent. */
export function looseFacts(given: string): Facts {
  const text = given.slice(0, TEXT_MAX);
  const address = ADDRESS.exec(text);
  const request = REQUEST.exec(text);
  const durations: Record<string, number> = {};
  for (const [written, count, unit] of text.matchAll(DURATION)) {
    if (Object.keys(durations).length === DURATIONS_MAX) break;
    durations[`"${written.trim()}"`] = Number(count) * msOf(unit!.toLowerCase());
  }
  return {
    ...(address ? { upstream: `${address[1] ? `${address[1]}://` : ""}${address[2]}:${address[3]}` } : {}),
    ...(request ? { method: request[1]!, path: request[2]! } : {}),
    ...(Object.keys(durations).length > 0 ? { durations } : {}),
  };
}

function msOf(unit: string): number {
  if (unit.startsWith("ms") || unit.startsWith("milli")) return 1;
  return unit.startsWith("m") ? 60_000 : 1000;
}
