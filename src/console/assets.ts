// The page as the build left it in dist/console/: index.html for every address of the page, and what page.json lists
// below /assets/. A name counts only if it is listed, so that no address ever becomes a path of its own; names change
// with their content, so browsers keep them. Read once, when somebody asks.
import { existsSync, readFileSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

/** Something of the page. */
export interface PageFile {
  readonly type: string;
  readonly body: Uint8Array;
  /** Compressed; null = that would gain nothing. */
  readonly gzip: Uint8Array | null;
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".json": "application/json",
  ".woff2": "font/woff2",
};
const COMPRESSED = /^(?:text\/|application\/json|image\/svg)/;

/** dist/console/ of this package, from its sources and from its build alike. */
const distFolder = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "dist", "console");

/** What a browser may open: each gives the page, whose script reads the address. */
const PAGES = /^\/(?:(?:now|incidents|traffic|upstreams|config|doctor|explain|login)(?:\/[^/]+)?\/?)?$/;

export class ConsolePage {
  readonly #folder: string;
  readonly #files = new Map<string, PageFile>();
  #manifest: { readonly index: string; readonly assets: ReadonlySet<string> } | null = null;

  constructor(folder: string = distFolder) {
    this.#folder = folder;
  }

  /** Whether there is a page: a checkout may not be built. */
  get isBuilt(): boolean {
    return this.#open() !== null;
  }

  static isPage(path: string): boolean {
    return PAGES.test(path);
  }

  index(): PageFile | null {
    const manifest = this.#open();
    return manifest && this.#read(manifest.index);
  }

  /** By its path ("/assets/page-1a2b.js"); null = the page has none such. */
  asset(path: string): PageFile | null {
    const name = /^\/assets\/([\w.-]+)$/.exec(path)?.[1];
    const manifest = name === undefined ? null : this.#open();
    return name !== undefined && manifest?.assets.has(name) ? this.#read(join("assets", name)) : null;
  }

  #open(): { readonly index: string; readonly assets: ReadonlySet<string> } | null {
    if (this.#manifest) return this.#manifest;
    const file = join(this.#folder, "page.json");
    if (!existsSync(file)) return null;
    const { index, assets } = JSON.parse(readFileSync(file, "utf8")) as { index: string; assets: readonly string[] };
    this.#manifest = { index, assets: new Set(assets) };
    return this.#manifest;
  }

  #read(name: string): PageFile {
    const known = this.#files.get(name);
    if (known) return known;
    const body = readFileSync(join(this.#folder, name));
    const type = TYPES[extname(name)] ?? "application/octet-stream";
    const small = COMPRESSED.test(type) ? gzipSync(body) : null;
    const file = { type, body, gzip: small !== null && small.length < body.length ? small : null };
    this.#files.set(name, file);
    return file;
  }
}
