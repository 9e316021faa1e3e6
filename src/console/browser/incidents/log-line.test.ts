import { expect, test } from "vitest";
import { goodgateLine } from "../../../explain/formats/json-log.ts";
import type { KeptFailure } from "../../../observe/report.ts";
import { logLine } from "./log-line.ts";

const FAILURE = {
  at: Date.UTC(2026, 2, 3, 12, 1, 33, 123),
  cause: "connect-refused",
  outcome: "shown",
  status: 502,
  upstream: "app",
  endpoint: "app-2 (10.0.0.7:3000)",
  route: "/api/*",
  method: "GET",
  host: "shop.example",
  target: "/cart?token=[redacted]",
  sentence: "10.0.0.7:3000 refused the connection (ECONNREFUSED)",
  requestId: "3f2a",
  attempts: [{ cause: "connect-refused", evidence: { address: "10.0.0.7:3000" } }],
} as unknown as KeptFailure;

test("is the line of the log", () => {
  expect(logLine(FAILURE)).toBe(
    "12:01:33.123 502 connect-refused app/10.0.0.7:3000 GET shop.example/cart: 10.0.0.7:3000 refused the connection (ECONNREFUSED) [req 3f2a]",
  );
});

test.each<Partial<KeptFailure>>([
  {},
  { outcome: "saved", status: 200 },
  { outcome: "client-left", status: 0 },
  { upstream: "", endpoint: "", attempts: [] },
  { endpoint: "", attempts: [] },
  { attempts: [] },
])("is read by explain, which finds the cause: %o", (changes) => {
  const facts = goodgateLine.recognise(logLine({ ...FAILURE, ...changes }), {})?.facts;
  expect(facts).toMatchObject({ cause: "connect-refused", method: "GET", host: "shop.example", path: "/cart" });
});
