// A PostgreSQL of the tests' own: a cluster in a temporary folder, on a loopback port from the system, run by a user
// without privileges where the tests are root (PostgreSQL refuses root). Debian: apt-get install postgresql; its
// programs lie in /usr/lib/postgresql/VERSION/bin. Where there is none the tests are skipped and say why.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { accessSync, chmodSync, chownSync, constants, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";

const run = promisify(execFile);
const DEBIAN = "/usr/lib/postgresql";
const USER = "goodgate";
export const PASSWORD = "s3cret-of-tests";
const START_MS = 30_000;

export interface Cluster {
  readonly port: number;
  url(database?: string): string;
  /** A database of its own. */
  create(name: string): Promise<string>;
  /** Stops the server at once; start() brings it back on the same port. */
  stop(): Promise<void>;
  start(): Promise<void>;
  remove(): Promise<void>;
}

/** Folder of initdb and postgres; null = there is none here. */
export function postgresPrograms(): string | null {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  try {
    const versions = readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a));
    folders.push(...versions.map((version) => join(DEBIAN, version, "bin")));
  } catch {
    // Not Debian, or not installed: PATH alone.
  }
  return (
    folders.find((folder) => folder !== "" && ["initdb", "postgres"].every((name) => runs(join(folder, name)))) ?? null
  );
}

function runs(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    // Not there, or not for this user.
    return false;
  }
}

/** Begins a cluster; rejects where the programs do not run. */
export async function startCluster(programs: string): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), "goodgate-pg-"));
  chmodSync(folder, 0o755);
  const data = join(folder, "data");
  const prefix = await prefixFor(folder);
  const pass = join(folder, "pass");
  await run("sh", ["-c", 'printf %s "$1" > "$2" && chmod 644 "$2"', "sh", PASSWORD, pass]);
  const command = (program: string, ...args: string[]): [string, string[]] => {
    const all = [...prefix, join(programs, program), ...args];
    return [all[0]!, all.slice(1)];
  };
  const locale = { env: { ...process.env, LC_ALL: "C" } };
  await run(
    ...command("initdb", "-D", data, "-U", USER, "-A", "scram-sha-256", `--pwfile=${pass}`, "-E", "UTF8", "--no-sync"),
    { ...locale, cwd: folder },
  );
  const port = await freePort();
  let server: ChildProcess | null = null;
  const url = (database = "postgres"): string => `postgres://${USER}:${PASSWORD}@127.0.0.1:${port}/${database}`;
  const start = async (): Promise<void> => {
    const settings = [
      "listen_addresses=127.0.0.1",
      `unix_socket_directories=${folder}`,
      "fsync=off",
      "max_connections=30",
    ];
    const args = settings.flatMap((setting) => ["-c", setting]);
    server = spawn(...command("postgres", "-D", data, "-p", String(port), ...args), {
      ...locale,
      cwd: folder,
      stdio: "ignore",
    });
    await answers(url());
  };
  const stop = async (): Promise<void> => {
    const child = server;
    server = null;
    if (child === null || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGINT");
    await ended;
  };
  await start();
  return {
    port,
    url,
    create: async (name) => {
      const client = new pg.Client({ connectionString: url() });
      await client.connect();
      await client.query(`create database ${name}`);
      await client.end();
      return url(name);
    },
    stop,
    start,
    remove: async () => {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** How to become a user that PostgreSQL takes, who owns the folder. */
async function prefixFor(folder: string): Promise<string[]> {
  if (process.getuid?.() !== 0) return [];
  const user = await run("id", ["-u", "postgres"]).then(
    () => "postgres",
    () => "nobody",
  );
  const ids = await Promise.all(["-u", "-g"].map(async (flag) => Number((await run("id", [flag, user])).stdout)));
  chownSync(folder, ids[0]!, ids[1]!);
  return ["setpriv", `--reuid=${ids[0]}`, `--regid=${ids[1]}`, "--clear-groups"];
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function answers(url: string): Promise<void> {
  for (const until = Date.now() + START_MS; ; ) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
    client.on("error", () => undefined);
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      if (Date.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
