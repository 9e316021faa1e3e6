// Starting: what a person is told where the gateway cannot, with which exit code; `goodgate check`; and that a signal
// may come as soon as the gateway has said that it runs.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runGoodgate } from "./command.ts";
import { pause } from "./harness.ts";

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "goodgate-start-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const GOOD = "upstreams: { app: 127.0.0.1:1 }\n";

test.each([
  [
    "a port that is taken",
    1,
    ["run", "http://127.0.0.1:1", "--console", "off", "--listen", "TAKEN"],
    /TAKEN is taken|in use/,
  ],
  [
    "a port that is taken, with workers",
    1,
    ["run", "http://127.0.0.1:1", "--console", "off", "--workers", "2", "--listen", "TAKEN"],
    /TAKEN is taken|in use/,
  ],
  ["a file that is missing", 2, ["run", "missing.yaml"], /missing\.yaml: no such file/],
  ["a folder instead of a file", 2, ["run", "."], /cannot be read/],
  ["an URL that is none", 2, ["run", "http://:99999"], /99999/],
  ["a scheme that is not served", 2, ["run", "ftp://localhost"], /ftp/],
  ["a listen address that is none", 2, ["run", "http://127.0.0.1:1", "--listen", "nowhere:x"], /--listen/],
  ["a number of workers that is none", 2, ["run", "http://127.0.0.1:1", "--workers", "many"], /workers/],
  ["a command that is unknown", 2, ["rnu"], /run/],
  ["an option that is unknown", 2, ["run", "--lisen", ":1"], /--listen/],
  ["a file that is missing, without a command", 2, ["missing.yaml"], /missing\.yaml: no such file/],
  [
    "a URL without a command, its port taken",
    1,
    ["http://127.0.0.1:1", "--console", "off", "--listen", "TAKEN"],
    /TAKEN/,
  ],
  ["no target at all", 2, ["run"], /configuration file or the URL/],
])("start error: %s → one clear message and exit code %i", async (_name, code, args, says) => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const at = `127.0.0.1:${(taken.address() as { port: number }).port}`;
  const data = mkdtempSync(join(folder, "start-"));
  const ended = await runGoodgate(
    args.map((arg) => arg.replace("TAKEN", at)),
    data,
  );
  taken.close();
  expect(ended.stderr).toMatch(new RegExp(says.source.replaceAll("TAKEN", at), "i"));
  expect(ended.code).toBe(code);
  expect(ended.stderr).not.toMatch(/\n\s+at .*:\d+:\d+/);
  expect(ended.stderr.trim().split("\n").length).toBeLessThan(8);
});

test("goodgate check: exit codes, positions, one JSON document", async () => {
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return name;
  };
  const fine = await runGoodgate(["check", write("fine.yaml", GOOD)], folder);
  expect(fine).toMatchObject({ code: 0, stderr: "" });
  const bad = write("bad.yaml", `${GOOD}routes:\n  - { path: /, proxy: ap }\n`);
  const text = await runGoodgate(["check", bad], folder);
  expect(text.code).toBe(1);
  expect(text.stdout).toMatch(/bad\.yaml:3:\d+/);
  const json = await runGoodgate(["check", bad, "--json"], folder);
  expect(json.code).toBe(1);
  const document = JSON.parse(json.stdout) as {
    ok: boolean;
    errors: number;
    problems: { line: number; column: number }[];
  };
  expect(document).toMatchObject({ ok: false, errors: 1 });
  expect(document.problems[0]).toMatchObject({
    severity: "error",
    file: expect.stringContaining("bad.yaml"),
    line: 3,
    column: expect.any(Number),
  });
  const missing = await runGoodgate(["check", "none.yaml", "--json"], folder);
  expect(missing.code).toBe(2);
  expect(JSON.parse(missing.stdout)).toMatchObject({ ok: false });
  expect((await runGoodgate(["check"], folder)).code).toBe(2);
});

test("a signal right behind the start line finds its handler", async () => {
  const file = join(folder, "early.yaml");
  writeFileSync(file, JSON.stringify({ listen: "127.0.0.1:0", console: "off", upstreams: { app: "127.0.0.1:1" } }));
  const ended: (string | number | null)[] = [];
  for (let round = 0; round < 5; round++) {
    const args = ["bin/goodgate.js", "run", file, "--pid-file", join(folder, "early.pid")];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
    const over = new Promise<string | number | null>((resolve) =>
      child.once("exit", (code, signal) => resolve(signal ?? code)),
    );
    child.stderr.once("data", () => child.kill("SIGHUP"));
    ended.push(await Promise.race([over, pause(1200).then(() => "alive")]));
    child.kill("SIGKILL");
  }
  expect(ended).toEqual(["alive", "alive", "alive", "alive", "alive"]);
});
