// Streams under load: many readers, slow readers, readers that stop to read, and a backend that is asked only while
// somebody listens.
import { expect, test } from "vitest";
import { type FakeBackend, nowOf, ROW, TAIL } from "./backend.fixture.ts";
import { ask, events } from "./client.fixture.ts";
import { type Started, start as startWith, useConsoles } from "./console.fixture.ts";
import type { HubOptions } from "./live.ts";
import type { LiveEvent } from "./model.ts";

useConsoles();

const start = (live: HubOptions = {}): Promise<Started> => startWith({ live });

const give = (backend: FakeBackend, event: LiveEvent): void => {
  for (const take of backend.listeners) take(event);
};

/** Time for what was written to go out. */
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2));

test("32 readers share one subscription and one text per event; the next is told to wait", async () => {
  const { server, backend } = await start();
  const readers = await Promise.all(Array.from({ length: 32 }, () => events(server, "/api/v1/live")));
  await Promise.all(readers.map((reader) => reader.until(/event: now/)));
  expect(backend.listeners.size).toBe(1);
  // Asked once or a few times for those who came together, not once for each second and reader.
  expect(backend.asked.filter(([name]) => name === "now").length).toBeLessThanOrEqual(32);
  let made = 0;
  const now = { ...nowOf(), toJSON: () => ({ made: ++made }) };
  give(backend, { event: "now", now });
  await Promise.all(readers.map((reader) => reader.until(/"made":1/)));
  expect(made).toBe(1);
  const refused = await ask(server, "/api/v1/live");
  expect(refused.status).toBe(503);
  expect(refused.headers["retry-after"]).toBe("10");
  // Others are still answered.
  expect((await ask(server, "/api/v1/now")).status).toBe(200);
  readers[0]!.close();
  await expect.poll(async () => (await events(server, "/api/v1/live")).status, { timeout: 15_000 }).toBe(200);
});

test("the backend is asked only while somebody listens", async () => {
  const { server, backend } = await start({ lingerMs: 20 });
  expect(backend.listeners.size).toBe(0);
  const reader = await events(server, "/api/v1/live");
  await reader.until(/event: now/);
  expect(backend.listeners.size).toBe(1);
  reader.close();
  await expect.poll(() => backend.listeners.size, { timeout: 15_000 }).toBe(0);
});

test("a slow reader gets the latest state, each incident once, and holds nobody up", async () => {
  const { server, backend } = await start();
  const slow = await events(server, "/api/v1/live");
  const quick = await events(server, "/api/v1/live");
  await Promise.all([slow.until(/event: now/), quick.until(/event: now/)]);
  slow.pause();
  // About 200 KB each: more than sockets take.
  const rounds = 150;
  for (let round = 1; round <= rounds; round++) {
    give(backend, { event: "now", now: nowOf(500, round) });
    give(backend, { event: "incident", incident: { ...ROW, failures: round } });
    give(backend, { event: "incident", incident: { ...ROW, id: `i-${round % 3}`, failures: round } });
    await turn();
  }
  await quick.until(new RegExp(`event: now\\ndata: \\{"at":${rounds},`));
  slow.resume();
  const text = await slow.until(new RegExp(`event: now\\ndata: \\{"at":${rounds},`));
  await slow.until(new RegExp(`"id":"${ROW.id}".*"failures":${rounds},`));
  expect(text.match(/event: now\n/g)!.length).toBeLessThan(rounds);
  slow.close();
  quick.close();
});

test("a reader that takes nothing is cut", async () => {
  const { server, backend } = await start({ stuckMs: 100, lingerMs: 1 });
  const stuck = await events(server, "/api/v1/live");
  await stuck.until(/event: now/);
  stuck.pause();
  let rounds = 0;
  await expect
    .poll(
      () => {
        for (let i = 0; i < 20; i++) give(backend, { event: "now", now: nowOf(500, ++rounds) });
        return backend.listeners.size;
      },
      { timeout: 15_000 },
    )
    .toBe(0);
  stuck.resume();
  await stuck.ended;
});

test("silence is filled with comments, so that proxies keep the connection", async () => {
  const { server } = await start({ heartbeatMs: 30 });
  const reader = await events(server, "/api/v1/tail");
  await reader.until(/: alive\n\n.*: alive\n\n/s);
  reader.close();
});

test("a slow reader of the tail is told how much it missed", async () => {
  const { server, backend } = await start();
  const reader = await events(server, "/api/v1/tail");
  await reader.until(/retry/);
  const many = Array.from({ length: 500 }, () => TAIL);
  const send = (entries: readonly (typeof TAIL)[]): void => {
    for (const take of backend.tails) take(entries, 0);
  };
  reader.pause();
  for (let i = 0; i < 200; i++) {
    send(many);
    await turn();
  }
  reader.resume();
  await expect
    .poll(
      () => {
        send([TAIL]);
        return /"left":[1-9]/.test(reader.body());
      },
      { timeout: 15_000 },
    )
    .toBe(true);
  const missed = [...reader.body().matchAll(/"left":(\d+)/g)].reduce((sum, [, left]) => sum + Number(left), 0);
  expect(missed).toBeGreaterThan(10_000);
  reader.close();
});

test("streams end when the console closes", async () => {
  const { server, backend } = await start();
  const reader = await events(server, "/api/v1/live");
  await reader.until(/event: now/);
  await server.close();
  await reader.ended;
  expect(backend.listeners.size).toBe(0);
});
