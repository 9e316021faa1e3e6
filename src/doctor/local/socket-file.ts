// The file of a Unix socket: whether it is there, what it is, and whether the gateway's user may connect. Connecting
// needs the right to pass every folder of the path and to write to the file; root passes everywhere. Access lists and
// security modules are not looked at, so "allowed" means by mode and owner. A program in another mount namespace (a
// container, PrivateTmp) or with another root (chroot) has another file under the same name: then the file is looked at
// through the process.
import { lstat, realpath, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { FoundGateway } from "./gateway-processes.ts";
import type { SocketFile } from "./model.ts";
import { readText } from "./proc-files.ts";

type FileFacts = Awaited<ReturnType<typeof stat>>;

const SEARCH = 1;
const WRITE = 2;
const DEPTH_MAX = 64;

/** Looks at a socket file for the users that the gateway's workers run as. */
export async function lookAtSocketFile(
  path: string,
  workers: readonly FoundGateway[],
  sure: boolean,
  proc: string,
): Promise<SocketFile> {
  const apart = workers.find(({ sameMounts, chroot }) => sameMounts === false || chroot !== null);
  const root = apart ? join(proc, String(apart.pid), "root") : "";
  const facts = await factsOf(join(root, path));
  const missing = { path, exists: false, isSocket: false, mode: null, allowed: null };
  if (facts === "missing") return { ...missing, reason: await missingReason(path, root) };
  if (facts === "unreadable")
    return { ...missing, exists: true, reason: `doctor's user may not look into the folder of ${path}; root may` };
  const mode = await modeText(facts);
  const isSocket = facts.isSocket();
  if (!isSocket) return { path, exists: true, isSocket, mode, allowed: null, reason: "the file is not a socket" };
  return { path, exists: true, isSocket, mode, ...(await allowedFor(path, root, facts, { workers, sure })) };
}

async function factsOf(path: string): Promise<FileFacts | "missing" | "unreadable"> {
  try {
    return await stat(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "EACCES" || code === "EPERM" ? "unreadable" : "missing";
  }
}

async function missingReason(path: string, root: string): Promise<string> {
  for (let folder = dirname(path), depth = 0; depth < DEPTH_MAX; folder = dirname(folder), depth++) {
    const facts = await factsOf(join(root, folder));
    if (facts === "missing" && folder !== "/") continue;
    if (folder === dirname(path)) break;
    return `its folder ${dirname(path)} is not there either`;
  }
  try {
    return (await lstat(join(root, path))).isSymbolicLink()
      ? "a symbolic link is there that leads nowhere"
      : "no such file";
  } catch {
    return "no such file";
  }
}

type Verdict = Pick<SocketFile, "allowed" | "reason">;

interface Users {
  readonly workers: readonly FoundGateway[];
  /** Whether they are all of one gateway. */
  readonly sure: boolean;
}

async function allowedFor(path: string, root: string, file: FileFacts, { workers, sure }: Users): Promise<Verdict> {
  const known = workers.filter(({ uid }) => uid !== null);
  const [first] = known;
  if (!first) return { allowed: null, reason: "no process of the gateway was found, so that its user is not known" };
  const parents = await parentsOf(path, root);
  const refusals = await Promise.all(known.map((worker) => refusalOf(worker, parents, file)));
  const refusal = refusals.find((each) => each !== null);
  if (refusal === undefined || refusal === null)
    return { allowed: true, reason: `by mode and owner user ${first.user ?? first.uid} of ${first.name} may connect` };
  if (sure || refusals.every((each) => each !== null)) return { allowed: false, reason: refusal };
  return { allowed: null, reason: `several gateways run here, and which one is meant is not known: ${refusal}` };
}

/** Why a worker may not connect; null = it may. */
async function refusalOf(
  worker: FoundGateway,
  parents: readonly (readonly [string, FileFacts])[],
  file: FileFacts,
): Promise<string | null> {
  const who = `user ${worker.user ?? worker.uid} of ${worker.name} (pid ${worker.pid})`;
  for (const [folder, facts] of parents)
    if (!may(facts, worker, SEARCH)) return `${who} may not pass the folder ${folder} (${await modeText(facts)})`;
  return may(file, worker, WRITE) ? null : `${who} may not write to the file (${await modeText(file)})`;
}

/** Every folder on the way, the outermost first; where a link leads elsewhere, those of both ways. */
async function parentsOf(path: string, root: string): Promise<readonly (readonly [string, FileFacts])[]> {
  const real = await realpath(join(root, path)).catch(() => path);
  const folders = new Set<string>();
  for (const way of root === "" ? [path, real] : [path])
    for (let folder = dirname(way), depth = 0; depth < DEPTH_MAX; folder = dirname(folder), depth++) {
      folders.add(folder);
      if (folder === "/" || folder === ".") break;
    }
  const found: (readonly [string, FileFacts])[] = [];
  for (const folder of [...folders].sort((one, other) => one.length - other.length)) {
    const facts = await factsOf(join(root, folder));
    if (typeof facts !== "string") found.push([folder, facts]);
  }
  return found;
}

/** The kernel's rule: of owner, group and others the first that fits alone counts. */
function may({ mode, uid, gid }: FileFacts, who: FoundGateway, right: number): boolean {
  const bits = Number(mode);
  if (who.uid === 0) return true;
  if (Number(uid) === who.uid) return (bits & (right << 6)) !== 0;
  if (who.gids.includes(Number(gid))) return (bits & (right << 3)) !== 0;
  return (bits & right) !== 0;
}

/** "srw-rw---- www-data:www-data". */
async function modeText(facts: FileFacts): Promise<string> {
  const bits = Number(facts.mode);
  const kind = facts.isSocket() ? "s" : facts.isDirectory() ? "d" : facts.isFile() ? "-" : "?";
  const rights = [6, 3, 0].map(
    (shift) => `${bits & (4 << shift) ? "r" : "-"}${bits & (2 << shift) ? "w" : "-"}${bits & (1 << shift) ? "x" : "-"}`,
  );
  const [user, group] = await Promise.all([
    nameOf("/etc/passwd", Number(facts.uid)),
    nameOf("/etc/group", Number(facts.gid)),
  ]);
  return `${kind}${rights.join("")} ${user}:${group}`;
}

async function nameOf(file: string, id: number): Promise<string> {
  const text = (await readText(file)) ?? "";
  return new RegExp(`^([^:\\n]+):[^:\\n]*:${id}:`, "m").exec(text)?.[1] ?? String(id);
}
