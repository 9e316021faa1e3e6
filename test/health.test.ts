// Active checks, end to end: what they take out of use gets no requests, what is well again gets them back, and a check
// names the same cause as a visitor's request.
import { createServer, type Server } from "node:net";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { LabRequest } from "../src/lab/fault.ts";
import { pauseUnlessGone } from "../src/lab/good.ts";
import type { Lab } from "../src/lab/server.ts";
import { metricValue } from "./command.ts";
import { exchange, pause, type RunningGateway, startGateway, until } from "./harness.ts";
import { startLastingLab } from "./held.ts";
import { eventsOf, eventsOnce, stands, type UpstreamTold } from "./upstream-events.ts";

type Mode = "good" | "status" | "body" | "silent" | "now and then";

let labs: [Lab, Lab];
let deaf: Server;
let gateway: RunningGateway;
/** What a lab answers to the checks of an upstream: "0 status" → how. */
const modes = new Map<string, Mode>();
/** Checks so far, by the same keys. */
const counts = new Map<string, number>();

function handlerOf(index: number) {
  return async ({ path, gone }: LabRequest) => {
    if (!path.startsWith("/healthz/")) return null;
    const key = `${index} ${path.slice("/healthz/".length)}`;
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    const mode = modes.get(key) ?? "good";
    if (mode === "silent") await pauseUnlessGone(60_000, gone);
    if (mode === "status" || (mode === "now and then" && count % 2 === 0)) return { status: 500, body: "fine\n" };
    return { status: 200, body: mode === "body" ? "starting\n" : "fine\n" };
  };
}

const FAST = { interval: "100ms", "fast-interval": "40ms", timeout: "400ms" };

beforeAll(async () => {
  labs = [await startLastingLab({ handler: handlerOf(0) }), await startLastingLab({ handler: handlerOf(1) })];
  const both = labs.map(({ address }) => address);
  // It accepts, and never says a word.
  deaf = createServer((socket) => socket.on("error", () => socket.destroy()));
  await new Promise<void>((resolve) => deaf.listen(0, "127.0.0.1", resolve));
  const address = deaf.address();
  const port = typeof address === "object" ? address?.port : 0;
  const checked = (name: string, more: object = {}): object => ({
    endpoints: both,
    health: { path: `/healthz/${name}`, body: "fine", ...FAST },
    hold: "off",
    ...more,
  });
  const upstreams: Record<string, unknown> = {
    status: checked("status"),
    body: checked("body"),
    silent: checked("silent"),
    flap: checked("flap"),
    held: checked("held", { hold: { for: "15s" } }),
    brief: checked("brief", { hold: { for: "300ms" } }),
    panic: checked("panic", { panic: "60%" }),
    refusing: checked("refusing"),
    paced: { endpoints: [both[0]], health: { path: "/healthz/paced", ...FAST } },
    cause: { endpoints: [both[0]], health: { path: "/healthz/cause", ...FAST, timeout: "200ms" }, eject: "off" },
    live: { endpoints: [both[0]], timeouts: { head: "200ms" }, retry: "off", keepalive: "off" },
    tcp: { endpoints: [`127.0.0.1:${port}`], health: { tcp: true, ...FAST } },
  };
  const routes = Object.keys(upstreams).map((name) => ({ path: `/${name}/*`, strip: `/${name}`, proxy: name }));
  gateway = await startGateway({ upstreams, routes });
});

afterAll(async () => {
  await gateway?.stop("SIGKILL");
  deaf?.close();
  await Promise.all((labs ?? []).map((lab) => lab.close()));
});

afterEach(async () => {
  modes.clear();
  for (const lab of labs) {
    lab.clear();
    await lab.listen();
  }
});

const get = (target: string) => exchange(gateway.port, `GET ${target} HTTP/1.1\r\nHost: shop.test\r\n\r\n`);

/** Requests of visitors that reached each lab while `requests` were sent. */
async function spread(upstream: string, requests = 8): Promise<number[]> {
  for (const lab of labs) lab.clear();
  for (let n = 0; n < requests; n++) expect((await get(`/${upstream}/lab/echo`)).status).toBe(200);
  return labs.map((lab) => lab.deliveriesOf("/lab/echo").length);
}

const checksOf = (lab: Lab, name: string) => lab.deliveriesOf(`/healthz/${name}`);

test.each(["status", "body", "silent"] as const)(
  "checks that fail by %s take an endpoint out; it gets no requests until they are good again",
  async (name) => {
    expect(await spread(name)).toEqual([4, 4]);
    modes.set(`0 ${name}`, name);
    await stands(gateway, name, "health-down", labs[0].address);
    expect(await spread(name)).toEqual([0, 8]);
    modes.clear();
    await stands(gateway, name, "health-up", labs[0].address);
    expect(await spread(name)).toEqual([4, 4]);
    expect((await eventsOf(gateway, name)).map(({ kind }) => kind)).toEqual(["health-down", "health-up"]);
    const text = await (await fetch(`${gateway.consoleUrl}/metrics`)).text();
    const labels = { upstream: name, endpoint: labs[0].address };
    for (const kind of ["health-down", "health-up"])
      expect(metricValue(text, "goodgate_upstream_events_total", { ...labels, kind })).toBe(1);
  },
);

test("checks that fail every other time change nothing", async () => {
  modes.set("0 flap", "now and then");
  await until(
    () => checksOf(labs[0], "flap").length >= 16,
    10_000,
    () => `${checksOf(labs[0], "flap").length} checks`,
  );
  expect(await eventsOf(gateway, "flap")).toEqual([]);
});

test("the checks of an endpoint take turns between a fresh connection and the one that is kept", async () => {
  await until(
    () => checksOf(labs[0], "paced").length >= 9,
    10_000,
    () => `${checksOf(labs[0], "paced").length} checks`,
  );
  const seen = checksOf(labs[0], "paced").slice(0, 9);
  const places = seen.map(({ requestIndexOnConnection }) => requestIndexOnConnection);
  const first = places[0]!;
  expect(places).toEqual(places.map((_, n) => (n + first) % 2));
  for (const [n, { connectionId }] of seen.entries()) {
    if (places[n] === 1 && n > 0) expect(connectionId).toBe(seen[n - 1]!.connectionId);
    if (places[n] === 0 && n > 0) expect(connectionId).not.toBe(seen[n - 1]!.connectionId);
  }
  expect(seen[0]!.headers).toContainEqual(["User-Agent", "goodgate-health"]);
});

test("all down: requests wait, and go on when one is up again", async () => {
  modes.set("0 held", "status").set("1 held", "silent");
  await stands(gateway, "held", "outage-begun");
  const waiting = [get("/held/lab/echo"), get("/held/lab/echo?2")];
  await pause(200);
  expect(labs.map((lab) => lab.deliveriesOf("/lab/echo").length)).toEqual([0, 0]);
  modes.delete("1 held");
  expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200]);
  expect(labs.map((lab) => lab.deliveriesOf("/lab/echo").length)).toEqual([0, 2]);
});

test("all down for longer than hold.for: 503 with the reason in the log, and Retry-After", async () => {
  modes.set("0 brief", "body").set("1 brief", "body");
  await stands(gateway, "brief", "outage-begun");
  const { status, fields } = await get("/brief/lab/echo");
  expect([status, fields.has("retry-after")]).toEqual([503, true]);
  expect(fields.get("proxy-status")).toContain("error=destination_unavailable");
  await until(
    () => /no-healthy-upstream brief.*fails its health check: body without “fine”/.test(gateway.output()),
    3000,
    () => gateway.output(),
  );
});

test("panic: where less than the share is well, what accepts connections is used", async () => {
  modes.set("0 panic", "status");
  await stands(gateway, "panic", "health-down", labs[0].address);
  expect(await spread("panic")).toEqual([4, 4]);
  modes.set("1 panic", "status");
  await stands(gateway, "panic", "health-down", labs[1].address);
  expect(await spread("panic")).toEqual([4, 4]);
});

test("an endpoint that refuses the checks is left out before any request has to find out", async () => {
  labs[0].crash(600_000);
  await stands(gateway, "refusing", "endpoint-gone", labs[0].address);
  for (let n = 0; n < 4; n++) {
    const id = `refusing-${n}`;
    await exchange(gateway.port, `GET /refusing/lab/echo HTTP/1.1\r\nHost: a\r\nX-Request-Id: ${id}\r\n\r\n`);
    expect(await gateway.entryOf(id)).toMatchObject({ status: 200, attempts: 1, endpoint: labs[1].address });
  }
  await labs[0].listen();
  await stands(gateway, "refusing", "health-up", labs[0].address);
  expect(await spread("refusing")).toEqual([4, 4]);
});

test("tcp: what accepts connections passes, and what stops to is found", async () => {
  let connections = 0;
  deaf.on("connection", () => connections++);
  await until(
    () => connections >= 6,
    5000,
    () => `${connections} connections`,
  );
  expect(await eventsOf(gateway, "tcp")).toEqual([]);
  deaf.close();
  await stands(gateway, "tcp", "endpoint-gone");
  await stands(gateway, "tcp", "outage-begun");
});

test.each(["garbage-head", "reset-before-head", "stall-head", "close-mid-head", "app-503"] as const)(
  "a check that meets %s names the cause that a visitor's request names",
  async (fault) => {
    await until(
      () => checksOf(labs[0], "cause").length >= 2,
      5000,
      () => "no checks",
    );
    const before = (await eventsOf(gateway, "cause")).length;
    labs[0].setFault(fault, { ms: 60_000 });
    const isDown = ({ kind }: UpstreamTold): boolean => kind === "health-down";
    const seen = await eventsOnce(gateway, "cause", (all) => all.slice(before).some(isDown));
    const id = `cause-${fault}`;
    await exchange(gateway.port, `GET /live/lab/echo HTTP/1.1\r\nHost: a\r\nX-Request-Id: ${id}\r\n\r\n`);
    const { status, cause } = await gateway.entryOf(id);
    const found = seen.findLast(isDown)!.cause;
    // The upstream's own error is passed on: its cause is not the gateway's.
    if (fault === "app-503") expect([status, found]).toEqual([503, "upstream-error-passthrough"]);
    else expect(found).toBe(cause);
    expect(found).toBeTruthy();
    labs[0].clear();
    await stands(gateway, "cause", "outage-ended");
  },
);
