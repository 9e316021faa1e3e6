// Every fault of the lab that a request or a connection can meet: the probe names the cause that live traffic names.
import { afterAll, beforeAll, expect, test } from "vitest";
import { FAULT_NAMES, FAULTS, type FaultName } from "../../lab/faults.ts";
import { type Lab, startLab } from "../../lab/server.ts";
import { probing, tryOf } from "./probe.fixture.ts";

/** Where a probe sees something else than a gateway in its place. */
const OTHERWISE: Partial<Record<FaultName, string>> = {
  // It stops after 1 MiB, and has no limit of its own for bodies.
  "oversized-body": "good",
  // What a gateway passes on, the probe decodes.
  "broken-gzip": "response-encoding-invalid",
};

const met = FAULT_NAMES.filter((name) => {
  const { how, provoke, stage } = FAULTS[name];
  return (how === "accept" || how === "request") && provoke === "get" && name !== "crash" && stage !== "app";
});

let lab: Lab;
beforeAll(async () => {
  lab = await startLab();
});
afterAll(() => lab.close());

/** What the first request finds: "good", or the cause. */
async function found(name: FaultName): Promise<string> {
  const atAccept = FAULTS[name].how === "accept";
  const address = atAccept ? (await lab.listener(name)).address : lab.address;
  const evidence = await probing(address, {
    target: { role: "endpoint", path: atAccept ? "/" : `/lab/fault/${name}` },
    limits: { requestsMax: 1, headMs: 1_000, idleMs: 0 },
  });
  return tryOf(evidence, "baseline").failure?.cause ?? "good";
}

test("the probe and live traffic name the same cause", async () => {
  expect(met.length).toBeGreaterThan(60);
  const results: (readonly [FaultName, string])[] = [];
  for (let at = 0; at < met.length; at += 16) {
    const some = met.slice(at, at + 16);
    results.push(...(await Promise.all(some.map(async (name) => [name, await found(name)] as const))));
  }
  const expected = met.map((name) => [name, OTHERWISE[name] ?? FAULTS[name].cause ?? "good"]);
  expect(Object.fromEntries(results)).toEqual(Object.fromEntries(expected));
});
