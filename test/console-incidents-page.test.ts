// Incidents in a real browser: the list with its filters and its picture of time, one incident with its evidence, what is
// copied and sent again, ten thousand of them. Left out where chromium is not installed.
/// <reference lib="dom" />
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { IncidentRow } from "../src/console/model.ts";
import type { KeptAttempt } from "../src/observe/report.ts";
import type { StoredFailure } from "../src/store/model.ts";
import { CHROMIUM, overflow, type Pages, send, startPages, violations } from "./console-pages.ts";

let pages: Pages;
const HOUR_MS = 3_600_000;

if (!CHROMIUM) console.warn("console-incidents-page: left out, there is no chromium in /usr/bin");

describe.skipIf(!CHROMIUM)("incidents", { timeout: 60_000 }, () => {
  beforeAll(async () => {
    pages = await startPages();
  }, 60_000);
  afterEach(() => pages.leave());
  afterAll(() => pages?.close());

  const rows = (page: Page) => page.locator(".incident-row");
  const bars = (page: Page) => page.locator(".tl-bar");

  describe("the list", () => {
    test("is what the API says, newest first, and each filter stands in the address", async () => {
      const { page, origin, errors } = await pages.open("/incidents?last=30d");
      await rows(page).first().waitFor();
      const answer = (await (await fetch(`${origin}/api/v1/incidents?limit=500`)).json()) as { items: unknown };
      const items = answer.items as IncidentRow[];
      expect(await rows(page).count()).toBe(items.length);
      expect(await rows(page).first().locator("h2").textContent()).toBe(items[0]!.sentence);

      await page.getByRole("button", { name: "saved", exact: true }).click();
      const saved = items.filter(({ severity }) => severity === "saved").length;
      await expect.poll(() => rows(page).count()).toBe(saved);
      expect(new URL(page.url()).search).toBe("?last=30d&severity=saved");

      await page.getByLabel("Cause").selectOption("keepalive-race");
      const races = items.filter(({ severity, cause }) => severity === "saved" && cause === "keepalive-race").length;
      await expect.poll(() => rows(page).count()).toBe(races);
      await page.goBack();
      await expect.poll(() => rows(page).count()).toBe(saved);

      await page.reload();
      await expect.poll(() => rows(page).count()).toBe(saved);
      await page.getByRole("button", { name: "Clear filters" }).click();
      await expect.poll(() => rows(page).count()).toBe(items.length);

      await page.getByLabel("Text", { exact: true }).fill("certificate");
      await expect.poll(() => new URL(page.url()).searchParams.get("text")).toBe("certificate");
      const expected = items.filter(({ sentence }) => /certificate/i.test(sentence)).length;
      await expect.poll(() => rows(page).count()).toBe(expected);
      await page.getByLabel("Text", { exact: true }).fill("no such words");
      await page.getByText("No incident passes these filters").waitFor();
      expect(errors).toEqual([]);
    });

    test("a new incident does not move what is being read, and comes in when asked for", async () => {
      const { page } = await pages.open("/incidents?last=30d");
      await rows(page).first().waitFor();
      const answer = await page.evaluate(async () => (await fetch("/api/v1/incidents?limit=1")).json());
      const model = answer.items[0] as IncidentRow;
      const fresh = (id: string): IncidentRow => ({
        ...model,
        id,
        openedAt: Date.now(),
        sentence: `fresh ${id} <b>x</b>`,
      });
      const before = await rows(page).count();
      await send(page, "/live", "incident", { incident: fresh("i0attop") });
      await expect.poll(() => rows(page).count()).toBe(before + 1);
      expect(await rows(page).first().locator("h2").textContent()).toBe("fresh i0attop <b>x</b>");

      await page.evaluate(() => scrollTo(0, 700));
      const watched = rows(page).nth(5);
      const top = (await watched.boundingBox())!.y;
      await send(page, "/live", "incident", { incident: fresh("i0waits") });
      await page.getByRole("button", { name: "1 new incident: show" }).waitFor();
      expect(await rows(page).count()).toBe(before + 1);
      // The button is laid over the list's head, not into it.
      expect(Math.abs((await watched.boundingBox())!.y - top)).toBeLessThan(60);
      await page.getByRole("button", { name: "1 new incident: show" }).click();
      await expect.poll(() => rows(page).count()).toBe(before + 2);

      // One that is there changes in its place.
      await send(page, "/live", "incident", { incident: { ...fresh("i0attop"), closedAt: Date.now() } });
      await expect.poll(() => rows(page).nth(1).locator(".badge").textContent()).toContain("over");
    });
  });

  describe("the picture of time", () => {
    test("has a bar for each incident where its time is, and dragging zooms", async () => {
      const { page } = await pages.open("/incidents?last=7d");
      await bars(page).first().waitFor();
      expect(await bars(page).count()).toBe(await rows(page).count());
      const box = (await page.locator(".tl-plot").boundingBox())!;
      const begin = Date.now() - 7 * 24 * HOUR_MS;
      await page.mouse.move(box.x + box.width * 0.5, box.y + 40);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width * 0.6, box.y + 44, { steps: 4 });
      await page.mouse.move(box.x + box.width * 0.75, box.y + 44, { steps: 4 });
      await page.mouse.up();
      await expect.poll(() => new URL(page.url()).searchParams.get("from")).not.toBeNull();
      const params = new URL(page.url()).searchParams;
      const [from, to] = [Date.parse(params.get("from")!), Date.parse(params.get("to")!)];
      expect(Math.abs(from - (begin + 3.5 * 24 * HOUR_MS))).toBeLessThan(2 * HOUR_MS);
      expect(Math.abs(to - (begin + 5.25 * 24 * HOUR_MS))).toBeLessThan(2 * HOUR_MS);
      await page.getByRole("button", { name: "Leave the zoom" }).click();
      await expect.poll(() => new URL(page.url()).searchParams.get("from")).toBeNull();
    });

    test("goes by keyboard: from thing to thing, into an incident, closer", async () => {
      const { page } = await pages.open("/incidents?last=24h");
      await bars(page).first().waitFor();
      await page.locator(".tl-plot").focus();
      await page.keyboard.press("End");
      await expect.poll(() => page.locator(".tl-said").textContent()).not.toBe("");
      await page.keyboard.press("Escape");
      await page.keyboard.press("+");
      await expect.poll(() => new URL(page.url()).searchParams.get("from")).not.toBeNull();
      await bars(page).first().waitFor();
      await bars(page).first().focus();
      await page.keyboard.press("Enter");
      await expect.poll(() => new URL(page.url()).pathname).toMatch(/^\/incidents\/i/);
    });
  });

  describe("one incident", () => {
    test("says what it is, what to do, why, and takes itself elsewhere", async () => {
      const { page, origin } = await openOne();
      expect(await page.locator("h1").textContent()).toContain("gives no answer within 30 s");
      await page.getByRole("heading", { name: "What to do" }).waitFor();
      expect(await page.getByRole("link", { name: /The reference on/ }).getAttribute("href")).toBe(
        "/reference/cause/response-timeout/",
      );
      const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
      await page.getByRole("button", { name: "Copy the shell" }).first().click();
      await expect.poll(clipboard).toContain("goodgate incidents replay");
      await page.route("**/api/v1/incidents/*.md", (route) =>
        route.fulfill({ contentType: "text/markdown", body: "# pay-2 answers too late\n" }),
      );
      await page.getByRole("button", { name: "Copy as Markdown" }).click();
      await expect.poll(clipboard).toBe("# pay-2 answers too late\n");
      await page.getByRole("button", { name: "Copy link", exact: true }).click();
      await expect.poll(clipboard).toBe(`${origin}${new URL(page.url()).pathname}`);
    });

    test("what was asked for in vain is said, not left empty", async () => {
      const { page } = await pages.open("/incidents/i0none");
      await page.getByText("There is no such incident here").waitFor();
    });
  });

  describe("a failure", () => {
    test("its waterfall has each bar where the data say, and the same in a table", async () => {
      const { page, id } = await openOne();
      await page.route("**/api/v1/failures*", (route) =>
        route.fulfill({ json: { items: [HELD], next: null, total: 1 } }),
      );
      await page.goto(`${new URL(page.url()).origin}/incidents/${id}?failure=${HELD.id}`);
      const track = page.locator(".wf-track");
      await track.first().waitFor();
      expect(await track.count()).toBe(3);
      const measured = await page.evaluate(() =>
        [...document.querySelectorAll(".wf-track")].flatMap((one, row) => {
          const frame = one.getBoundingClientRect();
          return [...one.querySelectorAll<HTMLElement>(".wf-bar")].map((bar) => {
            const { left, width } = bar.getBoundingClientRect();
            const failed = bar.classList.contains("failed");
            return {
              row,
              kind: bar.dataset["kind"],
              from: (left - frame.left) / frame.width,
              share: width / frame.width,
              failed,
            };
          });
        }),
      );
      const of = 1000;
      const expected = [
        { row: 0, kind: "connect", from: 0, to: 100, failed: true },
        { row: 1, kind: "held", from: 100, to: 500, failed: false },
        { row: 2, kind: "connect", from: 500, to: 520, failed: false },
        { row: 2, kind: "tls", from: 520, to: 600, failed: false },
        { row: 2, kind: "write", from: 600, to: 620, failed: false },
        { row: 2, kind: "wait", from: 620, to: 900, failed: false },
        { row: 2, kind: "body", from: 900, to: 1000, failed: true },
      ];
      expect(measured.map(({ row, kind, failed }) => ({ row, kind, failed }))).toEqual(
        expected.map(({ row, kind, failed }) => ({ row, kind, failed })),
      );
      for (const [index, { from, to }] of expected.entries()) {
        expect(measured[index]!.from).toBeCloseTo(from / of, 2);
        expect(measured[index]!.share).toBeCloseTo((to - from) / of, 2);
      }
      const explain = await page.getByRole("link", { name: "Explain" }).nth(1).getAttribute("href");
      expect(new URLSearchParams(explain!.split("?")[1]).get("text")).toMatch(
        / 200 response-truncated shop\/.* \[req req-held\]$/,
      );
      await page.getByText("Waterfall as a table").click();
      const cells = await page
        .getByRole("region", { name: "Waterfall as a table" })
        .locator("tbody tr")
        .allInnerTexts();
      expect(cells).toHaveLength(expected.length);
      expect(cells[1]!.replace(/\s+/g, " ")).toContain("before attempt 2 held 100 ms 500 ms 400 ms done");
      expect(cells[6]!.replace(/\s+/g, " ")).toContain("body 900 ms 1 s 100 ms failed here");
    });

    test("what was taken out is marked, and what came from outside is text", async () => {
      const { page, id } = await openOne();
      await page.route("**/api/v1/failures*", (route) =>
        route.fulfill({ json: { items: [HELD], next: null, total: 1 } }),
      );
      await page.goto(`${new URL(page.url()).origin}/incidents/${id}?failure=${HELD.id}`);
      await page.locator(".failure .head").first().waitFor();
      const head = page.locator(".failure .head").last();
      expect(await head.locator(".redacted").count()).toBe(2);
      expect(await page.getByText('<img src=x onerror="document.title=1">').count()).toBeGreaterThan(0);
      expect(await page.locator("main img").count()).toBe(0);
      for (const fact of ["ECONNREFUSED", "4.9 s", "head, 30 s"])
        expect(await page.locator(".failure").innerText()).toContain(fact);
    });

    test("is sent again where somebody chooses, and both are compared", async () => {
      const { page, id } = await openOne();
      const answer = await page.evaluate(async (one) => (await fetch(`/api/v1/failures?incident=${one}`)).json(), id);
      const items = answer.items as StoredFailure[];
      const safe = items.find(({ method }) => method === "GET")!;
      const unsafe = items.find(({ method }) => method === "POST")!;
      await page.locator(`.table-box a[href="?failure=${safe.id}"]`).click();
      await page.locator(".replay select").selectOption("pay-1 (10.0.1.4:8443)");
      const asked = page.waitForRequest(/\/replay$/);
      await page.getByRole("button", { name: "Replay" }).click();
      expect((await asked).postDataJSON()).toEqual({ endpoint: "payments pay-1 (10.0.1.4:8443)" });
      const result = page.locator(".replay-result");
      await result.getByText("It works now.").waitFor();
      expect((await result.getByRole("region", { name: "Then and now" }).innerText()).replace(/\s+/g, " ")).toContain(
        "Status 502 200",
      );
      expect(await result.innerText()).toContain("it answers 200 now, after 14 ms");

      await page.locator(`.table-box a[href="?failure=${unsafe.id}"]`).click();
      await page.locator(".failure h3", { hasText: unsafe.id }).waitFor();
      expect(await page.getByRole("button", { name: "Replay" }).getAttribute("aria-disabled")).toBe("true");
      expect(await page.locator(".replay").innerText()).toContain("POST may change something");
      await page.goBack();
      await page.locator(".failure h3", { hasText: safe.id }).waitFor();
    });

    test("a reader is told why it cannot be sent again; a refusal is shown", async () => {
      const reader = await openOne(["reader"]);
      const first = async (page: Page): Promise<void> => {
        await page.locator(".table-box a", { hasText: "GET" }).first().click();
        await page.locator(".replay").waitFor();
      };
      await first(reader.page);
      expect(await reader.page.locator(".replay").innerText()).toContain(
        "You may look at this console, not change anything",
      );
      const { page } = await openOne();
      await page.route("**/replay", (route) => route.fulfill({ json: { ...REFUSED } }));
      await first(page);
      await page.getByRole("button", { name: "Replay" }).click();
      await page.getByText("It was not sent: its query was taken out").waitFor();
    });
  });

  test.each([
    ["light", 1280],
    ["dark", 1280],
    ["light", 390],
    ["dark", 390],
  ] as const)("axe finds nothing and nothing is too wide: %s at %d pixels", async (colorScheme, width) => {
    const options = { colorScheme, viewport: { width, height: 860 } };
    const list = await pages.open("/incidents?last=30d", options);
    await rows(list.page).first().waitFor();
    await bars(list.page).first().waitFor();
    expect(await violations(list.page)).toEqual([]);
    expect(await overflow(list.page)).toBe(0);
    const id = (await rows(list.page).first().locator("a").getAttribute("href"))!.split("/").pop()!;
    const { page } = await pages.open(`/incidents/${id}`, options);
    await page.locator(".table-box a").first().click();
    await page.locator(".waterfall").waitFor();
    await page.getByText("Waterfall as a table").click();
    expect(await violations(page)).toEqual([]);
    expect(await overflow(page)).toBe(0);
  });

  test("ten thousand incidents: the first page, the picture and twenty older pages come without a wait", async () => {
    const { page } = await pages.open("/incidents?last=30d", { words: ["large"] });
    await bars(page).first().waitFor();
    expect(await page.locator(".list-count").textContent()).toMatch(/^50 of 10,0\d\d incidents$/);
    await page.getByText(/The newest 300 of 10,0\d\d are drawn/).waitFor();
    const older = page.getByRole("button", { name: "Older incidents" });
    const began = performance.now();
    for (let shown = 100; shown <= 1050; shown += 50) {
      await older.click();
      await expect.poll(() => rows(page).count(), { interval: 20 }).toBe(shown);
    }
    const perPageMs = (performance.now() - began) / 20;
    // Scrolling through all of them: what the browser needs for a frame.
    const frameMs = await page.evaluate(async () => {
      const spans: number[] = [];
      let last = performance.now();
      for (let at = 0; at < document.documentElement.scrollHeight; at += 4000) {
        scrollTo(0, at);
        await new Promise(requestAnimationFrame);
        spans.push(performance.now() - last);
        last = performance.now();
      }
      return spans.sort((one, other) => one - other)[Math.floor(spans.length * 0.9)] ?? 0;
    });
    // Bounds for a busy machine; alone it is a tenth of that.
    expect(perPageMs).toBeLessThan(1500);
    expect(frameMs).toBeLessThan(500);
    process.stdout.write(
      `10,000 incidents: ${perPageMs.toFixed(0)} ms per older page, p90 of a frame while scrolling 1,050 rows ${frameMs.toFixed(0)} ms\n`,
    );
  });

  /** The newest one, with its id. */
  async function openOne(words: readonly string[] = []) {
    const opened = await pages.open("/incidents?last=24h", { words });
    const link = rows(opened.page).first().locator("a");
    const id = (await link.getAttribute("href"))!.split("/").pop()!;
    await link.click();
    await opened.page.locator(".table-box a").first().waitFor();
    return { ...opened, id };
  }
});

const attempt = (changes: Partial<KeptAttempt>): KeptAttempt => ({
  endpoint: "app-2 (10.0.0.7:3000)",
  startMs: 0,
  resolvedMs: null,
  tcpMs: null,
  connectedMs: null,
  sentMs: null,
  headMs: null,
  endMs: 0,
  status: 0,
  reused: false,
  bytesSent: 0,
  bytesReceived: 0,
  cause: null,
  phase: null,
  sentence: "",
  evidence: null,
  responseHead: null,
  ...changes,
});

/** Refused, held, then cut while its body came: of a second in all. */
const HELD: StoredFailure = {
  id: "f0held",
  requestId: "req-held",
  incident: "i0",
  gateway: "g",
  at: Date.now(),
  cause: "response-truncated",
  phase: "response-body",
  outcome: "cut",
  savedBy: null,
  status: 200,
  route: "/",
  upstream: "shop",
  endpoint: "app-3 (10.0.0.8:3000)",
  listener: ":443",
  tls: true,
  method: "GET",
  host: "shop.example",
  target: "/cart?page=[redacted]",
  protocol: "HTTP/1.1",
  client: "203.0.113.4",
  userAgent: '<img src=x onerror="document.title=1">',
  traceId: "",
  sentence: "app-3 closed the connection in the middle of its body",
  fix: "Look at why it ends early.",
  durationMs: 1000,
  heldMs: 400,
  queuedMs: 0,
  bytesReceived: 80,
  bytesSent: 4000,
  requestHead: [
    ["host", "shop.example"],
    ["cookie", "[redacted]"],
  ],
  attempts: [
    attempt({
      endMs: 100,
      cause: "connect-refused",
      phase: "connect",
      sentence: "app-2 refuses",
      evidence: { errno: "ECONNREFUSED", idleMs: 4_900, deadline: "head", deadlineMs: 30_000 },
    }),
    attempt({
      endpoint: "app-3 (10.0.0.8:3000)",
      startMs: 500,
      tcpMs: 520,
      connectedMs: 600,
      sentMs: 620,
      headMs: 900,
      endMs: 1000,
      status: 200,
      cause: "response-truncated",
      phase: "response-body",
      sentence: "cut",
    }),
  ],
};

const REFUSED = {
  ok: false,
  refused: "its query was taken out before it was stored",
  endpoint: "",
  request: { method: "GET", target: "/", head: [] },
  // biome-ignore lint/suspicious/noThenProperty: the word of the contract
  then: { status: 504, cause: null, sentence: "", durationMs: 1, head: null, bytes: 0 },
  now: null,
  differences: [],
  verdict: "",
};
