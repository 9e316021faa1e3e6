// Whose rights requests are served with. Started by root, nginx keeps them in the master, which opens ports, logs and
// keys, and gives them up in its workers; so it is here, and a single process is not enough then.
import { chownSync, statSync } from "node:fs";
import { fileName } from "./files-on-disk.ts";

/** A user and group of this machine. */
export interface Identity {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** What a worker finds in its environment. */
const WORKER_IDENTITY = "GOODGATE_NGINX_USER";
/** nginx's own where nothing is configured; distributions differ in the group. */
const DEFAULTS = [
  { name: "nobody", group: "nobody" },
  { name: "nobody", group: "nogroup" },
];

/** Whom workers are to be; null = whoever started us. */
export function workerIdentity(user: { readonly name: string; readonly group: string } | null): Identity | null {
  if (process.geteuid?.() !== 0) return null;
  for (const { name, group } of user ? [user] : DEFAULTS) {
    const uid = idOf(name, "user");
    const gid = idOf(group, "group");
    if (uid !== null && gid !== null) return uid === 0 ? null : { name, uid, gid };
  }
  return null;
}

/** Node looks a name up where it may take it on, so it is taken on for a moment. */
function idOf(name: string, kind: "user" | "group"): number | null {
  const own = process.getegid!();
  try {
    if (kind === "user") process.seteuid!(name);
    else process.setegid!(name);
    return kind === "user" ? process.geteuid!() : process.getegid!();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_UNKNOWN_CREDENTIAL") return null;
    throw error;
  } finally {
    process.seteuid!(0);
    process.setegid!(own);
  }
}

/** The environment of a worker that is to be somebody else. */
export function identityEnv(identity: Identity | null): NodeJS.ProcessEnv {
  return identity ? { [WORKER_IDENTITY]: `${identity.uid}:${identity.gid}:${identity.name}` } : {};
}

/** In a worker: gives up the rights that it was started with. */
export function becomeWorkerIdentity(): void {
  const [uid, gid, ...name] = (process.env[WORKER_IDENTITY] ?? "").split(":");
  if (uid === undefined || gid === undefined) return;
  // The declared types have no initgroups(3).
  const { initgroups } = process as unknown as { initgroups: (name: string, gid: number) => void };
  initgroups(name.join(":"), Number(gid));
  process.setgid!(Number(gid));
  process.setuid!(Number(uid));
}

/** Lets the workers open files anew that root has made. */
export function giveTo(identity: Identity | null, paths: readonly string[]): void {
  if (!identity) return;
  for (const path of paths) {
    try {
      const file = fileName(path);
      const { uid } = statSync(file);
      if (uid !== identity.uid) chownSync(file, identity.uid, -1);
    } catch {
      // Where it is not there, or somebody else's, opening it tells what is wrong.
    }
  }
}
