// What an nginx.conf becomes as a whole: listeners, servers, names, locations, inheritance; and that nothing of the
// table of directives is passed over.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { corpusCases, run } from "../corpus.fixture.ts";
import { DIRECTIVES } from "../directives/table.ts";
import { lower, lowerHttp, lowerLocation, lowerServer, lowerSettings, OPTIONS } from "./lower.fixture.ts";
import { lowerNginx } from "./lower.ts";
import { LEFT_OUT, NOT_DONE, WITH_REFUSED, WITHOUT_EFFECT } from "./not-done.ts";

const PROXY = "proxy_pass http://127.0.0.1:3000;";

describe("nothing is passed over", () => {
  const folder = fileURLToPath(new URL(".", import.meta.url));
  const sources = readdirSync(folder).filter((name) => /(?<!\.test|\.fixture|not-done)\.ts$/.test(name));
  const text = sources.map((name) => readFileSync(folder + name, "utf8")).join("\n");
  const words = new Set([...text.matchAll(/["`](\w+)["`]|^ {4}(\w+): \w+Of,$/gm)].map(([, word, key]) => word ?? key));
  const lists = { ...NOT_DONE, ...WITHOUT_EFFECT, ...LEFT_OUT };
  const rows = [...DIRECTIVES.values()].flat().filter(({ status }) => status === "lowered");

  test("every row that is called lowered is read, or listed with a reason", () => {
    expect(rows.length).toBeGreaterThan(250);
    // These two are read by a name that is put together.
    const together = ["add_header_inherit", "add_trailer_inherit"];
    const missing = rows.filter(
      ({ name }) => !words.has(name) && !(name in lists) && !WITH_REFUSED.test(name) && !together.includes(name),
    );
    expect(missing.map(({ name }) => name)).toEqual([]);
  });

  test("no list names what is read", () => {
    const names = Object.keys(lists);
    expect(names.filter((name) => !rows.some((row) => row.name === name))).toEqual([]);
    expect(names.filter((name) => words.has(name) && name !== "include")).toEqual([]);
  });
});

describe("every configuration of the corpus that nginx accepts", () => {
  const accepted = corpusCases().filter(({ nginx }) => nginx === "accepted");
  test("there are some", () => expect(accepted.length).toBeGreaterThan(10));
  test.for(accepted)("$name lowers", ({ files }) => {
    const configuration = run(files);
    const { config, problems } = lowerNginx(configuration, OPTIONS);
    expect(problems.filter(({ severity }) => severity === "error").map(({ message }) => message)).toEqual([]);
    expect(config).not.toBeNull();
  });
});

describe("listeners", () => {
  test("one for each address, in order; the first server or default_server is the default", () => {
    const { listeners, servers } = lowerHttp(`
      server { listen 8080; listen [::]:8080; server_name a; }
      server { listen 127.0.0.1:8080 default_server; listen 8080 default_server; server_name b; }
      server { listen unix:/run/x.sock; listen 9000-9001 ssl proxy_protocol backlog=7; ssl_reject_handshake on; }`);
    expect(listeners).toEqual([
      { address: { kind: "tcp", host: "0.0.0.0", port: 8080 }, tls: null },
      { address: { kind: "tcp", host: "::", port: 8080 }, tls: null },
      { address: { kind: "tcp", host: "127.0.0.1", port: 8080 }, tls: null, viaWildcard: true },
      { address: { kind: "unix", path: "/run/x.sock" }, tls: null },
      ...[9000, 9001].map((port) => ({
        address: { kind: "tcp", host: "0.0.0.0", port },
        tls: null,
        serversTls: true,
        proxyProtocol: true,
        backlog: 7,
      })),
    ]);
    const defaults = servers!.servers.map(({ listen }) => listen.map(({ isDefault }) => isDefault));
    expect(defaults).toEqual([
      [false, true],
      [true, true],
      [true, true, true],
    ]);
  });

  test("none said is port 80 of all addresses", () => {
    expect(lowerServer("").listen).toEqual([{ address: { kind: "tcp", host: "0.0.0.0", port: 80 }, isDefault: true }]);
  });
});

describe("server names", () => {
  test("all forms", () => {
    const text = "server_name .A.test *.b.test c.test c.* ~^(?<sub>\\w+)\\.D $hostname; return 200 $sub;";
    const { servers } = lowerHttp(`server { ${text} }`, { hostName: "Here.test" });
    expect(servers!.servers[0]!.name).toBe("a.test");
    expect(servers!.servers[0]!.names).toEqual([
      { kind: "below-or-same", name: "a.test" },
      { kind: "below", name: "b.test" },
      { kind: "exact", name: "c.test" },
      { kind: "any-end", name: "c" },
      { kind: "pattern", source: "^(?<sub>\\w+)\\.D", ignoreCase: true },
      { kind: "exact", name: "here.test" },
    ]);
  });

  test("none said is the empty name; the same name twice on an address is told", () => {
    expect(lowerServer("").names).toEqual([{ kind: "exact", name: "" }]);
    const { problems } = lower("events {} http { server { server_name a; } server { server_name .a; } }");
    expect(problems.map(({ severity, message }) => `${severity} ${message}`)).toEqual([
      'warning conflicting server name ".a" on 0.0.0.0:80, ignored',
    ]);
  });
});

describe("locations", () => {
  test("modifiers, with and without a space; a path with a slash that proxies is sent on", () => {
    const { locations } = lowerServer(`
      location =/a {} location = /b {} location ^~ /c/ { ${PROXY} } location ~* \\.PHP$ {} location ~^/d {}
      location @e {} location /f/ {}`);
    expect(locations.map(({ match }) => match)).toEqual([
      { kind: "exact", path: "/a", redirectBare: false },
      { kind: "exact", path: "/b", redirectBare: false },
      { kind: "prefix", path: "/c/", final: true, redirectBare: true },
      { kind: "pattern", source: "\\.PHP$", ignoreCase: true },
      { kind: "pattern", source: "^/d", ignoreCase: false },
      { kind: "named", name: "@e" },
      { kind: "prefix", path: "/f/", final: false, redirectBare: false },
    ]);
  });

  test("a location within takes settings, but not what makes the response", () => {
    const outer = lowerLocation(`location /a { ${PROXY} internal; add_header X 1; location /a/b {} }`);
    const [inner] = outer.locations;
    expect(outer.settings.content.kind).toBe("proxy");
    expect(inner!.settings.content).toEqual({ kind: "files" });
    expect(inner!.settings.internal).toBe(true);
    expect(inner!.settings.response.addHeaders).toEqual([{ name: "X", value: "1", always: false }]);
  });

  test("an if and limit_except take what makes the response, with settings of their own; try_files stays outside", () => {
    const { rewrite, limitExcept, settings } = lowerLocation(`location / {
      ${PROXY} try_files $uri =404;
      if ($arg_a) { add_header A 1; }
      limit_except GET { deny all; }
    }`);
    const step = rewrite[0];
    const ofIf = step?.do === "if" ? step.settings : null;
    expect([settings, ofIf, limitExcept?.settings].map((each) => each?.content.kind)).toEqual(Array(3).fill("proxy"));
    expect(ofIf?.tryFiles).toBeNull();
    expect(settings.tryFiles).toEqual({ paths: ["{$uri}"], last: { status: 404 } });
    expect(ofIf?.response.addHeaders).toHaveLength(1);
    expect(limitExcept?.methods).toEqual(["GET"]);
    expect(limitExcept?.settings.access.rules).toEqual([{ allow: false, from: "all" }]);
  });

  test("what is not done is answered with 501 where that is wanted", () => {
    const text = "events {} http { server { location / { fastcgi_pass 127.0.0.1:9000; } modern_browser unlisted; } }";
    const { config, problems } = lower(text, { lenient: true });
    expect(config?.servers?.servers[0]?.locations[0]?.settings.content).toMatchObject({
      kind: "unsupported",
      why: expect.stringContaining('"fastcgi_pass" is not supported: '),
    });
    expect(problems.map(({ severity, kind }) => `${severity} ${kind}`)).toEqual(["warning scope"]);
    expect(lower(text).config).toBeNull();
  });
});

describe("inheritance", () => {
  test("one of its own takes the place of all of those around it", () => {
    const { servers } = lowerHttp(`
      add_header A 1; add_header B 2; allow 10.0.0.0/8; deny all; gzip on; error_page 404 /e;
      server { location /own { add_header C 3; deny 127.0.0.1; gzip off; error_page 500 /x; } location /none {} }`);
    const [own, none] = servers!.servers[0]!.locations.map(({ settings }) => settings);
    expect(none!.response.addHeaders.map(({ name }) => name)).toEqual(["A", "B"]);
    expect(own!.response.addHeaders.map(({ name }) => name)).toEqual(["C"]);
    expect(none!.access.rules).toEqual([
      { allow: true, from: "10.0.0.0/8" },
      { allow: false, from: "all" },
    ]);
    expect(own!.access.rules).toEqual([{ allow: false, from: "127.0.0.1/32" }]);
    expect([none!.filters.gzip === null, own!.filters.gzip === null]).toEqual([false, true]);
    expect(own!.errorPages).toEqual([{ statuses: [500], to: "/x", status: null }]);
  });

  test("add_header_inherit: merge puts them behind one's own, off takes none", () => {
    const names = (mode: string, text = "add_header C 3;") =>
      lowerHttp(`add_header A 1; server { add_header B 2; location / { add_header_inherit ${mode}; ${text} } }`)
        .servers!.servers[0]!.locations[0]!.settings.response.addHeaders.map(({ name }) => name)
        .join("");
    expect([names("merge"), names("on"), names("on", ""), names("off", "")]).toEqual(["CB", "C", "B", ""]);
  });

  test("included files stand in the place of their include", () => {
    const text = "events {} http { include a.conf; server { include b.conf; location /p/ { include p.conf; } } }";
    const { config } = lower(
      text,
      {},
      {
        "a.conf": "add_header A 1;\n",
        "b.conf": "location / { include c.conf; }",
        "c.conf": "internal;",
        "p.conf": PROXY,
      },
    );
    const [server] = config!.servers!.servers;
    expect(server!.locations[0]!.settings.internal).toBe(true);
    expect(server!.settings.response.addHeaders).toHaveLength(1);
    expect(server!.locations[1]!.match).toMatchObject({ path: "/p/", redirectBare: true });
  });
});

test("root and alias: relative to the prefix, without a slash at the end; an alias knows its location", () => {
  const { servers } = lowerHttp(`root www/; server {
    location /a/ { alias /srv/; location /a/b {} }
    location ~ ^/c/(.*) { alias /d/$1; }
    location /e { root $host/; if ($arg_x) { root /f; } } }`);
  const [a, c, e] = servers!.servers[0]!.locations;
  const links = { disableSymlinks: "off", symlinksFrom: null };
  expect(servers!.servers[0]!.settings.root.path).toBe("/etc/nginx/www");
  expect(a!.settings.root).toEqual({ kind: "alias", path: "/srv/", prefixLength: 3, ...links });
  expect(a!.locations[0]!.settings.root).toEqual(a!.settings.root);
  expect(c!.settings.root).toEqual({ kind: "alias", path: "/d/{$1}", prefixLength: -1, ...links });
  expect(e!.settings.root.path).toBe("{$host}");
});

test("the process", () => {
  const { process } = lower(`user www; worker_processes auto; pid run/a.pid; error_log logs/e.log warn; daemon off;
    worker_shutdown_timeout 5s; env A; env B=1; error_log syslog:server=unix:/dev/log,tag=x info; events {}`);
  expect(process).toEqual({
    user: { name: "www", group: "www" },
    workerProcesses: "auto",
    pid: "/etc/nginx/run/a.pid",
    errorLogs: [
      { to: { kind: "file", path: "/etc/nginx/logs/e.log" }, level: "warn" },
      {
        to: {
          kind: "syslog",
          server: { kind: "unix", path: "/dev/log" },
          facility: "local7",
          severity: "info",
          tag: "x",
          noHostname: false,
        },
        level: "info",
      },
    ],
    daemon: false,
    masterProcess: true,
    shutdownTimeoutMs: 5000,
    env: ["A", "B=1"],
    workingDirectory: null,
  });
  expect(lower("events {}").process).toMatchObject({ pid: "/run/nginx.pid", errorLogs: [{ to: { kind: "stderr" } }] });
});

test("a location with nothing has nginx's defaults", () => {
  const settings = lowerSettings("");
  expect(settings).toMatchObject({
    content: { kind: "files" },
    index: ["index.html"],
    access: { satisfy: "all", rules: [], basic: null, request: null },
    request: { bodyBytesMax: 1_048_576, keepAliveMs: 75_000, keepAliveRequests: 1000, keepAliveDisable: ["msie6"] },
    response: { etag: true, absoluteRedirect: true, expires: null, limitRate: "0", rangesMax: -1 },
    types: { byExtension: { html: "text/html", gif: "image/gif", jpg: "image/jpeg" }, default: "text/plain" },
    logs: [{ to: { kind: "file", path: "/var/log/nginx/access.log" }, format: "combined" }],
    errorLog: [{ to: { kind: "stderr" }, level: "error" }],
  });
});
