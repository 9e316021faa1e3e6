// Runs goodgate-nginx in the foreground with an nginx.conf of a test's own, in a folder of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { until } from "./harness.ts";

const PROGRAM = fileURLToPath(new URL("../bin/goodgate-nginx.js", import.meta.url));
export const WAIT_MS = 15_000;
/** Root would serve with the rights of nobody, which the folders of tests are closed to. */
const AS_STARTED = process.geteuid?.() === 0 ? "user root;" : "";

export interface RunningNginx {
  readonly folder: string;
  readonly process: ChildProcess;
  /** A file of the folder as byte text; "" = it is not there. */
  read(name: string): string;
  /** Ends it and takes the folder away. */
  stop(): void;
}

/**
 * Starts it with what the http block has (relative names are in the folder); `prepare` puts files there first; `options`
 * are more of the command line.
 */
export async function startNginxConf(
  http: string,
  prepare: (folder: string) => void = () => {},
  options: readonly string[] = [],
): Promise<RunningNginx> {
  const folder = mkdtempSync(join(tmpdir(), "goodgate-nginx-"));
  prepare(folder);
  writeFileSync(
    join(folder, "nginx.conf"),
    `${AS_STARTED} daemon off; pid nginx.pid; error_log error.log info;
events {}
http {
  client_body_temp_path bodies; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
${http}
}
`,
  );
  const child = spawn(
    process.execPath,
    [PROGRAM, "-p", `${folder}/`, "-c", "nginx.conf", "-e", "error.log", ...options],
    {
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let output = "";
  child.stderr!.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const read = (name: string): string =>
    existsSync(join(folder, name)) ? readFileSync(join(folder, name), "latin1") : "";
  const stop = (): void => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await until(
      () => read("nginx.pid") || undefined,
      WAIT_MS,
      () => `it did not start:\n${output}`,
      ended,
    );
  } catch (error) {
    stop();
    throw error;
  }
  return { folder, process: child, read, stop };
}
