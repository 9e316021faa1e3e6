// What doctor promises whoever it looks at: GET and HEAD only, a bounded number of requests, a bounded time, no secret in
// any report, exit codes that scripts can rely on.
import { readFileSync } from "node:fs";
import type { RequestListener } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { runGoodgate } from "../command.ts";
import { Chain, hello } from "./chain.ts";
import { nginx } from "./programs.ts";
import { lacks } from "./run.ts";
import { nginxSite, nginxTime, slow, status } from "./shapes.ts";

const SECRETS = ["s3cr3t-cookie", "s3cr3t-token", "s3cr3t-query", "s3cr3t-basic"];
const TIMEOUT = ["--timeout", "3s"];

let chain: Chain;
beforeEach(() => {
  chain = new Chain();
});
afterEach(() => chain.close());

/** An application that remembers what it was asked. */
async function watched(listener: RequestListener = hello) {
  const asked: string[] = [];
  const app = await chain.app((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    listener(request, response);
  });
  return { asked, app };
}

describe("requests are few and harmless", () => {
  test.each([
    ["by default", [], 10],
    ["--requests 4", ["--requests", "4"], 4],
  ])("%s", async (_, more, most) => {
    const { asked, app } = await watched();
    const { code } = await runGoodgate(["doctor", `http://${app.address}/cart`, ...TIMEOUT, "--json", ...more]);
    expect(code).toBe(0);
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.length).toBeLessThanOrEqual(most);
    expect(asked.filter((line) => !/^(?:GET|HEAD) \/cart$/.test(line))).toEqual([]);
  });

  test("an origin beside the address has a count of its own", async () => {
    const { asked, app } = await watched(status(500));
    const origin = await watched(status(500));
    const words = ["doctor", `http://${app.address}/`, "--origin", origin.app.address, "--requests", "5"];
    const { code } = await runGoodgate([...words, ...TIMEOUT, "--json"]);
    expect(code).toBe(1);
    expect(asked.length).toBeLessThanOrEqual(5);
    expect(origin.asked.length).toBeGreaterThan(0);
    expect(origin.asked.length).toBeLessThanOrEqual(5);
  });

  test("nothing of one address is sent to another that it redirects to", async () => {
    let fields: NodeJS.Dict<string | string[]> = {};
    const elsewhere = await chain.app((request, response) => {
      fields = request.headers;
      hello(request, response);
    });
    const app = await chain.app((_, response) => {
      response
        .writeHead(302, { Location: `http://${elsewhere.address}/`, "Set-Cookie": "session=s3cr3t-cookie" })
        .end();
    });
    await runGoodgate(["doctor", `http://${app.address}/`, ...TIMEOUT, "--json"]);
    expect(fields["cookie"]).toBeUndefined();
    expect(fields["authorization"]).toBeUndefined();
    expect(fields["host"]).toBe(elsewhere.address);
  });
});

test("a server that never answers takes no longer than the time that was given", async () => {
  const app = await chain.app(slow(60_000));
  const began = performance.now();
  const { code } = await runGoodgate(["doctor", `http://${app.address}/`, ...TIMEOUT]);
  expect(code).toBe(1);
  // Starting the program is not part of it.
  expect(performance.now() - began).toBeLessThan(8_000);
});

describe.skipIf(lacks(["nginx"]) !== null)("no secret is shown", () => {
  test.each([["--json"], ["--markdown"], ["--verbose"]])("%s", async (form) => {
    const app = await chain.app((_, response) => {
      response.setHeader("Set-Cookie", "session=s3cr3t-cookie; HttpOnly");
      response.writeHead(500).end("<h1>Something went wrong</h1>");
    });
    const edge = await nginx(chain, nginxSite([app]));
    const request = 'request: "GET /cart?token=s3cr3t-token HTTP/1.1", upstream: "http://127.0.0.1:3000/"';
    const line = `[error] 7#7: *1 connect() failed (111: Connection refused) while connecting to upstream, ${request}\n`;
    const bearer = '203.0.113.9 - - "GET / HTTP/1.1" 502 "Authorization: Basic s3cr3t-basic"\n';
    const log = chain.file("shared.log", `${nginxTime(60_000)} ${line}${bearer}`);
    const files = ["--config", edge.config, "--log", log, "--log", edge.logs[0]!];
    const html = chain.path("report.html");
    const words = [
      "doctor",
      `http://${edge.address}/?api_key=s3cr3t-query`,
      ...files,
      ...TIMEOUT,
      form,
      "--html",
      html,
    ];
    const { code, stdout, stderr } = await runGoodgate(words);
    expect(code, stderr).toBe(1);
    const all = `${stdout}${stderr}${readFileSync(html, "utf8")}`;
    expect(all).toContain("500");
    for (const secret of SECRETS) expect(all.includes(secret), secret).toBe(false);
  });
});

test("an address with a fault is 1, a well one 0, without anything to look at 2", async () => {
  const [well, ill, away] = [await chain.app(), await chain.app(status(500)), await chain.nowhere()];
  const codes = await Promise.all(
    [`http://${well.address}/`, `http://${ill.address}/`, `http://${away.address}/`, "http://"].map(async (url) => {
      return (await runGoodgate(["doctor", url, ...TIMEOUT])).code;
    }),
  );
  expect(codes).toEqual([0, 1, 1, 2]);
});
