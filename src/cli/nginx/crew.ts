// What serves, by the settings of the process: this process itself, or workers; and how it starts: nginx tries an
// address that is taken five times, since whoever had it may be about to end.
import type { Config } from "../../config/config.ts";
import type { ProcessSettings } from "../../nginx/lower/process.ts";
import type { InheritedSockets } from "../inherited-sockets.ts";
import { Served } from "../serve.ts";
import { Crew, workerCount } from "../workers.ts";
import { type Identity, identityEnv } from "./identity.ts";
import type { ProcessLog } from "./process-log.ts";
import { systemError } from "./strerror.ts";

const TRIES = 5;
const PAUSE_MS = 500;

export interface Serving {
  readonly config: Config;
  readonly settings: ProcessSettings;
  readonly identity: Identity | null;
  readonly inherited: InheritedSockets;
  readonly log: ProcessLog;
}

/** How many worker processes are meant; 0 = this process serves. */
export function workersOf({ masterProcess, workerProcesses }: ProcessSettings, identity: Identity | null): number {
  const count = masterProcess ? workerCount(workerProcesses) : 1;
  return count > 1 || (masterProcess && identity) ? count : 0;
}

/** Opens the listeners and starts to serve; what nginx says where that is not possible. */
export async function startServing(serving: Serving, say: Say): Promise<Served | Crew | null> {
  for (let left = TRIES; left > 0; left--) {
    let service: Served | Crew;
    try {
      service = makeService(serving);
    } catch (error) {
      // A file that TLS needs cannot be used.
      say("emerg", (error as Error).message);
      return null;
    }
    try {
      await service.start();
      return service;
    } catch (error) {
      say("emerg", bindText(error));
      await service.end("stop");
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") return null;
    }
    say("notice", `try again to bind() after ${PAUSE_MS}ms`);
    if (left > 1) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  say("emerg", "still could not bind()");
  return null;
}

type Say = (level: "emerg" | "notice", text: string) => void;

function makeService({ config, settings, identity, inherited, log }: Serving): Served | Crew {
  const count = workersOf(settings, identity);
  if (count === 0) return new Served(config, inherited.take);
  return new Crew(config, count, inherited, {
    env: identityEnv(identity),
    onSaid: log.take,
    onStart: (pid) => log.log("notice", `start worker process ${pid}`),
    onExit: (pid, code, signal) => {
      if (code === null) log.log("alert", `worker process ${pid} exited on signal ${signal}`);
      else log.log("notice", `worker process ${pid} exited with code ${code}`);
    },
  });
}

/** nginx's words for a listener that cannot be opened, or whatever the error says. */
export function bindText(error: unknown): string {
  const { address, port, syscall = "" } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  if (syscall !== "bind" && syscall !== "listen") return (error as Error).message;
  const { errno, text } = systemError(error);
  const host = address?.includes(":") ? `[${address}]` : address || "0.0.0.0";
  const where = address?.startsWith("/") ? `unix:${address}` : `${host}:${port ?? 0}`;
  return `bind() to ${where} failed (${errno}: ${text})`;
}
