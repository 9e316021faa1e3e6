import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FileWriter } from "./file-writer.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "goodgate-cache-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const writer = (path: string, prefixBytes = 0, more = {}): FileWriter =>
  new FileWriter({ path: `${folder}/${path}`, prefixBytes, fileMode: 0o600, folderMode: 0o700, ...more });
const read = (path: string): string => readFileSync(join(folder, path), "latin1");

test("a small file, in folders that are not there yet", async () => {
  const file = writer("a/b/c", 2);
  file.write(Buffer.from("body"));
  expect(readdirSync(folder)).toEqual([]);
  expect(await file.finish(Buffer.from("P:"))).toEqual({ ok: true, bytes: 6 });
  expect(read("a/b/c")).toBe("P:body");
  expect(readdirSync(join(folder, "a/b"))).toEqual(["c"]);
});

test("a large one is written as it comes, and seen when it is whole", async () => {
  const file = writer("large", 2);
  const piece = Buffer.alloc(50_000, "x");
  for (let k = 0; k < 10; k++) file.write(piece);
  expect(file.bodyBytes).toBe(500_000);
  expect(await file.finish(Buffer.from("P:"))).toEqual({ ok: true, bytes: 500_002 });
  expect(read("large")).toBe(`P:${"x".repeat(500_000)}`);
  expect(readdirSync(folder)).toEqual(["large"]);
});

test("it takes the place of the one before", async () => {
  writeFileSync(join(folder, "a"), "old");
  await writer("a").finish(Buffer.alloc(0));
  expect(read("a")).toBe("");
});

test("what is given up leaves nothing", async () => {
  const file = writer("a");
  file.write(Buffer.alloc(200_000));
  await file.abort();
  expect(readdirSync(folder)).toEqual([]);
});

test("who writes faster than the disk is told", async () => {
  const file = writer("a");
  const drained = new Promise<void>((resolve) => {
    file.onDrained = resolve;
  });
  for (let k = 0; k < 20; k++) file.write(Buffer.alloc(64 * 1024));
  expect(file.full).toBe(true);
  await drained;
  expect(file.full).toBe(false);
  expect(await file.finish(Buffer.alloc(0))).toMatchObject({ ok: true });
});

test("a disk that fails is told at the end, and nothing is left", async () => {
  writeFileSync(join(folder, "file"), "");
  const file = writer("file/below");
  for (let k = 0; k < 40; k++) file.write(Buffer.alloc(64 * 1024));
  expect(await file.finish(Buffer.alloc(0))).toMatchObject({ ok: false, error: { code: "ENOTDIR" } });
  expect(file.full).toBe(false);
  expect(readdirSync(folder)).toEqual(["file"]);
});

test("mode and time", async () => {
  await writer("a", 0, { fileMode: 0o666, mtimeSec: 1e9 }).finish(Buffer.alloc(0));
  const { mode, mtimeMs } = statSync(join(folder, "a"));
  expect([mode & 0o777, mtimeMs]).toEqual([0o666, 1e12]);
});
