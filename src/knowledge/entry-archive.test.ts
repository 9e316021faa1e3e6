import { mkdtempSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openArchive, writeArchive } from "./entry-archive.ts";

const folder = mkdtempSync(join(tmpdir(), "goodgate-archive-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("each value comes back by its id, and nothing by another", () => {
  const file = join(folder, "values");
  writeArchive(file, [
    ["cause/a", { text: "ä".repeat(5000) }],
    ["status/502", ["x"]],
  ]);
  const archive = openArchive(file)!;
  expect(archive.read("cause/a")).toEqual({ text: "ä".repeat(5000) });
  expect(archive.read("status/502")).toEqual(["x"]);
  for (const id of ["", "cause/b", "__proto__", "toString", "../values"]) expect(archive.read(id)).toBeUndefined();
});

test("no archive is null, a damaged one is an error", () => {
  expect(openArchive(join(folder, "none"))).toBeNull();
  const file = join(folder, "cut");
  writeArchive(file, [["a", "x".repeat(1000)]]);
  truncateSync(`${file}.pack`, 5);
  expect(() => openArchive(file)!.read("a")).toThrow();
});
