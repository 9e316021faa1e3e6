// User files: "name:entry" a line, where the entry ends at another ":"; lines that begin with "#" or a CR do not count,
// and of a name that stands twice the first line holds. A file is read once and asked about once a second; a check
// meanwhile works on what is known. Who was let in is remembered for as long as the file stays the same, so that only
// the first request of a visitor costs the work of its scheme.
import { createHmac, randomBytes } from "node:crypto";
import { open } from "node:fs/promises";
import type { Bytes, Ms } from "../std/units.ts";
import { SliceQueue } from "./slices.ts";
import { type Verdict, verifyAtOnce, verifySlowly } from "./verify.ts";

const ASK_AGAIN_MS = 1000;
/** Paths may have variables, so the number of files is bounded. */
const FILES_MAX = 64;
const KNOWN_MAX = 1000;
const FILE_BYTES_MAX: Bytes = 16 * 2 ** 20;

/** Outcome of a look into a user file. "overloaded": too many passwords are being checked. */
export type PasswordCheck =
  | { readonly outcome: Verdict | "unknown-user" | "overloaded" }
  | { readonly outcome: "unreadable"; readonly error: NodeJS.ErrnoException };

interface UserFile {
  /** Of the file when it was read: mtime, size, inode. */
  readonly version: string;
  readonly users: ReadonlyMap<string, string>;
  /** Credentials that fitted, under a keyed hash, oldest first. */
  readonly known: Set<string>;
  askedAt: Ms;
}

/** Names and entries of a user file's text. */
export function parseUserFile(text: string): Map<string, string> {
  const users = new Map<string, string>();
  for (const line of text.split("\n")) {
    if (line.startsWith("#") || line.startsWith("\r")) continue;
    const end = line.indexOf(":");
    if (end < 0) continue;
    const name = line.slice(0, end);
    if (!users.has(name)) users.set(name, line.slice(end + 1).split(/[\r:]/, 1)[0]!);
  }
  return users;
}

/** The user files of a process. */
export class UserFiles {
  readonly #files = new Map<string, UserFile>();
  readonly #loading = new Map<string, Promise<UserFile>>();
  /** Checks under way, by credential: visitors send several requests at once. */
  readonly #checking = new Map<string, Promise<Verdict>>();
  readonly #queue = new SliceQueue();
  readonly #key = randomBytes(32);
  readonly #clock: () => Ms;

  constructor(clock: () => Ms) {
    this.#clock = clock;
  }

  /** Whether the password is the user's; all texts are byte text. At once where the answer is known. */
  check(path: string, user: string, password: string): PasswordCheck | Promise<PasswordCheck> {
    const file = this.#files.get(path);
    if (file && this.#clock() - file.askedAt < ASK_AGAIN_MS) return this.#checkIn(file, user, password);
    return this.#fresh(path).then(
      (loaded) => this.#checkIn(loaded, user, password),
      (error: NodeJS.ErrnoException) => ({ outcome: "unreadable", error }),
    );
  }

  #checkIn(file: UserFile, user: string, password: string): PasswordCheck | Promise<PasswordCheck> {
    const entry = file.users.get(user);
    if (entry === undefined) return { outcome: "unknown-user" };
    const atOnce = verifyAtOnce(password, entry);
    if (atOnce) return { outcome: atOnce };
    const credential = createHmac("sha256", this.#key).update(`${entry}\n${password}`, "latin1").digest("base64");
    if (file.known.has(credential)) return { outcome: "match" };
    const verdict = this.#checking.get(credential) ?? this.#verify(credential, password, entry);
    if (!verdict) return { outcome: "overloaded" };
    return verdict.then((outcome) => {
      if (outcome === "match") remember(file.known, credential);
      return { outcome };
    });
  }

  #verify(credential: string, password: string, entry: string): Promise<Verdict> | null {
    const verdict = this.#queue.run(verifySlowly(password, entry));
    if (!verdict) return null;
    const done = verdict.finally(() => this.#checking.delete(credential));
    this.#checking.set(credential, done);
    return done;
  }

  #fresh(path: string): Promise<UserFile> {
    const loading = this.#loading.get(path);
    if (loading) return loading;
    const load = this.#load(path).finally(() => this.#loading.delete(path));
    this.#loading.set(path, load);
    return load;
  }

  async #load(path: string): Promise<UserFile> {
    const old = this.#files.get(path);
    this.#files.delete(path);
    const file = await readIfChanged(path, old, this.#clock());
    // The most recently asked stand last.
    this.#files.set(path, file);
    for (const oldest of this.#files.keys()) {
      if (this.#files.size <= FILES_MAX) break;
      this.#files.delete(oldest);
    }
    return file;
  }
}

async function readIfChanged(path: string, old: UserFile | undefined, at: Ms): Promise<UserFile> {
  const handle = await open(Buffer.from(path, "latin1"), "r");
  try {
    const { mtimeMs, size, ino } = await handle.stat();
    const version = `${mtimeMs} ${size} ${ino}`;
    if (old?.version === version) {
      old.askedAt = at;
      return old;
    }
    if (size > FILE_BYTES_MAX) throw Object.assign(new Error("user file is too large"), { code: "EFBIG" });
    const users = parseUserFile((await handle.readFile()).toString("latin1"));
    return { version, users, known: new Set(), askedAt: at };
  } finally {
    await handle.close();
  }
}

function remember(known: Set<string>, credential: string): void {
  known.add(credential);
  for (const oldest of known) {
    if (known.size <= KNOWN_MAX) break;
    known.delete(oldest);
  }
}
