// What explain says, as markup: the same for the box of a page (made in the browser) and for the console's answer to the
// form (made on the server). The pasted text is hostile: it goes through html`` and nowhere else.
import type { Explanation, Facts, NextStep, Range } from "../explain/explanation.ts";
import { type Html, html, rawHtml } from "../std/html.ts";
import { CONFIDENCE_WORDS, softwareName } from "./words.ts";

export interface ViewOptions {
  /** From the page to the root of the reference, relative, with a slash at its end. */
  readonly root: string;
  /** Level of the answer's own heading. */
  readonly level: 2 | 3;
  /** Whether the reference has the entry of that id. */
  readonly has: (id: string) => boolean;
}

const TEXT_SHOWN = 3_000;
const AROUND = 600;

/** The answer, for within a labelled region. */
export function explanationView(explanation: Explanation, options: ViewOptions): Html {
  return explanation.page ? generatedView(explanation, options) : knownView(explanation, options);
}

/** One sentence for those who hear the page. */
export function spokenAnswer({ title, confidence, generated }: Explanation): string {
  return generated ? `${title}. A page was composed.` : `${title}. ${CONFIDENCE_WORDS[confidence]}.`;
}

function knownView(explanation: Explanation, options: ViewOptions): Html {
  const { title, summary, confidence, entry, class: of, settles } = explanation;
  const id = entry.slice(1);
  const linked = options.has(id) ? html`<a href="${options.root}${id}/">${title}</a>` : html`${title}`;
  return html`<article class="answer ${confidence}">
<p class="verdict"><b>${CONFIDENCE_WORDS[confidence]}</b>${of ? html` <code>${of}</code>` : ""}</p>
<h${options.level} class="title">${linked}</h${options.level}>
<p>${summary}</p>
${markedText(explanation)}
${nextView(explanation.next, "Do this next")}
${settles ? html`<p class="settles"><b>What would settle it:</b> ${settles}</p>` : ""}
${factList(explanation.facts)}
${alternatives(explanation, options, "What else it may be")}
${why(explanation)}
${options.has(id) ? html`<p class="more"><a href="${options.root}${id}/">Read the whole entry</a></p>` : ""}
</article>`;
}

function generatedView(explanation: Explanation, options: ViewOptions): Html {
  const { page, title } = explanation;
  const inner = options.level + 1;
  return html`<article class="answer generated">
<p class="verdict"><b>Not in the reference</b> This page was composed from your text just now; nobody wrote or checked it.</p>
<h${options.level} class="title">${page?.title ?? title}</h${options.level}>
${markedText(explanation)}
${(page?.sections ?? []).map(
  ({ heading, paragraphs, steps }) => html`<h${inner}>${heading}</h${inner}>
${paragraphs.map((text) => html`<p>${text}</p>`)}
${steps.length > 1 ? html`<ol class="steps">${steps.map((step) => html`<li>${stepView(step)}</li>`)}</ol>` : steps.map(stepView)}`,
)}
${nearestEntries(explanation, options)}
<p class="template"><b>This line, masked:</b> <code>${explanation.template}</code></p>
<p class="more"><a href="${addressOf(explanation, options.root)}">The address of this page</a>: the text stays in the part after “#”, which browsers do not send.</p>
</article>`;
}

/** Lines with equal templates share everything up to the "/"; the text behind it is for showing this one again. */
export function addressOf({ entry, input }: Explanation, root: string): string {
  const hash = entry.slice(entry.lastIndexOf("/") + 1);
  // Half a character, left by a cut or pasted so, cannot be in an address.
  const text = input.slice(0, TEXT_SHOWN).replace(/\p{Surrogate}/gu, "\ufffd");
  return `${root}generated/#${hash}/${encodeURIComponent(text)}`;
}

/** The text with the deciding words marked; of a long one the part around them. */
function markedText({ input, decisive }: Explanation): Html {
  const ranges = decisive.toSorted(([a], [b]) => a - b);
  const from = input.length > TEXT_SHOWN ? Math.max(0, (ranges[0]?.[0] ?? 0) - AROUND) : 0;
  const to = Math.min(input.length, from + TEXT_SHOWN);
  return html`<pre class="pasted"><code>${from > 0 ? "… " : ""}${pieces(input, ranges, from, to)}${to < input.length ? " …" : ""}</code></pre>`;
}

function pieces(input: string, ranges: readonly Range[], from: number, to: number): Html[] {
  const parts: Html[] = [];
  let at = from;
  for (const [start, end] of ranges) {
    const [first, last] = [Math.max(start, at), Math.min(end, to)];
    if (last <= first) continue;
    parts.push(html`${input.slice(at, first)}<mark>${input.slice(first, last)}</mark>`);
    at = last;
  }
  parts.push(html`${input.slice(at, to)}`);
  return parts;
}

function nextView(step: NextStep, label: string): Html {
  return html`<div class="next"><p><b>${label}.</b> ${withCode(step.text)}</p>${commandView(step.command)}</div>`;
}

const stepView = (step: NextStep): Html => html`<p>${withCode(step.text)}</p>${commandView(step.command)}`;

function commandView(command: string | null): Html {
  if (command === null) return html``;
  return html`<figure class="code"><figcaption><span>Shell</span><button class="copy" type="button">Copy</button></figcaption><pre><code>${command}</code></pre></figure>`;
}

/** Text between backticks is set as code. */
export function withCode(text: string): Html {
  return html`${text.split("`").map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part))}`;
}

function alternatives({ alternatives: others }: Explanation, options: ViewOptions, label: string): Html {
  if (others.length === 0) return html``;
  return html`<h${options.level + 1}>${label}</h${options.level + 1}>
<ul class="others">${others.map(({ entry, title, separates }) => {
    const id = entry.slice(1);
    const name = options.has(id) ? html`<a href="${options.root}${id}/">${title}</a>` : html`<b>${title}</b>`;
    return html`<li>${name}${separates === "" ? "" : html`: ${withCode(separates)}`}</li>`;
  })}</ul>`;
}

/** What separates them stands in the page's own section. */
function nearestEntries({ alternatives: others }: Explanation, options: ViewOptions): Html {
  const known = others.map(({ entry, title }) => ({ id: entry.slice(1), title })).filter(({ id }) => options.has(id));
  if (known.length === 0) return html``;
  const links = known.map(({ id, title }) => html`<li><a href="${options.root}${id}/">${title}</a></li>`);
  return html`<h${options.level + 1}>Entries that come nearest</h${options.level + 1}><ul class="others">${links}</ul>`;
}

function why({ reasons }: Explanation): Html {
  if (reasons.length === 0) return html``;
  return html`<details><summary>Why this answer</summary><ul>${reasons.map((reason) => html`<li>${reason}</li>`)}</ul></details>`;
}

const FACT_NAMES: readonly (readonly [key: keyof Facts, name: string])[] = [
  ["software", "Printed by"],
  ["version", "Version"],
  ["time", "Time"],
  ["level", "Level"],
  ["upstream", "Upstream"],
  ["upstreamName", "Upstream group"],
  ["client", "Client"],
  ["server", "Server"],
  ["host", "Host"],
  ["method", "Method"],
  ["path", "Path"],
  ["status", "Status"],
  ["upstreamStatus", "Status of the upstream"],
  ["errno", "System error"],
  ["phase", "Phase"],
  ["side", "Side"],
  ["terminationState", "Termination state"],
  ["requestId", "Request id"],
  ["pid", "Process"],
  ["bytes", "Bytes"],
];

function factList(facts: Facts): Html {
  const rows: (readonly [name: string, value: string])[] = [];
  for (const [key, name] of FACT_NAMES) {
    const value = facts[key];
    if (value !== undefined) rows.push([name, key === "software" ? softwareName(String(value)) : String(value)]);
  }
  if (facts.flags && facts.flags.length > 0) rows.push(["Flags", facts.flags.join(", ")]);
  for (const [name, ms] of Object.entries(facts.durations ?? {})) rows.push([name, `${ms} ms`]);
  if (rows.length === 0) return html``;
  return html`<dl class="facts read">${rows.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** The form; `served` = a server answers it where scripts are off. */
export function explainForm(options: {
  readonly root: string;
  readonly text: string;
  readonly label: string;
  readonly rows: number;
  readonly button: string;
  readonly served: boolean;
  /** Where it was answered already. */
  readonly answer?: Html;
}): Html {
  const { root, text, label, rows, button, served, answer } = options;
  const action = served ? html` action="${root}explain" method="get"` : "";
  // HTML drops the first line break of a textarea.
  const firstBreak = text.startsWith("\n") ? rawHtml("\n") : "";
  return html`<form class="explain"${action}>
<label for="text">${label}</label>
<textarea id="text" name="text" rows="${rows}" spellcheck="false" autocapitalize="off" autocomplete="off" maxlength="65536">${firstBreak}${text}</textarea>
<div class="acts"><button type="submit"${served ? "" : html` class="scripted"`}>${button}</button>
<p>Answered ${served ? "on this machine" : "in your browser"}; nothing is sent anywhere.</p></div>
${served ? "" : html`<noscript><p>This box needs JavaScript. In a terminal, <code>goodgate explain</code> gives the same answer.</p></noscript>`}
</form>
<p class="unseen" id="spoken" role="status"></p>
<section id="answer" aria-label="Answer"${answer ? "" : html` hidden`}>${answer}</section>`;
}
