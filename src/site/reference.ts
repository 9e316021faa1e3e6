// Every address of the reference and what is there. The static build asks for all of them, the console for the one that
// is wanted: one source, so that both are the same site.

import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { explain } from "../explain/explain.ts";
import { CAUSES, isCauseId } from "../failure/causes.ts";
import { statusCard } from "./card.ts";
import { causeList, productList, productPage, statusList } from "./entry-lists.ts";
import { entryPage, parentId } from "./entry-page.ts";
import { answerPage, generatedPage, homePage, notFoundPage } from "./home-page.ts";
import { type PageOptions, pageOf, rootFrom, type Site } from "./layout.ts";
import type { Library } from "./library.ts";

export interface Reference {
  readonly library: Library;
  readonly site: Site;
}

/** What stands at an address. */
export interface Resource {
  readonly type: string;
  readonly body: string | Uint8Array;
  /** Its address changes with its content. */
  readonly immutable: boolean;
}

const HTML = "text/html; charset=utf-8";
const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".md": "text/markdown; charset=utf-8",
  ".png": "image/png",
  ".xml": "application/xml",
  ".txt": "text/plain; charset=utf-8",
};

/** All addresses below the root but the form's; those of pages end in "/" or are "". */
export function addressesOf({ library, site }: Reference): string[] {
  const { cards } = library.index;
  const products = [...new Set(cards.flatMap(({ software }) => software ?? []))];
  const statuses = [...new Set(cards.flatMap(({ status }) => status ?? []))];
  return [
    ...["", "status/", "cause/", "message/", "generated/", "404.html", "index.json", "robots.txt"],
    ...products.map((slug) => `message/${slug}/`),
    ...cards.flatMap(({ id }) => [`${id}/`, `${id}.json`, `${id}.md`]),
    ...readdirSync(library.assetFolder).map((name) => `assets/${name}`),
    ...(site.base === null ? [] : ["sitemap.xml", ...statuses.map((status) => `cards/${status}.png`)]),
  ];
}

/** What stands at `path` below the root; null = nothing. */
export async function resourceAt(reference: Reference, path: string): Promise<Resource | null> {
  if (path === "" || path.endsWith("/")) {
    const page = await pageAt(reference, path);
    return page && htmlOf(reference, page);
  }
  return fileAt(reference, path);
}

/** The answer to the form; `text` as it came. */
export function answerTo(reference: Reference, text: string): Resource {
  return htmlOf(reference, answerPage(reference.library, explain(text, reference.library.index)));
}

/** For an address that leads nowhere. */
export function notFound(reference: Reference, path: string): Resource {
  return htmlOf(reference, notFoundPage(rootFrom(path)));
}

function htmlOf({ site }: Reference, page: PageOptions): Resource {
  return { type: HTML, body: pageOf(site, page), immutable: false };
}

async function pageAt({ library, site }: Reference, path: string): Promise<PageOptions | null> {
  const id = path.slice(0, -1);
  switch (path) {
    case "":
      return homePage(library, site.served);
    case "status/":
      return statusList(library);
    case "cause/":
      return causeList(library);
    case "message/":
      return productList(library);
    case "generated/":
      return generatedPage(site.served);
  }
  if (library.card(id)) return entryPage(library, id, site.served);
  const slug = /^message\/([^/]+)$/.exec(id)?.[1];
  const known = slug !== undefined && library.index.cards.some(({ software }) => software === slug);
  return known ? productPage(library, slug) : null;
}

async function fileAt(reference: Reference, path: string): Promise<Resource | null> {
  const { library, site } = reference;
  const type = TYPES[extname(path)] ?? "application/octet-stream";
  const resource = (body: string | Uint8Array, immutable = false): Resource => ({ type, body, immutable });
  const asset = /^assets\/([\w.-]+)$/.exec(path)?.[1];
  if (asset !== undefined) {
    const known = readdirSync(library.assetFolder).includes(asset);
    return known ? resource(await readFile(join(library.assetFolder, asset)), true) : null;
  }
  const card = /^cards\/(\d{3})\.png$/.exec(path)?.[1];
  if (card !== undefined && site.base !== null) return resource(statusCard(card));
  if (path === "404.html")
    return htmlOf(
      reference,
      notFoundPage(site.base === null ? "/" : `${new URL(site.base).pathname.replace(/\/$/, "")}/`),
    );
  if (path === "index.json") return resource(listForPrograms(library));
  if (path === "robots.txt") return resource(robots(site));
  if (path === "sitemap.xml" && site.base !== null) return resource(sitemap(reference, site.base));
  const entry = /^(.+)\.(json|md)$/.exec(path);
  if (!entry || !library.card(entry[1]!)) return null;
  return resource(entry[2] === "md" ? await library.source(entry[1]!) : await entryForPrograms(library, entry[1]!));
}

/** The entry as data: what is written of it, what the failure table says, and where the rest is inherited from. */
async function entryForPrograms(library: Library, id: string): Promise<string> {
  const { entry } = await library.entry(id);
  const { sections, ...head } = entry;
  const cause = entry.class !== null && isCauseId(entry.class) ? CAUSES[entry.class] : null;
  const document = {
    ...head,
    failure: cause,
    inherits: parentId(entry),
    sections: sections.map(({ heading, anchor, markdown }) => ({ heading, anchor, markdown })),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function listForPrograms({ index }: Library): string {
  const entries = index.cards.map(({ id, kind, title, summary, class: of, software, status }) => ({
    ...{ id, kind, title, summary, class: of, software, status, json: `${id}.json`, markdown: `${id}.md` },
  }));
  return `${JSON.stringify({ entries }, null, 1)}\n`;
}

const robots = ({ base }: Site): string =>
  `User-agent: *\nAllow: /\n${base === null ? "" : `Sitemap: ${base}/sitemap.xml\n`}`;

function sitemap(reference: Reference, base: string): string {
  const pages = addressesOf(reference).filter((path) => (path === "" || path.endsWith("/")) && path !== "generated/");
  const rows = pages.map((path) => `<url><loc>${base}/${path}</loc></url>\n`).join("");
  return `<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n${rows}</urlset>\n`;
}
