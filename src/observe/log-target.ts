// Opening what a log is written to, so that a write can be made without waiting.
// Pipes and terminals are opened anew with O_NONBLOCK through /proc/self/fd, so that other holders of the stream
// keep their mode. Where that is not possible (a socket, a foreign owner, another system) the stream is used as it
// is, by the thread pool: a reader that stalls then holds one of its threads.
import * as fs from "node:fs";
import { dirname } from "node:path";
import type { LogTarget } from "../config/config.ts";
import type { Bytes } from "../std/units.ts";

/** An open log file or stream. */
export interface OpenLog {
  readonly fd: number;
  /** Whether we opened it: then we close it. */
  readonly owned: boolean;
  /** Whether a write on the event loop returns at once, with EAGAIN where it would wait. */
  readonly nonblocking: boolean;
}

/** POSIX: a write of up to PIPE_BUF bytes to a pipe is not mixed with those of other processes (Linux: 4096). */
const PIPE_BUF = 4096;
/** What one write to a pipe may take: workers share theirs, and a longer one may end in mid-line where the pipe is full. */
const PIPE_WRITE_MAX = process.env["GOODGATE_WORKER"] === undefined ? 64 * 1024 : PIPE_BUF;
const NEWLINE = 0x0a;
/** Not for others: client addresses are personal data. */
const FILE_MODE = 0o640;
const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK } = fs.constants;

/** Opens a log, files for appending; throws an Error that says what is in the way. */
export function openLog(target: LogTarget, name: string): OpenLog {
  if (target.kind !== "file") return openStream(target.kind === "stdout" ? 1 : 2);
  let fd: number;
  try {
    fd = fs.openSync(target.path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, FILE_MODE);
  } catch (error) {
    throw new Error(`cannot open the ${name} ${target.path}: ${openProblem(error, target.path)}`, { cause: error });
  }
  return { fd, owned: true, nonblocking: !fs.fstatSync(fd).isFile() };
}

/** Closes what openLog opened; the standard streams stay open. */
export function closeLog(open: OpenLog): void {
  if (open.owned) fs.close(open.fd, ignoreResult);
}

/** Where a write to a pipe from `offset` should end: after the last whole line within `max` bytes, or at `max`. */
export function pipeWriteEnd(chunk: Buffer, offset: number, max: Bytes = PIPE_WRITE_MAX): Bytes {
  if (chunk.length - offset <= max) return chunk.length;
  const newline = chunk.lastIndexOf(NEWLINE, offset + max - 1);
  return newline >= offset ? newline + 1 : offset + max;
}

/** Lines in `chunk` from `offset` on; a line of which only the beginning was written counts. */
export function linesIn(chunk: Buffer, offset: number): number {
  let lines = 0;
  for (let at = chunk.indexOf(NEWLINE, offset); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) lines++;
  return lines;
}

/** Why a write failed, in words. */
export function writeProblem(code: string): string {
  return WRITE_PROBLEMS[code] ?? code;
}

const WRITE_PROBLEMS: Readonly<Record<string, string>> = {
  ENOSPC: "no space on device",
  EDQUOT: "disk quota reached",
  EFBIG: "file at its largest size",
  EROFS: "file system is read-only",
  EIO: "input/output error",
  EPIPE: "its reader is gone",
  ECONNRESET: "its reader is gone",
  EAGAIN: "its reader is too slow",
};

function openStream(fd: number): OpenLog {
  const stat = fs.fstatSync(fd);
  if (!stat.isFIFO() && !stat.isCharacterDevice()) return { fd, owned: false, nonblocking: false };
  try {
    const again = fs.openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_APPEND | O_NONBLOCK);
    return { fd: again, owned: true, nonblocking: true };
  } catch {
    return { fd, owned: false, nonblocking: false };
  }
}

function openProblem(error: unknown, path: string): string {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  if (code === "ENOENT") return `the directory ${dirname(path)} does not exist`;
  if (code === "ENOTDIR") return `${dirname(path)} is not a directory`;
  if (code === "EISDIR") return "it is a directory";
  if (code === "EACCES" || code === "EPERM") return "permission denied";
  if (code === "ENXIO") return "it is a pipe that nobody reads";
  return WRITE_PROBLEMS[code] ?? code;
}

function ignoreResult(): void {
  // close(2) on Linux releases the descriptor even where it reports an error; there is nothing to do about it.
}
