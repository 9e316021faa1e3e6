import { expect, test } from "vitest";
import { builtinNames, familyOf, isKnown, mayBeDefined, VARIABLE_FAMILIES } from "../config/variable-names.ts";
import { fakeSubject, fakeTls, fakeTry } from "./subject.fixture.ts";
import type { Subject } from "./subject.ts";
import { VariableTable } from "./table.ts";

const table = new VariableTable([], { pid: 4711, hostname: "edge-1", nginxVersion: "1.31.5" });

function value(name: string, overrides: Partial<Subject> = {}): string | undefined {
  const variable = table.variable(name);
  if (variable === undefined) throw new Error(`unknown "${name}" variable`);
  return variable(fakeSubject(overrides));
}

const fields = (values: Readonly<Record<string, string>>) => (name: string) =>
  Object.hasOwn(values, name) ? values[name] : undefined;

test("every name that is known has a variable, and its value is a string or nothing", () => {
  expect(builtinNames().length).toBeGreaterThan(120);
  for (const name of builtinNames()) expect(["string", "undefined"]).toContain(typeof value(name));
  for (const family of VARIABLE_FAMILIES) expect(table.has(`${family}x`)).toBe(true);
  expect(table.has("no_such_thing")).toBe(false);
});

test("names know no case, and families and captures are known", () => {
  expect(isKnown("Remote_Addr") && isKnown("http_x_foo") && isKnown("arg_") && isKnown("9")).toBe(true);
  expect(isKnown("no_such_thing") || isKnown("10") || isKnown("0")).toBe(false);
  expect(value("REMOTE_ADDR")).toBe("192.0.2.7");
  expect(familyOf("upstream_http_x")).toBe("upstream_http_");
  expect(mayBeDefined("remote_addr")).toBe(false);
  expect(mayBeDefined("args") && mayBeDefined("http_x") && mayBeDefined("mine")).toBe(true);
});

test.each([
  ["uri", "/a b", {}],
  ["document_uri", "/a b", {}],
  ["request_uri", "/a%20b?x=1", {}],
  ["request", "GET /a%20b?x=1 HTTP/1.1", {}],
  ["args", "x=1", {}],
  ["query_string", undefined, { args: undefined }],
  ["is_args", "?", {}],
  ["is_args", "", { args: "" }],
  ["arg_X", "1", {}],
  ["arg_y", undefined, {}],
  ["arg_x", undefined, { args: undefined }],
  ["request_port", "", {}],
  ["request_port", "81", { requestPort: "81" }],
  ["is_request_port", ":", { requestPort: "81" }],
  ["is_request_port", "", {}],
  ["request_length", "120", {}],
  ["request_time", "1.234", {}],
  ["request_time", "0.000", { now: 999 }],
  ["connection_time", "1.734", {}],
  ["connection", "7", {}],
  ["connection_requests", "3", {}],
  ["pipe", ".", {}],
  ["pipe", "p", { pipelined: true }],
  ["request_completion", "", {}],
  ["request_completion", "OK", { completed: true }],
  ["status", "200", {}],
  ["status", "000", { status: 0 }],
  ["status", "009", { status: 0, protocol: "HTTP/0.9" }],
  ["bytes_sent", "512", {}],
  ["body_bytes_sent", "300", {}],
  ["body_bytes_sent", "0", { bodyBytesSent: -20 }],
  ["https", "", {}],
  ["https", "on", { tls: fakeTls() }],
  ["scheme", "http", {}],
  ["scheme", "https", { tls: fakeTls() }],
  ["remote_port", "40000", {}],
  ["realip_remote_addr", "10.0.0.2", {}],
  ["realip_remote_port", "50000", {}],
  ["server_protocol", "HTTP/1.1", {}],
  ["http2", "", {}],
  ["http2", "h2", { protocol: "HTTP/2.0", tls: fakeTls() }],
  ["http2", "h2c", { protocol: "HTTP/2.0" }],
  ["binary_remote_addr", "\xc0\x00\x02\x07", {}],
  ["binary_remote_addr", "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", { remoteAddress: "2001:db8::1" }],
  ["binary_remote_addr", "unix:", { remoteAddress: "unix:" }],
  ["proxy_add_x_forwarded_for", "192.0.2.7", {}],
  ["proxy_add_x_forwarded_for", "a, b, 192.0.2.7", { header: fields({ "x-forwarded-for": "a, b" }) }],
  ["proxy_protocol_addr", undefined, {}],
  ["connections_active", undefined, {}],
  ["connections_active", "5", { openConnections: { active: 5, reading: 1, writing: 2, waiting: 2 } }],
  ["goodgate_cause", "connect-refused", { cause: "connect-refused" }],
  ["uid_got", "uid=1", { feature: fields({ uid_got: "uid=1" }) }],
  ["secure_link", undefined, {}],
  ["limit_rate", "0", {}],
  ["pid", "4711", {}],
  ["hostname", "edge-1", {}],
  ["nginx_version", "1.31.5", {}],
  ["msec", "1795283974.042", {}],
] as const)("$%s is %j", (name, expected, overrides) => expect(value(name, overrides)).toBe(expected));

test("fields are found with dashes for underscores, and by an underscore of their own", () => {
  const header = fields({ "x-real-ip": "1", x_odd_name: "2", "content-type": "text/plain" });
  expect(value("http_x_real_ip", { header })).toBe("1");
  expect(value("http_x_odd_name", { header })).toBe("2");
  expect(value("http_x_none", { header })).toBeUndefined();
  expect(value("content_type", { header })).toBe("text/plain");
  expect(value("sent_http_x_real_ip", { sentHeader: header })).toBe("1");
  expect(value("sent_trailer_x_real_ip", { sentTrailer: header })).toBe("1");
  expect(value("upstream_http_x_real_ip", { upstreamHeader: header })).toBe("1");
  expect(value("upstream_trailer_x_real_ip", { upstreamTrailer: header })).toBe("1");
  expect(value("cookie_x_odd_name", { cookie: header })).toBe("2");
  expect(value("upstream_cookie_x_odd_name", { upstreamCookie: header })).toBe("2");
});

test("lists of upstreams have nginx's separators and nothing for what did not happen", () => {
  const tries = [
    fakeTry({ status: 502, connectMs: -1, headMs: -1, responseMs: 3.9, responseLength: 0, bytesReceived: 0 }),
    fakeTry({ address: "unix:/run/app.sock", status: 0, headMs: -1, responseMs: 2005 }),
    fakeTry({ address: "backup", afterRedirect: true, connectMs: 1500 }),
  ];
  expect(value("upstream_addr", { tries })).toBe("10.0.0.1:80, unix:/run/app.sock : backup");
  expect(value("upstream_status", { tries })).toBe("502, - : 200");
  expect(value("upstream_connect_time", { tries })).toBe("-, 0.000 : 1.500");
  expect(value("upstream_header_time", { tries })).toBe("-, - : 0.003");
  expect(value("upstream_response_time", { tries })).toBe("0.003, 2.005 : 0.012");
  expect(value("upstream_response_length", { tries })).toBe("0, 42 : 42");
  expect(value("upstream_bytes_received", { tries })).toBe("0, 250 : 250");
  expect(value("upstream_bytes_sent", { tries })).toBe("100, 100 : 100");
  expect(value("upstream_addr")).toBeUndefined();
});

test("TLS variables are not found on a plain connection, nor where they are empty", () => {
  const tls = fakeTls({ serverName: "example.com", sessionReused: true, ciphers: "" });
  expect(value("ssl_protocol")).toBeUndefined();
  expect(value("ssl_protocol", { tls })).toBe("TLSv1.3");
  expect(value("ssl_server_name", { tls })).toBe("example.com");
  expect(value("ssl_session_reused", { tls })).toBe("r");
  expect(value("ssl_session_reused", { tls: fakeTls() })).toBe(".");
  expect(value("ssl_ciphers", { tls })).toBeUndefined();
  expect(value("ssl_early_data", { tls })).toBeUndefined();
  expect(value("ssl_client_verify", { tls })).toBe("NONE");
  expect(value("ssl_client_cert", { tls })).toBeUndefined();
});

test("a client's certificate is written in three ways", () => {
  const pem = "-----BEGIN CERTIFICATE-----\nMA+/=\n-----END CERTIFICATE-----\n";
  const client = {
    pem,
    serial: "01",
    fingerprint: "ab",
    subject: "CN=a",
    issuer: "CN=b",
    subjectLegacy: "/CN=a",
    issuerLegacy: "/CN=b",
    validFrom: "x",
    validUntil: "y",
    daysRemaining: "9",
  };
  const tls = fakeTls({ client, clientVerify: "SUCCESS" });
  expect(value("ssl_client_raw_cert", { tls })).toBe(pem);
  expect(value("ssl_client_cert", { tls })).toBe("-----BEGIN CERTIFICATE-----\n\tMA+/=\n\t-----END CERTIFICATE-----");
  expect(value("ssl_client_escaped_cert", { tls })).toBe(
    "-----BEGIN%20CERTIFICATE-----%0AMA%2B%2F%3D%0A-----END%20CERTIFICATE-----%0A",
  );
  expect(value("ssl_client_s_dn_legacy", { tls })).toBe("/CN=a");
});
