import fc from "fast-check";
import { expect, test } from "vitest";
import { Collector, cuts, through } from "./filter.fixture.ts";
import { SubFilter, subPatterns } from "./sub.ts";

type Pair = readonly [from: string, to: string];

function sub(pairs: readonly Pair[], once: boolean, pieces: readonly (string | null)[]): Promise<string> {
  const patterns = subPatterns(pairs.map(([from]) => from));
  return through((next) => new SubFilter(patterns, once, (pair) => pairs[pair]![1], next), pieces);
}

const many = (pairs: readonly Pair[], ...pieces: string[]) => sub(pairs, false, pieces);
const once = (pairs: readonly Pair[], ...pieces: string[]) => sub(pairs, true, pieces);

test("texts are replaced wherever they stand, whatever their case", async () => {
  expect(await many([["foo", "bar"]], "foo FOO fOo fo")).toBe("bar bar bar fo");
  expect(await many([["FOO", "bar"]], "foo")).toBe("bar");
  expect(await many([["a.b(", "!"]], "aXb( a.b( A.B(")).toBe("aXb( ! !");
  expect(await many([["x", ""]], "axbx")).toBe("ab");
  expect(await many([["a", "aa"]], "aaa")).toBe("aaaaaa");
});

test("only ASCII letters have case: other bytes are parts of characters", async () => {
  expect(await many([["\xe0", "!"]], "\xe0\xc0\xe0")).toBe("!\xc0!");
  expect(await many([["\xc3\x84", "!"]], "\xc3\x84\xc3\xa4\xe3\x84")).toBe("!\xc3\xa4\xe3\x84");
});

test("once means once for each of them", async () => {
  const pairs = [
    ["aab", "+"],
    ["yyz", "-"],
  ] as const;
  expect(await once(pairs, "aabyyzaab")).toBe("+-aab");
  expect(await once(pairs, "yyzaabyyz")).toBe("-+yyz");
  expect(await once(pairs, "yyzyyzaabaabyyz")).toBe("-yyz+aabyyz");
  expect(await once([["foo", "bar"]], "fo", "ofoo")).toBe("barfoo");
});

test("matches that begin within others that fail are found", async () => {
  expect(await many([["abac", "_"]], "abaabac")).toBe("aba_");
  expect(await many([["ababX", "_"]], "abababX")).toBe("ab_");
  expect(await many([["aab", "_"]], "aaaab")).toBe("aa_");
  const pairs = [
    ["aabb", "+"],
    ["aaabb", "-"],
  ] as const;
  expect(await many(pairs, "aabbaaabbaabb")).toBe("+-+");
});

test("of several at one place the first of the configuration wins, although it has to be waited for", async () => {
  const longFirst = [
    ["abpatternyz", "+"],
    ["abpa", "-"],
    ["tter", "*"],
  ] as const;
  expect(await many(longFirst, ..."abpatternyzABabpatternyABCDE")).toBe("+AB-*nyABCDE");
  expect(
    await many(
      [
        ["ab", "1"],
        ["abc", "2"],
      ],
      "ab",
      "c",
    ),
  ).toBe("1c");
  expect(
    await many(
      [
        ["abcde", "1"],
        ["cd", "2"],
      ],
      "abcd",
      "x",
    ),
  ).toBe("ab2x");
});

test("a text that came out empty matches nothing, and the others keep their replacements", async () => {
  expect(
    await many(
      [
        ["", "1"],
        ["b", "2"],
      ],
      "abc",
    ),
  ).toBe("a2c");
  expect(await many([["", "1"]], "abc")).toBe("abc");
});

test("a replacement is rendered once, when it is needed", async () => {
  let rendered = 0;
  const make = (next: Collector) =>
    new SubFilter(
      subPatterns(["a", "b"]),
      false,
      (pair) => {
        rendered += 1;
        return `${pair}`;
      },
      next,
    );
  const sink = new Collector();
  const filter = make(sink);
  filter.write(Buffer.from("ccc"));
  expect(rendered).toBe(0);
  filter.write(Buffer.from("bbb"));
  expect([sink.text, rendered]).toEqual(["ccc111", 1]);
});

test("only what may become a match is kept back, a flush does not wait for it", () => {
  const sink = new Collector();
  const filter = new SubFilter(subPatterns(["abcd"]), false, () => "!", sink);
  filter.write(Buffer.from("xxabc"));
  filter.flush();
  expect([sink.calls, filter.pendingBytes]).toEqual([["xx", "(flush)"], 3]);
  filter.write(Buffer.from("e"));
  expect([sink.text, filter.pendingBytes]).toEqual(["xxabce", 0]);
  filter.write(Buffer.from("ab"));
  filter.end();
  expect([sink.text, sink.ended]).toEqual(["xxabceab", true]);
});

test("a destroyed filter gives nothing on", () => {
  const sink = new Collector();
  const filter = new SubFilter(subPatterns(["ab"]), false, () => "!", sink);
  filter.write(Buffer.from("xa"));
  filter.destroy();
  filter.write(Buffer.from("bx"));
  expect([sink.text, filter.pendingBytes]).toEqual(["x", 0]);
});

test("however a body is cut, the same comes out; and of one pattern what a plain search would find", async () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "A", "c"), maxLength: 60 });
  const pattern = fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 5 });
  const pairs = fc.array(fc.tuple(pattern, fc.constantFrom("", "X", "ab")), { minLength: 1, maxLength: 4 });
  const property = fc.asyncProperty(cuts(letters), pairs, fc.boolean(), async (pieces, list, isOnce) => {
    const whole = pieces.join("");
    const out = await sub(list, isOnce, [whole]);
    expect(await sub(list, isOnce, pieces)).toBe(out);
    expect(
      await sub(
        list,
        isOnce,
        [...whole].flatMap((char) => [char, null]),
      ),
    ).toBe(out);
    const [from, to] = list[0]!;
    if (list.length === 1) {
      const search = new RegExp(from, isOnce ? "i" : "gi");
      expect(out).toBe(whole.replace(search, () => to));
    }
  });
  await fc.assert(property, { numRuns: 500 });
});
