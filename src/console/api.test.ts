// The API over real sockets: every call answers what its schema says, bad input is named, errors say the next step.
import { describe, expect, test } from "vitest";
import type * as z from "zod/mini";
import { setLogSink } from "../std/log.ts";
import { ANSWERS, type AnswerName } from "./api/answers.ts";
import type { Operation } from "./api/operation.ts";
import { OPERATIONS } from "./api/table.ts";
import { type FakeBackend, fakeBackend, MARK, nowOf, ROW, TAIL } from "./backend.fixture.ts";
import { type Answer, ask, events, post } from "./client.fixture.ts";
import { start as startWith, useConsoles } from "./console.fixture.ts";
import type { Backend } from "./model.ts";
import type { ConsoleServer } from "./options.ts";

useConsoles();

const start = async (backend: Backend = fakeBackend()): Promise<ConsoleServer> => (await startWith({ backend })).server;

/** A promise that somebody else resolves. */
function signal(): { readonly given: Promise<void>; readonly give: () => void } {
  let give = (): void => undefined;
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { given, give: () => give() };
}

const problemOf = ({ body }: Answer) =>
  JSON.parse(body) as { title: string; detail: string; field?: string; value?: string };

/** What each call is tried with: parts of the path, query, body. */
const TRIES: Readonly<Record<string, { path?: string; query?: string; body?: unknown }>> = {
  getIncident: { path: `/incidents/${ROW.id}` },
  getIncidentMarkdown: { path: `/incidents/${ROW.id}.md` },
  getFailure: { path: "/failures/f1" },
  replayFailure: { path: "/failures/f1/replay", body: { endpoint: "app 10.0.0.1:3000" } },
  addMark: { body: { text: "deploy v42" } },
  actOnEndpoint: { path: "/upstreams/app/endpoints/10.0.0.1%3A3000", body: { do: "drain" } },
  act: { body: { do: "weight", weight: 5, upstream: "app", endpoint: "10.0.0.1:3000" } },
  getTimeouts: { query: "?upstream=app" },
  runDoctor: { body: { upstream: "app", path: "/healthz?x=1" } },
  explain: { body: { text: "connect() failed (111: Connection refused) while connecting to upstream" } },
  changeDemo: { body: { shop: "shop-1", do: "crash" } },
  login: { body: { token: "t" } },
};

describe("every call", () => {
  const plain = OPERATIONS.filter((operation) => "answer" in operation && operation.id !== "login");

  test.each(plain.map((operation) => [operation.id, operation] as const))(
    "%s answers as its schema says",
    async (id, operation) => {
      const { path = operation.path, query = "", body = {} } = TRIES[id] ?? {};
      const server = await start();
      const address = `/api/v1${path}${query}`;
      const answer =
        operation.method === "POST"
          ? await post(server, address, body)
          : await ask(server, address, { method: operation.method });
      const { answer: name } = operation as Extract<Operation, { answer: unknown }>;
      expect(answer.status, answer.body).toBe(name === "nothing" ? 204 : 200);
      expect(answer.headers["x-content-type-options"]).toBe("nosniff");
      if (name === "nothing") return expect(answer.body).toBe("");
      if (name === "text/markdown") return expect(answer.headers["content-type"]).toBe("text/markdown; charset=utf-8");
      expect(answer.headers["content-type"]).toBe("application/json");
      const value: unknown = JSON.parse(answer.body);
      // What the schema does not know would be left out by it.
      expect((ANSWERS[name as AnswerName] as z.ZodMiniType).parse(value)).toEqual(value);
    },
  );

  test("every call that is tried with something exists, and has its role", () => {
    const ids = OPERATIONS.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(Object.keys(TRIES).filter((id) => !ids.includes(id))).toEqual([]);
    const open = OPERATIONS.filter(({ role }) => role === null).map(({ id }) => id);
    expect(open).toEqual(["login", "logout"]);
    // What changes something is told to the audit, and is for the admin only.
    const changing = OPERATIONS.filter(({ method, role, id }) => method !== "GET" && role !== null && id !== "explain");
    expect(changing.filter(({ role, action }) => role !== "admin" || !action).map(({ id }) => id)).toEqual([]);
  });
});

describe("parameters", () => {
  test("of incidents reach the store as it wants them", async () => {
    const backend = fakeBackend();
    const server = await start(backend);
    const query =
      "?state=open&severity=outage,saved&from=1000&to=2026-01-31T12:00:00Z&upstream=a%20b&q=cart&limit=7&before=k3-i1&gateway=all";
    expect((await ask(server, `/api/v1/incidents${query}`)).status).toBe(200);
    const expected = {
      ...{ state: "open", severities: ["outage", "saved"], upstream: "a b", text: "cart", limit: 7, before: "k3-i1" },
      ...{ gateway: "all", range: { from: 1000, to: Date.parse("2026-01-31T12:00:00Z") } },
    };
    // The span is cut to what a store may hold.
    expect(backend.asked.at(-1)).toEqual([
      "incidents",
      { ...expected, range: { ...expected.range, from: expect.any(Number) } },
    ]);
    await ask(server, "/api/v1/incidents?severity=outage&severity=notice");
    expect(backend.asked.at(-1)).toEqual(["incidents", { severities: ["outage", "notice"] }]);
  });

  test("instants may be a time ago", async () => {
    const backend = fakeBackend();
    const server = await start(backend);
    const before = Date.now();
    await ask(server, "/api/v1/points?from=-1h&kind=endpoint&name=app%2010.0.0.1:3000&name=b,c");
    const [, query] = backend.asked.at(-1) as [string, { range: { from: number; to: number }; names: string[] }];
    expect(query.names).toEqual(["app 10.0.0.1:3000", "b,c"]);
    expect(query.range.to - query.range.from).toBe(3_600_000);
    expect(query.range.to).toBeGreaterThanOrEqual(before);
  });

  test.each([
    ["/incidents?stat=open", "stat", 'did you mean "state"'],
    ["/incidents?state=opened", "state", "write one of: open, closed"],
    ["/incidents?severity=outage,bad", "severity", "write one of"],
    ["/incidents?limit=0", "limit", "from 1 to 500"],
    ["/incidents?limit=501", "limit", "from 1 to 500"],
    ["/incidents?limit=1e2", "limit", "from 1 to 500"],
    ["/incidents?limit=5&limit=6", "limit", "a whole number"],
    ["/incidents?from=yesterday", "from", "a time ago"],
    ["/incidents?from=99999999999999999", "from", "a time ago"],
    ["/incidents?from=-9000d", "from", "a time ago"],
    ["/incidents?from=2026-13-45", "from", "a time ago"],
    ["/incidents?from=2000&to=1000", "to", "exchange them"],
    ["/incidents?upstream=", "upstream", "leave it out"],
    [`/incidents?q=${"x".repeat(201)}`, "q", "shorten it"],
    ["/incidents?q=a%0d%0ab", "q", "control character"],
    ["/now?x=1", "x", "unknown parameter"],
    ["/incidents?__proto__=x", "__proto__", "unknown parameter"],
    ["/points?kind=host", "kind", "write one of: all, route"],
    ["/tail?status=9xx", "status", "write 404"],
    ["/tail?minMs=-1", "minMs", "from 0"],
    ["/tail?failuresOnly=yes", "failuresOnly", "write true or false"],
    ["/audit?limit=100000", "limit", "from 1 to 1000"],
    ["/timeouts", "upstream", "missing"],
  ])("%s is refused by name", async (path, field, hint) => {
    const answer = await ask(await start(), `/api/v1${path}`);
    expect(answer.status).toBe(400);
    expect(answer.headers["content-type"]).toBe("application/problem+json");
    expect(problemOf(answer)).toMatchObject({ field, detail: expect.stringContaining(hint) });
  });

  test.each([
    ["/marks", {}, "text"],
    ["/marks", { text: "" }, "text"],
    ["/marks", { text: 7 }, "text"],
    ["/marks", { text: "a\nb" }, "text"],
    ["/marks", { text: "x", by: "root" }, "by"],
    ["/marks", [], "body"],
    ["/marks", "x", "body"],
    ["/reload", { now: true }, "now"],
    ["/upstreams/app/endpoints/10.0.0.1:3000", { do: "explode" }, "do"],
    ["/upstreams/app/endpoints/10.0.0.1:3000", { do: "weight" }, "weight"],
    ["/upstreams/app/endpoints/10.0.0.1:3000", { do: "weight", weight: 1.5 }, "weight"],
    ["/upstreams/app/endpoints/10.0.0.1:3000", { do: "weight", weight: -1 }, "weight"],
    ["/upstreams/app/endpoints/10.0.0.1:3000", { do: "drain", weight: 1 }, "weight"],
    ["/demo", { visitors: 501 }, "visitors"],
    ["/demo", { shop: "shop-1", do: "burn" }, "do"],
    ["/explain", { text: "x".repeat(50_000) }, "text"],
    ["/doctor", { path: "http://169.254.169.254/latest" }, "path"],
    ["/doctor", { path: "//169.254.169.254/latest" }, "path"],
    ["/doctor", { path: "/\\169.254.169.254/" }, "path"],
    ["/doctor", { path: "/a b" }, "path"],
    ["/doctor", { path: "/a\r\nHost: evil" }, "path"],
    ["/doctor", { path: "file:///etc/passwd" }, "path"],
    ["/doctor", { url: "http://169.254.169.254/" }, "url"],
    ["/doctor", { upstream: ["app"] }, "upstream"],
  ])("POST %s %j is refused by name", async (path, body, field) => {
    const backend = fakeBackend();
    const answer = await post(await start(backend), `/api/v1${path}`, body);
    expect(answer.status, answer.body).toBe(400);
    expect(problemOf(answer).field).toBe(field);
    expect(backend.asked.filter(([name]) => name !== "now")).toEqual([]);
  });

  test("a token that is refused for its form is not said again", async () => {
    const answer = await post(await start(), "/api/v1/session", { token: "s3cret\n" });
    expect(problemOf(answer)).toMatchObject({ status: 400, field: "token" });
    expect(answer.body).not.toContain("s3cret");
  });

  test("names that are not there are 404, with the one that was meant", async () => {
    const server = await start();
    const upstream = await post(server, "/api/v1/upstreams/apq/endpoints/x", { do: "drain" });
    expect(upstream.status).toBe(404);
    expect(problemOf(upstream).detail).toContain('did you mean "app"');
    expect((await post(server, "/api/v1/doctor", { upstream: "169.254.169.254" })).status).toBe(404);
    expect((await post(server, "/api/v1/demo", { shop: "shop-9", do: "heal" })).status).toBe(404);
    expect((await ask(server, "/api/v1/incidents/none")).status).toBe(404);
    expect((await post(server, "/api/v1/failures/none/replay", {})).status).toBe(404);
    const path = await ask(server, "/api/v1/incident");
    expect(problemOf(path).detail).toContain("did you mean /api/v1/incidents?");
  });

  test("another method is 405 with what there is", async () => {
    const server = await start();
    expect((await ask(server, "/api/v1/now", { method: "DELETE" })).headers.allow).toBe("GET, HEAD");
    expect((await ask(server, "/api/v1/reload")).headers.allow).toBe("POST");
    expect((await ask(server, "/api/v1/live", { method: "HEAD" })).headers.allow).toBe("GET");
    const head = await ask(server, "/api/v1/now", { method: "HEAD" });
    expect(head).toMatchObject({ status: 200, body: "" });
  });
});

describe("what comes of a call", () => {
  test("is told to the audit and the log", async () => {
    const lines: string[] = [];
    setLogSink((line) => void lines.push(line));
    const refusing = fakeBackend({ reload: async () => ({ ok: false, said: "line 3: unknown key" }) });
    const server = await start(refusing);
    const refused = await post(server, "/api/v1/reload", {});
    expect(refused.status).toBe(409);
    expect(problemOf(refused).detail).toBe("line 3: unknown key");
    await post(server, "/api/v1/marks", { text: "deploy v42" });
    const who = { by: "127.0.0.1", role: "admin", client: "127.0.0.1" };
    expect(refusing.told).toEqual([
      { ...who, action: "reload", outcome: "refused: line 3: unknown key" },
      { ...who, action: "mark: deploy v42", outcome: "ok" },
    ]);
    expect(lines.join("")).toContain(
      'console action action="mark: deploy v42" by=127.0.0.1 role=admin client=127.0.0.1',
    );
  });

  test("a backend that fails is 500 with its message as JSON, never as HTML", async () => {
    const server = await start(fakeBackend({ config: () => Promise.reject(new Error("<script>alert(1)</script>")) }));
    const answer = await ask(server, "/api/v1/config");
    expect(answer.status).toBe(500);
    expect(answer.headers["content-type"]).toBe("application/problem+json");
    expect(answer.headers["content-security-policy"]).toContain("default-src 'none'");
  });

  test("large answers are compressed for who takes it", async () => {
    const server = await start(fakeBackend({ now: async () => nowOf(500) }));
    const headers = { "Accept-Encoding": "br, gzip;q=0.5" };
    const small = await ask(server, "/api/v1/now", { headers });
    expect(small.headers["content-encoding"]).toBe("gzip");
    expect(Number(small.headers["content-length"])).toBeLessThan(20_000);
    const whole = await ask(server, "/api/v1/now", { headers: { "Accept-Encoding": "gzip;q=0" } });
    expect(whole.headers["content-encoding"]).toBeUndefined();
    expect(whole.body).toBe(small.body);
  });

  test("the document has an ETag", async () => {
    const server = await start();
    const first = await ask(server, "/api/v1/openapi.json");
    const again = await ask(server, "/api/v1/openapi.json", { headers: { "If-None-Match": first.headers.etag! } });
    expect(again).toMatchObject({ status: 304, body: "" });
  });
});

describe("doctor", () => {
  test("one at a time, and ended when its client leaves", async () => {
    const began = signal();
    const ended = signal();
    let reason: unknown;
    const server = await start(
      fakeBackend({
        doctor: (_, leave) =>
          new Promise((_, reject) => {
            began.give();
            leave.addEventListener("abort", () => {
              reason = leave.reason;
              reject(new Error("stopped"));
              ended.give();
            });
          }),
      }),
    );
    const leaving = new AbortController();
    const first = post(server, "/api/v1/doctor", {}, { signal: leaving.signal });
    first.catch(() => undefined);
    await began.given;
    const second = await post(server, "/api/v1/doctor", {});
    expect(second.status).toBe(409);
    leaving.abort();
    await expect(first).rejects.toThrow();
    await ended.given;
    expect(String(reason)).toContain("the client left");
  });
});

describe("streams", () => {
  const tick = (backend: FakeBackend, event: Parameters<Parameters<Backend["live"]>[0]>[0]): void => {
    for (const take of backend.listeners) take(event);
  };

  test("live begins with the state, then brings what happens", async () => {
    const backend = fakeBackend();
    const server = await start(backend);
    expect(backend.listeners.size).toBe(0);
    const stream = await events(server, "/api/v1/live");
    await stream.until(/event: now\ndata: \{"at":1770000000000,/);
    expect(stream.body()).toMatch(/^retry: \d+\n\n/);
    expect(backend.listeners.size).toBe(1);
    tick(backend, { event: "incident", incident: ROW });
    tick(backend, { event: "mark", mark: MARK });
    const text = await stream.until(/event: mark\ndata: .*"deploy v42".*\n\n/);
    const id = /id: (\S+)\nevent: incident/.exec(text)![1]!;
    // Who comes back gets what it missed, and nothing twice.
    const again = await events(server, "/api/v1/live", { "Last-Event-ID": id });
    const missed = await again.until(/event: now/);
    expect(missed).toContain("event: mark");
    expect(missed).not.toContain("event: incident");
    stream.close();
    again.close();
  });

  test("the tail passes its filter on", async () => {
    const backend = fakeBackend();
    const server = await start(backend);
    const stream = await events(server, "/api/v1/tail?failuresOnly=true&status=5xx&minMs=100&text=cart&method=GET");
    await stream.until(/retry/);
    expect(backend.asked.at(-1)).toEqual([
      "tail",
      { failuresOnly: true, status: "5xx", minMs: 100, text: "cart", method: "GET" },
    ]);
    for (const take of backend.tails) take([TAIL], 3);
    const text = await stream.until(/event: entries\ndata: .*\n\n/);
    const value: unknown = JSON.parse(/data: (.*)/.exec(text)![1]!);
    expect(ANSWERS.TailPart.parse(value)).toEqual({ entries: [TAIL], left: 3 });
    stream.close();
    await expect.poll(() => backend.tails.size, { timeout: 15_000 }).toBe(0);
  });
});
