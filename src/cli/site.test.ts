import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { buildSite } from "./site.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "goodgate-site-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a folder that holds something else, and an address that is none, are refused before anything is written", async () => {
  const said = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  writeFileSync(join(folder, "index.html"), "mine");
  expect(await buildSite(folder, {})).toBe(2);
  expect(await buildSite(join(folder, "new"), { base: "errors.example" })).toBe(2);
  expect(await buildSite(join(folder, "new"), { base: "ftp://errors.example" })).toBe(2);
  expect(readdirSync(folder)).toEqual(["index.html"]);
  expect(said.mock.calls.map(([text]) => String(text))).toEqual([
    expect.stringContaining("holds other files"),
    expect.stringContaining("--base errors.example"),
    expect.stringContaining("--base ftp://errors.example"),
  ]);
});
