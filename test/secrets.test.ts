// Secrets stay where they are: each place of a request, of an upstream's answer and of the configuration holds one of
// its own, the real program fails with them in every way, and then all that it wrote, told or answers is searched: files
// of the store, the program's log with its failures, the API, its streams, Markdown, metrics, webhooks, spans. Not one
// may be found anywhere. The access log is left out: it says what was asked for, in the form that its operator chose.
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OtlpReceiver } from "../src/observe/traces/otlp-receiver.fixture.ts";
import { pause, RawClient, type RunningGateway, startGateway, until } from "./harness.ts";
import { type RawUpstream, rawResponse, startRawUpstream } from "./raw-upstream.ts";

/** Every secret that was planted, by where. */
const planted = new Map<string, string>();

/** A secret that nothing else has; `form` gives it the look that its place needs. */
function secret(where: string, form: (random: string) => string = (random) => random): string {
  const made = form(createHash("sha256").update(`goodgate ${where}`).digest("hex").slice(0, 32));
  planted.set(where, made);
  return made;
}

const jwtOf = (random: string): string =>
  `eyJhbGciOiJIUzI1NiJ9.${Buffer.from(`{"sub":"${random.slice(0, 12)}"}`).toString("base64url")}.${random}`;
const base64Of = (random: string): string => Buffer.from(`user:${random}`).toString("base64");

const TOKEN = secret("the console's token");
const READ_TOKEN = secret("the console's reading token");
const WRONG_TOKEN = secret("a wrong token");

/** Targets with secrets in path, query and fragment. */
const TARGETS = [
  `/cart?token=${secret("query token")}&page=2`,
  `/cart?q=${secret("query without a telling name")}`,
  `/cart?${secret("query without a name")}`,
  `/cart?next=https%3A%2F%2Fshop.example%2F%3Fcode%3D${secret("query in a query")}`,
  `/cart?a=1#access_token=${secret("fragment")}`,
  `/reset-password/${secret("reset link")}`,
  `/cart;jsessionid=${secret("path parameter")}`,
  `/t/${secret("JWT in the path", jwtOf)}/x`,
  `/hook/${secret("key of a service in the path", (random) => `ghp_${random}abcd`)}`,
  `/cart%3Ftoken=${secret("encoded question mark")}`,
  `/bot1234567890:${secret("bot token", (random) => `AA${random}abc`)}/sendMessage`,
];

const REQUEST_FIELDS = [
  `Authorization: Bearer ${secret("bearer token", jwtOf)}`,
  `Proxy-Authorization: Basic ${secret("proxy password", base64Of)}`,
  `Cookie: theme=dark; session=${secret("session cookie")}; id=${secret("cookie without a telling name")}`,
  `X-Api-Key: ${secret("API key")}`,
  `X-Auth-Token: ${secret("auth token")}`,
  `X-Amz-Security-Token: ${secret("security token")}`,
  `Private-Token: ${secret("private token")}`,
  `User-Agent: agent/1.0 (token=${secret("token in the user agent")}) key ${secret("JWT in the user agent", jwtOf)}`,
  `Referer: https://shop.example/a?code=${secret("query of the referer")}#id_token=${secret("fragment of the referer")}`,
  `X-Original-Url: /login?password=${secret("password in another field")}`,
  `X-Forwarded-Uri: https://me:${secret("password in a URL of a field")}@shop.example/`,
];

const RESPONSE_FIELDS = [
  `Set-Cookie: session=${secret("cookie that is set")}; Path=/; HttpOnly`,
  `Location: https://shop.example/callback?code=${secret("code in Location")}&state=${secret("state in Location")}`,
  `X-Api-Key: ${secret("API key of a response")}`,
  `Proxy-Status: edge; error=connection_refused; details="token=${secret("details of Proxy-Status")}"`,
  `X-Debug: password=${secret("password in a field of a response")}`,
  `Server: app (Bearer ${secret("bearer in Server", jwtOf)})`,
].join("\r\n");

/** What the upstream does, by the last word of the user agent's field X-Do. */
const WAYS = ["error", "cut", "malformed", "badLength", "short", "reset", "fine"] as const;
type Way = (typeof WAYS)[number];

function answerOf(way: Way): string | null {
  const body = `{"password":"${planted.get("body") ?? secret("body")}"}`;
  switch (way) {
    case "error":
      return rawResponse(body, `${RESPONSE_FIELDS}\r\n`, "500 Internal Server Error");
    case "malformed":
      return `HTTP/1.1 200 OK\r\nX-Token ${planted.get("malformed line") ?? secret("malformed line")}\r\n\r\n`;
    case "badLength":
      return `HTTP/1.1 200 OK\r\n${RESPONSE_FIELDS}\r\nContent-Length: 5x\r\n\r\nhello`;
    case "short":
      return `HTTP/1.1 200 OK\r\n${RESPONSE_FIELDS}\r\nContent-Length: 500\r\n\r\nhello`;
    case "fine":
      return rawResponse(body, `${RESPONSE_FIELDS}\r\n`, "302 Found");
    default:
      return null;
  }
}

let gateway: RunningGateway;
let upstream: RawUpstream;
let hooks: Server;
let receiver: OtlpReceiver;
let folder: string;
/** Texts by where they were found. */
const found: { readonly where: string; readonly text: string }[] = [];
const told: string[] = [];

async function api(path: string, options: RequestInit = {}): Promise<string> {
  const headers = { "content-type": "application/json", authorization: `Bearer ${TOKEN}` };
  const answer = await fetch(new URL(path, gateway.consoleUrl!), { headers, ...options });
  const text = await answer.text();
  found.push({ where: `${path} (${answer.status})`, text });
  return text;
}

/** Reads a stream until `signal`. */
async function follow(path: string, signal: AbortSignal): Promise<void> {
  try {
    const answer = await fetch(new URL(path, gateway.consoleUrl!), {
      headers: { authorization: `Bearer ${TOKEN}` },
      signal,
    });
    for await (const part of answer.body!) found.push({ where: path, text: Buffer.from(part).toString() });
  } catch (error) {
    // The test stops it.
    if (!signal.aborted) throw error;
  }
}

async function closedPort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function send(target: string, way: Way | "refused"): Promise<void> {
  const client = new RawClient(gateway.port);
  const host = way === "refused" ? "gone.example" : "shop.example";
  client.send(
    `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nX-Do: ${way}\r\n${REQUEST_FIELDS.join("\r\n")}\r\nConnection: close\r\n\r\n`,
  );
  await Promise.race([client.closed, pause(5_000)]);
  client.close();
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "goodgate-secrets-"));
  writeFileSync(join(folder, "token"), TOKEN);
  writeFileSync(join(folder, "read-token"), READ_TOKEN);
  upstream = await startRawUpstream((request, socket) => {
    const way = (/\r\nx-do: (\w+)/i.exec(request)?.[1] ?? "fine") as Way;
    const answer = answerOf(way);
    if (way === "cut") socket.end();
    else if (way === "reset") socket.resetAndDestroy();
    else if (way === "short") socket.end(answer ?? "", "latin1");
    return way === "short" ? null : answer;
  });
  hooks = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      told.push(body);
      response.end();
    });
  });
  await new Promise<void>((resolve) => hooks.listen(0, "127.0.0.1", resolve));
  const hookUrl = `http://127.0.0.1:${(hooks.address() as AddressInfo).port}/hook`;
  receiver = new OtlpReceiver();
  const gone = await closedPort();
  const retry = { retry: { attempts: 1 } };
  gateway = await startGateway(
    {
      console: {
        address: "127.0.0.1:0",
        "token-file": join(folder, "token"),
        "read-token-file": join(folder, "read-token"),
      },
      upstreams: {
        shop: { endpoints: [upstream.address], ...retry },
        gone: { endpoints: [`127.0.0.1:${gone}`], hold: "off", ...retry },
      },
      routes: [
        { host: "gone.example", path: "/*", proxy: "gone" },
        { path: "/*", proxy: "shop" },
      ],
      webhooks: [
        {
          url: `${hookUrl}?token=${secret("query of a webhook")}`,
          secret: secret("key of a webhook"),
          severity: "notice",
          on: ["opened", "closed"],
        },
        { url: `${hookUrl}?key=${secret("query of a Slack webhook")}`, format: "slack", severity: "notice" },
      ],
      traces: {
        to: await receiver.start(),
        sample: "100%",
        headers: { "x-api-key": secret("key of the collector") },
      },
    },
    ["--data", join(folder, "data")],
  );
}, 60_000);

afterAll(async () => {
  await gateway?.stop();
  await upstream?.close();
  await receiver?.close();
  hooks?.close();
  hooks?.closeAllConnections();
  rmSync(folder, { recursive: true, force: true });
});

describe("secrets of requests, answers and the configuration", () => {
  test("are found nowhere", { timeout: 150_000 }, async () => {
    const stop = new AbortController();
    const streams = [follow("/api/v1/live", stop.signal), follow("/api/v1/tail", stop.signal)];
    await api("/api/v1/session", { method: "POST", body: JSON.stringify({ token: WRONG_TOKEN }) });
    await api(`/api/v1/now?token=${WRONG_TOKEN}`);
    await api("/api/v1/now", { headers: { authorization: `Bearer ${WRONG_TOKEN}` } });
    for (let round = 0; round < 3; round++) {
      for (const target of TARGETS) {
        await Promise.all([...WAYS, "refused" as const].map((way) => send(target, way)));
      }
    }
    await until(
      () => told.length >= 2,
      60_000,
      () => `no webhook was told; the program said:\n${gateway.output()}`,
    );
    // The store and the spans are written behind the traffic.
    await pause(2_500);
    await lookAtApi();
    stop.abort();
    await Promise.all(streams);
    found.push(...told.map((text) => ({ where: "webhook", text })));
    found.push(...receiver.bodies.map((text) => ({ where: "spans", text })));
    found.push({ where: "the program's log", text: gateway.output() });
    const data = join(folder, "data");
    const files = readdirSync(data, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) {
      const path = join(file.parentPath, file.name);
      found.push({ where: path.slice(data.length), text: readFileSync(path, "latin1") });
    }
    // What was looked at is what was meant: each kind of place told of the requests.
    for (const where of ["/api/v1/tail", "/api/v1/live", "webhook", "spans", "the program's log"]) {
      expect(
        found.some((one) => one.where === where && one.text.length > 0),
        where,
      ).toBe(true);
    }
    expect(found.some(({ where, text }) => where.endsWith("sqlite") || text.startsWith("SQLite format"))).toBe(true);
    const leaks = found.flatMap(({ where, text }) =>
      [...planted].flatMap(([what, value]) => {
        const at = [value, encodeURIComponent(value)].map((form) => text.indexOf(form)).find((index) => index >= 0);
        return at === undefined ? [] : [`${what} in ${where}: ${text.slice(Math.max(0, at - 80), at + 12)}`];
      }),
    );
    expect([...new Set(leaks)]).toEqual([]);
  });
});

/** Everything that the console answers. */
async function lookAtApi(): Promise<void> {
  const incidents = JSON.parse(await api("/api/v1/incidents?limit=100")) as { items: { id: string }[] };
  expect(incidents.items.length).toBeGreaterThan(0);
  for (const { id } of incidents.items) {
    await api(`/api/v1/incidents/${id}`);
    await api(`/api/v1/incidents/${id}.md`);
  }
  const failures = JSON.parse(await api("/api/v1/failures?limit=500")) as { items: { id: string }[] };
  expect(failures.items.length).toBeGreaterThan(10);
  for (const { id } of failures.items.slice(0, 40)) {
    await api(`/api/v1/failures/${id}`);
    await api(`/api/v1/failures/${id}.md`);
    await api(`/api/v1/failures/${id}/replay`, { method: "POST", body: "{}" });
  }
  const lists = ["now", "paths", "points?kind=route", "marks", "audit", "config", "gateways", "store", "session"];
  for (const path of lists) await api(`/api/v1/${path}`);
  for (const path of ["/metrics", "/api/avoided", "/api/events", "/readyz"]) await api(path);
}
