// What a store lives through: a process that is killed at any moment, a disk that is full and has room again, a file
// that breaks while it is in use.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, statfsSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { setLogSink } from "../std/log.ts";
import { type Built, buildStore } from "./built.fixture.ts";
import type { StoreOptions } from "./model.ts";
import { openStoreReadOnly } from "./read-only.ts";
import { failure, GATEWAY, incident, point } from "./records.fixture.ts";
import { until } from "./spec.fixture.ts";
import { openStore } from "./store.ts";

const run = promisify(execFile);
const KILLS = 10;

let built: Built;
let folder: string;

beforeAll(async () => {
  built = await buildStore();
});
afterAll(() => built.remove());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "goodgate-durable-"));
  setLogSink(() => undefined);
});
afterEach(() => {
  setLogSink(null);
  rmSync(folder, { recursive: true, force: true });
});

const optionsFor = (place: string): StoreOptions => ({
  target: { kind: "sqlite", folder: place },
  gateway: GATEWAY,
  keep: { forMs: 100 * 365 * 86_400_000, bytes: 2 ** 40 },
});

test(`a process that is killed ${KILLS} times loses what was not flushed, and nothing else`, async () => {
  const data = join(folder, "data");
  const writer = join(folder, "writer.mjs");
  writeFileSync(
    writer,
    `import { openStore } from ${JSON.stringify(built.store.href)};
     const [options, sample, begin] = process.argv.slice(2).map((text) => JSON.parse(text));
     const store = await openStore(options, { keepEveryMs: 20 });
     for (let i = begin; ; i += 10) {
       store.putFailures(Array.from({ length: 10 }, (_, k) => ({ ...sample, id: "f" + (i + k), requestId: String(i + k), at: sample.at + i + k })));
       await store.flush();
       process.stdout.write((i + 9) + "\\n");
     }`,
  );
  const { default: Database } = await import("libsql");
  let flushed = -1;
  for (let kill = 0; kill < KILLS; kill++) {
    const args = [optionsFor(data), failure(0), flushed + 1].map((value) => JSON.stringify(value));
    const child = spawn(process.execPath, [writer, ...args], { stdio: ["ignore", "pipe", "inherit"] });
    const last = await killAfterWrites(child, 5 + kill * 17, Math.floor(Math.random() * 12));
    expect(last).toBeGreaterThan(flushed);
    const database = new Database(join(data, "goodgate.db"));
    const [check] = database.prepare("pragma integrity_check").all([]) as { integrity_check: string }[];
    const [found] = database.prepare("select count(*) as count, max(at) as newest from goodgate_failures").all([]) as {
      count: number;
      newest: number;
    }[];
    const [bodies] = database.prepare("select count(*) as count from goodgate_failure_bodies").all([]) as {
      count: number;
    }[];
    database.close();
    expect(check!.integrity_check).toBe("ok");
    // All that was said to be written is there; of the batch under way all or nothing.
    expect(found!.count).toBe(bodies!.count);
    expect(found!.count).toBeGreaterThanOrEqual(last + 1);
    expect(found!.count % 10).toBe(0);
    flushed = found!.count - 1;
  }
}, 60_000);

/** Waits for so many lines, then a little, then kills; gives the last number that it said. */
async function killAfterWrites(child: ChildProcess, lines: number, moreMs: number): Promise<number> {
  let text = "";
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  child.stdout!.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await until(() => text.split("\n").length > lines, 30_000);
  await new Promise((resolve) => setTimeout(resolve, moreMs));
  child.kill("SIGKILL");
  await ended;
  return Number(text.split("\n").at(-2));
}

test("a full disk: nothing is lost that was there, it says so, and goes on when there is room", async (context) => {
  const disk = join(folder, "disk");
  const why = await smallDisk(disk);
  if (why !== null) return context.skip(why);
  try {
    const ballast = join(disk, "ballast");
    const store = await openStore(optionsFor(join(disk, "data")), {
      thread: built.thread,
      keepEveryMs: 50,
      bounds: { records: 400 },
    });
    store.putIncidents([incident(1)]);
    store.putFailures([failure(0)]);
    await store.flush();
    fill(ballast, disk, 96 * 1024);
    let number = 1;
    for (; store.state().ok && number < 5_000; number += 20) {
      store.putFailures(Array.from({ length: 20 }, (_, k) => failure(number + k)));
      await store.flush();
    }
    expect(store.state().ok).toBe(false);
    expect(store.state().problem).toMatch(/the disk (?:is full|answers with an error): nothing is kept until/);
    for (let i = 0; i < 600; i++) store.putFailures([failure(10_000 + i)]);
    store.putIncidents([incident(2)]);
    await store.flush();
    expect(store.state()).toMatchObject({ ok: false, queued: 400 });
    expect(store.state().dropped).toBeGreaterThan(100);
    // What was there can still be read.
    expect((await store.incidents({})).items).toEqual([incident(1)]);
    expect(await store.failure(failure(0).id)).toEqual(failure(0));
    rmSync(ballast);
    await until(() => store.state().ok && store.state().queued === 0, 30_000);
    expect(store.state().problem).toBeNull();
    expect((await store.incidents({})).total).toBe(2);
    await store.close();
  } finally {
    await run("umount", ["-l", disk]);
  }
}, 60_000);

test("a disk that is full from the beginning: in memory, then on the disk", async (context) => {
  const disk = join(folder, "disk");
  const why = await smallDisk(disk);
  if (why !== null) return context.skip(why);
  try {
    const ballast = join(disk, "ballast");
    fill(ballast, disk, 0);
    const store = await openStore(optionsFor(join(disk, "data")), { thread: built.thread, keepEveryMs: 50 });
    store.putIncidents([incident(1)]);
    await store.flush();
    expect(store.state().ok).toBe(false);
    expect(store.state().problem).toMatch(/disk/);
    rmSync(ballast);
    await until(() => store.state().ok && store.state().kind === "sqlite", 30_000);
    store.putIncidents([incident(2)]);
    await store.flush();
    expect((await store.incident(incident(2).id))?.id).toBe(incident(2).id);
    await store.close();
  } finally {
    await run("umount", ["-l", disk]);
  }
}, 60_000);

test("a file that breaks while it is in use is set aside", async () => {
  const data = join(folder, "data");
  const store = await openStore(optionsFor(data), { thread: built.thread, keepEveryMs: 50 });
  for (let i = 0; i < 3_000; i += 100) store.putFailures(Array.from({ length: 100 }, (_, k) => failure(i + k)));
  await store.flush();
  await store.close();
  const file = openSync(join(data, "goodgate.db"), "r+");
  for (let page = 2; page < 1_000; page++) writeSync(file, Buffer.alloc(4_096, 0xa5), 0, 4_096, page * 4_096);
  closeSync(file);
  const again = await openStore(optionsFor(data), { thread: built.thread, keepEveryMs: 50 });
  again.putFailures(Array.from({ length: 100 }, (_, k) => failure(9_000 + k)));
  again.putPoints([point(Date.now())]);
  await again.flush();
  await until(() => again.state().ok && again.state().queued === 0);
  expect(again.state().problem).toMatch(/set aside as .*\.broken-/);
  expect(await again.failure(failure(9_001).id)).toEqual(failure(9_001));
  await again.close();
  expect(readdirSync(data).some((name) => name.includes(".broken-"))).toBe(true);
  const reader = await openStoreReadOnly(data);
  expect((await reader.failures({ limit: 1 })).items).toHaveLength(1);
  await reader.close();
}, 60_000);

/** A file system of 2 MiB; a text = why there is none. */
async function smallDisk(place: string): Promise<string | null> {
  if (process.getuid?.() !== 0) return "mounting a small file system needs root";
  await run("mkdir", ["-p", place]);
  return run("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", place]).then(
    () => null,
    (error: Error) => `a small file system cannot be mounted here: ${error.message}`,
  );
}

/** Fills a disk but for some bytes. */
function fill(file: string, disk: string, leave: number): void {
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(file, Buffer.alloc(Math.max(0, bavail * bsize - leave), 1));
}
