import { expect, test } from "vitest";
import { startLab } from "../lab/server.ts";
import { introduction, readPlace } from "./lab.ts";

test.each([
  ["127.0.0.1:8503", { host: "127.0.0.1", port: 8503 }],
  [":9000", { host: "127.0.0.1", port: 9000 }],
  ["9000", { host: "127.0.0.1", port: 9000 }],
  ["[::1]:0", { host: "::1", port: 0 }],
  ["lab.local:1", { host: "lab.local", port: 1 }],
  ["host", null],
  ["1.2.3.4:99999", null],
  ["", null],
])("the address %j", (text, place) => {
  expect(readPlace(text)).toEqual(place);
});

test("the introduction names its own address", async () => {
  const lab = await startLab();
  expect(introduction(lab)).toContain(`goodgate run http://${lab.address}`);
  await lab.close();
});
