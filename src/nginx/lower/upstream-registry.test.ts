import { expect, test } from "vitest";
import { good, locationOf, proxied, proxyOf } from "./proxy.fixture.ts";

const UPSTREAM = "upstream u { server 127.0.0.1:81; server 127.0.0.1:82; }";

test("each combination of settings of connections is an upstream, each once", () => {
  const config = good(`${UPSTREAM} server {
    location /a { proxy_pass http://u; }
    location /b { proxy_pass http://u; proxy_http_version 1.0; proxy_read_timeout 1s; proxy_buffer_size 16k; proxy_buffers 4 16k; }
    location /c { proxy_pass https://u; }
    location /d { proxy_pass https://u; proxy_ssl_name other; }
    location /e { proxy_pass http://u; proxy_bind 127.0.0.2; }
    location /f { proxy_pass https://U/; }
    location /g { proxy_pass http://u; proxy_socket_keepalive on; }
  }`);
  const names = config.servers!.servers[0]!.locations.map(({ settings }) => {
    const { target } = proxyOf(settings);
    return target.kind === "upstream" ? target.upstream : "";
  });
  expect(names).toEqual(["u", "u", "u#2", "u#3", "u#4", "u#2", "u#5"]);
  expect([...config.upstreams.keys()]).toEqual(["u", "u#2", "u#3", "u#4", "u#5"]);
  expect(config.upstreams.get("u")).toMatchObject({ tls: null, limits: { headBytes: 16_384 } });
  expect(config.upstreams.get("u#2")!.tls).toMatchObject({ verify: false, sni: false, serverName: "u" });
  expect(config.upstreams.get("u#3")!.tls).toMatchObject({ serverName: "other" });
  expect(config.upstreams.get("u#5")!.keepalive.probes).toBe(true);
});

test("nothing of ours changes what nginx does", () => {
  const [upstream] = good(`${UPSTREAM} server { location / { proxy_pass http://u; } }`).upstreams.values();
  expect(upstream).toMatchObject({
    queue: null,
    hold: null,
    breaker: null,
    eject: null,
    health: null,
    slowStartMs: 0,
    panic: 0,
    retry: { attempts: 2, budget: 1, backoffMs: 0 },
    limits: { bodyBytes: 0, connections: 0, requests: 0, adaptive: false },
    keepalive: { connections: 32, total: 32, idleMs: 60_000, timeMs: 3_600_000, requests: 1000, auto: false },
  });
});

test("addresses of proxy_pass are upstreams of one server, whose connections are not kept", () => {
  const { upstreams } = good(`server {
    location /a { proxy_pass http://h; } location /b { proxy_pass http://H:80/; } location /c { proxy_pass http://h:81; }
    location /d { proxy_pass http://unix:/s; } location /e { proxy_pass http://127.0.0.1; }
  }`);
  expect([...upstreams.keys()]).toEqual(["h:80", "h:81", "unix:/s", "127.0.0.1:80"]);
  expect(upstreams.get("h:80")).toMatchObject({
    keepalive: { connections: 0 },
    endpoints: [{ address: { kind: "tcp", host: "h", port: 80 }, resolve: "at-load", maxFails: 1 }],
  });
  expect(upstreams.get("127.0.0.1:80")!.endpoints).toMatchObject([{ resolve: "per-connection", maxFails: 0 }]);
});

test("a text may mean every upstream, those that come later too", () => {
  const config = good(`${UPSTREAM} server {
    location /a { proxy_pass http://$arg_h; } location /b { proxy_pass https://h:8443; }
    location /c { proxy_pass $arg_s://$arg_h/x; }
  }`);
  const [a, , c] = config.servers!.servers[0]!.locations.map(({ settings }) => proxyOf(settings).target);
  if (a?.kind !== "text" || c?.kind !== "text") throw new Error("no text");
  expect(a).toMatchObject({ url: "http://{$arg_h}", tls: null });
  expect(a.hosts.upstreams).toEqual({ u: { http: "u" }, "h:8443": { http: "h:8443#2" } });
  expect(c.hosts.upstreams["u"]).toEqual({ http: "u", https: "u#2" });
  expect(c.tls).toMatchObject({ serverName: null });
  expect(a.hosts.model).toMatchObject({ endpoints: [], keepalive: { connections: 0 } });
  for (const { http, https } of Object.values(c.hosts.upstreams)) {
    expect(config.upstreams.get(http!)!.tls).toBeNull();
    expect(config.upstreams.get(https!)!.tls).not.toBeNull();
  }
});

test.each([
  [
    "",
    { verify: false, ca: null, protocols: ["TLSv1.2", "TLSv1.3"], ciphers: "DEFAULT", sessionReuse: true, crl: null },
  ],
  [
    "proxy_ssl_verify on; proxy_ssl_trusted_certificate ca.pem; proxy_ssl_crl /r.pem; proxy_ssl_verify_depth 2;",
    { verify: true, ca: "/etc/nginx/ca.pem", crl: "/r.pem", verifyDepth: 2 },
  ],
  ["proxy_ssl_server_name on; proxy_ssl_name $host;", { sni: true, nameText: "{$host}", serverName: "h" }],
  ["proxy_ssl_name a.test:8443;", { serverName: "a.test", nameText: null }],
  ["proxy_ssl_protocols TLSv1 TLSv1.3 SSLv3;", { protocols: ["TLSv1", "TLSv1.3"] }],
  [
    'proxy_ssl_certificate c.pem; proxy_ssl_certificate_key "data:PEM{";',
    { cert: "/etc/nginx/c.pem", key: "data:PEM{" },
  ],
  [
    "proxy_ssl_certificate c-$host.pem; proxy_ssl_certificate_key $arg_k;",
    { cert: null, certificateText: { cert: "/etc/nginx/c-{$host}.pem", key: "{$arg_k}" } },
  ],
  [
    "proxy_ssl_conf_command Ciphersuites A; proxy_ssl_ciphers B; proxy_ssl_conf_command MinProtocol TLSv1.3;",
    { ciphers: "A:B", protocols: ["TLSv1.3"] },
  ],
])("TLS with %s", (lines, expected) => {
  const config = good(`${lines} server { location / { proxy_pass https://h; } }`);
  expect(config.upstreams.get("h:443")!.tls).toMatchObject(expected);
});

test("a connection's settings do not change with what a location says of its requests", () => {
  expect(
    proxied("location / { proxy_pass http://h; proxy_connect_timeout 3s; proxy_send_timeout 4s; }").timeouts,
  ).toEqual({
    connectMs: 3000,
    tlsMs: 3000,
    sendMs: 4000,
    headMs: 60_000,
    idleBodyMs: 60_000,
    tunnelIdleMs: 60_000,
  });
  expect(locationOf(good("server { location / { root /; } }")).settings.content.kind).toBe("files");
});
