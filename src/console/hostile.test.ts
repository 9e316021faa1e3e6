// Messages that are made to harm, and addresses that would like to be files.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ask, connect, post, raw } from "./client.fixture.ts";
import { changed, folder, JSON_TYPE, start, TOKEN, useConsoles } from "./console.fixture.ts";

useConsoles();

describe("messages that are made to harm", () => {
  test("a body over 64 KiB is refused, announced or not", async () => {
    const { server, backend } = await start();
    const body = JSON.stringify({ text: "x".repeat(70_000) });
    const headers = { ...JSON_TYPE, "Transfer-Encoding": "chunked" };
    expect((await ask(server, "/api/v1/explain", { method: "POST", headers, body })).status).toBe(413);
    expect((await post(server, "/api/v1/explain", { text: "x".repeat(70_000) })).status).toBe(413);
    const huge =
      "POST /api/v1/reload HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n{}";
    expect(await raw(server, huge)).toContain(" 413 ");
    expect(changed(backend)).toEqual([]);
  });

  test("a body that is nested too deep is refused by its field, and nothing is done", async () => {
    const { server, backend } = await start();
    const deep = `{"text":${"[".repeat(20_000)}${"]".repeat(20_000)}}`;
    for (const path of ["/api/v1/explain", "/api/v1/marks", "/api/v1/doctor"]) {
      const answer = await ask(server, path, { method: "POST", headers: JSON_TYPE, body: deep });
      expect(answer.status, path).toBe(400);
      expect(answer.headers["content-type"]).toContain("application/problem+json");
    }
    expect(changed(backend)).toEqual([]);
  });

  test("who has the reader's token may not guess the admin's without a pause", async () => {
    const { server } = await start({ token: TOKEN, readToken: "reader-token" });
    const asked = (token: string) => ask(server, "/api/v1/now", { headers: { Authorization: `Bearer ${token}` } });
    const statuses: number[] = [];
    for (let guess = 0; guess < 12; guess++) {
      statuses.push((await asked(`guess-${guess}`)).status);
      await asked("reader-token");
    }
    expect(statuses.slice(0, 3)).toEqual([401, 401, 401]);
    expect(statuses.at(-1)).toBe(429);
  });

  test("a body that comes too slowly is refused in time", async () => {
    const { server, backend } = await start();
    const head =
      "POST /api/v1/reload HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n";
    const text = await raw(server, `${head}{`);
    expect(text).toContain(" 408 ");
    expect(changed(backend)).toEqual([]);
  }, 15_000);

  test.each([
    ["two Hosts", "GET /api/v1/now HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n"],
    ["an absolute target", "GET http://localhost/api/v1/now HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"],
    [
      "two lengths",
      "POST /api/v1/reload HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\n{}",
    ],
    [
      "length and chunks",
      "POST /api/v1/reload HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
  ])("%s: 400, and nothing is done", async (_, request) => {
    const { server, backend } = await start();
    expect(await raw(server, request.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"))).toMatch(/^HTTP\/1\.1 400 /);
    expect(backend.asked).toEqual([]);
  });

  test("ids cannot become fields or lines", async () => {
    const { server } = await start();
    for (const id of ["x%0d%0aSet-Cookie:%20a=b", "%00", "%zz", "%e2%80%a8", "x".repeat(600)]) {
      for (const path of [`/api/v1/incidents/${id}`, `/api/v1/failures/${id}`, `/api/v1/incidents/${id}.md`]) {
        const answer = await ask(server, path);
        expect(answer.status, path).toBe(400);
        expect(answer.headers["set-cookie"]).toBeUndefined();
      }
    }
  });

  test("nothing that a request says comes back as HTML", async () => {
    const { server } = await start();
    const script = "%3Cscript%3Ealert(1)%3C/script%3E";
    const paths = [
      `/${script}`,
      `/api/v1/incidents/${script.replace("/", "%2F")}`,
      `/api/v1/now?${script}=1`,
      `/assets/${script}`,
    ];
    for (const path of paths) {
      const answer = await ask(server, path);
      expect(answer.status, path).toBeGreaterThanOrEqual(400);
      expect(answer.headers["content-type"], path).not.toContain("html");
    }
  });

  test("connections are counted: more than 64 are not taken", async () => {
    const { server } = await start();
    const sockets = await Promise.all(Array.from({ length: 64 }, () => connect(server)));
    const one = await connect(server);
    const closed = new Promise((resolve) => one.once("close", resolve));
    one.on("data", () => undefined);
    one.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await closed;
    for (const socket of sockets) socket.destroy();
  });
});

describe("files of the page", () => {
  function pageFolder(): string {
    const at = folder();
    mkdirSync(join(at, "page", "assets"), { recursive: true });
    writeFileSync(join(at, "secret.txt"), "secret");
    writeFileSync(join(at, "page", "server.js"), "secret");
    writeFileSync(join(at, "page", "index.html"), "<!doctype html><title>Goodgate</title>");
    writeFileSync(join(at, "page", "assets", "page-1a.js"), "x".repeat(5_000));
    writeFileSync(join(at, "page", "page.json"), JSON.stringify({ index: "index.html", assets: ["page-1a.js"] }));
    return join(at, "page");
  }

  test("every address of the page gives it, to who is not known, too", async () => {
    const { server } = await start({ token: TOKEN, pageFolder: pageFolder() });
    const paths = [
      "/",
      "/now",
      "/incidents",
      "/incidents/i1",
      "/traffic",
      "/upstreams",
      "/config",
      "/doctor",
      "/explain",
      "/login",
    ];
    for (const path of paths) {
      const answer = await ask(server, path);
      expect(answer, path).toMatchObject({ status: 200, body: "<!doctype html><title>Goodgate</title>" });
      expect(answer.headers["cache-control"]).toBe("no-cache");
    }
    const script = await ask(server, "/assets/page-1a.js", { headers: { "Accept-Encoding": "gzip" } });
    expect(script.headers).toMatchObject({
      "content-type": "text/javascript; charset=utf-8",
      "cache-control": "public, max-age=31536000, immutable",
      "content-encoding": "gzip",
    });
    expect(script.body).toHaveLength(5_000);
  });

  test.each([
    "/assets/../server.js",
    "/assets/..%2fserver.js",
    "/assets/%2e%2e/%2e%2e/secret.txt",
    "/assets/....//secret.txt",
    "/assets/page.json",
    "/assets//etc/passwd",
    "/assets/page-1a.js%00.css",
    "/assets/__proto__",
    "/assets/",
    "/server.js",
    "/page.json",
    "/index.html",
  ])("%s leads nowhere", async (path) => {
    const { server } = await start({ pageFolder: pageFolder() });
    const answer = await raw(server, `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 404 /);
    expect(answer).not.toContain("secret");
  });

  test("without a page the index says how it is made", async () => {
    const { server } = await start({ pageFolder: folder() });
    const index = await ask(server, "/");
    expect(index.body).toContain("npm run build");
    expect(index.body).toContain('href="/api/v1/openapi.json"');
  });
});
