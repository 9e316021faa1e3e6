// What an error of the gateway looks like to whoever asked: a page, problem+json, Markdown or plain text, by Accept;
// nothing of the request is markup or a terminal sequence in it, and nothing of the inside is in it where it should not.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { exchange, type RawResponse, type RunningGateway, startGateway, until } from "./harness.ts";

/** Nothing listens there: the port is a privileged one. */
const DEAD = "127.0.0.1:1";
let gateway: RunningGateway;

beforeAll(async () => {
  gateway = await startGateway({
    log: { access: "access.log", failures: "failures.log" },
    upstreams: { dead: { endpoints: [DEAD] } },
    routes: [
      { path: "/hidden/*", proxy: "dead", errors: { detail: "never" } },
      { path: "/shown/*", proxy: "dead", errors: { detail: "always" } },
    ],
  });
});

afterAll(async () => {
  await gateway?.stop("SIGKILL");
});

const get = (target: string, accept: string | null, fields = ""): Promise<RawResponse> =>
  exchange(
    gateway.port,
    `GET ${target} HTTP/1.1\r\nHost: shop.test\r\n${accept === null ? "" : `Accept: ${accept}\r\n`}${fields}\r\n`,
  );

const HTML = "text/html; charset=utf-8";
const PROBLEM = "application/problem+json";
const MARKDOWN = "text/markdown; charset=utf-8";
const PLAIN = "text/plain; charset=utf-8";

const ACCEPTS: readonly (readonly [accept: string | null, type: string])[] = [
  ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", HTML],
  ["application/json", PROBLEM],
  ["application/problem+json", PROBLEM],
  ["application/json, text/plain, */*", PROBLEM],
  ["text/markdown", MARKDOWN],
  ["text/plain", PLAIN],
  ["*/*", PLAIN],
  [null, PLAIN],
  ["text/html;q=0, application/json;q=0.5", PROBLEM],
  ["text/html;q=0.2, text/markdown;q=0.9", MARKDOWN],
  ["image/png", PLAIN],
  ["", PLAIN],
  [";;;,,,q=1", PLAIN],
];

for (const [accept, type] of ACCEPTS) {
  test(`Accept: ${accept} → ${type}`, async () => {
    const response = await get("/shown/a", accept);
    const id = response.fields.get("x-request-id") ?? "";
    expect(response.status).toBe(502);
    expect(response.fields.get("content-type")).toBe(type);
    expect(response.whole).toBe(true);
    // Length in bytes, also where the text is not ASCII.
    expect(Number(response.fields.get("content-length"))).toBe(response.body.length);
    for (const told of ["connect-refused", id]) expect(response.body.toString()).toContain(told);
    expect(response.fields.get("proxy-status")).toMatch(
      /^goodgate; error=connection_refused; next-hop="127\.0\.0\.1:1"; details="ECONNREFUSED/,
    );
    expect(response.fields.get("retry-after")).toBe("5");
  });
}

test("Accept in two lines is one list (RFC 9110 §5.3)", async () => {
  const { fields } = await get("/shown/a", "image/png", "Accept: application/json\r\n");
  expect(fields.get("content-type")).toBe(PROBLEM);
});

test("problem+json says what RFC 9457 §3.1 asks for", async () => {
  const problem = JSON.parse((await get("/shown/a", PROBLEM)).body.toString()) as Record<string, unknown>;
  expect(problem).toMatchObject({
    status: 502,
    title: "Nothing listens at the upstream address",
    cause: "connect-refused",
    phase: "connect",
    retryable: true,
  });
  expect(problem["type"]).toMatch(/^https:\/\/.+\/reference\/cause\/connect-refused$/);
  expect(problem["instance"]).toMatch(/^urn:goodgate:request:[0-9a-f]{32}$/);
});

test("details are for those whom the configuration names: to others neither address nor error code", async () => {
  for (const accept of [HTML, PROBLEM, MARKDOWN, PLAIN]) {
    const { head, body } = await get("/hidden/a", accept);
    expect(head + body.toString()).not.toMatch(/127\.0\.0\.1|ECONNREFUSED|next-hop|details=/);
    expect(body.toString()).toContain("connect-refused");
    expect((await get("/shown/a", accept)).body.toString()).toMatch(/127\.0\.0\.1/);
  }
});

const MARKUP = "<script>alert(1)</script>\"'><img/src=x>`*_[a](javascript:b)&amp;";

test("markup in the path is text", async () => {
  const target = `/none/${MARKUP}`;
  const html = await get(target, "text/html");
  expect(html.status).toBe(404);
  expect(html.body.toString()).not.toMatch(/<script>alert|<img/);
  expect(html.body.toString()).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
  // What is escaped badly still cannot run: only the page's own script and style do.
  expect(html.fields.get("content-security-policy")).toMatch(
    /^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+';/,
  );
  expect(html.fields.get("x-content-type-options")).toBe("nosniff");
  const problem = (await get(target, PROBLEM)).body.toString();
  expect(problem).not.toContain("<");
  expect(() => JSON.parse(problem)).not.toThrow();
  expect((await get(target, "text/markdown")).body.toString()).not.toMatch(/(?<!\\)<script|(?<!\\)\[a\]\(/);
});

test("a page that was asked for with a hostile id or host tells none of it", async () => {
  const { head, body } = await get(
    "/none",
    "text/html",
    'X-Request-Id: "><script>\r\nReferer: <script>x\r\nUser-Agent: <script>y\r\n',
  );
  expect(head + body.toString()).not.toMatch(/<script>(?:x|y)|"><script>/);
});

test("one request is one line of the log, whatever was in it", async () => {
  const id = "log-1";
  await get(
    '/none/%0d%0a%1b[31m"\\',
    "text/plain",
    `X-Request-Id: ${id}\r\nUser-Agent: a\tb"c\\d \xe4\r\nReferer: {"x":1}\r\n`,
  );
  await exchange(gateway.port, "GET /none HTTP/1.1\r\nHost: h\r\nX-A: \x1b[2J\r\n\r\n", "GET");
  const line = await until(
    () =>
      readFileSync(join(gateway.folder, "access.log"), "latin1")
        .split("\n")
        .find((text) => text.includes(`"${id}"`)),
    2_000,
    () => "no line",
  );
  expect(line).not.toMatch(/[\x00-\x1f\x7f]/);
  expect(JSON.parse(line)).toMatchObject({
    requestId: id,
    status: 404,
    cause: "route-not-found",
    target: '/none/%0d%0a%1b[31m"\\',
  });
  const failures = await until(
    () => readFileSync(join(gateway.folder, "failures.log"), "latin1"),
    2_000,
    () => "no failure line",
  );
  expect(failures).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f]/);
});
