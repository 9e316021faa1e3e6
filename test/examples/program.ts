// Programs that read or run an example and end by themselves.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const execute = promisify(execFile);
const ENDS_WITHIN_MS = 20_000;

/** nginx and HAProxy stand where only root looks. */
export const ENV = { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin`, NO_COLOR: "1" };

export interface Ended {
  /** Standard output and error. */
  readonly text: string;
  /** null = exit code 0. */
  readonly problem: string | null;
}

/** Runs a program to its end. */
export async function run(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd?: string,
): Promise<Ended> {
  const options = { env: { ...ENV, ...env }, timeout: ENDS_WITHIN_MS, cwd };
  return execute(program, args, options).then(
    ({ stdout, stderr }) => ({ text: `${stdout}${stderr}`, problem: null }),
    (error: Error & { stdout?: string; stderr?: string; killed?: boolean }) => {
      const text = `${error.stdout ?? ""}${error.stderr ?? ""}`;
      return { text, problem: error.killed ? `does not end within ${ENDS_WITHIN_MS} ms` : error.message };
    },
  );
}
