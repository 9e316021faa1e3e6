// disable_symlinks: a path is opened folder by folder, so that no symbolic link on the way (or none of another owner) is
// followed. Names are looked up below the folder that was opened before, not by the whole path again: whoever can rename
// a folder cannot slip a link in between. Node has no openat(2); on Linux "/proc/self/fd/N/name" is the same lookup.
// Elsewhere the path stands in for it, and that race is open.
import { closeSync, constants, fstatSync, lstatSync, openSync } from "node:fs";
import { constants as osConstants } from "node:os";
import { type FileProblem, fileProblem, problemOf } from "./file-problem.ts";
import { strerror } from "./strerror.ts";

/** Which symbolic links are refused. */
export interface SymlinkRules {
  readonly mode: "off" | "on" | "if-not-owner";
  /** The beginning of a path that may have any; rendered; null = none. */
  readonly from: string | null;
}

/** All links are followed. */
export const FOLLOW_SYMLINKS: SymlinkRules = { mode: "off", from: null };

const isLinux = process.platform === "linux";
/** O_PATH: folders on the way need to be searchable, not readable. */
const SEARCH = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NONBLOCK | (isLinux ? 0o10000000 : 0);

/** Where checking begins in this path; null = the path is not checked at all. */
export function checkedFrom(path: string, { mode, from }: SymlinkRules): number | null {
  if (mode === "off") return null;
  if (from === null || from === "" || !path.startsWith(from)) return 0;
  if (path.length === from.length) return null;
  if (path[from.length] === "/") return from.length;
  return from.endsWith("/") ? from.length - 1 : 0;
}

/** Opens an absolute path under rules that are not "off"; `begin` is what checkedFrom says. */
export function openChecked(
  path: string,
  begin: number,
  mode: "on" | "if-not-owner",
  flags: number,
): number | FileProblem {
  const names = path.slice(begin).split("/");
  const last = names.pop()!;
  let reached = path.slice(0, begin);
  let folder = openNamed(begin === 0 ? "/" : reached, path, SEARCH);
  for (const name of names) {
    if (typeof folder !== "number") return folder;
    if (name === "") continue;
    const next = openBelow({ folder, reached, name, mode, path }, SEARCH);
    closeSync(folder);
    folder = next;
    reached += `/${name}`;
  }
  if (typeof folder !== "number") return folder;
  // With a slash at the end it has to be a folder: that folder again, under the flags asked for.
  const file =
    last === ""
      ? openNamed(nameBelow(folder, reached, "."), path, flags)
      : openBelow({ folder, reached, name: last, mode, path }, flags);
  closeSync(folder);
  return file;
}

interface Step {
  /** Descriptor of the folder, and its path. */
  readonly folder: number;
  readonly reached: string;
  readonly name: string;
  readonly mode: "on" | "if-not-owner";
  /** The whole path, for the log. */
  readonly path: string;
}

function openBelow({ folder, reached, name, mode, path }: Step, flags: number): number | FileProblem {
  const named = nameBelow(folder, reached, name);
  if (mode === "on") return openNamed(named, path, flags | constants.O_NOFOLLOW);
  const fd = openNamed(named, path, flags);
  if (typeof fd !== "number") return fd;
  try {
    // Compared even where it is no link now: it may have been one when it was opened.
    if (lstatSync(Buffer.from(named, "latin1")).uid === fstatSync(fd).uid) return fd;
  } catch (error) {
    closeSync(fd);
    return fileProblem("openat", path, error);
  }
  closeSync(fd);
  return problemOf("openat", path, "ELOOP", strerror("ELOOP", osConstants.errno.ELOOP));
}

function openNamed(named: string, path: string, flags: number): number | FileProblem {
  try {
    return openSync(Buffer.from(named, "latin1"), flags);
  } catch (error) {
    return fileProblem("openat", path, error);
  }
}

function nameBelow(folder: number, reached: string, name: string): string {
  return isLinux ? `/proc/self/fd/${folder}/${name}` : `${reached}/${name}`;
}
