// What nginx refuses only when it puts a configuration together: its words and its line, ours from the table, nginx's
// from nginx itself where one is installed.
import { beforeAll, describe, expect, test } from "vitest";
import { PREFIX, run } from "../corpus.fixture.ts";
import { nginxLine } from "../problem.ts";
import { askNginx, whyNotAsked } from "../real-nginx.fixture.ts";
import { lowerNginx } from "./lower.ts";

const OPTIONS = {
  prefix: PREFIX,
  confDir: PREFIX,
  errorLog: "stderr",
  accessLog: "/var/log/nginx/access.log",
  pid: "/run/nginx.pid",
};

/** What stands in a server block, in the http block ("http: …") or in none ("main: …"), on one line. */
const CASES = [
  "main: worker_processes x;",
  "main: error_log stderr what;",
  "listen 80000;",
  "listen 127.0.0.1:0;",
  "listen 8000-7000;",
  "listen [::1;",
  "listen [1::2::3]:80;",
  "listen unix:;",
  "listen a/b;",
  "listen :80;",
  "listen 8080 backlog=x;",
  "listen 8080 ipv6only=maybe;",
  "listen 8080 ipv6only=of;",
  "listen 8080 so_keepalive=x;",
  "listen 8080 rcvbuf=x;",
  "listen 8080 what;",
  "listen 8080; listen 8080;",
  "listen 8080 bind; listen *:8080 bind;",
  "http: server { listen 8080 default_server; } server { listen 8080 default_server; }",
  "http: server { listen 8080 backlog=5; } server { listen 8080 backlog=5; }",
  "server_name *;",
  "server_name .;",
  "server_name ~;",
  "http: server { server_name a.*.b; } server {}",
  "server_name *a.b;",
  "server_name ~(;",
  "location = / {} location = / {}",
  "location / {} location ^~ / {}",
  "location /a { location /b {} }",
  "location = /a { location /a/b {} }",
  "location @a { location /a {} }",
  "location /a { location @b {} }",
  "location ! /a {}",
  "location ~ ( {}",
  "location / { limit_except GETT { deny all; } }",
  "location @a { alias /x; }",
  "location / { root /a; alias /b; }",
  "location / { alias /a; root /b; }",
  "root $document_root/a;",
  "root ${realpath_root}/a;",
  "root $;",
  "root ${;",
  "root ${a;",
  "root ${};",
  "root /a/$nope;",
  "set a b;",
  "set $host b;",
  "set $a $b;",
  "return what;",
  "return 1000;",
  "return 200 $;",
  'rewrite ^ "";',
  "rewrite ^ /a what;",
  "rewrite ( /a;",
  "if $a {}",
  "if ($host {}",
  "if (${host}) {}",
  "charset ${a};",
  "if ($host = a b) {}",
  "if ($host ? a) {}",
  "if (-q /a) {}",
  "if (-f) {}",
  "if (a) {}",
  "if ($host ~ () {}",
  "error_page 200 /a;",
  "error_page x /a;",
  "error_page 499 /a;",
  "error_page = /a;",
  "error_page 404 =x /a;",
  "try_files /a =x;",
  "try_files /a =1000;",
  'index "";',
  "expires what;",
  "expires @25h;",
  "expires what 1h;",
  "expires modified @1h;",
  "add_header a b c;",
  "limit_rate x;",
  "keepalive_timeout x;",
  "keepalive_timeout 1 x;",
  "disable_symlinks what;",
  "disable_symlinks from=/a;",
  "allow what;",
  "deny 10.0.0.0/33;",
  'valid_referers "";',
  "valid_referers ~;",
  "valid_referers a.*.b;",
  "valid_referers a.test .a.test;",
  "valid_referers a.test A.test/x;",
  "mirror off; mirror /a;",
  "mirror /a; mirror off;",
  "limit_req zone=a;",
  "limit_req burst=5;",
  "limit_req zone=a burst=0;",
  "limit_req zone=a delay=x;",
  "limit_req zone=a what;",
  "limit_conn a 0;",
  "limit_conn a 65536;",
  "limit_conn a 1;",
  "http: limit_req_zone $uri zone=a:1m rate=1r/s; limit_req_zone $uri zone=a:1m rate=1r/s;",
  "http: limit_req_zone $uri zone=a rate=1r/s;",
  "http: limit_req_zone $uri zone=a:x rate=1r/s;",
  "http: limit_req_zone $uri zone=a:1k rate=1r/s;",
  "http: limit_req_zone $uri zone=a:1m rate=0r/s;",
  "http: limit_req_zone $uri zone=a:1m rate=x;",
  "http: limit_req_zone $uri rate=1r/s what;",
  "http: limit_conn_zone $uri zone=:1m;",
  "http: limit_conn_zone $uri what;",
  "http: map $host a {}",
  "http: map $host $uri {}",
  "http: map $host $a { default 1; default 2; }",
  "http: map $host $a { a 1; A 2; }",
  "http: map $host $a { ~( 2; }",
  "http: map $host $a { hostnames; *.a.*.b 2; }",
  "http: map $nope $a {} server { return 200 $a; }",
  "http: geo a {}",
  "http: geo $a { x 1; }",
  "http: geo $nope $a {}",
  "http: geo $a { ranges; 10.0.0.0 1; }",
  "http: geo $a { ranges; 10.0.0.2-10.0.0.1 1; }",
  "http: geo $a { ranges; 10.0.0.1-10.0.0.9 1; 10.0.0.5-10.0.0.20 2; }",
  "http: split_clients $uri $a { 60% a; 50% b; }",
  "http: split_clients $uri $a { x a; }",
  "http: split_clients $uri $a { 0% a; }",
  "http: log_format a x; log_format a y;",
  "http: log_format a escape=x y;",
  "http: log_format a $nope; access_log /dev/null a;",
  "access_log /dev/null nope;",
  "access_log off x;",
  "access_log /dev/null combined buffer=x;",
  "access_log /dev/null combined flush=1s;",
  "access_log /dev/null combined gzip=10;",
  "access_log /dev/null combined what;",
  "access_log logs/$host combined buffer=1k;",
  "access_log syslog:what;",
  "access_log syslog:tag=a;",
  "access_log syslog:server=127.0.0.1,tag=a-b;",
  "access_log syslog:server=127.0.0.1,facility=x;",
  "error_log stderr what;",
  "error_log stderr warn info;",
  "charset a; source_charset b;",
  "http: charset_map a a {}",
  "http: charset_map a b {} charset_map b a {}",
  "http: charset_map a b { 100 1; }",
  'sub_filter "" a;',
  "resolver 127.0.0.1 valid=x;",
  "resolver valid=1s;",
  "resolver 127.0.0.1 ipv6=x;",
  "auth_request_set a b;",
  "secure_link_secret a; secure_link $uri;",
];

function filesFor(text: string): ReadonlyMap<string, string> {
  if (text.startsWith("main: ")) return new Map([["nginx.conf", `events {}\n${text.slice("main: ".length)}\n`]]);
  const inner = text.startsWith("http: ") ? text.slice("http: ".length) : `server {\n${text}\n}`;
  return new Map([["nginx.conf", `events {}\nhttp {\n${inner}\n}\n`]]);
}

function said(text: string): string {
  const configuration = run(filesFor(text));
  const { problems } = lowerNginx(configuration, OPTIONS);
  const first = [...configuration.problems, ...problems].find(({ severity }) => severity === "error");
  return first ? nginxLine(first).replace("nginx: ", "").replaceAll(PREFIX, "") : "accepted";
}

/** nginx 1.22, which may be the one that is here, has no words for them yet. */
const NEWER = ["http: charset_map utf-8 a {}", "resolver 127.0.0.1 ipv4=off ipv6=off;"];

test("all of them are refused", () => {
  expect([...CASES, ...NEWER].filter((text) => said(text) === "accepted")).toEqual([]);
});

describe("nginx itself", () => {
  let whyNot: string | null = null;
  beforeAll(async () => {
    whyNot = await whyNotAsked();
  });

  test.for(CASES)("%s", async (text, context) => {
    if (whyNot !== null) context.skip(whyNot);
    expect(said(text)).toBe(await askNginx(filesFor(text)));
  });
});
