import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as bytes from "./bytes.ts";
import * as fields from "./fields.ts";
import { eachField, fieldValue, MARK } from "./head.ts";

test.each(["scan.ts", "request-head.ts"])("the constants that %s repeats for speed are the same there", (file) => {
  const source = readFileSync(new URL(file, import.meta.url), "utf8");
  const known: Record<string, unknown> = { ...bytes, ...fields, MARK };
  const repeated = [...source.matchAll(/^const ([A-Z_]+) = (0x[0-9a-f]+|\d+);$/gm)].filter(
    ([, name]) => name! in known,
  );
  expect(repeated.length).toBeGreaterThan(5);
  for (const [, name, value] of repeated) expect([name, Number(value)]).toEqual([name, known[name!]]);
});

test("each byte has the classes that the RFCs give it", () => {
  for (let byte = 0; byte < 256; byte++) {
    const character = String.fromCharCode(byte);
    const has = (mask: number) => (bytes.BYTE_CLASS[byte]! & mask) !== 0;
    expect([byte, has(bytes.IN_TOKEN)]).toEqual([byte, /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(character)]);
    expect([byte, has(bytes.IN_VALUE)]).toEqual([byte, /[\t -~\x80-\xff]/.test(character)]);
    expect([byte, has(bytes.IN_TARGET)]).toEqual([byte, /[!"$-~]/.test(character)]);
    expect([byte, has(bytes.PLAIN_IN_PATH)]).toEqual([byte, /[!"$&-\-/->@-~]/.test(character)]);
    expect([byte, has(bytes.UNRESERVED)]).toEqual([byte, /[A-Za-z0-9\-._~]/.test(character)]);
    expect([byte, has(bytes.IN_HOST)]).toEqual([byte, /[A-Za-z0-9\-._~!$&'()*+;=]/.test(character)]);
    expect([byte, bytes.HEX_VALUE[byte]]).toEqual([
      byte,
      /[0-9a-fA-F]/.test(character) ? Number.parseInt(character, 16) : 255,
    ]);
  }
});

test("a field name is recognised in any case, and nothing that resembles it is", () => {
  const kind = (name: string) => fields.kindAt(Buffer.from(name, "latin1"), 0, name.length);
  for (const [constant, value] of Object.entries(fields)) {
    if (typeof value !== "number" || value === fields.FIELD_OTHER) continue;
    const name = constant.slice("FIELD_".length).toLowerCase().replaceAll("_", "-");
    expect(fields.kindOf(name)).toBe(value);
    expect(kind(name)).toBe(value);
    expect(kind(name.toUpperCase())).toBe(value);
    for (const other of [
      `${name}x`,
      name.slice(0, -1),
      `${name.slice(0, -1)}_`,
      name.replaceAll("-", "_") + "~",
      `x${name.slice(1)}0`,
    ]) {
      const family = /^x-forwarded-./.test(other);
      expect(kind(other)).toBe(family ? fields.FIELD_X_FORWARDED_OTHER : fields.FIELD_OTHER);
    }
    // Without field marks of that kind nothing is found.
    expect(fieldValue({ text: "", marks: [] }, name)).toBeUndefined();
  }
  expect(kind("x-custom")).toBe(fields.FIELD_OTHER);
  eachField({ text: "", marks: [] }, () => expect.unreachable());
});
