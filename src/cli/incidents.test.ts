// goodgate incidents against a console, and without one.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { widthOf } from "../doctor/report/columns.ts";
import { buildStore } from "../store/built.fixture.ts";
import { openStore } from "../store/store.ts";
import { attemptOf, consoleWith, type FakeConsole, failureOf, fakeConsole, incidentOf } from "./api.fixture.ts";
import { consolePlace } from "./ask-console.ts";
import { type IncidentsOptions, incidentsCommand } from "./incidents.ts";
import { rowOf } from "./incidents-source.ts";
import { duration, failureText, incidentText, listText } from "./incidents-text.ts";
import { phasesOf } from "./incidents-waterfall.ts";

const INCIDENTS = [
  incidentOf("i01aaaaaaaaaaaa"),
  incidentOf("i01aabbbbbbbbbb", { closedAt: 1_800_000_090_000, severity: "saved" }),
  incidentOf("i02cccccccccccc", { closedAt: 1_800_000_070_000 }),
];
const FAILURES = [
  failureOf("f09post", { method: "POST" }),
  failureOf("f10get"),
  failureOf("f11get", { incident: "i02cccccccccccc", method: "PUT" }),
];

let fake: FakeConsole;
let said = "";
let complained = "";

beforeEach(async () => {
  fake = await fakeConsole(consoleWith(INCIDENTS, FAILURES));
  said = "";
  complained = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text, done) => {
    said += text;
    (done as unknown as (() => void) | undefined)?.();
    return true;
  });
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    complained += text;
    return true;
  });
  vi.stubEnv("GOODGATE_CONSOLE_TOKEN", "t0ken");
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await fake.close();
});

const run = (args: string, options: IncidentsOptions = {}): Promise<number> =>
  incidentsCommand(args.split(" ").filter(Boolean), { console: fake.address, ...options });

test("list: state in words, how long, what it is, and exit code 1 while one is open", async () => {
  expect(await run("")).toBe(1);
  expect(said).toContain("3 incidents, 1 open.");
  expect(said).toMatch(
    /▲ degraded open .* for .* 2 shown, 50 saved {2}i01aaaaaaaaaaaa\n {2}shop-2 refuses connections/,
  );
  expect(said).toMatch(/◆ saved {4}over .* lasted 1 min 30 s/);
  expect(fake.asked[0]!.token).toBe("Bearer t0ken");
});

test("list: its options become the query, and --json is one document", async () => {
  await run("list", { open: true, since: "24h", upstream: "shop", cause: "connect-refused", limit: "7", json: true });
  const { searchParams } = fake.asked.at(-1)!.url;
  expect(Object.fromEntries(searchParams)).toMatchObject({
    state: "open",
    upstream: "shop",
    cause: "connect-refused",
    limit: "7",
    gateway: "all",
  });
  expect(Number(searchParams.get("to")) - Number(searchParams.get("from"))).toBeGreaterThan(86_000_000);
  expect(JSON.parse(said)).toMatchObject({ from: `http://${fake.address}`, total: 3 });
});

test("show: by the beginning of an id; verdict, reasons, fix, timeline and a drawn failure", async () => {
  expect(await run("show i02")).toBe(0);
  expect(await run("show i01aaa")).toBe(0);
  for (const part of [
    "refuses connections since",
    "proven · process-down",
    "52 failures, 2 shown as an error, 50 failed over",
    "Why\n  - 52 connections were refused",
    "systemctl status shop-2",
    "What to do",
    "Could also be\n  - a firewall (against it:",
    "shop-2 gets no requests",
    "attempt 1: shop-2",
    "connect",
    "attempt 2: shop-3, 200",
  ])
    expect(said).toContain(part);
  expect(said).not.toContain("\x1b[31mred");
  expect(said).toContain("\\x1b[31mred");
});

test("an id that means several, or none, is told", async () => {
  expect(await run("show i01")).toBe(2);
  expect(complained).toContain("i01 is the beginning of 2 ids: i01aaaaaaaaaaaa, i01aabbbbbbbbbb");
  expect(await run("show i99")).toBe(2);
  expect(complained).toContain("there is no incident i99");
});

test("replay: a failure, the first safe one of an incident, an endpoint of choice", async () => {
  expect(await run("replay f10get", { endpoint: "shop shop-1" })).toBe(0);
  expect(fake.asked.at(-1)!.body).toEqual({ endpoint: "shop shop-1" });
  expect(said).toContain("It is answered now");
  expect(said).toContain("- status: no answer then, 200 now");
  expect(await run("replay i01aaaaaaaaaaaa")).toBe(0);
  expect(fake.asked.at(-1)!.url.pathname).toBe("/api/v1/failures/f10get/replay");
  expect(await run("replay f09")).toBe(1);
  expect(await run("replay i02")).toBe(2);
  expect(complained).toContain("none of its kept failures is a GET, HEAD or OPTIONS");
});

test.each([
  ["explode", {}, 'there is no "explode"'],
  ["show", {}, "show needs an id"],
  ["list extra", {}, "too many words"],
  ["list", { since: "soon" }, "--since soon is no duration"],
  ["list", { limit: "0" }, "--limit 0 is no whole number from 1 to 500"],
  ["list", { console: "not an address" }, "--console not an address"],
  ["replay f99", {}, "no failure and no incident"],
])("wrong usage: %s %o", async (args, options, words) => {
  expect(await run(args, options)).toBe(2);
  expect(complained).toContain(words);
});

test("without a gateway the store is read; without either both are told", async () => {
  const folder = mkdtempSync(join(tmpdir(), "goodgate-"));
  vi.stubEnv("GOODGATE_CONSOLE", "127.0.0.1:1");
  expect(await incidentsCommand([], { data: folder })).toBe(2);
  expect(complained).toMatch(/no gateway's console answers at http:\/\/127\.0\.0\.1:1, and there is no store in/);
  rmSync(folder, { recursive: true });
  complained = "";
  // A console that was named, and is away, is not replaced.
  expect(await incidentsCommand([], { console: "127.0.0.1:1" })).toBe(2);
  expect(complained).not.toContain("store");
});

test("what a gateway has left in its folder is read, without the gateway", { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "goodgate-"));
  const gateway = { id: "g1", name: "g", host: "h", version: "1", startedAt: 1, seenAt: 1 };
  const keep = { forMs: 1e15, bytes: 100 * 1024 * 1024 };
  const built = await buildStore();
  const store = await openStore({ target: { kind: "sqlite", folder }, gateway, keep }, { thread: built.thread });
  store.putIncidents(INCIDENTS);
  store.putFailures(FAILURES);
  await store.flush();
  await store.close();
  built.remove();
  vi.stubEnv("GOODGATE_CONSOLE", "127.0.0.1:1");
  expect(await incidentsCommand([], { data: folder })).toBe(1);
  expect(said).toContain(`3 incidents, 1 open. the store in ${folder}`);
  expect(await incidentsCommand(["show", "i02"], { data: folder, json: true })).toBe(0);
  expect(await incidentsCommand(["replay", "f10get"], { data: folder })).toBe(2);
  expect(complained).toContain("no gateway runs that could send it");
  rmSync(folder, { recursive: true });
});

test("a refusal of the console is told in its words", async () => {
  await fake.close();
  fake = await fakeConsole(() => ({
    status: 401,
    body: { title: "A token is needed", detail: "A token is needed: …" },
  }));
  expect(await run("list")).toBe(2);
  expect(complained).toContain("A token is needed: …");
});

test("addresses of a console", () => {
  expect(consolePlace(":8502")).toMatchObject({ url: "http://127.0.0.1:8502", tls: false });
  expect(consolePlace("https://console.example")).toMatchObject({ url: "https://console.example:443", tls: true });
  expect(consolePlace("[::1]:9/")).toMatchObject({ url: "http://[::1]:9" });
  expect(consolePlace("unix:/run/c.sock")).toMatchObject({ address: { kind: "unix", path: "/run/c.sock" } });
});

test("nothing is wider than the terminal, but code to be copied", () => {
  const long = incidentOf("i1", {
    verdict: {
      ...incidentOf("x").verdict,
      sentence: "word ".repeat(80),
      short: "漢字".repeat(60),
      reasons: ["r".repeat(300)],
    },
  });
  for (const columns of [50, 80, 110]) {
    const look = { colour: false, columns, now: 1_800_000_100_000 };
    const text = listText([rowOf(long)], 1, "here", look) + incidentText(long, FAILURES, look);
    for (const line of text.split("\n")) expect(widthOf(line), line).toBeLessThanOrEqual(columns);
  }
});

test("the phases of an attempt: each from where the one before ended, the last failed", () => {
  const names = (more: object) => phasesOf(attemptOf(more)).map(({ name, failed }) => `${name}${failed ? "!" : ""}`);
  expect(names({})).toEqual(["resolve", "connect!"]);
  expect(names({ tcpMs: 1, connectedMs: null, cause: "tls-failed" })).toEqual(["resolve", "connect", "tls!"]);
  const waited = { tcpMs: 1, connectedMs: 1, sentMs: 1, cause: "response-timeout" };
  expect(names(waited)).toEqual(["resolve", "connect", "write", "wait!"]);
  expect(names({ reused: true, sentMs: 0.1 })).toEqual(["write", "wait!"]);
  expect(names({ tcpMs: 1, connectedMs: 2, sentMs: 2, headMs: 3, status: 200 })).toEqual([
    "resolve",
    "connect",
    "tls",
    "write",
    "wait",
    "body!",
  ]);
  const held = failureText(failureOf("f", { heldMs: 1500, attempts: [] }), { colour: true, columns: 80, now: 0 });
  expect(held).toContain("held for 1.5 s");
});

test("durations in words", () => {
  const all = [0, 59_000, 60_000, 130_000, 3_600_000, 11_100_000, 90_000_000].map(duration);
  expect(all).toEqual(["0 s", "59 s", "1 min", "2 min 10 s", "1 h", "3 h 5 min", "1 d 1 h"]);
});
