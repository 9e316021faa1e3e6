// What the machine itself tells, where doctor runs on the gateway's own: who listens where, since when, whether it died.
import type { Ms } from "../../std/units.ts";
import type { NotTested, Spot } from "../evidence.ts";

export interface LocalEvidence {
  /** Whether this is the gateway's machine, and how that is known. */
  readonly gatewayHere: { readonly certain: boolean; readonly yes: boolean; readonly reason: string };
  readonly root: boolean;
  readonly spots: readonly LocalSpot[];
  /** Kills for lack of memory, segmentation faults: from the kernel's log or the journal, newest last. */
  readonly kernel: readonly KernelEvent[];
  readonly units: readonly UnitState[];
  /** Processes of the configured gateway, with their limits; where none is known to be it, all of its program. */
  readonly gateways: readonly GatewayProcess[];
  readonly notTested: readonly NotTested[];
}

/** One address of a configuration, on this machine. */
export interface LocalSpot {
  readonly spot: Spot;
  /** Whether the address is one of this machine; false = nothing below is known. */
  readonly here: boolean;
  /** What listens on the port, on whichever address. */
  readonly listeners: readonly LocalListener[];
  /** Whether one of them takes connections to the spot. */
  readonly served: boolean;
  /** Unix sockets: whether the file is there and what it is. */
  readonly socket: SocketFile | null;
  /** Ports on which processes of the same program listen, where nothing listens on this one: likely a wrong port. */
  readonly others: readonly LocalListener[];
}

export interface LocalListener {
  /** "127.0.0.1:3000", "[::]:3000", "unix:/run/app.sock". */
  readonly address: string;
  readonly process: LocalProcess | null;
  /** Connections that wait to be accepted, and how many may; full = one more is dropped. null = not known. */
  readonly queue: { readonly waiting: number; readonly max: number; readonly full: boolean } | null;
}

export interface LocalProcess {
  readonly pid: number;
  readonly name: string;
  /** Redacted. */
  readonly command: string;
  readonly user: string | null;
  readonly startedAtMs: number;
  /** T = stopped (SIGSTOP), D, Z, S, R. */
  readonly state: string;
  readonly unit: string | null;
  readonly container: string | null;
}

export interface SocketFile {
  readonly path: string;
  readonly exists: boolean;
  readonly isSocket: boolean;
  /** "srw-rw---- www-data:www-data". */
  readonly mode: string | null;
  /** Whether the gateway's user may connect; null = not known. */
  readonly allowed: boolean | null;
  readonly reason: string | null;
}

export interface KernelEvent {
  readonly kind: "oom-kill" | "segfault" | "listen-overflow";
  readonly atMs: number | null;
  readonly pid: number | null;
  readonly process: string | null;
  /** oom-kill: the systemd service or the container (12 digits) that it was in, where the kernel says so. */
  readonly group?: string | null;
  readonly text: string;
  /** "kernel log", "journal", a file. */
  readonly source: string;
}

export interface UnitState {
  readonly unit: string;
  readonly active: string;
  readonly sub: string;
  /** "exit-code", "oom-kill", "signal", "success". */
  readonly result: string;
  readonly restarts: number;
  readonly sinceMs: number | null;
  readonly exit: string | null;
  /** Why it is listed: "pid 812 is in it", "it is not running, and its settings name port 3000". */
  readonly reason?: string;
}

export interface GatewayProcess extends LocalProcess {
  readonly software: string;
  /** Open file descriptors, and how many may be; null = not permitted to look. */
  readonly descriptors: { readonly open: number; readonly max: number } | null;
  readonly uptimeMs: Ms;
}
