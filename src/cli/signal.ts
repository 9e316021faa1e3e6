// goodgate reload, stop and upgrade: orders to the running gateway, by signal. What came of a reload or an upgrade is
// read from the status file, so that the exit code tells whether it was done.
import { type PidFileOptions, pidFilePath, readPid } from "./pid-file.ts";
import { type Order, readStatus } from "./status-file.ts";

const SIGNALS = { reload: "SIGHUP", upgrade: "SIGUSR2", stop: "SIGTERM" } as const;
/** A reload reads files; an upgrade is given up by the gateway itself after 30 s. */
const ANSWER_MS = { reload: 15_000, upgrade: 40_000 } as const;
const POLL_MS = 50;

/** Gives an order to the gateway that the pid file names; returns the exit code. */
export async function signal(what: Order | "stop", options: PidFileOptions): Promise<number> {
  const path = pidFilePath(options);
  const read = readPid(path);
  if ("problem" in read) {
    return fail(`no running gateway is known: ${read.problem}. Was it started with --pid-file or --data?`);
  }
  const { pid } = read;
  const before = readStatus(path);
  const answered = before?.process === pid ? before.count : 0;
  try {
    process.kill(pid, SIGNALS[what]);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const why = code === "ESRCH" ? "that process has ended" : `it may not be signalled (${code})`;
    return fail(`${path} names process ${pid}, but ${why}.`);
  }
  return what === "stop" ? 0 : outcome(what, path, pid, answered);
}

async function outcome(what: Order, path: string, pid: number, answered: number): Promise<number> {
  const until = performance.now() + ANSWER_MS[what];
  while (performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    const status = readStatus(path);
    if (status?.process === pid && status.what === what && status.count > answered) {
      const text = status.said.map((entry) => `${entry}\n`).join("");
      if (!status.ok) process.stderr.write(text);
      else process.stdout.write(`${text}${what === "reload" ? "reloaded\n" : ""}`);
      return status.ok ? 0 : 1;
    }
    if (!isAlive(pid)) return fail(`process ${pid} has ended instead of answering; its log says why.`);
  }
  return fail(`process ${pid} has not said within ${ANSWER_MS[what] / 1000} s what came of it; its log does.`);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

function fail(why: string): number {
  process.stderr.write(`goodgate: ${why}\n`);
  return 1;
}
