// What the program says before it serves. nginx writes it to its first error log (-e, or the one that is built in),
// with the time and the process; where that is a file, what is a warning or worse goes to standard error besides, as
// "nginx: [emerg] …". Where it is standard error itself, the dated line is all. Lines hold 2,048 bytes, as nginx's.
import { openSync, writeSync } from "node:fs";
import { fileName } from "./files-on-disk.ts";
import { systemError } from "./strerror.ts";

export type Level = "emerg" | "alert" | "crit" | "error" | "warn" | "notice";

/** Texts are byte text. */
export interface StartLog {
  /** A line of the log. */
  readonly log: (level: Level, text: string) => void;
  /** A line for whoever stands at the terminal, "nginx: …". */
  readonly tell: (text: string) => void;
}

const LINE_BYTES_MAX = 2048;

/** Opens the log; "" = standard error, which also takes the place of a file that cannot be opened. */
export function openStartLog(path: string): StartLog {
  const descriptor = path === "" ? null : openLog(path);
  return { tell, log: (level, text) => write(descriptor, level, text) };
}

function openLog(path: string): number | null {
  try {
    return openSync(fileName(path), "a", 0o644);
  } catch (error) {
    const { errno, text } = systemError(error);
    tell(`[alert] could not open error log file: open() "${path}" failed (${errno}: ${text})`);
    return null;
  }
}

function write(descriptor: number | null, level: Level, text: string): void {
  const head = `${time(new Date())} [${level}] ${process.pid}#${process.pid}: `;
  const said = text.slice(0, LINE_BYTES_MAX - head.length - 1);
  if (descriptor === null) print(`${head}${said}\n`);
  else {
    try {
      writeSync(descriptor, Buffer.from(`${head}${said}\n`, "latin1"));
    } catch {
      // A full disk must not hide what is wrong: the terminal has it.
    }
    if (level !== "notice") print(`nginx: [${level}] ${said}\n`);
  }
}

/** "nginx: …" on standard error. */
export function tell(text: string): void {
  print(`nginx: ${text.slice(0, LINE_BYTES_MAX - 8)}\n`);
}

/** Byte text as it is. */
export function print(text: string): void {
  process.stderr.write(Buffer.from(text, "latin1"));
}

function time(at: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${at.getFullYear()}/${two(at.getMonth() + 1)}/${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}
