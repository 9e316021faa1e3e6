// The report as one HTML file that needs nothing from elsewhere: a strict policy, style and script named by their hashes,
// light and dark, printable, from 320 pixels of width up. The order is that of the terminal; evidence is folded.
import { createHash } from "node:crypto";
import { type Html, html, rawHtml } from "../../std/html.ts";
import { printable } from "../../wire/printable.ts";
import type { DoctorReport } from "../diagnose/model.ts";
import { blockHtml, said } from "./html-blocks.ts";
import { chainHtml } from "./html-chain.ts";
import { type Head, pageOf, type Section, type Tone } from "./page.ts";
import { REPORT_SCRIPT, REPORT_STYLE } from "./page-assets.ts";
import { redactReport } from "./redact.ts";
import { harmless } from "./words.ts";

const hashOf = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** Content-Security-Policy of the report: nothing is loaded, and only its own style and script count. */
export const REPORT_POLICY = `default-src 'none'; style-src ${hashOf(REPORT_STYLE)}; script-src ${hashOf(REPORT_SCRIPT)}; base-uri 'none'; form-action 'none'`;

const STYLE_ELEMENT = rawHtml(`<style>${REPORT_STYLE}</style>`);
const SCRIPT_ELEMENT = rawHtml(`<script>${REPORT_SCRIPT}</script>`);

const TONE_MARKS: Readonly<Record<Tone, string>> = { bad: "✕", good: "✓", open: "?", notice: "!" };

/** The whole file. */
export function renderHtml(report: DoctorReport): string {
  const { title, head, chain, sections, footer } = harmless(pageOf(redactReport(report)), printable);
  const [first = "", ...rest] = footer;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${REPORT_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="referrer" content="no-referrer">
<title>${said(title)} · ${said(head.label)}</title>
${STYLE_ELEMENT}
</head>
<body>
<header class="top"><b>${said(title)}</b><span>${rest[0] === undefined ? null : said(rest[0])}</span></header>
<main>
${topHtml(head)}
${chain.length === 0 ? null : chainHtml(chain)}
${sections.map(sectionHtml)}
</main>
<footer><p>${said([first, ...rest].join(" · "))}. Secrets and cookies are redacted.</p></footer>
${SCRIPT_ELEMENT}
</body>
</html>
`.markup;
}

function topHtml({ tone, label, headline, facts, summary }: Head): Html {
  const mark = html`<span aria-hidden="true">${TONE_MARKS[tone]}</span>`;
  const first =
    headline === ""
      ? html`<h1 class="label">${mark} ${said(label)}</h1>`
      : html`<p class="label">${mark} ${said(label)}</p><h1>${said(headline)}</h1>`;
  return html`<div class="verdict ${tone}">${first}${facts.length === 0 ? null : html`<ul class="facts">${facts.map((fact) => html`<li>${said(fact)}</li>`)}</ul>`}${summary === null ? null : html`<p>${said(summary)}</p>`}</div>`;
}

function sectionHtml({ id, heading, blocks, depth }: Section): Html {
  const body = blocks.map(blockHtml);
  if (depth === "evidence") return html`<details id="${id}"><summary>${said(heading)}</summary>${body}</details>`;
  return html`<section aria-labelledby="${id}"><h2 id="${id}">${said(heading)}</h2>${body}</section>`;
}
