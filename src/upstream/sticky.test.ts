import { expect, test } from "vitest";
import { Group, type Server, server } from "./peers.fixture.ts";
import { boundRoute, type CookieSticky, firstValue, routeOf, stickySetCookie } from "./sticky.ts";
import { StickySessions } from "./sticky-sessions.ts";

const COOKIE: CookieSticky = {
  kind: "cookie",
  name: "srv",
  domain: null,
  path: null,
  expiresMs: null,
  httpOnly: false,
  secure: false,
  sameSite: null,
};
const NOW = new Date("2026-11-06T08:49:37.900Z");
const PLAIN = { domain: null, sameSite: null };

test("the route of a server is what is configured, else the MD5 of its address", () => {
  expect(routeOf("a1", "127.0.0.1:8081")).toBe("a1");
  expect(routeOf("", "127.0.0.1:8081")).toBe("df2b80dc43705d28db9be6f29fe58da3");
});

test("the cookie has its parts in nginx's order", () => {
  expect(stickySetCookie(COOKIE, "r", PLAIN, NOW)).toBe("srv=r");
  const all = { ...COOKIE, path: "/", expiresMs: 3_780_000, httpOnly: true, secure: true };
  expect(stickySetCookie(all, "r", { domain: "example.com", sameSite: "lax" }, NOW)).toBe(
    "srv=r; expires=Fri, 06-Nov-26 09:52:37 GMT; max-age=3780; domain=example.com; httponly; secure; samesite=lax; path=/",
  );
});

test("expires: as late as can be, at once, and beyond 2037 with a whole year", () => {
  const until = (expiresMs: number | "max") => stickySetCookie({ ...COOKIE, expiresMs }, "r", PLAIN, NOW);
  expect(until("max")).toBe("srv=r; expires=Thu, 31-Dec-37 23:55:55 GMT; max-age=315360000");
  expect(until(0)).toBe("srv=r; expires=Fri, 06-Nov-26 08:49:37 GMT; max-age=0");
  expect(until(20 * 365 * 86_400_000)).toBe("srv=r; expires=Thu, 01-Nov-2046 08:49:37 GMT; max-age=630720000");
});

test("samesite: what a variable gives and is none of the three is strict; empty is left out", () => {
  const cookie = (sameSite: string) => stickySetCookie(COOKIE, "r", { domain: "", sameSite }, NOW);
  expect(cookie("None")).toBe("srv=r; samesite=None");
  expect(cookie("whatever")).toBe("srv=r; samesite=strict");
  expect(cookie("")).toBe("srv=r");
});

test("the first value that is not empty is looked up", () => {
  expect(firstValue(["", "b", "c"])).toBe("b");
  expect(firstValue(["", ""])).toBe("");
});

test("what a request is bound to: a cookie's value, a route, or the route of its session", () => {
  const sessions = new StickySessions({ bytes: 1 << 20, timeoutMs: 5000 }, () => 0);
  sessions.learn("s1", "", "a");
  const learn = { kind: "learn", create: [], lookup: [], zone: "z", bytes: 0, timeoutMs: 0, afterHead: false } as const;
  expect(boundRoute(COOKIE, null, ["b"])).toBe("b");
  expect(boundRoute({ kind: "route", lookup: [] }, null, ["", "c"])).toBe("c");
  expect(boundRoute(learn, sessions, ["", "s1"])).toBe("a");
  expect(boundRoute(learn, sessions, ["s2", "s1"])).toBe("");
});

function alive(...told: readonly Parameters<typeof server>[2][]): Server[] {
  return told.map((one, i) =>
    Object.assign(server("ABCD"[i]!, `127.0.0.1:${i}`, { route: "abcd"[i]!, ...one }), { alive: true }),
  );
}

test("a bound request goes to its server, whatever the balancer", () => {
  const balances = [
    "round-robin",
    "least-connections",
    { ipHash: true },
    { hashText: "", method: "modulo" },
    { hashText: "", method: "ketama" },
    { random: "one" },
    { random: "two" },
    { leastTime: "header", inflight: false },
  ] as const;
  for (const balance of balances) {
    const group = new Group(alive({}, {}, {}), balance);
    for (let n = 0; n < 9; n++) {
      expect(group.request({ key: "k", route: "b" })).toBe("B=");
      expect(["A=", "B=", "C="]).toContain(group.request({ key: "k", route: "z" }));
    }
  }
});

test("what cannot be used binds nobody: the balancer decides", () => {
  const down = new Group(alive({}, { down: true }));
  expect(down.requests(3, { route: "b" })).toBe("A= A= A=");
  const dead = new Group(alive({}, {}));
  dead.servers[1]!.alive = false;
  expect(dead.requests(3, { route: "b" })).toBe("BA= A= A=");
  const full = new Group(alive({}, { maxConnections: 1 }));
  full.servers[1]!.active = 1;
  expect(full.request({ route: "b" })).toBe("A=");
});

test("a server that drains has only those that are bound to it", () => {
  const group = new Group(alive({}, { drain: true }));
  expect(group.requests(4)).toBe("A= A= A= A=");
  expect(group.requests(2, { route: "b" })).toBe("B= B=");
  expect(group.peers.triesMax).toBe(1);
  const alone = new Group(alive({ drain: true }));
  expect(alone.request({ tries: 1 })).toBe("-");
  expect(alone.request({ tries: 1, route: "a" })).toBe("A=");
});

test("the rotation takes note of bound requests: others get less of that server", () => {
  const group = new Group(alive({}, {}, {}));
  const others: string[] = [];
  for (let n = 0; n < 30; n++) {
    group.request({ route: "a" });
    others.push(group.request());
  }
  expect(others.filter((story) => story === "A=").length).toBeLessThan(5);
});

test("sessions: begun by a response, kept by those that follow, forgotten when unused", () => {
  let nowMs = 1000;
  const sessions = new StickySessions({ bytes: 1 << 20, timeoutMs: 5000 }, () => nowMs);
  sessions.learn("", "s1", "a");
  expect(sessions.lookUp("s1")).toBe("");
  sessions.learn("s1", "", "a");
  nowMs += 4000;
  expect(sessions.lookUp("s1")).toBe("a");
  sessions.learn("", "s1", "b");
  nowMs += 4999;
  expect(sessions.lookUp("s1")).toBe("b");
  nowMs += 1;
  expect(sessions.lookUp("s1")).toBe("");
  expect(sessions.size).toBe(0);
});

test("sessions: a full zone forgets the one that was used longest ago", () => {
  const sessions = new StickySessions({ bytes: 32_768, timeoutMs: 5000 }, () => 0);
  for (let n = 0; n < 1000; n++) {
    sessions.learn(`s${n}`, "", "a");
    sessions.learn("", "s0", "a");
  }
  expect(sessions.size).toBeLessThan(150);
  expect(sessions.lookUp("s0")).toBe("a");
  expect(sessions.lookUp("s1")).toBe("");
  expect(sessions.lookUp("s999")).toBe("a");
});
