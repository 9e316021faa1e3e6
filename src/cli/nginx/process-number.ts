// The pid file: written once everything listens, "<pid>.oldbin" while another program is being tried, and the orders
// of `-s` to the process that it names.
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { fileName } from "./files-on-disk.ts";
import type { Signal } from "./options.ts";
import type { StartLog } from "./start-log.ts";
import { systemError } from "./strerror.ts";

const SIGNALS = { stop: "SIGTERM", quit: "SIGQUIT", reopen: "SIGUSR1", reload: "SIGHUP" } as const;
const NUMBERS = { stop: 15, quit: 3, reopen: 10, reload: 1 } as const;

/** Writes our number; what nginx says where that is not possible. */
export function writeNumber(path: string): string | null {
  return attempt("open()", path, () => writeFileSync(fileName(path), `${process.pid}\n`, { mode: 0o644 }));
}

/** Takes the file away; what nginx says where that is not possible. */
export function removeNumber(path: string): string | null {
  return attempt("unlink()", path, () => rmSync(fileName(path)));
}

/** Where our number stands while a new program runs beside us. */
export function oldName(path: string): string {
  return `${path}.oldbin`;
}

/** Renames the file; what nginx says where that is not possible. */
export function renameNumber(from: string, to: string): string | null {
  try {
    renameSync(fileName(from), fileName(to));
    return null;
  } catch (error) {
    const { errno, text } = systemError(error);
    return `rename() "${from}" to "${to}" failed (${errno}: ${text})`;
  }
}

/** `-s`: gives an order to the running process; returns the exit code. */
export function giveOrder(signal: Signal, path: string, log: StartLog): number {
  log.log("notice", "signal process started");
  let text = "";
  const complaint = attempt("open()", path, () => {
    text = readFileSync(fileName(path), "latin1");
  });
  if (complaint !== null) {
    log.log("error", complaint);
    return 1;
  }
  const number = text.replace(/[\r\n]+$/, "");
  const pid = /^\d{1,10}$/.test(number) ? Number(number) : 0;
  if (pid === 0) {
    log.log("error", `invalid PID number "${number}" in "${path}"`);
    return 1;
  }
  try {
    process.kill(pid, SIGNALS[signal]);
    return 0;
  } catch (error) {
    const { errno, text: reason } = systemError(error);
    log.log("alert", `kill(${pid}, ${NUMBERS[signal]}) failed (${errno}: ${reason})`);
    return 1;
  }
}

function attempt(call: string, path: string, action: () => void): string | null {
  try {
    action();
    return null;
  } catch (error) {
    const { errno, text } = systemError(error);
    return `${call} "${path}" failed (${errno}: ${text})`;
  }
}
