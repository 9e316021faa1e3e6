// Clues of the logs: what was written while doctor sent its requests is about these requests; what was written lately
// is likely the same; older failures are told as past.
import { CAUSES, isCauseId } from "../../failure/causes.ts";
import type { Evidence, Target } from "../evidence.ts";
import type { LogEvent } from "../logs/model.ts";
import { spotText } from "../options.ts";
import type { Clue } from "./clue.ts";
import type { FaultClass } from "./model.ts";

/** Failures this long before doctor began still belong to the present. */
const LATELY_MS = 15 * 60_000;

/** What the logs tell of the present failure. */
export function logClues(evidence: Evidence): Clue[] {
  const now = evidence.logs.duringProbes.map((event) => clueOf(event, "log-now", evidence));
  const lately = evidence.logs.files
    .flatMap(({ events }) => events)
    .filter(({ atMs }) => atMs !== null && atMs >= evidence.startedAtMs - LATELY_MS)
    .filter(({ file, line }) => !evidence.logs.duringProbes.some((each) => each.file === file && each.line === line))
    .map((event) => clueOf(event, "log", evidence));
  return [...now, ...lately].filter((clue) => clue !== null);
}

function clueOf(event: LogEvent, from: "log-now" | "log", evidence: Evidence): Clue | null {
  const of = failureClass(event);
  if (of === null || event.confidence === "none") return null;
  const { upstream } = event;
  // What a gateway decides by itself is about the gateway, although the line names where it was going.
  const own = isCauseId(of) && /^(?:config|gateway|client)$/.test(CAUSES[of].phase);
  const target = upstream === null || own ? null : targetAt(upstream, evidence);
  const hop = own
    ? hopOfProgram(event.software, evidence)
    : (target?.id ?? (upstream === null ? "behind url" : `upstream ${bare(upstream)}`));
  return {
    from,
    class: of,
    certainty: from === "log" && event.confidence === "proven" ? "likely" : event.confidence,
    hop,
    address: own ? null : target ? spotText(target.spot) : upstream === null ? null : bare(upstream),
    depth: own ? 0.25 : (target?.depth ?? 0.75),
    reason: {
      text: from === "log-now" ? `written as doctor's request failed: ${event.text}` : event.text,
      source: `log ${event.file}:${event.line}`,
    },
    sinceMs: event.atMs,
  };
}

/** The gateway whose log it is: the one that visitors meet, unless a configuration has that program further in. */
function hopOfProgram(software: string | null, { way, targets }: Evidence): string {
  if (software === null || way.length === 0 || way[0]?.software === software) return "url";
  const leg = way.find((each) => each.software === software);
  const target = targets.find(
    ({ target: { spot, role } }) =>
      role !== "url" && spot.kind === "tcp" && leg?.listens.some(({ port }) => port === spot.port),
  );
  return target?.target.id ?? "url";
}

/** The class where the event tells of a failure that a visitor meets; what clients do themselves is none. */
export function failureClass({ class: of, status }: Pick<LogEvent, "class" | "status">): FaultClass | null {
  if (of === null || of === "not-an-error" || of === "unknown") return null;
  if (of === "client-closed-request") return null;
  if (of === "status-only-502" && status !== null && status < 500) return null;
  return of;
}

/** "http://10.0.0.7:3000/cart" → "10.0.0.7:3000"; the last of several. HAProxy's "app/app1" is a name, and stays. */
export function bare(upstream: string): string {
  const last = upstream.split(",").at(-1)!.trim();
  const rest = last.replace(/^[a-z0-9+.-]+:\/\//i, "");
  if (/^unix:/i.test(rest)) return rest.replace(/^(unix:[^\s:]+).*$/i, "$1");
  return rest === last && /^[\w.-]+\/[\w.<>-]+$/.test(rest) && !/^[\d.]+\//.test(rest) ? rest : rest.split("/", 1)[0]!;
}

/** The target that a log means by an address, or by the name of a pool that has one member ("app", "app/s1"). */
export function targetAt(upstream: string, { targets, way }: Pick<Evidence, "targets" | "way">): Target | null {
  const address = bare(upstream);
  const own = localhost(address);
  const inner = targets
    .map(({ target }) => target)
    .filter(({ role }) => role !== "url")
    .sort((a, b) => b.depth - a.depth);
  const exact = inner.find(({ spot }) => spotText(spot) === address || localhost(spotText(spot)) === own);
  if (exact) return exact;
  const name = upstream.split("/", 1)[0]!.trim();
  const members = way.find(({ pool }) => pool?.name === name)?.targets ?? [];
  return members.length === 1 ? (inner.find(({ id }) => id === members[0]) ?? null) : null;
}

const localhost = (address: string): string => address.replace(/^(?:localhost|\[::1\])(?=:)/, "127.0.0.1");
