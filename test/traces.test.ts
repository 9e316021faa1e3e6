// Trace context on its way through the data path: what an upstream gets, and the spans that a collector gets of it,
// from routes and from virtual servers. Where no traces are configured the caller's fields are not touched.
import { request } from "node:http";
import { afterAll, afterEach, expect, test } from "vitest";
import type { Config } from "../src/config/config.ts";
import { loadConfig } from "../src/config/load.ts";
import { lowerHttp } from "../src/nginx/lower/lower.fixture.ts";
import { Metrics } from "../src/observe/metrics.ts";
import { createObserver } from "../src/observe/observer.ts";
import { OtlpReceiver } from "../src/observe/traces/otlp-receiver.fixture.ts";
import { Tracer } from "../src/observe/traces/tracer.ts";
import { Gateway } from "../src/proxy/gateway.ts";
import { freePort } from "./origin.ts";
import { type RawUpstream, rawResponse, startRawUpstream } from "./raw-upstream.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";
const CALLER = ["TraceParent", `00-${TRACE}-${SPAN}-01`, "tracestate", "a=1", "Tracestate", " b=2 , c=3"];

/** Nothing listens there; a port that was free a moment ago could become the gateway's own. */
const CLOSED = "127.0.0.1:1";

const upstreams: RawUpstream[] = [];
const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});
afterAll(() => Promise.all(upstreams.map((upstream) => upstream.close())));

/** An upstream that answers with the head that it got. */
async function echo(): Promise<RawUpstream> {
  const upstream = await startRawUpstream((head) => rawResponse(head));
  upstreams.push(upstream);
  return upstream;
}

function routes(endpoints: readonly string[], more = ""): Config {
  const text = `listen: 127.0.0.1:0\nupstreams: { app: { endpoints: [${endpoints.map((each) => `"${each}"`).join(", ")}] } }\nroutes: [{ path: /, proxy: app${more} }]\nlog: { access: off, failures: off }\n`;
  return loadConfig(text, "goodgate.yaml", {}).config!;
}

async function servers(endpoints: readonly string[], more = ""): Promise<Config> {
  const members = endpoints.map((each) => `server ${each};`).join(" ");
  return lowerHttp(
    `access_log off; error_log /dev/null; upstream app { ${members} } server { listen 127.0.0.1:${await freePort()}; location / { proxy_pass http://app; ${more} } }`,
  );
}

interface Running {
  readonly port: number;
  readonly receiver: OtlpReceiver;
}

async function start(given: Config | Promise<Config>, sample: number | null): Promise<Running> {
  const config = await given;
  const receiver = new OtlpReceiver();
  const url = await receiver.start();
  const observer = createObserver(config.log, new Metrics());
  if (sample !== null) {
    const tracer = new Tracer({ url, headers: {}, sample, service: "goodgate" }, "1.0.0", { batchMs: 5 });
    observer.tracer = tracer;
    cleanUps.push(() => tracer.close(0));
  }
  const gateway = new Gateway(config, observer, { info() {}, warn() {}, error() {} });
  await gateway.start();
  cleanUps.push(
    () => receiver.close(),
    () => gateway.close(),
  );
  return { port: gateway.ports[0]!, receiver };
}

/** The head that the upstream got. */
function ask(port: number, headers: readonly string[] = []): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request({ port, host: "127.0.0.1", path: "/x?token=abc", headers: ["Host", "shop.test", ...headers] });
    sent.on("error", reject);
    sent.on("response", (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => {
        text += chunk.toString("latin1");
      });
      response.on("end", () => resolve(text));
    });
    sent.end();
  });
}

function fields(head: string, name: string): string[] {
  return head
    .split("\r\n")
    .filter((line) => line.toLowerCase().startsWith(`${name}:`))
    .map((line) => line.slice(name.length + 1).trim());
}

const KINDS = [
  ["routes", routes],
  ["virtual servers", servers],
] as const;

test.each(KINDS)("without traces the caller's fields go on as they came: %s", async (_, config) => {
  const { address } = await echo();
  const { port } = await start(config([address]), null);
  const head = await ask(port, CALLER);
  expect(head).toContain(`TraceParent: 00-${TRACE}-${SPAN}-01\r\ntracestate: a=1\r\nTracestate:`);
  expect(await ask(port)).not.toMatch(/^trace/im);
  // Not a context, and none of our business.
  expect(fields(await ask(port, ["traceparent", "nonsense"]), "traceparent")).toEqual(["nonsense"]);
});

test.each(KINDS)("a caller's trace goes on with the attempt's span as the parent: %s", async (_, config) => {
  const { address } = await echo();
  const { port, receiver } = await start(config([address]), 0);
  const head = await ask(port, CALLER);
  await receiver.until(() => receiver.spans.length === 2);
  const [server, client] = receiver.spans;
  expect(fields(head, "traceparent")).toEqual([`00-${TRACE}-${client!.spanId}-01`]);
  expect(fields(head, "tracestate")).toEqual(["a=1,b=2,c=3"]);
  expect(server).toMatchObject({ traceId: TRACE, parentSpanId: SPAN, traceState: "a=1,b=2,c=3" });
  expect(client).toMatchObject({ traceId: TRACE, parentSpanId: server!.spanId });
  expect(receiver.problems).toEqual([]);
  expect(JSON.stringify(receiver.spans)).not.toContain("abc");
});

test.each(KINDS)("without a caller's a trace begins, and one that is not valid is none: %s", async (_, config) => {
  const { address } = await echo();
  const { port, receiver } = await start(config([address]), 1);
  const heads = [
    await ask(port),
    await ask(port, ["traceparent", `00-${"0".repeat(32)}-${SPAN}-01`, "tracestate", "a=1"]),
    await ask(port, ["traceparent", `00-${TRACE}-${SPAN}-01`, "traceparent", `00-${TRACE}-${SPAN}-01`]),
  ];
  await receiver.until(() => receiver.spans.length === 6);
  for (const head of heads) {
    const [sent, ...others] = fields(head, "traceparent");
    expect(others).toEqual([]);
    const [, traceId, spanId] = sent!.split("-");
    expect(traceId).not.toBe(TRACE);
    expect(fields(head, "tracestate")).toEqual([]);
    const client = receiver.spans.find((span) => span.spanId === spanId);
    expect(client).toMatchObject({ traceId, kind: 3 });
    expect(receiver.spans.find((span) => span.spanId === client!.parentSpanId)?.parentSpanId).toBeUndefined();
  }
});

test("each attempt has a span of its own; what is not sampled and fails is exported all the same", async () => {
  const { address } = await echo();
  const { port, receiver } = await start(routes([CLOSED, address]), 0);
  // Round robin begins with the closed one at the first or the second request.
  const heads = [await ask(port), await ask(port)];
  await receiver.until(() => receiver.spans.length >= 3);
  const [server, refused, answered] = receiver.spans;
  expect(server!.facts).toMatchObject({ "goodgate.saved_by": "failover", "goodgate.cause": "connect-refused" });
  expect(refused!.facts).toMatchObject({ "error.type": "connect-refused", "goodgate.errno": "ECONNREFUSED" });
  expect(heads.flatMap((head) => fields(head, "traceparent"))).toContain(
    `00-${answered!.traceId}-${answered!.spanId}-00`,
  );
  expect(refused!.spanId).not.toBe(answered!.spanId);
});

test("what the gateway answers by itself has a span, too", async () => {
  const { port, receiver } = await start(routes([`127.0.0.1:${await freePort()}`], ""), 0);
  await ask(port, CALLER);
  await receiver.until(() => receiver.spans.length >= 1);
  expect(receiver.spans[0]).toMatchObject({ traceId: TRACE, parentSpanId: SPAN, kind: 2, status: { code: 2 } });
});

test("header operations of a route, and of a location, have the last word", async () => {
  const { address } = await echo();
  const route = await start(routes([address], ", request: { headers: { remove: [tracestate] } }"), 1);
  const head = await ask(route.port, CALLER);
  expect(fields(head, "traceparent")).toHaveLength(1);
  expect(fields(head, "tracestate")).toEqual([]);
  const location = await start(servers([address], 'proxy_set_header traceparent "mine";'), 1);
  expect(fields(await ask(location.port, CALLER), "traceparent")).toEqual(["mine"]);
});

test("a subrequest belongs to the request that it is a part of", async () => {
  const heads: string[] = [];
  const upstream = await startRawUpstream((head) => {
    heads.push(head);
    return rawResponse("ok");
  });
  upstreams.push(upstream);
  const more = `auth_request /auth; } location = /auth { internal; proxy_pass http://app/auth;`;
  const { port, receiver } = await start(servers([upstream.address], more), 0);
  await ask(port, CALLER);
  await receiver.until(() => receiver.spans.length === 2);
  const [server, client] = receiver.spans;
  const parents = heads.map((head) => [head.split(" ")[1], ...fields(head, "traceparent")]);
  expect(parents).toEqual([
    ["/auth", `00-${TRACE}-${server!.spanId}-01`],
    ["/x?token=abc", `00-${TRACE}-${client!.spanId}-01`],
  ]);
});
