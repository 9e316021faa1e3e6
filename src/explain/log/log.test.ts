import { expect, test } from "vitest";
import type { EntryClass } from "../../knowledge/entry.ts";
import type { Explanation } from "../explanation.ts";
import { normalise } from "../normalise.ts";
import { recognise } from "../recognise.ts";
import { templateOf } from "../template.ts";
import { createLogGroups, type LogGroupsOptions } from "./groups.ts";
import { joinLines } from "./join-lines.ts";
import type { LogReport } from "./log-report.ts";
import { maskMessage } from "./message-key.ts";
import { Top } from "./top.ts";

const refused = (n: number, upstream = "10.0.0.7:3000", second = 10): string =>
  `2026/03/02 12:01:${second + (n % 50)} [error] 31#31: *${n} connect() failed (111: Connection refused) while connecting to upstream, client: 203.0.113.${n % 250}, server: , request: "GET /cart/${n}?x HTTP/1.1", upstream: "http://${upstream}/cart", host: "shop.example"`;
const timeout = (n: number): string =>
  `2026/03/02 12:02:10 [error] 31#31: *${n} upstream timed out (110: Connection timed out) while reading response header from upstream, client: 203.0.113.9, server: , request: "GET /slow HTTP/1.1", upstream: "http://10.0.0.8:3000/slow", host: "shop.example"`;
const access = (status: number): string =>
  `203.0.113.9 - - [02/Mar/2026:12:01:10 +0000] "GET /x HTTP/1.1" ${status} 157 "-" "curl/8" "-"`;

/** Stands for explain(): what the texts of these tests mean. */
const MEANS: readonly (readonly [pattern: RegExp, means: EntryClass])[] = [
  [/Connection refused|ECONNREFUSED/, "connect-refused"],
  [/timed out/, "response-timeout"],
  [/ 502 /, "status-only-502"],
];

function group(lines: readonly string[], options: LogGroupsOptions = {}): LogReport & { readonly asked: string[] } {
  const asked: string[] = [];
  const groups = createLogGroups((text): Explanation => {
    asked.push(text);
    const { benign, facts } = recognise(normalise(text));
    const means = MEANS.find(([pattern]) => pattern.test(text))?.[1] ?? null;
    const of = benign ? "not-an-error" : means;
    return {
      input: text,
      class: of,
      confidence: "likely",
      entry: `/cause/${of}`,
      title: String(of),
      summary: "",
      facts,
      decisive: [],
      reasons: [],
      settles: null,
      next: { text: "", command: null },
      alternatives: [],
      generated: of === null,
      template: templateOf(text),
      page: null,
    };
  }, options);
  for (const [index, line] of lines.entries()) groups.add(line, index + 1);
  return { ...groups.result(), asked };
}

test("lines that say the same are one group, explained once", () => {
  const lines = [
    ...Array.from({ length: 40 }, (_, n) => refused(n)),
    timeout(1),
    timeout(2),
    access(200),
    access(404),
    access(502),
    "hello",
  ];
  const report = group(lines);
  expect(report).toMatchObject({ lines: 46, benign: 1, clientErrors: 1, other: 1, failures: 43 });
  expect(report.groups.map(({ class: of, count }) => [of, count])).toEqual([
    ["connect-refused", 40],
    ["response-timeout", 2],
    ["status-only-502", 1],
  ]);
  expect(report.groups[0]).toMatchObject({
    first: { line: 1, time: "2026/03/02 12:01:10" },
    last: { line: 40, time: "2026/03/02 12:01:49" },
    upstreams: [{ value: "10.0.0.7:3000", count: 40, atMost: false }],
    hosts: [{ value: "shop.example", count: 40 }],
    sample: refused(0),
  });
  expect(report.groups[0]!.paths.length).toBeGreaterThan(1);
  expect(report.asked.length).toBeLessThanOrEqual(6);
  expect(report.verdict).toBe(
    "40 of 42 failures are connect-refused at 10.0.0.7:3000, between 12:01:10 and 12:01:49; 1 more entry says no cause.",
  );
});

test.each<[lines: string[], verdict: string]>([
  [[access(200), access(304)], "No failures in 2 lines."],
  [[], "No failures in 0 lines."],
  [[refused(0)], "The one failure is connect-refused at 10.0.0.7:3000, at 12:01:10."],
  [
    [refused(0), refused(1, "10.0.0.8:1")],
    "Both failures are connect-refused, at 2 upstreams, between 12:01:10 and 12:01:11.",
  ],
  [
    [refused(0), refused(1), refused(2, "10.0.0.8:1")],
    "All 3 failures are connect-refused, most of them at 10.0.0.7:3000, between 12:01:10 and 12:01:12.",
  ],
  [[access(502), access(502)], "2 entries tell of a failure, and none says why, at 12:01:10."],
  [
    [refused(0), refused(1).replace("/02 12", "/03 12")],
    "Both failures are connect-refused at 10.0.0.7:3000, between 2026/03/02 12:01:10 and 2026/03/03 12:01:11.",
  ],
])("the verdict", (lines, verdict) => {
  expect(group(lines).verdict).toBe(verdict);
});

test("large figures are grouped", () => {
  expect(group(Array.from({ length: 1_204 }, (_, n) => refused(n))).verdict).toMatch(/^All 1,204 failures/);
});

test("an unknown line counts as a failure only where it says so of itself", () => {
  const report = group([
    "ERROR the frobnicator is out of tune",
    "INFO the frobnicator is fine",
    "the frobnicator",
    access(500),
  ]);
  expect(report).toMatchObject({ failures: 2, benign: 1, other: 1 });
  expect(report.groups.map(({ class: of }) => of)).toEqual([null, null]);
});

test("a stack trace is one entry, whatever stands before its lines", () => {
  const trace = [
    "Error: connect ECONNREFUSED 10.0.0.7:3000",
    "    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1607:16) {",
    "  errno: -111,",
    "  code: 'ECONNREFUSED'",
    "}",
  ];
  const lines = [...trace, ...trace].map((line) => `api-1  | ${line}`);
  const report = group(["api-1  | listening", ...lines]);
  expect(report).toMatchObject({ lines: 11, failures: 2, other: 1 });
  expect(report.groups[0]).toMatchObject({ count: 2, first: { line: 2 }, last: { line: 7 } });
  expect(report.groups[0]!.upstreams).toEqual([{ value: "10.0.0.7:3000", count: 2, atMost: false }]);
});

test("groups are bounded: the rarest go, their class keeps its total", () => {
  const letters = (n: number): string =>
    String.fromCharCode(97 + (n % 26), 97 + (Math.floor(n / 26) % 26), 97 + Math.floor(n / 676));
  const lines = Array.from({ length: 300 }, (_, n) => `ERROR ${letters(n)} failed: Connection refused`);
  const report = group([...lines, ...Array.from({ length: 5 }, (_, n) => refused(n))], { groupsMax: 20, keysMax: 50 });
  expect(report.groups.length).toBeLessThanOrEqual(20);
  expect(report.groups[0]).toMatchObject({ count: 5 });
  expect(report.others.groups).toBeGreaterThan(200);
  const kept = report.groups.reduce((sum, { count }) => sum + count, 0);
  expect(kept + report.others.entries).toBe(305);
  expect(report.classes).toMatchObject([
    { class: "connect-refused", count: 305, first: { line: 1 }, last: { line: 305 } },
  ]);
});

test("lines are joined: traces, tracebacks, what PHP said within a line of nginx", () => {
  const join = (text: string): number[] => {
    const joiner = joinLines();
    const found = text.split("\n").flatMap((line, index) => joiner.add(line, index + 1) ?? []);
    const last = joiner.end();
    return [...found, ...(last ? [last] : [])].map(({ lines }) => lines);
  };
  expect(join("a\nb\nc")).toEqual([1, 1, 1]);
  expect(join("java.lang.X: y\n\tat a.b(C.java:1)\n\t... 3 more\nCaused by: java.io.Z\n\tat d\nnext")).toEqual([5, 1]);
  expect(
    join(
      'Traceback (most recent call last):\n  File "/x.py", line 1, in f\n    g()\nrequests.exceptions.ConnectionError: refused\nnext',
    ),
  ).toEqual([4, 1]);
  expect(join("[vite] http proxy error:\nError: read ECONNRESET\n    at TCP\nnext")).toEqual([3, 1]);
  expect(
    join(
      'x FastCGI sent in stderr: "PHP message: a\nStack trace:\n#0 /x.php(1): f()\nthrown" while reading response header from upstream, client: 1\nnext',
    ),
  ).toEqual([4, 1]);
  expect(join(`a\n${" b\n".repeat(200)}`)[0]).toBe(80);
  expect(join("a\n\nb")).toEqual([1, 1, 1]);
});

test("what changes is masked, what is said stays", () => {
  const mask = (text: string): string => maskMessage(text, 0, text.length);
  expect(mask("connect() to 10.0.0.7:3000 failed (111: Connection refused)")).toBe(
    "connect() to # failed (# Connection refused)",
  );
  expect(mask('lookup shop.internal on 127.0.0.11:53: no such host "/run/app.sock"')).toBe(
    'lookup # on # no such host "#"',
  );
  expect(mask("java.net.ConnectException: Connection refused")).toBe("java.net.ConnectException: Connection refused");
});

test("the most frequent values are found in bounded memory", () => {
  const top = new Top();
  for (let n = 0; n < 5_000; n++) {
    top.add(`rare ${n}`);
    if (n % 10 === 0) top.add("frequent");
  }
  const [first] = top.list();
  expect(first!.value).toBe("frequent");
  expect(first!.count).toBeGreaterThanOrEqual(500);
  expect(top.list(1_000).length).toBe(64);
});
