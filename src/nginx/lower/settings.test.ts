// What a location says: each reader with the forms that its directive has.
import { describe, expect, test } from "vitest";
import { lower, lowerHttp, lowerServer, lowerSettings } from "./lower.fixture.ts";

describe("access", () => {
  test("auth_basic with a file beside the configuration, auth_request, secure_link", () => {
    const { access } = lowerSettings(`auth_basic "a $host"; auth_basic_user_file pass; satisfy any; auth_delay 1s;
      auth_request /auth; auth_request_set $user $upstream_http_x; secure_link $arg_h; secure_link_md5 "s$uri";`);
    expect(access).toEqual({
      satisfy: "any",
      rules: [],
      basic: { realm: "a {$host}", file: "/etc/nginx/pass", folder: "" },
      request: { uri: "/auth" },
      requestSets: [{ variable: "user", value: "{$upstream_http_x}" }],
      delayMs: 1000,
      secureLink: { kind: "md5", link: "{$arg_h}", md5: "s{$uri}" },
    });
    const { access: off } = lowerSettings("auth_basic off; auth_basic_user_file a; auth_request off;");
    expect([off.basic, off.request]).toEqual([null, null]);
  });

  test("the client's address and its referer", () => {
    const { realIp, referers } = lowerSettings(`set_real_ip_from 10.0.0.1/8; set_real_ip_from unix:;
      set_real_ip_from proxy.test; real_ip_header X-Forwarded-For; real_ip_recursive on;
      valid_referers none blocked *.a.test b.test/x server_names ~\\.c;`);
    expect(realIp).toEqual({ from: ["10.0.0.0/8", "unix:", "proxy.test"], header: "x-forwarded-for", recursive: true });
    expect(referers).toEqual({
      none: true,
      blocked: true,
      names: [{ kind: "below", name: "a.test" }],
      uris: [{ name: "b.test", uri: "/x" }],
      patterns: [{ source: "\\.c", ignoreCase: true }],
    });
    expect(lowerSettings("")).toMatchObject({ realIp: null, referers: null });
  });
});

test("limits and their zones", () => {
  const { servers } = lowerHttp(`limit_req_zone $binary_remote_addr zone=a:1m rate=90r/m;
    limit_conn_zone $server_name zone=a:32k;
    server { limit_req zone=a burst=5 nodelay; limit_conn a 3; limit_req_status 429; limit_conn_dry_run on;
      limit_req_log_level warn; }`);
  expect(servers!.zones).toEqual([
    { kind: "rate", name: "a", bytes: 1_048_576, key: "{$binary_remote_addr}", perSecond: 1.5 },
    { kind: "connections", name: "a", bytes: 32_768, key: "{$server_name}" },
  ]);
  expect(servers!.servers[0]!.settings.limits).toEqual({
    rate: [{ zone: "a", burst: 5, delayAbove: Number.POSITIVE_INFINITY }],
    rateStatus: 429,
    rateDryRun: false,
    rateLogLevel: "warn",
    connections: [{ zone: "a", most: 3 }],
    connectionsStatus: 503,
    connectionsDryRun: true,
    connectionsLogLevel: "error",
  });
});

test("logs", () => {
  const { servers } = lowerHttp(`log_format j escape=json '{"u":"$uri",' '"h":"$host"}';
    server { access_log logs/a.log j buffer=8k flush=1m gzip=5 if=$arg_a; access_log /l/$host.log;
      access_log syslog:server=[::1]:515,facility=local1,severity=debug,tag=t,nohostname;
      location / { access_log off; } }`);
  expect(servers!.formats[1]).toEqual({ name: "j", escape: "json", text: '{{"u":"{$uri}","h":"{$host}"}' });
  expect(servers!.servers[0]!.locations[0]!.settings.logs).toEqual([]);
  const plain = { format: "combined", condition: null, bufferBytes: 0, flushMs: 0, gzipLevel: 0 };
  expect(servers!.servers[0]!.settings.logs).toEqual([
    {
      to: { kind: "file", path: "/etc/nginx/logs/a.log" },
      format: "j",
      condition: "{$arg_a}",
      bufferBytes: 8192,
      flushMs: 60_000,
      gzipLevel: 5,
    },
    { ...plain, to: { kind: "text", path: "/l/{$host}.log" } },
    {
      ...plain,
      to: {
        kind: "syslog",
        server: { kind: "tcp", host: "::1", port: 515 },
        facility: "local1",
        severity: "debug",
        tag: "t",
        noHostname: true,
      },
    },
  ]);
});

test.each([
  ["epoch", { kind: "epoch" }],
  ["off", { kind: "off" }],
  ["1h", { kind: "after-access", ms: 3_600_000 }],
  ["-1s", { kind: "after-access", ms: -1000 }],
  ["+1d", { kind: "after-access", ms: 86_400_000 }],
  ["modified 1m", { kind: "after-modified", ms: 60_000 }],
  ["@15h30m", { kind: "daily", ms: 55_800_000 }],
  ["$arg_e", { kind: "text", value: "{$arg_e}", modified: false }],
  ["modified $arg_e", { kind: "text", value: "{$arg_e}", modified: true }],
])("expires %s", (text, expires) => expect(lowerSettings(`expires ${text};`).response.expires).toEqual(expires));

test("fields, speed and validators of a response", () => {
  const { response } = lowerSettings(`add_header A "$uri {" always; add_trailer T 1; limit_rate 10k;
    limit_rate_after $arg_a; etag off; if_modified_since before; max_ranges 0; server_tokens off;
    absolute_redirect off; port_in_redirect off; chunked_transfer_encoding off;`);
  expect(response).toMatchObject({
    addHeaders: [{ name: "A", value: "{$uri} {{", always: true }],
    addTrailers: [{ name: "T", value: "1", always: false }],
    limitRate: "10240",
    limitRateAfter: "{$arg_a}",
    etag: false,
    ifModifiedSince: "before",
    rangesMax: 0,
    serverTokens: "off",
    absoluteRedirect: false,
    portInRedirect: false,
    chunked: false,
  });
});

test("pages of errors", () => {
  const { errorPages } = lowerSettings(`error_page 404 405 /e.html; error_page 500 = @f; error_page 502 =200 /g$arg_a;
    error_page 497 400 https://h/;`);
  expect(errorPages).toEqual([
    { statuses: [404, 405], to: "/e.html", status: null },
    { statuses: [500], to: "@f", status: "of-page" },
    { statuses: [502], to: "/g{$arg_a}", status: 200 },
    { statuses: [400], to: "https://h/", status: null },
    { statuses: [497], to: "https://h/", status: 400 },
  ]);
});

describe("filters", () => {
  test("gzip, and what holds of it where it is off", () => {
    const text =
      "gzip_vary on; gzip_proxied Expired; gzip_proxied any; gzip_types TEXT/css; gzip_disable msie6 ^x; gzip_http_version 1.0;";
    const { filters } = lowerSettings(`gzip on; gzip_comp_level 9; gzip_static always; gunzip on; ${text}`);
    expect(filters).toMatchObject({
      gzip: { level: 9, minLengthBytes: 20, types: ["text/html", "text/css"] },
      gzipRules: { minHttpMinor: 0, proxied: ["expired", "any"], vary: true },
      gunzip: true,
      gzipStatic: "always",
    });
    expect(filters.gzipRules.disable[1]).toEqual({ source: "^x", ignoreCase: true });
    expect(lowerSettings(text).filters).toMatchObject({ gzip: null, gzipRules: { vary: true } });
    expect(lowerSettings("gzip on; gzip_types a *;").filters.gzip?.types).toEqual(["*"]);
  });

  test("sub_filter, ssi, addition, charset", () => {
    const { filters } = lowerSettings(`sub_filter AbC "$host"; sub_filter d e; sub_filter_once off; ssi on;
      ssi_types a/b; add_before_body /b; charset utf-8; charset_types a/b; override_charset on; slice 1m;`);
    expect(filters).toMatchObject({
      sub: {
        pairs: [
          { from: "abc", to: "{$host}" },
          { from: "d", to: "e" },
        ],
        once: false,
        types: ["text/html"],
      },
      ssi: { types: ["text/html", "a/b"], valueBytesMax: 256 },
      addition: { before: "/b", after: "", types: ["text/html"] },
      charset: { charset: "utf-8", source: "", override: true, types: ["text/html", "a/b"] },
      sliceBytes: 1_048_576,
    });
    expect(lowerSettings("").filters).toMatchObject({ sub: null, ssi: null, addition: null, charset: null });
  });

  test("tables of charsets", () => {
    const { servers } = lowerHttp("charset_map koi8-r utf-8 { 80 E282AC; c0 D18E; } charset_map a b { 81 82; }");
    expect(servers!.charsetMaps).toEqual([
      {
        from: "koi8-r",
        to: "utf-8",
        entries: [
          { from: 0x80, to: "\xe2\x82\xac" },
          { from: 0xc0, to: "\xd1\x8e" },
        ],
      },
      { from: "a", to: "b", entries: [{ from: 0x81, to: "\x82" }] },
    ]);
  });
});

describe("requests and connections", () => {
  test("keepalive_timeout: the second time stays where a block says only the first", () => {
    const { locations } = lowerServer("keepalive_timeout 10s 5s; location / { keepalive_timeout 0; }");
    expect(locations[0]!.settings.request).toMatchObject({ keepAliveMs: 0, keepAliveHeaderMs: 5000 });
  });

  test("heads, bodies, lingering, mirror, resolver", () => {
    const { head, settings } = lowerServer(`large_client_header_buffers 2 1k; client_header_timeout 3s; max_headers 5;
      merge_slashes off; underscores_in_headers on; ignore_invalid_headers off; client_max_body_size 0;
      client_body_in_file_only clean; lingering_close always; mirror /a; mirror /b; mirror_request_body off;
      resolver 127.0.0.1:5353 valid=10s ipv6=off; resolver_timeout 2s; keepalive_disable none;`);
    expect(head).toEqual({
      timeoutMs: 3000,
      bufferBytes: 1024,
      largeBuffers: { count: 2, bytes: 1024 },
      fieldsMax: 5,
      ignoreInvalid: false,
      underscores: true,
      mergeSlashes: false,
    });
    expect(settings).toMatchObject({
      request: { bodyBytesMax: 0, bodyInFile: "clean", lingering: "always", keepAliveDisable: [] },
      mirror: { uris: ["/a", "/b"], body: false },
      resolver: { servers: ["127.0.0.1:5353"], timeoutMs: 2000, validMs: 10_000, ipv4: true, ipv6: false },
    });
  });
});

test("types: those of the nearest block, extensions in lower case", () => {
  const { servers } = lowerHttp(`types { text/a A b; text/c c; } default_type "";
    server { location / { types { x/y z; } } location /n {} }`);
  const [own, none] = servers!.servers[0]!.locations.map(({ settings }) => settings.types);
  expect(own).toEqual({ byExtension: { z: "x/y" }, default: "" });
  expect(none!.byExtension).toEqual({ a: "text/a", b: "text/a", c: "text/c" });
});

test("what was meant", () => {
  const { problems } = lower(`events {} http { log_format main a; limit_req_zone $uri zone=one:1m rate=1r/s;
    server { access_log a.log mian; limit_req zone=on; limit_conn x 1; return 200 $remote_adr; } }`);
  expect(problems.map(({ message, hint }) => `${message}: ${hint}`).sort()).toEqual([
    'unknown "remote_adr" variable: did you mean "$remote_addr"?',
    'unknown log format "mian": did you mean "main"?',
    'zero size shared memory zone "on": did you mean "one"?',
    'zero size shared memory zone "x": define it in the http block: limit_conn_zone',
  ]);
});

test("what nginx warns of is a warning", () => {
  const { config, problems } = lower(
    "events {} http { types { a b; c b; } geo $g { 10.0.0.1/8 1; } server { listen 80 http2; server_name a/b; } }",
  );
  expect(config).not.toBeNull();
  expect(problems.map(({ severity, message }) => `${severity}: ${message}`).sort()).toEqual([
    'warning: duplicate extension "b", content type: "c", previous content type: "a"',
    "warning: low address bits of 10.0.0.1/8 are meaningless",
    'warning: server name "a/b" has suspicious symbols',
    'warning: the "listen ... http2" directive is deprecated, use the "http2" directive instead',
  ]);
});
