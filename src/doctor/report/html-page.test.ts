// The HTML report in a real browser: nothing is asked for, nothing is complained of, it fits a phone, both schemes are
// accessible, the buttons copy. Left out where chromium is not installed.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import axe from "axe-core";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DoctorReport } from "../diagnose/model.ts";
import { renderHtml } from "./html.ts";
import { faulty, REPORTS, saying } from "./reports.fixture.ts";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);

describe.skipIf(!CHROMIUM)("a browser (left out where chromium is not installed)", () => {
  let browser: Browser;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "goodgate-report-"));
    browser = await chromium.launch({ executablePath: CHROMIUM!, args: ["--no-sandbox", "--disable-quic"] });
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  interface Look {
    readonly width?: number;
    readonly colorScheme?: "light" | "dark";
  }

  async function visit(
    report: DoctorReport,
    { width = 1100, colorScheme = "light" }: Look,
    look: (page: Page) => Promise<void>,
  ): Promise<void> {
    const file = join(folder, "report.html");
    writeFileSync(file, renderHtml(report));
    const context = await browser.newContext({
      viewport: { width, height: 900 },
      colorScheme,
      permissions: ["clipboard-read", "clipboard-write"],
    });
    const page = await context.newPage();
    const complaints: string[] = [];
    const requests: string[] = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => complaints.push(message.text()));
    page.on("request", (request) => requests.push(request.url()));
    await page.goto(pathToFileURL(file).href);
    await look(page);
    expect(complaints).toEqual([]);
    expect(requests).toEqual([pathToFileURL(file).href]);
    await context.close();
  }

  const unfold = (page: Page): Promise<unknown> =>
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true");
  const fits = (page: Page): Promise<unknown> => page.evaluate("document.documentElement.scrollWidth <= innerWidth");

  test.each([
    ["faulty", { colorScheme: "light" }],
    ["faulty", { colorScheme: "dark", width: 390 }],
    ["healthy", { colorScheme: "dark" }],
  ] as const)("%s is accessible with %j", async (name, look) => {
    await visit(REPORTS[name]!(), look, async (page) => {
      await unfold(page);
      await page.evaluate(axe.source);
      const { violations } = (await page.evaluate("axe.run()")) as axe.AxeResults;
      expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
    });
  });

  test("every report fits a desk and a small phone, folded and unfolded", async () => {
    for (const make of Object.values(REPORTS)) {
      await visit(make(), {}, async (page) => {
        for (const width of [1100, 320]) {
          await page.setViewportSize({ width, height: 800 });
          expect(await fits(page)).toBe(true);
        }
        await unfold(page);
        expect(await fits(page)).toBe(true);
      });
    }
  });

  test("long words of strangers do not widen a phone's page, and markup of theirs does nothing", async () => {
    for (const text of [
      "x".repeat(4000),
      '<img src="https://evil.example/x.png"><script>document.title = "owned"</script>',
    ]) {
      await visit(saying(text), { width: 390 }, async (page) => {
        await unfold(page);
        expect(await fits(page)).toBe(true);
        expect(await page.title()).toContain("Proven");
      });
    }
  });

  test("a button copies the command as it stands", async () => {
    await visit(faulty(), {}, async (page) => {
      await page.locator("#fix ~ .copyable button").first().click();
      await page.waitForSelector("text=Copied");
      expect(await page.evaluate("navigator.clipboard.readText()")).toBe(
        "systemctl status shop.service\njournalctl -u shop.service -n 50",
      );
    });
  });

  test("a policy holds its own style and script only", async () => {
    const page = renderHtml(faulty());
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1]?.replaceAll("&#39;", "'");
    expect(policy).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'; base-uri 'none'; form-action 'none'$/,
    );
    expect(page).not.toMatch(/ style="| on\w+="|<link|<img|src="/);
  });

  test("paper gets all evidence unfolded", async () => {
    await visit(faulty(), {}, async (page) => {
      await page.evaluate("dispatchEvent(new Event('beforeprint'))");
      expect(await page.locator("details:not([open])").count()).toBe(0);
      await page.evaluate("dispatchEvent(new Event('afterprint'))");
      expect(await page.locator("details[open]").count()).toBe(0);
    });
  });
});
