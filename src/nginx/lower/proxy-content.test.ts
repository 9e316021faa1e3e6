import { expect, test } from "vitest";
import { good, locationOf, lowered, proxied, proxyOf } from "./proxy.fixture.ts";

test.each([
  ["location / { proxy_pass http://127.0.0.1:8080; }", { kind: "as-received" }, "127.0.0.1:8080", "127.0.0.1:8080"],
  ["location / { proxy_pass http://127.0.0.1:80; }", { kind: "as-received" }, "127.0.0.1:80", "127.0.0.1"],
  ["location /a/ { proxy_pass http://h/b/; }", { kind: "replace", prefixLength: 3, by: "/b/" }, "h:80", "h"],
  ["location = /a { proxy_pass https://h/; }", { kind: "replace", prefixLength: 2, by: "/" }, "h:443", "h"],
  ["location ^~ /a { proxy_pass https://h:80?x=1; }", { kind: "replace", prefixLength: 2, by: "?x=1" }, "h:80", "h:80"],
  [
    "location / { proxy_pass http://unix:/s:/x; }",
    { kind: "replace", prefixLength: 1, by: "/x" },
    "unix:/s",
    "localhost",
  ],
  ["location ~ a { proxy_pass http://[::1]:81; }", { kind: "as-received" }, "[::1]:81", "[::1]:81"],
])("%s", (server, uri, upstream, hostName) => {
  expect(proxied(server)).toMatchObject({ target: { kind: "upstream", uri, upstream }, hostName });
});

test("the name of an upstream block is its own, in any case", () => {
  const config = good("upstream App { server 127.0.0.1:81; } server { location / { proxy_pass http://aPP; } }");
  expect(proxyOf(locationOf(config).settings).target).toMatchObject({ scheme: "http", upstream: "App" });
  expect([...config.upstreams.keys()]).toEqual(["App"]);
});

test("an if and a limit_except have the proxy_pass of their location, where they have none of their own", () => {
  const { settings, rewrite, limitExcept } = locationOf(
    good(`server { location /a/ {
      proxy_pass http://127.0.0.1:8080/b/;
      if ($arg_x) { limit_rate 1k; }
      if ($arg_y) { proxy_pass http://127.0.0.1:8081; }
      limit_except GET { deny all; }
    } }`),
  );
  const uri = { kind: "replace", prefixLength: 3, by: "/b/" };
  const inner = rewrite.map((step) => (step.do === "if" ? step.settings! : settings));
  expect([settings, inner[0]!, limitExcept!.settings].map((each) => proxyOf(each).target)).toMatchObject([
    { uri },
    { uri },
    { uri },
  ]);
  expect(proxyOf(inner[1]!).target).toMatchObject({ uri: { kind: "as-received" }, upstream: "127.0.0.1:8081" });
});

test("fields are inherited all or none, and nginx's own stand behind them", () => {
  const http = "proxy_set_header X-A $host; proxy_set_header Host $host;";
  const names = (server: string) =>
    proxied(server, http).request.setHeaders.map(({ name, value }) => `${name}: ${value}`);
  const rest = ["Connection: ", "Proxy-Connection: ", "TE: ", "Keep-Alive: ", "Expect: ", "Upgrade: "];
  expect(names("location / { proxy_pass http://h; }")).toEqual(["Host: {$host}", "X-A: {$host}", ...rest]);
  const own = 'location / { proxy_pass http://h; proxy_set_header connection "a{b"; }';
  expect(names(own)).toEqual(["Host: {$proxy_host}", "connection: a{{b", ...rest.slice(1)]);
});

test("an empty Host is none under HTTP/1.0, and the upstream's under 1.1", () => {
  const host = (version: string): string =>
    proxied(`location / { proxy_pass http://h; proxy_set_header Host ""; proxy_http_version ${version}; }`).request
      .setHeaders[0]!.value;
  expect([host("1.0"), host("1.1")]).toEqual(["", "{$proxy_host}"]);
});

test("what is kept in the cache is asked for whole", () => {
  const { request } = proxied('location / { proxy_pass http://h; proxy_set_header range "x"; }');
  const cached = request.setHeadersCached.filter(({ name }) => /^(?:if-|range$)/i.test(name));
  expect(cached).toEqual([
    { name: "range", value: "x" },
    { name: "If-Modified-Since", value: "{$upstream_cache_last_modified}" },
    { name: "If-Unmodified-Since", value: "" },
    { name: "If-None-Match", value: "{$upstream_cache_etag}" },
    { name: "If-Match", value: "" },
    { name: "If-Range", value: "" },
  ]);
  expect(request.setHeaders.some(({ name }) => name === "If-Match")).toBe(false);
});

test.each([
  ["", ["error", "timeout"], 0, 0],
  ["proxy_next_upstream off;", [], 0, 0],
  ["proxy_next_upstream http_500 off;", [], 0, 0],
  [
    "proxy_next_upstream error Http_404; proxy_next_upstream_tries 3; proxy_next_upstream_timeout 2s;",
    ["error", "http_404"],
    3,
    2000,
  ],
])("%s", (lines, conditions, tries, withinMs) => {
  expect(proxied(`location / { proxy_pass http://h; ${lines} }`).retry).toEqual({ conditions, tries, withinMs });
});

test("hidden fields and those that are passed are inherited apart", () => {
  const { response } = proxied(
    "location / { proxy_pass http://h; proxy_pass_header Server; proxy_pass_header X-A; }",
    "proxy_hide_header X-A; proxy_hide_header X-B; proxy_ignore_headers Expires Vary;",
  );
  expect(response.hide).toContain("x-b");
  expect(response.hide).toContain("date");
  expect(response.hide).not.toContain("server");
  expect(response.hide).not.toContain("x-a");
  expect(response.ignore).toEqual(["expires", "vary"]);
});

test.each([
  ["location /a/ { proxy_pass http://h/b/; }", [{ from: "http://h/b/", to: "/a/" }]],
  ["location /a/ { proxy_pass http://h:81; }", [{ from: "http://h:81/", to: "/" }]],
  ["location / { proxy_pass http://h; proxy_redirect off; }", []],
  ["location / { proxy_pass http://$arg_h; }", []],
  [
    "location / { proxy_pass http://h; proxy_redirect ~^/(.) /$1; proxy_redirect ~*a b; proxy_redirect default; }",
    [
      { from: { source: "^/(.)", ignoreCase: false }, to: "/{$1}" },
      { from: { source: "a", ignoreCase: true }, to: "b" },
      { from: "http://h/", to: "/" },
    ],
  ],
])("redirects of %s", (server, rules) => {
  expect(proxied(server).response.redirects).toEqual(rules);
});

test("a location within a location inherits even the standard redirect", () => {
  const config = good(
    "server { location /a/ { proxy_pass http://h/b/; location /a/c/ { proxy_pass http://i/; } } proxy_redirect a b; }",
  );
  expect(proxyOf(locationOf(config, 1).settings).response.redirects).toEqual([{ from: "a", to: "b" }]);
  const standard = good("server { location /a/ { proxy_pass http://h/b/; location /a/c/ { proxy_pass http://i/; } } }");
  expect(proxyOf(locationOf(standard, 1).settings).response.redirects).toEqual([{ from: "http://h/b/", to: "/a/" }]);
});

test("cookies", () => {
  const lines = `proxy_cookie_domain .a.test .b.test; proxy_cookie_domain ~x$ $host;
    proxy_cookie_path ~*^/A /b; proxy_cookie_flags ~s secure samesite=$arg_s; proxy_cookie_flags one httponly;`;
  expect(proxied("location / { proxy_pass http://h; }", lines).response).toMatchObject({
    cookieDomains: [
      { from: "a.test", to: "b.test" },
      { from: { source: "x$", ignoreCase: true }, to: "{$host}" },
    ],
    cookiePaths: [{ from: { source: "^/A", ignoreCase: true }, to: "/b" }],
    cookieFlags: [
      { cookie: { source: "s", ignoreCase: true }, flags: ["secure", "samesite={$arg_s}"] },
      { cookie: "one", flags: ["httponly"] },
    ],
  });
  const off = proxied("location / { proxy_pass http://h; proxy_cookie_domain off; }", lines).response;
  expect([off.cookieDomains, off.cookiePaths.length]).toEqual([[], 1]);
});

test("buffers, rates, bodies and what is stored", () => {
  const { request, response } = proxied(`location / { proxy_pass http://h; proxy_buffers 4 8k; proxy_buffer_size 2k;
    proxy_max_temp_file_size 0; proxy_limit_rate 1k; proxy_store on; proxy_store_access user:r group:rw all:r;
    proxy_method PATCH; proxy_set_body "$host{"; proxy_request_buffering off; proxy_buffering off; proxy_bind 127.0.0.2; }`);
  expect(response).toMatchObject({
    headBytes: 2048,
    bufferBytes: 32_768,
    tempFileBytesMax: 0,
    limitRate: "1024",
    buffered: false,
    store: { path: "{$request_filename}", mode: 0o464 },
  });
  expect(request).toMatchObject({ method: "PATCH", body: "{$host}{{", buffered: false, bind: "127.0.0.2" });
});

test("sizes that fit together in a server need not do so in http by itself", () => {
  expect(lowered("proxy_buffer_size 64k; server { proxy_buffers 4 64k; }").told).toEqual([]);
});

test("a store and a cache: the nearer block says which", () => {
  const cache = "proxy_cache_path /c keys_zone=z:1m;";
  const config = (outer: string, inner: string) =>
    locationOf(good(`${cache} ${outer} server { location / { proxy_pass http://h; ${inner} } }`)).settings;
  const stored = config("proxy_cache z;", "proxy_store on;");
  expect([stored.cache, proxyOf(stored).response.store?.mode]).toEqual([null, 0o600]);
  const cached = config("proxy_store on;", "proxy_cache z;");
  expect([cached.cache?.cache, proxyOf(cached).response.store]).toEqual(["z", null]);
});

test("HTTP/2 is refused, or answered with its reason where the rest is to run", () => {
  const lines = "server { location / { proxy_pass http://h; proxy_http_version 2; } }";
  expect(lowered(lines).config).toBeNull();
  const { config, told } = lowered(lines, { lenient: true });
  expect(locationOf(config!).settings.content.kind).toBe("unsupported");
  expect(told).toEqual([expect.stringMatching(/^\[warn\] "proxy_http_version 2" is not supported/)]);
});
