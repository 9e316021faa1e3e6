import { expect, test } from "vitest";
import { printable } from "./printable.ts";

test("what steers a terminal or turns a line is shown as an escape", () => {
  expect(printable("\x1b[31mred\x07\x9b\x7f\0")).toBe("\\x1b[31mred\\x07\\x9b\\x7f\\x00");
  expect(printable("\u202egpj.exe\u2066\u200f\u2028\ufeff")).toBe("\\u202egpj.exe\\u2066\\u200f\\u2028\\ufeff");
});

test("text of any script, tabs and line feeds stay", () => {
  for (const text of ["a\tb\nc", "Größe 日本 مرحبا שלום 🙂", "", "\\x1b"]) expect(printable(text)).toBe(text);
});
