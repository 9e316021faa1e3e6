import fc from "fast-check";
import { expect, test } from "vitest";
import { Collector, cuts, NO_EVENTS, through } from "./filter.fixture.ts";
import type { Place } from "./filter.ts";
import { newSsiShared, SsiFilter, type SsiHost, type SsiInclude, type SsiShared } from "./ssi.ts";

const ERROR = "[an error occurred while processing the directive]";

interface Site {
  readonly files?: Readonly<Record<string, string>>;
  readonly variables?: Readonly<Record<string, string>>;
  readonly valueBytesMax?: number;
  readonly silentErrors?: boolean;
}

/** A host that has files, of which those with a name in .html are documents themselves. */
function host(site: Site, shared: SsiShared, uri: string, problems: string[] = []): SsiHost {
  return {
    uri,
    variable: (name) => site.variables?.[name],
    include(what, place) {
      if (what.target.includes("..")) return false;
      void answer(site, shared, what, problems).then(({ status, body }) => give(place, body, status));
      return true;
    },
    match(pattern, text) {
      try {
        const match = new RegExp(pattern.replaceAll("(?P<", "(?<")).exec(text);
        return match && { captures: [...match], names: match.groups ?? {} };
      } catch (error) {
        return { problem: (error as Error).message };
      }
    },
    wallNowMs: () => 86_400_000,
    log: (problem) => problems.push(problem),
  };
}

function give(place: Place, body: Buffer, status = 200): void {
  if (body.length > 0) place.write(body);
  place.end(status);
}

async function answer(site: Site, shared: SsiShared, { target, stub, set }: SsiInclude, problems: string[]) {
  const file = site.files?.[target];
  const status = file === undefined ? 404 : 200;
  const text = file ?? stub?.toString("latin1") ?? "not found";
  const isDocument = !set && (target.endsWith(".html") || stub !== null);
  const body = isDocument ? await run(site, [text], problems, shared, target) : text;
  return { status, body: Buffer.from(body, "latin1") };
}

function run(
  site: Site,
  pieces: readonly (string | null)[],
  problems: string[] = [],
  shared = newSsiShared(),
  uri = "/dir/page.html",
): Promise<string> {
  const rules = { silentErrors: site.silentErrors ?? false, valueBytesMax: site.valueBytesMax ?? 255 };
  return through(
    (next, events) => new SsiFilter(rules, host(site, shared, uri, problems), shared, next, events),
    pieces,
  );
}

const IF = `<!--#if expr="$if" -->IF<!--#elif expr="$elif" -->ELIF<!--#else -->ELSE<!--#endif -->`;

const CASES: readonly (readonly [text: string, shown: string, variables?: Readonly<Record<string, string>>])[] = [
  ["no commands <!-- a comment --> <!-", "no commands <!-- a comment --> <!-"],
  ['X<!--#echo var="a" -->X', "X(none)X"],
  ['X<!--#echo var="a" default="" -->X', "XX"],
  ['X<!--#echo var="A" default="d" -->X', "XvX", { a: "v" }],
  ['X<!--#echo var="a" default="d" -->X', "XX", { a: "" }],
  ['<!--#set var="b" value="<$a>" --><!--#echo var="b" -->', "&lt;v&quot;&amp;&gt;", { a: 'v"&' }],
  ['<!--#set var="b" value="<$a>" --><!--#echo var="b" encoding="url" -->', "%3Cv%20%25%3E", { a: "v %" }],
  ['<!--#echo var="a" encoding="none" --><!--#echo var="a" -->', "<<", { a: "<" }],
  ["<!--#set var='b' value='${a}b\\$c\\\\\\x' --><!--#echo var='b' -->", "vb$c\\\\x", { a: "v" }],
  [`x${IF}x`, "xIFx", { if: "1", elif: "1" }],
  [`x${IF}x`, "xELIFx", { elif: "1" }],
  [`x${IF}x${IF}x`, "xELSExELSEx"],
  ['<!--#if expr="$a = b" -->1<!--#endif --><!--#if expr="$a != B" -->2<!--#endif -->', "12", { a: "b" }],
  ['<!--#if expr="B = $a" -->1<!--#endif -->', "1", { a: "b" }],
  [
    '<!--#if expr="$a = /^(.)(?P<n>.)\\$/" --><!--#echo var="1" --><!--#echo var="n" --><!--#endif -->',
    "xy",
    { a: "xy" },
  ],
  ['<!--#if expr="$a != /x/" -->1<!--#else -->2<!--#endif -->', "2", { a: "xy" }],
  ['<!--#if expr="$a = \\/x" -->1<!--#endif -->', "1", { a: "/x" }],
  ['<!--#config timefmt="%Y" --><!--#echo var="date_gmt" -->', "1970"],
  ['<!--#config errmsg="oops" --><!--#nothing -->', "oops"],
  ['<!--#echo var="a"-->', "v", { a: "v" }],
  ['<!--# echo\tvar = "a"\n-->', "v", { a: "v" }],
  ["<<!--#echo var='a' -->>", "<v>", { a: "v" }],
  ['<!--#if expr="" -->1<!--#else -->2<!--#endif -->', "2"],
  ["x<!--#echo var='a", "x"],
];

test.each(CASES.map((entry) => [entry[0], entry] as const))("%s", async (_, [text, shown, variables = {}]) => {
  const problems: string[] = [];
  expect(await run({ variables }, [text], problems)).toBe(shown);
  expect(problems.length).toBe(text.includes("nothing") ? 1 : 0);
});

test.each([
  ["<!--#unknown -->", 'invalid SSI command: "unknown"'],
  ["<!--#echo -->", 'mandatory "var" parameter is absent in "echo" SSI command'],
  ["<!--#echo var='a' var='b' -->", 'duplicate "var" parameter in "echo" SSI command'],
  ["<!--#echo other='a' -->", 'invalid parameter name: "other" in "echo" SSI command'],
  ["<!--#else -->", 'invalid context of SSI command: "else"'],
  ["<!--#endif -->", 'invalid context of SSI command: "endif"'],
  ["<!--#echo var=a -->", 'unexpected "a" symbol before a value in "echo" SSI command'],
  ["<!--#echo var='a'x -->", 'unexpected "x" symbol after a value in "echo" SSI command'],
  ["<!--#echo var -->", 'unexpected "-" symbol after a parameter in "echo" SSI command'],
  ["<!--#set var='a' value='$' -->", 'invalid variable name in "$"'],
  ["<!--#set var='a' value='${b' -->", 'the closing bracket in "b" variable is missing'],
  ["<!--#if expr='$a ~ b' -->", 'invalid expression in "$a ~ b"'],
  ["<!--#if expr='$a = /b' -->", 'invalid expression in "$a = /b"'],
  ["<!--#include -->", 'no parameter in "include" SSI command'],
  ["<!--#include virtual='/a' file='b' -->", 'inclusion may be either virtual="/a" or file="b"'],
  ["<!--#include virtual='/a' stub='b' -->", '"stub"="b" for "include" not found'],
  ["<!--#include virtual='/a' wait='maybe' -->", 'invalid value "maybe" in the "wait" parameter'],
  ["<!--#include virtual='/../a' -->", 'the "/../a" in the "include" SSI command cannot be asked for'],
  [`<!--#echo var="${"v".repeat(256)}" -->`, 'too long value of "var" parameter in "echo" SSI command'],
])("an error: %s", async (text, problem) => {
  const problems: string[] = [];
  expect(await run({}, [`x${text}x`], problems)).toBe(`x${ERROR}x`);
  expect(problems).toEqual([problem]);
  expect(await run({ silentErrors: true }, [`x${text}x`])).toBe("xx");
});

test("includes stand in their order, however long each takes, with documents in documents", async () => {
  const files = {
    "/a.html": '(<!--#include virtual="/b" -->)',
    "/b": "b",
    "/dir/rel": "r",
    "/empty": "",
  };
  const text = '1<!--#include virtual="/a.html" -->2<!--#include file="rel" -->3<!--#include virtual="/empty" -->4';
  expect(await run({ files }, [text])).toBe("1(b)2r34");
  expect(await run({ files }, [text.replace(" -->2", ' wait="yes" -->2')])).toBe("1(b)2r34");
  expect(await run({ files }, ['<!--#include virtual="/none" -->'])).toBe("not found");
  const variables = { name: "b" };
  expect(await run({ files, variables }, ['<!--#include virtual="/$name" -->'])).toBe("b");
});

test("what is included into a variable is not shown, and can be asked at once", async () => {
  const files = { "/flag": "on" };
  const text = '<!--#include virtual="/flag" set="f" --><!--#if expr="$f = on" -->yes<!--#endif -->';
  expect(await run({ files }, [text])).toBe("yes");
  expect(await run({}, [text])).toBe("");
});

test("blocks are kept with their commands, and stand in for includes that have nothing to say", async () => {
  const variables = { if: "1" };
  const block = `<!--#block name="one" -->${IF}<!--#endblock -->`;
  expect(await run({ variables }, [`${block}x<!--#include virtual="/404" stub="one" -->x`])).toBe("xIFx");
  const files = { "/there": "there" };
  expect(await run({ files }, [`${block}x<!--#include virtual="/there" stub="one" -->x`])).toBe("xtherex");
  const chosen =
    '<!--#if expr="$if" --><!--#block name="one" -->IF<!--#endblock -->' +
    '<!--#else --><!--#block name="one" -->ELSE<!--#endblock --><!--#endif -->' +
    '<!--#include virtual="/404" stub="one" -->';
  expect(await run({ variables }, [chosen])).toBe("IF");
  expect(await run({}, [chosen])).toBe("ELSE");
});

test("includes are asked for at once; wait holds the rest back, and what waits is counted", () => {
  const asked: string[] = [];
  const places: Place[] = [];
  const slow: SsiHost = {
    ...host({}, newSsiShared(), "/"),
    include({ target }, place) {
      asked.push(target);
      places.push(place);
      return true;
    },
  };
  const sink = new Collector();
  const rules = { silentErrors: false, valueBytesMax: 255 };
  const filter = new SsiFilter(rules, slow, newSsiShared(), sink, NO_EVENTS);
  filter.write(Buffer.from('<!--#include virtual="/a" -->1<!--#include virtual="/b" wait="yes" -->2'));
  filter.write(Buffer.from('3<!--#include virtual="/c" -->'));
  filter.flush();
  filter.end();
  expect([asked, sink.text]).toEqual([["/a", "/b"], ""]);
  expect(filter.pendingBytes).toBeGreaterThan(20);
  give(places[1]!, Buffer.from("B"));
  expect([asked, sink.text]).toEqual([["/a", "/b", "/c"], ""]);
  places[0]!.write(Buffer.from("A"));
  expect(sink.text).toBe("A");
  places[0]!.end(200);
  expect([sink.text, sink.ended]).toEqual(["A1B23", false]);
  give(places[2]!, Buffer.from("C"));
  expect([sink.text, sink.flushes, sink.ended, filter.pendingBytes]).toEqual(["A1B23C", 1, true, 0]);
});

test("an include that fails is the body's error, and a destroyed document is silent", async () => {
  const include: SsiHost["include"] = (_what, place) => {
    setImmediate(() => place.fail(new Error("gone")));
    return true;
  };
  const failing: SsiHost = { ...host({}, newSsiShared(), "/"), include };
  const rules = { silentErrors: false, valueBytesMax: 255 };
  const text = '<!--#include virtual="/a" wait="yes" -->';
  const body = through((next, events) => new SsiFilter(rules, failing, newSsiShared(), next, events), [text]);
  await expect(body).rejects.toThrow("gone");
  const sink = new Collector();
  const filter = new SsiFilter(rules, failing, newSsiShared(), sink, NO_EVENTS);
  filter.write(Buffer.from(text));
  filter.destroy();
  await new Promise((resolve) => setImmediate(resolve));
  expect([sink.calls, filter.pendingBytes]).toEqual([[], 0]);
});

test("however a document is cut, the same comes out", async () => {
  const token = fc.constantFrom(
    ...["<", "<!--", "<!--#", "-", "-->", " -->", '"', "'", "\\", "$", "a", " ", "=", "x<!--#echo var='a' -->"],
    ...[
      '<!--#set var="b" value="',
      '<!--#if expr="$a',
      '" -->',
      "<!--#else -->",
      "<!--#endif -->",
      "<!--#endblock -->",
    ],
    ...[
      "<!--#block name='n' -->",
      "<!--#include virtual='/f' stub='n' -->",
      "<!--#include virtual='/f' wait='yes' -->",
    ],
  );
  const text = fc.array(token, { maxLength: 25 }).map((tokens) => tokens.join(""));
  const site: Site = { files: { "/f": "file" }, variables: { a: "v" }, valueBytesMax: 12 };
  const property = fc.asyncProperty(cuts(text), async (pieces) => {
    const problems: string[] = [];
    const whole = await run(site, [pieces.join("")], problems);
    const again: string[] = [];
    expect(await run(site, pieces, again)).toBe(whole);
    expect(again).toEqual(problems);
  });
  await fc.assert(property, { numRuns: 500 });
});
