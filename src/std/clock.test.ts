import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { beginEvent, eventTime, now, wheel as processWheel, Timed, TimerWheel, useClock } from "./clock.ts";

afterEach(() => useClock(null));

class Probe extends Timed {
  fired: number[] = [];
  override onDeadline(at: number): void {
    this.fired.push(at);
  }
}

const TICK_MS = 20;

function setUp(): { wheel: TimerWheel; go: (ms: number) => void; at: () => number } {
  let time = 1_000;
  const wheel = new TimerWheel(() => time);
  const go = (ms: number): void => {
    for (const end = time + ms; time < end; ) {
      time = Math.min(end, time + TICK_MS);
      wheel.advance(time);
    }
  };
  return { wheel, go, at: () => time };
}

test("a deadline fires once, not early, and at most two ticks late", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 30 }), (delays) => {
      const { wheel, go, at } = setUp();
      const start = at();
      const probes = delays.map((delay) => {
        const probe = new Probe();
        wheel.set(probe, start + delay);
        return { probe, delay };
      });
      go(71_000);
      for (const { probe, delay } of probes) {
        expect(probe.fired).toHaveLength(1);
        const late = probe.fired[0]! - start - delay;
        expect(late).toBeGreaterThanOrEqual(0);
        expect(late).toBeLessThanOrEqual(2 * TICK_MS);
      }
      expect(wheel.size).toBe(0);
      wheel.stop();
    }),
    { numRuns: 50 },
  );
});

test("a deadline that is moved later fires at the later instant, one that is moved earlier at the earlier", () => {
  const { wheel, go, at } = setUp();
  const later = new Probe();
  const earlier = new Probe();
  wheel.set(later, at() + 100);
  wheel.set(earlier, at() + 5_000);
  wheel.set(later, at() + 1_000);
  wheel.set(earlier, at() + 100);
  go(200);
  expect([later.fired.length, earlier.fired.length]).toEqual([0, 1]);
  go(900);
  expect(later.fired).toHaveLength(1);
});

test("a cleared or removed deadline does not fire, and may be set again", () => {
  const { wheel, go, at } = setUp();
  const cleared = new Probe();
  const removed = new Probe();
  wheel.set(cleared, at() + 100);
  wheel.set(removed, at() + 100);
  wheel.clear(cleared);
  wheel.remove(removed);
  expect(wheel.size).toBe(1);
  go(500);
  expect([...cleared.fired, ...removed.fired]).toEqual([]);
  wheel.set(cleared, at() + 100);
  go(200);
  expect(cleared.fired).toHaveLength(1);
});

test("a handler may set, clear and remove others that are due in the same tick", () => {
  const { wheel, go, at } = setUp();
  const victims = Array.from({ length: 20 }, () => new Probe());
  class Killer extends Timed {
    override onDeadline(): void {
      for (const victim of victims) wheel.remove(victim);
      wheel.set(this, at() + 1_000);
    }
  }
  for (const victim of victims.slice(0, 10)) wheel.set(victim, at() + 50);
  const killer = new Killer();
  wheel.set(killer, at() + 50);
  for (const victim of victims.slice(10)) wheel.set(victim, at() + 50);
  go(100);
  expect(victims.filter((victim) => victim.fired.length > 0).length).toBeLessThanOrEqual(10);
  expect(wheel.size).toBe(1);
  wheel.remove(killer);
});

test("a deadline in the past, set by a handler behind a stall of the loop, fires with the next tick", () => {
  let time = 1_000;
  const wheel = new TimerWheel(() => time);
  const late = new Probe();
  class Setter extends Timed {
    override onDeadline(): void {
      wheel.set(late, 1_010);
    }
  }
  wheel.set(new Setter(), 1_500);
  time = 3_000;
  wheel.advance(time);
  time += TICK_MS;
  wheel.advance(time);
  expect(late.fired).toHaveLength(1);
  wheel.stop();
});

test("another clock: now, eventTime and the wheel follow it, backwards as well, and nothing of the time before fires", () => {
  const before = new Probe();
  processWheel.set(before, now() + 5_000);
  let time = 50;
  useClock(() => time);
  expect([now(), eventTime(), processWheel.size]).toEqual([50, 50, 0]);
  const probe = new Probe();
  processWheel.set(probe, 10_000);
  for (time = 70; time <= 10_060; time += TICK_MS) processWheel.advance(time);
  expect(probe.fired).toHaveLength(1);
  expect(probe.fired[0]! - 10_000).toBeLessThanOrEqual(2 * TICK_MS);
  expect(before.fired).toEqual([]);

  // What falls out can be set again.
  time = 20_000;
  beginEvent();
  expect(eventTime()).toBe(20_000);
  processWheel.set(probe, 20_100);
  useClock(null);
  expect(processWheel.size).toBe(0);
  expect(probe.dueAt).toBe(Infinity);
  expect(Math.abs(now() - performance.now())).toBeLessThan(1_000);
});

test("under a clock that is passed in the wheel does not tick by itself", async () => {
  let time = 1_000;
  useClock(() => time);
  const probe = new Probe();
  processWheel.set(probe, 1_020);
  time = 60_000;
  await new Promise((resolve) => setTimeout(resolve, 5 * TICK_MS));
  expect(probe.fired).toEqual([]);
  processWheel.advance(time);
  expect(probe.fired).toEqual([60_000]);
});
