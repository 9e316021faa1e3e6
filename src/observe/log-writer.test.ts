import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openLog, pipeWriteEnd } from "./log-target.ts";
import { LogWriter, type LogWriterOptions } from "./log-writer.ts";

let folder = "";
let path = "";
const reports: string[] = [];
const isLinux = process.platform === "linux";

beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), "goodgate-log-"));
  path = join(folder, "access.log");
  reports.length = 0;
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

function open(options: LogWriterOptions = {}, to = path): LogWriter {
  return new LogWriter(
    { kind: "file", path: to },
    { name: "access log", report: (text) => reports.push(text), ...options },
  );
}

test("lines reach the file in order, batches and all", async () => {
  const writer = open({ batchBytes: 32 * 1024 });
  const lines = Array.from({ length: 20_000 }, (_, i) => `line ${i} é\n`);
  for (const line of lines) writer.write(line);
  await writer.close();
  expect(fs.readFileSync(path, "utf8")).toBe(lines.join(""));
  expect(writer.dropped).toBe(0);
});

test("a single line is written without anybody asking", async () => {
  const writer = open({ flushMs: 1 });
  writer.write("one\n");
  await expect.poll(() => fs.readFileSync(path, "utf8")).toBe("one\n");
  await writer.close();
});

test("a line longer than a batch is written whole", async () => {
  const writer = open({ batchBytes: 16 * 1024 });
  const long = `${"x".repeat(200_000)}\n`;
  writer.write("a\n");
  writer.write(long);
  writer.write("b\n");
  await writer.close();
  expect(fs.readFileSync(path, "utf8")).toBe(`a\n${long}b\n`);
});

test("files are appended to", async () => {
  fs.writeFileSync(path, "before\n");
  const writer = open();
  writer.write("after\n");
  await writer.close();
  expect(fs.readFileSync(path, "utf8")).toBe("before\nafter\n");
});

test("reopen after a rename: old lines in the old file, new ones in a new file", async () => {
  const writer = open();
  writer.write("old\n");
  fs.renameSync(path, `${path}.1`);
  await writer.reopen();
  writer.write("new\n");
  await writer.close();
  expect(fs.readFileSync(`${path}.1`, "utf8")).toBe("old\n");
  expect(fs.readFileSync(path, "utf8")).toBe("new\n");
});

test("reopen that fails keeps the old file and says so", async () => {
  const sub = join(folder, "logs");
  fs.mkdirSync(sub);
  const writer = open({}, join(sub, "access.log"));
  fs.renameSync(sub, `${sub}.old`);
  await writer.reopen();
  writer.write("kept\n");
  await writer.close();
  expect(fs.readFileSync(join(`${sub}.old`, "access.log"), "utf8")).toBe("kept\n");
  expect(reports).toEqual([expect.stringContaining(`the directory ${sub} does not exist; the old file stays in use`)]);
});

test("what cannot be opened is said clearly", () => {
  expect(() => open({}, join(folder, "no", "a.log"))).toThrow(`the directory ${join(folder, "no")} does not exist`);
  expect(() => open({}, folder)).toThrow("it is a directory");
});

test.runIf(isLinux)("a full disk: lines wait, then are dropped and counted; it is said once", async () => {
  let told = 0;
  const writer = open(
    { encoding: "latin1", bufferBytes: 1000, retryMs: 1, onDrop: (lines) => (told += lines) },
    "/dev/full",
  );
  for (let i = 0; i < 300; i++) writer.write("0123456789\n");
  await writer.flush();
  await writer.flush();
  expect(writer.errors).toBeGreaterThan(0);
  expect(writer.dropped).toBe(210);
  expect(reports).toEqual([
    expect.stringMatching(/^access log \/dev\/full: 210 lines were dropped: no space on device$/),
  ]);
  await writer.close();
  expect(writer.dropped).toBe(300);
  expect(told).toBe(300);
  expect(reports.at(-1)).toContain("90 lines were dropped: no space on device");
});

test.runIf(isLinux)("a pipe that is full, then read: nothing is lost or cut, and nothing blocks", async () => {
  const fifo = join(folder, "fifo");
  await run("mkfifo", [fifo]);
  const reader = fs.openSync(fifo, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  const writer = open({ flushMs: 1 }, fifo);
  const lines = Array.from({ length: 30_000 }, (_, i) => `line ${i}\n`);
  for (const line of lines) writer.write(line);
  await writer.flush();
  let text = "";
  const buffer = Buffer.alloc(100_000);
  await expect
    .poll(
      () => {
        text += readSome(reader, buffer);
        return text.length;
      },
      { interval: 1, timeout: 4000 },
    )
    .toBe(lines.join("").length);
  expect(text).toBe(lines.join(""));
  expect(writer.dropped).toBe(0);
  expect(writer.errors).toBe(0);
  fs.closeSync(reader);
  writer.write("to nobody\n");
  await writer.flush();
  expect(writer.errors).toBe(1);
  expect(reports).toEqual([expect.stringContaining("lines wait, its reader is gone")]);
  await writer.close();
  expect(writer.dropped).toBe(1);
});

test.runIf(isLinux)("a reader that comes back gets what waited, and what was lost is said", async () => {
  const fifo = join(folder, "fifo");
  await run("mkfifo", [fifo]);
  const openReader = (): number => fs.openSync(fifo, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  const gone = openReader();
  const writer = open({ encoding: "latin1", bufferBytes: 20, retryMs: 1, reportMs: 0 }, fifo);
  fs.closeSync(gone);
  for (const name of ["one", "two", "six", "ten"]) writer.write(`line ${name}\n`);
  await writer.flush();
  expect(writer.dropped).toBe(2);
  const reader = openReader();
  let text = "";
  const read = (): string => {
    text += readSome(reader, Buffer.alloc(100));
    return text;
  };
  await expect.poll(read).toBe("line one\nline two\n");
  writer.write("line end\n");
  await writer.flush();
  expect(read()).toBe("line one\nline two\nline end\n");
  expect(reports[0]).toContain("2 lines were dropped: its reader is gone");
  fs.closeSync(reader);
  await writer.close();
});

test("a write to a pipe ends with a line", () => {
  const chunk = Buffer.from("aaaa\nbbbb\ncccc\n");
  expect(pipeWriteEnd(chunk, 0, 100)).toBe(15);
  expect(pipeWriteEnd(chunk, 0, 12)).toBe(10);
  expect(pipeWriteEnd(chunk, 5, 9)).toBe(10);
  expect(pipeWriteEnd(chunk, 0, 3)).toBe(3);
  expect(pipeWriteEnd(chunk, 3, 3)).toBe(5);
});

test("flushSync writes what waits at once", async () => {
  const writer = open();
  writer.write("last words\n");
  writer.flushSync();
  expect(fs.readFileSync(path, "utf8")).toBe("last words\n");
  await writer.close();
});

test("after close lines are counted as dropped", async () => {
  const writer = open();
  await writer.close();
  writer.write("late\n");
  await writer.flush();
  expect(writer.dropped).toBe(1);
});

test("an open log has the mode that keeps others out", () => {
  const log = openLog({ kind: "file", path }, "log");
  expect(fs.fstatSync(log.fd).mode & 0o007).toBe(0);
  expect(log.nonblocking).toBe(false);
  fs.closeSync(log.fd);
});

/** A program of its own that logs to stdout, with `reader` at the other end of the pipe; what both say. */
async function logToStdout(reader: string, lines: number): Promise<{ out: string; err: string }> {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const flags = ["--ignoreConfig", "--noCheck", "--outDir", folder, "--rootDir", join(root, "src"), "--types", "node"];
  const language = ["--module", "nodenext", "--target", "es2023", "--rewriteRelativeImportExtensions"];
  const source = join(root, "src/observe/log-writer.ts");
  await run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), source, ...flags, ...language]);
  fs.writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  const program = join(folder, "program.js");
  fs.writeFileSync(
    program,
    `import { LogWriter } from "./observe/log-writer.js";
    const writer = new LogWriter({ kind: "stdout" }, { retryMs: 5, closeMs: 500 });
    for (let i = 0; i < ${lines}; i++) {
      writer.write("line " + i + "\\n");
      if (i % 1000 === 0) await writer.flush();
    }
    await writer.close();
    process.stderr.write(JSON.stringify({ dropped: writer.dropped }) + "\\n");`,
  );
  return run("sh", ["-c", `"$0" "$1" | ${reader}`, process.execPath, program]);
}

test.runIf(isLinux)("stdout as a pipe: all lines arrive", async () => {
  const { out, err } = await logToStdout("cat", 20_000);
  expect(err).toBe('{"dropped":0}\n');
  expect(out).toBe(Array.from({ length: 20_000 }, (_, i) => `line ${i}\n`).join(""));
});

test.runIf(isLinux)("stdout whose reader is gone: the program goes on and counts", async () => {
  const { err } = await logToStdout("head -n 1 >/dev/null", 20_000);
  expect(err).toMatch(/\{"dropped":[1-9]\d*\}/);
  expect(err).toContain("its reader is gone");
});

function readSome(fd: number, buffer: Buffer): string {
  try {
    return buffer.toString("utf8", 0, fs.readSync(fd, buffer));
  } catch {
    return "";
  }
}

function run(command: string, args: string[]): Promise<{ out: string; err: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let err = "";
    child.stdout.on("data", (data) => (out += data));
    child.stderr.on("data", (data) => (err += data));
    child.on("error", reject);
    child.on("close", () => resolve({ out, err }));
  });
}
