// A storm of failures: thousands of one kind, one of another, good traffic between them. All are counted, a bounded and
// fair choice is kept whole, and what is good stays good. (What a failure costs is measured by bench/capture.mjs.)
import { Agent, request } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Lab, startLab } from "../src/lab/server.ts";
import { metricValue } from "./command.ts";
import { pause, type RunningGateway, startGateway } from "./harness.ts";

const STORM = 6_000;
const LANES = 60;
/** Nothing may listen there: it needs rights that tests should not use. */
const NOBODY = "127.0.0.1:1";

let lab: Lab;
let gateway: RunningGateway;
const agent = new Agent({ keepAlive: true, maxSockets: LANES });

beforeAll(async () => {
  lab = await startLab();
  gateway = await startGateway({
    upstreams: {
      dead: { endpoints: [NOBODY], hold: "off", breaker: "off" },
      shop: { endpoints: [lab.address], retry: { attempts: 1 } },
    },
    routes: [
      { name: "dead", path: "/dead/*", proxy: "dead" },
      { name: "shop", path: "/", proxy: "shop" },
    ],
    log: { failures: "off" },
  });
});

afterAll(async () => {
  agent.destroy();
  await gateway?.stop("SIGKILL");
  await lab?.close();
});

test("thousands of one kind hide nothing, keep little, and cost the others nothing", async () => {
  let next = 0;
  const good: number[] = [];
  const lane = async (): Promise<void> => {
    while (next < STORM) {
      const number = next++;
      // A distinct path each: what is gathered of them must stay small.
      expect(await status(`/dead/${number}?token=secret-${number}`)).toBe(502);
      if (number % 20 === 0) good.push(await status("/lab/echo"));
      if (number === STORM / 2) expect(await status("/lab/fault/garbage-head")).toBe(502);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  expect(good.every((each) => each === 200)).toBe(true);

  await look();
  const incidents = seen ?? [];
  const storm = incidents.find(({ upstream }) => upstream === "dead")!;
  expect(storm.cause).toBe("connect-refused");
  expect(storm.shown).toBe(STORM);
  expect(incidents.filter(({ upstream }) => upstream === "dead")).toHaveLength(1);
  // The rare one is an incident of its own, with its evidence.
  const rare = incidents.find(({ upstream }) => upstream === "shop")!;
  expect(rare.shown).toBe(1);
  const kept = await api<{ items: { target: string }[] }>("failures?limit=500");
  expect(kept.items.length).toBeLessThanOrEqual(500);
  const ofRare = await api<{ items: unknown[] }>(`failures?incident=${rare.id}`);
  expect(ofRare.items.length).toBe(1);
  expect(JSON.stringify(kept)).not.toContain("secret-");

  const metrics = await (await fetch(`${gateway.consoleUrl}/metrics`)).text();
  expect(metricValue(metrics, "goodgate_shown_total", { upstream: "dead", cause: "connect-refused" })).toBe(STORM);
  expect(metricValue(metrics, "goodgate_observer_errors_total")).toBe(0);
}, 120_000);

interface Row {
  readonly id: string;
  readonly upstream: string;
  readonly cause: string;
  readonly shown: number;
}

let seen: Row[] | null = null;

/** Asks until the last report has come in. */
async function look(): Promise<void> {
  for (let tries = 0; tries < 100 && seen === null; tries++) {
    const { items } = await api<{ items: Row[] }>("incidents");
    if (items.some(({ upstream, shown }) => upstream === "dead" && shown >= STORM)) seen = items;
    else await pause(100);
  }
}

async function api<T>(path: string): Promise<T> {
  return (await (await fetch(`${gateway.consoleUrl}/api/v1/${path}`)).json()) as T;
}

function status(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request({ port: gateway.port, host: "127.0.0.1", path, agent }, (response) => {
      response.resume();
      response.once("end", () => resolve(response.statusCode ?? 0));
    });
    asked.once("error", reject);
    asked.end();
  });
}
