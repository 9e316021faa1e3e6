// The console end to end, as a newcomer meets it: the real program's demo in a real Chromium. A shop is crashed by
// button, the incident and its verdict appear, the fix is followed, and the incident closes. Left out without chromium.
/// <reference lib="dom" />
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { overflow, violations } from "./console-pages.ts";
import { until } from "./harness.ts";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
const PROGRAM = fileURLToPath(new URL("../bin/goodgate.js", import.meta.url));
const START_MS = 20_000;
/** An endpoint that stays away is an incident after 20 s; it is over when it has been quiet for 30 s. */
const INCIDENT_MS = 60_000;
const CLOSED_MS = 90_000;

describe.skipIf(!CHROMIUM)("the demo's console", () => {
  let program: ChildProcess;
  let browser: Browser;
  let page: Page;
  let consoleUrl: string;

  beforeAll(async () => {
    program = spawn(process.execPath, [PROGRAM, "demo", "--listen", "127.0.0.1:0", "--console", "127.0.0.1:0"], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NO_COLOR: "1" },
    });
    let output = "";
    program.stdout!.on("data", (chunk: Buffer) => (output += chunk.toString()));
    program.stderr!.on("data", (chunk: Buffer) => (output += chunk.toString()));
    consoleUrl = await until(
      () => /(http:\/\/127\.0\.0\.1:\d+)\/ +the console/.exec(output)?.[1],
      START_MS,
      () => `the demo did not start:\n${output}`,
    );
    browser = await chromium.launch({
      executablePath: CHROMIUM!,
      args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
    });
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    const ended = new Promise((resolve) => program.once("exit", resolve));
    program.kill("SIGINT");
    await ended;
  });

  test("a shop that is crashed becomes an incident with its verdict, and closes when it is back", async () => {
    const problems: string[] = [];
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error") problems.push(message.text());
    });
    await page.goto(consoleUrl);
    await page.getByText("All is well").first().waitFor({ timeout: 15_000 });

    await shopCard("shop-2").getByRole("button", { name: /Crash/ }).click();
    await page
      .getByText(/shop-2.*refuse/)
      .first()
      .waitFor({ timeout: INCIDENT_MS });

    await page
      .getByRole("link", { name: /What to do/ })
      .first()
      .click();
    await page.waitForURL(/\/incidents\/\w+/);
    await page.getByRole("heading", { level: 1, name: /shop-2/ }).waitFor({ timeout: 10_000 });
    const said = await page.locator("main").innerText();
    expect(said).toMatch(/refuse/);
    expect(said).toMatch(/What to do/);
    // The fix speaks of this gateway's own shop.
    expect(said).toMatch(/85\d\d|127\.0\.0\.1:\d+|shop-2/);

    await shopCard("shop-2")
      .getByRole("button", { name: /Restart|Heal/ })
      .first()
      .click();
    const id = /\/incidents\/(\w+)/.exec(page.url())![1]!;
    await until(
      () => closed.has(id) || void look(id),
      CLOSED_MS,
      () => "the incident did not close",
    );
    // The page that is open says so by itself.
    await page
      .getByText(/over|closed/i)
      .first()
      .waitFor({ timeout: 10_000 });
    expect(problems).toEqual([]);
  }, 240_000);

  test("a shop that freezes: the incident has a kept failure with its waterfall, its text to copy and a replay", async () => {
    await page.goto(consoleUrl);
    await shopCard("shop-3")
      .getByRole("button", { name: /Freeze/ })
      .click();
    const about3 = async () =>
      (await incidents()).find(({ endpoints }) => endpoints.some((name) => name.startsWith("shop-3")))?.id;
    await expect.poll(about3, { timeout: INCIDENT_MS, interval: 500 }).toBeTruthy();
    await page.goto(`${consoleUrl}/incidents/${await about3()}`);
    await page.getByRole("heading", { level: 1, name: /shop-3/ }).waitFor({ timeout: 10_000 });
    await page.locator('.table-box a[href^="?failure="]').first().click({ timeout: 15_000 });
    await page.locator(".wf-track .wf-bar").first().waitFor({ timeout: 10_000 });

    await page.context().grantPermissions(["clipboard-read", "clipboard-write"], { origin: consoleUrl });
    await page.getByRole("button", { name: "Copy as Markdown" }).click();
    const copied = () => page.evaluate(() => navigator.clipboard.readText());
    await expect.poll(copied, { timeout: 10_000 }).toMatch(/^#[\s\S]*shop-3/);

    await shopCard("shop-3").getByRole("button", { name: /Heal/ }).click();
    // A request that is safe to send again: visitors order, too.
    const safe = page.locator('.table-box a[href^="?failure="]', { hasText: "GET" }).first();
    if ((await safe.count()) > 0) {
      await safe.click();
      await page.locator(".replay").getByRole("button", { name: "Replay" }).click();
      await page.locator(".replay-result").waitFor({ timeout: 20_000 });
    }
  }, 120_000);

  test.each([
    ["1280 px", { width: 1280, height: 900 }],
    ["a phone", { width: 390, height: 844 }],
  ])(
    "every page is whole with live figures, in light and dark: %s",
    async (_name, viewport) => {
      const id = (await incidents())[0]?.id;
      for (const colorScheme of ["light", "dark"] as const) {
        const context = await browser.newContext({ viewport, colorScheme });
        const visited = await context.newPage();
        const addresses = [
          "/",
          "/incidents",
          "/traffic",
          "/traffic?view=tail",
          "/upstreams",
          "/config",
          "/config?tab=kept",
        ];
        for (const path of [
          ...addresses,
          "/config?tab=audit",
          "/doctor",
          "/explain",
          ...(id ? [`/incidents/${id}`] : []),
        ]) {
          await visited.goto(consoleUrl + path);
          await visited.locator("main h1").waitFor({ timeout: 15_000 });
          await visited.getByText("Demo", { exact: true }).waitFor({ timeout: 15_000 });
          expect(await overflow(visited), `${path} is wider than the window`).toBe(0);
          expect(await violations(visited), path).toEqual([]);
        }
        await context.close();
      }
    },
    180_000,
  );

  async function incidents(): Promise<{ id: string; endpoints: readonly string[] }[]> {
    const answer = await fetch(`${consoleUrl}/api/v1/incidents?limit=20`);
    return ((await answer.json()) as { items: { id: string; endpoints: readonly string[] }[] }).items;
  }

  const closed = new Set<string>();

  async function look(id: string): Promise<void> {
    const answer = await fetch(`${consoleUrl}/api/v1/incidents/${id}`);
    const incident = (await answer.json()) as { closedAt: number | null };
    if (incident.closedAt !== null) closed.add(id);
  }

  /** The part of the demo's bar that is about one shop. */
  function shopCard(name: string) {
    return page.locator(".shop", { hasText: name });
  }
});
