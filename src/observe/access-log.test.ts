import { expect, test } from "vitest";
import { compileAccessLog } from "./access-log.ts";
import { compileLogTemplate } from "./log-template.ts";
import { attempt, exchange, failure } from "./record.fixture.ts";

const WALL = Date.UTC(2026, 10, 21, 9, 17, 0, 123);
const json = compileAccessLog("json");
const combined = compileAccessLog("combined");

test("json: a plain exchange, whole", () => {
  expect(JSON.parse(json(exchange(), WALL))).toEqual({
    time: "2026-11-21T09:17:00.123Z",
    requestId: "3f2a9c",
    client: "192.0.2.7",
    method: "GET",
    host: "shop.example",
    target: "/cart?page=2",
    protocol: "HTTP/1.1",
    tls: false,
    status: 200,
    durationMs: 12.5,
    bytesIn: 412,
    bytesOut: 1400,
    route: "shop",
    upstream: "app",
    endpoint: "10.0.0.7:3000",
    attempts: 1,
    reused: true,
    cause: null,
    phase: null,
    aborted: false,
    timings: { connect: 0, send: 0.25, wait: 10, body: 1.125, total: 12.5 },
    userAgent: "curl/8.5.0",
    referer: "",
  });
});

test("json: attempts are listed where there was more than one, or a failure", () => {
  const refused = attempt({
    connectedAt: 0,
    sentAt: 0,
    headAt: 0,
    status: 0,
    reused: false,
    failure: failure("connect-refused", { errno: "ECONNREFUSED" }),
  });
  const line = JSON.parse(json(exchange({ attempts: [refused, attempt({ endpoint: "10.0.0.8:3000" })] }), WALL));
  expect(line).toMatchObject({ status: 200, endpoint: "10.0.0.8:3000", attempts: 2, cause: null });
  expect(line.tries).toHaveLength(2);
  expect(line.tries[0]).toMatchObject({
    endpoint: "10.0.0.7:3000",
    status: 0,
    cause: "connect-refused",
    phase: "connect",
    code: "ECONNREFUSED",
    connect: null,
    wait: null,
  });
  const failed = JSON.parse(json(exchange({ status: 502, attempts: [refused], failure: refused.failure }), WALL));
  expect(failed).toMatchObject({ status: 502, cause: "connect-refused", phase: "connect" });
  expect(failed.tries).toHaveLength(1);
});

test("json: waits and what was avoided stand only where there is something to say", () => {
  const usual = JSON.parse(json(exchange(), WALL));
  for (const key of ["heldMs", "queuedMs", "avoided", "tries"]) expect(usual).not.toHaveProperty(key);
  const held = JSON.parse(json(exchange({ heldMs: 812.25, attempts: [attempt({ startedAt: 1812.5 })] }), WALL));
  expect(held).toMatchObject({
    cause: null,
    heldMs: 812.25,
    avoided: { by: "hold", cause: "no-healthy-upstream", costMs: 812.5 },
  });
  expect(held).not.toHaveProperty("queuedMs");
  expect(held).not.toHaveProperty("tries");
  const refused = attempt({ status: 0, failure: failure("connect-refused") });
  const other = attempt({ startedAt: 1001.5, endpoint: "10.0.0.8:3000" });
  const saved = JSON.parse(json(exchange({ queuedMs: 0.5, attempts: [refused, other] }), WALL));
  expect(saved).toMatchObject({ queuedMs: 0.5, avoided: { by: "failover", cause: "connect-refused", costMs: 1.5 } });
  expect(saved.tries).toHaveLength(2);
  const inVain = json(
    exchange({ status: 503, heldMs: 5, attempts: [], failure: failure("no-healthy-upstream") }),
    WALL,
  );
  expect(JSON.parse(inVain)).toMatchObject({ heldMs: 5, attempts: 0, cause: "no-healthy-upstream" });
  expect(JSON.parse(inVain)).not.toHaveProperty("avoided");
});

test("json: an answer of the gateway itself has no endpoint and no phases", () => {
  const line = JSON.parse(
    json(exchange({ attempts: [], upstream: "", status: 404, failure: failure("route-not-found") }), WALL),
  );
  expect(line).toMatchObject({ endpoint: null, attempts: 0, reused: false, timings: { total: 12.5 }, status: 404 });
});

test("a client that left before the head has status 499, one without status 000", () => {
  const left = exchange({ status: 0, failure: failure("client-closed-request") });
  expect(JSON.parse(json(left, WALL)).status).toBe(499);
  expect(combined(left, WALL)).toContain('" 499 ');
  expect(combined(exchange({ status: 0 }), WALL)).toContain('" 000 ');
});

test("combined is what nginx writes", () => {
  const line = combined(exchange({ referer: "https://a.example/", userAgent: 'evil"\\\x1b[31m\r\n\xff' }), WALL);
  expect(line).toMatch(
    /^192\.0\.2\.7 - - \[\d\d\/Nov\/2026:\d\d:\d\d:\d\d [+-]\d{4}\] "GET \/cart\?page=2 HTTP\/1\.1" 200 1024 "https:\/\/a\.example\/" "/,
  );
  expect(line.endsWith('"evil\\x22\\x5C\\x1B[31m\\x0D\\x0A\\xFF"\n')).toBe(true);
  expect(combined(exchange({ method: "", target: "" }), WALL)).toContain('] "-" 200 1024 "-" ');
});

test("the cached second moves on with the clock, and back", () => {
  const at = (wall: number): string => JSON.parse(json(exchange(), wall)).time;
  expect(at(WALL)).toBe("2026-11-21T09:17:00.123Z");
  expect(at(WALL + 877)).toBe("2026-11-21T09:17:01.000Z");
  expect(at(WALL - 124)).toBe("2026-11-21T09:16:59.999Z");
});

test("templates: fields between literal text", () => {
  const format = compileAccessLog({ template: "{client.ip} {status} {{x}} {path} {query} {cause} {duration}ms" });
  expect(format(exchange(), WALL)).toBe("192.0.2.7 200 {x} /cart page=2 - 12.5ms\n");
});

test("templates: waits, and what was avoided", () => {
  const format = compileAccessLog({ template: "{held} {queued} {avoided.by} {avoided.cause} {saved}" });
  expect(format(exchange(), WALL)).toBe("- - - - -\n");
  const held = exchange({ heldMs: 812.25, queuedMs: 3, attempts: [attempt({ startedAt: 1815 })] });
  expect(format(held, WALL)).toBe("812.25 3 hold no-healthy-upstream saved\n");
});

test.each([
  ["{staus}", "unknown field {staus}"],
  ["{ip}", "did you mean {client.ip}?"],
  ["{status", '"{" at column 1 is not closed'],
  ["a}b", '"}" at column 2 closes nothing'],
  ["a\nb", "control character at column 2"],
  ["a\u2028b", "control character at column 2"],
  ["", "the template is empty"],
  ["{__proto__}", "unknown field"],
])("template %j is refused: %s", (text, problem) => {
  const compiled = compileLogTemplate(text);
  expect("problem" in compiled && compiled.problem).toContain(problem);
});

test("with traces a line has the trace id, in JSON and where a template asks for it", () => {
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  const trace = { traceId, parentId: "", spanId: "00f067aa0ba902b7", flags: 0, state: "" };
  const json = compileAccessLog("json");
  expect(JSON.parse(json(exchange({ trace, traceId }), 0))).toMatchObject({ traceId, referer: "" });
  expect(JSON.parse(json(exchange(), 0))).not.toHaveProperty("traceId");
  expect(JSON.parse(json(exchange({ trace, traceId, heldMs: 5 }), 0))).toMatchObject({ traceId, heldMs: 5 });
  const template = compileAccessLog({ template: "{status} {trace}" });
  expect(template(exchange({ traceId }), 0)).toBe(`200 ${traceId}\n`);
  expect(template(exchange(), 0)).toBe("200 -\n");
});
