// The page of an entry. First what somebody in an outage needs: the name, one sentence, the facts, the fastest fix; then
// the rest in the order of the entry. A message shows its own sections and, marked as such, those that it inherits.
import { CAUSES, isCauseId } from "../failure/causes.ts";
import { statusText } from "../failure/status.ts";
import { type EntryCard, SECTION_HEADINGS, type SectionHeading } from "../knowledge/entry.ts";
import { type Html, html, rawHtml } from "../std/html.ts";
import { cardName, messageGroups } from "./entry-lists.ts";
import { explainForm } from "./explain-view.ts";
import { ENTRY_LINK, type Fragment, type FragmentPart, type RenderedEntry } from "./fragment.ts";
import { type Crumb, type PageOptions, rootFrom } from "./layout.ts";
import type { Library } from "./library.ts";
import { tabsView } from "./tabs.ts";
import { wayView } from "./way.ts";
import { className, faultWords, RETRY_WORDS, softwareName } from "./words.ts";

/** A section as the page shows it. */
interface Shown {
  readonly heading: SectionHeading;
  readonly anchor: string;
  readonly fragment: Fragment;
  /** The entry that it was taken from; null = the page's own. */
  readonly from: EntryCard | null;
}

/** The entry that a message inherits from: its cause, or the status where nothing else is known. */
export function parentId(card: EntryCard): string | null {
  if (card.kind !== "message" || card.class === null) return null;
  if (isCauseId(card.class)) return `cause/${card.class}`;
  return card.class === "status-only-502" ? `status/${card.status ?? 502}` : null;
}

/** The fix stands first; the entry's order is for writing. */
const LEADING: readonly SectionHeading[] = ["Fastest fix", "What it means", "Who generates it"];
const ORDER = [...LEADING, ...SECTION_HEADINGS.filter((heading) => !LEADING.includes(heading))];

/** Puts the page of an entry together. */
export async function entryPage(library: Library, id: string, served: boolean): Promise<PageOptions> {
  const rendered = await library.entry(id);
  const { entry } = rendered;
  const parent = parentId(entry);
  const inherited = parent && library.card(parent) ? await library.entry(parent) : null;
  const path = `${id}/`;
  const root = rootFrom(path);
  const sections = sectionsOf(rendered, inherited);
  const below = belowSections(library, rendered, inherited, root);
  const toc = tableOfContents(sections, below);
  // The fix, what it means, who made it; then the box.
  const lead = sections.filter(({ heading }) => LEADING.includes(heading));
  const rest = sections.filter(({ heading }) => !LEADING.includes(heading));
  const main = html`<article class="entry ${entry.kind}">
<header class="head">
${entry.kind === "cause" ? html`<p class="kind"><code>${entry.class}</code></p>` : ""}
<h1>${titleView(entry)}</h1>
<p class="lead">${entry.summary}</p>
${factLine(library, rendered, root)}
${entry.class && isCauseId(entry.class) ? wayView(entry.class) : ""}
</header>
<div class="columns">
<nav class="toc" aria-label="On this page">${toc}</nav>
<div class="body">
${lead.map((section) => sectionView(section, entry, root))}
${editSection(entry, root, served)}
${rest.map((section) => sectionView(section, entry, root))}
${below.map(({ id: anchor, title, view }) => html`<section>${heading2(anchor, title)}${view}</section>`)}
</div>
</div>
</article>`;
  return {
    path,
    title: pageTitle(entry),
    description: entry.summary,
    main,
    crumbs: crumbsOf(entry),
    json: `${id}.json`,
    markdown: `${id}.md`,
    article: true,
    structured: structuredOf(rendered),
    ...(entry.status === null ? {} : { card: `cards/${entry.status}.png` }),
  };
}

function sectionsOf(own: RenderedEntry, inherited: RenderedEntry | null): Shown[] {
  const shown = ORDER.flatMap((heading): Shown[] => {
    const mine = own.fragments.find((fragment) => fragment.heading === heading);
    if (mine) return [{ heading, anchor: mine.anchor, fragment: mine, from: null }];
    const theirs = inherited?.fragments.find((fragment) => fragment.heading === heading);
    return theirs && inherited ? [{ heading, anchor: theirs.anchor, fragment: theirs, from: inherited.entry }] : [];
  });
  const used = new Set<string>([...PAGE_IDS, ...shown.map(({ anchor }) => anchor)]);
  return shown.map((section) => ({ ...section, fragment: withUniqueIds(section.fragment, used) }));
}

/** Of the frame and of what stands below the sections. */
const PAGE_IDS =
  "main text answer spoken edit-your-error causes-with-this-status messages confused-with related sources".split(" ");

/** Two headings of a page may read the same, the more so where one is inherited: the later gets its section's name, too. */
function withUniqueIds(fragment: Fragment, used: Set<string>): Fragment {
  const parts = fragment.parts.map((part) => {
    let id = part.id;
    for (let count = 1; used.has(id); count++) id = `${fragment.anchor}-${part.id}${count === 1 ? "" : `-${count}`}`;
    used.add(id);
    return { ...part, id };
  });
  return { ...fragment, parts };
}

function titleView({ kind, title, status }: EntryCard): Html {
  if (kind === "message") return html`<span class="printed">${title}</span>`;
  const number = String(status);
  if (kind !== "status" || !title.startsWith(number)) return html`${title}`;
  return html`<span class="number">${number}</span>${title.slice(number.length)}`;
}

function pageTitle(entry: EntryCard): string {
  const software = entry.software ? ` · ${softwareName(entry.software)}` : "";
  return `${entry.title}${software} · Goodgate reference`;
}

function crumbsOf({ kind, software }: EntryCard): Crumb[] {
  const home = { title: "Reference", path: "" };
  if (kind === "status") return [home, { title: "Statuses", path: "status/" }];
  if (kind === "cause") return [home, { title: "Causes", path: "cause/" }];
  const product = software ? [{ title: softwareName(software), path: `message/${software}/` }] : [];
  return [home, { title: "Messages", path: "message/" }, ...product];
}

type Fact = readonly [name: string, value: Html | string] | null;

function factLine(library: Library, { entry }: RenderedEntry, root: string): Html {
  const facts = entry.kind === "status" ? statusFacts(entry) : failureFacts(library, entry, root);
  const shown = facts.filter((fact) => fact !== null);
  return html`<dl class="facts">${shown.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

const STATUS_MEANINGS = ["", "Informational", "Success", "Redirection", "Client error", "Server error"] as const;

function statusFacts({ standard, status }: RenderedEntry["entry"]): Fact[] {
  return [
    ["Class", STATUS_MEANINGS[Math.floor((status ?? 0) / 100)] ?? "None that a standard knows"],
    ["Defined by", standard ?? "No standard: a product's own"],
  ];
}

function failureFacts(library: Library, { kind, class: of, status }: EntryCard, root: string): Fact[] {
  const cause = of !== null && isCauseId(of) ? CAUSES[of] : null;
  const shown = kind === "cause" && cause ? cause.status : status;
  const linked = (id: string, text: string): Html =>
    library.card(id) ? html`<a href="${root}${id}/">${text}</a>` : html`${text}`;
  return [
    kind === "message" && of && of !== "unknown" ? ["Means", linked(`cause/${of}`, className(of))] : null,
    [
      kind === "cause" ? "Status" : "The client sees",
      shown === null ? "varies, or nothing" : linked(`status/${shown}`, `${shown} ${statusText(shown)}`),
    ],
    kind === "cause" && cause && cause.nginxStatus !== cause.status
      ? ["nginx answers", String(cause.nginxStatus)]
      : null,
    cause ? ["At fault", faultWords(cause.fault)] : null,
    cause ? ["A retry", RETRY_WORDS[cause.retry]] : null,
    kind === "cause" && cause?.proxyStatus ? ["Proxy-Status", html`<code>${cause.proxyStatus}</code>`] : null,
  ];
}

/** Links of fragments lead from this page. Fragments are our own markup (build/render-sections.ts). */
function placed(markup: string, root: string): Html {
  return rawHtml(markup.replaceAll(`"${ENTRY_LINK}`, `"${root}`));
}

export function heading2(id: string, title: string): Html {
  return html`<h2 id="${id}">${title}${anchorLink(id, title)}</h2>`;
}

function anchorLink(id: string, title: string): Html {
  return html` <a class="anchor" href="#${id}" aria-label="Address of “${title}”">#</a>`;
}

function sectionView({ heading, anchor, fragment, from }: Shown, entry: EntryCard, root: string): Html {
  const origin = from
    ? html`<p class="from">From the ${from.kind} <a href="${root}${from.id}/#${anchor}">${from.kind === "cause" ? from.class : from.title}</a></p>`
    : "";
  const parts = fragment.parts.map((part) => ({ ...part, html: placed(part.html, root) }));
  const inner =
    heading === "Fixes" && parts.length > 1
      ? tabsView("Fixes by product", parts, entry.software)
      : html`${parts.map((part) => partView(part, heading, root))}`;
  return html`<section class="${anchor}">${heading2(anchor, heading)}${origin}${placed(fragment.html, root)}${inner}</section>`;
}

type Placed = Omit<FragmentPart, "html"> & { readonly html: Html };

function partView(part: Placed, heading: SectionHeading, root: string): Html {
  const kind = heading === "FAQ" ? "question" : "part";
  return html`<div class="${kind}"><h3 id="${part.id}">${placed(part.titleHtml, root)}${anchorLink(part.id, part.title)}</h3>${part.html}</div>`;
}

function editSection({ samples }: EntryCard, root: string, served: boolean): Html {
  const [first = "", ...others] = samples;
  const rows = Math.min(8, Math.max(3, first.split("\n").length + Math.ceil(first.length / 90)));
  const form = { root, text: first, rows, served, label: "Your own line instead of this one", button: "Explain it" };
  return html`<section class="edit">${heading2("edit-your-error", "Edit your error")}
${explainForm(form)}
${others.length === 0 ? "" : html`<details><summary>Other forms it comes in</summary>${others.map((text) => html`<pre class="pasted"><code>${text}</code></pre>`)}</details>`}
</section>`;
}

interface Below {
  readonly id: string;
  readonly title: string;
  readonly view: Html;
}

/** What is made from the head and the index instead of the entry's sections. */
function belowSections(
  library: Library,
  { entry }: RenderedEntry,
  inherited: RenderedEntry | null,
  root: string,
): Below[] {
  const below: Below[] = [];
  const add = (id: string, title: string, view: Html | null) => {
    if (view) below.push({ id, title, view });
  };
  const causes = library.index.cards.filter(({ kind, status }) => kind === "cause" && status === entry.status);
  if (entry.kind === "status" && causes.length > 0)
    add("causes-with-this-status", "Causes that end in this status", linkList(causes, root));
  add("messages", "Messages that say this", messageGroups(library, entry, root));
  const confused = entry.confused.length > 0 ? entry.confused : (inherited?.entry.confused ?? []);
  add(
    "confused-with",
    "Confused with",
    confusedTable(
      library,
      confused.filter(({ entry: other }) => other !== entry.id),
      root,
    ),
  );
  const related = entry.related.flatMap((id) => library.card(id) ?? []);
  add("related", "Related", related.length > 0 ? linkList(related, root) : null);
  add("sources", "Sources", sourceList(entry, inherited));
  return below;
}

const linkList = (cards: readonly EntryCard[], root: string): Html =>
  html`<ul class="cards">${cards.map((card) => html`<li><a href="${root}${card.id}/">${cardName(card)}</a><span>${card.summary}</span></li>`)}</ul>`;

function confusedTable(library: Library, confused: RenderedEntry["entry"]["confused"], root: string): Html | null {
  const rows = confused.flatMap(({ entry, tell }) => {
    const card = library.card(entry);
    return card
      ? [html`<tr><th scope="row"><a href="${root}${entry}/">${cardName(card)}</a></th><td>${tell}</td></tr>`]
      : [];
  });
  if (rows.length === 0) return null;
  return html`<div class="table"><table><thead><tr><th scope="col">Taken for</th><th scope="col">How to tell</th></tr></thead><tbody>${rows}</tbody></table></div>`;
}

function sourceList({ sources, unverified }: RenderedEntry["entry"], inherited: RenderedEntry | null): Html {
  const view = ({ what, url, version, read }: (typeof sources)[number]): Html =>
    html`<li>${url ? html`<a href="${url}" rel="noopener external">${what}</a>` : what}${version ? html`, ${version}` : ""}${read ? html`, read <time datetime="${read}">${read}</time>` : html` <em>(not read again)</em>`}</li>`;
  const own = new Set(sources.map(({ what }) => what));
  const more = (inherited?.entry.sources ?? []).filter(({ what }) => !own.has(what));
  const doubts = [...unverified, ...(inherited?.entry.unverified ?? [])];
  return html`<ul class="sources">${[...sources, ...more].map(view)}</ul>
${doubts.length === 0 ? "" : html`<div class="unverified"><p><b>Not verified</b></p><ul>${doubts.map((text) => html`<li>${text}</li>`)}</ul></div>`}`;
}

function tableOfContents(sections: readonly Shown[], below: readonly Below[]): Html {
  const items = sections.map(({ anchor, heading }) => ({ id: anchor, title: heading as string }));
  const edit = { id: "edit-your-error", title: "Edit your error" };
  const leading = sections.filter(({ heading }) => LEADING.includes(heading)).length;
  return html`<ol>${[...items.toSpliced(leading, 0, edit), ...below].map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}</ol>`;
}

function structuredOf({ entry, fragments }: RenderedEntry): object[] {
  const faq = fragments.find(({ heading }) => heading === "FAQ")?.parts ?? [];
  const article = {
    "@type": "TechArticle",
    headline: entry.title.slice(0, 110),
    description: entry.summary,
    inLanguage: "en",
    ...(entry.software ? { about: softwareName(entry.software) } : {}),
  };
  if (faq.length === 0) return [article];
  const questions = faq.map(({ title, html: answer }) => ({
    "@type": "Question",
    name: title,
    acceptedAnswer: { "@type": "Answer", text: textOf(answer) },
  }));
  return [article, { "@type": "FAQPage", mainEntity: questions }];
}

/** Our own markup without its tags. */
function textOf(markup: string): string {
  return markup
    .replace(/<[^>]*>/g, "")
    .replace(/&(lt|gt|amp|quot|#39);/g, (_, name: string) => CHARACTERS[name]!)
    .trim();
}

const CHARACTERS: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', "#39": "'" };
