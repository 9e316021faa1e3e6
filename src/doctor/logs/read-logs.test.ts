import { execFileSync } from "node:child_process";
import { appendFile, mkdir, mkdtemp, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { now } from "../../std/clock.ts";
import type { LogEvidence } from "./model.ts";
import { beginLogs, type OwnRequests } from "./read-logs.ts";
import { index } from "./traffic.fixture.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "goodgate-logs-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const NOBODY: OwnRequests = { requestIds: [], userAgent: "", startedAtMs: Date.now(), paths: [] };

const begin = (files: readonly string[], allowedMs = 5000) =>
  beginLogs(files, { index, deadlineAt: now() + allowedMs, onStep: () => undefined, zoneMinutes: 0 });
const read = (...files: string[]): Promise<LogEvidence> => begin(files).finish(NOBODY);

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

const refused = (second: number, more = "") =>
  `2026/11/21 20:41:${String(second).padStart(2, "0")} [error] 31#31: *${second} connect() failed (111: Connection refused) while connecting to upstream, client: 192.0.2.7, server: shop.example, request: "GET /cart${more} HTTP/1.1", upstream: "http://10.0.0.7:3000/cart", host: "shop.example"`;
const LOG = `${Array.from({ length: 10 }, (_, second) => refused(second)).join("\n")}\n`;

test("a plain log: its format, times, groups, events", async () => {
  const { files, series, members, problems } = await read(await file("error.log", LOG));
  expect(problems).toEqual([]);
  expect(files[0]).toMatchObject({
    bytes: LOG.length,
    readBytes: LOG.length,
    encoding: "utf-8",
    formats: [{ format: "nginx-error", lines: 10 }],
    software: "nginx",
    fromMs: Date.UTC(2026, 10, 21, 20, 41, 0),
    toMs: Date.UTC(2026, 10, 21, 20, 41, 9),
  });
  expect(files[0]?.report.failures).toBe(10);
  expect(files[0]?.events).toHaveLength(10);
  expect(files[0]?.events[3]).toMatchObject({
    line: 4,
    class: "connect-refused",
    upstream: "10.0.0.7:3000",
    client: "192.0.2.7",
    host: "shop.example",
    method: "GET",
    path: "/cart",
  });
  expect(series).toMatchObject({ stepMs: 1000, requests: null });
  expect(series?.failures.reduce((sum, count) => sum + count)).toBe(10);
  expect(members).toMatchObject([{ upstream: "10.0.0.7:3000", requests: null, failures: 10 }]);
});

const utf16be = (text: string) => Buffer.from(text, "utf16le").swap16();

test.each<[name: string, content: Uint8Array | string, encoding: string]>([
  ["gzip", gzipSync(LOG), "gzip + utf-8"],
  ["gzip of several parts", Buffer.concat([gzipSync(LOG.slice(0, 700)), gzipSync(LOG.slice(700))]), "gzip + utf-8"],
  ["CRLF", LOG.replaceAll("\n", "\r\n"), "utf-8"],
  ["a byte order mark", `\ufeff${LOG}`, "utf-8"],
  ["UTF-16 LE with its mark", Buffer.from(`\ufeff${LOG}`, "utf16le"), "utf-16le"],
  ["UTF-16 LE without", Buffer.from(LOG, "utf16le"), "utf-16le"],
  ["UTF-16 BE with its mark", utf16be(`\ufeff${LOG}`), "utf-16be"],
  ["UTF-16 BE without", utf16be(LOG), "utf-16be"],
  ["latin1", Buffer.from(`# Gerät\n${LOG}`, "latin1"), "latin1"],
  ["a hole of NULs", Buffer.concat([Buffer.alloc(300_000), Buffer.from(LOG)]), "utf-8"],
  ["no line end", LOG.trimEnd(), "utf-8"],
])("%s", async (name, content, encoding) => {
  const { files, problems } = await read(await file(`encoded ${name}.log`, content));
  expect(problems).toEqual([]);
  expect(files[0]?.encoding).toBe(encoding);
  expect(files[0]?.report.failures).toBe(10);
  expect(files[0]?.events.at(-1)).toMatchObject({ class: "connect-refused", upstream: "10.0.0.7:3000" });
});

test("what is no log is a problem that says the next step, and the rest is read", async () => {
  const noise = Uint8Array.from({ length: 5000 }, (_, at) => (at * 7919) % 251);
  const bad = {
    missing: join(folder, "nothing-here.log"),
    binary: await file("noise.log", noise),
    journal: await file("system.journal", "LPKSHHRH\0\0\0"),
    empty: await file("empty.log", ""),
    cut: await file("cut.log.gz", gzipSync(LOG.repeat(50)).subarray(0, -40)),
    device: "/dev/null",
  };
  const { files, problems } = await read(...Object.values(bad), await file("good.log", LOG));
  const said = (path: string) => problems.filter(({ input }) => input === `--log ${path}`).map(({ text }) => text);
  expect(said(bad.missing)).toEqual(["there is no such file"]);
  expect(said(bad.binary)).toEqual(["is not text"]);
  expect(said(bad.journal)).toEqual(["is a journal of systemd"]);
  expect(said(bad.empty)).toEqual(["is empty"]);
  expect(said(bad.cut)).toEqual(["is cut: the compressed data ends too early"]);
  expect(said(bad.device)).toEqual(["is no file"]);
  expect(problems.every(({ next }) => next !== "")).toBe(true);
  expect(files.find(({ file }) => file.endsWith("good.log"))?.report.failures).toBe(10);
});

test("a folder: its *.log files, and which", async () => {
  const logs = join(folder, "logs");
  await mkdir(logs);
  await writeFile(join(logs, "a.log"), LOG);
  await writeFile(join(logs, "a.log.1"), LOG);
  await writeFile(join(logs, "notes.txt"), "x");
  const { files, problems } = await read(logs);
  expect(files.map(({ file }) => file)).toEqual([join(logs, "a.log")]);
  expect(problems[0]?.text).toBe("is a folder: read were a.log");
});

test("the same file twice is read once", async () => {
  const path = await file("twice.log", LOG);
  const { files, problems } = await read(path, path);
  expect(files).toHaveLength(1);
  expect(problems[0]?.text).toBe("was given twice");
});

test("an endless line is cut, and said", async () => {
  const { files, problems } = await read(await file("endless.log", `${"x".repeat(3_000_000)}\n${LOG}`));
  expect(files[0]?.report.failures).toBe(10);
  expect(files[0]?.events[0]?.line).toBe(2);
  expect(problems[0]?.text).toBe("one line was cut: longer than 64 KiB");
});

test("of what cannot be read in the time, the end is read", async () => {
  const path = await file("late.log", `${LOG.repeat(300)}${refused(59, "-last")}\n`);
  const { files, problems } = await begin([path], 0).finish(NOBODY);
  expect(files[0]?.readBytes).toBeLessThan(files[0]?.bytes ?? 0);
  expect(problems[0]?.text).toMatch(/^only the last 0\.1 MB of 0\.\d MB were read/);
  expect(files[0]?.events.at(-1)?.path).toBe("/cart-last");
});

test("secrets are taken out", async () => {
  const line = refused(1, "?token=s3cret").replace("192.0.2.7,", "192.0.2.7, cookie: sid=s3cret,");
  const evidence = await read(await file("secrets.log", `${line}\n`));
  expect(JSON.stringify(evidence)).not.toContain("s3cret");
  expect(evidence.files[0]?.events[0]?.path).toBe("/cart?token=[redacted]");
});

test("doctor's own requests are told from the others", async () => {
  const path = await file("during.log", LOG);
  const startedAtMs = Date.UTC(2026, 10, 21, 20, 42, 0);
  const reading = begin([path]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const at = (text: string) => text.replace("20:41:", "20:42:");
  await appendFile(path, `${at(refused(1))}\n`);
  await appendFile(path, `${at(refused(2)).replace("192.0.2.7", "127.0.0.1")}\n`);
  await appendFile(path, `${at(refused(3)).replace("192.0.2.7", "127.0.0.1").replace("/cart ", "/other ")}\n`);
  await appendFile(path, '192.0.2.9 - - [21/Nov/2026:20:42:04 +0000] "GET / HTTP/1.1" 200 5 "-" "goodgate-doctor/1"\n');
  await appendFile(path, '{"time":"2026-11-21T20:42:05Z","level":30,"msg":"done","req_id":"dr-7f3a-2"}');
  const own = { requestIds: ["dr-7f3a"], userAgent: "goodgate-doctor/1", startedAtMs, paths: ["/cart"] };
  const { duringProbes } = await reading.finish(own);
  expect(duringProbes.map(({ line }) => line)).toEqual([12, 14, 15]);
});

test("a log that is rotated or truncated meanwhile is followed", async () => {
  const rotated = await file("rotated.log", LOG);
  const truncated = await file("truncated.log", LOG);
  const opened: string[] = [];
  const onStep = (text: string) => opened.push(text);
  const reading = beginLogs([rotated, truncated], { index, deadlineAt: now() + 5000, onStep, zoneMinutes: 0 });
  await vi.waitFor(() => expect(opened).toHaveLength(2), { timeout: 5000 });
  await rename(rotated, `${rotated}.1`);
  await writeFile(rotated, `${refused(20, "-new")}\n`);
  await truncate(truncated, 0);
  await appendFile(truncated, `${refused(21, "-new")}\n`);
  const { files, problems } = await reading.finish(NOBODY);
  expect(problems).toEqual([]);
  expect(files.map(({ events }) => events.at(-1)?.path)).toEqual(["/cart-new", "/cart-new"]);
});

test("times ahead of the clock by whole hours are another zone's", async () => {
  const ahead = new Date(Date.now() + 2 * 3_600_000).toISOString().slice(0, 19).replace("T", " ").replaceAll("-", "/");
  const { problems } = await read(await file("ahead.log", LOG.replaceAll(/^\S+ \S+/gm, ahead)));
  expect(problems[0]?.text).toBe("has times 2 h ahead of this machine: another time zone");
});

test.skipIf(process.platform === "win32")("a named pipe: what is written to it, and that nobody writes", async () => {
  const pipe = join(folder, "pipe.log");
  execFileSync("mkfifo", [pipe]);
  const silent = await begin([pipe], 300).finish(NOBODY);
  expect(silent.problems.map(({ text }) => text)).toEqual(["nothing came in the time: nobody writes to it"]);
  const reading = begin([pipe]);
  const [{ files }] = await Promise.all([reading.finish(NOBODY), writeFile(pipe, LOG)]);
  expect(files[0]?.report.failures).toBe(10);
});

test("times ahead of the clock are of the zone that fits when the file was written", async () => {
  const now8 = new Date(Date.now() + 8 * 3_600_000 - new Date().getTimezoneOffset() * 60_000);
  const text = now8.toISOString().slice(0, 19).replace("T", " ").replaceAll("-", "/");
  const path = await file("zone8.log", LOG.replaceAll(/^\S+ \S+/gm, text));
  const reading = beginLogs([path], { index, deadlineAt: now() + 5000, onStep: () => undefined });
  const { files, problems } = await reading.finish(NOBODY);
  expect(Math.abs((files[0]?.toMs ?? 0) - Date.now())).toBeLessThan(60_000);
  expect(problems.map(({ text: said }) => said)).toEqual([expect.stringContaining("they are read as those of UTC+")]);
});
