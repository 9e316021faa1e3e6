import fc from "fast-check";
import { expect, test } from "vitest";
import { ChunkedDecoder, chunkHeader, LAST_CHUNK } from "./chunked.ts";
import { isWireError, type WireError } from "./head.ts";

const LIMITS = { extensionBytes: 64, trailerBytes: 128 };

interface Decoded {
  data: string;
  /** What goes on by `canonical`. */
  canonical: string;
  /** What goes on where plain calls pass as they came and the others are framed anew. */
  mixed: string;
  trailers: string;
  done: boolean;
  consumed: number;
  error: WireError["error"] | null;
}

/** Decodes the text in pieces cut at `cuts`, each in a buffer of its own. */
function decode(text: string, cuts: readonly number[] = []): Decoded {
  const decoder = new ChunkedDecoder(LIMITS);
  const bytes = Buffer.from(text, "latin1");
  const result: Decoded = { data: "", canonical: "", mixed: "", trailers: "", done: false, consumed: 0, error: null };
  const stops = [...new Set([...cuts.filter((cut) => cut < bytes.length), bytes.length])].sort((a, b) => a - b);
  let at = 0;
  for (const stop of stops) {
    const buf = Buffer.concat([Buffer.from("5\r\n"), bytes.subarray(at, stop), Buffer.from("0\r\n\r\n")]);
    const end = 3 + stop - at;
    let framed = "";
    const consumed = decoder.decode(buf, 3, end, (from, to) => {
      expect(3 <= from && from < to && to <= end).toBe(true);
      const data = buf.toString("latin1", from, to);
      result.data += data;
      framed += `${chunkHeader(data.length)}${data}\r\n`;
    });
    if (isWireError(consumed)) return { ...result, error: consumed.error };
    result.consumed += consumed - 3;
    result.canonical += decoder.canonical(buf, 3, consumed)?.toString("latin1") ?? buf.toString("latin1", 3, consumed);
    if (decoder.done) framed += decoder.trailers === "" ? LAST_CHUNK : `0\r\n${decoder.trailers}\r\n`;
    result.mixed += decoder.verbatim ? buf.toString("latin1", 3, consumed) : framed;
    at = stop;
    if (decoder.done) break;
  }
  return { ...result, done: decoder.done, trailers: decoder.trailers };
}

test.each([
  ["0\r\n\r\n", "", ""],
  ["3\r\nabc\r\n0\r\n\r\n", "abc", ""],
  ["00a\r\n0123456789\r\n1\r\n\n\r\n000\r\n\r\n", "0123456789\n", ""],
  ["A\r\n0123456789\r\n0\r\n\r\n", "0123456789", ""],
  ['3;a=b; c\t=\t"d;\\"\r";x\r\nabc\r\n0\r\n\r\n'.replace('\r"', '"'), "abc", ""],
  ["3 ;a\r\nabc\r\n0;last\r\n\r\n", "abc", ""],
  ["0\r\nX-Sum:  1 \r\nY: 2\r\n\r\n", "", "X-Sum: 1\r\nY: 2\r\n"],
  [
    "0\r\ncontent-length: 5\r\nX-Sum: 1\r\nTransfer-Encoding: chunked\r\nHost: b\r\nx-forwarded-for: me\r\n\r\n",
    "",
    "X-Sum: 1\r\n",
  ],
  ["0\r\nHost: b\r\n\r\n", "", ""],
])("decodes %j", (text, data, trailers) => {
  expect(decode(text)).toMatchObject({ data, trailers, done: true, consumed: text.length, error: null });
});

test.each([
  // Sizes: only digits (aiohttp CVE-2023-47627), no sign, prefix or blank, and no number that wraps round
  ["\r\n", "bad-chunk"],
  ["0_2e\r\n", "bad-chunk"],
  ["0x2\r\n", "bad-chunk"],
  ["+2\r\n", "bad-chunk"],
  ["-2\r\n", "bad-chunk"],
  [" 2\r\n", "bad-chunk"],
  ["2 \r\nab\r\n", "bad-chunk"],
  ["2\t\r\nab\r\n", "bad-chunk"],
  ["2 2\r\n", "bad-chunk"],
  ["g\r\n", "bad-chunk"],
  ["\xb2\r\n", "bad-chunk"],
  ["10000000000000\r\n", "bad-chunk"],
  ["ffffffffffffffff\r\n", "bad-chunk"],
  ["10000000000000003\r\n", "bad-chunk"],
  ["00000000000000003\r\n", "bad-chunk"],
  // Line ends: CRLF and nothing else
  ["2\nab\r\n", "bad-chunk"],
  ["2\r\rab", "bad-chunk"],
  ["2\rX\nab", "bad-chunk"],
  ["2\r\nab\n0\r\n\r\n", "bad-chunk"],
  ["2\r\nabc\r\n", "bad-chunk"],
  ["2\r\nab0\r\n\r\n", "bad-chunk"],
  ["2\r\nab\rX", "bad-chunk"],
  ["0\n\n", "bad-chunk"],
  ["0\r\n\n", "bad-trailer"],
  ["0\r\n\rX", "bad-trailer"],
  ["0\r\nX: y\n\r\n", "bad-trailer"],
  ["0\r\nX: y\rZ: z\r\n\r\n", "bad-trailer"],
  // Extensions
  ["2;\r\nab\r\n", "bad-chunk"],
  ["2;a=\r\nab\r\n", "bad-chunk"],
  ["2;a b\r\nab\r\n", "bad-chunk"],
  ['2;a="b\r\nab\r\n', "bad-chunk"],
  ["2;a\nab\r\n", "bad-chunk"],
  ["2;a\0\r\nab\r\n", "bad-chunk"],
  ["2;a\r\r\nab\r\n", "bad-chunk"],
  // Trailers
  ["0\r\nX : y\r\n\r\n", "bad-trailer"],
  ["0\r\nX\r\n\r\n", "bad-trailer"],
  ["0\r\nX: a\0b\r\n\r\n", "bad-trailer"],
  ["0\r\nX: a\r\n b\r\n\r\n", "bad-trailer"],
  ["0\r\nGET / HTTP/1.1\r\n\r\n", "bad-trailer"],
  [`0\r\nX: ${"a".repeat(130)}\r\n\r\n`, "trailer-too-large"],
  // Node CVE-2024-22019: extensions are bounded, by the message and not by the chunk
  [`2;${"a".repeat(70)}`, "bad-chunk"],
  ["1;a=bcdefghi\r\nx\r\n".repeat(10), "bad-chunk"],
])("refuses %j: %s", (text, error) => {
  expect(decode(text)).toMatchObject({ error, done: false });
});

test.each([["3\r\nab"], ["3\r\nabc\r\n"], ["0\r\n"], ["0\r\nX: y\r\n"], ["3;a"]])(
  "%j is not the whole of it",
  (text) => {
    expect(decode(text)).toMatchObject({ done: false, error: null });
  },
);

test("stops at the end of the message", () => {
  expect(decode("1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\n")).toMatchObject({ done: true, consumed: 11 });
});

test("says when bytes may go on as they came", () => {
  const decoder = new ChunkedDecoder(LIMITS);
  const read = (text: string) => {
    const buf = Buffer.from(text);
    decoder.decode(buf, 0, buf.length, () => {});
    return { verbatim: decoder.verbatim, canonical: decoder.canonical(buf, 0, buf.length)?.toString() ?? null };
  };
  expect(read("3\r\nabc\r\n")).toEqual({ verbatim: true, canonical: null });
  expect(read("3\r\nab")).toEqual({ verbatim: false, canonical: null });
  expect(read("c\r\n")).toEqual({ verbatim: false, canonical: null });
  expect(read("2;x=y\r\nab\r\n")).toEqual({ verbatim: false, canonical: "2\r\nab\r\n" });
  expect(read("1\r\na\r\n0\r\nX: y\r\nHost: a\r\n\r\n")).toEqual({
    verbatim: false,
    canonical: "1\r\na\r\n0\r\nX: y\r\n\r\n",
  });
});

const chunk = fc
  .tuple(
    fc.string({ minLength: 1, maxLength: 40, unit: "binary-ascii" }),
    fc.constantFrom("", ";a", ';b="c;\\"d"', " ; e=f"),
  )
  .map(([data, extension]) => ({ data, text: `${data.length.toString(16)}${extension}\r\n${data}\r\n` }));
const trailers = fc.constantFrom("", "X-Sum: 1\r\n", "Host: a\r\n", "X-Sum: 1\r\nTrailer: b\r\nY: \xe9\r\n");
const message = fc.tuple(fc.array(chunk, { maxLength: 6 }), trailers).map(([chunks, fields]) => ({
  data: chunks.map(({ data }) => data).join(""),
  text: `${chunks.map(({ text }) => text).join("")}0\r\n${fields}\r\n`,
}));
const cuts = fc.array(fc.nat(300), { maxLength: 30 });

test("any split gives the same data, and what goes on is the same message in plain form", () => {
  fc.assert(
    fc.property(message, cuts, ({ data, text }, at) => {
      const whole = decode(text);
      expect(whole).toMatchObject({ data, done: true, error: null, consumed: text.length });
      const split = decode(text, at);
      expect(split).toEqual({ ...whole, mixed: split.mixed });
      for (const onward of [split.canonical, split.mixed]) {
        expect(decode(onward)).toMatchObject({ data, trailers: whole.trailers, done: true, consumed: onward.length });
        expect(onward.slice(-whole.trailers.length - 5)).toBe(`0\r\n${whole.trailers}\r\n`);
      }
    }),
    { numRuns: 300 },
  );
});

const soup = fc
  .array(
    fc.constantFrom(
      "1",
      "0",
      "a",
      "x",
      ";",
      "=",
      " ",
      "\r\n",
      "\r",
      "\n",
      "\r\n0\r\n",
      "1\r\nx\r\n",
      "0\r\n\r\n",
      "X: y\r\n",
      '"',
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(""));

test("any split of anything gives the same error or the same end; what is accepted is within the grammar", () => {
  const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
  const line = `[ \\t]*;[ \\t]*${token}(?:[ \\t]*=[ \\t]*(?:${token}|"(?:[^"\\\\]|\\\\.)*"))?`;
  const grammar = new RegExp(
    `^(?:1(?:${line})*\\r\\n[^]\\r\\n|a(?:${line})*\\r\\n[^]{10}\\r\\n)*0+(?:${line})*\\r\\n(?:${token}:.*\\r\\n)*\\r\\n$`,
  );
  fc.assert(
    fc.property(soup, cuts, (text, at) => {
      const whole = decode(text);
      const { error, done, trailers, consumed } = decode(text, at);
      expect({ error, done, trailers }).toEqual({ error: whole.error, done: whole.done, trailers: whole.trailers });
      if (whole.done) {
        expect(consumed).toBe(whole.consumed);
        if (!/[02-9b-fA-F]1|1[0-9a-fA-F]|[0-9b-fA-F]a/.test(text)) expect(text.slice(0, consumed)).toMatch(grammar);
      }
    }),
    { numRuns: 300 },
  );
});

test("what is to come of a chunk that has begun is known before it comes", () => {
  const decoder = new ChunkedDecoder({ extensionBytes: 100, trailerBytes: 100 });
  const left: number[] = [];
  for (const part of ["f", "f", "\r", "\n", "x".repeat(5), "x".repeat(250), "\r\n", "0\r\n", "\r\n"]) {
    decoder.decode(Buffer.from(part), 0, part.length, () => {});
    left.push(decoder.chunkLeft);
  }
  expect(left).toEqual([0, 0, 255, 255, 250, 0, 0, 0, 0]);
});
