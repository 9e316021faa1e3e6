// Parts of a section as tabs. Without scripts they are what they are: headings with text, one below the other. With
// scripts all but one are hidden from the first paint on (nothing moves later), and the script adds roles and keys.
import { type Html, html } from "../std/html.ts";

export interface Tab {
  readonly id: string;
  readonly title: string;
  readonly html: Html;
}

/** Tabs; the one with the id `preferred` is open at first, or else the first. */
export function tabsView(label: string, tabs: readonly Tab[], preferred: string | null): Html {
  const open = Math.max(
    0,
    tabs.findIndex(({ id }) => id === preferred),
  );
  return html`<div class="tabs">
<div class="tablist" aria-label="${label}">${tabs.map(({ id, title }, index) => html`<button type="button" id="tab-${id}" data-panel="${id}"${index === open ? html` class="on"` : ""}>${title}</button>`)}</div>
${tabs.map(({ id, title, html: content }, index) => html`<div class="panel${index === open ? " on" : ""}" id="${id}"><h3>${title}</h3>${content}</div>`)}
</div>`;
}
