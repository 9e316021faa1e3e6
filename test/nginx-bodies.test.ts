// Bodies of requests in virtual servers on their way to an upstream, over real sockets: what is read whole and where it
// is kept, what is streamed.
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { pause, until } from "./harness.ts";
import {
  answer,
  asked,
  broken,
  client,
  folder,
  hashOf,
  inChunks,
  logged,
  read,
  theRequest,
  useBodies,
  WAIT_MS,
  withLength,
} from "./nginx-bodies-server.ts";
import { seededBytes } from "./origin.ts";

useBodies();

describe("read whole", () => {
  test("in memory", async () => {
    const c = client();
    c.send(withLength("/whole/memory", 5));
    await pause(50);
    expect(asked).toHaveLength(0);
    c.send("hello");
    expect((await c.response()).body.toString()).toBe(hashOf("hello"));
    expect(await logged("/whole/memory")).toBe("/whole/memory 200 - [hello] [-]");
  });

  test("in a file that nothing is left of", async () => {
    const body = seededBytes(1, 3_000_000);
    const c = client();
    c.send(withLength("/whole/file", body.length));
    c.send(body);
    expect((await c.response()).body.toString()).toBe(hashOf(body));
    expect(await logged("/whole/file")).toMatch(/ 200 - \[-\] \[.*\/bodies\/\d{10}\]$/);
    expect(readdirSync(join(folder, "bodies"))).toEqual([]);
    expect(read("error.log")).toContain("[warn]");
    expect(read("error.log")).toContain("a client request body is buffered to a temporary file");
  });

  test("chunks get a length", async () => {
    const body = seededBytes(2, 300_000);
    const c = client();
    c.send(inChunks("/whole/chunks"));
    for (let at = 0; at < body.length; at += 100_000) {
      const piece = body.subarray(at, at + 100_000);
      c.send(Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n")]));
    }
    c.send("0\r\n\r\n");
    expect((await c.response()).body.toString()).toBe(hashOf(body));
    expect(asked[0]!.head).toContain("Content-Length: 300000\r\n");
    expect(asked[0]!.head).not.toMatch(/transfer-encoding/i);
  });

  test("sent again out of the file to the next server", async () => {
    const body = seededBytes(3, 500_000);
    for (let i = 0; i < 2; i++) {
      const c = client();
      c.send(withLength(`/pair/${i}`, body.length));
      c.send(body);
      expect((await c.response()).body.toString()).toBe(hashOf(body));
    }
    expect(broken.sockets.length).toBeGreaterThan(0);
  });

  test("an upstream that takes nothing for a while gets all of it", async () => {
    const body = seededBytes(4, 8_000_000);
    const c = client();
    c.send(withLength("/throttled", body.length));
    c.send(body);
    const request = await theRequest();
    request.socket.pause();
    await pause(200);
    expect(request.body.length).toBeLessThan(body.length);
    request.socket.resume();
    await until(
      () => request.body.length === body.length || undefined,
      WAIT_MS,
      () => `${request.body.length} bytes came`,
    );
    answer(request);
    expect((await c.response()).body.toString()).toBe(hashOf(body));
  });

  test("client_body_in_file_only on: the file stays", async () => {
    const c = client();
    c.send(`${withLength("/kept", 5)}hello`);
    expect((await c.response()).status).toBe(200);
    const path = /\[([^\]]*)\]$/.exec(await logged("/kept"))![1]!;
    expect(readFileSync(path, "latin1")).toBe("hello");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    rmSync(path);
  });

  test("client_body_in_file_only clean: it is there until the end", async () => {
    const c = client();
    c.send(`${withLength("/cleaned", 5)}hello`);
    const request = await theRequest();
    const [name] = readdirSync(join(folder, "bodies"));
    expect(read(`bodies/${name}`)).toBe("hello");
    answer(request);
    expect((await c.response()).status).toBe(200);
    await until(
      () => readdirSync(join(folder, "bodies")).length === 0 || undefined,
      WAIT_MS,
      () => "the file stays",
    );
  });

  test("a mirror gets a copy out of the same file", async () => {
    const body = seededBytes(6, 400_000);
    const c = client();
    c.send(withLength("/mirrored", body.length));
    c.send(body);
    expect((await c.response()).body.toString()).toBe(hashOf(body));
    await until(
      () => (asked.length === 2 && asked.every((each) => each.body.length === body.length)) || undefined,
      WAIT_MS,
      () => `${asked.map((each) => each.body.length)}`,
    );
    expect(asked.map((each) => /^\S+ (\S+)/.exec(each.head)?.[1]).sort()).toEqual(["/copy", "/mirrored"]);
    for (const each of asked) expect(hashOf(each.body)).toBe(hashOf(body));
  });

  test("a disk that fails is our fault, told in nginx's words", async () => {
    rmSync(join(folder, "lost"), { recursive: true, force: true });
    writeFileSync(join(folder, "lost"), "no folder");
    const c = client();
    c.send(`${withLength("/lost", 5_000)}${"x".repeat(5_000)}`);
    const response = await c.response();
    expect(response.status).toBe(500);
    expect(response.body.toString()).toContain("gateway-internal-error");
    expect(read("error.log")).toMatch(
      /\[crit\].* open\(\) "[^"]*\/lost\/\d{10}" failed \(20: Not a directory\), client: .*cause: gateway-internal-error/,
    );
    expect(asked).toHaveLength(0);
  });
});

describe("streamed", () => {
  test("with a length", async () => {
    const c = client();
    c.send(`${withLength("/stream", 10)}01234`);
    const request = await theRequest();
    expect(request.head).toContain("Content-Length: 10\r\n");
    await until(
      () => request.body.toString() === "01234" || undefined,
      WAIT_MS,
      () => request.body.toString(),
    );
    c.send("56789");
    expect((await c.response()).body.toString()).toBe(hashOf("0123456789"));
  });

  test("in chunks of ours", async () => {
    const c = client();
    c.send(`${inChunks("/stream")}5;ext=1\r\n01234\r\n`);
    const request = await theRequest();
    expect(request.head).toContain("Transfer-Encoding: chunked\r\n");
    await until(
      () => request.body.toString() === "5\r\n01234\r\n" || undefined,
      WAIT_MS,
      () => request.body.toString(),
    );
    c.send("2\r\n56\r\n1\r\n7\r\n0\r\nTrailer: x\r\n\r\n");
    expect((await c.response()).status).toBe(200);
    expect(request.body.toString()).toBe("5\r\n01234\r\n3\r\n567\r\n0\r\n\r\n");
  });

  test("an HTTP/1.0 upstream is told a length", async () => {
    const c = client();
    c.send(`${inChunks("/one-zero")}5\r\n01234\r\n`);
    await pause(50);
    expect(asked).toHaveLength(0);
    c.send("0\r\n\r\n");
    expect((await c.response()).status).toBe(200);
    expect(asked[0]!.head).toContain("Content-Length: 5\r\n");
  });

  test("an answer before the end of the body ends the connection", async () => {
    const c = client();
    c.send(`${withLength("/slow", 10).replace("/slow", "/stream/slow")}01234`);
    const request = await theRequest();
    request.socket.write("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
    const response = await c.response();
    expect([response.status, response.fields.get("connection")]).toEqual([413, "close"]);
    await c.closed;
  });
});
