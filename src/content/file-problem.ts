// A file that could not be used, made once, where it happened: what the error log says of it ("open() "/path" failed
// (2: No such file or directory)") and what the client is answered. nginx's rules: what is not there is 404, what may
// not be read or is behind a refused symbolic link is 403, anything else is our fault.
import { errnoOf, strerror } from "./strerror.ts";

/** Why a file cannot be served. */
export interface FileProblem {
  readonly problem: string;
  /** "open", "openat", "stat", "fstat", "opendir", "read" … */
  readonly call: string;
  /** Byte text. */
  readonly path: string;
  /** "ENOENT". */
  readonly code: string;
  /** "2: No such file or directory". */
  readonly text: string;
}

const ABSENT: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR", "ENAMETOOLONG"]);
const FORBIDDEN: ReadonlySet<string> = new Set(["EACCES", "EMLINK", "ELOOP"]);

/** From what a call of node:fs threw; anything else is a defect and goes on being thrown. */
export function fileProblem(call: string, path: string, error: unknown): FileProblem {
  const { code, errno } = errnoOf(error);
  return problemOf(call, path, code, strerror(code, errno));
}

/** One that no system call reported. */
export function problemOf(call: string, path: string, code: string, text: string): FileProblem {
  return { problem: `${call}() "${path}" failed (${text})`, call, path, code, text };
}

/** Whether it is a problem rather than what was asked for. */
export function isProblem(value: object): value is FileProblem {
  return "problem" in value;
}

/** The path leads to nothing. */
export function isAbsent(problem: FileProblem): boolean {
  return ABSENT.has(problem.code);
}

/** What a client is answered, and how loud the log is. */
export function problemStatus(problem: FileProblem): { readonly status: number; readonly level: "error" | "crit" } {
  if (isAbsent(problem)) return { status: 404, level: "error" };
  if (FORBIDDEN.has(problem.code)) return { status: 403, level: "error" };
  return { status: 500, level: "crit" };
}
