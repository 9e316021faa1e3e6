import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { loadConfig } from "./load.ts";
import { jsonSchema, referencePage } from "./reference.ts";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

test.each([
  ["docs/config.md", referencePage],
  ["schema/goodgate.schema.json", jsonSchema],
])("%s is what the schema says (UPDATE_REFERENCE=1 writes it)", (name, make) => {
  const file = join(root, name);
  if (process.env["UPDATE_REFERENCE"]) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, make());
  }
  expect(readFileSync(file, "utf8")).toBe(make());
});

test("the examples on the page have no problems", () => {
  const examples = [...referencePage().matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text]) => text!);
  expect(examples.length).toBeGreaterThan(1);
  for (const example of examples) expect(loadConfig(example, "goodgate.yaml", {}).problems).toEqual([]);
});

test("every field has a sentence", () => {
  const bare: string[] = [];
  const visit = (node: Record<string, unknown>, path: string) => {
    for (const [key, field] of Object.entries((node["properties"] ?? {}) as Record<string, Record<string, unknown>>)) {
      if (!/^[A-Z*].*[.`]$/s.test(String(field["description"] ?? ""))) bare.push(`${path}.${key}`);
      visit(field, `${path}.${key}`);
    }
    for (const form of (node["anyOf"] ?? []) as Record<string, unknown>[]) visit(form, path);
    for (const key of ["items", "additionalProperties"]) {
      const inner = node[key];
      if (typeof inner === "object" && inner !== null) visit(inner as Record<string, unknown>, `${path}[]`);
    }
  };
  visit(JSON.parse(jsonSchema()), "");
  expect(bare).toEqual([]);
});
