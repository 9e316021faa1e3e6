// Requests that wait for an upstream while the gateway itself is reloaded or stopped, and while a real process is
// killed and started again.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Lab } from "../src/lab/server.ts";
import { pause, type RunningGateway, startGateway, until } from "./harness.ts";
import { askAt, delivered, down, lastingPort, routesTo, startLastingLab, statusesOf, works } from "./held.ts";
import { seededBytes } from "./origin.ts";
import { stands } from "./upstream-events.ts";

let lab: Lab;
let other: Lab;

beforeAll(async () => {
  [lab, other] = await Promise.all([startLastingLab(), startLastingLab()]);
});

afterAll(async () => {
  await Promise.all([lab?.close(), other?.close()]);
});

afterEach(async () => {
  await Promise.all([lab.listen(), other.listen()]);
  lab.clear();
  other.clear();
});

async function ownGateway(holdFor = "15s"): Promise<RunningGateway> {
  return startGateway({
    upstreams: { app: { endpoints: [lab.address], hold: { for: holdFor } } },
    routes: routesTo(["app"]),
  });
}

test("a reload while requests wait: they are answered after it, by the endpoints that there are then", async () => {
  const own = await ownGateway();
  try {
    for (const moved of [false, true]) {
      await works(own, "app");
      lab.clear();
      down(lab);
      const asked = Array.from({ length: 12 }, (_, n) =>
        askAt(own, "/app/lab/echo", n % 2 ? seededBytes(n, 100_000) : undefined),
      );
      await stands(own, "app", "outage-begun");
      await pause(100);
      const file = join(own.folder, "goodgate.yaml");
      if (moved) writeFileSync(file, readFileSync(file, "utf8").replaceAll(lab.address, other.address));
      const before = own.output().match(/reloaded/g)?.length ?? 0;
      own.process.kill("SIGHUP");
      await until(
        () => (own.output().match(/reloaded/g)?.length ?? 0) > before,
        5000,
        () => own.output(),
      );
      if (!moved) await lab.listen();
      expect(await statusesOf(asked)).toEqual(asked.map(() => 200));
      expect(delivered(moved ? other : lab).sort()).toEqual(asked.map(({ id }) => id).sort());
    }
  } finally {
    await own.stop("SIGKILL");
  }
});

test("SIGTERM while requests wait: they are answered, and the program ends with 0", async () => {
  const own = await ownGateway();
  try {
    await works(own, "app");
    lab.clear();
    down(lab);
    const asked = Array.from({ length: 5 }, (_, n) =>
      askAt(own, "/app/lab/echo", n % 2 ? Buffer.from("x") : undefined),
    );
    await stands(own, "app", "outage-begun");
    await pause(100);
    own.process.kill("SIGTERM");
    await pause(300);
    expect(own.process.exitCode).toBeNull();
    await lab.listen();
    expect(await statusesOf(asked)).toEqual(asked.map(() => 200));
  } finally {
    expect(await own.stop()).toBe(0);
  }
});

test("SIGTERM while requests wait in vain: they get their 503, and the program ends with 0", async () => {
  const own = await ownGateway("1s");
  try {
    await works(own, "app");
    lab.clear();
    down(lab);
    const asked = [askAt(own, "/app/lab/echo", undefined), askAt(own, "/app/lab/echo", Buffer.from("x"))];
    await stands(own, "app", "outage-begun");
    own.process.kill("SIGTERM");
    expect(await statusesOf(asked)).toEqual([503, 503]);
  } finally {
    expect(await own.stop()).toBe(0);
  }
});

const APPLICATION = `
  const server = require("node:http").createServer((request, response) => {
    request.resume().on("end", () => response.end(request.method));
  });
  server.listen(Number(process.argv[1]), "127.0.0.1", () => process.stdout.write("up"));
`;

async function application(port: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, ["-e", APPLICATION, String(port)], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout!, "data");
  return child;
}

test("a process that is killed and started again, twice, under load: no visitor notices", async () => {
  const port = await lastingPort();
  let child = await application(port);
  const own = await startGateway({ upstreams: { app: { endpoints: [`127.0.0.1:${port}`], hold: { for: "15s" } } } });
  const outcomes: { id: string; status: number }[] = [];
  let over = false;
  const worker = async (n: number): Promise<void> => {
    while (!over) {
      const one = askAt(own, "/", n % 4 === 0 ? Buffer.from("order") : undefined);
      outcomes.push({ id: one.id, status: (await one.response).status });
      one.client.close();
      await pause(20);
    }
  };
  try {
    const work = Array.from({ length: 8 }, (_, n) => worker(n));
    for (let round = 0; round < 2; round++) {
      await pause(300);
      child.kill("SIGKILL");
      await once(child, "exit");
      await pause(300);
      child = await application(port);
    }
    await pause(300);
    over = true;
    await Promise.all(work);
    expect(outcomes.length).toBeGreaterThan(50);
    // What had reached the process when it was killed cannot be sent again, if it is no GET.
    for (const { id } of outcomes.filter(({ status }) => status !== 200))
      expect(await own.entryOf(id)).toMatchObject({ method: "POST", cause: "closed-before-response" });
    const held = own.log().filter((entry) => "heldMs" in entry);
    expect(held.length).toBeGreaterThanOrEqual(8);
  } finally {
    child.kill("SIGKILL");
    await own.stop("SIGKILL");
  }
});
