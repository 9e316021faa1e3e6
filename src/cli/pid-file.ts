// The file that holds the process id of the running gateway, so that reload, upgrade and stop find it.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { log } from "../std/log.ts";
import { dataFolder } from "./backend/identity.ts";

/** What the system's own type holds. */
const PID_MAX = 2 ** 31 - 1;

export interface PidFileOptions {
  readonly data?: string;
  readonly pidFile?: string;
}

/** Where the pid file is: as told, in the data folder, or in the user's state folder (XDG). */
export function pidFilePath(options: PidFileOptions): string {
  if (options.pidFile) return resolve(options.pidFile);
  return join(dataFolder(options.data), "goodgate.pid");
}

/** A place that cannot be written to costs the commands that work on a running gateway, not the gateway. */
export function writePidFile(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${process.pid}\n`);
  } catch (error) {
    const hint = "goodgate reload, upgrade and stop will not find this process; --pid-file names another place";
    log.warn(`no pid file: ${(error as Error).message}`, { hint });
  }
}

/** Takes the file away where it is still ours, and says whether it was. */
export function removePidFile(path: string): boolean {
  const read = readPid(path);
  if ("problem" in read || read.pid !== process.pid) return false;
  rmSync(path, { force: true });
  return true;
}

/** The process id in the file, or why there is none. */
export function readPid(path: string): { readonly pid: number } | { readonly problem: string } {
  let text: string;
  try {
    text = readFileSync(path, "utf8").trim();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { problem: code === "ENOENT" ? `${path} is not there` : `${path} cannot be read (${code})` };
  }
  const pid = Number(text);
  if (Number.isInteger(pid) && pid > 0 && pid <= PID_MAX) return { pid };
  return { problem: `${path} holds no process id` };
}
