// What the C library says of an error number, since people search for "(2: No such file or directory)" and for no other
// wording. libuv's texts differ; they stand in for codes that are not in the table.
import { getSystemErrorMap } from "node:util";

const TEXTS: Readonly<Record<string, string>> = {
  EACCES: "Permission denied",
  EAGAIN: "Resource temporarily unavailable",
  EBADF: "Bad file descriptor",
  EBUSY: "Device or resource busy",
  EEXIST: "File exists",
  EFBIG: "File too large",
  EINTR: "Interrupted system call",
  EINVAL: "Invalid argument",
  EIO: "Input/output error",
  EISDIR: "Is a directory",
  ELOOP: "Too many levels of symbolic links",
  EMFILE: "Too many open files",
  EMLINK: "Too many links",
  ENAMETOOLONG: "File name too long",
  ENFILE: "Too many open files in system",
  ENODEV: "No such device",
  ENOENT: "No such file or directory",
  ENOMEM: "Cannot allocate memory",
  ENOSPC: "No space left on device",
  ENOTDIR: "Not a directory",
  ENOTEMPTY: "Directory not empty",
  ENXIO: "No such device or address",
  EOVERFLOW: "Value too large for defined data type",
  EPERM: "Operation not permitted",
  EROFS: "Read-only file system",
  ESTALE: "Stale file handle",
  ETIMEDOUT: "Connection timed out",
  ETXTBSY: "Text file busy",
  EXDEV: "Invalid cross-device link",
};

/** "2: No such file or directory". */
export function strerror(code: string, errno: number): string {
  return `${Math.abs(errno)}: ${TEXTS[code] ?? getSystemErrorMap().get(-Math.abs(errno))?.[1] ?? code}`;
}

/** Code and number of what a call of node:fs threw; anything else is a defect of ours and is thrown again. */
export function errnoOf(error: unknown): { readonly code: string; readonly errno: number } {
  if (error instanceof Error && "code" in error && "errno" in error) {
    if (typeof error.code === "string" && typeof error.errno === "number") {
      return { code: error.code, errno: error.errno };
    }
  }
  throw error;
}
