import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { checkReport } from "./check.ts";

const folder = mkdtempSync(join(tmpdir(), "goodgate-check-"));
const file = join(folder, "goodgate.yaml");
afterAll(() => rmSync(folder, { recursive: true }));

function report(text: string, json = false) {
  writeFileSync(file, text);
  return checkReport(file, { json });
}

test("a file that is fine: 0", () =>
  expect(report('upstreams: { app: "127.0.0.1:3000" }')).toEqual({ text: `${file}: fine\n`, code: 0 }));

test("errors: 1, each with its place", () => {
  const { text, code } = report("upstreams: { app: x }\nlisten: nowhere\ndrain: 5\n");
  expect(code).toBe(1);
  expect(text).toContain(`${file}:2:9: error: `);
  expect(text).toContain(`${file}:3:8: error: `);
  expect(text).toContain("2 errors\n");
});

test("a risk of gateway errors is a finding with its cause: 1", () => {
  const { text, code } = report(
    'upstreams: { app: { endpoints: ["127.0.0.1:3000"], keepalive: { idle: 60s } } }',
    true,
  );
  expect(code).toBe(1);
  expect(JSON.parse(text)).toMatchObject({
    file,
    ok: false,
    errors: 0,
    findings: 1,
    problems: [{ severity: "warning", cause: "keepalive-race", file, line: 1, column: 71 }],
  });
});

test("no such file: 2", () => expect(checkReport(join(folder, "missing.yaml"), {}).code).toBe(2));

test("a log template is checked", () => {
  const { text, code } = report('upstreams: { app: "127.0.0.1:3000" }\nlog: { access: { format: "{nonsense}" } }');
  expect([code, text.includes("log template")]).toEqual([1, true]);
});
