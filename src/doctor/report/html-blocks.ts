// Blocks of the report in HTML. Text from outside is escaped by the template; what would turn the direction of a line or
// cannot be seen is shown as an escape.
import { type Html, html } from "../../std/html.ts";
import { printable } from "../../wire/printable.ts";
import type { HopTimer, Inversion, TimeoutChain } from "../timeouts/model.ts";
import { TIMER_IDS } from "../timeouts/model.ts";
import { seriesHtml, timingsHtml } from "./html-plot.ts";
import type { Block, Item } from "./page.ts";
import { placeText, span } from "./words.ts";

/** The block as markup. */
export function blockHtml(block: Block): Html {
  switch (block.kind) {
    case "text":
      return html`<p>${said(block.text)}</p>`;
    case "page":
      return html`<p class="more">More on <a href="${block.url}" rel="noreferrer">${said(block.about)}</a></p>`;
    case "command":
      return codeHtml(block.text);
    case "config":
      return html`${block.file === null ? null : html`<p class="file">In <code>${said(block.file)}</code>:</p>`}${codeHtml(block.text)}`;
    case "items":
      return html`<ul class="items">${block.items.map(itemHtml)}</ul>`;
    case "table":
      return tableHtml(block);
    case "timings":
      return timingsHtml(block.timings);
    case "series":
      return seriesHtml(block.series);
    case "timeouts":
      return timeoutsHtml(block);
  }
}

/** Prose: on one line, nothing in it that steers. */
export const said = (text: string): string => printable(text.replace(/[\t\n\r ]+/g, " ").trim());

function codeHtml(text: string): Html {
  const code = printable(text.replace(/\r\n?/g, "\n")).replace(/\n+$/, "");
  return html`<div class="copyable"><pre tabindex="0"><code>${code}</code></pre><button type="button" hidden>Copy</button></div>`;
}

function itemHtml({ text, note, advice, command }: Item): Html {
  return html`<li>${said(text)}${note === null ? null : html` <span class="note">${said(note)}</span>`}${advice === null ? null : html`<p class="advice">${said(advice)}</p>`}${command === null ? null : codeHtml(command)}</li>`;
}

function tableHtml({ caption, head, rows }: Extract<Block, { kind: "table" }>): Html {
  return html`<div class="scroll" role="group" tabindex="0" aria-label="${said(caption)}"><table><caption>${said(caption)}</caption>
<thead><tr>${head.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map((cell) => html`<td>${said(cell)}</td>`)}</tr>`)}</tbody></table></div>`;
}

/** A column for each hop, a row for each timer; both ends of an inversion are marked. */
function timeoutsHtml({ chain, explained }: Extract<Block, { kind: "timeouts" }>): Html {
  const { hops, inversions: all, whatIf } = chain;
  const inversions = all.filter(({ severity }) => severity === "risk");
  const ids = TIMER_IDS.filter((id) => hops.some(({ timers }) => timers.some((timer) => timer.id === id)));
  const wrong = (hop: string, { setting }: HopTimer): boolean =>
    inversions.some(
      ({ between: [outer, inner], ...each }) =>
        (outer === hop && each.outer.setting === setting) || (inner === hop && each.inner.setting === setting),
    );
  const cell = (hop: string, timers: readonly HopTimer[]): Html => {
    const marked = timers.some((timer) => wrong(hop, timer));
    const lines = timers.map(
      (timer) =>
        html`<div>${wrong(hop, timer) ? "✕ " : ""}${timerText(timer)}<br><span class="note">${said(timer.setting)}, ${sourceOf(timer)}</span></div>`,
    );
    return marked ? html`<td class="inverted">${lines}</td>` : html`<td>${lines}</td>`;
  };
  const rows = ids.map(
    (id) =>
      html`<tr><th scope="row">${id}</th>${hops.map(({ name, timers }) =>
        cell(
          name,
          timers.filter((timer) => timer.id === id),
        ),
      )}</tr>`,
  );
  return html`<div class="scroll" role="group" tabindex="0" aria-label="Timers of each hop"><table><thead><tr><th scope="col">Timer</th>${hops.map(({ name }) => html`<th scope="col">${said(name)}</th>`)}</tr></thead><tbody>${rows}</tbody></table></div>
${orderHtml(inversions, explained)}
${whatIf === null ? null : html`<h3>What if</h3><ul class="items">${whatIf.changes.map(({ hop, setting, before, after }) => html`<li>${said(`${hop} ${setting}: ${before} → ${after}`)}</li>`)}</ul><p>${said(whatIfText(whatIf))}</p>`}`;
}

function orderHtml(inversions: readonly Inversion[], explained: boolean): Html {
  if (inversions.length === 0) return html`<p>No order is broken that is a risk.</p>`;
  if (!explained) return html`<p>✕ marks both ends of an order that is broken; see the risks.</p>`;
  const items = inversions.map((each) =>
    itemHtml({ text: each.text, note: each.certain ? null : "by defaults", advice: each.fix || null, command: null }),
  );
  return html`<ul class="items">${items}</ul>`;
}

function whatIfText({ solved, created }: NonNullable<TimeoutChain["whatIf"]>): string {
  const texts = [...solved.map(({ text }) => `Mended: ${text}`), ...created.map(({ text }) => `New: ${text}`)];
  return texts.length === 0 ? "The order stays as it is." : texts.join(" ");
}

function timerText({ id, value }: HopTimer): string {
  if (value === null) return "off";
  return id === "tries" ? String(value) : span(value);
}

function sourceOf({ from, place }: HopTimer): string {
  if (place !== null) return placeText(place);
  return from === "what-if" ? "what if" : from;
}
