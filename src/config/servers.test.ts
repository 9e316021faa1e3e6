// Virtual servers in goodgate.yaml: what blocks inherit, what names mean, what is wrong and where.
import { expect, test } from "vitest";
import { bytesOfText, textOfBytes } from "./byte-strings.ts";
import type { Config } from "./config.ts";
import { loadConfig } from "./load.ts";
import type { LocationConfig, LocationSettings, ProxyConfig } from "./servers.ts";

const UPSTREAMS = 'upstreams: { app: ["10.0.0.1:80", "10.0.0.2:80"] }\n';

function load(text: string): Config {
  const { config, problems } = loadConfig(UPSTREAMS + text, "/etc/goodgate/goodgate.yaml", {});
  expect(problems).toEqual([]);
  return config!;
}

function locations(text: string): readonly LocationConfig[] {
  return load(text).servers!.servers[0]!.locations;
}

function problems(text: string): string[] {
  return loadConfig(UPSTREAMS + text, "goodgate.yaml", {}).problems.map(
    ({ position, message, hint, severity }) =>
      `${position?.line}:${position?.column} ${severity === "warning" ? "(warning) " : ""}${message}${hint ? ` → ${hint}` : ""}`,
  );
}

const proxy = ({ content }: LocationSettings): ProxyConfig => content as ProxyConfig;

test("a block has the settings of the block around it: groups key by key, everything else whole", () => {
  const [first, second, inner] = ((all) => [all[0]!, all[1]!, all[1]!.locations[0]!])(
    locations(`
server-defaults: { request: { body: 5MiB }, index: [a.html, b.html], proxy: { request: { headers: { A: "1", B: "2" } } } }
servers:
  - request: { keepalive: 5s }
    response: { headers: { name: X, value: "1" } }
    locations:
      - { location: /, proxy: app }
      - location: /b/
        proxy: { to: app, timeouts: { head: 3s }, request: { headers: { C: "3" } } }
        request: { body: off }
        index: c.html
        response: { headers: off }
        try-files: ["{$uri}", =404]
        locations:
          - { location: /b/c, content: empty-gif }
`),
  );
  expect(first!.settings.request).toMatchObject({ bodyBytesMax: 5 * 2 ** 20, keepAliveMs: 5000 });
  expect(first!.settings.index).toEqual(["a.html", "b.html"]);
  expect(first!.settings.response.addHeaders).toEqual([{ name: "X", value: "1", always: false }]);
  const sent = (settings: LocationSettings) =>
    proxy(settings)
      .request.setHeaders.slice(0, 3)
      .map(({ name }) => name);
  expect(sent(first!.settings)).toEqual(["Host", "A", "B"]);
  expect(second!.settings.request).toMatchObject({ bodyBytesMax: 0, keepAliveMs: 5000 });
  expect(second!.settings.response.addHeaders).toEqual([]);
  expect(sent(second!.settings)).toEqual(["Host", "C", "Connection"]);
  expect(proxy(second!.settings).timeouts).toMatchObject({ headMs: 3000, idleBodyMs: 3000, connectMs: 3000 });
  expect(second!.settings.tryFiles).toEqual({ paths: ["{$uri}"], last: { status: 404 } });
  // What answers, and what is looked for, is the block's own.
  expect(inner!.settings).toMatchObject({ content: { kind: "empty-gif" }, tryFiles: null, index: ["c.html"] });
});

test("what locations match", () => {
  const written = ["/a", "/a/", "= /a", "^~ /a", '"~ ^/(?<x>a)$"', '"~* a"', '"@a"', "\\@a", "\\~a"];
  const text = `servers:\n  - locations:\n${written.map((each) => `      - { location: ${each}, proxy: app }`).join("\n")}\n`;
  const prefix = { kind: "prefix", final: false, redirectBare: false };
  expect(locations(text).map(({ match }) => match)).toEqual([
    { ...prefix, path: "/a" },
    { ...prefix, path: "/a/", redirectBare: true },
    { kind: "exact", path: "/a", redirectBare: false },
    { ...prefix, path: "/a", final: true },
    { kind: "pattern", source: "^/(?<x>a)$", ignoreCase: false },
    { kind: "pattern", source: "a", ignoreCase: true },
    { kind: "named", name: "@a" },
    { ...prefix, path: "@a" },
    { ...prefix, path: "~a" },
  ]);
  expect(load(text).servers!.slots).toEqual([{ name: "x", unset: "not-found" }]);
});

test("a path of a proxy takes the place of the location's prefix, and names of files begin beside the configuration", () => {
  const config = load(`
servers:
  - names: [Example.com, "*.b.c"]
    root: site
    logs: [logs/a.log, stdout]
    locations:
      - { location: /x/, proxy: { to: app, uri: /y/ } }
      - { location: ~ ^/z, proxy: { to: app, uri: "/w{$1}" } }
      - { location: /al/, root: { alias: al } }
`);
  const [x, z, al] = config.servers!.servers[0]!.locations;
  expect(proxy(x!.settings).target).toMatchObject({
    upstream: "app",
    uri: { kind: "replace", prefixLength: 3, by: "/y/" },
  });
  expect(proxy(x!.settings).response.redirects).toEqual([{ from: "http://app/y/", to: "/x/" }]);
  expect(proxy(z!.settings).target).toMatchObject({ uri: { kind: "whole", uri: "/w{$1}" } });
  expect(al!.settings.root).toMatchObject({ kind: "alias", path: "/etc/goodgate/al", prefixLength: 4 });
  expect(x!.settings.root.path).toBe("/etc/goodgate/site");
  expect(x!.settings.logs.map(({ to }) => to)).toEqual([
    { kind: "file", path: "/etc/goodgate/logs/a.log" },
    { kind: "stdout" },
  ]);
  expect(config.servers!.servers[0]).toMatchObject({
    name: "example.com",
    position: { line: 4, column: 5 },
    listen: [{ address: { kind: "tcp", host: "", port: 8080 }, isDefault: true }],
  });
  expect(config.routes).toEqual([]);
});

test("listeners are those of the servers, each once", () => {
  const { listeners, servers } = load(`
servers:
  - { listen: [":80", { address: ":443", tls: true }] }
  - { listen: [{ address: ":80", default: true }, ":443", "127.0.0.1:80"] }
`);
  expect(listeners.map(({ address, ...rest }) => ({ port: address.kind === "tcp" && address.port, ...rest }))).toEqual([
    { port: 80, tls: null },
    { port: 443, tls: null, serversTls: true },
    { port: 80, tls: null, viaWildcard: true },
  ]);
  expect(servers!.servers.map(({ listen }) => listen.map(({ isDefault }) => isDefault))).toEqual([
    [false, true],
    [true, false, true],
  ]);
});

test("defaults: nginx is what nginx does; otherwise upstreams have the resilience that they have for routes", () => {
  const text = "servers: [{ proxy: app }]\n";
  expect(load(text).upstreams.get("app")).toMatchObject({ hold: { forMs: 5000 }, timeouts: { connectMs: 3000 } });
  const config = load(`defaults: nginx\n${text}`);
  expect(config).toMatchObject({ console: null, forwarding: { via: false }, log: { failures: null } });
  expect(config.upstreams.get("app")).toMatchObject({
    hold: null,
    eject: null,
    breaker: null,
    timeouts: { connectMs: 60_000 },
    retry: { attempts: 2 },
    endpoints: [{ maxFails: 1, failTimeoutMs: 10_000 }, { maxFails: 1 }],
  });
});

test("everything that is wrong, each in its place", () => {
  expect(
    problems(`servers:
  - proxi: app
    request: { bodi: 10m, body-timeout: 5 }
    names: "a.*.b"
    locations:
      - { location: "~ ^/(", proxy: app }
      - { proxy: app }
      - location: /c
        rewrite: [{ retrun: 301 }, { if: { value: x, equals: y, not: true } }, { return: 301, set: a, to: b }]
`),
  ).toEqual([
    '3:5 unknown key "proxi" → did you mean "proxy"?',
    '4:16 unknown key "bodi" → did you mean "body"?',
    '4:41 the duration 5 has no unit → write "5s" for seconds, "5ms" for milliseconds',
    '5:12 "a.*.b" is no name of a server → a star stands for the first or the last label: "*.example.com", "www.example.*"',
    '7:21 the regular expression "^/(" is wrong: missing closing parenthesis',
    '8:9 "location" is missing',
    "10:19 one of set, if, rewrite, return is missing → give it exactly one of set, if, rewrite, return",
    '10:21 unknown key "retrun" → did you mean "return"?',
    "10:42 not has no place beside equals → its keys: value, equals",
    "10:80 set and return at once → give it exactly one of set, if, rewrite, return",
  ]);
});

test("names that nothing has", () => {
  expect(
    problems(`zones: [{ rate: one, key: "{$binary_remote_addr}", per-second: 5 }]
variables: [{ map: kind, from: "{$arg_kind}", entries: { "~ ^a(?<rest>.*)": "{$rest}" } }]
routes: []
servers:
  - limits: { rate: { zone: on } }
    error-pages: { on: 404, to: "@gon" }
    logs: { to: stdout, format: shrot }
    cache: c
    locations:
      - { location: /, proxy: ap }
      - { location: "@gone", proxy: { url: "http://{$knd}{$arg_x}{$rest}" } }
      - { location: /s, rewrite: [{ set: own, to: "{$own}" }, { return: 200, text: "{$ow}" }] }
`),
  ).toEqual([
    "4:1 routes has no meaning beside servers → a file has routes or servers",
    '6:29 unknown rate zone "on" → did you mean "one"?',
    '8:33 unknown log format "shrot" → known: combined',
    '9:12 unknown cache "c" → there are none',
    '11:31 unknown upstream "ap" → did you mean "app"?',
    '12:44 unknown variable "knd" → did you mean "{$kind}"?',
    '13:84 unknown variable "ow" → did you mean "{$own}"?',
    '7:33 (warning) there is no location "@gon" → did you mean "@gone"?',
  ]);
});

test("bytes are written as UTF-8, and as lone surrogates where they are none", () => {
  const all = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join("");
  for (const bytes of [all, "\xc3\xbc", "\xe2\x82\xac\xff", "\xed\xb2\x80", "\xf0\x9f\x98\x80\x80", ""])
    expect(bytesOfText(textOfBytes(bytes))).toBe(bytes);
  expect(textOfBytes("\xc3\xbc\xff")).toBe("ü\udcff");
});
