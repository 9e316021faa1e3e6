// Pages of other sites, and where the console listens: each attack tried over real sockets.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { makeCertificates } from "../lab/certificates.ts";
import { ask, post, raw } from "./client.fixture.ts";
import { ACCESS, changed, folder, JSON_TYPE, READ_TOKEN, start, TOKEN, useConsoles } from "./console.fixture.ts";

useConsoles();

describe("pages of other sites", () => {
  test("DNS rebinding: a name that is not ours reads nothing and does nothing", async () => {
    const { server, backend } = await start();
    const headers = { Host: "evil.example:8502", Origin: "http://evil.example:8502" };
    for (const path of ["/", "/api/v1/now", "/api/v1/live", "/metrics", "/healthz"]) {
      expect((await ask(server, path, { headers })).status, path).toBe(421);
    }
    expect((await post(server, "/api/v1/reload", {}, { headers })).status).toBe(421);
    expect(backend.asked).toEqual([]);
  });

  test.each([
    ["a form", { "Content-Type": "application/x-www-form-urlencoded", Origin: "http://evil.example" }, 403],
    ["a form without Origin", { "Content-Type": "application/x-www-form-urlencoded" }, 415],
    ["a form with a file", { "Content-Type": "multipart/form-data; boundary=x" }, 415],
    ["a fetch as text/plain", { "Content-Type": "text/plain", "Sec-Fetch-Site": "cross-site" }, 403],
    ["a fetch as text/plain from an old browser", { "Content-Type": "text/plain" }, 415],
    ["a beacon without a type", {}, 415],
    ["JSON in disguise", { "Content-Type": "text/plain; application/json" }, 415],
    ["JSON by another name", { "Content-Type": "application/json-patch+json" }, 415],
    ["JSON from another site", { ...JSON_TYPE, Origin: "http://evil.example" }, 403],
    [
      "JSON from another port of this host",
      { ...JSON_TYPE, Origin: "http://127.0.0.1:3000", "Sec-Fetch-Site": "same-site" },
      403,
    ],
    ["JSON from a frame in a sandbox", { ...JSON_TYPE, Origin: "null" }, 403],
    ["JSON from a longer name", { ...JSON_TYPE, Origin: "http://127.0.0.1:PORT.evil.example" }, 403],
    ["JSON with a user in the Origin", { ...JSON_TYPE, Origin: "http://127.0.0.1:PORT@evil.example" }, 403],
    ["JSON from the other scheme", { ...JSON_TYPE, Origin: "https://127.0.0.1:PORT" }, 403],
    ["JSON with an empty Origin", { ...JSON_TYPE, Origin: "" }, 403],
    [
      "JSON with our Origin, but from another site",
      { ...JSON_TYPE, Origin: "http://127.0.0.1:PORT", "Sec-Fetch-Site": "cross-site" },
      403,
    ],
  ])("%s cannot reload", async (_, headers, status) => {
    const { server, backend, port } = await start();
    const sent = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, value.replace("PORT", String(port))]),
    );
    const answer = await ask(server, "/api/v1/reload", { method: "POST", headers: sent, body: "{}" });
    expect(answer.status, answer.body).toBe(status);
    expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
    expect(changed(backend)).toEqual([]);
  });

  test("our own page and programs can", async () => {
    const { server, backend, port } = await start();
    const own = { Origin: `http://127.0.0.1:${port}`, "Sec-Fetch-Site": "same-origin" };
    for (const headers of [own, { Origin: own.Origin }, { "Sec-Fetch-Site": "none" }, {}]) {
      expect((await post(server, "/api/v1/reload", {}, { headers })).status).toBe(200);
    }
    const typed = {
      "Content-Type": 'application/json; charset="UTF-8"',
      Host: `localhost:${port}`,
      Origin: `http://localhost:${port}`,
    };
    expect((await ask(server, "/api/v1/reload", { method: "POST", headers: typed })).status).toBe(200);
    expect(changed(backend)).toHaveLength(5);
  });

  test.each(["cross-site", "same-site"])("an EventSource or a fetch that is %s reads nothing", async (site) => {
    const { server, backend } = await start();
    for (const path of ["/api/v1/live", "/api/v1/tail", "/api/v1/now", "/api/v1/incidents/i1.md"]) {
      expect((await ask(server, path, { headers: { "Sec-Fetch-Site": site } })).status, path).toBe(403);
    }
    expect((await ask(server, "/api/v1/live", { headers: { Origin: "http://evil.example" } })).status).toBe(403);
    expect(backend.listeners.size).toBe(0);
  });

  test("a preflight gets no consent", async () => {
    const { server } = await start();
    const headers = { Origin: "http://evil.example", "Access-Control-Request-Method": "DELETE" };
    const answer = await ask(server, "/api/v1/session", { method: "OPTIONS", headers });
    expect(answer.status).toBe(403);
    expect(Object.keys(answer.headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
  });

  test("a name of the configuration is ours, behind a proxy with TLS too; no other", async () => {
    const { server } = await start({ access: { ...ACCESS, hosts: ["console.example"] } });
    const as = (host: string, origin: string) =>
      post(server, "/api/v1/reload", {}, { headers: { Host: host, Origin: origin } });
    expect((await as("console.example", "https://console.example")).status).toBe(200);
    expect((await as("console.example", "http://console.example")).status).toBe(200);
    expect((await as("console.example", "https://other.example")).status).toBe(403);
    expect((await as("x.console.example", "https://x.console.example")).status).toBe(421);
  });

  test("every answer has the fields that keep other sites out", async () => {
    const { server } = await start();
    for (const path of ["/", "/api/v1/now", "/api/v1/nothing", "/metrics", "/healthz", "/nothing"]) {
      const { headers } = await ask(server, path);
      expect(headers["content-security-policy"], path).toMatch(
        /^default-src 'none'; script-src 'self'; .*frame-ancestors 'none'/,
      );
      expect(headers, path).toMatchObject({
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
      });
      expect(headers["permissions-policy"]).toContain("camera=()");
    }
  });
});

describe("where it listens", () => {
  const everywhere = { kind: "tcp", host: "0.0.0.0", port: 0 } as const;

  test("beyond loopback it does not start without something that says who asks", async () => {
    await expect(start({ address: everywhere })).rejects.toThrow(/needs a token \(GOODGATE_CONSOLE_TOKEN.*client-ca/);
    await expect(start({ address: everywhere, token: "" })).rejects.toThrow("GOODGATE_CONSOLE_TOKEN");
    await expect(start({ address: everywhere, access: ACCESS })).rejects.toThrow("GOODGATE_CONSOLE_TOKEN");
    const { server } = await start({ address: everywhere, readToken: READ_TOKEN });
    expect((await ask(server, "/api/v1/now")).status).toBe(401);
  });

  test("IPv6 loopback", async () => {
    const { server, port } = await start({ address: { kind: "tcp", host: "[::1]", port: 0 } });
    const at = { host: "::1", headers: { Host: `[::1]:${port}`, Origin: `http://[::1]:${port}` } };
    expect((await post(server, "/api/v1/reload", {}, at)).status).toBe(200);
    const view = await ask(server, "/api/v1/session", { host: "::1" });
    expect(JSON.parse(view.body)).toMatchObject({ role: "admin", by: "::1" });
  });

  test("a Unix socket: who may open it is the admin", async () => {
    const { server, backend } = await start({ address: { kind: "unix", path: join(folder(), "console.sock") } });
    expect((await post(server, "/api/v1/reload", {}, { headers: { Host: "localhost" } })).status).toBe(200);
    expect(backend.told).toEqual([expect.objectContaining({ by: "unix", client: "unix", role: "admin" })]);
  });

  test("mTLS: a certificate of the client CA is a credential, another is none", async () => {
    const made = makeCertificates();
    const at = folder();
    const write = (name: string, text: string): string => {
      writeFileSync(join(at, name), text);
      return join(at, name);
    };
    const tls = {
      cert: write("cert.pem", made.good.cert),
      key: write("key.pem", made.good.key),
      clientCa: write("ca.pem", made.ca),
    };
    const { server, backend, port } = await start({ address: everywhere, access: { ...ACCESS, tls } });
    const trust = { tls: true, ca: made.ca, headers: { Host: `127.0.0.1:${port}` } };
    const known = { ...trust, ...made.client };
    expect((await ask(server, "/api/v1/now", trust)).status).toBe(401);
    expect((await ask(server, "/healthz", trust)).status).toBe(200);
    expect((await ask(server, "/api/v1/now", { ...trust, ...made.untrusted })).status).toBe(401);
    expect((await ask(server, "/api/v1/now", { ...trust, ...made.selfSigned })).status).toBe(401);
    expect((await ask(server, "/api/v1/now", { ...trust, ...made.expired })).status).toBe(401);
    const view = await ask(server, "/api/v1/session", known);
    expect(JSON.parse(view.body)).toEqual({ role: "admin", by: "lab client", tokens: true });
    // A browser shows its certificate to whoever makes it ask: the Origin counts all the same.
    const forged = { ...known, headers: { ...known.headers, Origin: "https://evil.example" } };
    expect((await post(server, "/api/v1/reload", {}, forged)).status).toBe(403);
    const own = { ...known, headers: { ...known.headers, Origin: `https://127.0.0.1:${port}` } };
    expect((await post(server, "/api/v1/reload", {}, own)).status).toBe(200);
    expect(backend.told.at(-1)).toMatchObject({ by: "lab client", action: "reload" });
    expect(await raw(server, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")).not.toContain("200 OK");
    server.renewCertificate();
    writeFileSync(tls.key, "not a key");
    expect(() => server.renewCertificate()).toThrow("cannot be used");
    expect((await ask(server, "/healthz", trust)).status).toBe(200);
  });

  test("cookies under TLS are for this host and TLS only", async () => {
    const made = makeCertificates();
    const at = folder();
    writeFileSync(join(at, "cert.pem"), made.good.cert);
    writeFileSync(join(at, "key.pem"), made.good.key);
    const tls = { cert: join(at, "cert.pem"), key: join(at, "key.pem"), clientCa: null };
    const { server, port } = await start({ token: TOKEN, access: { ...ACCESS, tls } });
    const login = await post(server, "/api/v1/session", { token: TOKEN }, { tls: true, ca: made.ca });
    const [cookie = ""] = login.headers["set-cookie"] ?? [];
    expect(cookie).toMatch(
      new RegExp(`^__Host-goodgate-${port}=[\\w-]{43}; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200; Secure$`),
    );
    const plain = cookie.split(";", 1)[0]!.replace("__Host-", "");
    expect((await ask(server, "/api/v1/now", { tls: true, ca: made.ca, headers: { Cookie: plain } })).status).toBe(401);
    const whole = { Cookie: cookie.split(";", 1)[0]! };
    expect((await ask(server, "/api/v1/now", { tls: true, ca: made.ca, headers: whole })).status).toBe(200);
  });

  test("files of TLS that cannot be used are named", async () => {
    const tls = { cert: join(folder(), "none.pem"), key: "none", clientCa: null };
    await expect(start({ access: { ...ACCESS, tls } })).rejects.toThrow(/tls\.cert .*none\.pem cannot be read/);
  });
});
