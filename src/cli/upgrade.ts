// Upgrade without a gap: the running process starts the program anew from its path on disk, with the same arguments,
// and hands its listening sockets down. Both accept until the new one has said that it is ready; then the old one
// drains. Where the new one fails, nothing has changed.
//
//   old                          new
//   start, with the sockets ──▶  reads its configuration, listens
//                           ◀──  ready
//   closes the console      ──▶  opens the console, writes the pid file
//                           ◀──  settled
//   drains, ends
import { type ChildProcess, spawn } from "node:child_process";
import type { ListeningSocket } from "../proxy/listening-socket.ts";
import { handDown } from "./inherited-sockets.ts";

const START_MS = 30_000;
/** An old process that is gone, or hangs, must not keep the new one from settling. */
const RELEASE_MS = 5_000;

type FromSuccessor = { successor: "ready" | "settled" };
type ToSuccessor = { successor: "released" };

/** What the old process does on the way. */
export interface Handover {
  readonly sockets: readonly ListeningSocket[];
  /** Descriptors that this process was itself started with. */
  readonly inherited: number;
  /** Frees what only one process can have. */
  release(): void;
  /** The new one failed after that. */
  restore(): Promise<void>;
  /** This process is told to end: whoever stops a gateway does not want to find another one in its place. */
  readonly ordered: AbortSignal;
}

/** Starts the program anew; resolves with its process id, or with why it could not take over. */
export async function upgrade(handover: Handover): Promise<{ pid: number } | { problem: string }> {
  if (process.pid === 1) {
    return {
      problem: "this is process 1 of a container, which ends with it: replace the container, or run it with an init",
    };
  }
  const child = startSuccessor(handover);
  const failed = failureOf(child);
  let released = false;
  const settled = new Promise<null>((resolve) => {
    child.on("message", ({ successor }: FromSuccessor) => {
      if (successor === "settled") return resolve(null);
      released = true;
      handover.release();
      child.send({ successor: "released" } satisfies ToSuccessor, () => {});
    });
  });
  const givenUp = new Promise<string>((resolve) => {
    handover.ordered.addEventListener("abort", () => resolve("this process was told to end"));
  });
  const problem = await Promise.race([settled, failed, givenUp]);
  if (problem !== null) {
    child.kill("SIGKILL");
    if (released) await handover.restore();
    return { problem };
  }
  child.disconnect();
  child.unref();
  return { pid: child.pid! };
}

function startSuccessor({ sockets, inherited }: Handover): ChildProcess {
  const { stdio, env } = handDown(sockets);
  // What this process was started with is no longer closed on exec: its numbers are given another meaning.
  const padding = Array.from({ length: Math.max(0, inherited - stdio.length) }, () => "ignore" as const);
  // A watchdog that names a process means this one.
  const { WATCHDOG_PID: _, ...kept } = process.env;
  return spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: ["inherit", "inherit", "inherit", ...stdio, ...padding, "ipc"],
    env: { ...kept, ...env },
  });
}

function failureOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, START_MS, `the new process was not ready within ${START_MS / 1000} s`);
    child.once("error", (error) => resolve(`the program cannot be started: ${error.message}`));
    child.once("exit", (code, signal) => {
      clearTimeout(timer);
      resolve(`the new process ended with ${signal ?? `exit code ${code}`}`);
    });
    child.once("disconnect", () => clearTimeout(timer));
  });
}

/** What a process that takes the place of another says to it. */
export class Predecessor {
  /** Says that it serves; resolves once the other one has freed what only one can have. */
  ready(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, RELEASE_MS);
      const done = (): void => {
        clearTimeout(timer);
        resolve();
      };
      process.once("message", done);
      process.once("disconnect", done);
      this.#say("ready");
    });
  }

  /** Says that it has all; the other one goes. */
  settled(): void {
    this.#say("settled");
  }

  #say(successor: FromSuccessor["successor"]): void {
    process.send?.({ successor } satisfies FromSuccessor, undefined, undefined, () => {});
  }
}
