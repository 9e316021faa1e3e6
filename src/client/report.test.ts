import fc from "fast-check";
import { expect, test } from "vitest";
import { CAUSES, isCauseId } from "../failure/causes.ts";
import { appendMember, hopAtFault as hopOf, parseProxyStatus, serialiseMember } from "../failure/proxy-status.ts";
import { BODY_CHARS_MAX, hopAtFault, readReport, readText, USUAL_CAUSE } from "./report.ts";

test("the usual cause of each error type is a cause of that type, and none of the gateway's types is missing", () => {
  const wrong = Object.entries(USUAL_CAUSE).filter(
    ([type, cause]) => !isCauseId(cause) || CAUSES[cause].proxyStatus !== type,
  );
  expect(wrong).toEqual([]);
  const types = Object.values(CAUSES)
    .filter(({ status }) => status >= 500)
    .flatMap(({ proxyStatus }) => proxyStatus ?? []);
  expect(types.length).toBeGreaterThan(20);
  expect(types.filter((type) => !Object.hasOwn(USUAL_CAUSE, type))).toEqual([]);
});

test("the hop nearest the origin that reports an error is at fault", () => {
  const field =
    'inner; error=connection_refused; details="a, \\"b\\"; error=dns_error", "outer one"; error=dns_timeout';
  expect(hopAtFault(field)).toEqual({ name: "inner", error: "connection_refused" });
  expect(hopAtFault('quiet; next-hop="10.0.0.1:80", "outer \\"x\\""; received-status=502; error=dns_timeout')).toEqual({
    name: 'outer "x"',
    error: "dns_timeout",
  });
  expect(hopAtFault('quiet; details="; error=dns_error"')).toBeNull();
});

test.each(["", "a;;error=x", 'a; error="x', "a; error=x, ", "a error=x", `a; error=x; details="${"y".repeat(9000)}"`])(
  "nothing is read from %j",
  (field) => expect(hopAtFault(field.slice(0, 9000))).toBeNull(),
);

test("what the gateway writes is read as the gateway itself reads it", () => {
  const name = fc.string({ minLength: 1, maxLength: 20 });
  const member = fc.record({
    name,
    error: fc.constantFrom(undefined, ...Object.keys(USUAL_CAUSE)),
    details: fc.option(fc.string({ maxLength: 60 }), { nil: undefined }),
    nextHop: fc.option(name, { nil: undefined }),
    receivedStatus: fc.constantFrom(undefined, 502),
  });
  const property = fc.property(fc.array(member, { minLength: 1, maxLength: 4 }), (members) => {
    const field = members.reduce((value, one) => appendMember(value === "" ? [] : [value], serialiseMember(one)), "");
    const { members: hops, valid } = parseProxyStatus(field);
    expect(valid).toBe(true);
    const hop = hopOf(hops);
    expect(hopAtFault(field)).toEqual(hop && { name: hop.name, error: hop.params.get("error") });
  });
  fc.assert(property, { numRuns: 300 });
});

test("nothing that anyone sends makes it throw", () => {
  const property = fc.property(fc.string(), fc.string(), (field, body) => {
    hopAtFault(field);
    readReport(new Headers({ "content-type": "application/problem+json" }), body);
  });
  expect(() => fc.assert(property, { numRuns: 300 })).not.toThrow();
});

const problem = new Headers({
  "content-type": "application/problem+json; charset=utf-8",
  "proxy-status": "edge; error=connection_terminated",
  "x-request-id": "r1",
});

test("a problem document has the last word on the cause", () => {
  const body = JSON.stringify({
    type: "https://errors.example/reference/cause/keepalive-race",
    title: "Reused connection",
    detail: "It had just been closed.",
    cause: "keepalive-race",
    requestId: "other",
    retryable: true,
  });
  expect(readReport(problem, body)).toEqual({
    causeId: "keepalive-race",
    proxyError: "connection_terminated",
    hop: "edge",
    requestId: "r1",
    detail: "It had just been closed.",
    reference: "https://errors.example/reference/cause/keepalive-race",
    retryable: true,
  });
});

test("of a problem document only what is well formed is believed", () => {
  const usual = { causeId: "closed-before-response", detail: null, reference: null, retryable: null };
  for (const body of ["", "{", "null", "[1]", '"x"', '{"cause": 7, "retryable": "no", "type": "javascript:x"}'])
    expect(readReport(problem, body)).toMatchObject(usual);
  expect(readReport(problem, '{"cause": "<b>"}').causeId).toBe("closed-before-response");
  expect(readReport(new Headers({ "content-type": "application/json" }), '{"cause": "oom-killed"}').causeId).toBeNull();
});

test("of a body only the beginning is read, and the rest is not waited for", async () => {
  let isCancelled = false;
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(10_000).fill(97)),
    cancel: () => {
      isCancelled = true;
    },
  });
  expect(await readText(new Response(endless))).toBe("a".repeat(BODY_CHARS_MAX));
  expect(isCancelled).toBe(true);
  // A clone's other half, still unread, does not hold it up.
  expect(await readText(new Response("a".repeat(BODY_CHARS_MAX * 3)).clone())).toHaveLength(BODY_CHARS_MAX);
  expect(await readText(new Response("käse"))).toBe("käse");
  expect(await readText(new Response(null))).toBe("");
});
