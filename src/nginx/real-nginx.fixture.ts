// Asks a real nginx, where one is installed and may be asked: `nginx -t` with the files in a folder of their own.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { shown } from "./byte-text.ts";

const PROGRAM = "nginx";
const PATH = `${process.env["PATH"]}:/usr/sbin:/usr/local/sbin`;

/** Why nginx cannot be asked; null = it can. */
export async function whyNotAsked(): Promise<string | null> {
  const answer = await askNginx(new Map([["nginx.conf", "events {}\n"]]));
  return answer === "accepted" ? null : `no nginx here that may test a configuration: ${answer}`;
}

/** "accepted", or what nginx says first ("[emerg] … in nginx.conf:3"), with names relative to the folder. */
export async function askNginx(files: ReadonlyMap<string, string>): Promise<string> {
  return runNginx(files, ["-t", "-q"], (failure, _, stderr) =>
    failure ? firstComplaint(stderr) || failure : "accepted",
  );
}

/** What `nginx -T` prints, with names relative to the folder; byte text. */
export async function dumpByNginx(files: ReadonlyMap<string, string>): Promise<string> {
  return runNginx(files, ["-T", "-q"], (_, stdout) => stdout);
}

type Answer = (failure: string | null, stdout: string, stderr: string) => string;

async function runNginx(
  files: ReadonlyMap<string, string>,
  options: readonly string[],
  answer: Answer,
): Promise<string> {
  const folder = `${mkdtempSync(join(tmpdir(), "goodgate-nginx-"))}/`;
  try {
    for (const [name, text] of files) {
      mkdirSync(dirname(folder + name), { recursive: true });
      writeFileSync(folder + name, text, "latin1");
    }
    return await new Promise((resolve) => {
      const given = [...options, "-p", folder, "-c", "nginx.conf", "-e", "stderr"];
      const how = { cwd: folder, encoding: "latin1", env: { PATH }, timeout: 10_000 } as const;
      execFile(PROGRAM, given, how, (error, stdout, stderr) => {
        const [printed, told] = [stdout, stderr].map((text) => text.replaceAll(folder, ""));
        resolve(answer(error?.message ?? null, printed!, shown(told!)));
      });
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Lines of the log: a time, [level] process, text. The text may itself have several lines. */
function firstComplaint(stderr: string): string {
  const complaint = /\[(emerg|crit)\] (?:\d+#\d+: )?([\s\S]*?)\n(?=\d{4}\/\d\d\/\d\d |nginx: |[^\n]*test failed)/.exec(
    stderr,
  );
  return complaint ? `[${complaint[1]}] ${complaint[2]}` : "";
}
