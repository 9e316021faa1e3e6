import { afterAll, beforeAll, expect, test } from "vitest";
import { beginEvent, useClock } from "../std/clock.ts";
import { SessionStore, ticketKeyFrom } from "./tls-sessions.ts";

let nowMs = 1_000;
beforeAll(() => useClock(() => nowMs));
afterAll(() => useClock(null));

const id = (text: string) => Buffer.from(text);

test("a session is found until its time is over", () => {
  const store = new SessionStore();
  beginEvent();
  store.keep(id("a"), Buffer.from("session"), 500);
  expect(store.find(id("a"))?.toString()).toBe("session");
  expect(store.find(id("b"))).toBeNull();
  nowMs += 500;
  beginEvent();
  expect(store.find(id("a"))).toBeNull();
});

test("the oldest go where there are too many", () => {
  const store = new SessionStore(20);
  for (const name of ["a", "b", "c"]) store.keep(id(name), Buffer.alloc(10), 500);
  expect(["a", "b", "c"].map((name) => store.find(id(name)) !== null)).toEqual([false, true, true]);
});

test("key files of nginx become Node's keys", () => {
  const file = Buffer.concat([Buffer.alloc(16, "n"), Buffer.alloc(16, "a"), Buffer.alloc(16, "h")]);
  expect(ticketKeyFrom(file)?.toString()).toBe("n".repeat(16) + "h".repeat(16) + "a".repeat(16));
  expect(ticketKeyFrom(Buffer.alloc(80, 1))).toHaveLength(48);
  expect(ticketKeyFrom(Buffer.alloc(47))).toBeNull();
});
