// Errors of the system as nginx writes them: "(2: No such file or directory)". Node has texts of its own, so those of
// the C library that opening and reading a file can meet are here.
const TEXTS: Readonly<Record<string, string>> = {
  EPERM: "Operation not permitted",
  ENOENT: "No such file or directory",
  EIO: "Input/output error",
  ENXIO: "No such device or address",
  EACCES: "Permission denied",
  ESRCH: "No such process",
  EADDRINUSE: "Address already in use",
  EADDRNOTAVAIL: "Cannot assign requested address",
  EAFNOSUPPORT: "Address family not supported by protocol",
  EEXIST: "File exists",
  EBUSY: "Device or resource busy",
  ENODEV: "No such device",
  ENOTDIR: "Not a directory",
  EISDIR: "Is a directory",
  EINVAL: "Invalid argument",
  ENFILE: "Too many open files in system",
  EMFILE: "Too many open files",
  ETXTBSY: "Text file busy",
  EFBIG: "File too large",
  ENOSPC: "No space left on device",
  EROFS: "Read-only file system",
  ENAMETOOLONG: "File name too long",
  ELOOP: "Too many levels of symbolic links",
  EDQUOT: "Disk quota exceeded",
  ESTALE: "Stale file handle",
};

/** Number and text of an error that a function of node:fs threw. */
export function systemError(error: unknown): { readonly errno: number; readonly text: string } {
  const { code = "", errno = 0, message } = error as NodeJS.ErrnoException;
  return { errno: Math.abs(errno), text: TEXTS[code] ?? message };
}
