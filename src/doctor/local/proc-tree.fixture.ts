// A process file system as Linux shows it, built in a folder for tests: processes with their sockets and limits, the
// tables of sockets. Only what doctor reads is there.
import { mkdir, mkdtemp, symlink, writeFile } from "node:fs/promises";
import { endianness, tmpdir } from "node:os";
import { join } from "node:path";

export interface TreeProcess {
  readonly pid: number;
  readonly comm: string;
  readonly command?: readonly string[];
  readonly parent?: number;
  readonly state?: string;
  /** Seconds after the machine's start. */
  readonly startedAfter?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly groups?: readonly number[];
  readonly cgroup?: string;
  /** Inodes of open sockets; null = the files are not ours to read. */
  readonly sockets?: readonly number[] | null;
  readonly filesMax?: number;
  readonly network?: number;
  readonly mounts?: number;
}

export interface TreeListener {
  readonly host: string;
  readonly port: number;
  readonly inode: number;
  readonly waiting?: number;
}

export interface Tree {
  readonly processes?: readonly TreeProcess[];
  readonly tcp?: readonly TreeListener[];
  readonly tcp6?: readonly TreeListener[];
  readonly unix?: readonly { readonly path: string; readonly inode: number }[];
  /** Tables of another network namespace, by the process that is in it. */
  readonly apart?: { readonly pid: number; readonly tcp: readonly TreeListener[] };
}

export const BOOTED_AT_MS = 1_700_000_000_000;
const HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

/** Writes the tree; the folder stands for /proc. */
export async function procTree(tree: Tree): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "doctor-proc-"));
  await writeFile(join(root, "stat"), `cpu  1 2 3 4\nbtime ${BOOTED_AT_MS / 1000}\nprocesses 9\n`);
  await namespaces(join(root, "self"), 1, 1);
  await tables(join(root, "net"), tree);
  for (const each of tree.processes ?? []) await writeProcess(root, each);
  if (tree.apart) await tables(join(root, String(tree.apart.pid), "net"), { tcp: tree.apart.tcp });
  return root;
}

async function tables(folder: string, { tcp = [], tcp6 = [], unix = [] }: Tree): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "tcp"), HEAD + tcp.map((each, i) => line(each, i, 4)).join(""));
  await writeFile(join(folder, "tcp6"), HEAD + tcp6.map((each, i) => line(each, i, 6)).join(""));
  const rows = unix.map(({ path, inode }) => `00000000abc: 00000002 00000000 00010000 0001 01 ${inode} ${path}\n`);
  await writeFile(join(folder, "unix"), `Num       RefCount Protocol Flags    Type St Inode Path\n${rows.join("")}`);
}

function line({ host, port, inode, waiting = 0 }: TreeListener, index: number, family: 4 | 6): string {
  const hex = (value: number, width: number): string => value.toString(16).toUpperCase().padStart(width, "0");
  const address = family === 4 ? word(host.split(".").map(Number)) : v6(host);
  const remote = `${"0".repeat(family === 4 ? 8 : 32)}:0000`;
  return `  ${index}: ${address}:${hex(port, 4)} ${remote} 0A 00000000:${hex(waiting, 8)} 00:00000000 00000000     0        0 ${inode} 1 0000 100 0 0 10 0\n`;
}

/** Four bytes of the network's order in the machine's. */
function word(bytes: readonly number[]): string {
  const ordered = endianness() === "LE" ? [...bytes].reverse() : bytes;
  return ordered.map((byte) => byte.toString(16).toUpperCase().padStart(2, "0")).join("");
}

function v6(host: string): string {
  const bytes = new Array<number>(16).fill(0);
  if (host === "::1") bytes[15] = 1;
  else if (host !== "::") throw new Error(`${host}: the fixture knows :: and ::1`);
  return [0, 4, 8, 12].map((at) => word(bytes.slice(at, at + 4))).join("");
}

async function writeProcess(root: string, each: TreeProcess): Promise<void> {
  const { pid, comm, parent = 1, state = "S", startedAfter = 100, uid = 0, gid = uid, groups = [gid] } = each;
  const folder = join(root, String(pid));
  await mkdir(join(folder), { recursive: true });
  const numbers = new Array(18).fill("0");
  numbers[17] = String(startedAfter * 100);
  await writeFile(join(folder, "stat"), `${pid} (${comm}) ${state} ${parent} ${numbers.join(" ")} 0 0\n`);
  await writeFile(join(folder, "comm"), `${comm}\n`);
  await writeFile(join(folder, "cmdline"), `${(each.command ?? [comm]).join("\0")}\0`);
  await writeFile(
    join(folder, "status"),
    `Name:\t${comm}\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\nGid:\t${gid}\t${gid}\t${gid}\t${gid}\nGroups:\t${groups.join(" ")} \n`,
  );
  await writeFile(join(folder, "cgroup"), `${each.cgroup ?? "0::/"}\n`);
  await writeFile(
    join(folder, "limits"),
    `Limit                     Soft Limit           Hard Limit           Units     \nMax open files            ${each.filesMax ?? 1024}                 524288               files     \n`,
  );
  await namespaces(folder, each.network ?? 1, each.mounts ?? 1);
  if (each.sockets === null) return;
  await mkdir(join(folder, "fd"));
  for (const [index, inode] of (each.sockets ?? []).entries())
    await symlink(`socket:[${inode}]`, join(folder, "fd", String(index + 3)));
}

async function namespaces(folder: string, network: number, mounts: number): Promise<void> {
  await mkdir(join(folder, "ns"), { recursive: true });
  await symlink(`net:[${network}]`, join(folder, "ns", "net"));
  await symlink(`mnt:[${mounts}]`, join(folder, "ns", "mnt"));
}
