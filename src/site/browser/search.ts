// Full text search over titles, summaries, products and codes, in the browser.
import MiniSearch from "minisearch";
import type { EntryCard } from "../../knowledge/entry.ts";
import { type Html, html } from "../../std/html.ts";
import { softwareName } from "../words.ts";

const HITS_MAX = 8;
const QUERY_MAX = 300;
/** Of the best hit's score: what is far below it only shares a common word. */
const SCORE_SHARE = 0.2;

const STATUS_QUERY = /^\W*(?:(?:http|error|status|code)\W*)*(\d{3})\b/i;

export interface Search {
  /** Best first, without the entry `except`. */
  find(query: string, except: string): readonly EntryCard[];
}

/** A search over the cards. */
export function searchOf(cards: readonly EntryCard[]): Search {
  const byId = new Map(cards.map((card) => [card.id, card]));
  const search = new MiniSearch({ fields: ["title", "summary", "product", "codes"] });
  search.addAll(
    cards.map(({ id, title, summary, software, class: of, status, matches }) => ({
      id,
      title,
      summary,
      product: software ? softwareName(software) : "",
      codes: [id, of ?? "", status ?? "", ...matches.map((match) => ("code" in match ? match.code : ""))].join(" "),
    })),
  );
  const options = {
    prefix: (term: string) => term.length > 2,
    // Numbers and short names that look alike are not the same.
    fuzzy: (term: string) => (/^\D{6,}$/.test(term) ? 0.15 : false),
    boost: { title: 3, product: 2, codes: 2 },
  };
  return {
    find: (query, except) => {
      const hits = search.search(query.slice(0, QUERY_MAX), options);
      const enough = (hits[0]?.score ?? 0) * SCORE_SHARE;
      const found = hits.filter(({ score }) => score >= enough).map(({ id }) => String(id));
      // A number by itself is a status before it is a part of messages.
      const status = STATUS_QUERY.exec(query)?.[1];
      const ids = new Set(status ? [`status/${status}`, ...found] : found);
      ids.delete(except);
      return [...ids].flatMap((id) => byId.get(id) ?? []).slice(0, HITS_MAX);
    },
  };
}

/** The hits as a list. */
export function searchView(hits: readonly EntryCard[], root: string): Html {
  const kind = (card: EntryCard): string => (card.software ? softwareName(card.software) : card.kind);
  return html`<h2>Entries found</h2><ul class="cards">${hits.map((card) => html`<li><a href="${root}${card.id}/">${card.title}</a> <span class="tag">${kind(card)}</span><span>${card.summary}</span></li>`)}</ul>`;
}
