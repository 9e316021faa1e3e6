// goodgate top: the picture as lines, the keys, one picture for scripts. In a real terminal: test/top.test.ts.
import { afterEach, expect, test, vi } from "vitest";
import type { EndpointNow, Now, Rates, UpstreamNow } from "../console/model.ts";
import { widthOf } from "../doctor/report/columns.ts";
import { type FakeConsole, fakeConsole, incidentOf } from "./api.fixture.ts";
import { rowOf } from "./incidents-source.ts";
import { topCommand } from "./top.ts";
import { BEGIN, endpointsOf, keysIn, pressed, type TopState, told } from "./top-state.ts";
import { topLines } from "./top-view.ts";

const AT = 1_800_000_100_000;
const rates = (perSecond: number, shownPerSecond = 0, p95Ms: number | null = 12): Rates => ({
  perSecond,
  shownPerSecond,
  savedPerSecond: 0,
  ownErrorsPerSecond: 0,
  causes: {},
  p50Ms: p95Ms === null ? null : 3,
  p95Ms,
  p99Ms: p95Ms,
});
const endpoint = (label: string, more: Partial<EndpointNow> = {}): EndpointNow => ({
  label,
  state: "ok",
  why: "",
  since: null,
  weight: 1,
  configuredWeight: 1,
  backup: false,
  active: 2,
  connections: 4,
  idle: 2,
  keepAliveMs: null,
  keepAliveFrom: null,
  rates: rates(10),
  ...more,
});
const upstream = (name: string, endpoints: readonly EndpointNow[], more: Partial<UpstreamNow> = {}): UpstreamNow => ({
  name,
  balance: "round-robin",
  rates: rates(30),
  held: 0,
  queued: 0,
  inFlight: 3,
  breaker: "closed",
  awaySince: null,
  panicking: false,
  endpoints,
  ...more,
});
const GONE = {
  state: "gone",
  why: "refused a connection (ECONNREFUSED)",
  since: AT - 61_000,
  rates: rates(0, 0, null),
} as const;
const nowOf = (more: Partial<Now> = {}): Now => ({
  at: AT,
  gateway: {
    id: "g1",
    name: "goodgate",
    version: "1.0.0",
    startedAt: AT - 182_000,
    processes: 1,
    connections: 31,
    cpu: 0.12,
    rssBytes: 90_000_000,
    ready: true,
    reasons: [],
    file: null,
    language: "yaml",
    demo: true,
  },
  all: rates(102.4, 0.4),
  listeners: [{ label: ":8080", tls: false }],
  routes: [],
  upstreams: [
    upstream("shop", [
      endpoint("shop-1"),
      endpoint("shop-2", GONE),
      endpoint("shop-3", { weight: 5, rates: rates(20, 1, 80) }),
    ]),
    upstream("api", [endpoint("api-1")], { rates: rates(90) }),
  ],
  incidents: [rowOf(incidentOf("i01aaaaaaaaaaaa"))],
  openIncidents: 1,
  problems: [],
  ...more,
});
const look = { colour: false, columns: 100, rows: 24, now: AT };
const begin = (now = nowOf()): TopState => told(BEGIN, now, AT);
const text = (state: TopState, more = {}): string => topLines(state, { ...look, ...more }).join("\n");
const press = (state: TopState, keys: string): TopState =>
  keysIn(keys).reduce((before, key) => pressed(before, key)[0], state);
const shown = (state: TopState): string =>
  endpointsOf(state)
    .map((one) => one.endpoint.label)
    .join(" ");

test("the picture: state in words, figures, endpoints by symbol and word with the reason", () => {
  const picture = text(begin());
  for (const part of [
    "goodgate 1.0.0 · up 3 min 2 s · :8080",
    "▲ visitors see errors: shop-2 refuses connections",
    "102/s",
    "0.4 errors/s (0.4 %)",
    "p95 12 ms",
    "31 connections",
    "● ok",
    "■ gone",
    "1 min 1 s: refused a con",
    "q quit",
  ])
    expect(picture).toContain(part);
  expect(picture.split("\n")).toHaveLength(24);
  expect(text(begin(), { columns: 140 })).toContain("    5*");
});

test.each([
  ["● all is well", { all: rates(5), incidents: [], openIncidents: 0, upstreams: [upstream("a", [endpoint("a-1")])] }],
  ["◆ visitors see none of it: shop-2 is out", { all: rates(5), incidents: [], openIncidents: 0 }],
  ["◆ visitors see none of it: shop-2", { all: rates(5) }],
  ["■ not ready: draining", { gateway: { ...nowOf().gateway, ready: false, reasons: ["draining"] } }],
  [
    "■ no endpoint of shop can be used",
    { upstreams: [upstream("shop", [endpoint("a", GONE)], { awaySince: AT - 5000 })] },
  ],
  ["! the disk is full", { problems: ["the disk is full"] }],
])("in words: %s", (words, more) => {
  expect(text(begin(nowOf(more)))).toContain(words);
});

test("what is old says so, and what is not there yet, too", () => {
  expect(text({ ...begin(), problem: "no gateway answers" }, { now: AT + 90_000 })).toContain(
    "? no gateway answers; this is 1 min 30 s old",
  );
  expect(text(BEGIN)).toContain("asking the gateway …");
});

test.each([40, 60, 80, 100, 200])("at %i columns no line is wider, and every row is one line", (columns) => {
  for (const rows of [2, 6, 12, 40]) {
    for (const state of [begin(), press(begin(), "i"), press(begin(), "jd")]) {
      const lines = topLines(state, { ...look, columns, rows });
      expect(lines).toHaveLength(rows);
      for (const line of lines) expect(widthOf(line), line).toBeLessThanOrEqual(columns);
      // Colours take no room.
      const strip = (line: string): string => line.replace(/\x1b\[\d+m/g, "");
      expect(topLines(state, { ...look, columns, rows, colour: true }).map(strip)).toEqual(lines);
    }
  }
});

test("what requests bring cannot steer the terminal", () => {
  const evil = endpoint("a\x1b[2Jb", { state: "ejected", why: "x\ny\x9b31m" });
  const picture = text(begin(nowOf({ upstreams: [upstream("u\r", [evil])] })));
  expect(picture).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
});

test("with 500 endpoints the selected one is in sight, and what is not is counted", () => {
  const many = Array.from({ length: 500 }, (_, n) => endpoint(`10.0.${n >> 8}.${n & 255}:80`));
  let state = begin(nowOf({ upstreams: [upstream("big", many)] }));
  state = press(state, "j".repeat(250));
  const picture = text(state);
  expect(picture).toContain("›  10.0.0.250:80");
  expect(picture).toMatch(/… \d+ more above/);
  expect(picture).toMatch(/… \d+ more below/);
  expect(text(press(state, "G"))).toContain("›  10.0.1.243:80");
});

test("keys: move, sort, views; what is selected stays so when the order changes", () => {
  const state = press(begin(), "jj");
  expect(endpointsOf(state)[state.selected]!.endpoint.label).toBe("shop-3");
  const sorted = press(state, "s");
  expect(sorted.sort).toBe("rate");
  expect(shown(sorted)).toBe("api-1 shop-3 shop-1 shop-2");
  expect(endpointsOf(sorted)[sorted.selected]!.endpoint.label).toBe("shop-3");
  expect(shown(press(sorted, "sss"))).toBe("shop-2 shop-1 shop-3 api-1");
  expect(press(sorted, "ssss").sort).toBe("file");
  const moved = told(state, nowOf({ upstreams: [upstream("shop", [endpoint("shop-3")])] }), AT);
  expect(moved.selected).toBe(0);
  expect(press(begin(), "\x1b[B\x1b[A\x1bOB").selected).toBe(1);
  expect(press(begin(), "kkk").selected).toBe(0);
  const incidents = press(begin(), "i");
  expect(text(incidents)).toContain("shop-2 (127.0.0.1:8512) refuses connections since");
  expect(press(incidents, "d").message).toContain("select an endpoint");
  expect(pressed(begin(), "q")[1]).toBe("quit");
  expect(pressed(begin(), "\x03")[1]).toBe("quit");
});

test("drain and enable are asked for, done with y, and not with any other key", () => {
  const asked = press(begin(), "jd");
  expect(text(asked)).toContain("drain shop-2 of shop? y yes, n no");
  expect(pressed(asked, "y")[1]).toEqual({ do: "drain", upstream: "shop", endpoint: "shop-2" });
  for (const key of ["n", "x", "j"]) {
    const [state, deed] = pressed(asked, key);
    expect([state.confirm, deed, state.message]).toEqual([null, null, "nothing was done"]);
  }
  expect(pressed(press(begin(), "e"), "y")[1]).toMatchObject({ do: "enable", endpoint: "shop-1" });
});

let fake: FakeConsole | undefined;
afterEach(async () => {
  vi.restoreAllMocks();
  await fake?.close();
  fake = undefined;
});

/** A console that tells the state, streams it, and takes actions. */
async function running(): Promise<FakeConsole> {
  return fakeConsole(({ method, url, body }, response) => {
    if (url.pathname === "/api/v1/now") return { status: 200, body: nowOf() };
    if (method === "POST") return { status: 200, body: { ok: true, said: `done: ${(body as { do: string }).do}` } };
    if (url.pathname !== "/api/v1/live") return undefined;
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.write(`retry: 2000\n\n: alive\n\nid: 1\nevent: now\ndata: ${JSON.stringify(nowOf())}\n\n`);
    return null;
  });
}

test("--once prints one picture with the incidents, --json one document; without a console exit code 2", async () => {
  fake = await running();
  let said = "";
  vi.spyOn(process.stdout, "write").mockImplementation((chunk, done) => {
    said += chunk;
    (done as unknown as (() => void) | undefined)?.();
    return true;
  });
  vi.spyOn(process.stderr, "write").mockImplementation((chunk) => {
    said += chunk;
    return true;
  });
  expect(await topCommand({ console: fake.address, once: true })).toBe(0);
  expect(said).toContain("■ gone");
  expect(said).toContain("refuses connections since");
  expect(said).not.toContain("\x1b[?1049h");
  said = "";
  expect(await topCommand({ console: fake.address, json: true })).toBe(0);
  expect(JSON.parse(said)).toMatchObject({ openIncidents: 1 });
  said = "";
  expect(await topCommand({ console: "127.0.0.1:1", once: true })).toBe(2);
  expect(said).toContain("goodgate top: no gateway's console answers");
});
