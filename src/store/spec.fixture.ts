// What every store does, whichever database it has: one specification, run against each (store.test.ts,
// postgres.test.ts).
import { expect, test } from "vitest";
import { mergePoints } from "../observe/history.ts";
import type { Store, StoreOptions } from "./model.ts";
import { audit, failure, GATEWAY, incident, mark, point, slow, T0 } from "./records.fixture.ts";
import { SPANS } from "./resolution.ts";

/** Opens an empty store, or the one that was opened last. */
export type OpenForSpec = (changes: Partial<StoreOptions>, again?: "again") => Promise<Store>;

const FOR_EVER = { forMs: 100 * 365 * 86_400_000, bytes: 2 ** 40 };
const ALWAYS = { from: 0, to: T0 * 2 };

export function storeSpec(open: OpenForSpec, lasting: boolean): void {
  const opened = (changes: Partial<StoreOptions> = {}): Promise<Store> => open({ keep: FOR_EVER, ...changes });

  test("gives back what it was given, whole", async () => {
    const store = await opened();
    const [one, two] = [incident(1), failure(1, { incident: incident(1).id })];
    store.putIncidents([one]);
    store.putFailures([two]);
    store.putMarks([mark(1)]);
    store.putAudit([audit(1)]);
    await store.flush();
    expect(await store.incident(one.id)).toEqual(one);
    expect(await store.failure(two.id)).toEqual(two);
    expect(await store.failure(two.requestId)).toEqual(two);
    expect(await store.marks(ALWAYS)).toEqual([mark(1)]);
    expect(await store.audit(10)).toEqual([audit(1)]);
    expect((await store.gateways()).map(({ id, name, host }) => ({ id, name, host }))).toEqual([
      { id: "g1", name: "edge", host: "host-1" },
    ]);
    expect(await store.incident("none")).toBeNull();
    expect(await store.failure("none")).toBeNull();
    expect(store.state()).toMatchObject({ ok: true, problem: null, queued: 0, written: 4, dropped: 0 });
    await store.close();
  });

  test("keeps the newer state of an incident", async () => {
    const store = await opened();
    const first = incident(1, { closedAt: null });
    store.putIncidents([first]);
    await store.flush();
    expect((await store.incidents({ state: "open" })).items).toEqual([first]);
    const closed = { ...first, closedAt: first.openedAt + 90_000 };
    store.putIncidents([first, closed]);
    await store.flush();
    expect((await store.incidents({ state: "open" })).items).toEqual([]);
    expect((await store.incidents({ state: "closed" })).items).toEqual([closed]);
    await store.close();
  });

  test("finds incidents by each of their sides", async () => {
    const store = await opened();
    const all = [
      incident(1),
      incident(2, { severity: "outage", upstream: "pay", cause: "response-timeout", closedAt: null }),
      incident(3, { endpoints: { "10.0.0.10:3000": 1, "10.0.0.2:3000": 1 }, gateway: "g2" }),
      incident(4, { paths: { "/50%_off": 1 }, verdict: { ...incident(4).verdict, sentence: "ÄPFEL sind aus" } }),
    ];
    store.putIncidents(all);
    await store.flush();
    const found = async (query: Parameters<Store["incidents"]>[0]): Promise<number[]> => {
      const { items } = await store.incidents(query);
      return items.map(({ id }) => all.findIndex((one) => one.id === id) + 1);
    };
    expect(await found({})).toEqual([4, 2, 1]);
    expect(await found({ gateway: "all" })).toEqual([4, 3, 2, 1]);
    expect(await found({ gateway: "g2" })).toEqual([3]);
    expect(await found({ severities: ["outage", "notice"] })).toEqual([2]);
    expect(await found({ upstream: "pay" })).toEqual([2]);
    expect(await found({ cause: "response-timeout" })).toEqual([2]);
    expect(await found({ endpoint: "10.0.0.2:3000", gateway: "all" })).toEqual([3]);
    expect(await found({ endpoint: "10.0.0.1", gateway: "all" })).toEqual([]);
    expect(await found({ text: "äpfel" })).toEqual([4]);
    expect(await found({ text: "50%_OFF" })).toEqual([4]);
    expect(await found({ text: "%" })).toEqual([4]);
    expect(await found({ text: "5__off" })).toEqual([]);
    expect(await found({ text: "x' or '1'='1" })).toEqual([]);
    // Those that lasted in the range, the open one included.
    const { openedAt } = all[3]!;
    expect(await found({ range: { from: openedAt, to: openedAt + 1 } })).toEqual([4, 2]);
    await store.close();
  });

  test("pages stay as they are while new records come", async () => {
    const store = await opened();
    store.putFailures(Array.from({ length: 25 }, (_, i) => failure(i, { at: T0 + Math.floor(i / 3) * 1_000 })));
    await store.flush();
    const seen: string[] = [];
    let before: string | undefined;
    for (let page = 0; page < 10; page++) {
      const { items, next, total } = await store.failures({ limit: 10, ...(before ? { before } : {}) });
      seen.push(...items.map(({ id }) => id));
      expect(total).toBe(25 + page * 5);
      store.putFailures(Array.from({ length: 5 }, (_, i) => failure(1_000 + page * 10 + i)));
      await store.flush();
      if (next === null) break;
      before = next;
    }
    expect(seen).toHaveLength(25);
    expect(new Set(seen).size).toBe(25);
    await expect(store.failures({ before: "nonsense" })).rejects.toThrow(/before: "nonsense" is no cursor/);
    await store.close();
  });

  test("finds failures by each of their sides", async () => {
    const store = await opened();
    store.putFailures([
      failure(1, { incident: "i7" }),
      failure(2, { cause: "response-timeout", upstream: "pay", endpoint: "a:1", route: "/pay" }),
      failure(3, { gateway: "g2", incident: "i8", client: "2001:db8::1" }),
    ]);
    await store.flush();
    const found = async (query: Parameters<Store["failures"]>[0]): Promise<string[]> =>
      (await store.failures(query)).items.map(({ requestId }) => requestId.slice(8));
    expect(await found({})).toEqual(["2", "1"]);
    expect(await found({ incident: "i8" })).toEqual(["3"]);
    expect(await found({ cause: "response-timeout" })).toEqual(["2"]);
    expect(await found({ upstream: "pay" })).toEqual(["2"]);
    expect(await found({ endpoint: "a:1" })).toEqual(["2"]);
    expect(await found({ route: "/pay" })).toEqual(["2"]);
    expect(await found({ text: "2001:DB8", gateway: "all" })).toEqual(["3"]);
    expect(await found({ range: { from: T0 + 1_000, to: T0 + 2_000 } })).toEqual(["1"]);
    await store.close();
  });

  test("adds points up into longer spans", async () => {
    const store = await opened();
    const now = Math.floor(Date.now() / 600_000) * 600_000;
    const from = now - 600_000;
    for (let i = 0; i < 60; i++) {
      store.putPoints([point(from + i * 10_000), point(from + i * 10_000, { kind: "route", name: "/" })]);
      if (i % 7 === 0) await store.flush();
    }
    await store.flush();
    const range = { from, to: now };
    const fine = await store.points({ range, kind: "all", points: 60 });
    expect(fine.spanMs).toBe(10_000);
    expect(fine.points).toHaveLength(60);
    expect(fine.points[0]).toEqual(point(from));
    const minutes = await store.points({ range, kind: "all", points: 10 });
    expect(minutes.spanMs).toBe(60_000);
    expect(minutes.points.map(({ requests }) => requests)).toEqual(Array(10).fill(600));
    const [ten] = (await store.points({ range, kind: "route", names: ["/"], points: 1 })).points;
    expect(ten).toMatchObject({ spanMs: 600_000, requests: 6_000, causes: { "connect-refused": 180 }, saved: 60 });
    expect(ten!.latency[1]).toBe(2_400);
    expect((await store.points({ range, kind: "route", names: ["/other"] })).points).toEqual([]);
    await store.close();
  });

  test("tells the slowest and the most failing paths", async () => {
    const store = await opened();
    store.putSlow([slow(1), slow(2), slow(3, { target: "/report/9f8b6c1d-1111-4222-8333-444455556666.csv" })]);
    store.putFailures([failure(1), failure(2), failure(3, { cause: "response-timeout" }), failure(4, { target: "/" })]);
    await store.flush();
    const { slow: slowest, failing } = await store.paths(ALWAYS);
    expect(slowest.map(({ path, count, worstMs }) => [path, count, worstMs])).toEqual([
      ["/report/…", 1, 1_003],
      ["/search/…", 2, 1_002],
    ]);
    expect(failing.map(({ path, count, causes }) => [path, count, causes])).toEqual([
      ["/order/…", 3, { "connect-refused": 2, "response-timeout": 1 }],
      ["/", 1, { "connect-refused": 1 }],
    ]);
    await store.close();
  });

  test("takes what is hostile, too long or no text", async () => {
    const store = await opened();
    const long = "\u0000<script>'\"%\ud83d".repeat(20_000);
    const counts = Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`/p${i}`, i]));
    store.putFailures([failure(1, { target: long, host: long, userAgent: long, durationMs: Number.NaN, route: long })]);
    store.putIncidents([incident(1, { upstream: long, paths: counts, routes: { ["__proto__"]: 1 } })]);
    store.putMarks([mark(1, { text: long })]);
    store.putPoints([point(T0, { kind: "route", name: long }), point(T0, { kind: "route", name: long })]);
    store.putAudit([{ ...audit(1), action: long }]);
    await store.flush();
    expect(store.state()).toMatchObject({ ok: true, problem: null, dropped: 0, written: 6 });
    const [kept] = (await store.failures({})).items;
    expect(kept!.target.length).toBeLessThanOrEqual(4_096);
    expect(kept!.target).not.toContain("\0");
    const [whole] = (await store.incidents({})).items;
    expect(Object.keys(whole!.paths).length).toBeLessThanOrEqual(256);
    expect((await store.points({ range: ALWAYS, kind: "route", names: [long] })).points[0]!.requests).toBe(200);
    expect((await store.incidents({ text: `${long} and more`, upstream: "\0" })).items).toEqual([]);
    await store.close();
  });

  test("deletes what is older than it is to be kept", async () => {
    const store = await open({ keep: { forMs: 3_600_000, bytes: 2 ** 40 } });
    const now = Date.now();
    store.putFailures([failure(1, { at: now - 7_200_000 }), failure(2, { at: now - 60_000 })]);
    store.putIncidents([incident(1, { openedAt: now - 9_000_000 }), incident(2, { openedAt: now - 120_000 })]);
    store.putMarks([mark(1, { at: now - 7_200_000 }), mark(2, { at: now })]);
    await store.flush();
    await until(async () => (await store.failures({})).total === 1 && (await store.marks(ALWAYS)).length === 1);
    await until(async () => (await store.incidents({})).total === 1);
    expect((await store.failures({})).items[0]!.requestId).toBe("request-2");
    expect(await store.failure("request-1")).toBeNull();
    await store.close();
  });

  test("stays below its size: the oldest failures go first", async () => {
    const store = await open({ keep: { forMs: 100 * 365 * 86_400_000, bytes: 2 ** 20 } });
    store.putIncidents([incident(1), incident(2)]);
    for (let i = 0; i < 2_000; i += 100) {
      store.putFailures(Array.from({ length: 100 }, (_, k) => failure(i + k)));
      await store.flush();
    }
    await until(async () => ((await store.failures({})).total ?? 0) < 1_000 && store.state().bytes <= 2 ** 20);
    const { items, total } = await store.failures({ limit: 1 });
    expect(items[0]!.requestId).toBe("request-1999");
    expect(total).toBeLessThan(1_000);
    expect(total).toBeGreaterThan(10);
    expect((await store.incidents({})).total).toBe(2);
    await store.close();
  });

  if (!lasting) return;

  test("has everything after it was closed and opened again", async () => {
    const store = await opened();
    store.putIncidents([incident(1)]);
    await store.close();
    const again = await open({ keep: FOR_EVER }, "again");
    expect((await again.incidents({})).items).toEqual([incident(1)]);
    await again.close();
  });

  test("sums of long spans are those of the fine points, also when it is closed and opened in between", async () => {
    const now = Math.floor(Date.now() / 7_200_000) * 7_200_000 + 7_200_000;
    const from = now - 7_200_000;
    const range = { from, to: now };
    const changed = { kind: "upstream", name: "app" } as const;
    for (let part = 0; part < 4; part++) {
      const store = await open({ keep: FOR_EVER }, part === 0 ? undefined : "again");
      // The parts overlap in the spans of every length, and the third has a clock that was set back.
      const begin = from + (part === 2 ? 95_000 : part * 415_000);
      for (let i = 0; i < 45; i++) {
        store.putPoints([
          point(begin + i * 10_000, { ...changed, requests: part * 100 + i, causes: { [`c${part}`]: 1 } }),
        ]);
        if (i % 9 === 0) await store.flush();
      }
      await store.flush();
      await expectAgreement(store, range);
      await store.close();
    }
    const again = await open({ keep: FOR_EVER }, "again");
    expect(await expectAgreement(again, range)).toBe((0 + 100 + 200 + 300) * 45 + 4 * 990);
    await again.close();
  });

  test("several gateways write into one", async () => {
    const one = await opened();
    const other = await open({ keep: FOR_EVER, gateway: { ...GATEWAY, id: "g2", name: "inner" } }, "again");
    for (let i = 0; i < 200; i += 10) {
      one.putFailures(Array.from({ length: 10 }, (_, k) => failure(i + k)));
      other.putFailures(Array.from({ length: 10 }, (_, k) => failure(10_000 + i + k, { gateway: "g2" })));
      one.putPoints([point(T0 + i * 1_000, { kind: "route", name: "/" })]);
      other.putPoints([point(T0 + i * 1_000, { kind: "route", name: "/" })]);
      await Promise.all([one.flush(), other.flush()]);
    }
    expect((await one.failures({})).total).toBe(200);
    expect((await one.failures({ gateway: "all" })).total).toBe(400);
    expect((await other.gateways()).map(({ id }) => id)).toEqual(["g1", "g2"]);
    expect([one.state().dropped, other.state().dropped]).toEqual([0, 0]);
    // Sums of long spans are written now and then, at the latest at the end; its own are in an answer at once.
    await other.close();
    const { points } = await one.points({ range: ALWAYS, kind: "route", gateway: "all" });
    expect(points.reduce((sum, { requests }) => sum + requests, 0)).toBe(4_000);
    await one.close();
  });
}

/** Every resolution has the same sums; gives that of the requests. */
async function expectAgreement(store: Store, range: { from: number; to: number }): Promise<number> {
  const sums: unknown[] = [];
  let requests = 0;
  for (const { spanMs } of SPANS) {
    const wanted = (range.to - range.from) / spanMs;
    const answer = await store.points({ range, kind: "upstream", names: ["app"], points: wanted });
    expect(answer.spanMs).toBe(spanMs);
    const [whole] = mergePoints(answer.points, range.to - range.from);
    sums.push({ ...whole, at: 0, spanMs: 0 });
    requests = whole!.requests;
  }
  expect(sums).toEqual(SPANS.map(() => sums[0]));
  return requests;
}

/** Waits for what comes by itself. */
export async function until(holds: () => Promise<boolean> | boolean, withinMs = 15_000): Promise<void> {
  for (const end = Date.now() + withinMs; ; ) {
    if (await holds()) return;
    if (Date.now() > end) throw new Error(`it has not come to that within ${withinMs} ms: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
