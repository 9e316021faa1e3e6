// Traffic in a real browser: what the charts say against what the API says, zooming by drag and by keyboard, the paths,
// and the live tail under a burst. Left out where chromium is not installed.
/// <reference lib="dom" />
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Point, TailEntry } from "../src/observe/report.ts";
import { CHROMIUM, overflow, type Pages, send, startPages, violations } from "./console-pages.ts";

let pages: Pages;
const HOUR_MS = 3_600_000;

if (!CHROMIUM) console.warn("console-traffic-page: left out, there is no chromium in /usr/bin");

describe.skipIf(!CHROMIUM)("traffic", { timeout: 60_000 }, () => {
  beforeAll(async () => {
    pages = await startPages();
  }, 60_000);
  afterEach(() => pages.leave());
  afterAll(() => pages?.close());

  const search = (page: Page): URLSearchParams => new URL(page.url()).searchParams;
  const drawn = (page: Page) => page.locator(".chart canvas").first().waitFor();

  describe("the charts", () => {
    test("say in words what the figures are", async () => {
      let points: readonly Point[] = [];
      const { page, errors } = await pages.open("/traffic?last=24h", {
        before: async (page) => {
          await page.route("**/api/v1/points*", async (route) => {
            const response = await route.fetch();
            points = ((await response.json()) as { points: Point[] }).points;
            await route.fulfill({ response });
          });
        },
      });
      await drawn(page);
      const sum = (figure: (point: Point) => number): string =>
        points.reduce((all, point) => all + figure(point), 0).toLocaleString("en-GB");
      const words = (await page.locator(".traffic-sentence").innerText()).replace(/\s+/g, " ");
      expect(words).toContain("In the last 24 hours");
      expect(words).toContain(`${sum(({ saved }) => saved)} gateway errors were avoided`);
      expect(words).toContain(`${sum(({ shown }) => shown)} were shown`);
      expect(await page.locator(".traffic-figures").innerText()).toContain(sum(({ requests }) => requests));
      expect(await page.locator(".chart-card").count()).toBe(4);
      await page.locator(".chart-card").nth(2).getByText("Figures").click();
      const heads = await page.locator(".chart-card").nth(2).locator("thead th").allInnerTexts();
      expect(heads).toEqual(["Time", "p50", "p95", "p99"]);
      expect(errors).toEqual([]);
    });

    test("share their cursor; zoom by drag, and every chart with them; and back", async () => {
      const { page } = await pages.open("/traffic?last=6h");
      await drawn(page);
      await page.getByRole("link", { name: /\d incidents? in this time/ }).waitFor();
      const box = (await page.locator(".u-over").first().boundingBox())!;
      const times = () => page.locator(".legend-when").allInnerTexts();
      const newest = (await times())[0]!;
      await page.mouse.move(box.x + box.width * 0.3, box.y + 60);
      await expect.poll(async () => new Set(await times()).size).toBe(1);
      expect((await times())[2]).not.toBe(newest);
      const begin = Date.now() - 6 * HOUR_MS;
      await page.mouse.move(box.x + box.width * 0.25, box.y + 60);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width * 0.4, box.y + 62, { steps: 5 });
      await page.mouse.move(box.x + box.width * 0.5, box.y + 62, { steps: 5 });
      const asked = page.waitForRequest(/\/points\?/);
      await page.mouse.up();
      await expect.poll(() => search(page).get("from")).not.toBeNull();
      const [from, to] = [Date.parse(search(page).get("from")!), Date.parse(search(page).get("to")!)];
      expect(Math.abs(from - (begin + 1.5 * HOUR_MS))).toBeLessThan(HOUR_MS / 4);
      expect(Math.abs(to - (begin + 3 * HOUR_MS))).toBeLessThan(HOUR_MS / 4);
      expect(Number(new URL((await asked).url()).searchParams.get("from"))).toBe(from);
      // One zoom is one step of the history, though four charts share the cursor.
      await page.goBack();
      await expect.poll(() => search(page).get("from")).toBeNull();
      expect(search(page).get("last")).toBe("6h");
    });

    test("zoom and move by keyboard and by buttons; from and to can be typed", async () => {
      const { page } = await pages.open("/traffic?last=6h");
      await drawn(page);
      await page.locator(".zoomable").focus();
      await page.keyboard.press("+");
      await expect.poll(() => search(page).get("from")).not.toBeNull();
      const span = (): number => Date.parse(search(page).get("to")!) - Date.parse(search(page).get("from")!);
      expect(span()).toBe(3 * HOUR_MS);
      const before = Date.parse(search(page).get("from")!);
      await page.keyboard.press("ArrowLeft");
      await expect.poll(() => Date.parse(search(page).get("from")!)).toBe(before - 1.5 * HOUR_MS);
      await page.getByRole("button", { name: "Closer" }).click();
      await expect.poll(span).toBe(1.5 * HOUR_MS);
      await page.getByRole("button", { name: "Leave the zoom" }).click();
      await expect.poll(() => search(page).get("from")).toBeNull();

      await page.getByRole("button", { name: "From – to" }).click();
      await page.getByLabel("From", { exact: true }).fill("2026-03-03T10:00:00");
      await page.getByLabel("To", { exact: true }).fill("2026-03-03T09:00:00");
      await page.getByRole("button", { name: "Show" }).click();
      await page.getByText("“To” has to be later than “From”.").waitFor();
      await page.getByLabel("To", { exact: true }).fill("2026-03-03T11:00:00");
      await page.getByRole("button", { name: "Show" }).click();
      await expect.poll(() => search(page).get("to")).toBe(new Date("2026-03-03T11:00:00").toISOString());
    });

    test("stand side by side for each endpoint, or show one", async () => {
      const { page } = await pages.open("/traffic?kind=upstream");
      await drawn(page);
      const legend = await page.locator(".legend").first().innerText();
      for (const name of ["shop", "payments", "search"]) expect(legend).toContain(name);
      const asked = page.waitForRequest(/name=payments/);
      await page.getByLabel("Which upstream").selectOption("payments");
      await asked;
      await expect.poll(() => search(page).get("name")).toBe("payments");
      await page.getByRole("heading", { name: "Requests per second, by status" }).waitFor();
    });

    test("a time without figures is said to be one", async () => {
      const { page } = await pages.open("/traffic", {
        before: async (page) => {
          await page.route("**/api/v1/points*", (route) => route.fulfill({ json: { spanMs: 10_000, points: [] } }));
        },
      });
      await page.getByText("Nothing was counted in this time.").waitFor();
    });
  });

  test("paths that fail and that are slow, sorted as one likes", async () => {
    const { page } = await pages.open("/traffic?view=paths");
    const slow = page.getByRole("region", { name: "Paths of the slowest requests" });
    await slow.locator("tbody tr").first().waitFor();
    expect(await slow.locator("tbody tr").first().innerText()).toContain("/search");
    await slow.getByRole("button", { name: "Slow ones" }).click();
    expect(await slow.locator("tbody tr").first().innerText()).toContain("/product/17");
    expect(await page.getByRole("link", { name: "response-timeout" }).getAttribute("href")).toBe(
      "/incidents?cause=response-timeout",
    );
  });

  describe("the live tail", () => {
    const table = (page: Page) => page.getByRole("table", { name: "Requests, newest first" });
    const lines = (page: Page) => page.locator(".tail-row");

    test("keeps its pace under a burst, holds 500 and draws those in sight", async () => {
      const { page } = await pages.open("/traffic?view=tail");
      await lines(page).first().waitFor();
      // Two seconds with 200 requests each, in parts of ten, and three parts of a thousand at once.
      const slowest = await page.evaluate(
        async ([model]) => {
          const { taps } = globalThis as unknown as { taps: EventSource[] };
          const tap = taps.find(({ url }) => url.includes("/tail"))!;
          const push = (from: number, count: number): void => {
            const entries = Array.from({ length: count }, (_, index) => ({ ...model, requestId: `b${from + index}` }));
            tap.dispatchEvent(new MessageEvent("entries", { data: JSON.stringify({ entries, left: 7 }) }));
          };
          let sent = 0;
          const timer = setInterval(() => {
            push(sent, 10);
            sent += 10;
          }, 50);
          for (let part = 0; part < 3; part += 1) push(10_000 + part * 1000, 1000);
          const spans: number[] = [];
          const end = performance.now() + 2000;
          while (performance.now() < end) {
            const before = performance.now();
            await new Promise(requestAnimationFrame);
            spans.push(performance.now() - before);
          }
          clearInterval(timer);
          return spans.sort((one, other) => one - other)[Math.floor(spans.length / 2)]!;
        },
        [entry({ target: "/burst" })] as const,
      );
      expect(await table(page).getAttribute("aria-rowcount")).toBe("500");
      expect(await lines(page).count()).toBeLessThan(80);
      expect(await page.locator(".tail-state").innerText()).toMatch(/\d,\d{3} requests came · \d+ left out/);
      // The middle frame, on a machine that may be busy with other tests.
      expect(slowest).toBeLessThan(250);
      process.stdout.write(`live tail: 3,400 requests in 2 s, median frame ${slowest.toFixed(0)} ms\n`);
    });

    test("stands still while it is paused or read, and goes on when asked to", async () => {
      const { page } = await pages.open("/traffic?view=tail");
      await lines(page).first().waitFor();
      await page.getByRole("button", { name: "Pause" }).click();
      await send(page, "/tail", "entries", { entries: [entry({ target: "/while-paused" })], left: 0 });
      await page.getByRole("button", { name: /newer: show$/ }).waitFor();
      expect(await page.getByText("/while-paused").count()).toBe(0);
      await page.getByRole("button", { name: /newer: show$/ }).click();
      await page.getByText("/while-paused").waitFor();

      const many = Array.from({ length: 200 }, (_, index) => entry({ requestId: `m${index}` }));
      await send(page, "/tail", "entries", { entries: many, left: 0 });
      await expect.poll(async () => Number(await table(page).getAttribute("aria-rowcount"))).toBeGreaterThan(199);
      await table(page).evaluate((box) => box.scrollTo({ top: 1600 }));
      await page.getByText("stands still while you read").waitFor();
      const first = await lines(page).first().innerText();
      await send(page, "/tail", "entries", { entries: many, left: 0 });
      await page.getByRole("button", { name: /newer: show$/ }).waitFor();
      expect(await lines(page).first().innerText()).toBe(first);
      await page.getByRole("button", { name: /newer: show$/ }).click();
      await expect.poll(() => table(page).evaluate((box) => box.scrollTop)).toBe(0);
    });

    test("the gateway filters: each filter is in the stream's address and in the page's", async () => {
      const { page } = await pages.open("/traffic?view=tail");
      await lines(page).first().waitFor();
      const asked = (piece: string) =>
        page.waitForRequest((request) => request.url().includes(`/tail?`) && request.url().includes(piece));
      const [failures] = await Promise.all([
        asked("failuresOnly=true"),
        page.getByRole("button", { name: "Failures only" }).click(),
      ]);
      expect(new URL(failures.url()).search).toBe("?failuresOnly=true");
      await Promise.all([asked("status=5xx"), page.getByLabel("Status").fill("5xx")]);
      await page.getByLabel("Status").fill("teapot");
      await page.getByText("“teapot” is no status: write 404 or 5xx").waitFor();
      await Promise.all([asked("upstream=payments"), page.getByLabel("Upstream").selectOption("payments")]);
      await Promise.all([asked("minMs=250"), page.getByLabel("Longer than, ms").fill("250")]);
      expect(Object.fromEntries(search(page))).toMatchObject({
        view: "tail",
        failures: "1",
        status: "5xx",
        upstream: "payments",
        min: "250",
      });
      await page.getByRole("button", { name: "Clear filters" }).click();
      await expect.poll(() => search(page).toString()).toBe("view=tail");
    });

    test("a failed line leads to its failure by the id of its request; one that was not kept says so", async () => {
      const { page, origin } = await pages.open("/traffic?view=tail&failures=1");
      await lines(page).first().waitFor();
      const failure = (await (await fetch(`${origin}/api/v1/failures`)).json()).items[0];
      await page.route("**/api/v1/failures/req-*", (route) =>
        route.request().url().endsWith("req-kept")
          ? route.fulfill({ json: failure })
          : route.fulfill({ status: 404, json: { title: "There is no such failure" } }),
      );
      const failed = entry({ status: 504, cause: "response-timeout", outcome: "shown" });
      const open = async (requestId: string, target: string): Promise<void> => {
        await send(page, "/tail", "entries", {
          entries: [{ ...failed, requestId, target, at: Date.now() - HOUR_MS }],
          left: 0,
        });
        await page.getByRole("button", { name: target }).click();
      };
      await open("req-lost", "/lost");
      await page.getByText("This failure was not kept whole").waitFor();
      expect(search(page).get("cause")).toBe("response-timeout");
      await page.goBack();
      await lines(page).first().waitFor();
      await open("req-kept", "/kept");
      await expect.poll(() => page.url()).toContain(`/incidents/${failure.incident}?failure=${failure.id}`);
    });
  });

  test.each([
    ["light", 1280],
    ["dark", 390],
    ["light", 390],
    ["dark", 1280],
  ] as const)("axe finds nothing and nothing is too wide: %s at %d pixels", async (colorScheme, width) => {
    const { page } = await pages.open("/traffic?last=6h", { colorScheme, viewport: { width, height: 860 } });
    await drawn(page);
    expect(await violations(page)).toEqual([]);
    expect(await overflow(page)).toBe(0);
    await page.getByRole("tab", { name: "Paths" }).click();
    await page.locator("tbody tr").first().waitFor();
    expect(await violations(page)).toEqual([]);
    expect(await overflow(page)).toBe(0);
    await page.getByRole("tab", { name: "Live tail" }).click();
    await page.locator(".tail-open").first().waitFor();
    await page.getByRole("button", { name: "Pause" }).click();
    expect(await violations(page)).toEqual([]);
    expect(await overflow(page)).toBe(0);
  });
});

function entry(changes: Partial<TailEntry>): TailEntry {
  return {
    at: Date.now(),
    requestId: "r1",
    method: "GET",
    host: "shop.example",
    target: "/",
    status: 200,
    durationMs: 12,
    route: "/",
    upstream: "shop",
    endpoint: "app-1 (10.0.0.6:3000)",
    attempts: 1,
    cause: null,
    outcome: "ok",
    savedBy: null,
    bytesSent: 100,
    client: "203.0.113.9",
    ...changes,
  };
}
