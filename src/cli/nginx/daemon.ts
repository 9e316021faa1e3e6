// `daemon on`, nginx's default: whoever starts the program gets its prompt back once everything runs, or the exit code
// and the message where it does not. A process cannot fork itself here, so the program is started a second time, in a
// session of its own; the first one waits for its word.
import { spawn } from "node:child_process";

const BACKGROUND = "GOODGATE_NGINX_BACKGROUND";

/** Starts the program in the background; resolves with the exit code of this one. */
export function startInBackground(): Promise<number> {
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    detached: true,
    env: { ...process.env, [BACKGROUND]: "1" },
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  child.stderr?.on("data", (chunk: Buffer) => process.stderr.write(chunk));
  return new Promise((resolve) => {
    child.once("error", (error) => {
      process.stderr.write(`nginx: [alert] fork() failed (${error.message})\n`);
      resolve(1);
    });
    child.once("close", (code) => resolve(code ?? 1));
    child.once("message", () => {
      child.disconnect();
      child.stderr?.destroy();
      child.unref();
      resolve(0);
    });
  });
}

/** Whether this process is the one in the background; read once, so that no child believes to be. */
export function isInBackground(): boolean {
  const is = process.env[BACKGROUND] === "1" && process.send !== undefined;
  delete process.env[BACKGROUND];
  return is;
}

/** Tells whoever started us that everything runs. */
export function sayStarted(): void {
  process.send?.("started", undefined, undefined, () => {
    if (process.connected) process.disconnect();
  });
}
