// Rewrite programs, variables and texts.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { textParts } from "../../config/text.ts";
import { lower, lowerHttp, lowerLocation, lowerServer } from "./lower.fixture.ts";
import { partsOf, textOfParts } from "./text.ts";

describe("texts", () => {
  test.each([
    ["$host:${server_port}", "{$host}:{$server_port}"],
    ["$1$2$10", "{$1}{$2}{$1}0"],
    ['{"a":"$uri"}', '{{"a":"{$uri}"}'],
    ["{$uri}", "{{{$uri}}"],
    ["${Host}x", "{$host}x"],
    ["a", "a"],
  ])("%s", (value, text) => expect(textOfParts(partsOf(value).parts)).toBe(text));

  test.each([
    ["$", "invalid variable name"],
    ["a$-", "invalid variable name"],
    ["${}", "invalid variable name"],
    ["${", "invalid variable name"],
    ["${ab", 'the closing bracket in "ab" variable is missing'],
    ["${a-}", 'the closing bracket in "a" variable is missing'],
  ])("%s is refused", (value, error) => expect(partsOf(value).error).toBe(error));

  test("what has no variable means itself, whatever braces it has", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[{}a$ ]*$/), (raw) => {
        const value = raw.replaceAll("$", "");
        const text = textParts(textOfParts(partsOf(value).parts));
        expect(text.map((part) => (part.kind === "literal" ? part.text : "?")).join("")).toBe(value);
      }),
    );
  });

  test("parts come back from the text", () => {
    const part = fc.oneof(
      fc.stringMatching(/^[{}ab ]+$/).map((text) => ({ text })),
      fc.stringMatching(/^[a-z_]{1,5}$/).map((variable) => ({ variable })),
    );
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const written = parts.map((each) => ("text" in each ? each.text : `\${${each.variable}}`)).join("");
        const back = textParts(textOfParts(partsOf(written).parts));
        const again = back.map((each) => (each.kind === "literal" ? each.text : `\${${each.name}}`)).join("");
        expect(again).toBe(written);
      }),
    );
  });
});

const steps = (text: string) => lowerLocation(`location / {\n${text}\n}`).rewrite;

describe("rewrite programs", () => {
  test("steps in the order of the file", () => {
    const then = "last";
    expect(steps("rewrite ^/a/(.*)$ /b/$1? last; set $x $1; break; return 301 https://$host/;")).toEqual([
      {
        do: "rewrite",
        pattern: { source: "^/a/(.*)$", ignoreCase: false },
        to: "/b/{$1}?",
        then,
        redirect: 0,
        log: false,
      },
      { do: "set", variable: "x", value: "{$1}" },
      { do: "break" },
      { do: "return", status: 301, text: "https://{$host}/" },
    ]);
  });

  test.each([
    ["/b", "go-on", 0],
    ["/b last", "last", 0],
    ["/b break", "break", 0],
    ["/b redirect", "last", 302],
    ["/b permanent", "last", 301],
    ["http://b/", "last", 302],
    ["$scheme://b/", "last", 302],
    ["https://b/ permanent", "last", 301],
    ["https://b/ break", "break", 302],
  ])("rewrite ^ %s", (target, then, redirect) => {
    expect(steps(`rewrite ^ ${target};`)).toMatchObject([{ then, redirect }]);
  });

  test.each([
    ["204", 204, null],
    ["https://$host", 302, "https://{$host}"],
    ["200 ok", 200, "ok"],
    ['404 ""', 404, null],
  ])("return %s", (text, status, body) => {
    expect(steps(`return ${text};`)).toEqual([{ do: "return", status, text: body }]);
  });

  test.each([
    ["($host)", { kind: "set", value: "{$host}" }],
    ["( $host = a )", { kind: "equals", value: "{$host}", with: "a", not: false }],
    ['($host != "")', { kind: "equals", value: "{$host}", with: "", not: true }],
    ["($host = $arg_a)", { kind: "equals", value: "{$host}", with: "{$arg_a}", not: false }],
    ["($host !~* ^a)", { kind: "matches", value: "{$host}", pattern: { source: "^a", ignoreCase: true }, not: true }],
    ["(-f $request_filename)", { kind: "file", test: "file", path: "{$request_filename}", not: false }],
    ["(!-d /a)", { kind: "file", test: "directory", path: "/a", not: true }],
    ["(!-e /a)", { kind: "file", test: "exists", path: "/a", not: true }],
    ["(-x /a)", { kind: "file", test: "executable", path: "/a", not: false }],
  ])("if %s", (condition, expected) => {
    const then = [{ do: "return", status: 204 }];
    expect(steps(`if ${condition} { return 204; }`)).toMatchObject([{ do: "if", condition: expected, then }]);
  });

  test("an if of a server brings no settings, rewrite_log holds where it stands", () => {
    const { rewrite } = lowerServer("rewrite_log on; if ($host) { rewrite ^ /a; }");
    const then = [{ do: "rewrite", log: true }];
    expect(rewrite).toMatchObject([{ do: "if", settings: null, then }]);
  });

  test("names of groups are variables", () => {
    expect(lower("events {} http { server { location ~ ^/(?<a>x) { return 200 $a$b; } } }").problems).toMatchObject([
      { message: 'unknown "b" variable', placeless: true },
    ]);
  });
});

describe("variables of the http block", () => {
  const variables = (text: string) => lowerHttp(text).servers!.variables;

  test("map", () => {
    const text =
      "map $http_host:$uri $a { volatile; hostnames; default $uri; .A.test 1; ~*^b(?<n>.) x$n; \\default 2; }";
    expect(variables(text)).toEqual([
      {
        kind: "map",
        name: "a",
        source: "{$http_host}:{$uri}",
        hostnames: true,
        volatile: true,
        default: "{$uri}",
        entries: [
          { key: ".a.test", value: "1" },
          { key: { source: "^b(?<n>.)", ignoreCase: true }, value: "x{$n}" },
          { key: "default", value: "2" },
        ],
      },
    ]);
  });

  test("geo: blocks as they are meant, the later one of two that are the same, none that is deleted", () => {
    const text = `geo $arg_ip $g { default z; proxy 127.0.0.1; proxy_recursive; 10.1.2.3/8 a; 10.0.0.0/8 b;
      192.168.0.1 c; delete 192.168.0.1; 2001:DB8::1/32 d; }`;
    expect(variables(text)).toEqual([
      {
        kind: "geo",
        name: "g",
        source: "{$arg_ip}",
        volatile: false,
        default: "z",
        entries: [
          { block: "10.0.0.0/8", value: "b" },
          { block: "2001:db8::/32", value: "d" },
        ],
        ranges: [],
        proxies: ["127.0.0.1/32"],
        proxyRecursive: true,
      },
    ]);
  });

  test("geo: ranges are taken apart where one is within another", () => {
    const text = `geo $g { ranges; default z; 10.0.0.0-10.0.0.255 a; 10.0.0.5-10.0.0.7 b; 10.0.0.0-10.0.0.1 c;
      10.0.0.255-10.0.0.255 d; 9.0.0.0-9.0.0.1 e; delete 10.0.0.5-10.0.0.7; }`;
    const [geo] = variables(text);
    expect(geo?.kind === "geo" && geo.ranges.map(({ from, to, value }) => `${from}-${to} ${value}`)).toEqual([
      "9.0.0.0-9.0.0.1 e",
      "10.0.0.0-10.0.0.1 c",
      "10.0.0.2-10.0.0.4 a",
      "10.0.0.8-10.0.0.254 a",
      "10.0.0.255-10.0.0.255 d",
    ]);
  });

  test("names that are set or captured, and what they are before", () => {
    const { servers } = lowerHttp(`map $host $m { ~(?<c>a) 1; } server { set $s 1; set $c 2; auth_request_set $a 1;
      location ~ (?<p>x) { set $ssl_cipher 1; } }`);
    expect(servers!.slots).toEqual([
      { name: "c", unset: "not-found" },
      { name: "s", unset: "empty" },
      { name: "a", unset: "not-found" },
      { name: "p", unset: "not-found" },
      { name: "ssl_cipher", unset: "empty" },
    ]);
  });

  test("split_clients: values are taken as they stand", () => {
    expect(variables("split_clients $uri $s { 0.5% a; 33% $b; * c; }")).toEqual([
      {
        kind: "split",
        name: "s",
        source: "{$uri}",
        parts: [
          { share: 0.005, value: "a" },
          { share: 0.33, value: "$b" },
          { share: null, value: "c" },
        ],
      },
    ]);
  });
});
