import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { setLogSink } from "../std/log.ts";
import { type Built, buildStore } from "./built.fixture.ts";
import type { StoreOptions } from "./model.ts";
import { openStoreReadOnly } from "./read-only.ts";
import { failure, GATEWAY, incident, T0 } from "./records.fixture.ts";
import { storeSpec, until } from "./spec.fixture.ts";
import { openStore, type StoreSettings } from "./store.ts";

let built: Built;
let folder: string;

beforeAll(async () => {
  built = await buildStore();
});
afterAll(() => built.remove());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "goodgate-store-"));
  setLogSink(() => undefined);
});
afterEach(() => {
  setLogSink(null);
  rmSync(folder, { recursive: true, force: true });
});

const KEEP = { forMs: 100 * 365 * 86_400_000, bytes: 2 ** 40 };
const sqlite = (changes: Partial<StoreOptions> = {}): StoreOptions => ({
  target: { kind: "sqlite", folder: join(folder, "data") },
  gateway: GATEWAY,
  keep: KEEP,
  ...changes,
});
const open = (options: StoreOptions, settings: StoreSettings = {}) =>
  openStore(options, { thread: built.thread, keepEveryMs: 50, ...settings });

describe("SQLite in a folder", () => {
  storeSpec((changes) => open(sqlite(changes)), true);

  test("only its owner may read it", async () => {
    const store = await open(sqlite());
    store.putIncidents([incident(1)]);
    await store.flush();
    const data = join(folder, "data");
    expect(statSync(data).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(data))
      expect([name, statSync(join(data, name)).mode & 0o777]).toEqual([name, 0o600]);
    await store.close();
  });

  test("others read while it is written, without a gateway, too", async () => {
    await expect(openStoreReadOnly(join(folder, "data"))).rejects.toThrow(/there is no store in/);
    const store = await open(sqlite());
    store.putIncidents([incident(1)]);
    await store.flush();
    const reader = await openStoreReadOnly(join(folder, "data"));
    expect((await reader.incidents({})).items).toEqual([incident(1)]);
    store.putIncidents([incident(2)]);
    await store.flush();
    expect((await reader.incidents({})).total).toBe(2);
    await store.close();
    expect((await reader.incident(incident(2).id))?.id).toBe(incident(2).id);
    await reader.close();
    const later = await openStoreReadOnly(join(folder, "data"));
    expect((await later.incidents({})).total).toBe(2);
    await later.close();
  });

  test("a file that is no database is set aside", async () => {
    const store = await open(sqlite());
    await store.close();
    const file = join(folder, "data", "goodgate.db");
    writeFileSync(file, Buffer.alloc(20_000, 0x67));
    await expect(openStoreReadOnly(join(folder, "data"))).rejects.toThrow(
      /goodgate\.db cannot be read: the database is damaged/,
    );
    const again = await open(sqlite());
    expect(again.state()).toMatchObject({
      kind: "sqlite",
      ok: true,
      problem: expect.stringMatching(/set aside as .*goodgate\.db\.broken-/),
    });
    again.putIncidents([incident(1)]);
    await again.flush();
    expect((await again.incidents({})).total).toBe(1);
    await again.close();
    expect(readdirSync(join(folder, "data")).filter((name) => name.includes(".broken-"))).toHaveLength(1);
  });

  test("a folder that cannot be is kept in memory, and used as soon as it can be", async () => {
    const inTheWay = join(folder, "file");
    writeFileSync(inTheWay, "");
    const data = join(inTheWay, "data");
    const store = await open(sqlite({ target: { kind: "sqlite", folder: data } }));
    expect(store.state()).toMatchObject({ kind: "memory", ok: false });
    expect(store.state().problem).toMatch(/file.data cannot be used: .*kept in memory only/);
    store.putIncidents([incident(1)]);
    await store.flush();
    expect((await store.incidents({})).total).toBe(1);
    rmSync(inTheWay);
    await until(() => store.state().ok);
    expect(store.state()).toMatchObject({ kind: "sqlite", problem: null });
    await store.close();
    expect(existsSync(join(data, "goodgate.db"))).toBe(true);
  });

  test("a store of a newer program is left alone", async () => {
    const store = await open(sqlite());
    await store.close();
    const { default: Database } = await import("libsql");
    const file = join(folder, "data", "goodgate.db");
    const database = new Database(file);
    database.exec("update goodgate_schema set version = 99");
    database.close();
    const again = await open(sqlite());
    expect(again.state()).toMatchObject({
      kind: "memory",
      ok: false,
      problem: expect.stringMatching(/schema 99, written by a newer/),
    });
    await again.close();
    await expect(openStoreReadOnly(join(folder, "data"))).rejects.toThrow(/a newer Goodgate \(schema 99/);
  });

  test("a database without room: it says so, goes on answering, and counts what has no place", async () => {
    const store = await open(sqlite(), { pragmas: ["max_page_count = 80"], bounds: { records: 50 } });
    store.putIncidents([incident(1)]);
    await store.flush();
    for (let i = 0; store.state().ok && i < 4_000; i += 20) {
      store.putFailures(Array.from({ length: 20 }, (_, k) => failure(i + k)));
      await store.flush();
    }
    expect(store.state().problem).toMatch(/the disk is full: nothing is kept until there is room/);
    for (let i = 0; i < 400; i++) store.putFailures([failure(10_000 + i)]);
    store.putIncidents([incident(2)]);
    expect(store.state()).toMatchObject({ ok: false, queued: 50 });
    expect(store.state().dropped).toBeGreaterThan(300);
    expect((await store.incidents({})).total).toBe(1);
    await store.close();
  });
});

describe("memory", () => {
  storeSpec((changes) => open({ ...sqlite(changes), target: { kind: "memory" } }), false);
});

describe("the thread", () => {
  test("one that ends is replaced, and what it had is counted", async () => {
    const thread = new URL(
      `data:text/javascript,${encodeURIComponent(`
        import { parentPort } from "node:worker_threads";
        const place = { kind: "sqlite", where: "x", notice: null, settled: true, figures: { bytes: 0, oldestAt: null } };
        parentPort.postMessage({ told: "place", place });
        parentPort.on("message", (message) => { if (message.do === "write") throw new Error("boom"); });`)}`,
    );
    const store = await openStore(sqlite(), { thread, times: { restartMs: 10 } });
    store.putIncidents([incident(1), incident(2)]);
    await store.flush();
    await until(() => store.state().dropped === 2);
    expect(store.state().ok).toBe(false);
    expect(store.state().problem).toMatch(/has ended: boom; another one is begun, 2 records are lost/);
    await store.close();
  });

  test("one that hangs is replaced, and its questions are answered with an error", async () => {
    const thread = new URL(
      `data:text/javascript,${encodeURIComponent(`
        import { parentPort } from "node:worker_threads";
        const place = { kind: "sqlite", where: "x", notice: null, settled: true, figures: { bytes: 0, oldestAt: null } };
        parentPort.postMessage({ told: "place", place });
        parentPort.on("message", () => { for (;;); });`)}`,
    );
    const store = await openStore(sqlite(), { thread, times: { batchMs: 200, restartMs: 10 } });
    store.putIncidents([incident(1)]);
    await expect(store.incidents({})).rejects.toThrow(/has not answered for 0\.2 s/);
    expect(store.state().dropped).toBe(1);
    await store.close();
  });

  test("nonsense is refused in words", async () => {
    await expect(openStore(sqlite({ keep: { forMs: 0, bytes: 1 } }))).rejects.toThrow(/keep\.forMs is 0/);
    await expect(openStore(sqlite({ target: { kind: "postgres", url: "mysql://x" } }))).rejects.toThrow(
      /a PostgreSQL store is a URL/,
    );
  });

  test("what is given after the end is counted, not kept", async () => {
    const store = await open(sqlite());
    await store.close();
    store.putFailures([failure(1, { at: T0 })]);
    expect(store.state().dropped).toBe(1);
    await expect(store.failures({})).rejects.toThrow(/closed/);
    await store.close();
  });
});
