// The chain in HTML: a list, drawn as a line of hops by styles alone, from above to below on a phone. Members of one pool
// and several origins are a list of their own within. What a mark says is there in words as well.
import { type Html, html } from "../../std/html.ts";
import type { Hop } from "../diagnose/model.ts";
import type { PageHop } from "./page.ts";
import { branchOf, isBranch } from "./terminal-chain.ts";

const MARKS: Readonly<Record<Hop["mark"], string>> = { good: "✓", bad: "✕", warn: "!", behind: "·", unknown: "?" };

/** More hops than that stand below each other at any width. */
const LINE_MAX = 5;

/** The section with the drawing. */
export function chainHtml(hops: readonly PageHop[]): Html {
  const groups = grouped(hops);
  const items = groups.map((group) => {
    const [first] = group;
    if (first === undefined) return null;
    if (group.length === 1) return html`<li class="${classOf(first)}">${inside(first)}</li>`;
    return html`<li class="fork"><ul class="branches">${group.map((hop) => html`<li class="${classOf(hop)}">${inside(hop)}</li>`)}</ul></li>`;
  });
  return html`<section aria-labelledby="chain"><h2 id="chain">The chain</h2><ol class="${groups.length > LINE_MAX ? "hops" : "hops line"}">${items}</ol></section>`;
}

/** Neighbours of one pool together, each other hop alone. */
function grouped(hops: readonly PageHop[]): PageHop[][] {
  const groups: PageHop[][] = [];
  for (const [index, hop] of hops.entries()) {
    const last = groups.at(-1);
    const beside = isBranch(hops, index) && last?.[0] !== undefined && branchOf(last[0]) === branchOf(hop);
    if (beside) last.push(hop);
    else groups.push([hop]);
  }
  return groups;
}

const classOf = ({ mark }: Hop): string => (mark === "bad" || mark === "behind" ? `${mark} broken` : mark);

function inside({ mark, name, id, address, said, words }: PageHop): Html {
  const title = name || id;
  const where = address === null || title.includes(address) ? null : html`<span class="address">${address}</span>`;
  // Only of the hop at fault the mark is said aloud; of others it is there for those who do not see it.
  const spoken =
    said === "" ? null : mark === "bad" ? html`<br>${words}` : html`<span class="hidden"> (${words})</span>`;
  return html`<span class="mark" aria-hidden="true">${MARKS[mark]}</span><b>${title}</b>${where}<span class="said">${said === "" ? words : said}${spoken}</span>`;
}
