// The picture's plan and the sentence above it, on made-up gateways of all sizes.
import { describe, expect, test } from "vitest";
import { makeIncidents } from "../dev/incidents.ts";
import { makeWorld, nowOf } from "../dev/world.ts";
import { stateOf } from "../verdict.ts";
import { type Box, layOut, MEMBERS_MAX } from "./layout.ts";

const AT = 1_764_000_000_000;

function made(options: { large?: boolean; calm?: boolean; demo?: boolean; stories?: number }) {
  const { large = false, calm = false, demo = false, stories = 0 } = options;
  const world = makeWorld({ large, calm, demo }, AT);
  return { world, now: () => nowOf(world, makeIncidents({ count: 0, openStories: stories }, AT), AT) };
}

const overlap = (a: Box, b: Box): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

describe("the plan of the picture", () => {
  test.each([
    ["three upstreams", made({}), []],
    ["the demo", made({ demo: true }), []],
    ["500 endpoints", made({ large: true }), []],
    ["500 endpoints, one upstream opened", made({ large: true }), ["service-3"]],
  ] as const)("%s: everything stands within the width, and nothing on another", (_name, { now }, open) => {
    for (const width of [860, 1280, 2400]) {
      const { groups, routes, listeners, bar, height } = layOut(now(), width, new Set(open));
      const boxes = [
        bar,
        ...listeners.map(({ box }) => box),
        ...routes.map(({ box }) => box),
        ...groups.flatMap(({ box, members, summary }) => [
          box,
          ...members.map((member) => member.box),
          ...(summary ? [summary.box] : []),
        ]),
      ];
      for (const [index, box] of boxes.entries()) {
        expect(box.x).toBeGreaterThanOrEqual(0);
        expect(box.x + box.width).toBeLessThanOrEqual(width + 0.01);
        expect(box.y + box.height).toBeLessThanOrEqual(height);
        for (const other of boxes.slice(index + 1)) expect(overlap(box, other)).toBe(false);
      }
    }
  });

  test("many members become counts with the worst, until they are opened", () => {
    const { now } = made({ large: true });
    const [closed] = layOut(now(), 1280, new Set()).groups;
    expect(closed?.members.length).toBeLessThan(MEMBERS_MAX);
    expect(closed?.summary?.expanded).toBe(false);
    const worst = closed?.members[0]?.endpoint.state;
    expect(worst).not.toBe("ok");
    const [open] = layOut(now(), 1280, new Set(["service-1"])).groups;
    expect(open?.members).toHaveLength(50);
    expect(open?.summary?.expanded).toBe(true);
  });

  test("where things stand does not follow the figures", () => {
    const { now } = made({ large: true });
    const placed = () =>
      layOut(now(), 1280, new Set()).groups.flatMap(({ members }) => members.map(({ endpoint }) => endpoint.label));
    expect(placed()).toEqual(placed());
  });
});

describe("the sentence", () => {
  test("the worst speaks first", () => {
    const calm = made({ calm: true });
    expect(stateOf(calm.now())).toMatchObject({ tone: "good", word: "All well", href: null });
    Object.assign(calm.world.upstreams[0]?.[1] ?? {}, { state: "gone", since: AT });
    expect(stateOf(calm.now())).toMatchObject({ tone: "warn", href: "/upstreams" });
    for (const one of calm.world.upstreams[0] ?? []) Object.assign(one, { state: "gone", since: AT - 5_000 });
    expect(stateOf(calm.now())).toMatchObject({ tone: "bad", word: "Away", href: "/upstreams?upstream=shop" });
    expect(stateOf(calm.now()).sentence).toContain("shop is away for 5 s");
    const bad = made({ stories: 1 }).now();
    expect(stateOf(bad)).toMatchObject({ tone: "bad", word: "Degraded", sentence: bad.incidents[0]?.sentence });
    const notReady = { ...bad, gateway: { ...bad.gateway, ready: false, reasons: ["it drains"] } };
    expect(stateOf(notReady).sentence).toBe("The gateway is not ready: it drains.");
  });
});
