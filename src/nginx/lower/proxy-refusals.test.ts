// What is wrong with upstreams, proxying, caches and TLS, in nginx's words; where a real nginx is installed it is asked
// whether it says the same.
import { describe, expect, test } from "vitest";
import { askNginx, whyNotAsked } from "../real-nginx.fixture.ts";
import { confOf, lowered } from "./proxy.fixture.ts";

const at = (lines: string): string => `server { location / { ${lines} } }`;
const upstream = (lines: string): string => `upstream u { ${lines} }`;
const NO_URI =
  '"proxy_pass" cannot have URI part in location given by regular expression, or inside named location, or inside "if" statement, or inside "limit_except" block';

/** Refused by every nginx: the first complaint, without level; in line 2 but where it says another. */
const REFUSED: readonly (readonly [http: string, complaint: string, place?: string])[] = [
  [at("proxy_pass app;"), "invalid URL prefix"],
  [at("proxy_pass ftp://app;"), "invalid URL prefix"],
  [at("proxy_pass http://;"), 'no host in upstream ""'],
  [at("proxy_pass http://a:b/c;"), 'invalid port in upstream "a:b/c"'],
  [at("proxy_pass http://[::1/;"), 'invalid host in upstream "[::1/"'],
  [at("proxy_pass http://unix:;"), 'no path in the unix domain socket in upstream "unix:"'],
  ["server { location ~ a { proxy_pass http://127.0.0.1/a; } }", NO_URI],
  ["server { location @a { proxy_pass http://127.0.0.1/; } }", NO_URI],
  ["server { location / { if ($arg_a) { proxy_pass http://127.0.0.1/; } } }", NO_URI],
  ["server { location / { limit_except GET { proxy_pass http://127.0.0.1/; } } }", NO_URI],
  [`${upstream("server 127.0.0.1;")} ${at("proxy_pass http://u:81;")}`, 'upstream "u" may not have port 81'],
  [at("proxy_redirect default;"), '"proxy_redirect default" should be placed after the "proxy_pass" directive'],
  [
    at("proxy_pass http://$host; proxy_redirect default;"),
    '"proxy_redirect default" cannot be used with "proxy_pass" directive with variables',
  ],
  [at("proxy_redirect bad;"), 'invalid parameter "bad"'],
  [at("proxy_redirect a b; proxy_redirect off;"), '"proxy_redirect" directive is duplicate'],
  [at("proxy_redirect off; proxy_redirect a b;"), '"proxy_redirect" directive is duplicate'],
  ["proxy_cookie_domain bad;", 'invalid parameter "bad"'],
  ["proxy_cookie_path off; proxy_cookie_path a b;", '"proxy_cookie_path" directive is duplicate'],
  ["proxy_cookie_flags off; proxy_cookie_flags off;", '"proxy_cookie_flags" directive is duplicate'],
  ["proxy_bind localhost;", 'invalid address "localhost"'],
  ["proxy_bind [::1];", 'invalid address "[::1]"'],
  ["proxy_temp_path a 1 0;", '"proxy_temp_path" directive invalid value'],
  ["proxy_temp_path a 5 6;", '"proxy_temp_path" directive invalid value'],
  [upstream("server 127.0.0.1; zone z;"), 'zero size shared memory zone "z"', ""],
  ["ssl_ocsp_cache z;", 'invalid OCSP cache "z"'],
  ["ssl_ocsp_cache shared:z:1k;", 'OCSP cache "shared:z:1k" is too small'],
  ["proxy_bind 127.0.0.1 opaque;", 'invalid parameter "opaque"'],
  ["proxy_store_access user:x;", 'invalid value "user:x"'],
  [
    "proxy_cache_path c keys_zone=z:1m;\nproxy_store on; proxy_cache z;",
    '"proxy_cache" directive is incompatible with "proxy_store"',
    "3",
  ],
  [
    "proxy_cache_path c keys_zone=z:1m;\nproxy_cache z; proxy_store on;",
    '"proxy_store" directive is incompatible with "proxy_cache"',
    "3",
  ],
  [`\n${at("proxy_cache z;")}\n`, '"proxy_cache" zone "z" is unknown', "5"],
  [`\n${at("proxy_buffers 1 4k;")}\n`, 'there must be at least 2 "proxy_buffers"', "5"],
  [
    `\n${at("proxy_buffer_size 64k;")}\n`,
    '"proxy_busy_buffers_size" must be less than the size of all "proxy_buffers" minus one buffer',
    "5",
  ],
  ["proxy_cache_path c levels=1:3 keys_zone=z:1m;", 'invalid "levels" "levels=1:3"'],
  ["proxy_cache_path c levels=1:2: keys_zone=z:1m;", 'invalid "levels" "levels=1:2:"'],
  ["proxy_cache_path c keys_zone=z;", 'invalid keys zone size "keys_zone=z"'],
  ["proxy_cache_path c keys_zone=z:1k;", 'keys zone "keys_zone=z:1k" is too small'],
  ["proxy_cache_path c keys_zone=z:1m inactive=x;", 'invalid inactive value "inactive=x"'],
  ["proxy_cache_path c max_size=1g inactive=1d;", '"proxy_cache_path" must have "keys_zone" parameter'],
  ["proxy_cache_path c keys_zone=z:1m size=1;", 'invalid parameter "size=1"'],
  [
    "proxy_cache_path c keys_zone=z:1m use_temp_path=1;",
    'invalid use_temp_path value "use_temp_path=1", it must be "on" or "off"',
  ],
  ["proxy_cache_path c keys_zone=z:1m; proxy_cache_path d keys_zone=z:1m;", 'duplicate zone "z"'],
  ["proxy_cache z;", 'zero size shared memory zone "z"', ""],
  ["proxy_cache_valid 200 x;", 'invalid time value "x"'],
  ["proxy_cache_valid 99 1m;", 'invalid status "99"'],
  ["upstream u { }", "no servers are inside upstream"],
  [`${upstream("server 127.0.0.1;")} ${upstream("server 127.0.0.1;")}`, 'duplicate upstream "u"'],
  [upstream("server http://127.0.0.1;"), 'invalid host in upstream "http://127.0.0.1"'],
  [upstream("server 127.0.0.1 weight=0;"), 'invalid parameter "weight=0"'],
  [upstream("server 127.0.0.1 max_fails=x;"), 'invalid parameter "max_fails=x"'],
  [upstream("server 127.0.0.1 fail_timeout=x;"), 'invalid parameter "fail_timeout=x"'],
  [upstream("server 127.0.0.1 slow_start=3s;"), 'invalid parameter "slow_start=3s"'],
  [upstream("ip_hash; server 127.0.0.1 backup;"), 'balancing method does not support parameter "backup"'],
  [upstream("hash $host ketama; server 127.0.0.1;"), 'invalid parameter "ketama"'],
  [upstream("random three; server 127.0.0.1;"), 'invalid parameter "three"'],
  [upstream("random two least; server 127.0.0.1;"), 'invalid parameter "least"'],
  [upstream("server 127.0.0.1; keepalive x;"), 'invalid value "x" in "keepalive" directive'],
  [upstream('server 127.0.0.1; zone "";'), 'invalid zone name ""'],
  [upstream("server 127.0.0.1; zone z x;"), 'invalid zone size "x"'],
  [upstream("server 127.0.0.1; zone z 1k;"), 'zone "z" is too small'],
  [upstream("server 127.0.0.1 backup;"), 'no servers in upstream "u" in nginx.conf:2', ""],
  ["resolver 127.0.0.1 valid=x;", "invalid parameter: valid=x"],
  ["resolver 127.0.0.1 ipv6=maybe;", "invalid parameter: ipv6=maybe"],
  ["resolver valid=5s;", "no name servers defined"],
  [
    at("proxy_pass https://127.0.0.1; proxy_ssl_verify on;"),
    "no proxy_ssl_trusted_certificate for proxy_ssl_verify",
    "",
  ],
  [
    at("proxy_pass https://127.0.0.1; proxy_ssl_certificate c.pem;"),
    'no "proxy_ssl_certificate_key" is defined for certificate "c.pem"',
    "",
  ],
  [
    "server { listen 8443 ssl; }",
    'no "ssl_certificate" is defined for the "listen ... ssl" directive in nginx.conf:2',
    "",
  ],
  ["server { ssl_certificate c.pem; }", 'no "ssl_certificate_key" is defined for certificate "c.pem"', ""],
  ["ssl_session_cache x;", 'invalid session cache "x"'],
  ["ssl_session_cache shared:z;", 'invalid session cache "shared:z"'],
  ["ssl_session_cache shared:z:1k;", 'session cache "shared:z:1k" is too small'],
];

/** By those since 1.27. */
const REFUSED_BY_NEW: typeof REFUSED = [
  ['proxy_store "";', "empty path"],
  [
    upstream("server a.test resolve;"),
    'resolving names at run time requires upstream "u" in nginx.conf:2 to be in shared memory',
    "",
  ],
  [
    upstream("zone z 64k; server a.test resolve;"),
    'no resolver defined to resolve names at run time in upstream "u" in nginx.conf:2',
    "",
  ],
  [upstream("server a.test service=x;"), 'service upstream "a.test" requires "resolve" parameter'],
  [upstream("server a.test:80 service=x resolve;"), 'service upstream "a.test:80" may not have port'],
  [upstream("server 127.0.0.1 route=;"), "route is empty"],
  [upstream(`server 127.0.0.1 route=${"a".repeat(33)};`), "route is longer than 32"],
  [upstream("server 127.0.0.1; sticky session a;"), 'unknown parameter "session"'],
  [upstream("server 127.0.0.1; sticky route arg_a;"), 'invalid variable name "arg_a"'],
  [upstream("server 127.0.0.1; sticky cookie a expires=x;"), '"sticky" directive invalid "expires" parameter value'],
  [upstream("server 127.0.0.1; sticky cookie a secure secure;"), '"sticky" directive parameter "secure" is duplicate'],
  [upstream("server 127.0.0.1; sticky cookie a same;"), 'unknown parameter "same"'],
  [upstream("server 127.0.0.1; sticky learn zone=z:1m;"), '"sticky" directive "lookup" parameter is not specified'],
  [
    upstream("server 127.0.0.1; sticky learn zone=z:1k lookup=$arg_a create=$arg_a;"),
    '"sticky" directive zone is too small',
  ],
  [upstream("server 127.0.0.1; least_time body;"), 'invalid value "body"'],
  [upstream("server 127.0.0.1; keepalive 4 global;"), 'invalid parameter "global"'],
  ["proxy_ssl_certificate_cache max=0;", 'invalid parameter "max=0"'],
  ["proxy_ssl_certificate_cache valid=1m;", '"proxy_ssl_certificate_cache" must have the "max" parameter'],
];

const line = (complaint: string, place = "2"): string =>
  place === "" ? `[emerg] ${complaint}` : `[emerg] ${complaint} in nginx.conf:${place}`;

const asCases = (table: typeof REFUSED) =>
  table.map(([http, complaint, place]) => ({ http, told: line(complaint, place) }));

test.each(asCases([...REFUSED, ...REFUSED_BY_NEW]))("$http", ({ http, told }) => {
  expect(lowered(http).told.filter((each) => each.startsWith("[emerg]"))[0]).toBe(told);
});

const why = await whyNotAsked();

describe.skipIf(why !== null)("a real nginx says the same", () => {
  test.each(asCases(REFUSED))("$http", async ({ http, told }) => {
    expect(await askNginx(new Map([["nginx.conf", confOf(http)]]))).toBe(told);
  });
});

test("a method that takes the place of another is a warning", () => {
  const { told, config } = lowered(upstream("least_conn; ip_hash; server 127.0.0.1; server 127.0.0.2;"));
  expect(told).toEqual(["[warn] load balancing method redefined in nginx.conf:2"]);
  expect(config!.upstreams.size).toBe(0);
});

test("what Node cannot do is refused with its reason, and is a warning where the rest is to run", () => {
  const http = `proxy_bind $arg_a transparent; proxy_ssl_conf_command Options Bugs; ${at("proxy_pass https://h;")}`;
  expect(lowered(http).told).toHaveLength(2);
  expect(lowered(http, { lenient: true }).config).not.toBeNull();
});
