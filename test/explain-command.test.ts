// goodgate explain as a user runs it: arguments, standard input, lines, whole logs, JSON, exit codes.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Explanation } from "../src/explain/explanation.ts";
import type { LogReport } from "../src/explain/log/log-report.ts";
import { type Ended, runGoodgate } from "./command.ts";

const REFUSED =
  '2026/03/02 10:15:04 [error] 31#31: *7 connect() failed (111: Connection refused) while connecting to upstream, client: 203.0.113.9, server: shop.example, request: "GET /cart HTTP/1.1", upstream: "http://10.0.0.7:3000/cart", host: "shop.example"';
const FINE = '203.0.113.9 - - [02/Mar/2026:10:15:04 +0000] "GET / HTTP/1.1" 200 512 "-" "curl/8.5.0"';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "goodgate-explain-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** Runs the command with something on its standard input. */
const piped = (input: string, ...args: string[]): Promise<Ended> => runGoodgate(["explain", ...args], undefined, input);

test("a text: the cause, the next step, the deciding words, the page; exit 0", async () => {
  const { code, stdout } = await runGoodgate(["explain", REFUSED]);
  expect(code).toBe(0);
  expect(stdout).toContain("Nothing listens at the upstream address");
  expect(stdout).toContain("connect-refused · proven");
  expect(stdout).toContain("$ ss -ltnp 'sport = :3000'");
  expect(stdout).toContain("^^^^^");
  expect(stdout).toContain("/reference/message/nginx/connect-refused");
  expect(stdout).not.toContain("\x1b");
});

test("--json: one document with the promised keys", async () => {
  const { code, stdout } = await runGoodgate(["explain", "--json", REFUSED]);
  expect(code).toBe(0);
  const answer = JSON.parse(stdout) as Explanation;
  expect(Object.keys(answer)).toEqual(
    expect.arrayContaining(["input", "class", "confidence", "entry", "facts", "decisive", "alternatives", "generated"]),
  );
  expect(answer).toMatchObject({
    input: REFUSED,
    class: "connect-refused",
    confidence: "proven",
    entry: "/message/nginx/connect-refused",
    generated: false,
  });
});

test("words as separate arguments are one text", async () => {
  const { stdout } = await runGoodgate(["explain", "502", "Bad", "Gateway", "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({
    input: "502 Bad Gateway",
    class: "status-only-502",
    entry: "/status/502",
  });
});

test("standard input, with and without -", async () => {
  for (const args of [[], ["-"]]) {
    const { code, stdout } = await piped(`${REFUSED}\n`, ...args, "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ class: "connect-refused" });
  }
});

test("--lines: one object a line, in order, an empty line too", async () => {
  const lines = [REFUSED, FINE, "", "nobody knows this", "H12"];
  const expected = ["connect-refused", "not-an-error", null, null, "response-timeout"];
  const fromFile = await runGoodgate(["explain", "--json", "--lines", file("lines.txt", lines.join("\n"))]);
  const fromPipe = await piped(`${lines.join("\n")}\n`, "--json", "--lines", "-");
  for (const { code, stdout } of [fromFile, fromPipe]) {
    const answers = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Explanation);
    expect(answers.map(({ input }) => input)).toEqual(lines);
    expect(answers.map((answer) => answer.class)).toEqual(expected);
    expect(code).toBe(1);
  }
});

test("--log: groups with counts, a verdict on top, .gz too; exit 1 where something failed", async () => {
  const log = [...Array(30).fill(REFUSED), ...Array(70).fill(FINE)].join("\n");
  const plain = await runGoodgate(["explain", "--log", file("access.log", `${log}\n`)]);
  expect(plain.code).toBe(1);
  expect(plain.stdout).toContain("connect-refused at 10.0.0.7:3000");
  expect(plain.stdout).toContain("100 lines: 30 failures, 70 of normal work");
  const packed = await runGoodgate(["explain", "--json", "--log", file("access.log.gz", gzipSync(log))]);
  expect(JSON.parse(packed.stdout) as LogReport).toMatchObject({
    lines: 100,
    failures: 30,
    benign: 70,
    groups: [{ class: "connect-refused", count: 30 }],
  });
  const fine = await runGoodgate(["explain", "--log", file("fine.log", `${FINE}\n`)]);
  expect(fine.code).toBe(0);
});

test("what is not known: a composed page, labelled; exit 1", async () => {
  const { code, stdout } = await runGoodgate(["explain", "the frobnicator jammed"]);
  expect(code).toBe(1);
  expect(stdout).toContain("Not in the reference");
});

test("--page prints the entry", async () => {
  const { stdout } = await runGoodgate(["explain", "--page", "502"]);
  expect(stdout).toContain("Is a 502 always the fault of the upstream server?");
});

test.each([
  [["explain", "--lines", "/no/such/file"], "no such file"],
  [["explain", "--log", "/no/such/file"], "no such file"],
  [["explain", ""], "empty"],
  [["explain", "502", "--log", "-"], "one of them"],
  [["explain", "--jsn", "502"], "--json"],
])("wrong usage %j: exit 2 and what is wrong", async (args, message) => {
  const { code, stderr } = await runGoodgate(args);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
});

test("a log that is no text, and one line without an end, do no harm", async () => {
  const noise = Buffer.alloc(300_000, 0);
  for (let index = 0; index < noise.length; index++) noise[index] = (index * 7919) % 256;
  const { code, stdout } = await runGoodgate(["explain", "--json", "--log", file("noise.bin", noise)]);
  expect([0, 1]).toContain(code);
  expect((JSON.parse(stdout) as LogReport).lines).toBeGreaterThan(0);
  const endless = await runGoodgate(["explain", "--json", "--log", file("endless.log", "x".repeat(2_000_000))]);
  expect(JSON.parse(endless.stdout)).toMatchObject({ lines: 1, failures: 0 });
});

test("what was pasted cannot steer the terminal", async () => {
  const { stdout } = await runGoodgate(["explain", `502 Bad Gateway \u001b]0;owned\u0007 \u001b[2J`]);
  expect(stdout).not.toMatch(/[\u001b\u0007]/);
});
