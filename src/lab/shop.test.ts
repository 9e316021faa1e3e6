// The shop as a visitor and as a program meet it.
import { createHash } from "node:crypto";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Company, type Shop, startShop } from "./shop.ts";
import { addToCart, cartCookie, readCart } from "./shop-goods.ts";
import { firstFile } from "./upload.ts";
import { acceptKey, frameBytes, readFrame } from "./websocket.ts";

const company: Company = { shops: new Map(), orders: [] };
let shop: Shop;
let other: Shop;
let url: string;
beforeAll(async () => {
  shop = await startShop({ name: "shop-1", company });
  other = await startShop({ name: "shop-2", company });
  url = "http://" + shop.address;
});
afterAll(() => Promise.all([shop.close(), other.close()]));

test.each(["/", "/product/field", "/cart", "/upload", "/chat", "/lab"])(
  "%s is a page that says who served it",
  async (path) => {
    const response = await fetch(url + path);
    const text = await response.text();
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    expect(text).toContain("Served by <b>shop-1</b>");
    expect(text).not.toMatch(/&lt;(svg|td|div|path|form)|\[object|undefined|(src|href)="http/);
  },
);

test("a page that is not there is a 404 of the shop, and what a visitor typed is escaped", async () => {
  expect((await fetch(url + "/nothing")).status).toBe(404);
  const text = await (await fetch(url + "/thanks?order=%3Cscript%3E&name=%22%3E")).text();
  expect(text).toContain("&lt;script&gt;");
  expect(text).not.toContain("<script>&quot;");
});

test("a cart is filled, ordered from and emptied, at any endpoint", async () => {
  const form = (body: string, cookie: string) => ({
    method: "POST",
    body: new URLSearchParams(body),
    headers: { cookie },
    redirect: "manual" as const,
  });
  const filled = await fetch(url + "/cart", form("product=latch", "cart=field:1"));
  const cookie = filled.headers.get("set-cookie")!.split(";")[0]!;
  expect([filled.status, cookie]).toEqual([303, "cart=field:1.latch:1"]);
  expect(await (await fetch(`http://${other.address}/api/cart`, { headers: { cookie } })).json()).toEqual({
    items: { field: 1, latch: 1 },
    cents: 26_350,
    shop: "shop-2",
  });
  const ordered = await fetch(url + "/checkout", form("name=Ada&address=here", cookie));
  expect(ordered.headers.get("location")).toMatch(/^\/thanks\?order=shop-1-\d+&name=Ada$/);
  expect(ordered.headers.get("set-cookie")).toMatch(/^cart=;/);
});

test("orders by JSON are taken, and nonsense is not", async () => {
  const before = company.orders.length;
  const post = (body: string) => fetch(url + "/api/orders", { method: "POST", body });
  expect((await post('{"items":{"hinge":2}}')).status).toBe(201);
  for (const body of ["", "{", '{"items":{"hinge":-1}}', '{"items":{"castle":1}}', "null"])
    expect((await post(body)).status).toBe(422);
  expect(company.orders.length).toBe(before + 1);
});

test("a cookie that makes no sense is an empty cart", () => {
  expect(readCart("cart=castle:1.field:0.latch:999; x").size).toBe(0);
  expect(readCart(cartCookie(addToCart(new Map(), "field", 2)).split(";")[0]).get("field")).toBe(2);
  expect(addToCart(new Map([["field", 1]]), "field", -1).size).toBe(0);
});

test("an upload's size and hash are shown, raw and as a form", async () => {
  const bytes = Buffer.from("\r\n--not the boundary\r\n".repeat(5000));
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const raw = await fetch(url + "/upload", { method: "POST", body: bytes });
  expect(await raw.json()).toEqual({ name: "body", bytes: bytes.length, sha256 });
  const form = new FormData();
  form.set("note", "first a field");
  form.set("photo", new Blob([bytes]), "gap.jpg");
  expect(await (await fetch(url + "/upload", { method: "POST", body: form })).json()).toEqual({
    name: "gap.jpg",
    bytes: bytes.length,
    sha256,
  });
  expect(firstFile(Buffer.from("--b\r\nno end"), "b")).toBeNull();
});

test("an upload that says it is too long is refused before it is read", async () => {
  const socket = connect(shop.port, "127.0.0.1");
  socket.write("POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n");
  expect(await textUntil(socket, "too large\n")).toMatch(/^HTTP\/1.1 413/);
  socket.destroy();
});

/** Collects until the text is seen. */
function textUntil(socket: Socket, wanted: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    socket.on("data", function collect(chunk: Buffer) {
      text += chunk.toString("utf8");
      if (text.includes(wanted)) {
        socket.off("data", collect);
        resolve(text);
      }
    });
    socket.on("close", () => reject(new Error("closed after " + text)));
  });
}

test("events stream, go on from Last-Event-ID, and end when the listener leaves", async () => {
  const abort = new AbortController();
  const response = await fetch(url + "/events", { signal: abort.signal, headers: { "last-event-id": "41" } });
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  const reader = response.body!.getReader();
  let text = "";
  while (!text.includes("\n\ndata") && !/data: .*\n\n/.test(text))
    text += Buffer.from((await reader.read()).value!).toString();
  expect(text).toMatch(/id: 42\nevent: stock\ndata: \{"shop":"shop-1","stock":\{"field":\d+/);
  abort.abort();
  await expect.poll(() => shop.lab.deliveriesOf("/events")[0]?.peerLeftAt).not.toBeNull();
});

/** A client's frame. */
function masked(opcode: number, text: string, final = true): Buffer {
  const payload = Buffer.from(text);
  const mask = Buffer.from([1, 2, 3, 4]);
  const body = payload.map((byte, index) => byte ^ mask[index & 3]!);
  return Buffer.concat([Buffer.from([(final ? 0x80 : 0) | opcode, 0x80 | payload.length]), mask, body]);
}

test("the chat answers over a WebSocket: text, fragments, ping, close", async () => {
  const socket = connect(shop.port, "127.0.0.1");
  socket.write(
    "GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  const greeting = await textUntil(socket, "Good day");
  expect(greeting).toContain("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
  socket.write(Buffer.concat([masked(1, "hel", false), masked(9, "p"), masked(0, "lo")]));
  expect(await textUntil(socket, "hard part")).toMatch(/\x01p.*You said “hello”/s);
  const ended = new Promise<void>((resolve) => socket.once("end", () => resolve()));
  socket.write(masked(8, "\x03\u0028"));
  socket.resume();
  await ended;
  socket.destroy();
});

test("a frame is read whatever its split, and violations have their close code", () => {
  expect(acceptKey("dGhlIHNhbXBsZSBub25jZQ==")).toBe("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  const whole = masked(1, "hello");
  for (let cut = 0; cut < whole.length; cut++) expect(readFrame(whole.subarray(0, cut))).toBeNull();
  expect(readFrame(whole)).toMatchObject({ frame: { final: true, opcode: 1, payload: Buffer.from("hello") } });
  expect(readFrame(frameBytes(1, "unmasked"))).toBe(1002);
  expect(readFrame(Buffer.from([0x81, 0xff, 0, 0, 0, 1, 0, 0, 0, 0]))).toBe(1009);
});

test("a break strikes pages, spares the lab, and can be mended at another shop", async () => {
  shop.breakWith("app-500", 60_000);
  expect([(await fetch(url + "/")).status, (await fetch(url + "/lab")).status, shop.state]).toEqual([
    500,
    200,
    "app-500",
  ]);
  const page = await (await fetch(`http://${other.address}/lab`)).text();
  expect(page).toContain('<span class="badge bad">app-500</span>');
  const mended = await fetch(`http://${other.address}/lab/break`, {
    method: "POST",
    body: new URLSearchParams({ shop: "shop-1", fault: "none" }),
  });
  expect(mended.status).toBe(200);
  await expect.poll(() => shop.state).toBe("fine");
  expect((await fetch(url + "/")).status).toBe(200);
});

test("a restart refuses for a while and is back", async () => {
  shop.breakWith("restart", 50);
  expect(shop.state).toBe("down");
  await expect(fetch(url + "/healthz")).rejects.toThrow();
  await expect
    .poll(async () =>
      fetch(url + "/healthz").then(
        (response) => response.status,
        () => 0,
      ),
    )
    .toBe(200);
});

test("a page of another site may not break anything, and what cannot be broken so is refused", async () => {
  const breakBy = async (body: string, fields = "") => {
    const socket = connect(shop.port, "127.0.0.1");
    const head = `POST /lab/break HTTP/1.1\r\nHost: x\r\n${fields}Content-Length: ${body.length}\r\n\r\n`;
    socket.write(head + body);
    const answer = await textUntil(socket, "}\n");
    socket.destroy();
    return answer.slice(9, 12);
  };
  expect(await breakBy("shop=shop-1&fault=refuse", "Sec-Fetch-Site: cross-site\r\n")).toBe("403");
  expect(await breakBy("shop=shop-1&fault=black-hole")).toBe("404");
  expect(await breakBy("shop=shop-9&fault=refuse")).toBe("404");
  expect(shop.state).toBe("fine");
});
