import type { SrvRecord } from "node:dns";
import { expect, test } from "vitest";
import { queryBy } from "./name-query.ts";

const record = (name: string, priority: number, weight: number): SrvRecord => ({ name, port: 8000, priority, weight });

function queryOf(records: readonly SrvRecord[]) {
  const asked: string[] = [];
  const query = queryBy(
    async (host) => {
      asked.push(host);
      if (host.startsWith("gone")) throw Object.assign(new Error(host), { code: "ENOTFOUND" });
      return [{ address: `192.0.2.${asked.length}`, ttl: 7 }];
    },
    async (name) => {
      asked.push(name);
      return records;
    },
  );
  return { asked, query };
}

test("without a service the addresses are asked for", async () => {
  const { asked, query } = queryOf([]);
  expect(await query("app.test", "")).toEqual([{ address: "192.0.2.1", ttl: 7 }]);
  expect(asked).toEqual(["app.test"]);
});

test("a service is asked for by its record; the lowest priority is in front, the others are backups", async () => {
  const { asked, query } = queryOf([record("b.test", 20, 0), record("a.test", 10, 6)]);
  const found = await query("app.test", "http");
  expect(asked[0]).toBe("_http._tcp.app.test");
  expect(found.map(({ server, port, weight, backup, ttl }) => ({ server, port, weight, backup, ttl }))).toEqual([
    { server: "b.test", port: 8000, weight: 1, backup: true, ttl: 7 },
    { server: "a.test", port: 8000, weight: 6, backup: false, ttl: 7 },
  ]);
});

test("a service with a dot stands before the name as it is", async () => {
  const { asked, query } = queryOf([record("a.test", 1, 1)]);
  await query("app.test", "_http._udp");
  expect(asked[0]).toBe("_http._udp.app.test");
});

test("targets without an address are left out, unless all are", async () => {
  const { query } = queryOf([record("gone.test", 1, 1), record("a.test", 1, 1)]);
  expect((await query("app.test", "http")).map(({ server }) => server)).toEqual(["a.test"]);
  await expect(queryOf([record("gone.test", 1, 1)]).query("app.test", "http")).rejects.toThrow("gone.test");
});
