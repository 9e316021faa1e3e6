import { expect, test } from "vitest";
import { isSecretName, redactField, redactText } from "./redact.ts";

const R = "[redacted]";
const JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";

test.each([
  ["Authorization: Bearer abc.def-123", `Authorization: Bearer ${R}`],
  ["authorization: Basic dXNlcjpwYXNz", `authorization: Basic ${R}`],
  ["Proxy-Authorization: NTLM TlRMTVNTUAABAAAA", `Proxy-Authorization: NTLM ${R}`],
  ["Authorization: rawtokenwithoutscheme", `Authorization: ${R}`],
  [
    'Authorization: Digest username="Mufasa", realm="a@b", nonce="dcd98b", response="6629fae4"',
    `Authorization: Digest ${R}`,
  ],
  ["Cookie: sid=abc123; theme=dark", `Cookie: sid=${R}; theme=${R}`],
  ["Set-Cookie: SESS=s3cr3t; Path=/; HttpOnly; SameSite=Lax", `Set-Cookie: SESS=${R}; Path=/; HttpOnly; SameSite=Lax`],
  ["X-Api-Key: 0123456789abcdef", `X-Api-Key: ${R}`],
  ["-H 'X-Auth-Token: abcdef' https://a.example/", `-H 'X-Auth-Token: ${R}' https://a.example/`],
  ['{"authorization":"Bearer abc","status":502}', `{"authorization":"Bearer ${R}","status":502}`],
  ['{"headers":{"Cookie":["a=b; c=d"]},"status":502}', `{"headers":{"Cookie":["a=${R}; c=${R}"]},"status":502}`],
  [
    '{"set-cookie":["a=b; Path=/; HttpOnly","c=d"],"server":["x"]}',
    `{"set-cookie":["a=${R}; Path=/; HttpOnly","c=${R}"],"server":["x"]}`,
  ],
  ["cookie=abc status=502 upstream=10.0.0.7", `cookie=${R} status=502 upstream=10.0.0.7`],
  [
    String.raw`{"log":"{\"cookie\":\"sid=abc\",\"code\":\"ECONNREFUSED\"}"}`,
    String.raw`{"log":"{\"cookie\":\"sid=[redacted]\",\"code\":\"ECONNREFUSED\"}"}`,
  ],
  [`jwt expired: ${JWT}, retry`, `jwt expired: ${R}, retry`],
  ["using Bearer 4f2a9c81e7d24b", `using Bearer ${R}`],
  ["GET /cb?code=4/0AX4XfWh&state=xyz&page=2 HTTP/1.1", `GET /cb?code=${R}&state=${R}&page=2 HTTP/1.1`],
  [
    "/o.jpg?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F2013&X-Amz-Expires=86400&X-Amz-Signature=fe5f80",
    `/o.jpg?X-Amz-Credential=${R}&X-Amz-Expires=86400&X-Amz-Signature=${R}`,
  ],
  ["/login?user[password]=hunter2&user[name]=ann", `/login?user[password]=${R}&user[name]=ann`],
  ["/login?user%5Bpassword%5D=hunter2", `/login?user%5Bpassword%5D=${R}`],
  [
    "/go?next=https%3A%2F%2Fa.example%2F%3Ftoken%3Dabc%26page%3D2",
    `/go?next=https%3A%2F%2Fa.example%2F%3Ftoken%3D${R}%26page%3D2`,
  ],
  ["/shop;jsessionid=1A530637289A03B07199A44E8D531427?x=1", `/shop;jsessionid=${R}?x=1`],
  ["http://ann:p@ss@db.example:5432/x", `http://${R}@db.example:5432/x`],
  ["proxy_pass https://token123@internal.example;", `proxy_pass https://${R}@internal.example;`],
  ["key AKIAIOSFODNN7EXAMPLE was used", `key ${R} was used`],
  ["DB_PASSWORD=hunter2 node server.js", `DB_PASSWORD=${R} node server.js`],
  ['"password": "with \\"quotes\\" x"', `"password": "${R}"`],
  ["token=abcdef status=502", `token=${R} status=502`],
  ["push to ghp_0123456789abcdefghijABCDEFGHIJ012345 failed", `push to ${R} failed`],
  ["a -----BEGIN RSA PRIVATE KEY-----\nMIIE\nxyz\n-----END RSA PRIVATE KEY----- b", `a ${R} b`],
  ["-----BEGIN PRIVATE KEY-----\nMIIEcut", R],
])("%s", (text, clean) => {
  expect(redactText(text)).toBe(clean);
  expect(redactText(clean)).toBe(clean);
});

test.each([
  'at=error code=H12 desc="Request timeout" method=GET path="/" host=a.example request_id=8601b555 dyno=web.1 status=503',
  "invalid token: unexpected end of JSON input",
  "upstream sent no valid HTTP/1.0 header while reading response header from upstream, client: 192.0.2.7",
  "Basic authentication failed for user ann@shop.example",
  '{"code":"ECONNREFUSED","address":"127.0.0.1","port":3000}',
  "GET /search?q=lamp&page=2&sort=price HTTP/1.1",
  "status code: 502, key size 2048, 3 sessions, error code=502",
  "SSL: error:0A000086:SSL routines::certificate verify failed",
  "GET /errors?code=502 HTTP/1.1",
  "mailto:ops@shop.example; see ops@shop.example",
  "password authentication failed",
  "proxy_set_header Host $host;",
])("%s stays as it is", (text) => {
  expect(redactText(text)).toBe(text);
});

test("fields of a head", () => {
  expect(redactField("Set-Cookie", "a=b; Secure")).toBe(`a=${R}; Secure`);
  expect(redactField("authorization", "Bearer x")).toBe(`Bearer ${R}`);
  expect(redactField("X-API-Key", "x")).toBe(R);
  expect(redactField("Location", "/cb?token=abc")).toBe(`/cb?token=${R}`);
  expect(redactField("Server", "nginx/1.27.3")).toBe("nginx/1.27.3");
});

test("names", () => {
  for (const name of ["token", "id_token", "X-Amz-Signature", "user[password]", "sig", "cookie"])
    expect(isSecretName(name), name).toBe(true);
  for (const name of ["page", "monkey", "design", "barcode", "keyboard"]) expect(isSecretName(name), name).toBe(false);
});

test("long text takes linear time", () => {
  const started = process.cpuUsage().user;
  for (const piece of ["a=", "cookie: ", "://", "?token=", "eyJ", "password", "Bearer ", '"'])
    redactText(piece.repeat(100_000 / piece.length));
  expect((process.cpuUsage().user - started) / 1e6).toBeLessThan(8);
});
