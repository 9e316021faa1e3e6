// Programs that tell of the machine (ss, dmesg, journalctl, systemctl): run without a shell, with bounded output and
// time, in plain English. One that is missing, fails or takes too long is a check that was not made, not a failure.
import { execFile } from "node:child_process";
import type { Bytes, Ms } from "../../std/units.ts";

const OUTPUT_MAX: Bytes = 4 * 1024 * 1024;

/** What a program printed, or why it did not. */
export type CommandResult =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly missing: boolean; readonly reason: string };

/** Runs a program to its end or for `timeoutMs`. Output over the bound is cut, and what came is given. */
export function runCommand(program: string, args: readonly string[], timeoutMs: Ms): Promise<CommandResult> {
  return new Promise((resolve) => {
    const env = { ...process.env, LC_ALL: "C", LANG: "C", SYSTEMD_COLORS: "0", SYSTEMD_PAGER: "" };
    const options = { timeout: Math.max(1, timeoutMs), maxBuffer: OUTPUT_MAX, killSignal: "SIGKILL" as const, env };
    execFile(program, args, options, (error, stdout, stderr) => {
      if (!error) return resolve({ ok: true, text: stdout });
      if (error.code === "ERR_CHILD_PROCESS_STDIO_MAXBUFFER") return resolve({ ok: true, text: stdout });
      if (error.code === "ENOENT") return resolve({ ok: false, missing: true, reason: `${program} is not installed` });
      const said = stderr.trim().split("\n", 1)[0]?.slice(0, 200) ?? "";
      const reason = error.killed ? `${program} gave no answer within ${timeoutMs} ms` : said || `${program} failed`;
      resolve({ ok: false, missing: false, reason });
    });
  });
}
