// Values of timers as people write them: with a unit ("30s", "1m30s"), bare in the program's own unit (Node 65000 is
// milliseconds, nginx 65 is seconds), or off in words. What 0 means is the program's: some never close an idle
// connection then, others close it at once.
import { formatDuration, type Ms, parseDuration } from "../../std/units.ts";
import type { SoftwareId } from "../software.ts";
import { defaultsOf } from "./defaults.ts";
import type { HopTimer, TimerId } from "./model.ts";

const OFF = new Set(["off", "none", "never", "infinite", "infinity", "unlimited", "disabled", "null"]);
const YEAR_MS = 365 * 86_400_000;
const TRIES_MAX = 1000;
/** A bare number is milliseconds to them, whatever the unit of the single setting. */
const MILLISECONDS = new Set<SoftwareId>([
  "haproxy",
  "node",
  "express",
  "fastify",
  "nextjs",
  "undici",
  "tomcat",
  "jetty",
  "kong",
]);
/** 0 closes an idle connection at once; to others it means never. */
const CLOSES_AT_ZERO = new Set<SoftwareId>(["nginx", "kong", "apache", "gunicorn", "uvicorn", "varnish"]);

/** What a text says of a timer: a value (null = it never ends), or why it says nothing. */
export type ReadValue = { readonly value: Ms | null } | { readonly wrong: string; readonly next: string };

/** Reads "30s", "65000", "off" for that timer of that program. */
export function readValue(text: string, id: TimerId, software: SoftwareId): ReadValue {
  const given = text.trim().replace(/^["']|["']$/g, "");
  if (id === "tries") return readTries(given);
  if (OFF.has(given.toLowerCase())) return { value: null };
  const bare = /^\d+(?:_\d+)*(?:\.\d+)?$/.test(given);
  const plain = bare ? given.replaceAll("_", "") : spelled(given);
  const ms = bare ? Math.round(Number(plain) * (unitMs(software, id) ?? Number.NaN)) : parseDuration(plain);
  if (ms === 0 || (bare && Number(plain) === 0)) return { value: zero(id, software) };
  if (ms === undefined || Number.isNaN(ms)) {
    return bare
      ? { wrong: `"${given}" has no unit`, next: `write ${given}s or ${given}ms` }
      : { wrong: `"${given}" is not a duration`, next: 'write it as "30s", "500ms", "1m30s", or off' };
  }
  if (ms > YEAR_MS) return { wrong: `"${given}" is longer than a year`, next: "write off for a timer that never ends" };
  return { value: ms };
}

function readTries(given: string): ReadValue {
  const count = Number(given);
  if (Number.isInteger(count) && count >= 0 && count <= TRIES_MAX && given !== "") return { value: count };
  return { wrong: `"${given}" is not a number of tries`, next: `write a whole number up to ${TRIES_MAX}` };
}

/** "30 s", "30sec", "5 minutes", "1H" as units.ts reads them. */
function spelled(given: string): string {
  return given
    .toLowerCase()
    .replaceAll(/\s+/g, "")
    .replaceAll(/(milliseconds?|msecs?|millis)/g, "ms")
    .replaceAll(/(seconds?|secs?)/g, "s")
    .replaceAll(/(minutes?|mins?)(?!s)/g, "m")
    .replaceAll(/(hours?|hrs?)/g, "h")
    .replaceAll(/(days?)/g, "d");
}

function zero(id: TimerId, software: SoftwareId): Ms | null {
  const idle = id === "client-idle" || id === "upstream-idle";
  return (idle && CLOSES_AT_ZERO.has(software)) || id === "pre-stop" || id === "drain" ? 0 : null;
}

function unitMs(software: SoftwareId, id: TimerId): Ms | null {
  if (MILLISECONDS.has(software)) return 1;
  const own = defaultsOf(software).filter(({ timers }) => timers.some((timer) => timer.id === id));
  const all = own.length > 0 ? own : defaultsOf(software);
  if (all.length === 0) return null;
  return all.every(({ unit }) => unit.startsWith("ms")) ? 1 : 1000;
}

/** "60s", "never", "3". */
export function shownValue({ id, value }: Pick<HopTimer, "id" | "value">): string {
  if (id === "tries") return value === null ? "no limit" : `${value}`;
  return value === null ? "never" : shownMs(value);
}

/** As people speak of timers: 75s and 300s rather than 1m15s and 5m; from ten minutes on in the larger units. */
export function shownMs(ms: Ms): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  return ms < 600_000 ? `${Math.round(ms / 100) / 10}s` : formatDuration(ms);
}
