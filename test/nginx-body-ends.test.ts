// Bodies that nobody wants, and the client's connection around a request of a virtual server, over real sockets: what is
// thrown away, which timer ends what, and who leaves.
import { describe, expect, test } from "vitest";
import { pause, RawClient, until } from "./harness.ts";
import {
  answer,
  asked,
  client,
  clients,
  head,
  headPort,
  inChunks,
  logged,
  NEXT,
  read,
  theRequest,
  useBodies,
  WAIT_MS,
  withLength,
} from "./nginx-bodies-server.ts";
import { seededBytes } from "./origin.ts";

/** Far from any timer that a test waits for. */
const LONG_MS = 8_000;

useBodies();

describe("not wanted", () => {
  test.each([
    ["with a length", withLength("/return/length", 10), "0123456789"],
    ["in chunks", inChunks("/return/chunks"), "a\r\n0123456789\r\n0\r\n\r\n"],
    ["of a file's request", `${withLength("/page", 10).replace("POST", "GET")}`, "0123456789"],
    ["of a request that fails", withLength("/none", 10).replace("POST", "GET"), "0123456789"],
  ])("%s: answered at once, then read away", async (_what, request, body) => {
    const c = client();
    c.send(request);
    const first = await c.response();
    expect(first.fields.get("connection")).toBe("keep-alive");
    c.send(body + NEXT);
    expect((await c.response()).body.toString()).toBe("answered");
    expect(c.ending).toBe("open");
  });

  test("large: read away, whatever its size", async () => {
    const c = client();
    c.send(withLength("/return/large", 3_000_000));
    c.send(seededBytes(5, 3_000_000));
    c.send(NEXT);
    expect((await c.response()).body.toString()).toBe("answered");
    expect((await c.response()).body.toString()).toBe("answered");
  });

  test("and never sent: the connection ends in lingering_timeout", async () => {
    const c = client();
    c.send(withLength("/limits", 10));
    expect((await c.response()).status).toBe(200);
    expect(c.ending).toBe("open");
    await c.closed;
  });

  test("and sent badly: refused", async () => {
    const c = client();
    c.send(`${inChunks("/return/bad")}zz\r\n`);
    expect((await c.response()).status).toBe(400);
    await c.closed;
    expect(read("error.log")).toContain("client sent invalid chunked body: ");
  });

  test("lingering_close off: closed at once", async () => {
    const c = client();
    c.send("GET /off HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    expect((await c.response()).status).toBe(200);
    await c.closed;
  });

  test("too large by its length: answered before it comes, and without 100", async () => {
    const c = client();
    c.send(withLength("/small", 11, "Expect: 100-continue"));
    const response = await c.response();
    expect([response.status, response.interims]).toEqual([413, []]);
    await c.closed;
    expect(read("error.log")).toContain("client intended to send too large body: 11 bytes");
  });

  test("too large by a chunk that has only begun", async () => {
    const c = client();
    c.send(`${inChunks("/small")}5\r\n01234\r\nffff\r\n5`);
    expect((await c.response()).status).toBe(413);
    await c.closed;
    expect(asked).toHaveLength(0);
  });
});

describe("Expect: 100-continue", () => {
  test.each(["/whole/expect", "/stream/expect", "/return/expect"])("%s", async (path) => {
    const c = client();
    c.send(withLength(path, 2, "Expect: 100-Continue"));
    await until(
      () => c.text.startsWith("HTTP/1.1 100 Continue\r\n\r\n") || undefined,
      WAIT_MS,
      () => c.text,
    );
    c.send("hi");
    const response = await c.response();
    expect([response.status, response.interims]).toEqual([200, [100]]);
    for (const { head: sent } of asked) expect(sent).not.toMatch(/^expect:/im);
  });
});

describe("who takes too long or leaves", () => {
  test.each(["/impatient", "/impatient/stream"])("%s: a body that stalls gets no answer", async (path) => {
    const c = client();
    c.send(`${withLength(path, 10)}01`);
    await c.closed;
    expect(c.text).toBe("");
    expect(await logged(path)).toContain(`${path} 408 client-timeout`);
  });

  test("reset_timedout_connection: it ends with a reset", async () => {
    const c = client();
    c.send(`${withLength("/reset", 10)}01`);
    await c.closed;
    expect([c.text, c.ending]).toEqual(["", "rst"]);
  });

  test("a head that stalls gets no answer", async () => {
    const c = new RawClient(headPort);
    clients.push(c);
    c.send("GET /head HTTP/1.1\r\nHost:");
    await c.closed;
    expect([c.text, c.ending]).toEqual(["", "fin"]);
  });

  test("a body that ends early is a bad request", async () => {
    const c = client();
    c.send(`${withLength("/whole/cut", 10)}01`);
    await pause(50);
    c.socket.end();
    await c.closed;
    expect(c.text).toBe("");
    expect(await logged("/whole/cut")).toContain("/whole/cut 400 client-closed-request");
    expect(asked).toHaveLength(0);
  });

  test("an end behind a whole request is an abort: the upstream is told", async () => {
    const c = client();
    c.send("GET /slow/left HTTP/1.1\r\nHost: a\r\n\r\n");
    const request = await theRequest();
    c.socket.end();
    await until(
      () => request.ended || undefined,
      LONG_MS,
      () => "the upstream still waits",
    );
    expect(await logged("/slow/left")).toContain("/slow/left 499 client-closed-request");
  });

  test("proxy_ignore_client_abort: it gets its answer", async () => {
    const c = client();
    c.send("GET /ignore HTTP/1.1\r\nHost: a\r\n\r\n");
    const request = await theRequest();
    c.socket.end();
    await pause(100);
    expect(request.ended).toBe(false);
    answer(request);
    expect((await c.response()).status).toBe(200);
  });

  test("proxy_ignore_client_abort: the upstream may finish for a client that is gone", async () => {
    const c = client();
    c.send("GET /ignore/gone HTTP/1.1\r\nHost: a\r\n\r\n");
    const request = await theRequest();
    c.socket.resetAndDestroy();
    await pause(200);
    expect(request.ended).toBe(false);
    answer(request);
    expect(await logged("/ignore/gone")).toContain("/ignore/gone 200");
  });

  test("an end behind a request that we answer ourselves is none", async () => {
    const c = client();
    c.send("GET /return/half HTTP/1.1\r\nHost: a\r\n\r\n");
    c.socket.end();
    expect((await c.response()).body.toString()).toBe("answered");
    await c.closed;
  });
});

describe("targets", () => {
  test("a fragment is cut off, bytes beyond ASCII pass", async () => {
    const c = client();
    c.send("GET /whole/\xe9?a=\xff#part?b HTTP/1.1\r\nHost: a\r\n\r\n");
    expect((await c.response()).status).toBe(200);
    expect(asked[0]!.head).toMatch(/^GET \/whole\/\xe9\?a=\xff HTTP\/1\.1\r\n/);
  });

  test.each([
    ["identity", "Transfer-Encoding: identity", 501],
    ["a list", "Transfer-Encoding: chunked, identity", 501],
    ["twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400],
    ["with a length", "Transfer-Encoding: chunked\r\nContent-Length: 5", 400],
  ])("transfer coding %s is refused", async (_what, field, status) => {
    const c = client();
    c.send(head("/return/coding", field));
    expect((await c.response()).status).toBe(status);
    await c.closed;
  });
});
