// Markdown of an entry's sections becomes fragments. Raw HTML is not Markdown here (html: false), images are off, and a
// link is either another entry, an anchor of the same entry, or https: anything else stays text. What an entry says
// about how its examples are run (`run=bad app=down`) is for the tests: the reader gets "fails" and "works".
import MarkdownIt, { type Token } from "markdown-it";
import { anchorOf, type Entry, type Section } from "../../knowledge/entry.ts";
import { escapeHtml } from "../../std/html.ts";
import { ENTRY_LINK, type Fragment, type FragmentPart } from "../fragment.ts";
import { type Highlighter, languageLabel } from "./highlight.ts";

export interface SectionRenderer {
  readonly render: (entry: Entry) => readonly Fragment[];
}

/** Where a link of the entry being rendered leads. */
interface Place {
  readonly id: string;
  readonly section: string;
}

const VERDICTS: Readonly<Record<string, readonly [className: string, label: string]>> = {
  bad: ["bad", "✕ fails"],
  good: ["good", "✓ works"],
};

/** A renderer that knows which entries there are: a link to none becomes its text. */
export function createRenderer(ids: ReadonlySet<string>, { highlight }: Highlighter): SectionRenderer {
  const markdown = new MarkdownIt({ html: false, linkify: false, typographer: false });
  markdown.disable("image");
  markdown.validateLink = (address) => !/^[a-z][a-z0-9+.-]*:/i.test(address) || /^https?:\/\//i.test(address);
  const { rules } = markdown.renderer;
  rules["fence"] = (tokens, index) => codeBlock(tokens[index]!.content, tokens[index]!.info, highlight);
  rules["code_block"] = (tokens, index) => codeBlock(tokens[index]!.content, "text", highlight);
  rules["table_open"] = () => '<div class="table"><table>';
  rules["table_close"] = () => "</table></div>";

  const fragmentOf = (entry: Entry, section: Section): Fragment => {
    const place: Place = { id: entry.id, section: section.anchor };
    const tokens = markdown.parse(section.markdown, {});
    for (const token of tokens) if (token.children) resolveLinks(token.children, place, ids);
    const render = (some: Token[]): string => markdown.renderer.render(some, markdown.options, {}).trim();
    const [intro, ...rest] = splitAtHeadings(tokens);
    const parts = rest.map((some): FragmentPart => {
      const inline = some[1]!;
      const title = plainText(inline);
      return { id: anchorOf(title), title, titleHtml: render([inline]), html: render(some.slice(3)) };
    });
    return { heading: section.heading, anchor: section.anchor, html: render(intro ?? []), parts };
  };
  return { render: (entry) => entry.sections.map((section) => fragmentOf(entry, section)) };
}

/** The tokens before the first "###", then those of each. */
function splitAtHeadings(tokens: readonly Token[]): Token[][] {
  const groups: Token[][] = [[]];
  for (const token of tokens) {
    if (token.type === "heading_open" && token.tag === "h3" && token.level === 0) groups.push([]);
    groups.at(-1)!.push(token);
  }
  return groups;
}

/** Text of an inline token without its marks. */
function plainText({ children }: Token): string {
  return (children ?? []).map(({ type, content }) => (type === "softbreak" ? " " : content)).join("");
}

/** Entries by id, their anchors with the address of their own page; links that lead nowhere lose their link. */
function resolveLinks(tokens: Token[], { id }: Place, ids: ReadonlySet<string>): void {
  let dead = 0;
  for (const token of tokens) {
    if (token.type === "link_open") {
      const address = String(token.attrGet("href") ?? "");
      const target = targetOf(address, id, ids);
      if (target === null) {
        dead += 1;
        hide(token);
      } else {
        token.attrSet("href", target);
        if (/^https?:/.test(target)) token.attrSet("rel", "noopener external");
      }
    } else if (token.type === "link_close" && dead > 0) {
      dead -= 1;
      hide(token);
    }
  }
}

/** Links do not nest, so that a close belongs to the last open. */
function hide(token: Token): void {
  token.type = "text";
  token.tag = "";
  token.nesting = 0;
  token.content = "";
}

function targetOf(address: string, ownId: string, ids: ReadonlySet<string>): string | null {
  if (/^https?:\/\//i.test(address)) return address;
  const [page = "", anchor] = address.split("#", 2);
  const id = page === "" ? ownId : page;
  if (!ids.has(id)) return null;
  return `${ENTRY_LINK}${id}/${anchor ? `#${anchor}` : ""}`;
}

function codeBlock(content: string, info: string, highlight: Highlighter["highlight"]): string {
  const [language = "", ...attributes] = info.trim().split(/\s+/);
  const run = attributes.find((each) => each.startsWith("run="))?.slice(4) ?? "";
  const [className, label] = VERDICTS[run] ?? ["", ""];
  const code = content.replace(/\n$/, "");
  const verdict = label === "" ? "" : `<span class="verdict">${label}</span>`;
  return (
    `<figure class="code${className === "" ? "" : ` ${className}`}"><figcaption><span>${escapeHtml(languageLabel(language))}</span>${verdict}` +
    `<button class="copy" type="button">Copy</button></figcaption>` +
    `<pre><code>${highlight(code, language)}</code></pre></figure>\n`
  );
}

/** First words of the fences of all entries. */
export function languagesOf(entries: readonly Entry[]): ReadonlySet<string> {
  const fences = entries.flatMap(({ sections }) =>
    sections.flatMap(({ markdown }) => [...markdown.matchAll(/^\s*(?:`{3,}|~{3,})(\w+)/gm)].map(([, word]) => word!)),
  );
  return new Set(fences);
}
