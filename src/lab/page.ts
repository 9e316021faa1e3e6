// The frame of the lab's HTML pages: one stylesheet, dark and light, no resource from elsewhere.

import { type Html, html, rawHtml } from "../std/html.ts";

const STYLE = rawHtml(`<style>
:root { color-scheme: light dark; --paper: #fbfaf7; --ink: #1d2320; --soft: #5d6963; --line: #dcd9d0; --card: #fff; --accent: #0b6b4f; --on: #fff; --warn: #a33b20 }
@media (prefers-color-scheme: dark) { :root { --paper: #141816; --ink: #e8ebe7; --soft: #9aa6a0; --line: #2e3632; --card: #1c211f; --accent: #58c29a; --on: #0c1310; --warn: #f0886c } }
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
body > * { max-width: 68rem; margin-inline: auto; padding-inline: 1.25rem }
header { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; align-items: baseline; padding-block: 1.1rem; border-bottom: 1px solid var(--line) }
header b { font-size: 1.15rem } header nav { display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; flex: 1 }
main { padding-block: 1.5rem 3rem } footer { padding-block: 1rem 2rem; color: var(--soft); font-size: .9rem; border-top: 1px solid var(--line) }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .75rem } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem }
a { color: var(--accent) } header a, .card a { text-decoration: none } a:hover { text-decoration: underline }
code { font: .9em ui-monospace, monospace }
table { border-collapse: collapse; width: 100%; font-size: .93rem } th, td { text-align: left; padding: .4rem .75rem .4rem 0; border-bottom: 1px solid var(--line); vertical-align: top }
th { color: var(--soft); font-weight: 500 } td.number { text-align: right; font-variant-numeric: tabular-nums }
.scroll { overflow-x: auto }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(14rem, 1fr)); gap: 1rem }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem; display: flex; flex-direction: column; gap: .35rem }
.card svg, .hero svg { width: 100%; height: auto; border-radius: .4rem } .card p { margin: 0; color: var(--soft); font-size: .93rem; flex: 1 }
.row { display: flex; flex-wrap: wrap; gap: .6rem; align-items: center } .row > :first-child { margin-right: auto }
.buttons { display: flex; flex-wrap: wrap; gap: .5rem }
.hero { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1.2fr); gap: 2rem } @media (max-width: 40rem) { .hero { grid-template-columns: 1fr } }
button, .button { font: inherit; border: 1px solid var(--accent); border-radius: .4rem; padding: .4rem .85rem; background: var(--accent); color: var(--on); cursor: pointer }
button.quiet { background: none; color: var(--accent) } button.warn { background: none; border-color: var(--warn); color: var(--warn) }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
input, textarea { font: inherit; width: 100%; padding: .45rem .6rem; border: 1px solid var(--line); border-radius: .4rem; background: var(--card); color: inherit }
label { display: block; margin-bottom: .8rem } form.narrow { max-width: 26rem }
.price { font-weight: 600; font-variant-numeric: tabular-nums } .soft { color: var(--soft) } .badge { border: 1px solid var(--line); border-radius: 1rem; padding: .05rem .6rem; font-size: .85rem; color: var(--soft) }
.badge.bad { color: var(--warn); border-color: var(--warn) }
#log { min-height: 8rem; max-height: 18rem; overflow: auto; background: var(--card); border: 1px solid var(--line); border-radius: .4rem; padding: .6rem .8rem; margin: 0 0 .6rem }
#log p { margin: 0 0 .25rem }
</style>`);

export interface PageParts {
  readonly title: string;
  readonly body: Html;
  readonly header?: Html;
  readonly footer?: Html;
}

/** A whole page. */
export function page({ title, body, header, footer }: PageParts): string {
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title}</title><link rel="icon" href="data:,">${STYLE}</head>
<body>${header && html`<header>${header}</header>`}<main>${body}</main>${footer && html`<footer>${footer}</footer>`}</body></html>
`.markup;
}
