import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import type { Config } from "./config.ts";
import { configFromUrls, formatProblem, loadConfig, withOverrides } from "./load.ts";

const folder = mkdtempSync(join(tmpdir(), "goodgate-config-"));
const file = join(folder, "goodgate.yaml");
afterAll(() => rmSync(folder, { recursive: true }));

const PROMISED = `
listen: [":8080"]
upstreams:
  app:
    endpoints: ["10.0.0.1:3000", { address: "10.0.0.2:3000", weight: 2 }, { address: "10.0.0.9:3000", backup: true }]
    balance: round-robin            # least-connections, random-two, ip-hash, { hash: "{uri}" }
    timeouts: { connect: 3s, head: 30s, idle-body: 30s, send: 30s }
    keepalive: { connections: 64, idle: auto }
    health: { path: /healthz, interval: 2s, timeout: 1s, rise: 2, fall: 3 }
    eject: { failures: 3, within: 10s, for: 10s, max: 50% }
    retry: { attempts: 3, within: 10s, budget: 20% }
    hold: { for: 15s, requests: 1000, bytes: 64MiB }
routes:
  - { path: /api/*, proxy: app }
  - { path: /, proxy: app }
`;

function load(text: string, env: Record<string, string> = {}) {
  return loadConfig(text, file, env);
}

function good(text: string, env: Record<string, string> = {}): Config {
  const { config, problems } = load(text, env);
  expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
  return config!;
}

/** "line:column message → hint" of each problem. */
function told(text: string, env: Record<string, string> = {}): string[] {
  return load(text, env).problems.map(
    ({ position, message, hint }) => `${position?.line}:${position?.column} ${message}${hint ? ` → ${hint}` : ""}`,
  );
}

const APP = 'upstreams: { app: "127.0.0.1:3000" }\n';

test("the promised format is accepted, and all of it is in effect", () => {
  const { config, problems } = load(PROMISED);
  expect(config!.upstreams.get("app")!.endpoints.map(({ label, weight, backup }) => [label, weight, backup])).toEqual([
    ["10.0.0.1:3000", 1, false],
    ["10.0.0.2:3000", 2, false],
    ["10.0.0.9:3000", 1, true],
  ]);
  expect(config!.upstreams.get("app")).toMatchObject({
    health: { kind: "http", path: "/healthz", intervalMs: 2000, timeoutMs: 1000, rise: 2, fall: 3 },
    eject: { failures: 3, withinMs: 10_000, forMs: 10_000, max: 0.5 },
    retry: { attempts: 3, withinMs: 10_000, budget: 0.2 },
    hold: { forMs: 15_000, requests: 1000, bytes: 64 * 1024 * 1024 },
  });
  expect(problems).toEqual([]);
});

test.each([
  ["random-two", "random-two"],
  ["peak-ewma", "peak-ewma"],
  ["ip-hash", { hash: "{client.ip}" }],
  ['{ hash: "{uri}" }', { hash: "{uri}" }],
  ["{ cookie: at }", { cookie: "at", secret: "" }],
  ["{ cookie: at, secret: s }", { cookie: "at", secret: "s" }],
])("balance: %s is in effect", (written, meant) => {
  const { config, problems } = load(`upstreams: { app: { endpoints: ["a:1", "b:1"], balance: ${written} } }`);
  expect(config!.upstreams.get("app")!.balance).toEqual(meant);
  expect(problems).toEqual([]);
});

test.each([
  ["{}", "balance has neither hash nor cookie"],
  ['{ hash: "{uri}", cookie: at }', "balance has hash and cookie"],
  ['{ hash: "{uri}", secret: s }', "a hash has no secret"],
  ["{ hash: all }", '"all" is the same for every request'],
  ['{ hash: "{endpoint}" }', 'unknown placeholder "{endpoint}"'],
  ['{ cookie: "a b" }', '"a b" is no name for this cookie'],
])("balance: %s is refused", (written, message) => {
  const { config, problems } = load(`upstreams: { app: { endpoints: ["a:1", "b:1"], balance: ${written} } }`);
  expect(config).toBeUndefined();
  expect(problems).toMatchObject([{ severity: "error", message }]);
});

test("the shortest file has every default", () => {
  const { config, problems } = load(APP);
  expect(problems).toEqual([]);
  expect(config).toMatchObject({
    name: "goodgate",
    listeners: [{ address: { kind: "tcp", host: "", port: 8080 }, tls: null }],
    console: { kind: "tcp", host: "127.0.0.1", port: 8502 },
    workers: 1,
    drainMs: 30_000,
    trust: [],
    forwarding: { xForwarded: true, forwarded: true, via: true },
    client: {
      timeouts: { headMs: 30_000, bodyMs: 30_000, sendMs: 60_000, idleMs: 75_000 },
      limits: { lineBytes: 8192, headBytes: 32_768, fields: 100, bodyBytes: 0 },
    },
    log: { access: null, failures: { to: { kind: "stderr" } } },
    routes: [
      { name: "/", hosts: [], paths: [{ kind: "prefix", path: "/" }], action: { kind: "proxy", upstream: "app" } },
    ],
  });
  expect(config!.upstreams.get("app")).toMatchObject({
    tls: null,
    host: "keep",
    timeouts: {
      connectMs: 3000,
      tlsMs: 5000,
      sendMs: 30_000,
      headMs: 30_000,
      idleBodyMs: 30_000,
      tunnelIdleMs: 300_000,
    },
    keepalive: { connections: 64, idleMs: 4000, auto: true, requests: 0 },
    resolve: { minMs: 1000, timeoutMs: 5000 },
  });
});

test("short forms and long forms are the same", () => {
  const forms = [
    'app: "http://10.0.0.1:80"',
    'app: ["10.0.0.1"]',
    'app: { endpoints: ["10.0.0.1:80"] }',
    'app: { endpoints: [{ address: "http://10.0.0.1" }] }',
  ];
  const configs = forms.map((form) => JSON.stringify([...good(`upstreams: { ${form} }`).upstreams]));
  expect(new Set(configs).size).toBe(1);
  expect(JSON.stringify(good(`{"upstreams": {"app": "10.0.0.1"}}`))).toBe(
    JSON.stringify(good("upstreams:\n  app: 10.0.0.1\n")),
  );
  expect(
    good(`${APP}routes: [{ respond: 404 }, { path: /a, respond: hello }, { path: /b, redirect: /c }]`).routes.map(
      ({ action }) => action,
    ),
  ).toEqual([
    { kind: "respond", status: 404, body: "", type: "text/plain; charset=utf-8" },
    { kind: "respond", status: 200, body: "hello", type: "text/plain; charset=utf-8" },
    { kind: "redirect", to: "/c", status: 302 },
  ]);
});

test("https endpoints turn TLS on, with verification", () => {
  expect(good('upstreams: { app: "https://app.internal" }').upstreams.get("app")).toMatchObject({
    endpoints: [{ label: "app.internal:443" }],
    tls: { verify: true, ca: null, serverName: null, minVersion: "TLSv1.2" },
  });
  expect(
    good('upstreams: { app: { endpoints: ["a:1"], tls: { min-version: 1.3 } } }').upstreams.get("app")!.tls!.minVersion,
  ).toBe("TLSv1.3");
});

test("routes: names, hosts, methods, headers, timeouts", () => {
  const [route] = good(`${APP}routes:
  - host: [Example.com., "*.example.org"]
    path: [/a/*, "~ ^/b(.)"]
    method: get
    proxy: app
    strip: /a/
    request: { headers: { remove: Cookie, set: { X-Ip: "{client.ip}" }, add: { X-A: [one, two] } } }
    timeouts: { head: 5s }
    body: off
`).routes;
  expect(route).toMatchObject({
    name: "GET example.com/a/*",
    hosts: ["example.com", "*.example.org"],
    paths: [
      { kind: "prefix", path: "/a" },
      { kind: "regex", source: "^/b(.)", ignoreCase: false },
    ],
    methods: ["GET", "HEAD"],
    strip: "/a",
    request: {
      remove: ["Cookie"],
      set: [{ name: "X-Ip", value: "{client.ip}" }],
      add: [
        { name: "X-A", value: "one" },
        { name: "X-A", value: "two" },
      ],
    },
    timeouts: { headMs: 5000 },
    bodyBytes: 0,
  });
});

test("every problem at once, each in its place", () => {
  const problems = told(`name: 5
timeout: 5s
upstreams:
  app:
    endpoint: ["a:1"]
    timeouts: { connect: 3, head: 5x, idel-body: 3s }
    balance: roundrobin
    keepalive: { idle: 60 }
    eject: { max: 50 }
routes:
  - { path: api, proxy: ap }
  - request: { headers: { set: { X-A: {client.ip}, Connection: close, X-B: "{client.pi}" } } }
  - { path: /, respond: { status: 700 }, upgrade: yes }
workers: "\${WORKRES}"
drain: \${DRAIN:-10}
`);
  expect(problems).toEqual([
    '1:7 expected a name, found the number 5 → put it in quotes: "5"',
    '2:1 unknown key "timeout" → known: name, defaults, listen, console, data, store, webhooks, traces, workers, upstreams, routes, server-defaults, variables, zones, caches, formats, charset-maps, product, certificates-from, servers, client, trust, forwarding, errors, log, drain, drain-delay',
    '5:5 unknown key "endpoint" → did you mean "endpoints"?',
    '6:26 the duration 3 has no unit → write "3s" for seconds, "3ms" for milliseconds',
    '6:35 "5x" is not a duration → write "5s", "250ms", "1m30s"',
    '6:39 unknown key "idel-body" → did you mean "idle-body"?',
    '7:14 unknown value "roundrobin" → did you mean "round-robin"?',
    '8:24 expected a duration, or "auto", found the number 60 → write "60s" for seconds, "60ms" for milliseconds',
    '9:19 expected a percentage such as "20%", found the number 50 → write "50%"',
    '11:13 the path "api" does not begin with "/" → a regular expression begins with "~ "',
    '11:25 unknown upstream "ap" → did you mean "app"?',
    '12:39 expected text, found a mapping → put it in quotes: "{client.ip}"',
    '12:76 unknown placeholder "{client.pi}" → did you mean "{client.ip}"? (a brace by itself is written "{{")',
    "13:35 expected a whole number, from 200 to 599, found the number 700",
    '13:51 expected true or false, found "yes" → write true',
    '14:10 the environment variable WORKRES is not set → write "${WORKRES:-default}" where it may be missing',
    '15:8 expected a duration, or "off", found the number 10 → write "10s" for seconds, "10ms" for milliseconds',
  ]);
});

test.each([
  ["listen: *x", '1:9 there is no anchor "&x"'],
  ["upstreams:\n\tapp: x", "2:1 a tab in the indentation"],
  [`${APP}upstreams: {}`, "2:1 the key upstreams is given twice"],
  [`${APP}---\nname: x`, "2:1 the file has more than one document"],
  ["just text", "1:1 expected a mapping"],
  ["", "1:1 there is nothing to do"],
  ["upstreams: { a: x, b: y }", "1:1 2 upstreams and no routes"],
  [`${APP}routes: [{ path: / }]`, "2:10 the route does nothing"],
  [`${APP}routes: [{ proxy: app, respond: 404 }]`, "2:24 the route has proxy and respond"],
  [`${APP}listen: [":1", "127.0.0.1:1"]`, "2:16 this address is listened on already"],
  [`${APP}console: :8080`, "2:10 the console has the address of a listener"],
  ['upstreams: { app: ["https://a", "http://b"] }', "1:33 this endpoint is http, and the upstream speaks TLS"],
  ['upstreams: { app: "http://a/base" }', '1:19 the endpoint "http://a/base" has a path'],
  ["upstreams: { 7up: x }", '1:14 "7up" is no name'],
  [`${APP}routes: [{ path: "~ (a+)+$", proxy: app }]`, "2:18 the regular expression is refused"],
  [
    `${APP}routes: [{ proxy: app, request: { headers: { set: { Transfer-Encoding: x } } } }]`,
    "2:53 the field Transfer-Encoding",
  ],
  [`${APP}routes: [{ proxy: app, request: { headers: { set: { Host: x } } } }]`, "2:53 Host is not set here"],
  [`${APP}routes: [{ host: "a.test:80", proxy: app }]`, '2:18 "a.test:80" is not a host name'],
  [`${APP}errors: { pages: { 502: missing.html } }`, "2:25 cannot read"],
  [`${APP}errors: { pages: { 200: x } }`, '2:20 "200" is not an error status'],
  [`${APP}listen: { address: ":1", tls: { cert: missing.pem, key: missing.key } }`, "2:39 cannot read"],
  [`${APP}listen: { address: ":1", tls: {} }`, "2:31 TLS without a certificate"],
  [`${APP}trust: ["10.0.0.0/33"]`, '2:9 "10.0.0.0/33" is not an address or a CIDR block'],
  [`${APP}log: { access: { format: jsno } }`, '2:26 unknown log format "jsno"'],
  [`${APP}client: { limits: { head: 10XB } }`, '2:27 "10XB" is not a size'],
  [
    "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d]",
    "the file is too deep or too large",
  ],
])("%j is an error", (text, words) => {
  const { config, problems } = load(text);
  expect(config).toBeUndefined();
  expect(problems.filter(({ severity }) => severity === "error").length).toBeGreaterThan(0);
  expect(told(text).join("\n")).toContain(words);
});

test.each([
  [`${APP}routes: [{ path: /, proxy: app }, { path: /*, proxy: app }]`, "2:35 no request reaches this route"],
  ["upstreams: { app: {} }", "1:14 the upstream app has no endpoints"],
  [
    'upstreams: { app: { endpoints: [{ address: "a:1", backup: true }] } }',
    "1:14 every endpoint of app in use is a backup",
  ],
  ['upstreams: { app: { endpoints: ["a:1"], keepalive: { idle: 60s } } }', "1:60 idle connections are kept for 1m"],
  ['upstreams: { app: { endpoints: ["a:1"], timeouts: { head: 60s } } }', "1:59 the gateway waits 1m for a response"],
  ['upstreams: { app: { endpoints: ["a:1"], timeouts: { connect: 10s } } }', "1:62 after a connect timeout"],
  [`${APP}client: { timeouts: { idle: 15s } }`, "2:29 clients' connections are closed after 15s"],
  ['upstreams: { app: "localhost:8080" }', "1:19 localhost:8080 is this gateway itself"],
  [
    'upstreams: { app: { endpoints: ["a:1"], tls: { verify: false } } }',
    "1:56 the upstream's certificate is not verified",
  ],
  [`${APP}trust: 0.0.0.0/0`, "2:8 0.0.0.0/0 trusts everyone"],
  [`${APP}routes: [{ path: /a/*, proxy: app, strip: /b }]`, '2:43 no path of this route begins with "/b"'],
  [`${APP}routes: [{ proxy: app }, { path: /a/*, redirect: "/{path.1}" }]`, "2:50 {path.1} is empty"],
])("%j is a finding", (text, words) => {
  const { config, problems } = load(text);
  expect(config).toBeDefined();
  expect(problems.every(({ severity }) => severity === "warning")).toBe(true);
  expect(told(text).join("\n")).toContain(words);
});

test("a route for a method is reached beside one for all", () => {
  expect(load(`${APP}routes: [{ proxy: app }, { method: POST, respond: 405 }]`).problems).toEqual([]);
});

test("variables are put in, typed as if they stood there", () => {
  const text =
    'name: ${NAME:-edge}\nworkers: ${WORKERS}\nlisten: ":${PORT}"\nupstreams: { app: "${APP}" }\nlog: { access: "$${NAME}" }\n';
  const config = good(text, { WORKERS: "4", PORT: "9000", APP: "10.0.0.1:80" });
  expect(config).toMatchObject({
    name: "edge",
    workers: 4,
    listeners: [{ address: { port: 9000 } }],
    log: { access: { to: { path: join(folder, "${NAME}") } } },
  });
  expect(good(text, { NAME: "", WORKERS: "auto", PORT: "1", APP: "a:1" })).toMatchObject({
    name: "edge",
    workers: "auto",
  });
  expect(told(`${APP}name: \${NAM}`, { NAME: "x" })).toEqual([
    '2:7 the environment variable NAM is not set → did you mean "NAME"? write "${NAM:-default}" where it may be missing',
  ]);
  expect(told(`${APP}name: "\${1x}"`)[0]).toContain('"${1x}" is not a variable');
});

test("pages are read beside the file, those of a route above those of the file", () => {
  writeFileSync(join(folder, "all.html"), "all");
  writeFileSync(join(folder, "own.html"), "own");
  const config = good(
    `${APP}errors: { detail: never, pages: { 502: all.html, 5xx: all.html } }\nroutes: [{ proxy: app, errors: { pages: { 502: own.html } } }]`,
  );
  expect([...config.routes[0]!.errors.pages]).toEqual([
    ["502", "own"],
    ["5xx", "all"],
  ]);
  expect(config.routes[0]!.errors.detail).toBe("never");
});

test("a problem is shown with its line and a caret", () => {
  const [problem] = load('listen: ":8080"\nupstreams:\n  app:\n    timeout: 5s\n').problems;
  expect(formatProblem(problem!).replace(folder, ".")).toBe(
    './goodgate.yaml:4:5: error: unknown key "timeout"\n   4 |     timeout: 5s\n     |     ^^^^^^^ did you mean "timeouts"?',
  );
  expect(formatProblem({ severity: "warning", message: "a\x1b[2Jb", hint: "do" })).toBe("warning: a\\x1b[2Jb\n  do");
  expect(formatProblem(problem!, true)).toContain("\x1b[31m");
});

test("URLs form one upstream; a path in them goes before every path", () => {
  expect(
    configFromUrls(["http://localhost:3000", "http://localhost:3001/"])
      .config!.upstreams.get("app")!
      .endpoints.map(({ label }) => label),
  ).toEqual(["localhost:3000", "localhost:3001"]);
  expect(configFromUrls(["https://app.test/base/"]).config).toMatchObject({ routes: [{ rewrite: "/base{path}" }] });
  expect(configFromUrls(["http://a/x", "http://b/y"]).problems[0]!.message).toContain("different paths");
  expect(configFromUrls(["ftp://a"]).problems[0]!.message).toContain("not supported");
  expect(configFromUrls(["http://a:99999"]).problems[0]!.message).toContain("not a port");
  expect(configFromUrls(["http://a", "https://b"]).config).toBeUndefined();
  expect(configFromUrls(["http://a"], { listen: [":1"], console: "off", workers: "auto" }).config).toMatchObject({
    listeners: [{ address: { port: 1 } }],
    console: null,
    workers: "auto",
  });
});

test("flags stand above the file", () => {
  const config = good(APP);
  expect(withOverrides(config, {})).toEqual({ config, problems: [] });
  expect(
    withOverrides(config, { listen: ["127.0.0.1:1", "unix:/run/g.sock"] }).config!.listeners.map(
      ({ address }) => address,
    ),
  ).toEqual([
    { kind: "tcp", host: "127.0.0.1", port: 1 },
    { kind: "unix", path: "/run/g.sock" },
  ]);
  expect(
    withOverrides(config, { listen: ["nonsense"], console: "x", workers: "0" }).problems.map(
      ({ message }) => message.split(":")[0],
    ),
  ).toEqual(["--listen", "--console", "--workers"]);
});

test("no text makes it throw", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      ...PROMISED.split(/(?<=[\s,:{}[\]])/),
      "${X}",
      "*a",
      "&a ",
      "!!binary ",
      "? ",
      "<<: ",
      "__proto__: ",
      "\t",
      "null",
      "~",
    ),
    fc.string({ maxLength: 6 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const { config, problems } = load(pieces.join(""));
      expect(config === undefined).toBe(problems.some(({ severity }) => severity === "error"));
      for (const problem of problems) expect(formatProblem(problem)).not.toContain("undefined");
    }),
    { numRuns: 300 },
  );
});

test("a value of the wrong kind anywhere is told, and nothing throws", () => {
  const lines = PROMISED.split("\n");
  fc.assert(
    fc.property(
      fc.nat(lines.length - 1),
      fc.constantFrom("null", "[]", "{}", "7", "-1", "1.5", "true", "x", '""', "[[]]", "{ a: { b: c } }"),
      (index, value) => {
        const text = lines.map((line, i) => (i === index ? line.replace(/:( .*)?$/, `: ${value}`) : line)).join("\n");
        for (const problem of load(text).problems)
          expect(formatProblem(problem)).toMatch(/^.*:\d+:\d+: (?:error|warning): /);
      },
    ),
    { numRuns: 200 },
  );
});
