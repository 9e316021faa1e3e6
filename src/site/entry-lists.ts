// Lists of entries: the messages of a cause or status by product, the statuses by class, the causes by layer.
import { CAUSE_IDS, CAUSES, isCauseId } from "../failure/causes.ts";
import type { EntryCard, EntryClass } from "../knowledge/entry.ts";
import { type Html, html } from "../std/html.ts";
import { type PageOptions, rootFrom } from "./layout.ts";
import type { Library } from "./library.ts";
import { className, LAYERS, STATUS_CLASSES, softwareName } from "./words.ts";

/** How a list names an entry: messages as printed. */
export function cardName({ kind, title }: EntryCard): Html {
  return kind === "message" ? html`<span class="printed">${title}</span>` : html`${title}`;
}

/** A group of products is shown open up to so many messages. */
const OPEN_MAX = 12;

/** Messages that an entry stands for, by product; null where there are none. */
export function messageGroups(library: Library, entry: EntryCard, root: string): Html | null {
  if (entry.kind === "message") return null;
  const messages = library.index.cards.filter(
    ({ kind, class: of, status }) =>
      kind === "message" && (entry.kind === "cause" ? of === entry.class : status === entry.status),
  );
  if (messages.length === 0) return null;
  const open = messages.length <= OPEN_MAX;
  const groups = byProduct(messages).map(
    ([
      slug,
      cards,
    ]) => html`<details${open ? html` open` : ""}><summary>${softwareName(slug)} <span class="count">${cards.length}</span></summary>
<ul class="lines">${cards.map((card) => html`<li><a href="${root}${card.id}/">${cardName(card)}</a></li>`)}</ul></details>`,
  );
  return html`<div class="groups">${groups}</div>`;
}

/** Products in the order of their names, each with its messages. */
export function byProduct(cards: readonly EntryCard[]): [slug: string, cards: EntryCard[]][] {
  const groups = new Map<string, EntryCard[]>();
  for (const card of cards) {
    if (card.kind !== "message" || card.software === null) continue;
    groups.set(card.software, [...(groups.get(card.software) ?? []), card]);
  }
  const compare = (a: string, b: string): number => softwareName(a).localeCompare(softwareName(b), "en");
  return [...groups].sort(([a], [b]) => compare(a, b));
}

/** A longer list of sections would be a page before the page. */
const JUMPS_MAX = 8;

interface ListSection {
  readonly id: string;
  readonly title: string;
  readonly about: string;
  readonly cards: readonly EntryCard[];
}

function listPage(path: string, title: string, lead: string, sections: readonly ListSection[]): PageOptions {
  const root = rootFrom(path);
  const filled = sections.filter(({ cards }) => cards.length > 0);
  const main = html`<div class="list"><header class="head"><h1>${title}</h1><p class="lead">${lead}</p>
${filled.length > 1 && filled.length <= JUMPS_MAX ? html`<p class="jump">${filled.map((section) => html`<a href="#${section.id}">${section.title} <span class="count">${section.cards.length}</span></a>`)}</p>` : ""}</header>
${filled.map(
  (
    section,
  ) => html`<section>${section.title === "" ? "" : html`<h2 id="${section.id}">${section.title}</h2>`}${section.about === "" ? "" : html`<p>${section.about}</p>`}
<ul class="cards">${section.cards.map((card) => html`<li><a href="${root}${card.id}/">${cardName(card)}</a><span>${card.summary}</span></li>`)}</ul></section>`,
)}</div>`;
  const crumbs = [{ title: "Reference", path: "" }];
  if (path.split("/").length > 2) crumbs.push({ title: "Messages", path: "message/" });
  return { path, title: `${title} · Goodgate reference`, description: lead, main, crumbs };
}

/** status/: by class. */
export function statusList({ index }: Library): PageOptions {
  const statuses = index.cards.filter(({ kind }) => kind === "status");
  const sections = STATUS_CLASSES.map(({ digit, title, about }) => ({
    ...{ id: `${digit}xx`, title, about },
    cards: statuses.filter(({ status }) => Math.min(6, Math.floor((status ?? 0) / 100)) === digit),
  }));
  return listPage(
    "status/",
    "HTTP statuses",
    "Every registered status code and those that gateways use in practice.",
    sections,
  );
}

/** cause/: by where on the way it breaks. */
export function causeList({ index }: Library): PageOptions {
  const causes = index.cards.filter(({ kind }) => kind === "cause");
  const sections = LAYERS.map(({ id, title, about, phases }) => ({
    ...{ id, title, about },
    cards: causes.filter(({ class: of }) => of !== null && isCauseId(of) && phases.includes(CAUSES[of].phase)),
  }));
  return listPage(
    "cause/",
    "Causes",
    "What can go wrong between a client and an application, by where it breaks.",
    sections,
  );
}

/** message/: all products. */
export function productList({ index }: Library): PageOptions {
  const path = "message/";
  const root = rootFrom(path);
  const lead = "What gateways, platforms, runtimes and tools print, by product.";
  const main = html`<div class="list"><header class="head"><h1>Messages by product</h1><p class="lead">${lead}</p></header>${productTiles(index.cards, root)}</div>`;
  const crumbs = [{ title: "Reference", path: "" }];
  return { path, title: "Messages by product · Goodgate reference", description: lead, main, crumbs };
}

/** Products as tiles with their number of messages. */
export function productTiles(cards: readonly EntryCard[], root: string): Html {
  return html`<ul class="tiles">${byProduct(cards).map(([slug, group]) => html`<li><a href="${root}message/${slug}/">${softwareName(slug)} <span class="count">${group.length}</span></a></li>`)}</ul>`;
}

/** message/nginx/: by what they mean. */
export function productPage(library: Library, slug: string): PageOptions {
  const own = library.index.cards.filter(({ kind, software }) => kind === "message" && software === slug);
  const order = (of: EntryClass | null): number => (CAUSE_IDS as readonly (EntryClass | null)[]).indexOf(of);
  const classes = [...new Set(own.map(({ class: of }) => of))].sort((a, b) => order(a) - order(b));
  const sections = classes.map((of) => ({
    id: of ?? "none",
    title: of === null ? "" : className(of),
    about: "",
    cards: own.filter(({ class: other }) => other === of),
  }));
  const name = softwareName(slug);
  return listPage(
    `message/${slug}/`,
    `Messages of ${name}`,
    `What ${name} prints when a request fails, and what each message means.`,
    sections,
  );
}
