// goodgate check and goodgate format on an nginx.conf, by the program itself.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { runGoodgate } from "./command.ts";

const root = mkdtempSync(join(tmpdir(), "goodgate-check-nginx-"));
afterAll(() => rmSync(root, { recursive: true }));

let folder = root;
beforeEach(() => {
  folder = mkdtempSync(join(root, "case-"));
});

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

const check = (...args: string[]) => runGoodgate(["check", ...args], folder);

const FINE = `user www-data;
events { worker_connections 1024; }
http {
    sendfile on;
    include sites/*.conf;
    server { listen 80; location / { proxy_pass http://127.0.0.1:3000; } }
}
`;

describe("check", () => {
  test("a file that is fine: 0, and how much of it has no effect here", async () => {
    write({ "nginx.conf": FINE });
    expect(await check("nginx.conf")).toEqual({
      code: 0,
      stdout: "nginx.conf: fine; 10 directives in 1 file, 3 of them without effect here (--verbose lists them)\n",
      stderr: "",
    });
  });

  test("--verbose lists what has no effect, with its place and the reason", async () => {
    write({ "nginx.conf": FINE, "sites/a.conf": "tcp_nopush on;\n" });
    const { code, stdout } = await check("--verbose", "nginx.conf");
    expect(code).toBe(0);
    const lines = stdout.split("\n").slice(0, -1);
    expect(lines.map((line) => line.trim().split(/ {2,}/).slice(0, 2))).toEqual([
      ["accepted, and without effect here:"],
      ["nginx.conf:2", "events"],
      ["nginx.conf:2", "worker_connections"],
      ["nginx.conf:4", "sendfile"],
      ["sites/a.conf:1", "tcp_nopush"],
      [""],
      ["nginx.conf: fine; 11 directives in 2 files, 4 of them without effect here"],
    ]);
    // Each has a reason.
    expect(lines.slice(1, 5).every((line) => line.trim().split(/ {2,}/)[2]!.length > 10)).toBe(true);
  });

  test("every problem: nginx's words, the place, the line, a mark and what was meant", async () => {
    write({
      "nginx.conf": "events {}\nhttp {\n\tsendfle on;\n    include sites/*;\n    listen 80;\n}\nmail {\n}\n",
      "sites/é": "index a\nroot /srv;\n",
    });
    const { code, stdout } = await check("nginx.conf");
    expect(stdout).toBe(
      [
        'nginx.conf:3:2: error: unknown directive "sendfle"',
        "   3 |  sendfle on;",
        '     |  ^^^^^^^ did you mean "sendfile"?',
        "",
        'sites/é:1:8: warning: "index" takes "root" of the next line for arguments',
        "   1 | index a",
        '     |        ^ ";" is probably missing here',
        "",
        'nginx.conf:5:5: error: "listen" directive is not allowed here',
        "   5 |     listen 80;",
        '     |     ^^^^^^ "listen" stands in server; this is http',
        "",
        'nginx.conf:7:1: error: "mail" is not supported: Goodgate is no mail proxy',
        "   7 | mail {",
        "     | ^^^^",
        "",
        "nginx.conf: 3 errors, 1 finding; 7 directives in 2 files, 1 of them without effect here (--verbose lists them)",
        "",
      ].join("\n"),
    );
    expect(code).toBe(1);
  });

  test("what nginx accepts and is hardly meant is a finding: 1", async () => {
    write({ "nginx.conf": "events {}\nhttp {\n    index a\n    root /srv;\n}\n" });
    const { code, stdout } = await check("nginx.conf");
    expect([code, stdout.includes("nginx.conf: 1 finding;")]).toEqual([1, true]);
  });

  test("--json: the document of goodgate.yaml, with nginx's names besides", async () => {
    write({ "nginx.conf": "events {}\nhttp {\n  proxy_read_timeout 1 2;\n  nonsense;\n  gzip;;\n}\nmail {}\n" });
    const { code, stdout } = await check("--json", "nginx.conf");
    const document = JSON.parse(stdout);
    expect(document).toMatchObject({ file: "nginx.conf", ok: false, errors: 5, findings: 0, partOf: null, files: 1 });
    expect(document.directives).toBe(6);
    const place = { severity: "error", file: "nginx.conf", cause: null };
    expect(document.problems).toEqual([
      {
        ...place,
        ...{ line: 3, column: 3, source: "  proxy_read_timeout 1 2;", kind: "directive" },
        ...{ directive: "proxy_read_timeout", module: "ngx_http_proxy_module" },
        message: 'invalid number of arguments in "proxy_read_timeout" directive',
        hint: '"proxy_read_timeout" takes one argument; here it has 2',
      },
      expect.objectContaining({ ...place, line: 4, kind: "directive", directive: "nonsense", module: null }),
      expect.objectContaining({ ...place, line: 5, kind: "directive", module: "ngx_http_gzip_module" }),
      expect.objectContaining({ ...place, line: 5, column: 8, kind: "syntax", directive: null, module: null }),
      expect.objectContaining({ ...place, line: 7, kind: "scope", directive: "mail", module: "ngx_mail_core_module" }),
    ]);
    expect(document.accepted).toEqual([
      {
        ...{ directive: "events", module: "ngx_event_core_module", reason: "Node and the kernel decide" },
        ...{ file: "nginx.conf", line: 1, column: 1 },
      },
    ]);
    expect(code).toBe(1);
  });

  const RISK = FINE.replace("location /", "location /api").replace(":3000", ":3000/");

  test("a risk of a gateway error: the line, what happens, what to write, and the rule; a comment silences it", async () => {
    write({ "nginx.conf": RISK });
    const { code, stdout } = await check("nginx.conf");
    expect(stdout).toBe(
      [
        'nginx.conf:6:52: warning: "/api/users" is sent as "//users", "/apix" as "/x", and "/api../" leads out of it [slashes]',
        "   6 |     server { listen 80; location /api { proxy_pass http://127.0.0.1:3000/; } }",
        '     |                                                    ^^^^^^^^^^^^^^^^^^^^^^ write "location /api/ {": both with a slash at the end, or none',
        "",
        "nginx.conf: 1 finding; 10 directives in 1 file, 3 of them without effect here (--verbose lists them)",
        "",
      ].join("\n"),
    );
    expect(code).toBe(1);
    write({ "nginx.conf": RISK.replace("server {", "server { # goodgate-ignore: slashes\n") });
    expect((await check("nginx.conf")).code).toBe(0);
  });

  test("a note is no finding: counted, listed with --verbose, in the JSON document", async () => {
    const upstream = "upstream app { server 10.0.0.1; keepalive 8; }\n    server {";
    write({ "nginx.conf": FINE.replace("server {", upstream) });
    const quiet = await check("nginx.conf");
    expect([quiet.code, quiet.stdout]).toEqual([0, expect.stringContaining("; 2 notes (--verbose lists them)\n")]);
    const { code, stdout } = await check("--verbose", "nginx.conf");
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^worth knowing:\n {2}nginx\.conf:6 {2}"app" has one server: .* \[one-server\]\n {6}a second/,
    );
    const { ok, notes, problems } = JSON.parse((await check("--json", "nginx.conf")).stdout);
    expect([ok, problems]).toEqual([true, []]);
    expect(notes[1]).toMatchObject({ rule: "keepalive-race", cause: "keepalive-race", file: "nginx.conf", line: 6 });
  });

  test("--json: the rule and the cause of a risk", async () => {
    write({ "nginx.conf": RISK });
    const { problems, notes } = JSON.parse((await check("--json", "nginx.conf")).stdout);
    const place = { file: "nginx.conf", line: 6, column: 52, directive: "proxy_pass", module: "ngx_http_proxy_module" };
    expect(problems).toEqual([
      expect.objectContaining({ ...place, kind: "advice", rule: "slashes", cause: "upstream-error-passthrough" }),
    ]);
    expect(notes).toEqual([]);
  });

  test("words of the file in a finding are shown as people read them", async () => {
    write({ "nginx.conf": RISK.replace("/api", "/é") });
    expect((await check("nginx.conf")).stdout).toContain('"/é/users" is sent as "//users"');
  });

  test("risks of what Goodgate does not run are told too; of a file with mistakes in its language nothing", async () => {
    write({ "nginx.conf": `${RISK}mail {}\n` });
    expect((await check("nginx.conf")).stdout).toContain("[slashes]");
    write({ "nginx.conf": `${RISK}}\n` });
    expect((await check("nginx.conf")).stdout).not.toContain("[slashes]");
  });

  test("names of included files are relative to the folder of the file, wherever the command is run", async () => {
    write({ "conf/nginx.conf": FINE, "conf/sites/a.conf": "nonsense;\n" });
    const { stdout } = await check("conf/nginx.conf");
    expect(stdout).toContain('conf/sites/a.conf:1:1: error: unknown directive "nonsense"\n');
    const absolute = await check(join(folder, "conf/nginx.conf"));
    expect(absolute.stdout).toContain(`${join(folder, "conf/sites/a.conf")}:1:1: error: `);
  });

  test.each([
    ["http", "map $a $b { x y; }\nserver { listen 80; location / { proxy_pass http://app; } }\n"],
    ["server", "listen 80;\nlocation / { return 204; }\n"],
    ["location", "proxy_pass http://app;\nproxy_buffering off;\n"],
    ["http", "proxy_set_header X $host;\n"],
  ])("a file that others include is held against their block: %s", async (partOf, text) => {
    write({ part: text });
    const { code, stdout } = await check("part");
    expect(stdout).toMatch(new RegExp(`^part: fine; \\d directives? in 1 file, read as a part of "${partOf}"\n$`));
    expect(code).toBe(0);
    write({ part: `${text}nonsense;\n` });
    const wrong = await check("part", "--json");
    const { partOf: told, problems, accepted } = JSON.parse(wrong.stdout);
    expect([wrong.code, told, accepted, problems.length]).toEqual([1, partOf, [], 1]);
    expect(problems[0]).toMatchObject({ file: "part", line: text.split("\n").length, directive: "nonsense" });
  });

  test("no such file: 2, as a folder; an included one that is missing: 1", async () => {
    expect((await check("--as", "nginx", "nginx.conf")).code).toBe(2);
    expect((await check("--as", "nginx", ".")).code).toBe(2);
    write({ "nginx.conf": "events {}\ninclude x;\n" });
    const { code, stdout } = await check("nginx.conf");
    expect(stdout).toContain('nginx.conf:2:9: error: open() "x" failed (2: No such file or directory)');
    expect(code).toBe(1);
  });
});

describe("which language", () => {
  const asNginx = "directives in 1 file";
  test.each([
    ["nginx", "# a\n\nworker_processes auto;\nevents {\n}\n"],
    ["nginx", "events\n{\n}\n"],
    ["nginx", "worker_processes 4\nevents {}\n"],
    ["nginx", "\ufeffuser a;\nevents{}http{}"],
    ["nginx", "include a:b;\nevents {}"],
    ["yaml", 'upstreams: { app: "127.0.0.1:3000" }\n'],
    ["yaml", '# nginx {\n---\nupstreams: { app: "127.0.0.1:3000" }\n'],
    ["yaml", '{ "upstreams": {\n"app": "127.0.0.1:3000" }\n}'],
    [
      "yaml",
      'upstreams: { app: "127.0.0.1:3000" }\nroutes:\n  - path: /\n    respond: |\n      server {\n        a;\n      }\n',
    ],
    ["yaml", ""],
  ])("%s: %j", async (language, text) => {
    write({ conf: text });
    const { stdout } = await check("conf");
    expect(/ directives? in 1 file/.test(stdout)).toBe(language === "nginx");
  });

  test("--as decides", async () => {
    write({ conf: "", "nginx.conf": "events {}\n" });
    expect((await check("--as", "nginx", "conf")).stdout).toContain('error: no "events" section in configuration');
    expect((await check("--as", "yaml", "nginx.conf")).stdout).not.toContain(asNginx);
    expect((await check("--as", "toml", "nginx.conf")).code).toBe(2);
  });
});

describe("format", () => {
  const UGLY = "events{}\nhttp { # \xff\n\tindex  a   b;server{}}";
  const CANONICAL = "events {}\nhttp { # \xff\n    index a b;\n    server {}\n}\n";
  const put = (text: string) => writeFileSync(join(folder, "nginx.conf"), text, "latin1");
  const get = () => readFileSync(join(folder, "nginx.conf"), "latin1");
  const format = (...args: string[]) => runGoodgate(["format", ...args, "nginx.conf"], folder);

  test("prints the canonical form", async () => {
    put(UGLY.replace("\xff", "x"));
    const { code, stdout } = await format();
    expect([code, stdout]).toEqual([0, CANONICAL.replace("\xff", "x")]);
    expect(get()).toBe(UGLY.replace("\xff", "x"));
  });

  test("--check tells, --write changes, each byte that is no text stays", async () => {
    put(UGLY);
    expect((await format("--check")).code).toBe(1);
    expect(await format("--write")).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(get()).toBe(CANONICAL);
    expect((await format("--check")).code).toBe(0);
  });

  test("what has mistakes stays as it is, and they are told", async () => {
    put("events {\n");
    const { code, stdout, stderr } = await format("--write");
    expect([code, stdout, get()]).toEqual([1, "", "events {\n"]);
    expect(stderr).toContain('nginx.conf:1:1: error: unexpected end of file, expecting "}"');
  });

  test("a goodgate.yaml is not taken for one; a missing file: 2", async () => {
    put('upstreams: { app: "127.0.0.1:3000" }\n');
    expect((await format("--write")).code).toBe(2);
    rmSync(join(folder, "nginx.conf"));
    expect((await format()).code).toBe(2);
  });
});
