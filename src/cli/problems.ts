// Problems as a person reads them.

import type { Problem } from "../config/config.ts";
import { formatProblem } from "../config/load.ts";
import { useColours } from "../std/log.ts";

/** Prints each problem on standard error. */
export function printProblems(problems: readonly Problem[]): void {
  for (const problem of problems) process.stderr.write(`${formatProblem(problem, useColours())}\n`);
}

/** One line for what kept the gateway from starting, with the next step. */
export function reportStartError(error: unknown): void {
  const { code, message, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  const where = port ? `${address && address !== "::" ? address : ""}:${port}` : (address ?? "");
  const hint =
    code === "EADDRINUSE"
      ? `${where || "the address"} is taken by another program. Stop that one (ss -ltnp 'sport = :${port ?? "PORT"}' shows it) or choose another address with --listen.`
      : code === "EACCES"
        ? `${where || "the address"} may not be opened: ports below 1024 need root or CAP_NET_BIND_SERVICE. Choose another with --listen, e.g. --listen :8080.`
        : code === "EADDRNOTAVAIL"
          ? `${where || "the address"} is not an address of this machine. ip address shows those that are.`
          : message;
  process.stderr.write(`goodgate: cannot start: ${hint}\n`);
}
