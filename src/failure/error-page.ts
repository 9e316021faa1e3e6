// The page that a person sees instead of a site: calm, readable, complete in itself (no request goes out for it), in
// the light or dark of the reader's system. It says whether to wait, and then tries again by itself, ever more
// seldom; without scripts the link does the same. State is told by shape and words, not by colour alone.
// Style and script (page-assets.ts) are constant, so that a Content-Security-Policy can name them by hash.
import { createHash } from "node:crypto";
import { type Html, html, rawHtml } from "../std/html.ts";
import { CAUSES } from "./causes.ts";
import { forVisitor, isSafe, type VisitorText } from "./describe.ts";
import type { ErrorContext } from "./error-body.ts";
import type { Failure } from "./failure.ts";
import { PAGE_SCRIPT, PAGE_STYLE } from "./page-assets.ts";
import { statusText } from "./status.ts";
import { requestLine } from "./words.ts";

/** Names and values. */
type Facts = readonly (readonly [name: string, value: string])[];

const hashOf = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** Content-Security-Policy of the page: nothing is loaded, and only its own style and script count. */
export const PAGE_POLICY = `default-src 'none'; style-src ${hashOf(PAGE_STYLE)}; script-src ${hashOf(PAGE_SCRIPT)}; base-uri 'none'; form-action 'none'`;

const STYLE_ELEMENT = rawHtml(`<style>${PAGE_STYLE}</style>`);
const SCRIPT_ELEMENT = rawHtml(`<script>${PAGE_SCRIPT}</script>`);

/** The page; `operator` are facts for whoever runs the gateway, empty where they are not to be shown. */
export function errorPage(failure: Failure, context: ErrorContext, operator: Facts): string {
  const words = forVisitor(failure, context.method, context.keyed);
  const safe = isSafe(context.method);
  const wait = words.retryHelps && safe ? CAUSES[failure.cause].retryAfterSeconds : null;
  const reason = `${failure.status} ${statusText(failure.status)}`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${reason} · ${words.headline}</title>
${STYLE_ELEMENT}
</head>
<body>
<main data-wait="${wait ?? 0}">
<p class="status">${context.host ? html`${context.host} · ` : ""}${reason}</p>
<h1>${words.headline}</h1>
<p>${words.message}</p>
${hops(failure, words)}
<p>${words.advice}</p>
${safe && words.retryHelps ? actions() : ""}
${operator.length > 0 ? operatorSection(operator) : ""}
<footer>
<p>Request id: <code id="id">${context.requestId}</code> <button id="copy" type="button" hidden>Copy</button></p>
<p>Cause: <code>${failure.cause}</code></p>
${context.path === "" ? "" : html`<p>Request: <code>${requestLine(context.method, context.path)}</code></p>`}
</footer>
</main>
${SCRIPT_ELEMENT}
</body>
</html>
`.markup;
}

const actions = (): Html => html`<div class="acts">
<a href="">Try again</a>
<span id="timer" role="timer"></span>
<button id="stop" type="button" hidden>Stop</button>
</div>`;

const operatorSection = (facts: Facts): Html => html`<section class="operator" aria-labelledby="operator">
<h2 id="operator">For whoever runs this site</h2>
<dl>${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${withCode(value)}</dd>`)}</dl>
</section>`;

/** Text between backticks is set as code, an address of its own as a link. */
function withCode(text: string): Html {
  if (/^https?:\/\/\S+$/.test(text)) return html`<a href="${text}">${text}</a>`;
  const parts = text.split("`");
  return html`${parts.map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part))}`;
}

const HOP_NAMES = ["Your browser", "Gateway", "Application"] as const;
const MARKS = { fine: "✓", failed: "✕", unused: "–" } as const;

/** The way of the request with the part that failed. */
function hops(failure: Failure, words: VisitorText): Html {
  const at = hopOf(failure);
  const states = HOP_NAMES.map((name, index) => {
    // A request that was not accepted got as far as the gateway, which is well.
    const state = index === at ? "failed" : index < at || (at === 0 && index === 1) ? "fine" : "unused";
    const told =
      state === "failed" ? words.state : state === "unused" ? "not reached" : index === 0 ? "connected" : "working";
    return html`<li class="${state}"><span class="mark" aria-hidden="true">${MARKS[state]}</span><b>${name}</b><span>${told}</span></li>`;
  });
  return html`<ol class="hops" aria-label="Where it failed">${states}</ol>`;
}

function hopOf(failure: Failure): 0 | 1 | 2 {
  switch (CAUSES[failure.cause].phase) {
    case "client":
      return 0;
    case "config":
    case "gateway":
      return 1;
    default:
      return 2;
  }
}
