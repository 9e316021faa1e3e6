// Which upstream a request goes to, and with which path: what is routed on is what is forwarded, however it was
// spelt. Hosts, methods, strip and rewrite, redirects and fixed responses with their placeholders.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { exchange, type RawResponse, type RunningGateway, startGateway } from "./harness.ts";
import { type RawUpstream, rawResponse, startRawUpstream } from "./raw-upstream.ts";

let open: RawUpstream;
let guarded: RawUpstream;
let gateway: RunningGateway;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "goodgate-routing-"));
  writeFileSync(
    join(folder, "503.html"),
    "<h1>{status} {title}</h1><p>{request.id} {cause} {unknown}</p><style>a{b:c}</style>",
  );
  writeFileSync(join(folder, "4xx.html"), "<p>four hundred and something: {status}</p>");
  open = await startRawUpstream((request) => rawResponse(`open ${request.split(" ")[1]}`));
  guarded = await startRawUpstream((request) => rawResponse(`guarded ${request.split(" ")[1]}`));
  const pages = { "503": join(folder, "503.html"), "4xx": join(folder, "4xx.html") };
  gateway = await startGateway({
    upstreams: { open: open.address, guarded: guarded.address, absent: { endpoints: [] } },
    routes: [
      { path: "/admin/*", proxy: "guarded" },
      { path: "/app/*", strip: "/app", proxy: "open" },
      { path: "/v1/*", strip: "/v1", rewrite: "/v2{path}", proxy: "open" },
      { path: "/shop/*/cart", rewrite: "/cart/{path.1}", proxy: "open" },
      { path: "~ ^/item-(\\d+)$", rewrite: "/items/{path.1}", proxy: "open" },
      { path: "/old/*", redirect: { to: "https://{request.host}/new{request.path}", status: 308 } },
      { path: "/old-with-query", redirect: "/new?fixed=1" },
      { path: "/header-redirect", redirect: "/{request.header.X-To}" },
      {
        path: "/hello",
        respond: {
          status: 203,
          type: "text/html",
          body: "{request.method} {request.host} {client.ip} {request.header.x-a} {request.cookie.c} {{",
        },
      },
      { path: "/empty", respond: 204 },
      {
        path: "/typed",
        respond: "{}",
        response: { headers: { set: { "Content-Type": "application/json", Date: "never" }, remove: ["Vary"] } },
      },
      { path: "/cached", proxy: "absent", response: { headers: { set: { "Cache-Control": "max-age=60" } } } },
      { path: "/method", method: "POST", respond: "posted" },
      { path: "/method", method: ["GET", "PUT"], respond: "got" },
      { path: "/exact", respond: "exact" },
      { path: "/absent", proxy: "absent", errors: { pages } },
      { path: "/host", host: "a.test", respond: "a" },
      { path: "/host", host: "*.b.test", respond: "any b" },
      { path: "/host", host: "c.b.test", respond: "c" },
      { path: "/host", respond: "other" },
      { path: "/", proxy: "open" },
    ],
  });
});

afterAll(async () => {
  await gateway?.stop("SIGKILL");
  await open?.close();
  await guarded?.close();
  rmSync(folder, { recursive: true, force: true });
});

const get = (target: string, fields = "", host = "shop.test"): Promise<RawResponse> =>
  exchange(gateway.port, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`);
const text = async (...request: Parameters<typeof get>): Promise<string> => (await get(...request)).body.toString();

// RFC 3986 §6.2.2: spellings of one path. Where the route sees another path than the application, rules are passed by.
const SPELLINGS: readonly (readonly [string, string])[] = [
  ["/admin", "guarded /admin"],
  ["/admin/", "guarded /admin/"],
  ["/%61dmin/x", "guarded /admin/x"],
  ["/%61%64%6d%69%6E", "guarded /admin"],
  ["/./admin/x", "guarded /admin/x"],
  ["/x/../admin/x", "guarded /admin/x"],
  ["/x/%2e%2e/admin/x", "guarded /admin/x"],
  ["/x/.%2E/admin/x", "guarded /admin/x"],
  ["/../../admin/x", "guarded /admin/x"],
  ["/admin/..", "open /"],
  ["/admin/../x", "open /x"],
  ["/admin/%2e%2e/x", "open /x"],
  ["/admin/.", "guarded /admin/"],
  ["/admin/..;/x", "guarded /admin/..;/x"],
  ["/administrator", "open /administrator"],
  // Another meaning, and so another path: nothing is decoded that is not the same either way (RFC 3986 §2.2).
  ["/x/..%2fadmin", "open /x/..%2Fadmin"],
  ["/%2fadmin", "open /%2Fadmin"],
  ["//admin/x", "open //admin/x"],
  ["/x//../admin", "open /x/admin"],
  ["/admin%2fx", "open /admin%2Fx"],
  ["/ADMIN/x", "open /ADMIN/x"],
  ["/%25%36%31dmin", "open /%2561dmin"],
  ["/a%20b%c3%a4?c=%20%2e%2e/&d=/../x", "open /a%20b%C3%A4?c=%20%2e%2e/&d=/../x"],
  ["/a?b?c=/", "open /a?b?c=/"],
  ["/?", "open /?"],
];

for (const [target, expected] of SPELLINGS) {
  test(`${target} → ${expected}`, async () => {
    expect(await text(target)).toBe(expected);
    // The same as an absolute form (RFC 9112 §3.2.2).
    expect(await text(`http://shop.test${target}`)).toBe(expected);
  });
}

test("%00 and malformed triplets go nowhere", async () => {
  const before = open.requests.length + guarded.requests.length;
  for (const target of ["/admin%00", "/%00/../admin", "/%", "/%4", "/%g1", "/a%0"])
    expect((await get(target)).status, target).toBe(400);
  expect(open.requests.length + guarded.requests.length).toBe(before);
});

test("what is in the log is what was received", async () => {
  await get("/x/../admin/%61?q=%2e", "X-Request-Id: routing-1\r\n");
  expect(await gateway.entryOf("routing-1")).toMatchObject({
    target: "/x/../admin/%61?q=%2e",
    upstream: "guarded",
    status: 200,
  });
});

test("strip takes whole segments, and leaves a path", async () => {
  expect(await text("/app/x?y")).toBe("open /x?y");
  expect(await text("/app")).toBe("open /");
  expect(await text("/app/")).toBe("open /");
  expect(await text("/app?y")).toBe("open /?y");
  expect(await text("/apple")).toBe("open /apple");
  expect(await text("/app/../admin")).toBe("guarded /admin");
  // "//host" would be an authority to whoever resolves it (RFC 3986 §4.2); as an origin-form it is a path, and stays one.
  expect(await text("/app//x")).toBe("open //x");
});

test("rewrite, behind strip, with what the pattern matched; the query goes on", async () => {
  expect(await text("/v1/users?id=1")).toBe("open /v2/users?id=1");
  expect(await text("/v1")).toBe("open /v2/");
  expect(await text("/shop/blue%20one/cart")).toBe("open /cart/blue%20one");
  expect(await text("/item-42?x")).toBe("open /items/42?x");
  expect(await text("/item-x")).toBe("open /item-x");
});

test("redirects keep the query unless they have their own", async () => {
  const moved = await get("/old/a?b=c", "", "Shop.Test:8080");
  expect([moved.status, moved.fields.get("location")]).toEqual([308, "https://Shop.Test/new/old/a?b=c"]);
  expect(moved.whole).toBe(true);
  const fixed = await get("/old-with-query?b=c");
  expect([fixed.status, fixed.fields.get("location")]).toEqual([302, "/new?fixed=1"]);
});

test("nothing of a request can begin another line of the response", async () => {
  const { head, fields } = await get("/header-redirect", "X-To: a\tb\r\n");
  expect(fields.get("location")).toBe("/a%09b");
  expect(head.split("\r\n").filter((line) => /^set-cookie/i.test(line))).toEqual([]);
  // Path bytes that are not decoded stay encoded.
  expect((await get("/old/%0d%0aSet-Cookie:%20a=b")).fields.get("location")).toBe(
    "https://shop.test/new/old/%0d%0aSet-Cookie:%20a=b",
  );
});

test("fixed responses: status, type, placeholders; 204 has no body and no length", async () => {
  const hello = await get("/hello", "X-A: <b>\r\nCookie: b=1; c=d%20e\r\n", "shop.test:81");
  expect([hello.status, hello.fields.get("content-type")]).toEqual([203, "text/html"]);
  expect(hello.body.toString()).toBe("GET shop.test 127.0.0.1 <b> d%20e {");
  const empty = await get("/empty");
  expect(empty.status).toBe(204);
  expect(empty.fields.has("content-length")).toBe(false);
  expect(empty.fields.has("proxy-status")).toBe(false);
});

test("a field that a route sets is there once, also in what the gateway answers itself (RFC 9110 §5.3)", async () => {
  const { fields } = await get("/typed");
  expect(fields.get("content-type")).toBe("application/json");
  expect(fields.get("date")).toBe("never");
  // An error must not be kept by a cache because the pages of its route may be.
  expect((await get("/cached")).fields.get("cache-control")).toBe("no-store");
});

test("status lines of the gateway have the registered reason phrases", async () => {
  const phrase = async (target: string) => (await get(target)).head.split("\r\n")[0];
  expect(await phrase("/old-with-query")).toBe("HTTP/1.1 302 Found");
  expect(await phrase("/old/a")).toBe("HTTP/1.1 308 Permanent Redirect");
  expect(await phrase("/exact")).toBe("HTTP/1.1 200 OK");
  expect(await phrase("/empty")).toBe("HTTP/1.1 204 No Content");
});

test("a rewrite or redirect that is no ASCII is refused at load, or encoded (RFC 3986 §2.1)", async () => {
  const routes = [
    { path: "/rewrite", rewrite: "/ü", proxy: "open" },
    { path: "/redirect", redirect: "/ü" },
  ];
  const other = await startGateway({ upstreams: { open: open.address }, routes }).catch(() => null);
  if (!other) return;
  try {
    const from = async (path: string) => exchange(other.port, `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`);
    expect((await from("/rewrite")).body.toString()).toBe("open /%C3%BC");
    expect((await from("/redirect")).fields.get("location")).toBe("/%C3%BC");
  } finally {
    await other.stop("SIGKILL");
  }
});

test("methods: the route that fits; GET covers HEAD; none that fits leaves it to the next", async () => {
  expect(await text("/method")).toBe("got");
  const by = async (method: string) =>
    (await exchange(gateway.port, `${method} /method HTTP/1.1\r\nHost: h\r\n\r\n`, "GET")).body.toString();
  expect(await by("POST")).toBe("posted");
  expect(await by("PUT")).toBe("got");
  expect(await by("DELETE")).toBe("open /method");
  expect((await exchange(gateway.port, "HEAD /method HTTP/1.1\r\nHost: h\r\n\r\n")).fields.get("content-length")).toBe(
    "3",
  );
});

test("hosts: the most specific, without port, case and final dot; the absolute form's before Host", async () => {
  const at = (host: string) => text("/host", "", host);
  expect(await at("a.test")).toBe("a");
  expect(await at("A.TEST:8080")).toBe("a");
  expect(await at("a.test.")).toBe("a");
  expect(await at("x.b.test")).toBe("any b");
  expect(await at("x.y.b.test")).toBe("any b");
  expect(await at("c.b.test")).toBe("c");
  expect(await at("b.test")).toBe("other");
  expect(await at("xa.test")).toBe("other");
  expect(await text("http://a.test/host", "", "c.b.test")).toBe("a");
});

test("own pages for people, filled in and escaped; programs get what they ask for", async () => {
  const page = await get("/absent", "Accept: text/html\r\nX-Request-Id: own-1\r\n");
  expect(page.status).toBe(503);
  expect(page.fields.get("content-type")).toBe("text/html; charset=utf-8");
  expect(page.body.toString()).toBe(
    "<h1>503 Service Unavailable</h1><p>own-1 backend-absent {unknown}</p><style>a{b:c}</style>",
  );
  expect(page.fields.get("proxy-status")).toContain("error=destination_unavailable");
  const problem = await get("/absent", "Accept: application/json\r\n");
  expect(problem.fields.get("content-type")).toBe("application/problem+json");
  const large = await exchange(
    gateway.port,
    "OPTIONS /absent HTTP/1.1\r\nHost: h\r\nAccept: text/html\r\nMax-Forwards: 0\r\n\r\n",
  );
  expect([large.status, large.body.toString()]).toEqual([403, "<p>four hundred and something: 403</p>"]);
});
