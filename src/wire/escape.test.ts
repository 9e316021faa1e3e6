import { describe, expect, test } from "vitest";
import {
  escapeArgs,
  escapeEcho,
  escapeEntities,
  escapeJson,
  escapeRefresh,
  escapeUri,
  escapeUriComponent,
} from "./escape.ts";

describe("URIs", () => {
  const every = String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte));
  const kept = (escaped: (text: string) => string) =>
    [...every].filter((character) => escaped(character) === character).join("");

  test("what stays as it is", () => {
    const alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    expect(kept(escapeUri)).toBe(
      `!$&'()*+,-./${alphanumeric.slice(0, 10)}:;=@${alphanumeric.slice(10)}[]_abcdefghijklmnopqrstuvwxyz~`,
    );
    expect(kept(escapeArgs)).toBe(kept(escapeUri).replace(/[&+;]/g, ""));
    expect(kept(escapeUriComponent)).toBe(kept(escapeUri).replace(/[^\w.~-]/g, ""));
    expect(kept(escapeEcho)).toBe(kept(escapeUri).replace("'", "").replace("=@", "=?@"));
    expect(kept(escapeRefresh)).toBe(
      "!#$%&()*+,-./0123456789:;=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]_abcdefghijklmnopqrstuvwxyz}",
    );
  });

  test("the rest is two digits in upper case", () => {
    expect(escapeUri("/a b?\n\xff%")).toBe("/a%20b%3F%0A%FF%25");
  });
});

test("HTML", () => {
  expect(escapeEntities('<a href="x">\'&')).toBe("&lt;a href=&quot;x&quot;&gt;'&amp;");
});

test("JSON", () => {
  for (let byte = 0; byte < 256; byte++)
    expect(JSON.parse(`"${escapeJson(String.fromCharCode(byte))}"`)).toBe(String.fromCharCode(byte));
  expect(escapeJson("\x0b\x1f")).toBe("\\u000B\\u001F");
});
