import { expect, test } from "vitest";
import { Group, server } from "./peers.fixture.ts";

const PICKS = 20_000;

function shares(group: Group): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let n = 0; n < PICKS; n++) {
    const name = group.peers.pick([], "", "")?.name ?? "-";
    counts[name] = (counts[name] ?? 0) + 1 / PICKS;
  }
  return counts;
}
const servers = () => [
  server("A", "a", { weight: 1 }),
  server("B", "b", { weight: 3 }),
  server("C", "c", { down: true, weight: 2 }),
];

test("random: by weight; what is down has its draws done again", () => {
  const drawn = shares(new Group(servers(), { random: "one" }));
  expect(drawn["A"]).toBeCloseTo(0.25, 1);
  expect(drawn["B"]).toBeCloseTo(0.75, 1);
  expect(drawn["C"]).toBeUndefined();
});

test("random two: the one of two with fewer requests per weight", () => {
  const group = new Group(servers(), { random: "two" });
  group.servers[0]!.active = 1;
  group.servers[1]!.active = 2;
  // B has two for a weight of three. Where A is not drawn in 20 draws it is the rotation's turn.
  expect(shares(group)["B"]).toBeGreaterThan(0.98);
});

test("random: what cannot be found by chance the rotation finds", () => {
  const many = Array.from({ length: 400 }, (_, i) => server(i === 399 ? "Z" : "x", `${i}`, { down: i < 399 }));
  for (const kind of ["one", "two"] as const) {
    const group = new Group(many, { random: kind });
    expect(group.peers.pick([], "", "")?.name).toBe("Z");
    expect(group.peers.pick([many[399]!], "", "")).toBeNull();
  }
});

test("random: each server is tried once", () => {
  for (const kind of ["one", "two"] as const) {
    const all = ["A", "B", "C", "D"].map((name) => server(name, name, { maxFails: 0 }));
    const group = new Group(all, { random: kind });
    for (let n = 0; n < 50; n++) expect([...group.request()].sort().join("")).toBe("ABCD");
  }
});
