// The pages around the box: home, the answer to the form where scripts are off, the page for texts that the reference
// does not have, and "not found".
import type { Explanation } from "../explain/explanation.ts";
import { CAUSES, isCauseId } from "../failure/causes.ts";
import type { EntryCard } from "../knowledge/entry.ts";
import { type Html, html } from "../std/html.ts";
import { productTiles } from "./entry-lists.ts";
import { explainForm, explanationView } from "./explain-view.ts";
import { type PageOptions, rootFrom } from "./layout.ts";
import type { Library } from "./library.ts";
import { LAYERS, type Layer, STATUS_CLASSES } from "./words.ts";

const BOX_LABEL = "Paste an error, a log line or a status";
const LEAD =
  "Get the cause, how sure it is, and the next command: for nginx, HAProxy, Envoy, load balancers, CDNs, platforms and the programs behind them.";

/** The box, and ways in for who has nothing to paste. */
export function homePage(library: Library, served: boolean): PageOptions {
  const { cards } = library.index;
  const statuses = cards.filter(({ kind }) => kind === "status");
  const main = html`<div class="home"><header class="hero"><h1>What failed, and what now?</h1><p class="lead">${LEAD}</p>
${explainForm({ root: "./", text: "", label: BOX_LABEL, rows: 4, button: "Explain it", served })}
<section id="found" aria-label="Entries found" hidden></section></header>
<section><h2 id="statuses">By status</h2>
${HOME_ORDER.map((digit) => statusRow(digit, statuses))}</section>
<section><h2 id="layers">By where it breaks</h2><ul class="cards">${LAYERS.map((layer) => layerRow(layer, cards))}</ul></section>
<section><h2 id="products">By product</h2>${productTiles(cards, "./")}</section></div>`;
  return { path: "", title: "Goodgate reference: paste any gateway error", description: LEAD, main, name: "home" };
}

/** Classes of statuses: who comes in an outage looks for these first. */
const HOME_ORDER = [5, 4, 3, 2, 1, 6];

function statusRow(digit: number, statuses: readonly EntryCard[]): Html {
  const own = statuses.filter(({ status }) => Math.min(6, Math.floor((status ?? 0) / 100)) === digit);
  if (own.length === 0) return html``;
  const title = STATUS_CLASSES.find((each) => each.digit === digit)!.title;
  return html`<div class="row"><h3>${title}</h3><ul class="numbers">${own.map(({ id, status, title: name }) => html`<li><a href="./${id}/" title="${name}">${status}</a></li>`)}</ul></div>`;
}

function layerRow({ id, title, about, phases }: Layer, cards: readonly EntryCard[]): Html {
  const own = cards.filter(
    ({ kind, class: of }) => kind === "cause" && of && isCauseId(of) && phases.includes(CAUSES[of].phase),
  );
  if (own.length === 0) return html``;
  return html`<li><a href="./cause/#${id}">${title} <span class="count">${own.length}</span></a><span>${about}</span></li>`;
}

/** What the console answers to the form. */
export function answerPage(library: Library, explanation: Explanation): PageOptions {
  const view = explanationView(explanation, { root: "./", level: 2, has: (id) => library.card(id) !== undefined });
  const form = { root: "./", text: explanation.input, label: BOX_LABEL, rows: 4, button: "Explain it", served: true };
  const main = html`<div class="home"><h1>${explanation.generated ? "Not in the reference" : "What this means"}</h1>
${explainForm({ ...form, answer: view })}</div>`;
  const title = `${explanation.title} · Goodgate reference`;
  return { path: "explain", title, description: LEAD, main, crumbs: HOME, unlisted: true, name: "home" };
}

const HOME = [{ title: "Reference", path: "" }];

/** The text is in the fragment of the address; the script composes the page from it. */
export function generatedPage(served: boolean): PageOptions {
  const path = "generated/";
  const form = { root: rootFrom(path), text: "", label: BOX_LABEL, rows: 4, button: "Explain it", served };
  const main = html`<div class="home"><h1>Composed from your text</h1>
<p class="lead">What the reference does not have gets a page of its own here, made in your browser. It is labelled as such; nobody wrote or checked it.</p>
${explainForm(form)}<section id="found" aria-label="Entries found" hidden></section></div>`;
  const title = "A composed page · Goodgate reference";
  return { path, title, description: LEAD, main, crumbs: HOME, unlisted: true, name: "generated" };
}

/** For addresses that lead nowhere; `root` because nobody knows how deep they are. */
export function notFoundPage(root: string): PageOptions {
  const main = html`<div class="home"><h1>There is no such page</h1>
<p class="lead">The reference has statuses, causes and messages. Paste the error on the <a href="${root}">first page</a>, or browse <a href="${root}status/">statuses</a>, <a href="${root}cause/">causes</a> and <a href="${root}message/">messages</a>.</p></div>`;
  const description = "There is no such page in the Goodgate reference.";
  return { path: "404.html", title: "Not found · Goodgate reference", description, main, root, unlisted: true };
}
