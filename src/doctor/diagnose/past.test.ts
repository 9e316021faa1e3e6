// What logs alone are concluded to tell: healthy days with scanners and aborts are no fault, what explains failures is
// told with them, failures that only share a log are not put together, and "since" is where the present run begins.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { now } from "../../std/clock.ts";
import { beginLogs } from "../logs/read-logs.ts";
import { index } from "../logs/traffic.fixture.ts";
import { diagnose } from "./diagnose.ts";
import { evidence } from "./evidence.fixture.ts";

const folder = mkdtempSync(join(tmpdir(), "goodgate-past-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const START = Date.parse("2026-03-02T00:00:00Z");
const MINUTE = 60_000;
const MONTHS = ["Jan", "Feb", "Mar"];

/** The verdict from logs alone. */
async function told(files: Readonly<Record<string, readonly string[]>>) {
  const paths = Object.entries(files).map(([name, lines]) => {
    const path = join(folder, name);
    writeFileSync(path, `${lines.join("\n")}\n`);
    return path;
  });
  const reading = beginLogs(paths, { index, deadlineAt: now() + 5000, onStep: () => undefined, zoneMinutes: 0 });
  const logs = await reading.finish({ requestIds: [], userAgent: "", startedAtMs: START, paths: [] });
  return diagnose(evidence([], { logs, startedAtMs: START + 24 * 60 * MINUTE }));
}

const iso = (atMs: number): string => new Date(atMs).toISOString();
const clf = (atMs: number): string => {
  const text = iso(atMs);
  return `${text.slice(8, 10)}/${MONTHS[Number(text.slice(5, 7)) - 1]}/${text.slice(0, 4)}:${text.slice(11, 19)} +0000`;
};
const access = (atMs: number, status: number, path = "/"): string =>
  `203.0.113.7 - - [${clf(atMs)}] "GET ${path} HTTP/1.1" ${status} 512 "-" "curl/8.5"`;
const error = (atMs: number, message: string, upstream = "http://10.0.0.7:3000/"): string =>
  `${iso(atMs).slice(0, 10).replaceAll("-", "/")} ${iso(atMs).slice(11, 19)} [error] 7#7: *1 ${message}, client: 203.0.113.7, server: shop.example, request: "GET / HTTP/1.1"${upstream === "" ? "" : `, upstream: "${upstream}"`}, host: "shop.example"`;
const syslog = (atMs: number, text: string): string => `Mar  2 ${iso(atMs).slice(11, 19)} web1 ${text}`;
const each = (count: number, line: (n: number) => string): string[] => Array.from({ length: count }, (_, n) => line(n));

const REFUSED = "connect() failed (111: Connection refused) while connecting to upstream";
const CLOSED = "upstream prematurely closed connection while reading response header from upstream";

describe("a healthy day", () => {
  const day = each(600, (n) => access(START + n * MINUTE, n % 9 === 0 ? 404 : n % 50 === 0 ? 499 : 200, `/p${n % 7}`));
  test("with scanners and clients that leave is no fault", async () => {
    const scanner = each(40, (n) =>
      error(START + n * 9 * MINUTE, 'open() "/srv/wp-login.php" failed (2: No such file or directory)', ""),
    );
    const { outcome, summary, verdict } = await told({ "access.log": day, "error.log": scanner });
    expect({ outcome, verdict }).toEqual({ outcome: "healthy", verdict: null });
    expect(summary).toContain("what clients did");
  });

  test("with one error that nothing explains says so, and is no fault", async () => {
    const { outcome, summary } = await told({
      "access.log": [...each(4000, (n) => access(START + n, 200)), access(START + 5000, 502)],
    });
    expect(outcome).toBe("healthy");
    expect(summary).toContain("1 tells of an error without a reason");
  });

  test("a 413 that most of a log is about is told", async () => {
    const lines = each(5, (n) =>
      error(START + n * MINUTE, "client intended to send too large body: 10485761 bytes", ""),
    );
    expect((await told({ "error.log": lines })).verdict?.class).toBe("client-request-too-large");
  });
});

describe("answers that no line explains", () => {
  test("in twenty minutes of 502 are told as open, with when they began", async () => {
    const lines = each(400, (n) => access(START + n * MINUTE, n >= 300 && n < 320 ? 502 : 200));
    const { outcome, verdict } = await told({ "access.log": lines });
    expect(outcome).toBe("unknown");
    expect(verdict).toMatchObject({ class: "status-only-502", certainty: "possible" });
    expect(verdict?.since?.atMs).toBe(START + 300 * MINUTE);
  });

  test("are not told beside the error log that explains them", async () => {
    const { verdict, alternatives } = await told({
      "access.log": each(100, (n) => access(START + n * MINUTE, n < 90 ? 200 : 502)),
      "error.log": each(10, (n) => error(START + (90 + n) * MINUTE, REFUSED)),
    });
    expect(verdict?.class).toBe("connect-refused");
    expect(alternatives.map(({ class: of }) => of)).not.toContain("status-only-502");
  });
});

describe("what explains failures", () => {
  test("is the crash of the process before each of them", async () => {
    const { verdict } = await told({
      "error.log": each(12, (n) => error(START + n * MINUTE + 1000, REFUSED)),
      "journal.log": each(12, (n) =>
        syslog(START + n * MINUTE, "systemd[1]: shop.service: Main process exited, code=exited, status=1/FAILURE"),
      ),
    });
    expect(verdict).toMatchObject({ class: "app-crashed", address: "10.0.0.7:3000", certainty: "likely" });
  });

  test("is no crash of hours before", async () => {
    const crash = "systemd[1]: other.service: Main process exited, code=exited, status=1/FAILURE";
    const { verdict } = await told({
      "error.log": each(12, (n) => error(START + (300 + n) * MINUTE, REFUSED)),
      "journal.log": [syslog(START, crash)],
    });
    expect(verdict?.class).toBe("connect-refused");
  });

  test("is the check that took the last server out, and not the slow answers of the day", async () => {
    const haproxy = (atMs: number, server: string, rest: string) =>
      syslog(
        atMs,
        `haproxy[9]: 203.0.113.7:5341 [${clf(atMs).slice(0, 20)}.120] www app/${server} ${rest} 5/5/1/1/0 0/0 "GET / HTTP/1.1"`,
      );
    const slow = each(20, (n) => haproxy(START + n * 20 * MINUTE, "app2", "0/0/1/-1/50001 504 512 - - sH--"));
    const none = each(60, (n) => haproxy(START + 410 * MINUTE + n * 1000, "<NOSRV>", "0/-1/-1/-1/0 503 512 - - SC--"));
    const down = syslog(
      START + 410 * MINUTE,
      'haproxy[9]: Server app/app1 is DOWN, reason: Layer4 connection problem, info: "Connection refused", check duration: 0ms. 0 active and 0 backup servers left. 0 sessions active, 0 requeued, 0 remaining in queue.',
    );
    const { verdict, alternatives } = await told({ "haproxy.log": [...slow, down, ...none] });
    expect(verdict).toMatchObject({ class: "connect-refused", certainty: "likely", address: "app/app1" });
    expect(alternatives).toMatchObject([{ class: "response-timeout", address: "app/app2" }]);
  });

  test("is nothing that merely stands in the same log", async () => {
    const { verdict, alternatives } = await told({
      "error.log": [
        ...each(30, (n) => error(START + n * 7 * MINUTE, CLOSED)),
        ...each(10, (n) =>
          error(
            START + n * 20 * MINUTE,
            "upstream timed out (110: Connection timed out) while reading response header from upstream",
            "http://10.0.0.8:3000/",
          ),
        ),
      ],
    });
    expect(verdict).toMatchObject({ class: "closed-before-response", address: "10.0.0.7:3000" });
    expect(alternatives).toMatchObject([{ class: "response-timeout", address: "10.0.0.8:3000" }]);
  });
});

describe("since", () => {
  test("is the beginning of the newest run, where there was a quiet time before", async () => {
    const lines = [
      ...each(5, (n) => error(START + n * 1000, REFUSED)),
      ...each(30, (n) => error(START + 600 * MINUTE + n * 1000, REFUSED)),
    ];
    expect((await told({ "error.log": lines })).verdict?.since?.atMs).toBe(START + 600 * MINUTE);
  });

  test("is the first of all where failures are rare and go on", async () => {
    const lines = each(30, (n) => error(START + n * 40 * MINUTE, CLOSED));
    expect((await told({ "error.log": lines })).verdict?.since?.atMs).toBe(START);
  });

  test("is right where only the newest of many failures were kept", async () => {
    const lines = each(2000, (n) => error(START + n * 2000, REFUSED));
    expect((await told({ "error.log": lines })).verdict?.since?.atMs).toBe(START);
  });
});

test("two sentences of one failure are counted together, two names of one address are one", async () => {
  const { verdict, alternatives } = await told({
    "error.log": each(20, (n) =>
      error(
        START + n * MINUTE,
        n % 2 ? CLOSED : "recv() failed (104: Connection reset by peer) while reading response header from upstream",
      ),
    ),
  });
  expect(verdict?.reasons[0]?.text).toContain("20 lines tell of it");
  expect(alternatives).toEqual([]);
});

test("a text of which no line is known is not called healthy", async () => {
  const { outcome, summary } = await told({ "notes.log": ["hello", "this is a note", "and another"] });
  expect(outcome).toBe("unknown");
  expect(summary).toContain("No line of the logs");
});
