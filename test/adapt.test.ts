// An nginx.conf and the goodgate.yaml that adapt prints of it answer the same: each is run, asked the same requests,
// and everything that comes back is compared (status, fields but Date, body), and what reached the upstream besides.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, request as send } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runGoodgate } from "./command.ts";
import { until } from "./harness.ts";
import { lastingPort } from "./held.ts";

const PROGRAM = fileURLToPath(new URL("../bin/goodgate.js", import.meta.url));
const START_MS = 15_000;

let folder = "";
let port = 0;
let upstream: Server;
let upstreamPort = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "goodgate-adapt-"));
  port = await lastingPort();
  mkdirSync(join(folder, "site", "docs"), { recursive: true });
  writeFileSync(join(folder, "site", "index.html"), "<h1>home</h1>\n");
  writeFileSync(join(folder, "site", "docs", "a.css"), "body { color: red }\n");
  writeFileSync(join(folder, "site", "50x.html"), "sorry\n");
  // It tells in its answer what has reached it.
  upstream = createServer((request, response) => {
    const body: Buffer[] = [];
    request.on("data", (part: Buffer) => body.push(part));
    request.on("end", () => {
      const status = Number(/status=(\d+)/.exec(request.url ?? "")?.[1] ?? 200);
      const fields = request.rawHeaders
        .filter((_, index) => index % 2 === 0)
        .map((name, index) => `${name}: ${request.rawHeaders[2 * index + 1]}`);
      response.writeHead(status, {
        "Content-Type": "text/plain",
        "Set-Cookie": "id=1; Path=/app",
        "X-Hidden": "1",
        ...(request.url?.includes("redirect") ? { Location: `http://127.0.0.1:${upstreamPort}/there` } : {}),
      });
      response.end(
        `${request.method} ${request.url}\n${fields.join("\n")}\n\n${Buffer.concat(body).toString("latin1")}`,
      );
    });
  });
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  const bound = upstream.address();
  upstreamPort = typeof bound === "object" && bound !== null ? bound.port : 0;
});

afterAll(() => {
  upstream.closeAllConnections();
  upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Asked {
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

interface Case {
  readonly name: string;
  /** What stands in http. */
  readonly conf: string;
  readonly requests: readonly (string | Asked)[];
}

const CASES: readonly Case[] = [
  {
    name: "a plain proxy with fields and redirects",
    conf: `
      upstream app { server 127.0.0.1:UPSTREAM; keepalive 4; }
      server {
        listen 127.0.0.1:PORT; server_name example.com;
        client_max_body_size 10;
        location / { proxy_pass http://app; proxy_set_header Host $host; proxy_set_header X-Real-IP $remote_addr; proxy_hide_header X-Hidden; }
        location /sub/ { proxy_pass http://app/other/; proxy_cookie_path /app /sub; add_header X-Here $uri always; }
        location /direct { proxy_pass http://127.0.0.1:UPSTREAM; proxy_method PUT; proxy_set_body "own $request_method"; }
      }`,
    requests: [
      "/",
      "/a?b=c",
      "/a?status=404",
      { path: "/redirect", headers: { Host: "example.com" } },
      "/sub/x%20y?z",
      "/sub",
      "/direct",
      { path: "/post", method: "POST", body: "0123456789" },
      { path: "/post", method: "POST", body: "0123456789a" },
    ],
  },
  {
    name: "rewrite, if, set, captures and named locations",
    conf: `
      map $arg_color $paint { default none; red warm; ~*^blu(?<end>e) cold-$end; "" missing; }
      server {
        listen 127.0.0.1:PORT;
        set $who "{$arg_x}";
        if ($http_x_block) { return 403 "blocked: $http_x_block"; }
        rewrite ^/old/(.*)$ /new/$1 permanent;
        location /new/ { return 200 "$uri $args $paint {} \${who}\n"; }
        location ~ ^/user/(?<name>\\w+)/(\\d+)$ { return 200 "$name $2"; }
        location /if { if ($request_method = POST) { return 405; } if ($arg_a ~ ^(\\d)) { set $digit $1; return 200 "digit $digit"; } return 204; }
        location /fall { try_files /nothing @named; }
        location @named { proxy_pass http://127.0.0.1:UPSTREAM; proxy_set_header X-Uri $request_uri; }
        location = /go { return 302 /new/$host; }
        location /in { rewrite ^/in/(.*)$ /user/$1/7 last; }
      }`,
    requests: [
      "/old/a?b=1",
      "/new/x?color=red",
      "/new/x?color=BLUE&x=%7B",
      "/new/?color=",
      "/user/ann/12",
      "/user/ann/b",
      { path: "/if", method: "POST" },
      "/if?a=5x",
      "/if",
      "/fall/deep?q",
      "/go",
      "/in/bob",
      { path: "/new/", headers: { "X-Block": "yes" } },
    ],
  },
  {
    name: "files, types, expiry and error pages",
    conf: `
      types { text/html html; text/css css; }
      default_type application/x-thing;
      server {
        listen 127.0.0.1:PORT; root FOLDER/site;
        error_page 404 /50x.html; error_page 502 503 =200 /50x.html;
        location /docs/ { autoindex on; expires 1h; }
        location /alias/ { alias FOLDER/site/docs/; gzip on; gzip_types text/css; gzip_min_length 1; }
        location /secret { internal; }
        location /down { proxy_pass http://127.0.0.1:1; }
        location /up { proxy_pass http://127.0.0.1:UPSTREAM; proxy_intercept_errors on; }
      }`,
    requests: [
      "/",
      "/docs/a.css",
      "/docs",
      "/alias/a.css",
      { path: "/alias/a.css", headers: { "Accept-Encoding": "gzip" } },
      "/none",
      "/secret",
      "/down",
      "/up?status=404",
      { path: "/docs/a.css", headers: { Range: "bytes=0-3" } },
    ],
  },
  {
    name: "access rules and inheritance between blocks",
    conf: `
      add_header X-Http 1; proxy_set_header X-From http;
      server {
        listen 127.0.0.1:PORT;
        location / { proxy_pass http://127.0.0.1:UPSTREAM; location /inner { proxy_pass http://127.0.0.1:UPSTREAM; proxy_set_header X-From inner; add_header X-Inner 1; } }
        location /deny { deny all; return 200 never; proxy_pass http://127.0.0.1:UPSTREAM; }
        location /only { limit_except GET { deny all; } proxy_pass http://127.0.0.1:UPSTREAM; }
        location /auth { auth_request /check; proxy_pass http://127.0.0.1:UPSTREAM; }
        location = /check { internal; return 401; }
      }`,
    requests: ["/", "/inner", "/deny/x", "/only", { path: "/only", method: "POST", body: "x" }, "/auth"],
  },
  {
    name: "several servers",
    conf: `
      server { listen 127.0.0.1:PORT default_server; return 200 "default $server_name\n"; }
      server { listen 127.0.0.1:PORT; server_name a.test www.a.test; return 200 "a $host\n"; }
      server { listen 127.0.0.1:PORT; server_name *.b.test .c.test; return 200 "$server_name\n"; server_tokens off; }
      server { listen 127.0.0.1:PORT; server_name ~^(?<sub>.+)\\.d\\.test$; location / { return 200 "sub $sub\n"; } }`,
    requests: ["x", "a.test", "WWW.a.test", "y.b.test", "b.test", "c.test", "z.c.test", "one.two.d.test"].map(
      (host) => ({ path: "/", headers: { Host: host } }),
    ),
  },
  {
    name: "text with variables as the address, and limits",
    conf: `
      upstream backend { server 127.0.0.1:UPSTREAM; }
      limit_req_zone $arg_key zone=z:1m rate=1r/m;
      server {
        listen 127.0.0.1:PORT;
        location /v/ { set $to backend; proxy_pass http://$to$request_uri; }
        location /addr/ { proxy_pass http://127.0.0.1:$arg_port/fixed; }
        location /limit { limit_req zone=z; limit_req_status 429; return 204; proxy_pass http://127.0.0.1:UPSTREAM; }
        location /rate { limit_req zone=z; limit_req_status 429; proxy_pass http://127.0.0.1:UPSTREAM; }
      }`,
    requests: ["/v/a?b", "/addr/?port=UPSTREAM", "/limit?key=a", "/rate?key=a", "/rate?key=a"],
  },
];

describe.each(CASES)("$name", ({ name, conf, requests }) => {
  test("answers are the same", async () => {
    const dir = join(folder, name.replaceAll(/\W+/g, "-"));
    mkdirSync(dir);
    const put = (text: string): string =>
      text.replaceAll("UPSTREAM", String(upstreamPort)).replaceAll("PORT", String(port)).replaceAll("FOLDER", folder);
    const file = join(dir, "nginx.conf");
    writeFileSync(
      file,
      `error_log stderr;\nevents {}\nhttp {\n  access_log off; client_body_temp_path ${dir}/bodies; proxy_temp_path ${dir}/proxy;\n${put(conf)}\n}\n`,
    );
    const { code, stdout, stderr } = await runGoodgate(["adapt", file, "--prefix", dir]);
    expect(code, stderr).toBe(0);
    const yaml = join(dir, "goodgate.yaml");
    writeFileSync(yaml, stdout);
    const asked = requests.map((each): Asked => (typeof each === "string" ? { path: put(each) } : each));
    const [ofNginx, ofYaml] = [await answersOf(file, asked), await answersOf(yaml, asked)];
    for (const [index, each] of asked.entries())
      expect({ asked: each, ...ofYaml[index] }).toEqual({ asked: each, ...ofNginx[index] });
    // A gateway that answers everything alike would be no proof.
    expect(new Set(ofNginx.map(({ status, body }) => `${status} ${body}`)).size).toBeGreaterThan(2);
  });
});

interface Answer {
  readonly status: number;
  readonly fields: readonly string[];
  readonly body: string;
}

/** Runs a configuration and asks it one request after the other. */
async function answersOf(file: string, requests: readonly Asked[]): Promise<Answer[]> {
  const child = spawn(process.execPath, [PROGRAM, "run", file, "--console", "off"], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1" },
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  try {
    await started(child, ended);
    const answers: Answer[] = [];
    for (const each of requests) answers.push(await ask(each));
    return answers;
  } finally {
    if (child.exitCode === null) child.kill("SIGTERM");
    await ended;
  }
}

async function started(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  let output = "";
  for (const stream of [child.stdout!, child.stderr!]) stream.on("data", (part: Buffer) => (output += part.toString()));
  await until(
    () => /listening +\S*:\d+/.test(output),
    START_MS,
    () => `it did not start:\n${output}`,
    ended,
  );
}

/** Failures tell the id of their request, which would be another each time. */
const NAMED = { "X-Request-Id": "the-same" };

function ask({ path, method = "GET", headers = {}, body = "" }: Asked): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = send(
      { port, host: "127.0.0.1", path, method, headers: { ...NAMED, ...headers }, agent: false },
      (response) => {
        const parts: Buffer[] = [];
        response.on("data", (part: Buffer) => parts.push(part));
        response.on("end", () => {
          const { rawHeaders } = response;
          const fields = rawHeaders.flatMap((name, index) =>
            index % 2 === 0 && name !== "Date" && name !== "Expires" ? [`${name}: ${rawHeaders[index + 1]}`] : [],
          );
          resolve({ status: response.statusCode ?? 0, fields, body: Buffer.concat(parts).toString("latin1") });
        });
        response.on("error", reject);
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}
