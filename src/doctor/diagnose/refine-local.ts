// What the machine itself adds to a clue about one of its addresses: why nothing listens there, who was killed, whose
// queue is full. A clue is only made more exact; nothing of the machine makes a fault where requests are answered.
import { span } from "../../failure/words.ts";
import type { Evidence, Target } from "../evidence.ts";
import type { KernelEvent, LocalListener, LocalSpot, UnitState } from "../local/model.ts";
import { sameSpot, spotText } from "../options.ts";
import type { Clue } from "./clue.ts";
import type { Certainty, FaultClass, Reason } from "./model.ts";

/** A kill this long ago can still be why nothing listens. */
const KILL_MS = 3_600_000;

/** The clue with what the machine tells of its address; the same where it tells nothing. */
export function refineLocally(clue: Clue, evidence: Evidence): Clue {
  const spot = spotOf(clue, evidence);
  if (!spot || clue.from === "status") return clue;
  switch (clue.class) {
    case "connect-refused":
    case "socket-missing":
      return ofDead(clue, spot, evidence);
    case "closed-before-response":
    case "upstream-write-failed":
      return ofDying(clue, spot, evidence);
    case "connect-timeout":
    case "response-timeout":
    case "upstream-saturated":
      return ofSlow(clue, spot);
    default:
      return clue;
  }
}

/** What only the machine knows, because doctor may do what the gateway may not: a socket file that its user cannot open. */
export function localClues(evidence: Evidence): Clue[] {
  const clues: Clue[] = [];
  for (const { target } of evidence.targets) {
    const spot = evidence.local?.spots.find((each) => sameSpot(each.spot, target.spot));
    if (target.role !== "endpoint" || spot?.socket?.allowed !== false) continue;
    clues.push({
      from: "local",
      class: "connect-permission-denied",
      certainty: "proven",
      hop: target.id,
      address: spotText(target.spot),
      depth: target.depth,
      reason: {
        text: `the gateway's user may not open ${spot.socket.path}: ${spot.socket.reason ?? spot.socket.mode ?? ""}`,
        source: "local",
      },
    });
  }
  for (const { target } of evidence.targets) clues.push(...stuckClues(target, evidence));
  for (const { name, pid, descriptors } of evidence.local?.gateways ?? []) {
    if (!descriptors || descriptors.max <= 0 || descriptors.open < descriptors.max * 0.95) continue;
    clues.push({
      from: "local",
      class: "gateway-resource-exhausted",
      certainty: "likely",
      hop: "url",
      address: null,
      depth: 0,
      reason: {
        text: `${name} (pid ${pid}) has ${descriptors.open} of ${descriptors.max} file descriptors open`,
        source: "local",
      },
    });
  }
  return clues;
}

/** A member whose process is stopped or takes no connections, whether or not there was time to ask it. */
function stuckClues(target: Target, { local }: Evidence): Clue[] {
  const spot = local?.spots.find((each) => each.here && sameSpot(each.spot, target.spot));
  if (target.role === "url" || !spot?.served) return [];
  const stuck = spot.listeners.find(({ queue, process }) => queue?.full || process?.state === "T");
  if (!stuck) return [];
  const base = { from: "local" as const, hop: target.id, address: spotText(target.spot), depth: target.depth };
  const of = (text: string): Reason => ({ text: `${target.id}: ${text}`, source: "local" });
  if (stuck.process?.state === "T")
    return [{ ...base, class: "response-timeout", certainty: "proven", reason: of(`${stoppedText(stuck)}`) }];
  return [{ ...base, class: "upstream-saturated", certainty: "proven", reason: of(queueText(stuck)) }];
}

const stoppedText = (stopped: LocalListener): string =>
  `its process ${listener(stopped)} is stopped (SIGSTOP): it does nothing until it is sent SIGCONT`;

const queueText = (full: LocalListener): string =>
  `${full.queue?.waiting ?? 0} connections wait to be accepted by ${listener(full)}, and no more than ${full.queue?.max ?? 0} may`;

function spotOf({ hop, address }: Clue, { targets, local }: Evidence): LocalSpot | null {
  const target = targets.find((each) => each.target.id === hop)?.target;
  if (!local) return null;
  return (
    local.spots.find(
      ({ spot, here }) =>
        here && ((target && sameSpot(spot, target.spot)) || (address !== null && spotText(spot) === address)),
    ) ?? null
  );
}

function add(clue: Clue, of: FaultClass, certainty: Certainty, text: string, sinceMs: number | null = null): Clue {
  const reason: Reason = { text: text.charAt(0).toUpperCase() + text.slice(1), source: "local" };
  return {
    ...clue,
    class: of,
    certainty,
    more: [reason, ...(clue.more ?? [])],
    sinceMs: sinceMs ?? clue.sinceMs ?? null,
  };
}

function ofDead(clue: Clue, spot: LocalSpot, evidence: Evidence): Clue {
  const restarted = evidence.restarts?.find(({ address }) => address === spotText(spot.spot));
  if (restarted && restarted.after === null)
    return add(
      clue,
      "app-crashed",
      "proven",
      `its process ${restarted.before.name} (pid ${restarted.before.pid}) ended while doctor looked`,
    );
  if (spot.served) return clue;
  if (spot.socket && !spot.socket.exists)
    return add(clue, "socket-missing", clue.certainty, `the file ${spot.socket.path} is not there`);
  const unit = failedUnit(evidence.local?.units ?? [], spot);
  if (unit) return unitClue(clue, unit);
  const killed = killBefore(clue, evidence);
  if (killed) return ofKilled(clue, killed, evidence);
  if (spot.listeners[0])
    return add(
      clue,
      clue.class,
      clue.certainty,
      `on that port only ${listener(spot.listeners[0])} listens, which is another address`,
    );
  return add(clue, clue.class, clue.certainty, "no process of this machine listens there");
}

const listener = ({ address, process }: LocalListener): string =>
  process ? `${process.name} (pid ${process.pid}, ${address})` : address;

/** Of units that are not running only those are listed whose own settings name the address. */
function failedUnit(units: readonly UnitState[], spot: LocalSpot): UnitState | null {
  const near = spot.listeners.map(({ process }) => process?.unit);
  const names = spot.spot.kind === "tcp" ? `port ${spot.spot.port}` : spot.spot.path;
  const isMeant = ({ unit, reason = "" }: UnitState): boolean => near.includes(unit) || reason.includes(names);
  return units.find((unit) => unit.result !== "success" && isMeant(unit)) ?? null;
}

function unitClue(clue: Clue, unit: UnitState): Clue {
  const said = `systemd says of ${unit.unit}: ${unit.active} (${unit.sub}), result ${unit.result}${unit.exit ? `, ${unit.exit}` : ""}, ${unit.restarts} restarts`;
  return add(
    clue,
    unit.result === "oom-kill" ? "oom-killed" : "app-crashed",
    unit.result === "oom-kill" ? "proven" : "likely",
    said,
    unit.sinceMs,
  );
}

function lastKill({ local, startedAtMs }: Evidence): KernelEvent | null {
  const kills = local?.kernel.filter(
    ({ kind, atMs }) => kind === "oom-kill" && atMs !== null && startedAtMs - atMs < KILL_MS,
  );
  return kills?.at(-1) ?? null;
}

/** A failure that begins so soon after a kill is its work; more could be anybody's. */
const AFTER_KILL_MS = 90_000;

/** The kill that can be why: the failures that are known begin after it. */
function killBefore(clue: Clue, evidence: Evidence): KernelEvent | null {
  const kill = lastKill(evidence);
  const began = beganAt(clue, evidence);
  return kill !== null && (began === null || kill.atMs! <= began + 1_000) ? kill : null;
}

/** When failures of this address began, as the logs have it. */
function beganAt({ address }: Clue, { logs, startedAtMs }: Evidence): number | null {
  const times = logs.files
    .flatMap(({ events }) => events)
    // What doctor's own requests met began earlier.
    .filter(
      ({ atMs, line, file }) =>
        atMs !== null && atMs < startedAtMs && !logs.duringProbes.some((own) => own.line === line && own.file === file),
    )
    .filter((event) => event.upstream !== null && address !== null && event.upstream.includes(address))
    .flatMap(({ atMs }) => (atMs === null ? [] : [atMs]));
  return times.length > 0 ? Math.min(...times) : null;
}

function ofKilled(clue: Clue, kill: KernelEvent, evidence: Evidence): Clue {
  const said = `the kernel killed ${kill.process ?? "a process"} for lack of memory (${kill.source}: ${kill.text})`;
  const began = beganAt(clue, evidence);
  if (began !== null && began - kill.atMs! < AFTER_KILL_MS)
    return add(clue, "oom-killed", "likely", `${said}, and the failures began then`, kill.atMs);
  return clue;
}

function ofDying(clue: Clue, spot: LocalSpot, evidence: Evidence): Clue {
  const restarted = evidence.restarts?.find(({ address }) => address === spotText(spot.spot));
  if (!restarted) return clue;
  const { before, after } = restarted;
  const killed = evidence.local?.kernel.findLast(({ kind, pid }) => kind === "oom-kill" && pid === before.pid);
  if (killed)
    return add(clue, "oom-killed", "proven", `the kernel killed pid ${before.pid} for lack of memory`, killed.atMs);
  const now = after ? `pid ${after.pid} listens in its place` : "nothing listens in its place";
  return add(
    clue,
    "app-crashed",
    "proven",
    `its process ${before.name} (pid ${before.pid}) ended while doctor asked it, and ${now}`,
  );
}

function ofSlow(clue: Clue, spot: LocalSpot): Clue {
  const full = spot.listeners.find(({ queue }) => queue?.full);
  const stopped = spot.listeners.find(({ process }) => process?.state === "T");
  if (stopped)
    return add(
      clue,
      clue.class === "connect-timeout" ? "response-timeout" : clue.class,
      clue.certainty,
      stoppedText(stopped),
    );
  if (full) return add(clue, "upstream-saturated", "proven", queueText(full));
  const young = spot.listeners[0]?.process;
  return young
    ? add(clue, clue.class, clue.certainty, `${listener(spot.listeners[0]!)} listens there, in state ${young.state}`)
    : clue;
}

/** "up for 3 h" of what listens at an address; null = not known. */
export function upFor(spot: LocalSpot | undefined, nowMs: number): string | null {
  const process = spot?.listeners[0]?.process;
  return process ? `${process.name}, up for ${span(nowMs - process.startedAtMs)}` : null;
}
