import { expect, test, vi } from "vitest";
import { createFetch } from "./create-fetch.ts";
import type { ClientEvent } from "./events.ts";
import { type Answer, type Fake, fakePlatform } from "./fake-platform.fixture.ts";
import type { ClientOptions } from "./options.ts";
import { RequestFailure } from "./request-failure.ts";

const URL_ = "https://shop.test/cart?token=secret";
const OK = new Response("ok");
const DOWN = new TypeError("fetch failed");
const status = (code: number, headers: Record<string, string> = {}, body = "") =>
  new Response(body, { status: code, headers });
const problem = (document: Record<string, unknown>) =>
  status(502, { "content-type": "application/problem+json" }, JSON.stringify(document));

function client(answers: readonly Answer[], options: ClientOptions = {}) {
  const fake = fakePlatform(answers);
  const events: ClientEvent[] = [];
  const { platform, fetch } = fake;
  return { fake, events, go: createFetch({ platform, fetch, onEvent: (event) => events.push(event), ...options }) };
}

async function failureOf(promise: Promise<unknown>): Promise<RequestFailure> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof RequestFailure)) throw new Error(`not a RequestFailure: ${String(error)}`);
  return error;
}

const waitsOf = ({ sent }: Fake): number[] => sent.slice(1).map(({ atMs }, index) => atMs - sent[index]!.atMs);
const keyOf = ({ init }: Fake["sent"][number]): string | null => new Headers(init.headers).get("idempotency-key");
const whyOf = (events: readonly ClientEvent[]) => events.flatMap((event) => (event.type === "failed" ? event.why : []));

test("a gateway error is tried again after a growing wait with jitter, and told of", async () => {
  const { fake, go, events } = client([status(502), DOWN, OK]);
  expect(await (await go(URL_)).text()).toBe("ok");
  expect(waitsOf(fake)).toEqual([100, 200]);
  expect(events.map(({ type }) => type)).toEqual(["retry", "retry", "recovered"]);
  expect(events[2]).toMatchObject({ attempts: 3, elapsedMs: 300 });
  expect(fake.timers()).toBe(0);
});

test("what is no gateway error is returned as it came, however bad", async () => {
  for (const code of [200, 204, 404, 429, 500, 501]) {
    const { fake, go, events } = client([new Response(null, { status: code })]);
    expect((await go(URL_)).status).toBe(code);
    expect([fake.sent.length, events]).toEqual([1, []]);
  }
});

test("gives up after the last try, with what the response says", async () => {
  const headers = { "proxy-status": "edge; error=connection_refused", "x-request-id": "r7", "retry-after": "1" };
  const { fake, go, events } = client([status(502, headers, "body")]);
  const failure = await failureOf(go(URL_));
  expect(fake.sent).toHaveLength(3);
  expect(waitsOf(fake)).toEqual([1100, 1200]);
  expect(failure).toMatchObject({
    kind: "status",
    status: 502,
    causeId: "connect-refused",
    proxyError: "connection_refused",
    hop: "edge",
    requestId: "r7",
    retryable: true,
    retryAfterMs: 1000,
    reference: "https://goodgate.dev/reference/cause/connect-refused",
    userMessage: "Something went wrong on the site's side. Please try again in a moment.",
    attempts: 3,
    elapsedMs: 2300,
    body: "body",
  });
  expect(failure.message).toBe("GET https://shop.test/cart: 502 (connect-refused), 3 tries, 2300 ms, request r7");
  expect(whyOf(events)).toEqual(["attempts"]);
});

test("the last response can be had instead of an error, unread", async () => {
  const { go } = client([status(503, {}, "closed for today")], { throwOnStatus: false });
  const response = await go(URL_);
  expect([response.status, await response.text()]).toEqual([503, "closed for today"]);
  const refused = client([problem({ retryable: false })], { throwOnStatus: false });
  expect(await (await refused.go(URL_)).json()).toEqual({ retryable: false });
  expect(refused.fake.sent).toHaveLength(1);
});

test.each(["POST", "PUT", "PATCH", "DELETE"])(
  "%s is sent once without a key, and as often as needed with one",
  async (method) => {
    const once = client([status(502), OK]);
    const failure = await failureOf(once.go(URL_, { method, body: "x" }));
    expect([once.fake.sent.length, failure.retryable, whyOf(once.events)]).toEqual([1, false, ["method"]]);
    expect(failure.userMessage).toContain("check whether it went through");

    const keyed = client([status(502), DOWN, OK], { idempotencyKey: true });
    expect((await keyed.go(URL_, { method, body: "x" })).status).toBe(200);
    const keys = keyed.fake.sent.map(keyOf);
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(new Set(keys).size).toBe(1);
    await keyed.go(URL_, { method, body: "x" });
    expect(keyOf(keyed.fake.sent[3]!)).not.toBe(keys[0]);
  },
);

test("the caller's own key is kept; safe methods get none; a function can make it", async () => {
  const own = client([DOWN, OK], { idempotencyKey: () => "made" });
  await own.go(URL_, { method: "POST", headers: { "Idempotency-Key": "mine" } });
  await own.go(URL_, { method: "POST" });
  await own.go(URL_);
  expect(own.fake.sent.map(keyOf)).toEqual(["mine", "mine", "made", null]);
});

test("without CORS a key does not arrive, so it makes nothing repeatable", async () => {
  const { fake, go } = client([DOWN, OK], { idempotencyKey: true });
  await failureOf(go(URL_, { method: "POST", mode: "no-cors" }));
  expect(fake.sent).toHaveLength(1);
});

test("methods that the caller vouches for are repeated", async () => {
  const { fake, go } = client([status(503), OK], { methods: ["GET", "PUT"] });
  await go(URL_, { method: "put", body: "x" });
  expect(fake.sent).toHaveLength(2);
  expect(fake.sent[1]!.init.body).toBe("x");
});

test("a body that can be sent only once is sent once", async () => {
  const body = new Response("x").body!;
  const { fake, go, events } = client([DOWN, OK], { idempotencyKey: true });
  await failureOf(go(URL_, { method: "POST", body, duplex: "half" } as RequestInit));
  expect([fake.sent.length, whyOf(events)]).toEqual([1, ["body"]]);
  for (const body of [
    new Blob(["x"]),
    new Uint8Array(3),
    new ArrayBuffer(3),
    new URLSearchParams("a=b"),
    new FormData(),
  ]) {
    const { fake, go } = client([DOWN, OK], { idempotencyKey: true });
    await go(URL_, { method: "POST", body });
    expect(fake.sent).toHaveLength(2);
  }
});

test("the body of a Request is whole in each try; where there is only one try, nothing is copied", async () => {
  const request = () => new Request(URL_, { method: "POST", body: "whole", headers: { "X-One": "1" } });
  const keyed = client([DOWN, status(503), OK], { idempotencyKey: true });
  expect((await keyed.go(request())).status).toBe(200);
  const inputs = keyed.fake.sent.map(({ input }) => input as Request);
  expect(await Promise.all(inputs.map((input) => input.text()))).toEqual(["whole", "whole", "whole"]);
  expect(new Set(keyed.fake.sent.map(keyOf)).size).toBe(1);

  const once = client([DOWN, OK]);
  const given = request();
  await failureOf(once.go(given));
  expect(once.fake.sent.map(({ input }) => input)).toEqual([given]);
  expect(once.fake.sent[0]!.input).toBe(given);
});

test("a Request is taken with its method, fields and signal", async () => {
  const controller = new AbortController();
  const { fake, go } = client([DOWN, "hang"], { tryMs: Infinity, deadlineMs: Infinity });
  const pending = go(new Request(URL_, { headers: { "X-One": "1" }, signal: controller.signal }));
  await vi.waitFor(() => expect(fake.sent).toHaveLength(2));
  expect(new Headers(fake.sent[1]!.init.headers).get("x-one")).toBe("1");
  controller.abort("gone");
  await expect(pending).rejects.toBe("gone");
});

test("the signal of the call takes the place of the Request's, also where it is null", async () => {
  const request = () => new Request(URL_, { signal: AbortSignal.abort("the Request's") });
  await expect(client([OK]).go(request())).rejects.toBe("the Request's");
  await expect(client([OK]).go(request(), { signal: AbortSignal.abort("the call's") })).rejects.toBe("the call's");
  expect((await client([OK]).go(request(), { signal: null })).status).toBe(200);
});

test("what is returned can be cloned, and both bodies read", async () => {
  const response = await client([status(502), new Response("ok")]).go(URL_);
  expect(await Promise.all([response.clone().text(), response.text()])).toEqual(["ok", "ok"]);
  const failed = await client([problem({ retryable: false })], { throwOnStatus: false }).go(URL_);
  expect(await Promise.all([failed.clone().json(), failed.json()])).toEqual([
    { retryable: false },
    { retryable: false },
  ]);
});

test("what else the caller sets goes into each try", async () => {
  const { fake, go } = client([DOWN, OK], { idempotencyKey: true });
  await go(URL_, { method: "POST", body: "x", keepalive: true, credentials: "include", redirect: "error" });
  const options = fake.sent.map(({ init: { keepalive, credentials, redirect } }) => [keepalive, credentials, redirect]);
  expect(options).toEqual([
    [true, "include", "error"],
    [true, "include", "error"],
  ]);
});

test("programs ask for problem+json, unless the caller says what it takes", async () => {
  const { fake, go } = client([OK]);
  await go(URL_);
  await go(URL_, { headers: { Accept: "text/csv" } });
  const accepts = fake.sent.map(({ init }) => new Headers(init.headers).get("accept"));
  expect(accepts).toEqual(["application/problem+json, */*;q=0.8", "text/csv"]);
});

test("where the gateway says that trying again does not help, it is not tried", async () => {
  const { fake, go, events } = client([problem({ cause: "tls-cert-expired", retryable: false, detail: "Expired." })]);
  const failure = await failureOf(go(URL_));
  expect(failure).toMatchObject({ causeId: "tls-cert-expired", retryable: false, detail: "Expired.", attempts: 1 });
  expect(failure.userMessage).toContain("try again later");
  expect([fake.sent.length, whyOf(events)]).toEqual([1, ["not-retryable"]]);
});

test("a key makes a POST repeatable, although the gateway calls it not retryable", async () => {
  const answers = [problem({ retryable: false }), OK];
  const keyed = client(answers, { idempotencyKey: true });
  expect((await keyed.go(URL_, { method: "POST" })).status).toBe(200);
  const bare = client(answers);
  expect(await failureOf(bare.go(URL_, { method: "POST" }))).toMatchObject({ retryable: false, attempts: 1 });
});

test("a Retry-After beyond the deadline is not waited for", async () => {
  const { fake, go, events } = client([status(503, { "retry-after": "31" })]);
  expect(await failureOf(go(URL_))).toMatchObject({ retryAfterMs: 31_000, elapsedMs: 0 });
  expect([fake.sent.length, whyOf(events)]).toEqual([1, ["deadline"]]);
});

test("a date in Retry-After is read by the server's clock", async () => {
  const date = { date: "Sun, 06 Nov 1994 08:49:37 GMT", "retry-after": "Sun, 06 Nov 1994 08:49:40 GMT" };
  const { fake, go } = client([status(503, date), OK]);
  await go(URL_);
  expect(waitsOf(fake)).toEqual([3100]);
});

test("each try has its deadline, and all together have one", async () => {
  const tries = client(["hang", "hang", OK], { tryMs: 1000 });
  expect((await tries.go(URL_)).status).toBe(200);
  expect(waitsOf(tries.fake)).toEqual([1100, 1200]);

  const all = client(["hang"], { tryMs: 1000, deadlineMs: 1500, attempts: 9 });
  const failure = await failureOf(all.go(URL_));
  expect(failure).toMatchObject({ kind: "timeout", status: null, attempts: 2, elapsedMs: 1500, reference: null });
  expect(failure.userMessage).toContain("too long");
  expect(all.fake.timers()).toBe(0);
});

test("without a deadline the timer is one that platforms can hold, and it is cleared as well", async () => {
  const set = vi.spyOn(globalThis, "setTimeout");
  const clear = vi.spyOn(globalThis, "clearTimeout");
  const { fetch } = fakePlatform([OK]);
  await createFetch({ fetch, tryMs: Infinity, deadlineMs: Infinity })(URL_);
  expect(set.mock.calls.map(([, ms]) => ms)).toEqual([2 ** 31 - 1]);
  expect(clear.mock.calls).toEqual([[set.mock.results[0]!.value]]);
});

test("the deadline holds for the body of a failure too, but not for one that is returned", async () => {
  const stuck = (_: unknown, { signal }: RequestInit) =>
    new Response(
      new ReadableStream({
        start: (controller) => signal!.addEventListener("abort", () => controller.error(signal!.reason)),
      }),
      { status: 502 },
    );
  const { go } = client([stuck], { tryMs: 1000, attempts: 1 });
  expect(await failureOf(go(URL_))).toMatchObject({ kind: "status", status: 502, elapsedMs: 1000 });

  const long = client([OK], { tryMs: 10 });
  await long.go(URL_);
  long.fake.pass(1_000_000);
  expect([long.fake.timers(), long.fake.sent[0]!.init.signal!.aborted]).toEqual([0, false]);
});

test("the caller's abort ends it at once with the caller's reason: before, in a try, in a wait", async () => {
  const reason = new Error("left the page");
  const before = client([OK]);
  await expect(before.go(URL_, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  expect(before.fake.sent).toHaveLength(0);

  const inTry = client(["hang"], { tryMs: Infinity, deadlineMs: Infinity });
  const first = new AbortController();
  const trying = inTry.go(URL_, { signal: first.signal });
  first.abort(reason);
  await expect(trying).rejects.toBe(reason);
  expect(inTry.fake.sent).toHaveLength(1);

  const second = new AbortController();
  const inWait = client([DOWN], { onEvent: ({ type }) => type === "retry" && second.abort(reason) });
  await expect(inWait.go(URL_, { signal: second.signal })).rejects.toBe(reason);
  expect([inWait.fake.sent.length, inWait.fake.nowMs(), inWait.fake.timers()]).toEqual([1, 0, 0]);
  expect([...inTry.events, ...before.events]).toEqual([]);
});

test("a call that is invalid is rejected as fetch rejects it, and never tried", async () => {
  const { fake, go } = client([OK]);
  const calls: Parameters<typeof fetch>[] = [
    ["http://"],
    ["https://user:password@shop.test/"],
    [URL_, { method: "NO GOOD" }],
    [URL_, { headers: { "a b": "c" } }],
    [URL_, { body: "x" }],
    [URL_, { method: "HEAD", body: new Response("x").body! }],
    [URL_, { mode: "none" as never }],
  ];
  for (const call of calls) await expect(go(...call)).rejects.toBeInstanceOf(TypeError);
  const odd = client([new RangeError("a bug in the fetch that was passed in")]);
  await expect(odd.go(URL_)).rejects.toBeInstanceOf(RangeError);
  expect([fake.sent.length, odd.fake.sent.length]).toEqual([0, 1]);
});

test("an origin that is down is left alone, others are not; later it is probed and closes again", async () => {
  const breaker = { failures: 3, openMs: 1000, probes: 1, recoveryMs: 100 };
  const { fake, go, events } = client([DOWN, DOWN, DOWN, OK], { attempts: 1, breaker });
  for (let count = 0; count < 3; count++) expect((await failureOf(go(URL_))).kind).toBe("network");
  const refused = await failureOf(go(URL_));
  expect(refused).toMatchObject({ kind: "circuit-open", retryAfterMs: 1000, retryable: true, attempts: 0 });
  expect(fake.sent).toHaveLength(3);
  expect((await go("https://other.test/")).status).toBe(200);
  fake.pass(1000);
  expect((await go(URL_)).status).toBe(200);
  fake.pass(100);
  expect((await go(URL_)).status).toBe(200);
  const changes = events.flatMap((event) => (event.type === "circuit" ? `${event.origin} ${event.to}` : []));
  expect(changes).toEqual(["open", "half-open", "recovering", "closed"].map((phase) => `https://shop.test ${phase}`));
});

test("when the circuit opens between tries, the last failure is told, not the circuit", async () => {
  const { go, events } = client([status(504)], { breaker: { failures: 2, openMs: 60_000 } });
  expect(await failureOf(go(URL_))).toMatchObject({ status: 504, attempts: 2 });
  expect(whyOf(events)).toEqual(["circuit-open"]);
});

test("an abort gives its probe back", async () => {
  const breaker = { failures: 1, openMs: 1000, probes: 1 };
  const { fake, go } = client([DOWN, "hang", OK], { attempts: 1, breaker, tryMs: Infinity, deadlineMs: Infinity });
  await failureOf(go(URL_));
  fake.pass(1000);
  const controller = new AbortController();
  const probe = go(URL_, { signal: controller.signal });
  expect((await failureOf(go(URL_))).kind).toBe("circuit-open");
  controller.abort();
  await expect(probe).rejects.toMatchObject({ name: "AbortError" });
  expect((await go(URL_)).status).toBe(200);
});

test("at most a fifth of the active requests, and three, are in a retry at once", async () => {
  const { fake, go, events } = client([status(502)], { breaker: false });
  await Promise.allSettled(Array.from({ length: 20 }, () => go(URL_)));
  // Of twenty, four may retry; the other sixteen end, and of those four three may go on.
  expect(fake.sent).toHaveLength(20 + 4 + 3);
  expect(whyOf(events).filter((why) => why === "budget")).toHaveLength(17);
  await failureOf(go(URL_));
  expect(whyOf(events).at(-1)).toBe("attempts");
});

test("a logger that throws is seen, and changes no request", async () => {
  const later: (() => void)[] = [];
  const queue = vi.spyOn(globalThis, "queueMicrotask").mockImplementation((callback) => later.push(callback));
  const onEvent = ({ type }: ClientEvent): void => {
    if (type === "retry") throw new Error("disk full");
  };
  const { go } = client([DOWN, OK], { onEvent });
  const response = await go(URL_);
  queue.mockRestore();
  expect(response.status).toBe(200);
  expect(later).toHaveLength(1);
  expect(later[0]).toThrow("disk full");
});
