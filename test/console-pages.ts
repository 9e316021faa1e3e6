// The console's page in a real browser, before a made-up gateway (src/console/browser/dev/): bundled once per test file.
// Streams are tapped, so that a test can send what a gateway would.
/// <reference lib="dom" />
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import axe from "axe-core";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { type Served, serve } from "../src/console/browser/dev/serve.ts";
import { type PageManifest, writeConsolePage } from "../src/site/build/console-page.ts";

export const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);

const SOURCE = join(import.meta.dirname, "..", "src");

export interface Pages {
  /** Opens an address of the gateway that the words describe (dev/serve.ts). What the page logs as an error is kept. */
  open(path: string, options?: OpenOptions): Promise<Opened>;
  /** Closes what is open: after each test, since a page that is shown goes on drawing. */
  leave(): Promise<void>;
  close(): Promise<void>;
}

export interface OpenOptions extends BrowserContextOptions {
  readonly words?: readonly string[];
  /** Before the page is asked for: routes. */
  readonly before?: (page: Page) => Promise<void>;
}

export interface Opened {
  readonly page: Page;
  readonly origin: string;
  /** Errors of the page and of its policy; what a test made fail on purpose is in it as well. */
  readonly errors: readonly string[];
}

export async function startPages(): Promise<Pages> {
  const folder = mkdtempSync(join(tmpdir(), "goodgate-console-"));
  const manifest: PageManifest = await writeConsolePage({ source: SOURCE, output: folder });
  const browser: Browser = await chromium.launch({ executablePath: CHROMIUM!, args: ["--no-sandbox"] });
  const gateways = new Map<string, Served>();
  let contexts: BrowserContext[] = [];
  const leave = async (): Promise<void> => {
    const open = contexts;
    contexts = [];
    await Promise.all(open.map((context) => context.close()));
  };
  return {
    async open(path, { words = [], before, ...options } = {}) {
      const key = words.join(" ");
      const gateway = gateways.get(key) ?? (await serve({ source: SOURCE, folder, port: 0, words, manifest }));
      gateways.set(key, gateway);
      const origin = `http://127.0.0.1:${gateway.port}`;
      const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
      contexts.push(context);
      await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin });
      const page = await context.newPage();
      const errors: string[] = [];
      page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
      page.on("pageerror", (error) => errors.push(error.message));
      await page.addInitScript(() => {
        const taps: EventSource[] = [];
        class Tapped extends EventSource {
          constructor(address: string) {
            super(address);
            taps.push(this);
          }
        }
        Object.assign(globalThis, { EventSource: Tapped, taps });
      });
      await before?.(page);
      await page.goto(origin + path);
      return { page, origin, errors };
    },
    leave,
    async close() {
      await leave();
      await browser.close();
      for (const gateway of gateways.values()) gateway.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Sends an event on the page's streams whose address has this piece. */
export async function send(page: Page, piece: string, event: string, data: unknown): Promise<void> {
  await page.evaluate(
    ([at, name, text]) => {
      const { taps } = globalThis as unknown as { taps: EventSource[] };
      for (const tap of taps) {
        if (tap.url.includes(at) && tap.readyState !== 2) tap.dispatchEvent(new MessageEvent(name, { data: text }));
      }
    },
    [piece, event, JSON.stringify(data)] as const,
  );
}

/** What axe finds; empty = nothing. */
export async function violations(page: Page): Promise<string[]> {
  // By the debugging protocol: the page's policy lets no script in that is not the console's.
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { axe: tool } = globalThis as unknown as { axe: typeof import("axe-core") };
    const { violations: found } = await tool.run();
    return found.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(" ")}: ${node.html}`));
  });
}

/** How many pixels the page is wider than the window. */
export async function overflow(page: Page): Promise<number> {
  return page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth));
}
