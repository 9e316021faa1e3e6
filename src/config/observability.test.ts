import { expect, test } from "vitest";
import { loadConfig } from "./load.ts";
import type { ObservabilityConfig } from "./observability.ts";

const APP = "upstreams: { app: '127.0.0.1:3000' }\n";

function read(text: string, env: Record<string, string> = {}) {
  const { config, problems } = loadConfig(APP + text, "/etc/goodgate/goodgate.yaml", env);
  return { config, said: problems.map(({ message, hint }) => `${message}${hint ? ` → ${hint}` : ""}`) };
}

const observability = (text: string, env = {}): ObservabilityConfig => read(text, env).config!.observability;

test("without a word there are a console on loopback and a store of 30 days", () => {
  const { config } = read("");
  expect(config!.console).toEqual({ kind: "tcp", host: "127.0.0.1", port: 8502 });
  expect(config!.observability.store).toEqual({
    target: { kind: "sqlite" },
    forMs: 30 * 86_400_000,
    bytes: 512 * 2 ** 20,
  });
  expect(config!.observability.traces).toBeNull();
});

test("the console's short forms, and its mapping", () => {
  expect(read("console: off").config!.console).toBeNull();
  expect(read("console: ':9000'").config!.console).toEqual({ kind: "tcp", host: "", port: 9000 });
  const { config } = read(
    "console: { address: '0.0.0.0:8502', hosts: console.Example.com, token-file: token, read-only: true }",
  );
  expect(config!.console).toEqual({ kind: "tcp", host: "0.0.0.0", port: 8502 });
  expect(config!.observability.console).toEqual({
    tls: null,
    hosts: ["console.example.com"],
    tokenFile: "/etc/goodgate/token",
    readTokenFile: null,
    readOnly: true,
  });
});

test("stores: off, memory, PostgreSQL by address, with bounds", () => {
  expect(observability("store: off").store).toBeNull();
  expect(observability("store: memory").store?.target).toEqual({ kind: "memory" });
  expect(observability("store: postgres://gate@db/goodgate").store?.target).toEqual({
    kind: "postgres",
    url: "postgres://gate@db/goodgate",
  });
  expect(observability("store: { to: sqlite, for: 7d, size: 64MiB }").store).toEqual({
    target: { kind: "sqlite" },
    forMs: 7 * 86_400_000,
    bytes: 64 * 2 ** 20,
  });
  expect(read("store: mysql://db/x").said).toEqual([
    '"mysql://db/x" is no store → write "sqlite", "memory", off or "postgres://user@host/database"',
  ]);
});

test("webhooks take their secrets from the environment", () => {
  const [hook] = observability(
    "webhooks: [{ url: 'https://hooks.example.com/${HOOK}', secret: '${KEY}', on: opened }]",
    {
      HOOK: "a",
      KEY: "b",
    },
  ).webhooks;
  expect(hook).toEqual({
    url: "https://hooks.example.com/a",
    format: "json",
    secret: "b",
    on: ["opened"],
    severity: "degraded",
    consoleUrl: null,
  });
  expect(read("webhooks: [{ url: 'file:///etc/passwd' }]").said[0]).toContain("is not an http:// or https:// address");
});

test("traces: an address alone, or with its rules", () => {
  expect(observability("traces: 'http://127.0.0.1:4318'").traces).toEqual({
    url: "http://127.0.0.1:4318/v1/traces",
    headers: {},
    sample: 0.01,
    service: "goodgate",
  });
  expect(
    observability("traces: { to: 'http://c:4318/otlp/v1/traces', sample: 100%, headers: { x-key: k } }").traces,
  ).toEqual({
    url: "http://c:4318/otlp/v1/traces",
    headers: { "x-key": "k" },
    sample: 1,
    service: "goodgate",
  });
});
