import { expect, test } from "vitest";
import { valuesOf, valuesOfFile, withoutSecrets } from "./values.ts";

const FILE = `listen: ":9000"
upstreams:
  app: "127.0.0.1:3000"
  api:
    endpoints: ["10.0.0.1:80", { address: "10.0.0.2:80", weight: 2 }]
    timeouts: { connect: 1s }
webhooks:
  - url: https://me:pw@hooks.example.com/T0/B0/verysecret
    secret: hallo
store: postgres://gate:geheim@db/goodgate
`;

function find(path: string) {
  return valuesOfFile(FILE, "goodgate.yaml", {}).find((value) => value.path === path);
}

test("a written value has its line, another its default, as people write them", () => {
  expect(find("listen")).toEqual({ path: "listen", value: ":9000", from: "file", line: 1 });
  expect(find("upstreams.api.timeouts.connect")).toMatchObject({ value: "1s", from: "file", line: 6 });
  expect(find("upstreams.api.timeouts.head")).toMatchObject({ value: "30s", from: "default", line: null });
  expect(find("upstreams.api.endpoints[1].weight")).toMatchObject({ value: "2", line: 5 });
});

test("a short form has the defaults of what it is short for", () => {
  expect(find("upstreams.app")).toMatchObject({ value: "127.0.0.1:3000", line: 3 });
  expect(find("upstreams.app.hold.for")).toMatchObject({ from: "default" });
  expect(find("store.to")).toBeUndefined();
  expect(find("store.size")).toMatchObject({ value: "512MiB", from: "default" });
});

test("nothing secret is shown, in values and in the text", () => {
  const shown = JSON.stringify(valuesOfFile(FILE, "goodgate.yaml", {}));
  for (const text of [shown, withoutSecrets(FILE)]) {
    expect(text).not.toMatch(/hallo|geheim|verysecret|me:pw/);
    expect(text).toContain("[redacted]");
  }
});

test("secrets that come from the environment are not shown either", () => {
  const text = "upstreams: { app: ':1' }\nwebhooks: [{ url: 'http://h/${PATH_OF}', secret: '${KEY}' }]\n";
  const shown = JSON.stringify(valuesOfFile(text, "g.yaml", { PATH_OF: "p4th", KEY: "k3y" }));
  expect(shown).not.toMatch(/p4th|k3y/);
});

test("without a file everything written came from the command line, and a broken text gives what it can", () => {
  expect(valuesOf({ upstreams: { app: ["127.0.0.1:1"] } }).find(({ path }) => path === "upstreams.app")).toEqual({
    path: "upstreams.app",
    value: '["127.0.0.1:1"]',
    from: "file",
    line: null,
  });
  expect(valuesOfFile("listen: [\n", "g.yaml", {}).length).toBeGreaterThan(0);
});
