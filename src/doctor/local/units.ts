// What systemd says of services: those that the processes are in, and of those that are not running only the ones whose
// own settings name an address that nobody serves here. Everything else on the machine is nobody's business.
import type { Ms } from "../../std/units.ts";
import type { NotTested } from "../evidence.ts";
import { runCommand } from "./commands.ts";
import type { UnitState } from "./model.ts";

const UNITS_MAX = 40;
const PROPERTIES =
  "Id,LoadState,ActiveState,SubState,Result,NRestarts,ExecMainCode,ExecMainStatus,StateChangeTimestampMonotonic,ExecStart,Environment,MainPID";

/** Units, and what could not be asked. */
export interface Units {
  readonly units: readonly UnitState[];
  readonly notTested: readonly NotTested[];
}

/** An address that nobody serves: what a unit's settings would name. */
export interface Wanted {
  /** "port 3000", "/run/app.sock". */
  readonly text: string;
  readonly pattern: RegExp;
}

/** A TCP port as settings write it: ":3000", "=3000", "--port 3000". */
export const wantedPort = (port: number): Wanted => ({
  text: `port ${port}`,
  pattern: new RegExp(`(?:[:=\\s"'])${port}(?![\\d.])`),
});

/** A path, anywhere. */
export const wantedPath = (path: string): Wanted => ({
  text: path,
  pattern: new RegExp(path.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")),
});

/** The units of processes (unit → why it is asked about), and those not running that name an unserved address. */
export async function readUnits(
  named: ReadonlyMap<string, string>,
  wanted: readonly Wanted[],
  bootedAtMs: number,
  timeoutMs: Ms,
): Promise<Units> {
  if (named.size === 0 && wanted.length === 0) return { units: [], notTested: [] };
  const down = wanted.length === 0 ? [] : await notRunning(timeoutMs);
  if (down === null || (named.size === 0 && down.length === 0)) return { units: [], notTested: [] };
  const names = [...new Set([...named.keys(), ...down])].slice(0, UNITS_MAX);
  const result = await runCommand(
    "systemctl",
    ["show", "--no-pager", `--property=${PROPERTIES}`, "--", ...names],
    timeoutMs,
  );
  if (!result.ok) {
    const how = `systemctl status ${[...named.keys()].slice(0, 3).join(" ")}`.trim();
    return {
      units: [],
      notTested: named.size === 0 ? [] : [{ check: "systemd-units", target: null, reason: result.reason, how }],
    };
  }
  const units = readShow(result.text, bootedAtMs).flatMap(({ state, settings }) => {
    const reason = named.get(state.unit) ?? namesOf(settings, wanted);
    return reason === null ? [] : [{ ...state, reason }];
  });
  return { units, notTested: [] };
}

function namesOf(settings: string, wanted: readonly Wanted[]): string | null {
  const found = wanted.find(({ pattern }) => pattern.test(settings));
  return found ? `it is not running, and its settings name ${found.text}` : null;
}

/** Services that failed, wait for a restart or are starting; null = there is no systemd to ask. */
async function notRunning(timeoutMs: Ms): Promise<readonly string[] | null> {
  const states = "failed,activating,deactivating,inactive";
  const args = ["list-units", "--all", "--plain", "--no-legend", "--no-pager", "--type=service", `--state=${states}`];
  const result = await runCommand("systemctl", args, timeoutMs);
  if (!result.ok) return null;
  return result.text
    .split("\n")
    .flatMap((line) => {
      const [, unit, load] = /^\W*(\S{1,200}\.service)\s+(\S+)/.exec(line) ?? [];
      // Units of the system itself: what stops and starts with the machine.
      return unit === undefined ||
        load !== "loaded" ||
        /^(?:systemd-|initrd-|plymouth|getty|serial-getty|emergency|rescue)/.test(unit)
        ? []
        : [unit];
    })
    .slice(0, UNITS_MAX);
}

/** Blocks of `systemctl show`, one a unit. */
export function readShow(text: string, bootedAtMs: number): { readonly state: UnitState; readonly settings: string }[] {
  return text.split(/\n\n+/).flatMap((block) => {
    const values = new Map<string, string>();
    for (const line of block.split("\n")) {
      const at = line.indexOf("=");
      const key = line.slice(0, at);
      if (at > 0) values.set(key, values.has(key) ? `${values.get(key)} ${line.slice(at + 1)}` : line.slice(at + 1));
    }
    const unit = values.get("Id");
    if (unit === undefined || values.get("LoadState") === "not-found") return [];
    const sinceUs = Number(values.get("StateChangeTimestampMonotonic") ?? 0);
    const state: UnitState = {
      unit,
      active: values.get("ActiveState") ?? "unknown",
      sub: values.get("SubState") ?? "unknown",
      result: values.get("Result") ?? "unknown",
      restarts: Number(values.get("NRestarts") ?? 0) || 0,
      sinceMs: sinceUs > 0 && bootedAtMs > 0 ? bootedAtMs + Math.round(sinceUs / 1000) : null,
      exit: exitOf(Number(values.get("ExecMainCode") ?? 0), Number(values.get("ExecMainStatus") ?? 0)),
    };
    return [{ state, settings: `${values.get("ExecStart") ?? ""} ${values.get("Environment") ?? ""}` }];
  });
}

/** How a process ends: CLD_EXITED, CLD_KILLED and CLD_DUMPED of waitid(). */
function exitOf(code: number, status: number): string | null {
  if (code === 1) return `exit status ${status}`;
  if (code === 2) return `killed by signal ${status}${status === 9 ? " (SIGKILL)" : status === 15 ? " (SIGTERM)" : ""}`;
  return code === 3 ? `dumped core at signal ${status}` : null;
}
