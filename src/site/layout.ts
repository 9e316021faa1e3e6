// The frame of every page: head, header, footer. Only relative links, so that a folder of pages works at any address;
// only `base`, where it is given, makes canonical addresses and what other sites show of a page. The policy in the head
// allows our own files and one line of script by its hash: nothing inline, nothing from elsewhere.
import { createHash } from "node:crypto";
import { type Html, html, rawHtml } from "../std/html.ts";
import type { Assets } from "./fragment.ts";

/** Where pages stand and what they may count on. */
export interface Site {
  readonly assets: Assets;
  /** Address of the root without a slash at its end; null = not known. */
  readonly base: string | null;
  /** A server answers the form where scripts are off (the console); false = a folder of files. */
  readonly served: boolean;
}

export interface PageOptions {
  /** Below the root, "" for the root: "status/502/". */
  readonly path: string;
  readonly title: string;
  readonly description: string;
  readonly main: Html;
  /** Above the heading. */
  readonly crumbs?: readonly Crumb[];
  /** Machine forms: path below the root. */
  readonly json?: string;
  readonly markdown?: string;
  readonly article?: boolean;
  /** schema.org, for search engines. */
  readonly structured?: readonly object[];
  /** Picture for other sites, below the root. */
  readonly card?: string;
  /** Not for search engines. */
  readonly unlisted?: boolean;
  /** From the page to the root, where it does not follow from the path. */
  readonly root?: string;
  /** Says which page it is to the script. */
  readonly name?: string;
}

export interface Crumb {
  readonly title: string;
  /** Below the root. */
  readonly path: string;
}

/** Before the first paint, so that what needs scripts takes its place at once and nothing moves later. */
const BOOT = 'document.documentElement.className="js"';
const BOOT_HASH = createHash("sha256").update(BOOT).digest("base64");

/** Content-Security-Policy of all pages. */
export const SITE_POLICY = `default-src 'none'; script-src 'self' 'sha256-${BOOT_HASH}'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'`;

const BOOT_ELEMENT = rawHtml(`<script>${BOOT}</script>`);

/** "cause/x/" → "../../", "" → "./", "explain" → "./". */
export function rootFrom(path: string): string {
  const depth = path.split("/").length - 1;
  return depth === 0 ? "./" : "../".repeat(depth);
}

/** The whole page as text. */
export function pageOf(site: Site, page: PageOptions): string {
  const root = page.root ?? rootFrom(page.path);
  const assets = `${root}assets/`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${SITE_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="same-origin">
<title>${page.title}</title>
<meta name="description" content="${page.description}">
${page.unlisted ? html`<meta name="robots" content="noindex">` : ""}
${BOOT_ELEMENT}
<link rel="stylesheet" href="${assets}${site.assets.style}">
<script type="module" src="${assets}${site.assets.script}"></script>
<link rel="icon" type="image/svg+xml" href="${assets}${site.assets.icon}">
<meta name="color-scheme" content="light dark">
${machineForms(page, root)}
${socialCard(site, page)}
${(page.structured ?? []).map(structuredData)}
</head>
<body data-root="${root}" data-index="${assets}${site.assets.index}"${page.name ? html` data-page="${page.name}"` : ""}>
<a class="skip" href="#main">Skip to the content</a>
<header class="top"><div>
<a class="brand" href="${root}">${mark()}<span>Goodgate</span> <span class="soft">reference</span></a>
<nav aria-label="Reference"><a href="${root}status/">Statuses</a><a href="${root}cause/">Causes</a><a href="${root}message/">Messages</a></nav>
</div></header>
<main id="main" tabindex="-1">
${crumbs(page.crumbs ?? [], root)}
${page.main}
</main>
<footer class="end"><div>
<p>The Goodgate reference of HTTP and gateway errors. No tracker, no advertisement, nothing loaded from elsewhere; what you paste stays on your machine.</p>
${page.json || page.markdown ? html`<p>This page for programs: ${page.json ? html`<a href="${root}${page.json}">JSON</a>` : ""}${page.markdown ? html` · <a href="${root}${page.markdown}">Markdown</a>` : ""}</p>` : ""}
</div></footer>
</body>
</html>
`.markup;
}

const mark = (): Html =>
  html`<svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true"><path d="M5 27V14a11 11 0 0 1 22 0v13" fill="none" stroke="currentColor" stroke-width="3.4" stroke-linecap="round"/><path d="M11.5 27V16m9 11V16M16 27V13" fill="none" stroke="currentColor" stroke-width="2.4" stroke-linecap="round"/></svg>`;

function crumbs(list: readonly Crumb[], root: string): Html {
  if (list.length === 0) return html``;
  return html`<nav class="crumbs" aria-label="You are here"><ol>${list.map(({ title, path }) => html`<li><a href="${root}${path}">${title}</a></li>`)}</ol></nav>`;
}

function machineForms({ json, markdown }: PageOptions, root: string): Html {
  return html`${json ? html`<link rel="alternate" type="application/json" href="${root}${json}">` : ""}${markdown ? html`<link rel="alternate" type="text/markdown" href="${root}${markdown}">` : ""}`;
}

/** Other sites need whole addresses: without a base there is nothing to say. */
function socialCard({ base }: Site, { path, title, description, article, card, unlisted }: PageOptions): Html {
  const address = base === null ? null : `${base}/${path}`;
  return html`<meta property="og:site_name" content="Goodgate reference">
<meta property="og:type" content="${article ? "article" : "website"}">
<meta property="og:title" content="${title}">
<meta property="og:description" content="${description}">
${address && !unlisted ? html`<link rel="canonical" href="${address}"><meta property="og:url" content="${address}">` : ""}
${base !== null && card ? html`<meta property="og:image" content="${base}/${card}"><meta property="og:image:width" content="1200"><meta property="og:image:height" content="630"><meta name="twitter:card" content="summary_large_image">` : html`<meta name="twitter:card" content="summary">`}`;
}

/** Data, not a script: browsers run nothing of it. "<" is written as an escape, so that no text can end the element. */
function structuredData(data: object): Html {
  const json = JSON.stringify({ "@context": "https://schema.org", ...data }).replace(/</g, "\\u003c");
  return rawHtml(`<script type="application/ld+json">${json}</script>\n`);
}
