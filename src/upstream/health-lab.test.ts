// Every fault of the lab that a request or a connection can meet: the check names the cause that live traffic names.
import { afterAll, beforeAll, expect, test } from "vitest";
import { FAULT_NAMES, FAULTS, type FaultName } from "../lab/faults.ts";
import { type Lab, startLab } from "../lab/server.ts";
import { diallerTo } from "./health-check.fixture.ts";
import { type CheckResult, checkRequest, HealthCheck } from "./health-check.ts";

/** Where a check sees less than live traffic: it stops after 64 KiB, and has one deadline over the whole body. */
const OTHERWISE: Partial<Record<FaultName, string>> = {
  "oversized-body": "good",
  "drip-body": "response-body-timeout",
};

const met = FAULT_NAMES.filter((name) => {
  const { how, provoke } = FAULTS[name];
  return (how === "accept" || how === "request") && provoke === "get" && name !== "crash";
});

let lab: Lab;
beforeAll(async () => {
  lab = await startLab();
});
afterAll(() => lab.close());

/** What a check finds: "good", or the cause, or what it objects to. */
async function found(name: FaultName): Promise<string> {
  const atAccept = FAULTS[name].how === "accept";
  const address = atAccept ? (await lab.listener(name)).address : lab.address;
  const [host = "", port] = address.split(":");
  const result = await new Promise<CheckResult>((resolve) => {
    const plan = {
      dialler: diallerTo({ kind: "tcp", host, port: Number(port) }),
      label: address,
      request: checkRequest(atAccept ? "/" : `/lab/fault/${name}?${name === "drip-body" ? "ms=60000" : ""}`, address),
      statuses: [[200, 299]] as const,
      body: null,
      // Long enough for a busy machine; the faults that are silent are so for longer.
      timeoutMs: 1_500,
    };
    const check = new HealthCheck(plan, (checked) => {
      check.kept?.discard();
      resolve(checked);
    });
    check.start(null);
  });
  return result.good ? "good" : (result.failure?.cause ?? result.detail);
}

test("a check and live traffic name the same cause", async () => {
  expect(met.length).toBeGreaterThan(60);
  const results = await Promise.all(met.map(async (name) => [name, await found(name)] as const));
  const expected = met.map((name) => [name, OTHERWISE[name] ?? FAULTS[name].cause ?? "good"]);
  expect(Object.fromEntries(results)).toEqual(Object.fromEntries(expected));
});
