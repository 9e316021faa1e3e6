// What adapt prints reads as what the nginx.conf lowers to: over the corpus of nginx.conf files, over configurations put
// together at random, and over one that has a bit of everything. And comments stay.
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Config } from "../config/config.ts";
import { formatProblem, loadConfig } from "../config/load.ts";
import { printConfig } from "../config/print/print.ts";
import { corpusCases, PREFIX, run } from "../nginx/corpus.fixture.ts";
import { lower } from "../nginx/lower/lower.fixture.ts";
import { adapted } from "./adapt.ts";

/** What the file says nothing of: where things stood, and addresses that were asked for. */
function comparable(value: unknown, key = ""): unknown {
  if (value instanceof Map) return [...value].map(([name, each]) => [name, comparable(each)]);
  if (Array.isArray(value)) {
    const all = value.map((each) => comparable(each));
    return key === "slots" ? all.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : all;
  }
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([name, each]) => each !== undefined && !NOT_WRITTEN.includes(name));
  if (key === "gzipRules") return Object.fromEntries(kept.filter(([name]) => GZIP_RULES.includes(name)));
  return Object.fromEntries(kept.map(([name, each]) => [name, comparable(each, name)]));
}

const NOT_WRITTEN = ["position", "addresses", "certificatesFrom"];
const GZIP_RULES = ["minHttpMinor", "proxied", "vary", "disable"];

function readBack(config: Config): Config {
  const text = printConfig(config);
  const { config: back, problems } = loadConfig(text, "/etc/nginx/goodgate.yaml", {});
  if (!back) throw new Error(`${problems.map((problem) => formatProblem(problem)).join("\n")}\n${text}`);
  return back;
}

test("the corpus of nginx.conf files", () => {
  let lowered = 0;
  for (const { name, files } of corpusCases()) {
    const configuration = run(files);
    if (configuration.problems.some(({ severity }) => severity === "error")) continue;
    const { config } = lower(files.get("nginx.conf") ?? "", {}, Object.fromEntries(files));
    if (!config?.servers || config.servers.servers.length === 0) continue;
    lowered += 1;
    expect(comparable(readBack(config)), name).toEqual(comparable(config));
  }
  expect(lowered).toBeGreaterThan(5);
});

const EVERYTHING = `
worker_processes 4;
worker_shutdown_timeout 10s;
events {}
http {
  upstream app { zone app 64k; hash $request_uri consistent; server 10.0.0.1:80 max_fails=3 fail_timeout=5s; server 10.0.0.2 weight=2 max_conns=8; server app.example:81 down; keepalive 4; keepalive_timeout 9s; }
  upstream bound { server 10.0.0.1:80 route=a; server 10.0.0.2:80 route=b; sticky cookie id expires=1h path=/ httponly; }
  map $http_upgrade $upgraded { default upgrade; '' close; 1 one; ~^x(?<rest>.*)$ $rest; "\\~y" tilde; 10 ten; }
  geo $place { default none; 10.0.0.0/8 office; 2001:db8::/32 lab; }
  geo $realip_remote_addr $place2 { ranges; 10.1.0.0-10.1.0.255 a; }
  split_clients $remote_addr $variant { 0.5% a; 33.33% b; * c; }
  limit_req_zone $binary_remote_addr zone=one:10m rate=30r/m;
  limit_conn_zone $server_name zone=two:1m;
  proxy_cache_path /var/cache/a levels=1:2 keys_zone=c:10m max_size=1g inactive=1h use_temp_path=off;
  log_format short escape=json '$remote_addr "$request" {$status}';
  access_log /var/log/a.log short buffer=32k flush=5s if=$upgraded;
  error_log syslog:server=127.0.0.1:5514,tag=x warn;
  gzip on; gzip_types text/css application/json; gzip_vary on; gzip_disable msie6;
  types { text/html html htm; video/3gpp 3gp; application/x-7z-compressed 7z; }
  server {
    listen 80; listen [::]:80 ipv6only=on backlog=100; listen unix:/run/a.sock proxy_protocol;
    server_name example.com *.example.com .example.org www.example.* ~^(?<sub>.+)\\.net$;
    large_client_header_buffers 8 16k; merge_slashes off;
    set $a "b\${host}c";
    if ($http_user_agent ~* bot) { return 403 "no {brace} and \\n a line"; }
    if (!-f $document_root/on) { rewrite ^ /off last; }
    error_page 404 = @fallback; error_page 500 502 503 504 /50x.html; error_page 403 =200 http://example.com/;
    location / { proxy_pass http://app; proxy_next_upstream error http_503; proxy_cache c; proxy_cache_valid 200 1h; proxy_cache_valid any 1m; proxy_cache_lock on; limit_req zone=one burst=5 nodelay; }
    location = /exact/ { proxy_pass http://bound/with/uri; proxy_set_header X "a b"; proxy_set_header Connection ""; proxy_redirect off; proxy_hide_header X-Y; proxy_pass_header Server; }
    location ^~ /files/ { alias /srv/files/; autoindex on; expires -1; add_header X-A $variant always; location ~ \\.(\\w+)$ { limit_conn two 3; types { } default_type text/plain; } }
    location ~* \\.(png|jpg)$ { try_files $uri $uri/ =404; valid_referers none blocked server_names ~\\.google\\.; if ($invalid_referer) { return 403; } }
    location @fallback { proxy_pass http://$host:8080$request_uri; proxy_cookie_path ~*^/a(.*) /b$1; sub_filter a b; sub_filter_once off; }
    location /in { internal; if ($arg_x = 1) { proxy_pass http://127.0.0.1:9; add_header Y z; } limit_except GET { deny all; } satisfy any; allow 10.0.0.0/8; deny all; auth_basic off; }
    location /up { proxy_pass https://10.0.0.9; proxy_ssl_name $host; proxy_ssl_server_name on; proxy_read_timeout 5m; proxy_http_version 1.0; proxy_buffering off; proxy_buffer_size 16k; proxy_buffers 8 16k; }
    location /status { stub_status; }
  }
  server { listen 80; server_name b; root /srv/b; real_ip_header X-Forwarded-For; set_real_ip_from 10.0.0.0/8; location /a/ { rewrite ^/a/(.*)$ /b/$1? permanent; } }
}
`;

test("a bit of everything", () => {
  const { config, problems } = lower(EVERYTHING);
  expect(problems.filter(({ severity }) => severity === "error").map(({ message }) => message)).toEqual([]);
  const back = readBack(config!);
  expect(inOrder(comparable(back))).toEqual(inOrder(comparable(config)));
  // What has been printed once is printed the same again.
  expect(printConfig(back)).toBe(printConfig(config!));
});

/** Keys that are whole numbers come first in a mapping that was read; between plain keys the order says nothing. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, each]) => {
    const isEntries = key === "entries" && Array.isArray(each);
    return [
      key,
      isEntries ? each.map(inOrder).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : inOrder(each),
    ];
  });
  return Object.fromEntries(entries);
}

const SETTINGS = [
  "client_max_body_size 5m;",
  "client_max_body_size 0;",
  "root /srv/a;",
  "root /srv/$host;",
  "index a.html /b;",
  "expires 1h;",
  "expires max;",
  "add_header A $host;",
  "add_header A b always;",
  "gzip on;",
  "gzip off;",
  "gzip_vary on;",
  "access_log off;",
  "access_log /a.log;",
  "error_page 404 /404;",
  "etag off;",
  "satisfy any;",
  "deny 10.0.0.1;",
  "allow all;",
  "proxy_set_header A $arg_a;",
  "proxy_set_header Host x;",
  "proxy_read_timeout 7s;",
  "proxy_read_timeout 60s;",
  "proxy_connect_timeout 1s;",
  "proxy_buffering off;",
  "proxy_redirect off;",
  "proxy_redirect / /x;",
  "proxy_hide_header X;",
  "proxy_method POST;",
  "proxy_buffer_size 8k;",
  "proxy_intercept_errors on;",
  "default_type a/b;",
  "limit_rate 5k;",
  "keepalive_timeout 5s 4s;",
  "server_tokens off;",
  "autoindex on;",
  "recursive_error_pages on;",
  "log_not_found off;",
  "mirror /m;",
  "proxy_http_version 1.0;",
  "proxy_next_upstream off;",
  "charset utf-8;",
  "sub_filter a b;",
  "resolver 127.0.0.1;",
  "proxy_cache c;",
  "proxy_cache off;",
  "proxy_cache_valid 5m;",
  "proxy_ignore_client_abort on;",
  "proxy_bind 127.0.0.1;",
];
const CONTENT = [
  "proxy_pass http://app;",
  "proxy_pass http://app/u/;",
  "proxy_pass http://10.0.0.1:81;",
  "proxy_pass http://$host;",
  "proxy_pass https://app;",
  "return 204;",
  "try_files $uri =404;",
  "rewrite ^/(.*) /x/$1 break;",
  "alias /srv/x/;",
  "stub_status;",
  "if ($arg_b) { expires off; proxy_pass http://10.0.0.2; }",
  "if ($arg_c) { set $v 1; }",
  "internal;",
  "limit_except GET { deny all; }",
  "",
];

/** A block: each setting once, at most one way to answer, locations within. */
const lines = fc.uniqueArray(fc.constantFrom(...SETTINGS), { maxLength: 7, selector: (line) => line.split(" ")[0]! });
const location = fc
  .tuple(fc.constantFrom("/", "/a/", "/b"), lines, fc.constantFrom(...CONTENT), lines)
  .map(
    ([path, own, content, inner]) =>
      `location ${path} { ${own.join(" ")} ${content} ${path === "/a/" ? `location /a/in { ${inner.join(" ")} proxy_pass http://app; }` : ""} }`,
  );
const server = fc
  .tuple(lines, fc.uniqueArray(location, { maxLength: 3, selector: (text) => text.split(" ")[1]! }))
  .map(([own, locations]) => `server { ${own.join(" ")} ${locations.join(" ")} }`);

test("configurations put together at random", () => {
  let lowered = 0;
  const property = fc.property(lines, fc.array(server, { minLength: 1, maxLength: 3 }), (http, servers) => {
    const cache = "proxy_cache_path /c keys_zone=c:1m; upstream app { server 10.0.0.3; server 10.0.0.4; }";
    const { config } = lower(`events {} http { ${cache} ${http.join(" ")} ${servers.join("\n")} }`);
    if (!config) return;
    lowered += 1;
    const [there, back] = [comparable(config), comparable(readBack(config))];
    if (!isDeepStrictEqual(there, back)) expect(back).toEqual(there);
  });
  fc.assert(property, { numRuns: 80 });
  expect(lowered).toBeGreaterThan(30);
});

test("comments stay at what they stand at", () => {
  const text = `# The site of Example.
user nobody;
events {}
http {
  # Machines
  upstream app { server 10.0.0.1:80; } # two of them
  server {
    # everything
    location / {
      proxy_pass http://app; # plain
    }
  }
}
`;
  const configuration = run(new Map([["nginx.conf", text]]));
  const printed = adapted(configuration, {
    prefix: PREFIX,
    conf: `${PREFIX}nginx.conf`,
    errorLog: "",
    lenient: false,
  } as never);
  expect(printed).toBe(`# The site of Example.

# user nobody: start Goodgate as this user, as packaging/goodgate.service does

defaults: nginx
upstreams:
  # Machines
  # two of them
  app: [ 10.0.0.1:80 ]
servers:
  - listen: 0.0.0.0:80
    root: /etc/nginx/html
    request: { body-folder: /etc/nginx/client_body_temp }
    locations:
      # everything
      # plain
      - { location: /, proxy: app }
`);
});
