import fc from "fast-check";
import { expect, test } from "vitest";
import { combineTracestate, formatTraceparent, parseTraceparent } from "./context.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

test("a valid context is read", () => {
  expect(parseTraceparent([`00-${TRACE}-${SPAN}-01`])).toEqual({ traceId: TRACE, parentId: SPAN, flags: 1 });
});

test.each([
  ["none", []],
  ["two fields", [`00-${TRACE}-${SPAN}-01`, `00-${TRACE}-${SPAN}-01`]],
  ["trace id all zero", [`00-${"0".repeat(32)}-${SPAN}-01`]],
  ["span id all zero", [`00-${TRACE}-${"0".repeat(16)}-01`]],
  ["capitals", [`00-${TRACE.toUpperCase()}-${SPAN}-01`]],
  ["version ff", [`ff-${TRACE}-${SPAN}-01`]],
  ["version 00 with more behind it", [`00-${TRACE}-${SPAN}-01-what`]],
  ["a dash behind it", [`00-${TRACE}-${SPAN}-01-`]],
  ["too short", [`00-${TRACE}-${SPAN}-1`]],
  ["later version, no dash before the rest", [`cc-${TRACE}-${SPAN}-01what`]],
  ["two in one field", [`00-${TRACE}-${SPAN}-01,00-${TRACE}-${SPAN}-01`]],
  ["not hex", [`00-${TRACE}-${SPAN}-0g`]],
  ["empty", [""]],
])("no context: %s", (_, values) => {
  expect(parseTraceparent(values)).toBeNull();
});

test("a later version is read as far as it is known, and goes on as 00", () => {
  for (const value of [`cc-${TRACE}-${SPAN}-01`, `cc-${TRACE}-${SPAN}-01-what-ever`]) {
    const parent = parseTraceparent([value])!;
    expect(parent).toEqual({ traceId: TRACE, parentId: SPAN, flags: 1 });
    expect(formatTraceparent(parent.traceId, SPAN, parent.flags)).toBe(`00-${TRACE}-${SPAN}-01`);
  }
});

test("flags that are not known do not go on; the random flag does", () => {
  expect(parseTraceparent([`00-${TRACE}-${SPAN}-ff`])?.flags).toBe(3);
  expect(parseTraceparent([`00-${TRACE}-${SPAN}-08`])?.flags).toBe(0);
});

const hex = (length: number) =>
  fc
    .array(fc.constantFrom(..."0123456789abcdef"), { minLength: length, maxLength: length })
    .map((digits) => digits.join(""))
    .filter((text) => /[^0]/.test(text));

test("what is written is read again", () => {
  fc.assert(
    fc.property(hex(32), hex(16), fc.integer({ min: 0, max: 3 }), (traceId, parentId, flags) => {
      expect(parseTraceparent([formatTraceparent(traceId, parentId, flags)])).toEqual({ traceId, parentId, flags });
    }),
  );
});

test("any text is a context that can be written again, or none", () => {
  const almost = fc
    .tuple(hex(32), hex(16), fc.nat(54), fc.string({ maxLength: 2 }))
    .map(([trace, span, at, insert]) => {
      const whole = formatTraceparent(trace, span, 1);
      return whole.slice(0, at) + insert + whole.slice(at + 1);
    });
  fc.assert(
    fc.property(fc.oneof(fc.string(), almost), (value) => {
      const parent = parseTraceparent([value]);
      if (parent === null) return;
      expect(value.toLowerCase()).toBe(value);
      expect(parent.traceId).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
      expect(parent.parentId).toMatch(/^(?!0{16})[0-9a-f]{16}$/);
      expect(value.slice(3, 35)).toBe(parent.traceId);
    }),
  );
});

test("tracestate: several fields are one, in order, without blanks and empty members", () => {
  expect(combineTracestate(["foo=1 \t , bar=2", "", "rojo=00f067aa0ba902b7,"])).toBe(
    "foo=1,bar=2,rojo=00f067aa0ba902b7",
  );
  expect(combineTracestate([])).toBe("");
});

test.each([
  "foo",
  "foo=",
  "=1",
  "Foo=1",
  "foo=1=2",
  "foo =1",
  "foo=bär",
  `${"k".repeat(257)}=1`,
  `k=${"v".repeat(257)}`,
])("tracestate that is not valid is dropped: %s", (value) => expect(combineTracestate([`ok=1,${value}`])).toBe(""));

test("tracestate: 32 members go on, 33 do not", () => {
  const members = (count: number) => Array.from({ length: count }, (_, n) => `k${n}=v`).join(",");
  expect(combineTracestate([members(32)])).toBe(members(32));
  expect(combineTracestate([members(33)])).toBe("");
});

test("tracestate that is too long loses its long members first, then the oldest; members stay whole", () => {
  const key = fc.stringMatching(/^[a-z][a-z0-9_]{0,200}$/);
  const value = fc.stringMatching(/^[!#-+.-9A-Z]{1,255}$/);
  fc.assert(
    fc.property(fc.array(fc.tuple(key, value), { maxLength: 32 }), (members) => {
      const given = members.map(([name, text]) => `${name}=${text}`).filter((member) => member.length <= 512);
      const state = combineTracestate(given);
      expect(state.length).toBeLessThanOrEqual(4096);
      for (const member of state === "" ? [] : state.split(",")) expect(given).toContain(member);
      if (given.join(",").length <= 4096) expect(state).toBe(given.join(","));
    }),
  );
});
