import { expect, test } from "vitest";
import type { AutoindexConfig } from "../config/servers.ts";
import { jsonpCallback, listingText, listingType } from "./autoindex.ts";
import type { DirectoryEntry } from "./directory.ts";

const AT = 1_700_000_000;
const HTML: AutoindexConfig = { format: "html", exactSize: true, localTime: false };

function file(name: string, sizeBytes = 0): DirectoryEntry {
  return { name, isDirectory: false, isFile: true, modifiedSeconds: AT, sizeBytes };
}

function folder(name: string): DirectoryEntry {
  return { name, isDirectory: true, isFile: false, modifiedSeconds: AT, sizeBytes: 4096 };
}

const FACTS = { uri: "/", config: HTML, isUtf8: false, zoneOffsetMinutes: 0, callback: "" };

/** The line of one entry. */
function line(entry: DirectoryEntry, given: Partial<typeof FACTS> = {}): string {
  return listingText([entry], { ...FACTS, ...given }).split("\r\n")[4]!;
}

test("a page, folders first, then by bytes", () => {
  const text = listingText([file("b", 7), file("B", 123), folder("z")], { ...FACTS, uri: '/a<&">/' });
  expect(text).toBe(
    [
      "<html>",
      "<head><title>Index of /a&lt;&amp;&quot;&gt;/</title></head>",
      "<body>",
      '<h1>Index of /a&lt;&amp;&quot;&gt;/</h1><hr><pre><a href="../">../</a>',
      `<a href="z/">z/</a>${" ".repeat(48)} 14-Nov-2023 22:13                   -`,
      `<a href="B">B</a>${" ".repeat(49)} 14-Nov-2023 22:13                 123`,
      `<a href="b">b</a>${" ".repeat(49)} 14-Nov-2023 22:13                   7`,
      "</pre><hr></body>",
      "</html>",
      "",
    ].join("\r\n"),
  );
});

test.each<[name: string, isUtf8: boolean, shown: string]>([
  ["0".repeat(50), false, "0".repeat(50)],
  ["0".repeat(51), false, `${"0".repeat(47)}..&gt;`],
  [">".repeat(51), false, `${"&gt;".repeat(47)}..&gt;`],
  ["\xd1\x84".repeat(30), false, `${"\xd1\x84".repeat(23)}\xd1..&gt;`],
  ["\xd1\x84".repeat(50), true, "\xd1\x84".repeat(50)],
  ["\xd1\x84".repeat(51), true, `${"\xd1\x84".repeat(47)}..&gt;`],
  // Not UTF-8: bytes are counted.
  [`\xff${"\xd1\x84".repeat(30)}`, true, `\xff${"\xd1\x84".repeat(23)}..&gt;`],
])("%j is cut to 50 columns (UTF-8: %j)", (name, isUtf8, shown) => {
  expect(/>(.*)<\/a>/.exec(line(file(name), { isUtf8 }))![1]).toBe(shown);
});

test("a folder's slash has its column", () => {
  expect(line(folder("d".repeat(49)))).toContain(`>${"d".repeat(49)}/</a> 14-Nov`);
  expect(line(folder("d".repeat(50)))).toContain(`>${"d".repeat(50)}</a> 14-Nov`);
  expect(line(folder("d".repeat(51)))).toContain(`>${"d".repeat(47)}..&gt;</a> 14-Nov`);
});

test("names in links", () => {
  expect(line(file("a b:?%#/<\xff~_.-"))).toContain('href="a%20b%3A%3F%25%23%2F%3C%FF~_.-"');
});

test.each([
  [0, "      0"],
  [9999, "   9999"],
  [10_000, "    10K"],
  [10_752, "    11K"],
  [1_048_575, "  1024K"],
  [1_048_576, "     1M"],
  [1_572_864, "     2M"],
  [1_610_612_736, "     2G"],
])("%d bytes are rounded to %j", (size, shown) => {
  const config = { ...HTML, exactSize: false };
  expect(line(file("f", size), { config }).endsWith(` 22:13 ${shown}`)).toBe(true);
  expect(line(folder("f"), { config }).endsWith(" 22:13       -")).toBe(true);
});

test("dates by the server's zone", () => {
  const config = { ...HTML, localTime: true };
  expect(line(file("f"), { config, zoneOffsetMinutes: 330 })).toContain("15-Nov-2023 03:43");
  expect(line(file("f"), { zoneOffsetMinutes: 330 })).toContain("14-Nov-2023 22:13");
});

const MIXED = [file('q"\\\n\x01', 42), folder("d"), { ...file("fifo"), isFile: false }];

test("JSON and JSONP", () => {
  const json = { ...FACTS, config: { ...HTML, format: "json" as const } };
  const text = listingText(MIXED, json);
  expect(text).toBe(
    '[\r\n{ "name":"d", "type":"directory", "mtime":"Tue, 14 Nov 2023 22:13:20 GMT" },' +
      '\r\n{ "name":"fifo", "type":"other", "mtime":"Tue, 14 Nov 2023 22:13:20 GMT" },' +
      '\r\n{ "name":"q\\"\\\\\\n\\u0001", "type":"file", "mtime":"Tue, 14 Nov 2023 22:13:20 GMT", "size":42 }\r\n]',
  );
  expect(JSON.parse(text)).toHaveLength(3);
  expect(listingText([], json)).toBe("[\r\n]");
  const jsonp = { ...FACTS, config: { ...HTML, format: "jsonp" as const }, callback: "cb" };
  expect(listingText([], jsonp)).toBe("/* callback */\r\ncb([\r\n]);");
  expect(listingType(jsonp.config, "cb").type).toBe("application/javascript");
  expect(listingType(jsonp.config, "").type).toBe("application/json");
});

test("XML", () => {
  const config = { ...HTML, format: "xml" as const };
  expect(listingText([file("<a>", 42), folder("d")], { ...FACTS, config })).toBe(
    '<?xml version="1.0"?>\r\n<list>\r\n' +
      '<directory mtime="2023-11-14T22:13:20Z">d</directory>\r\n' +
      '<file mtime="2023-11-14T22:13:20Z" size="42">&lt;a&gt;</file>\r\n</list>\r\n',
  );
  expect(listingType(config, "")).toEqual({ type: "text/xml", charset: "utf-8" });
});

test.each([
  ["callback=foo", { callback: "foo" }],
  ["x=1&CallBack=a.b_9&callback=other", { callback: "a.b_9" }],
  ["callback=", { callback: "" }],
  ["mycallback=x", { callback: "" }],
  ["", { callback: "" }],
  [`callback=${"a".repeat(128)}`, { callback: "a".repeat(128) }],
  ["callback=a-b", { problem: 'client sent invalid callback name: "a-b"' }],
  [`callback=${"a".repeat(129)}`, { problem: `client sent too long callback name: "${"a".repeat(129)}"` }],
])("%j asks for a callback", (args, expected) => {
  expect(jsonpCallback(args)).toEqual(expected);
});
