// The waiting room by itself: bounds, order, how many are let go at once, and that nobody is forgotten.
import { beforeEach, expect, test } from "vitest";
import { eventTime } from "../std/clock.ts";
import { pass, stopTheClock } from "./group.fixture.ts";
import { type Waiter, type Waiting, WaitingRoom, type WaitKind, type WaitLimits } from "./waiting-room.ts";

const LIMITS: WaitLimits = { requests: 1000, bytes: 0 };

let room: WaitingRoom;
/** Who went on, and who waited in vain, in that order. */
let gone: string[];
let late: string[];
let open: boolean;

beforeEach(() => {
  stopTheClock();
  room = new WaitingRoom();
  gone = [];
  late = [];
  open = false;
});

function waiter(name: string, bytes = 0, onProceed: () => void = () => {}): Waiter {
  return {
    waitingBytes: bytes,
    mayProceed: () => open,
    proceed: () => {
      gone.push(name);
      onProceed();
    },
    waitedInVain: () => late.push(name),
  };
}

function enter(name: string, kind: WaitKind = "hold", forMs = 60_000): Waiting {
  return room.enter(waiter(name), kind, LIMITS, eventTime() + forMs)!;
}

const enterMany = (count: number, kind: WaitKind = "hold"): Waiting[] =>
  Array.from({ length: count }, (_, n) => enter(`${n}`, kind));
const names = (count: number): string[] => Array.from({ length: count }, (_, n) => `${n}`);

/** The upstream is back, as a group tells it. */
function back(): void {
  open = true;
  room.outageOver();
  room.wake();
}

test("the bounds hold by kind and by bytes, and what leaves gives its place and its bytes back", () => {
  const limits: WaitLimits = { requests: 2, bytes: 100 };
  const first = room.enter(waiter("a", 60), "hold", limits, Infinity)!;
  expect(room.enter(waiter("too large", 41), "hold", limits, Infinity)).toBeNull();
  expect(room.enter(waiter("b", 40), "hold", limits, Infinity)).not.toBeNull();
  expect([room.size, room.held, room.bytes]).toEqual([2, 2, 100]);
  expect(room.enter(waiter("one too many"), "hold", limits, Infinity)).toBeNull();
  // The other kind has places of its own.
  const queued = room.enter(waiter("q"), "queue", { requests: 1, bytes: 0 }, Infinity)!;
  expect(room.enter(waiter("q2"), "queue", { requests: 1, bytes: 0 }, Infinity)).toBeNull();
  room.leave(first);
  room.leave(first);
  expect([room.size, room.held, room.bytes]).toEqual([2, 1, 40]);
  expect(room.enter(waiter("c", 60), "hold", limits, Infinity)).not.toBeNull();
  room.leave(queued);
  expect(room.enter(waiter("q3"), "queue", { requests: 1, bytes: 0 }, Infinity)).not.toBeNull();
});

test("each waits until its own deadline, and has left when it is told", async () => {
  enter("short", "hold", 300);
  enter("long", "hold", 900);
  await pass(280);
  expect(late).toEqual([]);
  await pass(60);
  expect([late, room.size]).toEqual([["short"], 1]);
  await pass(1000);
  expect([late, room.size, room.bytes]).toEqual([["short", "long"], 0, 0]);
});

test("without an outage all that can go on do, in their order; who cannot holds up those behind it", () => {
  let places = 3;
  for (const name of names(5)) {
    const one: Waiter = {
      ...waiter(name),
      mayProceed: () => places > 0,
      proceed: () => {
        gone.push(name);
        places--;
      },
    };
    room.enter(one, "queue", LIMITS, Infinity);
  }
  room.wake();
  expect(gone).toEqual(["0", "1", "2"]);
  places = 2;
  room.releasedEnded(true);
  expect(gone).toEqual(names(5));
});

test("after an outage four go first; each answer lets two follow, a failure one, and none is overtaken", () => {
  room.outage();
  enterMany(40);
  room.wake();
  expect(gone).toEqual([]);
  back();
  expect(gone).toEqual(names(4));
  room.releasedEnded(true);
  expect(gone).toEqual(names(6));
  room.releasedEnded(false);
  expect(gone).toEqual(names(7));
  let ended = 2;
  while (ended < gone.length) {
    room.releasedEnded(true);
    ended++;
  }
  expect(gone).toEqual(names(40));
  expect(room.pacing).toBe(false);
});

test("while nothing that was let go ends, more follow slowly: event streams and tunnels hold nobody up", async () => {
  room.outage();
  enterMany(30);
  back();
  await pass(400);
  expect(gone.length).toBe(4);
  await pass(300);
  expect(gone.length).toBe(8);
  await pass(1400);
  expect(gone).toEqual(names(30));
});

test("the release begins slowly, too, where those who waited at first have left during the outage", () => {
  room.outage();
  room.leave(enter("impatient"));
  expect(room.pacing).toBe(true);
  enterMany(10);
  back();
  expect(gone).toEqual(names(4));
});

test("an outage in which nobody waited leaves no trace", () => {
  room.outage();
  back();
  expect(room.pacing).toBe(false);
  enterMany(10, "queue");
  room.wake();
  expect(gone).toEqual(names(10));
});

test("a place that becomes free by time alone is found", async () => {
  enterMany(2, "queue");
  await pass(500);
  expect(gone).toEqual([]);
  open = true;
  await pass(140);
  expect(gone).toEqual(["0", "1"]);
});

test("whoever is let go may fail at once and wait again, or wake others: nobody goes twice, none is skipped", () => {
  const again = (name: string): Waiter =>
    waiter(name, 0, () => {
      open = false;
      room.enter(waiter(`${name} again`), "hold", LIMITS, Infinity);
      room.releasedEnded(false);
    });
  room.outage();
  room.enter(again("a"), "hold", LIMITS, Infinity);
  enter("b");
  back();
  expect(gone).toEqual(["a"]);
  open = true;
  room.wake();
  expect(gone).toEqual(["a", "b", "a again"]);
  expect(room.size).toBe(0);
});
