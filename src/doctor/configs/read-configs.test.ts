import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FILE_BYTES_MAX, filesInMemory } from "./files.ts";
import type { ConfigEvidence } from "./model.ts";
import { readConfigs } from "./read-configs.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "goodgate-configs-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SERVER = "server {\n  listen 80;\n  location / { proxy_pass http://127.0.0.1:3000; }\n}\n";

function put(name: string, content: string | Uint8Array): string {
  const file = join(folder, name);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, content);
  return file;
}

function problemsOf(read: readonly ConfigEvidence[]): string[] {
  return read.flatMap(({ problems }) => problems.map(({ text }) => text));
}

test("what cannot be read is one clear problem each, and the rest is read", async () => {
  const fifo = join(folder, "pipe");
  execFileSync("mkfifo", [fifo]);
  const huge = put("huge.conf", new Uint8Array(FILE_BYTES_MAX + 1).fill(0x61));
  const files = [
    join(folder, "absent.conf"),
    put("empty.conf", ""),
    put("blank.conf", " \n\n"),
    put("binary.conf", Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2])),
    huge,
    fifo,
    put("notes.txt", "nothing in particular\n"),
    put("shop", SERVER),
  ];
  const read = await readConfigs(files);
  expect(problemsOf(read).map((text) => text.slice(folder.length + 1))).toEqual([
    "absent.conf: there is no such file",
    "empty.conf: it is empty",
    "blank.conf: it is empty",
    "binary.conf: it holds binary data, no text",
    "huge.conf: it is larger than 16 MiB, which no configuration is",
    "pipe: it is no regular file (a device, a pipe or a socket)",
    "notes.txt: it is none of the configurations that are read",
  ]);
  expect(read.map(({ kind }) => kind)).toEqual([null, null, null, null, null, null, null, "nginx"]);
  for (const { problems } of read) for (const each of problems) expect(each.next).not.toBe("");
});

test("UTF-16 and Latin-1 are read, and a byte order mark is passed over", async () => {
  const utf16 = put("utf16.conf", Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(SERVER, "utf16le")]));
  const latin1 = put("latin1.conf", Buffer.from(`# Größe\n${SERVER}`, "latin1"));
  const marked = put("marked.conf", `\ufeff${SERVER}`);
  const read = await readConfigs([utf16, latin1, marked]);
  expect(read.map(({ hops }) => hops[0]?.pools[0]?.name)).toEqual(Array(3).fill("127.0.0.1:3000"));
  expect(problemsOf(read)).toEqual([`${utf16}: it is written in UTF-16, which nginx itself does not read`]);
});

test("of a folder with nginx.conf that file counts, with what it includes, and not what is out of use", async () => {
  const conf = put("etc/nginx.conf", "events {}\nhttp { include sites-enabled/*; include conf.d/*.conf; }\n");
  const shop = put("etc/sites-available/shop", SERVER);
  put("etc/sites-available/old", SERVER.replace("3000", "3999"));
  put("etc/conf.d/b.conf", SERVER.replace("3000", "3001").replace("80", "81"));
  put("etc/conf.d/c.conf.bak", SERVER.replace("3000", "3998"));
  put("etc/unused.conf", SERVER.replace("3000", "3997"));
  mkdirSync(join(folder, "etc/sites-enabled"));
  symlinkSync(shop, join(folder, "etc/sites-enabled/shop"));
  symlinkSync(join(folder, "nowhere"), join(folder, "etc/broken.conf"));
  const read = await readConfigs([join(folder, "etc")]);
  expect(read.map(({ file }) => file)).toEqual([conf]);
  expect(read[0]?.files.map((file) => file.slice(folder.length + 1))).toEqual([
    "etc/nginx.conf",
    "etc/sites-enabled/shop",
    "etc/conf.d/b.conf",
  ]);
  expect(read[0]?.hops[0]?.pools.map(({ name }) => name)).toEqual(["127.0.0.1:3000", "127.0.0.1:3001"]);
});

test("a folder of parts is read file by file, and one without configurations says so", async () => {
  const sites = join(folder, "sites");
  put("sites/a.conf", SERVER);
  put("sites/haproxy.cfg", "global\n  daemon\nlisten x\n  bind :1\n  server a 127.0.0.1:2\n");
  put("sites/readme.txt", "what is here\n");
  const read = await readConfigs([`${sites}/`, put("none/readme.txt", "x\n").replace("/readme.txt", "")]);
  expect(read.map(({ kind }) => kind)).toEqual(["nginx", "haproxy", null]);
  expect(problemsOf(read)).toEqual([`${join(folder, "none")}: no configuration is in this folder`]);
});

test("a copy of another machine's folder is read with its own files", async () => {
  const files = filesInMemory({
    "/backup/nginx.conf": "events {}\nhttp { include /etc/nginx/conf.d/*.conf; }\n",
    "/backup/conf.d/a.conf": SERVER,
    "/etc/nginx/conf.d/b.conf": SERVER.replace("3000", "3001"),
  });
  const [read] = await readConfigs(["/backup/nginx.conf"], files);
  expect(read?.files).toEqual(["/backup/nginx.conf", "/backup/conf.d/a.conf"]);
  expect(read?.hops[0]?.listens[0]?.at).toEqual({ file: "/backup/conf.d/a.conf", line: 2, column: 3 });
  expect(read?.hops[0]?.pools.map(({ name }) => name)).toEqual(["127.0.0.1:3000"]);
});

test("a file that another one includes is read there only", async () => {
  const files = filesInMemory({
    "/a/nginx.conf": "events {}\nhttp { include conf.d/*.conf; }\n",
    "/a/conf.d/shop.conf": SERVER,
    "/a/other.conf": SERVER,
  });
  const read = await readConfigs(["/a/conf.d/shop.conf", "/a/nginx.conf", "/a/other.conf", "/a/nginx.conf"], files);
  expect(read.map(({ file }) => file)).toEqual(["/a/nginx.conf", "/a/other.conf"]);
});

test("files that include each other end", async () => {
  const files = filesInMemory({
    "/a/nginx.conf": "events {}\nhttp { include nginx.conf; }\n",
    "/a/httpd.conf": "Listen 80\nInclude httpd.conf\nProxyPass / http://127.0.0.1:1/\n",
    "/a/goodgate.yaml": "upstreams: &a { app: *a }\n",
  });
  const read = await readConfigs(["/a/nginx.conf", "/a/httpd.conf", "/a/goodgate.yaml"], files);
  expect(read.map(({ kind }) => kind)).toEqual(["nginx", "apache", "goodgate"]);
});

test.each(["nginx.conf", "haproxy.cfg", "httpd.conf", "goodgate.yaml"])("noise in %s is survived", async (name) => {
  const beginnings: Readonly<Record<string, string>> = {
    "nginx.conf": "events {}\nhttp { server { listen 80; location / { proxy_pass http://a; } } }\n",
    "haproxy.cfg":
      "global\n  daemon\nfrontend a\n  bind :80\n  use_backend b if { path /x }\nbackend b\n  server s 127.0.0.1:1\n",
    "httpd.conf": "Listen 80\n<VirtualHost *:80>\nProxyPass /a/ http://127.0.0.1:1/\n</VirtualHost>\n",
    "goodgate.yaml":
      'listen: ":80"\nupstreams:\n  app: ["http://127.0.0.1:1"]\nroutes:\n  - { path: /a, proxy: app }\n',
  };
  const text = beginnings[name] ?? "";
  // Beginnings of the file, and characters taken out or doubled.
  for (let at = 1; at < text.length; at += 3) {
    const damaged = [text.slice(0, at), text.slice(0, at) + text.slice(at + 1), text.slice(0, at) + text.slice(at - 1)];
    for (const each of damaged) {
      const read = await readConfigs([name], filesInMemory({ [name]: each }));
      expect(read).toHaveLength(1);
      expect(problemsOf(read).filter((said) => said.includes("could not be understood"))).toEqual([]);
    }
  }
});

test("what includes itself, calls itself or nests without an end is read as far as it goes", async () => {
  const nested = `a.example.com {\n${"route {\n".repeat(5000)}${"}\n".repeat(5001)}`;
  const files = {
    "/h/httpd.conf":
      "Include httpd.conf\nIncludeOptional *.conf\n<VirtualHost *:80>\nProxyPass / http://a:1/\n</VirtualHost>\n",
    "/h/other.conf": "Include httpd.conf\nInclude other.conf\n".repeat(200),
    "/m/httpd.conf": `<Macro a>\n${"Use a\n".repeat(8)}</Macro>\n<VirtualHost *:80>\nUse a\n</VirtualHost>\n`,
    "/c/Caddyfile": `(a) {\n${"import a\n".repeat(8)}}\nx.example.com {\nimport a\nreverse_proxy a:1\n}\n`,
    "/d/Caddyfile": nested,
    "/n/server.js": `server.keepAliveTimeout = process.env.A ${" ".repeat(200_000)}x\nserver.listen(3000)\n`,
  };
  const mains = ["/h/httpd.conf", "/m/httpd.conf", "/c/Caddyfile", "/d/Caddyfile", "/n/server.js"];
  for (const main of mains) {
    const [read] = await readConfigs([main], filesInMemory(files));
    expect(read?.kind, main).not.toBeNull();
    expect(problemsOf(read ? [read] : []).filter((text) => /could not be understood/.test(text))).toEqual([]);
  }
  const said = problemsOf(await readConfigs(["/m/httpd.conf", "/d/Caddyfile"], filesInMemory(files)));
  expect(said).toContain("/m/httpd.conf: more lines, with what it includes and its macros, than are read");
  expect(said).toContain("blocks are nested deeper than 100 levels: the rest is not read");
});
