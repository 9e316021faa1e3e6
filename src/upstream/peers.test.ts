// Each choice is nginx's: what a real nginx 1.22.1 answered in $upstream_addr, request by request, over sockets. Letters
// are servers; one without "=" behind it refused. What changed since (sticky, least_time) follows the source.
import { expect, test } from "vitest";
import { Group, type Server, server } from "./peers.fixture.ts";

const NEVER = { maxFails: 0 } as const;
const A = "127.0.0.11:9";
const B = "127.0.0.12:9";
const C = "127.0.0.13:9";
const D = "127.0.0.14:9";

/** Letter, address, weight. */
const weighted = (...all: readonly (readonly [string, string, number])[]): Server[] =>
  all.map(([name, label, weight]) => server(name, label, { ...NEVER, weight }));

test("round robin: 5, 1, 1", () => {
  const group = new Group(weighted(["A", A, 5], ["B", B, 1], ["C", C, 1]));
  expect(group.requests(14, { tries: 1 })).toBe("A A B A C A A A A B A C A A");
  expect(group.requests(14)).toBe("ABC ACB BAC ACB CAB ABC ABC ACB BAC ACB CAB ABC ABC ACB");
});

test("round robin: equal weights, and a server that is down", () => {
  expect(new Group(weighted(["A", A, 1], ["B", B, 1], ["C", C, 1])).requests(5)).toBe("ABC CBA ABC CBA ABC");
  const group = new Group([
    ...weighted(["A", A, 3], ["B", B, 7]),
    server("C", C, { maxFails: 1, down: true }),
    ...weighted(["D", D, 2]),
  ]);
  expect(group.requests(24, { tries: 1 })).toBe("B A B D B A B B D B A B B A B D B A B B D B A B");
});

test("backups are asked behind all others, in a rotation of their own", () => {
  const group = new Group([
    ...weighted(["A", A, 1], ["B", B, 1]),
    server("C", C, { ...NEVER, backup: true }),
    server("D", D, { ...NEVER, backup: true, weight: 2 }),
  ]);
  expect(group.requests(7)).toBe("ABDC BACD ABDC BADC ABCD BADC ABDC");
});

test("failures shrink a server's share and put it out of use", () => {
  const alive = [server("W", "127.0.0.1:1", { weight: 2 }), server("X", "127.0.0.1:2")];
  for (const one of alive) one.alive = true;
  const group = new Group([server("A", A, { weight: 5, maxFails: 3, failTimeoutMs: 100_000 }), ...alive]);
  expect(group.requests(40)).toBe(
    "AW= W= AX= X= AW= W= W= W= W= X= W= W= X= W= W= X= W= W= X= W= W= X= W= W= X= W= W= X= W= W= X= W= W= X= W= W= X= W= W= X=",
  );
});

test("where all are out of use there is none, until their time is over", () => {
  const longer = { failTimeoutMs: 100_000 };
  const group = new Group([
    server("A", A, { ...longer, maxFails: 2 }),
    server("B", B, longer),
    server("C", C, { ...longer, backup: true }),
  ]);
  expect(group.requests(8)).toBe("ABC A- - - - - - -");
  group.nowMs += 101_000;
  expect(group.request()).not.toBe("-");
});

test("a single server is never out of use, unless it has a backup", () => {
  expect(new Group([server("A", A)]).requests(4)).toBe("A A A A");
  const longer = { failTimeoutMs: 100_000 };
  const group = new Group([server("A", A, longer), server("B", B, { ...longer, backup: true })]);
  expect(group.requests(4)).toBe("AB - - -");
});

/** B has twice the weight, C is down. */
const four = (weightOfB: number): Server[] => [
  ...weighted(["A", A, 1], ["B", B, weightOfB]),
  server("C", C, { ...NEVER, down: true }),
  ...weighted(["D", D, 1]),
];

test("by address: three bytes of IPv4, sixteen of IPv6", () => {
  const group = new Group(four(2), { ipHash: true });
  const addresses = [
    "10.0.0.1",
    "10.0.0.77",
    "10.0.1.1",
    "172.16.5.4",
    "192.0.2.200",
    "203.0.113.9",
    "8.8.8.8",
    "127.0.0.1",
    "0.0.0.0",
    "::1",
    "2001:db8::1",
    "2001:db8::2",
    "fe80::1:2:3:4",
    "::ffff:192.0.2.1",
    "1:2:3:4:5:6:7:8",
  ];
  const stories = addresses.map((key) => group.request({ key }));
  expect(stories.join(" ")).toBe("ABD ABD BDA BDA ADB BAD BAD ABD ADB ABD ABD BDA BAD ADB BDA");
});

const KEYS = [
  "a",
  "b",
  "/item/1",
  "/item/2",
  "/item/3",
  "user@example.com",
  "x".repeat(200),
  "0",
  "1",
  "zzz",
  "%41",
  "k10",
  "k11",
  "k12",
  "k13",
  "k14",
  "k15",
  "k16",
  "k17",
  "k18",
];

test("hash: modulo the weights, and without a key the rotation", () => {
  const group = new Group(four(3), { hashText: "", method: "modulo" });
  expect(KEYS.map((key) => group.request({ key })).join(" ")).toBe(
    "DAB ABD BDA BDA DBA DBA DBA DBA ABD BAD BAD BAD ABD BAD ADB BAD BAD BAD DAB DAB",
  );
  expect(group.requests(6, { tries: 1 })).toBe("B A B D B B");
});

test("hash: on a ring of points, where a server without a port and a Unix socket have theirs", () => {
  const group = new Group(
    [
      ...weighted(["A", A, 1], ["B", B, 3]),
      server("C", C, { ...NEVER, down: true }),
      ...weighted(["D", "127.0.0.14", 1], ["E", "unix:none.sock", 1]),
    ],
    { hashText: "", method: "ketama" },
  );
  expect(KEYS.map((key) => group.request({ key })).join(" ")).toBe(
    "BAED BAED BEDA BDAE DAEB BEAD BADE BEAD DEBA AEBD EDBA BADE BDEA BADE BAED BDEA EDBA BEAD BADE EBDA",
  );
});

test("a name on the ring has the points of its name, whatever its address", () => {
  const named = { ...server("L", "127.0.0.1:9", NEVER), server: "localhost:9" };
  const group = new Group([...weighted(["A", A, 1]), named], { hashText: "", method: "ketama" });
  expect(KEYS.map((key) => group.request({ key })).join(" ")).toBe(
    "AL AL LA AL AL AL AL AL LA LA LA AL LA LA AL LA LA AL AL LA",
  );
});

/** Runs "h" (a request that stays) and "q" (one that is answered at once): capitals for those that stay. */
function play(group: Group, operations: string): string {
  return [...operations]
    .map((operation) => {
      const picked = group.peers.pick([], "", "");
      if (!picked) return "-";
      if (operation === "h") {
        picked.active++;
        return picked.name;
      }
      group.peers.ended(picked, { kind: null, headMs: 1, tookMs: 1 }, true);
      return picked.name.toLowerCase();
    })
    .join("");
}

test("least connections: by weight, and those that are even take turns", () => {
  const weights = [1, 2, 1, 3];
  const servers = weights.map((weight, i) => server("WXYZ"[i]!, `127.0.0.1:${i}`, { weight }));
  expect(play(new Group(servers, "least-connections"), "hhhqhqhhqqqhhqhqqqhhq")).toBe("ZXWyYzZXzzzZYxZwxwXWz");
});

test("a server has no more requests than its max_conns", () => {
  const mosts = [1, 2, 1, 1];
  const servers = mosts.map((maxConnections, i) =>
    server("WXYZ"[i]!, `127.0.0.1:${i}`, { maxConnections, backup: i === 3 }),
  );
  expect(play(new Group(servers), "hqhhqhqhhq")).toBe("WxYXxXzZ--");
});
