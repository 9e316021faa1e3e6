// The console's page for the browser: src/console/browser/ bundled into dist/console/: index.html, and below assets/ the
// scripts (one per page, loaded when it is opened) and the style, all by names that change with their content, so that
// they may be kept for ever. page.json lists them for the server, which serves what is listed and nothing else.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { bundleScripts } from "./bundle.ts";
import { shrinkStyle } from "./shrink-style.ts";

export interface PageFolders {
  /** The package's src/. */
  readonly source: string;
  /** Where console/ is made in: the package's dist/. */
  readonly output: string;
}

/** console/page.json: what the server serves at /assets/NAME. */
export interface PageManifest {
  /** Served for every address of the page. */
  readonly index: string;
  readonly assets: readonly string[];
}

/** Makes OUTPUT/console/index.html, console/assets/ and console/page.json anew. */
export async function writeConsolePage({ source, output }: PageFolders): Promise<PageManifest> {
  const folder = join(source, "console", "browser");
  const target = join(output, "console");
  const assets = join(target, "assets");
  rmSync(assets, { recursive: true, force: true });
  mkdirSync(assets, { recursive: true });
  const script = await bundleScripts(join(folder, "app.tsx"), assets);
  const style = named(assets, "page", "css", stylesOf(folder));
  const icon = named(assets, "icon", "svg", readFileSync(join(source, "site", "icon.svg"), "utf8"));
  const index = readFileSync(join(folder, "index.html"), "utf8")
    .replaceAll("{script}", script)
    .replaceAll("{style}", style)
    .replaceAll("{icon}", icon)
    .replace(/<!--[\s\S]*?-->\n?/g, "");
  writeFileSync(join(target, "index.html"), index);
  const manifest: PageManifest = { index: "index.html", assets: readdirSync(assets).sort() };
  writeFileSync(join(target, "page.json"), JSON.stringify(manifest));
  return manifest;
}

/** style/*.css first, in order of their names, then those that stand beside pages; the chart library's before all. */
function stylesOf(folder: string): string {
  const chart = createRequire(import.meta.url).resolve("uplot/dist/uPlot.min.css");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".css"))
    .map((file) => file.replaceAll("\\", "/"))
    .sort((a, b) => Number(!a.startsWith("style/")) - Number(!b.startsWith("style/")) || a.localeCompare(b));
  const texts = [chart, ...files.map((file) => join(folder, file))].map((file) => readFileSync(file, "utf8"));
  return shrinkStyle(texts.join("\n"));
}

/** Writes a file under a name with a hash of its content; returns the name. */
function named(folder: string, name: string, extension: string, content: string): string {
  const hash = createHash("sha256").update(content).digest("base64url").slice(0, 10);
  const file = `${name}-${hash}.${extension}`;
  writeFileSync(join(folder, file), content);
  return file;
}
