// What a rule finds and what it leaves alone, where the corpus has only one case of each.
import { describe, expect, test } from "vitest";
import { corpusCases, run } from "../corpus.fixture.ts";
import { advise, inHttp } from "./advice.fixture.ts";
import { adviseNginx } from "./advise.ts";

const rulesIn = (text: string): string[] => advise(inHttp(text)).map(({ rule }) => rule);
const inLocation = (text: string) => `server { listen 80; location / { ${text} } }`;
const GROUP = "upstream app { server 10.0.0.1; server 10.0.0.2; }";

describe.each<[rule: string, found: readonly string[], not: readonly string[]]>([
  [
    "uri-in-header",
    [
      inLocation("return 301 https://a${uri};"),
      inLocation("return https://a$uri;"),
      inLocation("rewrite ^ https://a$document_uri permanent;"),
      inLocation("rewrite ^ $scheme://a$uri;"),
      inLocation("add_header X-Path $uri;"),
      inLocation("proxy_pass http://10.0.0.1$uri;"),
      "server { return 302 $uri/; }",
    ],
    [
      inLocation("return 200 $uri;"),
      inLocation("return 301 /$request_uri;"),
      inLocation("rewrite ^ /index.php$uri last;"),
      inLocation("return 301 https://a$uri_suffix;"),
      inLocation("try_files $uri $uri/ =404;"),
    ],
  ],
  [
    "capture-in-header",
    [
      "server { location ~ ^/a/([^/]+)$ { proxy_pass http://10.0.0.1/$1; } }",
      "server { location ~ ^/a/([\\s\\S]*)$ { return 302 /$1; } }",
      "server { location ~ ^/a/(?<x>\\D+)$ { location ~ b { add_header X $x; } } }",
      "server { location / { if ($uri ~ ^/([^.]+)$) { return 302 /b/$1; } } }",
    ],
    [
      "server { location ~ ^/a/(.*)$ { return 302 /$1; } }",
      "server { location ~ ^/a/([^/\\n\\r]+)$ { return 302 /$1; } }",
      "server { location ~ ^/a/([\\w-]+)/([^/]+)$ { return 302 /$1; } }",
      "server { location / { if ($request_uri ~ ^/([^.]+)$) { return 302 /b/$1; } } }",
      "server { location ~ ^/([^/]+)$ { rewrite ^/(.*)$ /b/$1 break; proxy_set_header X $1; } }",
    ],
  ],
  [
    "strangers-target",
    [
      inLocation("proxy_pass $arg_url;"),
      inLocation("proxy_pass http://$http_host;"),
      inLocation("proxy_pass http://$host:8080;"),
      inLocation("set $target $cookie_backend; proxy_pass http://$target;"),
      "server { location ~ ^/to/(.+)$ { proxy_pass http://$1; } }",
      "server { location ~ ^/to/(.+)$ { proxy_pass http://$1.internal; } }",
    ],
    [
      "server { server_name a.example.com; location / { proxy_pass http://$host:8080; } }",
      inLocation("set $target app; proxy_pass http://$target$request_uri;"),
      inLocation("proxy_pass http://10.0.0.1/$arg_page;"),
      inLocation("proxy_pass http://10.0.0.1:$arg_port;"),
      `map $arg_to $to { default app; b b; } ${inLocation("proxy_pass http://$to;")}`,
      "server { location ~ ^/to/(\\w+)/ { proxy_pass http://$1.app.internal; } }",
    ],
  ],
  [
    "no-resolver",
    [inLocation("set $a app; proxy_pass http://$a;"), inLocation("proxy_pass http://$http_x;")],
    [
      `${GROUP} ${inLocation("set $a app; proxy_pass http://$a;")}`,
      `resolver 10.0.0.2; ${inLocation("set $a app; proxy_pass http://$a;")}`,
      inLocation("set $a 10.0.0.1; proxy_pass http://$a:80/;"),
      inLocation("set $a [::1]:80; proxy_pass http://$a;"),
      inLocation("set $a http://10.0.0.1; proxy_pass $a;"),
      inLocation("set $a unix:/run/a; proxy_pass http://$a;"),
      inLocation("proxy_pass http://10.0.0.1$request_uri;"),
    ],
  ],
  [
    "uri-with-variables",
    [inLocation("set $a app; proxy_pass http://$a:80/;"), inLocation("set $a http://app; proxy_pass $a/x;")],
    [
      inLocation("set $a app; proxy_pass http://$a:80;"),
      inLocation("set $a app; proxy_pass http://$a/x$is_args$args;"),
      "server { location ~ ^/(\\w+)$ { set $a app; proxy_pass http://$a/; } }",
      "server { location = / { set $a app; proxy_pass http://$a/; } }",
      inLocation("proxy_pass http://$API_HOST/;"),
    ],
  ],
  [
    "slashes",
    ["server { location ^~ /a { proxy_pass http://10.0.0.1/b/; } }"],
    [
      "server { location /a/ { proxy_pass http://10.0.0.1/b/; } }",
      "server { location / { proxy_pass http://10.0.0.1/; } }",
      "server { location /a { proxy_pass http://10.0.0.1/b?c=/; } }",
      "server { location ~ ^/a { proxy_pass http://10.0.0.1; } }",
    ],
  ],
  [
    "error-page-fails",
    [
      "server { error_page 502 /e.html; location / { proxy_pass http://10.0.0.1; } location ~ \\.php$ { root /a; } }",
      "server { location / { error_page 502 504 /e; proxy_pass http://10.0.0.1; } }",
    ],
    [
      "server { error_page 404 /e.html; location / { proxy_pass http://10.0.0.1; } }",
      "server { error_page 502 /e.html; location / { proxy_pass http://10.0.0.1; } location ~ \\.html$ { root /a; } }",
      "server { error_page 502 /e/x; location / { proxy_pass http://10.0.0.1; } location ^~ /e/ { root /a; } }",
      "server { error_page 502 /e; location / { proxy_pass http://10.0.0.1; } location = /e { proxy_pass http://10.0.0.2; } }",
      "server { error_page 502 @e; location / { proxy_pass http://10.0.0.1; } location @e { return 503; } }",
    ],
  ],
  [
    "proxy-headers-lost",
    [
      "proxy_set_header Host $host; server { location / { proxy_set_header A b; location /b { proxy_pass http://10.0.0.1; } } }",
    ],
    [
      "proxy_set_header Host $host; server { location / { proxy_set_header A b; return 204; } }",
      "proxy_set_header Host $host; server { location / { proxy_set_header HOST $http_host; proxy_pass http://10.0.0.1; } }",
    ],
  ],
  [
    "tls-port",
    [
      "upstream a { server b; } server { location / { proxy_pass https://a; } }",
      inLocation("proxy_pass https://10.0.0.1:80;"),
      inLocation("proxy_pass http://10.0.0.1:8443;"),
    ],
    [
      "upstream a { server 10.0.0.1:443; } server { location / { proxy_pass https://a; } }",
      inLocation("proxy_pass https://10.0.0.1;"),
      inLocation("proxy_pass http://10.0.0.1;"),
      "upstream a { server unix:/run/a; } server { location / { proxy_pass https://a; } }",
    ],
  ],
  [
    "location-unreachable",
    [
      "server { location ^~ /a/ {} location ~ ^/a/b {} }",
      "server { location ~ ^/.*$ {} location ~ b {} }",
      "server { location / { location ~ . {} location /b {} } }",
    ],
    [
      "server { location ^~ /a/ {} location ~* ^/a/b {} location ~ ^/(a|b) {} }",
      "server { location ^~ /a/ {} location /a/b/ {} location ~ ^/a/b {} }",
      "server { location ~ b {} location ~* b {} location ~ / {} }",
      "server { location = /a {} location ~ / {} }",
    ],
  ],
  [
    "proxy-to-itself",
    [
      "server { location / { proxy_set_header Host $host; proxy_pass http://localhost; } }",
      "server { listen *:8080; location / { proxy_set_header Host $http_host; proxy_pass http://127.0.0.1:8080; } }",
    ],
    [
      "server { location / { proxy_pass http://127.0.0.1; } }",
      "server { listen 10.0.0.5:8080; location / { proxy_set_header Host $host; proxy_pass http://127.0.0.1:8080; } }",
      "server { location /a/ { proxy_set_header Host $host; proxy_pass http://127.0.0.1/b/; } }",
    ],
  ],
  [
    "alias-traversal",
    ["server { location ^~ /a { alias /srv/a/; } }"],
    ["server { location /a { alias /srv/a; } }", "server { location ~ ^/a { alias /srv/a/; } }"],
  ],
  [
    "status-open",
    ["server { location /s { stub_status; allow 10.0.0.1; } }"],
    [
      "server { listen 127.0.0.1:81; location /s { stub_status; } }",
      "server { deny all; location /s { stub_status; } }",
      "server { location /s { stub_status; auth_request /a; } }",
    ],
  ],
  [
    "secret-in-file",
    ['server { proxy_set_header X-Api-Key "0123456789abcdef0123456789abcdef"; }'],
    [
      'server { proxy_set_header Authorization ""; }',
      'server { proxy_set_header Authorization "Bearer $token_of_map"; }',
      'server { proxy_set_header Authorization "Bearer xxxxxxxxxxxxxxxxxxxx"; }',
      'server { proxy_set_header X-Request "0123456789abcdef0123456789abcdef"; }',
    ],
  ],
  [
    "host-missing",
    [`${GROUP} ${inLocation("proxy_pass http://app;")}`],
    [
      inLocation("proxy_pass http://10.0.0.1;"),
      `${GROUP} ${inLocation("internal; proxy_pass http://app;")}`,
      `${GROUP} server { location = /metrics { proxy_pass http://app; } }`,
      `${GROUP} proxy_set_header Host $host; ${inLocation("proxy_pass http://app;")}`,
    ],
  ],
  [
    "keepalive-unused",
    [
      "upstream a { server b; keepalive 2; } server { location / { proxy_http_version 1.1; proxy_pass http://a; } }",
      'upstream a { server b; keepalive 2; } server { location / { proxy_http_version 1.0; proxy_set_header Connection ""; proxy_pass http://a; } }',
    ],
    [
      "upstream a { server b; keepalive 0; } server { location / { proxy_pass http://a; } }",
      "upstream a { server b; } server { location / { proxy_pass http://a; } }",
      'proxy_http_version 1.1; proxy_set_header Connection ""; upstream a { server b; keepalive 2; } server { location / { proxy_pass http://a; } }',
    ],
  ],
  [
    "origin-loose",
    [
      inLocation("if ($http_origin ~ ^https://a.example) { set $x 1; }"),
      inLocation("if ($http_origin ~* (a|b)\\.example\\.com) { set $x 1; }"),
    ],
    [
      inLocation("if ($http_origin ~ ^https://a\\.example$) { set $x 1; }"),
      inLocation("if ($http_origin ~ (a\\.example$|b\\.example$)) { set $x 1; }"),
      inLocation("if ($http_origin ~ .) { set $x 1; }"),
      inLocation("if ($http_origin = https://a.example) { set $x 1; }"),
    ],
  ],
])("%s", (rule, found, not) => {
  test.each(found)("finds %s", (text) => {
    expect(rulesIn(text)).toContain(rule);
  });

  test.each(not)("leaves alone %s", (text) => {
    expect(rulesIn(text)).not.toContain(rule);
  });
});

test("whatever is wrong with a file, rules do not fail", () => {
  const cases = corpusCases();
  expect(cases.length).toBeGreaterThan(80);
  for (const { files } of cases) for (const isPart of [false, true]) adviseNginx(run(files), isPart);
});
