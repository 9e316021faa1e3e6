import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { CacheConfig } from "../config/servers.ts";
import { useClock, wheel } from "../std/clock.ts";
import { Caches } from "./caches.ts";
import { keyHash } from "./key.ts";
import { CacheStore } from "./store.ts";

let config: CacheConfig;
let at = 0;
beforeEach(() => {
  config = {
    name: "c",
    path: mkdtempSync(join(tmpdir(), "goodgate-cache-")),
    levels: [1, 2],
    useTempPath: true,
    keysBytes: 1024 * 1024,
    inactiveMs: 60_000,
    maxBytes: 0,
    minFreeBytes: 0,
  };
  at = 0;
  useClock(() => at);
});
afterEach(() => {
  useClock(null);
  rmSync(config.path, { recursive: true });
});

const A = keyHash("a");
const B = keyHash("b");

function put(path: string, text = "text"): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** Lets time pass, as the wheel sees it. */
function pass(ms: number): void {
  at += ms;
  wheel.advance(at);
}

function keep(store: CacheStore, hash: string, bytes = 4): void {
  const [entry] = store.hold(hash, 1, 0, null);
  put(store.pathOf(hash));
  store.stored(entry, bytes);
  store.release(entry, 1);
}

test("the folder is read at start: what has the name and the place of an entry", async () => {
  const store = new CacheStore(config);
  put(store.pathOf(A));
  put(join(config.path, B));
  put(join(config.path, "README"));
  const left = `${store.pathOf(A)}.0000000001`;
  const fresh = `${store.pathOf(A)}.0000000002`;
  put(left);
  put(fresh);
  utimesSync(left, 1, 1);
  store.start();
  await vi.waitFor(() => expect(existsSync(left)).toBe(false));
  await vi.waitFor(() => expect(store.index.get(A)).toMatchObject({ exists: true, uses: 1 }));
  expect(store.index.get(B)).toBeUndefined();
  expect(existsSync(fresh)).toBe(true);
  expect(readdirSync(config.path).sort()).toEqual([A.slice(-1), B, "README"].sort());
  store.retire();
});

test("min_uses: it counts even where nothing is kept", () => {
  const store = new CacheStore(config);
  const uses = [1, 2, 3].map(() => {
    const [entry, found] = store.hold(A, 3, 0, null);
    store.release(entry, 3);
    return found;
  });
  expect(uses).toEqual(["new", "scarce", "known"]);
});

test("what never came to be is forgotten", () => {
  const store = new CacheStore(config);
  const [entry] = store.hold(A, 1, 0, null);
  const [again] = store.hold(A, 1, 0, null);
  expect(again).toBe(entry);
  store.release(entry, 1);
  expect(store.index.size).toBe(1);
  store.release(entry, 1);
  expect(store.index.size).toBe(0);
});

test("an error is remembered for its time", () => {
  const store = new CacheStore(config);
  const [entry] = store.hold(A, 1, 0, null);
  entry.errorStatus = 404;
  entry.errorUntilSec = 100;
  store.release(entry, 1);
  expect(store.hold(A, 1, 100, null)[1]).toBe("error");
  expect(store.hold(A, 1, 101, null)[1]).toBe("new");
});

test("what was not used for a while is removed", async () => {
  const store = new CacheStore(config);
  wheel.set(store, 1);
  keep(store, A);
  keep(store, B);
  utimesSync(store.pathOf(A), 1, 1);
  utimesSync(store.pathOf(B), 1, 1);
  pass(59_000);
  store.release(store.hold(B, 1, 0, null)[0], 1);
  await settled(store);
  pass(12_000);
  await vi.waitFor(() => expect(existsSync(store.pathOf(A))).toBe(false));
  expect(store.index.get(A)).toBeUndefined();
  expect(existsSync(store.pathOf(B))).toBe(true);
  store.retire();
});

/** The manager waits for its next turn. */
const settled = (store: CacheStore): Promise<void> => vi.waitFor(() => expect(store.dueAt).not.toBe(Infinity));

test("what another worker has used since stays", async () => {
  const store = new CacheStore(config);
  keep(store, A);
  wheel.set(store, 1);
  pass(61_000);
  await settled(store);
  expect(store.index.get(A)!.inactiveAt).toBeGreaterThan(at);
  expect(existsSync(store.pathOf(A))).toBe(true);
  store.retire();
});

test("where there is too much, the oldest that nobody holds goes", async () => {
  config = { ...config, maxBytes: 3 * 4096 };
  const store = new CacheStore(config);
  const [held] = store.hold(keyHash("held"), 1, 0, null);
  store.stored(held, 1);
  keep(store, A);
  keep(store, B);
  wheel.set(store, 1);
  pass(100);
  await vi.waitFor(() => expect(existsSync(store.pathOf(A))).toBe(false));
  expect(existsSync(store.pathOf(B))).toBe(true);
  expect(store.index.diskBytes).toBe(2 * 4096);
  store.retire();
});

test("what is much too large is not left to the manager's next turn", async () => {
  config = { ...config, maxBytes: 4096, manager: { files: 1, pauseMs: 1000 } };
  const store = new CacheStore(config);
  keep(store, A);
  pass(100);
  expect(store.index.size).toBe(1);
  keep(store, B, 20_000_000);
  pass(100);
  await settled(store);
  expect(store.index.get(A)).toBeUndefined();
  expect(store.index.get(B)).toBeDefined();
  pass(1100);
  await settled(store);
  expect(store.index.size).toBe(0);
  store.retire();
});

test("the index is bounded by its zone", () => {
  config = { ...config, keysBytes: 8192 + 128 * 10 };
  const store = new CacheStore(config);
  for (let k = 0; k < 30; k++) keep(store, keyHash(String(k)));
  expect(store.index.size).toBe(10);
  expect(store.index.get(keyHash("29"))).toBeDefined();
  expect(store.index.get(keyHash("19"))).toBeUndefined();
  store.retire();
});

test("those who wait are woken when it is no longer being fetched", () => {
  const store = new CacheStore(config);
  const [entry] = store.hold(A, 1, 0, null);
  entry.updating = true;
  const woken: number[] = [];
  const first = (): void => {
    woken.push(1);
    entry.waiting.delete(first);
  };
  entry.waiting.add(first).add(() => woken.push(2));
  store.unlock(entry);
  expect([woken, entry.updating]).toEqual([[1, 2], false]);
});

test("a new configuration goes on with the caches it has in common", () => {
  const one = new Caches([config], null);
  const store = one.get("c")!;
  const two = new Caches([{ ...config, maxBytes: 7 }], one);
  expect(two.get("c")).toBe(store);
  expect(store.config.maxBytes).toBe(7);
  const three = new Caches([{ ...config, levels: [2] }], two);
  expect(three.get("c")).not.toBe(store);
  expect(store.dueAt).toBe(Infinity);
  for (const each of three.all) each.retire();
});
