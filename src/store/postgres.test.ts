// Against a real PostgreSQL where there is one (postgres.fixture.ts says how it is started); skipped elsewhere.
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { setLogSink } from "../std/log.ts";
import { type Built, buildStore } from "./built.fixture.ts";
import type { Store, StoreOptions } from "./model.ts";
import { type Cluster, PASSWORD, postgresPrograms, startCluster } from "./postgres.fixture.ts";
import { failure, GATEWAY, incident } from "./records.fixture.ts";
import { storeSpec, until } from "./spec.fixture.ts";
import { openStore, type StoreSettings } from "./store.ts";

const programs = postgresPrograms();
if (programs === null) {
  test.skip("PostgreSQL: no initdb and postgres here (Debian: apt-get install postgresql)", () => undefined);
}

describe.skipIf(programs === null)("PostgreSQL", () => {
  let built: Built;
  let cluster: Cluster;
  let databases = 0;
  let lines = "";
  const url = (): string => cluster.url(`store${databases}`);

  beforeAll(async () => {
    built = await buildStore();
    cluster = await startCluster(programs!);
  }, 60_000);
  afterAll(async () => {
    built?.remove();
    await cluster?.remove();
  });
  beforeEach(async () => {
    await cluster.create(`store${++databases}`);
    lines = "";
    setLogSink((line) => (lines += line));
  });
  afterEach(() => {
    setLogSink(null);
  });

  const open = (changes: Partial<StoreOptions> = {}, settings: StoreSettings = {}): Promise<Store> => {
    const keep = { forMs: 100 * 365 * 86_400_000, bytes: 2 ** 40 };
    const options: StoreOptions = { target: { kind: "postgres", url: url() }, gateway: GATEWAY, keep, ...changes };
    return openStore(options, { thread: built.thread, keepEveryMs: 50, ...settings });
  };

  storeSpec((changes) => open(changes), true);

  test("says where it is without the password", async () => {
    const store = await open();
    expect(store.state()).toMatchObject({
      kind: "postgres",
      where: `postgres://goodgate@127.0.0.1:${cluster.port}/store${databases}`,
    });
    await store.close();
    const wrong = cluster.url("store1").replace(PASSWORD, "wr%6Fng-pass");
    const refused = await open({ target: { kind: "postgres", url: wrong } });
    expect(refused.state().ok).toBe(false);
    expect(refused.state().problem).toMatch(/refuses the user or its password/);
    await expect(refused.incidents({})).rejects.toThrow(/the store cannot answer: PostgreSQL refuses/);
    await refused.close();
    expect(`${lines}${JSON.stringify(refused.state())}`).not.toMatch(/s3cret|wr%6Fng|wrong-pass/);
  });

  test("gateways that begin at the same time make one schema", async () => {
    const gateways = ["a", "b", "c", "d"].map((id) => ({ ...GATEWAY, id }));
    const stores = await Promise.all(gateways.map((gateway) => open({ gateway })));
    for (const store of stores) expect(store.state()).toMatchObject({ ok: true, problem: null });
    expect(await stores[0]!.gateways()).toHaveLength(4);
    await Promise.all(stores.map((store) => store.close()));
  });

  test("a schema of a newer program is left alone", async () => {
    const store = await open();
    await store.close();
    const client = new pg.Client({ connectionString: url() });
    await client.connect();
    await client.query("update goodgate_schema set version = 99");
    await client.end();
    const again = await open();
    expect(again.state()).toMatchObject({ kind: "memory", ok: false, problem: expect.stringMatching(/schema 99/) });
    await again.close();
  });

  test("while it is away what comes waits, and is written when it is back", async () => {
    const store = await open();
    store.putIncidents([incident(1)]);
    await store.flush();
    await cluster.stop();
    try {
      store.putIncidents([incident(2)]);
      store.putFailures([failure(1), failure(2)]);
      await store.flush();
      expect(store.state()).toMatchObject({ ok: false, queued: 3, dropped: 0 });
      expect(store.state().problem).toMatch(/PostgreSQL/);
      await expect(store.incidents({})).rejects.toThrow(/cannot answer/);
    } finally {
      await cluster.start();
    }
    await until(() => store.state().ok && store.state().queued === 0, 30_000);
    expect(store.state()).toMatchObject({ problem: null, dropped: 0, written: 4 });
    expect((await store.incidents({})).total).toBe(2);
    await store.close();
  }, 60_000);

  test("one that is away at the start is waited for", async () => {
    await cluster.stop();
    let store: Store;
    try {
      store = await open();
      expect(store.state()).toMatchObject({ kind: "postgres", ok: false });
      expect(store.state().problem).toMatch(/nothing listens at PostgreSQL's address/);
      store.putIncidents([incident(1)]);
    } finally {
      await cluster.start();
    }
    await until(() => store.state().ok && store.state().queued === 0, 30_000);
    expect((await store.incidents({})).items).toEqual([incident(1)]);
    await store.close();
  }, 60_000);
});
