// goodgate/node and bodies: both directions stream with back pressure, whatever their size; what a body parser has read
// before is put together again, or the request fails by name; nothing waits for bytes that cannot come.
import { createServer, request as httpRequest, type IncomingMessage, type RequestListener } from "node:http";
import express from "express";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Lab, startLab } from "../src/lab/server.ts";
import { exchange, pause, RawClient } from "./harness.ts";
import { Cleanup } from "./node-server.ts";
import { chunked, seeded, seededBytes, sha256, splits, writeSlowly } from "./origin.ts";

const MIB = 1024 * 1024;
/** Far above what four sockets and their buffers in the kernel can hold. */
const HUGE_BYTES = 256 * MIB;

let lab: Lab;
const cleanup = new Cleanup();

beforeAll(async () => {
  lab = await startLab();
});
afterAll(async () => {
  await lab?.close();
});
afterEach(async () => {
  lab.clear();
  await cleanup.run();
});

/** An upstream of node:http. */
async function origin(listener: RequestListener): Promise<string> {
  return `http://127.0.0.1:${(await cleanup.serve(listener)).port}`;
}

/** Waits until a number stays what it is. */
async function settled(read: () => number): Promise<number> {
  for (let last = -1; ; ) {
    const now = read();
    if (now === last) return now;
    last = now;
    await pause(250);
  }
}

describe("streams", () => {
  test.each(["length", "chunks"])(
    "megabytes up and down in pieces of any size arrive as they were (%s)",
    async (framing) => {
      const random = seeded(framing.length);
      const bytes = seededBytes(7, 6 * MIB);
      const url = await origin((request, response) => {
        response.writeHead(200, framing === "length" ? { "Content-Length": bytes.length } : {});
        request.pipe(response);
      });
      const { port } = await cleanup.serve(cleanup.proxy(url));
      const client = new RawClient(port);
      const head = framing === "length" ? `Content-Length: ${bytes.length}` : "Transfer-Encoding: chunked";
      client.send(`PUT /${framing} HTTP/1.1\r\nHost: a\r\n${head}\r\n\r\n`);
      const body = framing === "length" ? bytes : chunked(bytes, random);
      const parts: Buffer[] = [];
      client.socket.removeAllListeners("data");
      client.socket.on("data", (chunk: Buffer) => parts.push(chunk));
      await writeSlowly(client.socket, splits(body, random), random);
      await settled(() => parts.length);
      client.bytes = Buffer.concat(parts);
      const response = await client.response("PUT");
      expect([response.status, response.whole, sha256(response.body)]).toEqual([200, true, sha256(bytes)]);
      client.close();
    },
  );

  test("a client that does not read holds the upstream back, and gets everything in the end", async () => {
    let sent = (): number => 0;
    const piece = Buffer.alloc(MIB, "x");
    const url = await origin((request, response) => {
      sent = () => request.socket.bytesWritten;
      response.writeHead(200, { "Content-Length": HUGE_BYTES });
      let left = HUGE_BYTES;
      const more = (): void => {
        while (left > 0) {
          left -= piece.length;
          if (!response.write(piece)) return void response.once("drain", more);
        }
        response.end();
      };
      more();
    });
    const { url: front } = await cleanup.serve(cleanup.proxy(url));
    const response = await new Promise<IncomingMessage>((resolve) => httpRequest(front, resolve).end());
    response.pause();
    expect(await settled(() => sent())).toBeLessThan(HUGE_BYTES / 2);
    let received = 0;
    for await (const chunk of response) received += (chunk as Buffer).length;
    expect(received).toBe(HUGE_BYTES);
  });

  test("an upstream that does not read holds the client back, and gets everything in the end", async () => {
    let begin = (): void => {};
    const url = await origin((request, response) => {
      let received = 0;
      begin = () => {
        request.on("data", (chunk: Buffer) => {
          received += chunk.length;
        });
        request.on("end", () => response.end(String(received)));
      };
    });
    const { url: front } = await cleanup.serve(cleanup.proxy(url));
    const sending = httpRequest(front, { method: "POST", headers: { "Content-Length": HUGE_BYTES } });
    const answer = new Promise<IncomingMessage>((resolve) => sending.on("response", resolve));
    const piece = Buffer.alloc(MIB, "x");
    let left = HUGE_BYTES;
    const more = (): void => {
      while (left > 0) {
        left -= piece.length;
        if (!sending.write(piece)) return void sending.once("drain", more);
      }
      sending.end();
    };
    more();
    expect(await settled(() => sending.socket?.bytesWritten ?? 0)).toBeLessThan(HUGE_BYTES / 2);
    begin();
    let text = "";
    for await (const chunk of await answer) text += String(chunk);
    expect(text).toBe(String(HUGE_BYTES));
  });

  test("an early answer reaches a client that is still sending", async () => {
    const url = await origin((_request, response) => response.writeHead(413, { Connection: "close" }).end("too much"));
    const { port } = await cleanup.serve(cleanup.proxy(url));
    const client = new RawClient(port);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\nbegin");
    const response = await client.response("POST");
    expect([response.status, response.body.toString()]).toEqual([413, "too much"]);
    client.close();
  });

  test("events come as they are sent, the head before the first", async () => {
    let say = (_text: string): void => {};
    const url = await origin((_request, response) => {
      response.writeHead(200, { "Content-Type": "text/event-stream" }).flushHeaders();
      say = (text) => void response.write(text);
    });
    const { url: front } = await cleanup.serve(cleanup.proxy(url));
    const response = await new Promise<IncomingMessage>((resolve) => httpRequest(front, resolve).end());
    for (const text of ["data: 1\n\n", "data: 2\n\n"]) {
      const next = new Promise((resolve) => response.once("data", (chunk: Buffer) => resolve(chunk.toString())));
      say(text);
      expect(await next).toBe(text);
    }
    response.destroy();
  });
});

describe("behind a body parser", () => {
  interface Echo {
    headers: [string, string][];
    body: { bytes: number; complete: boolean; sha256: string };
  }
  const JSON_TEXT = '{"a":[1,{"b":"ü"}]}';

  /** Sends a body through an Express application and says what reached the upstream. */
  async function through(
    middleware: express.Handler[],
    type: string,
    body: Buffer,
    ...lines: string[]
  ): Promise<{ status: number; echo: Echo; text: string }> {
    const proxy = cleanup.proxy(lab.url);
    const app = express();
    for (const one of middleware) app.use(one);
    app.use(proxy);
    const { port } = await cleanup.serve(app);
    const head = ["POST /lab/echo HTTP/1.1", "Host: a", ...(type ? [`Content-Type: ${type}`] : []), ...lines];
    const framing = lines.some((line) => line.startsWith("Transfer")) ? [] : [`Content-Length: ${body.length}`];
    const client = new RawClient(port);
    client.send(Buffer.concat([Buffer.from(`${[...head, ...framing].join("\r\n")}\r\n\r\n`), body]));
    const response = await client.response("POST");
    client.close();
    const text = response.body.toString();
    return {
      status: response.status,
      echo: (response.status === 200 ? JSON.parse(text) : {}) as Echo,
      text,
    };
  }

  const hashOf = (text: string): string => sha256(Buffer.from(text));

  test("JSON, forms, text and buffers go on", async () => {
    const parsers = [express.json(), express.urlencoded({ extended: true }), express.text(), express.raw()];
    for (const [type, body] of [
      ["application/json", JSON_TEXT],
      ["application/problem+json; charset=utf-8", JSON_TEXT],
      ["application/x-www-form-urlencoded", "a=1&b=x+y%26z"],
      ["text/plain", "plain ü"],
      ["application/octet-stream", "\x00\x01"],
      ["image/png", "no parser takes this"],
    ] as const) {
      const own = type.includes("problem") ? [express.json({ type: "*/*" })] : parsers;
      const { status, echo } = await through(own, type, Buffer.from(body));
      expect([type, status, echo.body.complete, echo.body.sha256]).toEqual([type, 200, true, hashOf(body)]);
    }
  });

  test("what a middleware made of a JSON body is what goes on, with its length", async () => {
    const change: express.Handler = (request, _response, next) => {
      (request.body as { user?: number }).user = 7;
      next();
    };
    const { echo } = await through(
      [express.json(), change],
      "application/json; charset=utf-8",
      Buffer.from(' { "a": 1 }'),
    );
    expect(echo.body.sha256).toBe(hashOf('{"a":1,"user":7}'));
    const spaced = '{"a": [1] }';
    const chunks = Buffer.from(`${spaced.length.toString(16)}\r\n${spaced}\r\n0\r\n\r\n`);
    const sent = await through([express.json()], "application/json", chunks, "Transfer-Encoding: chunked");
    expect(sent.echo.body).toMatchObject({ complete: true, sha256: hashOf('{"a":[1]}') });
  });

  test("a compressed body that was unpacked does not claim to be compressed", async () => {
    const { gzipSync } = await import("node:zlib");
    const { echo } = await through([express.json()], "application/json", gzipSync(JSON_TEXT), "Content-Encoding: gzip");
    expect(echo.body.sha256).toBe(hashOf(JSON_TEXT));
    expect(echo.headers.map(([name]) => name.toLowerCase())).not.toContain("content-encoding");
  });

  test("rawBody is preferred: not a byte is changed", async () => {
    const keep = express.json({
      verify: (request, _response, bytes) => {
        (request as { rawBody?: Buffer }).rawBody = bytes;
      },
    });
    const spaced = ' { "b" : 1.0 } ';
    expect((await through([keep], "application/json", Buffer.from(spaced))).echo.body.sha256).toBe(hashOf(spaced));
  });

  test.each([
    ["a form with a list", [express.urlencoded({ extended: true })], "application/x-www-form-urlencoded", "a=1&a=2"],
    ["a form with nesting", [express.urlencoded({ extended: true })], "application/x-www-form-urlencoded", "a[b]=1"],
    ["what JSON cannot hold", [express.json(), circular], "application/json", '{"a":1}'],
    ["a stream that was thrown away", [drained], "image/png", "png"],
    ["a stream that somebody began to read", [halfRead], "image/png", "png"],
  ])("%s fails by name, at once", async (_what, middleware, type, body) => {
    const { status, text } = await through(middleware, type, Buffer.from(body));
    expect(status).toBe(500);
    expect(text).toContain("gateway-config-invalid");
    expect(text).toMatch(/before the proxy.*body parser/s);
    expect(lab.deliveries).toEqual([]);
  });
});

/** Reads the body and leaves nothing of it. */
const drained: express.Handler = (request, _response, next) => {
  request.resume().on("end", () => next());
};

/** Puts something into the body that is not JSON any more. */
const circular: express.Handler = (request, _response, next) => {
  request.body = { again: request.body, big: 1n };
  next();
};

/** Takes the first piece and goes on. */
const halfRead: express.Handler = (request, _response, next) => {
  request.once("data", () => {
    request.pause();
    next();
  });
};

test("a body that is shorter than announced is broken off, not waited for", async () => {
  const proxy = cleanup.proxy(lab.url);
  const { port } = await cleanup.serve((request, response) => {
    // A middleware that filters the body and forgets the length.
    const push = request.push.bind(request);
    request.push = (chunk: Buffer | null) => push(chunk?.toString() === "abc" ? chunk.subarray(1) : chunk);
    void proxy(request, response);
  });
  const result = exchange(port, "POST /lab/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
  await expect(result).rejects.toThrow(/no response/);
});

test("a transfer coding that node has left in the body is refused", async () => {
  const { port } = await cleanup.serve(cleanup.proxy(lab.url));
  const request = "POST /lab/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n";
  expect((await exchange(port, request)).status).toBe(501);
  expect(lab.deliveries).toEqual([]);
});

test("createServer(proxy) is all it takes", async () => {
  const server = createServer(cleanup.proxy(lab.url));
  const port = await cleanup.listen(server);
  expect((await exchange(port, "GET /lab/echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")).status).toBe(200);
});
