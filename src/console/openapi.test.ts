// The OpenAPI document: current on disk, and one with the table of calls.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { WORDS } from "./api/answer-words.ts";
import { OPERATIONS } from "./api/table.ts";
import { openApi, openApiText } from "./openapi.ts";

const file = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), "docs", "openapi.json");

interface Described {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly description?: string }[];
  readonly responses: Readonly<Record<string, unknown>>;
}

const document = openApi() as unknown as {
  readonly openapi: string;
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
};

const described = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

test("docs/openapi.json is what the table says (UPDATE_REFERENCE=1 writes it)", () => {
  if (process.env["UPDATE_REFERENCE"]) writeFileSync(file, openApiText());
  expect(readFileSync(file, "utf8")).toBe(openApiText());
});

test("every call is in it, and nothing else", () => {
  const inTable = OPERATIONS.map(({ method, path, id }) => `${method} /api/v1${path} ${id}`).sort();
  const inDocument = described.map(
    ({ path, method, operation }) => `${method.toUpperCase()} ${path} ${operation.operationId}`,
  );
  expect(inDocument.sort()).toEqual(inTable);
});

test("every call has its words, its tag, and a description for each parameter", () => {
  const tags = document.tags.map(({ name }) => name);
  for (const { path, operation } of described) {
    expect(operation.summary, path).toMatch(/^[A-Z].*\.$/s);
    expect(tags, path).toContain(operation.tags[0]);
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const parameters = operation.parameters ?? [];
    expect(parameters.filter((parameter) => parameter.in === "path").map(({ name }) => name)).toEqual(inPath);
    for (const { name, description } of parameters) expect(description, `${path} ${name}`).toMatch(/\.$/);
  }
});

test("every reference leads to a component, and every component is used", () => {
  const text = openApiText();
  const named = new Set([...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name!));
  const components = Object.keys(document.components.schemas);
  expect([...named].sort()).toEqual(components.sort());
  expect(document.openapi).toBe("3.1.0");
});

test("every field of an answer has words, and every word a field", () => {
  const bare: string[] = [];
  const used = new Set<string>();
  const visit = (node: unknown, component: string): void => {
    if (typeof node !== "object" || node === null) return;
    const { properties = {} } = node as { properties?: Record<string, { description?: string }> };
    for (const [name, { description }] of Object.entries(properties)) {
      if (!/^.+\.$/s.test(description ?? "")) bare.push(`${component}.${name}`);
      used.add(name).add(`${component}.${name}`);
    }
    for (const part of Object.values(node)) visit(part, component);
  };
  for (const [name, schema] of Object.entries(document.components.schemas)) visit(schema, name);
  expect(bare).toEqual([]);
  expect(Object.keys(WORDS).filter((name) => !used.has(name))).toEqual([]);
});
