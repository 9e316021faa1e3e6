// Who asks: tokens, sessions, roles, guesses.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { OPERATIONS } from "./api/table.ts";
import { ask, events, post } from "./client.fixture.ts";
import { ACCESS, changed, folder, JSON_TYPE, READ_TOKEN, start, TOKEN, useConsoles } from "./console.fixture.ts";
import { GuessLimit, readTokens, roleOf } from "./credentials.ts";
import { cookieOf, Sessions } from "./session.ts";

useConsoles();

describe("who asks", () => {
  const options = { token: TOKEN, readToken: READ_TOKEN };
  const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

  test("without a token nothing is read, nor told what there is", async () => {
    const { server, backend } = await start(options);
    for (const path of ["/api/v1/now", "/api/v1/live", "/api/v1/nothing", "/metrics"]) {
      const answer = await ask(server, path);
      expect(answer.status, path).toBe(401);
      expect(answer.headers["www-authenticate"]).toContain("Bearer");
    }
    expect(backend.asked).toEqual([]);
    expect((await ask(server, "/metrics", { headers: bearer(READ_TOKEN) })).status).toBe(200);
    const view = await ask(server, "/api/v1/session", { headers: bearer(READ_TOKEN) });
    expect(JSON.parse(view.body)).toEqual({ role: "reader", by: "reader", tokens: true });
  });

  test("on loopback without one everybody is the admin, and is told so", async () => {
    const { server } = await start();
    const view = await ask(server, "/api/v1/session");
    expect(JSON.parse(view.body)).toEqual({ role: "admin", by: "127.0.0.1", tokens: false });
  });

  const actions = OPERATIONS.filter(({ role }) => role === "admin").map(
    ({ id, method, path }) => [id, method, path] as const,
  );
  test.each(actions)("a reader cannot %s", async (id, method, path) => {
    const { server, backend } = await start(options);
    const headers = { ...bearer(READ_TOKEN), ...JSON_TYPE };
    const answer = await ask(server, `/api/v1${path}`, {
      method,
      headers,
      ...(method === "POST" ? { body: "{}" } : {}),
    });
    expect(answer.status).toBe(403);
    expect(backend.asked).toEqual([]);
    if (method === "GET") return;
    expect(backend.told).toEqual([
      {
        by: "reader",
        role: "reader",
        client: "127.0.0.1",
        action: expect.stringContaining(id),
        outcome: "refused: reader",
      },
    ]);
  });

  test("read only: the admin's token looks, too", async () => {
    const { server, backend } = await start({ ...options, access: { ...ACCESS, readOnly: true } });
    expect((await post(server, "/api/v1/reload", {}, { headers: bearer(TOKEN) })).status).toBe(403);
    expect((await ask(server, "/api/v1/now", { headers: bearer(TOKEN) })).status).toBe(200);
    expect(changed(backend)).toEqual([]);
  });

  test("login sets a cookie that scripts, other sites and other ports cannot have; logout ends it", async () => {
    const { server, backend, port } = await start(options);
    const origin = { Origin: `http://127.0.0.1:${port}` };
    const login = await post(server, "/api/v1/session", { token: TOKEN }, { headers: origin });
    expect(JSON.parse(login.body)).toEqual({ role: "admin", by: "admin", tokens: true });
    const [cookie = ""] = login.headers["set-cookie"] ?? [];
    expect(cookie).toMatch(
      new RegExp(`^goodgate-${port}=[\\w-]{43}; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200$`),
    );
    const headers = { Cookie: `other=1; ${cookie.split(";", 1)[0]}` };
    expect((await ask(server, "/api/v1/now", { headers })).status).toBe(200);
    // A cookie alone changes nothing.
    const without = await post(server, "/api/v1/reload", {}, { headers });
    expect(without.status).toBe(403);
    expect(changed(backend)).toEqual([]);
    expect((await post(server, "/api/v1/reload", {}, { headers: { ...headers, ...origin } })).status).toBe(200);
    const logout = await ask(server, "/api/v1/session", { method: "DELETE", headers: { ...headers, ...origin } });
    expect(logout.status).toBe(204);
    expect(logout.headers["set-cookie"]?.[0]).toContain("Max-Age=0");
    expect((await ask(server, "/api/v1/now", { headers })).status).toBe(401);
    expect(backend.told.map(({ action, outcome }) => `${action} ${outcome}`)).toEqual([
      "login ok",
      "reload ok: reloaded",
      "logout ok",
    ]);
  });

  test("a stream ends with its session", async () => {
    const { server, port } = await start(options);
    const origin = { Origin: `http://127.0.0.1:${port}` };
    const login = await post(server, "/api/v1/session", { token: READ_TOKEN }, { headers: origin });
    const headers = { Cookie: login.headers["set-cookie"]![0]!.split(";", 1)[0]! };
    const stream = await events(server, "/api/v1/live", headers);
    await stream.until(/event: now/);
    await ask(server, "/api/v1/session", { method: "DELETE", headers: { ...headers, ...origin } });
    await stream.ended;
  }, 15_000);

  test("a made-up session is nobody's", async () => {
    const { server, port } = await start(options);
    for (const id of ["", "x", "A".repeat(43), "../../x"]) {
      expect((await ask(server, "/api/v1/now", { headers: { Cookie: `goodgate-${port}=${id}` } })).status).toBe(401);
    }
  });

  test("guesses get a pause, for the form and for the field; who has the token waits only where it was guessed", async () => {
    const { server, backend } = await start(options);
    const statuses: number[] = [];
    for (let i = 0; i < 8; i++) {
      statuses.push((await post(server, "/api/v1/session", { token: `guess-${i}` })).status);
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429, 429]);
    // The right one is not looked at, either: else guessing would go on.
    const late = await ask(server, "/api/v1/now", { headers: bearer(TOKEN) });
    expect(late.status).toBe(429);
    expect(Number(late.headers["retry-after"])).toBeGreaterThan(0);
    expect(backend.told).toHaveLength(5);
    expect(backend.told[0]).toEqual({
      by: "nobody",
      role: "reader",
      client: "127.0.0.1",
      action: "login",
      outcome: "refused: wrong token",
    });
    expect(JSON.stringify(backend.told)).not.toContain("guess");
  });

  test("a scraper with an old token locks nobody out who shares its address", async () => {
    const { server, backend } = await start(options);
    for (let i = 0; i < 20; i++) {
      expect((await ask(server, "/metrics", { headers: bearer("old-token") })).status).toBe(401);
    }
    expect((await ask(server, "/metrics", { headers: bearer(READ_TOKEN) })).status).toBe(200);
    expect((await ask(server, "/metrics", { headers: bearer("old-token") })).status).toBe(401);
    expect(backend.told.length).toBeLessThanOrEqual(2);
  });

  test("pauses double up to a minute, are per network, and are forgotten", () => {
    const limit = new GuessLimit();
    for (let i = 0; i < 5; i++) limit.noteWrong("2001:db8:1:2::5", `a${i}`, 1_000);
    expect(limit.pauseMs("2001:db8:1:2:ffff::9", 1_000)).toBe(1_000);
    expect(limit.pauseMs("2001:db8:1:3::5", 1_000)).toBe(0);
    for (let i = 0; i < 20; i++) limit.noteWrong("2001:db8:1:2::5", `a${i}`, 1_000);
    expect(limit.pauseMs("2001:db8:1:2::5", 1_000)).toBe(60_000);
    expect(limit.pauseMs("2001:db8:1:2::5", 61_000)).toBe(0);
    limit.noteWrong("2001:db8:1:2::5", "x", 1_000_000);
    expect(limit.pauseMs("2001:db8:1:2::5", 1_000_000)).toBe(0);
    // Many addresses together slow the form down, not those that have a token.
    for (let i = 0; i < 2_000; i++) limit.noteWrong(`10.0.${i >> 8}.${i & 255}`, "x", 1_000_000);
    expect(limit.loginPauseMs("192.0.2.1", 1_000_000)).toBe(10_000);
    expect(limit.pauseMs("192.0.2.1", 1_000_000)).toBe(0);
  });

  test("tokens: whole, exact, and never empty", () => {
    const tokens = { token: TOKEN, readToken: READ_TOKEN };
    expect(roleOf(TOKEN, tokens)).toBe("admin");
    expect(roleOf(READ_TOKEN, tokens)).toBe("reader");
    for (const wrong of ["", TOKEN.slice(0, -1), `${TOKEN}x`, TOKEN.toUpperCase()])
      expect(roleOf(wrong, tokens)).toBeNull();
    expect(roleOf("", {})).toBeNull();
    expect(roleOf("", { token: "" })).toBeNull();
  });

  test("tokens come from files before the environment; what cannot be used is said", () => {
    const file = join(folder(), "token");
    writeFileSync(file, `${TOKEN}\n`);
    const none = { tokenFile: null, readTokenFile: null };
    const environment = { GOODGATE_CONSOLE_TOKEN: "from-env", GOODGATE_CONSOLE_READ_TOKEN: READ_TOKEN };
    expect(readTokens({ ...none, tokenFile: file }, environment)).toEqual({ token: TOKEN, readToken: READ_TOKEN });
    expect(readTokens(undefined, {})).toEqual({});
    expect(() => readTokens({ ...none, tokenFile: `${file}.gone` }, {})).toThrow(/token-file .*cannot be read/);
    writeFileSync(file, "two words\n");
    expect(() => readTokens({ ...none, tokenFile: file }, {})).toThrow("openssl rand");
    expect(() => readTokens(none, { GOODGATE_CONSOLE_TOKEN: "a", GOODGATE_CONSOLE_READ_TOKEN: "a" })).toThrow("differ");
  });

  test("sessions end after their time, and the oldest when there are too many", () => {
    const sessions = new Sessions();
    const first = sessions.begin("admin", "admin", 0);
    expect(sessions.find(first, 12 * 3_600_000 - 1)).toMatchObject({ role: "admin" });
    expect(sessions.find(first, 12 * 3_600_000)).toBeNull();
    const second = sessions.begin("admin", "admin", 1);
    for (let i = 0; i < 256; i++) sessions.begin("reader", "reader", 2);
    expect(sessions.find(second, 2)).toBeNull();
    expect(cookieOf("a=1; goodgate-1=x; goodgate-1=y", "goodgate-1")).toBeNull();
    expect(cookieOf("xgoodgate-1=x", "goodgate-1")).toBeNull();
  });
});
