// The reference as people meet it: the static site in a real browser, the console's pages without scripts, every link
// and anchor of every page, and what a page weighs. The browser's part is left out where chromium is not installed.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { gzipSync } from "node:zlib";
import axe from "axe-core";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ConsoleServer, startConsole } from "../src/console/server.ts";
import { type Library, openLibrary } from "../src/site/library.ts";
import { addressesOf } from "../src/site/reference.ts";
import { writeSite } from "../src/site/write-site.ts";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
const PAGE_BYTES_MAX = 60_000;
const MESSAGE = "message/nginx/connect-refused/";
const LINE =
  '2026/03/02 10:15:04 [error] 31#31: *7 connect() failed (111: Connection refused) while connecting to upstream, client: 203.0.113.9, server: shop.example, request: "GET /cart HTTP/1.1", upstream: "http://10.0.0.7:3000/cart", host: "shop.example"';
const UNKNOWN = 'zorgd[12]: frobnication of "<img src=x onerror=alert(1)>" at 10.0.0.3:99 went awry';
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css",
  ".js": "text/javascript",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
};

let folder: string;
let library: Library;
let server: Server;
let origin: string;
let consoleServer: ConsoleServer;
/** On the console. */
let reference: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "goodgate-site-"));
  library = openLibrary();
  const site = { assets: library.assets, base: "https://errors.example/reference", served: false };
  await writeSite({ library, site }, folder);
  // Below a path of its own: nothing may count on standing at the root of a host.
  server = createServer((request, response) => {
    const path = decodeURIComponent(request.url!.split("?", 1)[0]!).replace(/^\/some\/place\//, "");
    const file = join(folder, path === "" || path.endsWith("/") ? `${path}index.html` : path);
    if (!existsSync(file)) return response.writeHead(404).end();
    response.writeHead(200, { "Content-Type": TYPES[extname(file)] ?? "text/plain" }).end(readFileSync(file));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const address = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
  consoleServer = await startConsole({ address, ready: () => ({ ok: true, reasons: [] }), metrics: () => "" });
  reference = `http://127.0.0.1:${(consoleServer.address as { port: number }).port}/reference/`;
});

afterAll(async () => {
  await consoleServer?.close();
  await new Promise((resolve) => server?.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

const textOf = (address: string): string => readFileSync(join(folder, `${address}index.html`), "utf8");

function pages(): string[] {
  const site = { assets: library.assets, base: null, served: false };
  return addressesOf({ library, site }).filter((address) => address === "" || address.endsWith("/"));
}

describe("the files", () => {
  test("every link and every anchor of every page leads somewhere", () => {
    const ids = new Map<string, ReadonlySet<string>>();
    const wrong: string[] = [];
    let links = 0;
    const idsOf = (address: string): ReadonlySet<string> => {
      const known =
        ids.get(address) ?? new Set(Array.from(textOf(address).matchAll(/ id="([^"]*)"/g), ([, id]) => id!));
      ids.set(address, known);
      return known;
    };
    for (const address of pages()) {
      for (const [, raw] of textOf(address).matchAll(/(?:href|src)="([^"]*)"/g)) {
        const target = new URL(raw!.replaceAll("&amp;", "&"), `http://site/${address}`);
        if (target.host !== "site") continue;
        links += 1;
        const path = decodeURIComponent(target.pathname.slice(1));
        const file = join(folder, path === "" || path.endsWith("/") ? `${path}index.html` : path);
        const anchor = decodeURIComponent(target.hash.slice(1));
        if (!existsSync(file)) wrong.push(`${address}: ${raw}: no such page`);
        else if (anchor !== "" && !idsOf(path).has(anchor)) wrong.push(`${address}: ${raw}: no such anchor`);
      }
    }
    expect(links).toBeGreaterThan(1000);
    expect(wrong).toEqual([]);
  });

  test("no page has an id twice, a script or style of its own, or an address that stands only for one host", () => {
    const wrong: string[] = [];
    for (const address of pages()) {
      const text = textOf(address);
      const ids = Array.from(text.matchAll(/ id="([^"]*)"/g), ([, id]) => id!);
      wrong.push(...ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `${address}: id ${id} twice`));
      const outside = text.replace(/<code>[\s\S]*?<\/code>|<textarea[\s\S]*?<\/textarea>/g, "");
      if (/ style="|<style| on(?:click|load|error)="/.test(outside)) wrong.push(`${address}: inline style or script`);
      if (/(?:href|src)="\//.test(outside)) wrong.push(`${address}: an address from the root of the host`);
    }
    expect(wrong).toEqual([]);
  });

  test("an entry's page with all that it loads stays below 60 kB", () => {
    const { style, script, icon } = library.assets;
    const weight = (file: string): number => gzipSync(readFileSync(join(folder, file))).length;
    const shared = [style, script, icon].reduce((sum, name) => sum + weight(`assets/${name}`), 0);
    const weights = library.index.cards.map(({ id }) => [id, weight(`${id}/index.html`) + shared] as const);
    expect(weights.length).toBeGreaterThan(0);
    expect(weights.filter(([, bytes]) => bytes > PAGE_BYTES_MAX)).toEqual([]);
  });

  test("machines get each entry as JSON and Markdown, a list of all, and a site map with whole addresses", () => {
    const read = (file: string): string => readFileSync(join(folder, file), "utf8");
    const entry = JSON.parse(read("message/nginx/connect-refused.json"));
    expect(entry).toMatchObject({
      class: "connect-refused",
      inherits: "cause/connect-refused",
      failure: { status: 502 },
    });
    expect(entry.sections[0]).toEqual({
      heading: "What it means",
      anchor: "what-it-means",
      markdown: expect.stringContaining("connect()"),
    });
    expect(read("message/nginx/connect-refused.md")).toMatch(/^---\ntitle:/);
    const all = JSON.parse(read("index.json"));
    expect(all.entries).toHaveLength(library.index.cards.length);
    expect(read("sitemap.xml")).toContain(`<loc>https://errors.example/reference/${MESSAGE}</loc>`);
    expect(read("robots.txt")).toContain("Sitemap: https://errors.example/reference/sitemap.xml");
    expect(read("cards/502.png").slice(1, 4)).toBe("PNG");
  });
});

describe("the console", () => {
  test("addresses without their slash, of files and of nothing are answered as they should be", async () => {
    const ask = (path: string) => fetch(new URL(path, reference), { redirect: "manual" });
    const [slash, asset, none, outside, method] = await Promise.all([
      ask("cause/connect-refused"),
      ask(`assets/${library.assets.style}`),
      ask("cause/none/x"),
      ask("assets/..%2f..%2fassets.json"),
      fetch(new URL("explain?text=502", reference), { method: "POST" }),
    ]);
    expect([slash.status, slash.headers.get("location")]).toEqual([308, "/reference/cause/connect-refused/"]);
    expect(asset.headers.get("cache-control")).toContain("immutable");
    expect([none.status, outside.status, method.status]).toEqual([404, 404, 405]);
    expect(none.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
    expect(await none.text()).toContain('href="../../status/"');
  });

  test("answers the form, and what was pasted stays text", async () => {
    const ask = async (text: string) => {
      const response = await fetch(`${reference}explain?${new URLSearchParams({ text })}`);
      return { status: response.status, body: await response.text() };
    };
    const known = await ask(LINE);
    expect(known.status).toBe(200);
    expect(known.body).toContain("<mark>connect() failed");
    expect(known.body).toContain(`href="./${MESSAGE}"`);
    const unknown = await ask(UNKNOWN);
    expect(unknown.body).toContain("Not in the reference");
    expect(unknown.body).not.toContain("<img");
    expect((await ask("x".repeat(20_000))).status).toBe(431);
    const empty = await fetch(`${reference}explain?text=`, { redirect: "manual" });
    expect([empty.status, empty.headers.get("location")]).toEqual([308, "/reference/"]);
  });
});

describe.skipIf(!CHROMIUM)("a browser (left out where chromium is not installed)", () => {
  let browser: Browser;
  const contexts: BrowserContext[] = [];

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM!, args: ["--no-sandbox", "--disable-quic"] });
  });
  afterAll(async () => {
    for (const context of contexts) await context.close();
    await browser?.close();
  });

  interface Visit {
    readonly page: Page;
    /** What the browser complained of: exceptions, refused scripts, missing files. */
    readonly complaints: string[];
    readonly requests: string[];
  }

  async function visit(address: string, options: Parameters<Browser["newContext"]>[0] = {}): Promise<Visit> {
    const context = await browser.newContext(options);
    contexts.push(context);
    const page = await context.newPage();
    const complaints: string[] = [];
    const requests: string[] = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    page.on("request", (request) => requests.push(request.url()));
    await page.addInitScript(
      `window.shifts = 0; new PerformanceObserver((list) => { for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts += entry.value; }).observe({ type: "layout-shift", buffered: true });`,
    );
    await page.goto(address.startsWith("http") ? address : `${origin}/some/place/${address}`);
    return { page, complaints, requests };
  }

  test("a pasted line gets its cause, the deciding words, the next command and a link to its entry", async () => {
    const { page, complaints, requests } = await visit("");
    await page.fill("textarea", LINE);
    await page.waitForSelector("#answer .answer");
    expect(await page.textContent("#answer .verdict")).toContain("Proven");
    expect(await page.textContent("#answer mark")).toContain("connect()");
    expect(await page.textContent("#answer .next code")).toContain("3000");
    expect(await page.textContent("#spoken:not(:empty)")).toContain("Nothing listens");
    await page.click("#answer .title a");
    expect(page.url()).toBe(`${origin}/some/place/${MESSAGE}`);
    expect(complaints).toEqual([]);
    expect(requests.filter((url) => !url.startsWith(`${origin}/some/place/`))).toEqual([]);
    // The text is nobody's business: not even our own server sees it.
    expect(requests.filter((url) => /refused(?!\/)|203\.0\.113/.test(url))).toEqual([]);
  });

  test("words find entries", async () => {
    const { page } = await visit("");
    await page.fill("textarea", "bad gateway");
    await page.waitForSelector("#found a");
    expect(await page.$$eval("#found a", (links) => links.map((link) => link.getAttribute("href")))).toEqual(
      expect.arrayContaining([expect.stringMatching(/^\.\/(?:status|cause|message)\//)]),
    );
    await page.fill("textarea", "HTTP 414");
    await page.waitForSelector('#answer a[href="./status/414/"], #found li:first-child a[href="./status/414/"]');
  });

  test("the line of an entry can be changed and explained again in place", async () => {
    const { page, complaints } = await visit(MESSAGE);
    expect(await page.inputValue("textarea")).toContain("connect() failed");
    await page.click("form.explain button");
    await page.waitForSelector("#answer .answer.proven");
    await page.fill(
      "textarea",
      LINE.replace("111: Connection refused", "113: No route to host").replace("10.0.0.7", "10.9.9.9"),
    );
    await page.waitForSelector("#answer .answer code:text('network-unreachable')");
    expect(await page.textContent("#answer .facts")).toContain("10.9.9.9");
    expect(page.url()).toBe(`${origin}/some/place/${MESSAGE}`);
    expect(complaints).toEqual([]);
  });

  test("a text that the reference does not have gets a page that says so, at an address that sends nothing", async () => {
    const { page, complaints, requests } = await visit("");
    await page.fill("textarea", UNKNOWN);
    await page.waitForSelector("#answer .answer.generated");
    expect(await page.textContent("#answer .verdict")).toContain("Not in the reference");
    await page.click("#answer .more a");
    await page.waitForURL(/\/generated\/#[0-9a-f]{12}\//);
    await page.waitForSelector("#answer .answer.generated");
    expect(await page.inputValue("textarea")).toBe(UNKNOWN);
    expect(await page.textContent("#answer pre")).toBe(UNKNOWN);
    expect(await page.$("#answer img")).toBeNull();
    // Equal lines, equal address up to the text.
    const [, first] = /#([0-9a-f]+)\//.exec(page.url())!;
    await page.fill("textarea", UNKNOWN.replace("[12]", "[77]").replace("10.0.0.3:99", "10.0.0.4:98"));
    await page.waitForSelector("#answer .pasted:has-text('10.0.0.4')");
    expect(await page.getAttribute("#answer .more a", "href")).toContain(`#${first}/`);
    expect(requests.filter((url) => /zorg|frobni/.test(url))).toEqual([]);
    expect(complaints).toEqual([]);
  });

  test("tabs answer to keys, and an address opens its tab", async () => {
    const { page } = await visit("status/502/");
    const titles = await page.$$eval(".tablist button", (buttons) => buttons.map((button) => button.textContent));
    expect(titles.length).toBeGreaterThan(1);
    const open = (): Promise<string | null> => page.textContent('[role=tab][aria-selected="true"]');
    const visible = (): Promise<number> => page.locator("[role=tabpanel]:visible").count();
    await page.focus('[role=tab][aria-selected="true"]');
    await page.keyboard.press("ArrowRight");
    expect([await open(), await visible()]).toEqual([titles[1], 1]);
    await page.keyboard.press("End");
    expect(await open()).toBe(titles.at(-1));
    await page.keyboard.press("ArrowRight");
    expect(await open()).toBe(titles[0]);
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.getAttribute('role')")).toBe("tabpanel");
    const last = await page.getAttribute("[role=tab] >> nth=-1", "data-panel");
    await page.evaluate(`location.hash = ${JSON.stringify(last)}`);
    await page.waitForSelector(`#${last}`, { state: "visible" });
    expect([await open(), await visible()]).toEqual([titles.at(-1), 1]);
  });

  test("a command is copied whole", async () => {
    const { page } = await visit(MESSAGE, { permissions: ["clipboard-read", "clipboard-write"] });
    const figure = page.locator("figure.code").first();
    await figure.locator("button.copy").click();
    await page.waitForSelector("button.copy:text('Copied')");
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe(await figure.locator("code").textContent());
  });

  test("without scripts all panels are open, and nothing that needs a script is offered", async () => {
    const { page } = await visit("status/502/", { javaScriptEnabled: false });
    const panels = page.locator(".panel");
    expect(await panels.count()).toBeGreaterThan(1);
    for (const panel of await panels.all()) expect(await panel.isVisible()).toBe(true);
    expect(await page.locator("button:visible").count()).toBe(0);
    expect(await page.locator("noscript").textContent()).toContain("goodgate explain");
  });

  describe.each(["light", "dark"] as const)("in the %s scheme", (colorScheme) => {
    test.each([
      ["home", "", LINE],
      ["a status", "status/502/", null],
      ["a cause", "cause/connect-refused/", null],
      ["a message, explained", MESSAGE, `${LINE} `],
      ["a product", "message/nginx/", null],
      ["the statuses", "status/", null],
      ["a generated page", "generated/", UNKNOWN],
    ])("%s is accessible, for wide and narrow screens", async (_name, address, text) => {
      // Colours are the same at any width.
      for (const width of colorScheme === "light" ? [1280, 390] : [1280]) {
        const { page, complaints } = await visit(address, { colorScheme, viewport: { width, height: 844 } });
        if (text !== null) {
          await page.fill("textarea", text);
          await page.waitForSelector("#answer .answer");
        }
        await page.evaluate(axe.source);
        const violations = (await page.evaluate("axe.run()")) as axe.AxeResults;
        expect(violations.violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
        expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "fits the width").toBe(true);
        expect(complaints).toEqual([]);
        await page.context().close();
      }
    });
  });

  test("nothing moves while a page loads, and only our own files are asked for", async () => {
    for (const address of ["", "status/502/", "cause/connect-refused/", MESSAGE, "generated/"]) {
      for (const width of [1280, 390]) {
        const { page, requests } = await visit(address, { viewport: { width, height: 844 } });
        await page.waitForLoadState("networkidle");
        expect(await page.evaluate("window.shifts"), `${address} at ${width}`).toBeLessThan(0.001);
        expect(requests.filter((url) => !url.startsWith(`${origin}/some/place/`))).toEqual([]);
      }
    }
  });

  describe("on the console", () => {
    test("the form is answered without scripts, and what was pasted stays text", async () => {
      const { page, complaints } = await visit(reference, { javaScriptEnabled: false });
      await page.fill("textarea", LINE);
      await page.click("form.explain button");
      expect(page.url()).toMatch(/\/reference\/explain\?text=/);
      expect(await page.textContent("#answer .verdict")).toContain("Proven");
      await page.click("#answer .title a");
      expect(page.url()).toBe(`${reference}${MESSAGE}`);
      await page.fill("textarea", UNKNOWN);
      await page.click("form.explain button");
      expect(await page.textContent("#answer pre")).toBe(UNKNOWN);
      expect(await page.$("#answer img")).toBeNull();
      expect(complaints).toEqual([]);
    });

    test("pages work with scripts, too", async () => {
      const { page, complaints } = await visit(`${reference}status/502/`);
      await page.fill("textarea", LINE);
      await page.waitForSelector("#answer .answer.proven");
      expect(complaints).toEqual([]);
    });
  });
});
