import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import type { WebhookConfig } from "../config/observability.ts";
import type { Incident } from "../incidents/model.ts";
import { Metrics } from "../observe/metrics.ts";
import { verify } from "./signature.ts";
import { type WebhookOptions, Webhooks } from "./webhooks.ts";

const WALL = Date.parse("2026-11-22T12:00:00Z");

interface Got {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}
type Answer = { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string } | "never";

/** A receiver on loopback that answers what `answers` says, then 204. */
class Receiver {
  readonly got: Got[] = [];
  answers: Answer[] = [];
  #server: Server | null = null;
  port = 0;

  async start(): Promise<string> {
    this.#server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => {
        body += chunk.toString("utf8");
      });
      request.on("end", () => {
        this.got.push({ path: request.url ?? "", headers: request.headers, body });
        const answer = this.answers.shift() ?? { status: 204 };
        if (answer === "never") return;
        response.writeHead(answer.status, answer.headers).end(answer.body);
      });
    });
    this.#server.listen(this.port, "127.0.0.1");
    await once(this.#server, "listening");
    this.port = (this.#server.address() as AddressInfo).port;
    return `http://127.0.0.1:${this.port}/hooks/T0/SECRETPATH`;
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (!server) return;
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  }
}

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

interface Running {
  readonly receiver: Receiver;
  readonly webhooks: Webhooks;
  readonly lines: string[];
}

async function start(config: Partial<WebhookConfig> = {}, options: WebhookOptions = {}): Promise<Running> {
  const receiver = new Receiver();
  const url = await receiver.start();
  const lines: string[] = [];
  const note = (message: string) => void lines.push(message);
  const webhooks = new Webhooks(
    [
      {
        url,
        format: "json",
        secret: "s3cret",
        on: ["opened", "closed"],
        severity: "degraded",
        consoleUrl: "https://gate.example/",
        ...config,
      },
    ],
    { id: "g1", name: "edge" },
    { gatherMs: 1, waitsMs: [1, 1, 1, 1, 1], wallClock: () => WALL, log: { info: note, warn: note }, ...options },
  );
  cleanUps.push(
    () => receiver.close(),
    () => webhooks.close(0),
  );
  return { receiver, webhooks, lines };
}

function incident(changes: Partial<Incident> = {}): Incident {
  return {
    id: "i0000000001abcd",
    gateway: "g1",
    openedAt: WALL - 90_000,
    lastAt: WALL,
    closedAt: null,
    severity: "outage",
    cause: "connect-refused",
    causes: { "connect-refused": 12 },
    phase: "connect",
    fault: ["upstream"],
    upstream: "app",
    routes: { shop: 12 },
    endpoints: { "10.0.0.7:3000": 12 },
    counts: {
      failures: 12,
      shown: 7,
      cut: 0,
      clientLeft: 0,
      passed: 0,
      held: 2,
      queued: 0,
      retried: 1,
      failedOver: 2,
      requests: 40,
      clients: 5,
    },
    series: { fromAt: WALL, stepMs: 1000, shown: [], saved: [] },
    methods: {},
    paths: {},
    hosts: {},
    statuses: {},
    verdict: {
      sentence: "app-2 (10.0.0.7:3000) refuses connections since 12:01:33: the process is not listening",
      short: "app-2 refuses connections",
      pattern: "process-down",
      confidence: "likely",
      reasons: ["every connect was refused", "app-1 is well"],
      settle: [],
      fixes: [{ text: "Start the process on app-2", code: "systemctl start app", language: "shell" }],
      alternatives: [],
      entry: "connect-refused",
    },
    timeline: [],
    ...changes,
  };
}

async function until(is: () => boolean): Promise<void> {
  while (!is()) await new Promise((resolve) => setTimeout(resolve, 2));
}

test("an incident is told with its links, and the signature can be checked", async () => {
  const { receiver, webhooks } = await start();
  webhooks.tell("opened", incident());
  await until(() => receiver.got.length === 1);
  const { headers, body } = receiver.got[0]!;
  const signature = String(headers["x-goodgate-signature"]);
  expect(verify("s3cret", body, signature, WALL)).toBe(true);
  expect(verify("s3cret", `${body} `, signature, WALL)).toBe(false);
  expect(verify("other", body, signature, WALL)).toBe(false);
  expect(verify("s3cret", body, signature, WALL + 301_000)).toBe(false);
  expect(headers).toMatchObject({ "content-type": "application/json", "x-goodgate-event": "incident.opened" });
  expect(JSON.parse(body)).toMatchObject({
    version: 1,
    event: "incident.opened",
    delivery: headers["x-goodgate-delivery"],
    at: "2026-11-22T12:00:00.000Z",
    gateway: { id: "g1", name: "edge" },
    incident: { id: "i0000000001abcd", severity: "outage", counts: { shown: 7 } },
    links: {
      incident: "https://gate.example/incidents/i0000000001abcd",
      reference: "https://gate.example/reference/cause/connect-refused",
    },
  });
});

test("without a secret there is no signature; credentials of the address become a field", async () => {
  const { receiver, webhooks } = await start({ secret: "" });
  const other = new Webhooks(
    [
      {
        url: `http://me:p%40ss@127.0.0.1:${receiver.port}/x`,
        format: "json",
        secret: "",
        on: ["opened"],
        severity: "notice",
        consoleUrl: null,
      },
    ],
    { id: "g", name: "g" },
    { gatherMs: 1 },
  );
  cleanUps.push(() => other.close(0));
  webhooks.tell("opened", incident());
  other.tell("opened", incident());
  await until(() => receiver.got.length === 2);
  const [plain, authorised] = receiver.got.toSorted((a) => (a.headers.authorization ? 1 : -1));
  expect(plain!.headers).not.toHaveProperty("x-goodgate-signature");
  expect(authorised!.headers.authorization).toBe(`Basic ${Buffer.from("me:p@ss").toString("base64")}`);
  expect(JSON.parse(authorised!.body).links).toEqual({ incident: null, reference: null });
});

test("severity and events decide who is told; whoever heard of the opening hears of the closing", async () => {
  const { receiver, webhooks } = await start({ severity: "degraded" });
  webhooks.tell("opened", incident({ id: "saved", severity: "saved" }));
  webhooks.tell("closed", incident({ id: "saved", severity: "saved" }));
  webhooks.tell("opened", incident({ id: "grows", severity: "saved" }));
  webhooks.tell("opened", incident({ id: "grows", severity: "outage" }));
  webhooks.tell("opened", incident({ id: "grows", severity: "outage" }));
  webhooks.tell("closed", incident({ id: "grows", severity: "saved", closedAt: WALL }));
  await until(() => receiver.got.length === 2);
  expect(receiver.got.map(({ body }) => [JSON.parse(body).event, JSON.parse(body).incident.id])).toEqual([
    ["incident.opened", "grows"],
    ["incident.closed", "grows"],
  ]);
  const closings = await start({ on: ["closed"] });
  closings.webhooks.tell("opened", incident());
  closings.webhooks.tell("closed", incident({ closedAt: WALL }));
  await until(() => closings.receiver.got.length === 1);
  expect(closings.receiver.got[0]!.headers["x-goodgate-event"]).toBe("incident.closed");
});

test("500 is tried again with the same id; then it is told, and said so", async () => {
  const { receiver, webhooks, lines } = await start();
  receiver.answers = [{ status: 500, body: "oops\u001b[31m".repeat(100) }, { status: 429 }];
  webhooks.tell("opened", incident());
  await until(() => webhooks.state()[0]!.delivered === 1);
  expect(receiver.got).toHaveLength(3);
  expect(new Set(receiver.got.map(({ headers }) => headers["x-goodgate-delivery"])).size).toBe(1);
  expect(lines.join("\n")).toMatch(/answered 500: oops/);
  expect(lines.join("\n")).not.toMatch(/SECRETPATH|\u001b/);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(400);
  expect(lines.at(-1)).toContain("takes messages again");
});

test("a receiver that is not there yet is tried again until it is", async () => {
  const { receiver, webhooks, lines } = await start({}, { waitsMs: [5, 5, 5000, 1, 1], random: () => 0 });
  await receiver.close();
  webhooks.tell("opened", incident());
  await until(() => webhooks.state()[0]!.lastError !== null);
  expect(webhooks.state()[0]!.lastError).toBe("cannot be reached (ECONNREFUSED)");
  await receiver.start();
  await until(() => webhooks.state()[0]!.delivered === 1);
  expect(lines.join("\n")).not.toContain("SECRETPATH");
});

test("Retry-After is honoured", async () => {
  const { receiver, webhooks } = await start();
  receiver.answers = [{ status: 503, headers: { "retry-after": "1" } }];
  const began = performance.now();
  webhooks.tell("opened", incident());
  await until(() => receiver.got.length === 2);
  expect(performance.now() - began).toBeGreaterThan(990);
});

test("a receiver that never answers costs its deadline, all tries fail, and it is counted", async () => {
  const { receiver, webhooks, lines } = await start({}, { timeoutMs: 20, waitsMs: [1] });
  receiver.answers = ["never", "never"];
  webhooks.tell("opened", incident());
  await until(() => webhooks.state()[0]!.failed === 1);
  expect(lines.at(-1)).toMatch(/did not answer within 0.02 s; incident.opened is not told \(delivery [0-9a-f-]{36}\)/);
  webhooks.tell("opened", incident({ id: "next" }));
  await until(() => webhooks.state()[0]!.delivered === 1);
});

test.each([301, 302, 303, 307, 308])("a redirect (%i) is not followed and not tried again", async (status) => {
  const metadata = new Receiver();
  const location = await metadata.start();
  cleanUps.push(() => metadata.close());
  const { receiver, webhooks } = await start();
  receiver.answers = [{ status, headers: { location } }];
  webhooks.tell("opened", incident());
  await until(() => webhooks.state()[0]!.failed === 1);
  expect(receiver.got).toHaveLength(1);
  expect(metadata.got).toEqual([]);
});

test("what a receiver refuses is not tried again", async () => {
  const { receiver, webhooks } = await start();
  receiver.answers = [{ status: 404, body: "no_service" }];
  webhooks.tell("opened", incident());
  await until(() => webhooks.state()[0]!.failed === 1);
  expect(receiver.got).toHaveLength(1);
});

test("100 incidents at once are one summary", async () => {
  const { receiver, webhooks } = await start({}, { gatherMs: 20 });
  for (let i = 0; i < 100; i++)
    webhooks.tell("opened", incident({ id: `i${i}`, severity: i === 99 ? "outage" : "degraded" }));
  for (let i = 0; i < 10; i++) webhooks.tell("closed", incident({ id: `i${i}`, closedAt: WALL }));
  await until(() => receiver.got.length === 1);
  const message = JSON.parse(receiver.got[0]!.body);
  expect(message).toMatchObject({ event: "incidents.summary", summary: { opened: 100, closed: 10 } });
  expect(message.summary.incidents).toHaveLength(20);
  expect(message.summary.incidents[0]).toMatchObject({ id: "i99", severity: "outage", kind: "opened" });
  await until(() => webhooks.state()[0]!.delivered === 1);
  expect(receiver.got).toHaveLength(1);
});

test("a queue that is full counts the rest, which the summary has as a number", async () => {
  const { receiver, webhooks, lines } = await start({ format: "slack" }, { gatherMs: 20, waitingMax: 10 });
  for (let i = 0; i < 1000; i++) webhooks.tell("opened", incident({ id: `i${i}` }));
  await until(() => receiver.got.length === 1);
  expect(JSON.parse(receiver.got[0]!.body).text).toContain("1000 opened, 0 closed");
  expect(webhooks.state()[0]).toMatchObject({ dropped: 990 });
  expect(lines.filter((line) => line.includes("too many"))).toHaveLength(1);
});

test("a hook sends a bounded number of messages a minute; the rest becomes a summary in the next", async () => {
  let wall = WALL;
  const { receiver, webhooks } = await start({}, { messagesPerMinute: 3, wallClock: () => wall });
  for (let i = 0; i < 3; i++) {
    webhooks.tell("opened", incident({ id: `a${i}` }));
    await until(() => webhooks.state()[0]!.delivered === i + 1);
  }
  for (let i = 0; i < 4; i++) webhooks.tell("opened", incident({ id: `b${i}` }));
  wall += 59_990;
  await until(() => receiver.got.length >= 4 || wall++ > WALL + 120_000);
  expect(receiver.got.length).toBeLessThanOrEqual(4);
  await webhooks.close(2000);
  expect(JSON.parse(receiver.got[3]!.body)).toMatchObject({ event: "incidents.summary", summary: { opened: 4 } });
});

test("at the end what waits is sent, one try each, within the time given", async () => {
  const { receiver, webhooks } = await start({}, { gatherMs: 60_000 });
  webhooks.tell("opened", incident());
  await webhooks.close(5000);
  expect(receiver.got).toHaveLength(1);
  webhooks.tell("opened", incident({ id: "late" }));
  expect(webhooks.state()[0]!.waiting).toBe(0);

  const slow = await start({}, { timeoutMs: 60_000 });
  slow.receiver.answers = ["never"];
  slow.webhooks.tell("opened", incident());
  await until(() => slow.receiver.got.length === 1);
  await slow.webhooks.close(10);
  expect(slow.webhooks.state()[0]).toMatchObject({ failed: 1, lastError: "had not answered when the gateway ended" });
});

test("a close ends a wait between tries", async () => {
  const { receiver, webhooks } = await start({}, { waitsMs: [60_000] });
  receiver.answers = [{ status: 500 }, { status: 204 }];
  webhooks.tell("opened", incident());
  await until(() => webhooks.state()[0]!.lastError !== null);
  await webhooks.close(5000);
  expect(webhooks.state()[0]).toMatchObject({ delivered: 1, failed: 0 });
});

test("Slack: blocks and the same as text; nothing of a stranger becomes a link or a mention", async () => {
  const { receiver, webhooks } = await start({ format: "slack" });
  const verdict = {
    ...incident().verdict,
    sentence: "<!channel> & <https://evil.example|click> @channel \u202e\u0007",
    short: "x".repeat(5000),
    reasons: ["<@U123>", "a\nb"],
  };
  webhooks.tell("opened", incident({ verdict }));
  await until(() => receiver.got.length === 1);
  const { text, blocks } = JSON.parse(receiver.got[0]!.body) as { text: string; blocks: { text?: { text: string } }[] };
  const everything = JSON.stringify(blocks) + text;
  expect(everything).not.toMatch(/<!channel|<https:\/\/evil|<@U123|@channel|\u202e/);
  expect(text).toContain("&lt;!channel&gt; &amp;");
  for (const block of blocks) expect(block.text?.text.length ?? 0).toBeLessThanOrEqual(3000);
  expect(text).toContain("https://gate.example/reference/cause/connect-refused");
});

test("Slack: what a person reads", async () => {
  const { receiver, webhooks } = await start({ format: "slack" });
  webhooks.tell("opened", incident());
  webhooks.tell("closed", incident({ closedAt: WALL }));
  await until(() => receiver.got.length === 2);
  const [opened, closed] = receiver.got.map(({ body }) => (JSON.parse(body) as { text: string }).text);
  expect(opened).toBe(
    [
      "*Opened: outage* <https://gate.example/incidents/i0000000001abcd|app-2 refuses connections>",
      "app-2 (10.0.0.7:3000) refuses connections since 12:01:33: the process is not listening",
      "Errors: 7 shown, 5 saved, about 5 clients. Cause: `connect-refused`. Confidence: likely.",
      "*Why*",
      "• every connect was refused",
      "• app-1 is well",
      "*What to do*",
      "• Start the process on app-2",
      "<https://gate.example/reference/cause/connect-refused|What this cause means>",
      "Goodgate edge",
    ].join("\n"),
  );
  expect(closed).toMatch(/^\*Closed after (?:90 s|1m30s|1.5 min|90s): outage\*/);
});

test("the figures are metrics", async () => {
  const { receiver, webhooks } = await start();
  const metrics = new Metrics();
  webhooks.registerMetrics(metrics);
  webhooks.tell("opened", incident());
  await until(() => webhooks.state()[0]!.delivered === 1);
  expect(metrics.render()).toContain(`goodgate_webhook_delivered_total{webhook="1 (127.0.0.1:${receiver.port})"} 1`);
  expect(metrics.render()).not.toContain("SECRETPATH");
});

test("a reload keeps hooks that stay as they were, and lets others tell what waits", async () => {
  const { receiver, webhooks } = await start({}, { gatherMs: 60_000 });
  const url = `http://127.0.0.1:${receiver.port}`;
  const config: WebhookConfig = {
    url: `${url}/a`,
    format: "json",
    secret: "",
    on: ["opened"],
    severity: "notice",
    consoleUrl: null,
  };
  webhooks.tell("opened", incident());
  webhooks.configure([config]);
  await until(() => receiver.got.length === 1);
  webhooks.tell("opened", incident());
  webhooks.configure([{ ...config }]);
  // The same hook: it has told of this one.
  webhooks.tell("opened", incident());
  await webhooks.close(5000);
  expect(receiver.got.map(({ path }) => path)).toEqual(["/hooks/T0/SECRETPATH", "/a"]);
});

test("what still waits is told as it is by then, once", async () => {
  const { receiver, webhooks } = await start({}, { gatherMs: 20 });
  webhooks.tell("opened", incident({ severity: "degraded" }));
  webhooks.tell("opened", incident({ severity: "outage" }));
  await until(() => webhooks.state()[0]!.delivered === 1);
  webhooks.tell("opened", incident({ severity: "outage", lastAt: WALL + 1 }));
  expect(webhooks.state()[0]!.waiting).toBe(0);
  expect(receiver.got.map(({ body }) => (JSON.parse(body) as { incident: Incident }).incident.severity)).toEqual([
    "outage",
  ]);
});
