// Files as content: opened, looked at and read in pieces; the caller writes them on at the client's speed. Paths are byte
// text. Nothing throws for what a file system may do: a problem is a value that says which call failed and why.
// Calls are made directly while the disk is fast (disk-pace.ts), so results are values or promises: await takes both.
// Paths under disable_symlinks are always opened directly and never kept (symlinks.ts).
import { closeSync, type Stats, statSync } from "node:fs";
import {
  type FileFacts,
  factsOf,
  openDirect,
  openPooled,
  READ_FLAGS,
  statDescriptor,
  statDirect,
  statPooled,
} from "./disk.ts";
import { DiskPace, type MaybeLater } from "./disk-pace.ts";
import { type FileProblem, isProblem, problemOf } from "./file-problem.ts";
import { OpenedFile } from "./opened-file.ts";
import { SmallFiles } from "./small-files.ts";
import { strerror } from "./strerror.ts";
import { checkedFrom, FOLLOW_SYMLINKS, openChecked, type SymlinkRules } from "./symlinks.ts";

/** One for each process: opens files, with a bound on how many are open. */
export class FileStore {
  readonly #pace: DiskPace;
  readonly #small = new SmallFiles();
  readonly #openMax: number;
  #open = 0;

  constructor(openMax: number, pace: DiskPace = new DiskPace()) {
    this.#openMax = openMax;
    this.#pace = pace;
  }

  /** Descriptors that are open now. */
  get openCount(): number {
    return this.#open;
  }

  /** Opens a file for reading; a folder is only looked at. The caller closes it. */
  open(path: string, symlinks: SymlinkRules = FOLLOW_SYMLINKS): MaybeLater<OpenedFile | FileProblem> {
    if (path.includes("\0")) return nulInPath("open", path);
    if (this.#open >= this.#openMax) {
      return problemOf("open", path, "EMFILE", strerror("EMFILE", EMFILE));
    }
    const begin = checkedFrom(path, symlinks);
    if (begin !== null && symlinks.mode !== "off") {
      this.#open += 1;
      return this.#opened(path, openChecked(path, begin, symlinks.mode, READ_FLAGS), null);
    }
    const bytes = Buffer.from(path, "latin1");
    return this.#pace.run(
      () => {
        const kept = this.#kept(path, bytes);
        if (kept) return kept;
        this.#open += 1;
        return this.#opened(path, openDirect(path, bytes), this.#small);
      },
      async () => {
        // Counted while it is being opened, too.
        this.#open += 1;
        return this.#opened(path, await openPooled(path, bytes), this.#small);
      },
    );
  }

  /** Looks at a file without opening it. */
  stat(path: string, symlinks: SymlinkRules = FOLLOW_SYMLINKS): MaybeLater<FileFacts | FileProblem> {
    if (path.includes("\0")) return nulInPath("stat", path);
    const begin = checkedFrom(path, symlinks);
    if (begin !== null && symlinks.mode !== "off") {
      const fd = openChecked(path, begin, symlinks.mode, READ_FLAGS);
      if (typeof fd !== "number") return fd;
      const stats = statDescriptor(path, fd);
      closeSync(fd);
      return factsOrProblem(stats);
    }
    const bytes = Buffer.from(path, "latin1");
    const stats = this.#pace.run(
      () => statDirect(path, bytes),
      () => statPooled(path, bytes),
    );
    return stats instanceof Promise ? stats.then(factsOrProblem) : factsOrProblem(stats);
  }

  #kept(path: string, bytes: Buffer): OpenedFile | null {
    if (!this.#small.has(path)) return null;
    const stats = statSync(bytes, { throwIfNoEntry: false });
    const body = stats ? this.#small.get(path, stats) : null;
    return stats && body ? new OpenedFile({ path, stats, fd: null, body, pace: this.#pace }) : null;
  }

  #opened(path: string, fd: number | FileProblem, small: SmallFiles | null): OpenedFile | FileProblem {
    const stats = typeof fd === "number" ? statDescriptor(path, fd) : fd;
    if (typeof fd !== "number" || isProblem(stats) || stats.isDirectory()) {
      this.#open -= 1;
      if (typeof fd === "number") closeSync(fd);
      return isProblem(stats) ? stats : new OpenedFile({ path, stats, fd: null, body: null, pace: this.#pace });
    }
    return new OpenedFile({
      path,
      stats,
      fd,
      body: null,
      pace: this.#pace,
      onRead: (body) => small?.put(path, stats, body, Date.now()),
      onClose: () => {
        this.#open -= 1;
      },
    });
  }
}

const EMFILE = 24;

function nulInPath(call: string, path: string): FileProblem {
  return problemOf(call, path.replaceAll("\0", "\\0"), "ENOENT", strerror("ENOENT", 2));
}

function factsOrProblem(stats: Stats | FileProblem): FileFacts | FileProblem {
  return isProblem(stats) ? stats : factsOf(stats);
}
