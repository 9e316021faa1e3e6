import { gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Collector, cuts, NO_EVENTS, through } from "./filter.fixture.ts";
import type { ByteSink } from "./filter.ts";
import { GunzipFilter } from "./gunzip.ts";
import { GzipFilter } from "./gzip.ts";

const gzip = (pieces: readonly (string | null)[]) => through((next, events) => new GzipFilter(1, next, events), pieces);
const gunzip = (pieces: readonly (string | null)[]) =>
  through((next, events) => new GunzipFilter(next, events), pieces);

function unpacked(text: string): string {
  return gunzipSync(Buffer.from(text, "latin1")).toString("latin1");
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test("what is compressed is what came: an empty body, a small one, a large one", async () => {
  for (const body of ["", "X", "X".repeat(1_000_000)]) {
    const packed = await gzip([body]);
    expect(unpacked(packed)).toBe(body);
    expect(await gunzip([packed])).toBe(body);
  }
});

test("a flush brings out all that came before it", async () => {
  const sink = new Collector();
  const filter = new GzipFilter(1, sink, NO_EVENTS);
  filter.write(Buffer.from("first"));
  expect(filter.pendingBytes).toBe(5);
  filter.flush();
  while (sink.flushes === 0) await turn();
  const partial = gunzipSync(Buffer.from(sink.text, "latin1"), { finishFlush: 2 });
  expect(partial.toString()).toBe("first");
  expect(filter.pendingBytes).toBe(0);
  filter.write(Buffer.from("second"));
  filter.end();
  while (!sink.ended) await turn();
  expect(unpacked(sink.text)).toBe("firstsecond");
});

test("what is pending falls, and that is told", async () => {
  let progress = 0;
  const sink = new Collector();
  const filter = new GzipFilter(9, sink, { ...NO_EVENTS, onProgress: () => progress++ });
  for (let count = 0; count < 40; count++) filter.write(Buffer.alloc(10_000, count));
  expect(filter.pendingBytes).toBeGreaterThan(100_000);
  filter.end();
  while (!sink.ended) await turn();
  expect(filter.pendingBytes).toBe(0);
  expect(progress).toBeGreaterThan(0);
});

test("the ratio is that of bytes in to bytes out", async () => {
  const sink = new Collector();
  const filter = new GzipFilter(1, sink, NO_EVENTS);
  expect(filter.ratio).toBe(undefined);
  filter.write(Buffer.from("X".repeat(1000)));
  filter.end();
  expect(filter.ratio).toBe((Math.round(100_000 / sink.text.length) / 100).toFixed(2));
});

test("what is no gzip, or cut, is an error, not a whole body", async () => {
  const packed = gzipSync(Buffer.from("text".repeat(1000))).toString("latin1");
  await expect(gunzip(["no gzip at all"])).rejects.toThrow();
  await expect(gunzip([packed.slice(0, -10)])).rejects.toThrow();
  await expect(gunzip([packed.slice(0, 10), packed.slice(11)])).rejects.toThrow();
});

test("while it is paused, a small body that unpacks to a large one does not come out whole", async () => {
  const packed = gzipSync(Buffer.alloc(20_000_000));
  let bytes = 0;
  let ended = false;
  const sink: ByteSink = { write: (piece) => (bytes += piece.length), flush() {}, end: () => (ended = true) };
  const filter = new GunzipFilter(sink, NO_EVENTS);
  filter.pause();
  filter.write(packed);
  filter.end();
  for (let count = 0; count < 50; count++) await turn();
  expect([bytes, ended]).toEqual([0, false]);
  expect(filter.pendingBytes).toBe(packed.length);
  filter.resume();
  while (bytes === 0) await turn();
  filter.pause();
  const before = bytes;
  for (let count = 0; count < 50; count++) await turn();
  expect(bytes - before).toBeLessThan(100_000);
  filter.resume();
  while (!ended) await turn();
  expect([bytes, filter.pendingBytes]).toEqual([20_000_000, 0]);
});

test("a destroyed filter gives nothing on, whatever its stream does", async () => {
  const sink = new Collector();
  const filter = new GzipFilter(1, sink, NO_EVENTS);
  filter.write(Buffer.alloc(100_000, "a"));
  filter.flush();
  filter.destroy();
  filter.write(Buffer.alloc(10));
  filter.end();
  for (let count = 0; count < 20; count++) await turn();
  expect([sink.calls, filter.pendingBytes]).toEqual([[], 0]);
});

test("however a body is cut and flushed, it is unpacked to the same", async () => {
  const pieces = cuts(fc.string({ unit: "binary-ascii", maxLength: 300 }));
  const property = fc.asyncProperty(pieces, fc.boolean(), async (list, flushes) => {
    const input = list.flatMap((piece) => (flushes ? [piece, null] : [piece]));
    const packed = await gzip(input);
    expect(unpacked(packed)).toBe(list.join(""));
    const middle = Math.floor(packed.length / 2);
    expect(await gunzip([packed.slice(0, middle), packed.slice(middle)])).toBe(list.join(""));
  });
  await fc.assert(property, { numRuns: 60 });
});
