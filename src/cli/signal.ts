// goodgate reload and goodgate stop: the same as SIGHUP and SIGTERM to the running gateway.
import { type PidFileOptions, pidFilePath, readPid } from "./pid-file.ts";

/** Signals the gateway that the pid file names; returns the exit code. */
export function signal(what: "reload" | "stop", options: PidFileOptions): number {
  const path = pidFilePath(options);
  const pid = readPid(path);
  if (pid === null) {
    process.stderr.write(
      `goodgate: no running gateway is known: ${path} is not there. Was it started with --pid-file or --data?\n`,
    );
    return 1;
  }
  try {
    process.kill(pid, what === "reload" ? "SIGHUP" : "SIGTERM");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const why = code === "ESRCH" ? "that process has ended" : `it may not be signalled (${code})`;
    process.stderr.write(`goodgate: ${path} names process ${pid}, but ${why}.\n`);
    return 1;
  }
  return 0;
}
