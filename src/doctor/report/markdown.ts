// The report as Markdown (CommonMark with GitHub's tables), to paste into a ticket or to send to a vendor. Text from
// outside is escaped so that it is never markup, HTML, a link or a mention; code stands in fences that are longer than
// any run of backticks within.
import { printable } from "../../wire/printable.ts";
import type { DoctorReport, Hop } from "../diagnose/model.ts";
import type { FailureSeries } from "../logs/model.ts";
import { plotSeries } from "../logs/plot.ts";
import { drawChain } from "../timeouts/draw.ts";
import { type Block, type Head, type Item, type PageHop, pageOf, type Section } from "./page.ts";
import { redactReport } from "./redact.ts";
import { harmless, seriesLegend, span } from "./words.ts";

const DRAWING = { columns: 78, colour: false, notes: true };

/** The whole document. */
export function renderMarkdown(report: DoctorReport): string {
  const { title, head, chain, sections, footer } = pageOf(redactReport(report));
  const parts = [
    `# Diagnosis of ${words(title)}`,
    topText(head),
    chain.length === 0
      ? ""
      : `## The chain\n\n${chain.map((hop, index) => `${index + 1}. ${hopText(hop)}`).join("\n")}`,
    ...sections.map(sectionText),
    `---\n\n${words(footer.join(" · "))}`,
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function topText({ label, headline, facts, summary }: Head): string {
  const first = headline === "" ? `**${words(label)}.**` : `**${words(label)}:** ${words(headline)}`;
  return [first, facts.map((fact) => `- ${words(fact)}`).join("\n"), summary === null ? "" : words(summary)]
    .filter((part) => part !== "")
    .join("\n\n");
}

const MARKS: Readonly<Record<Hop["mark"], string>> = { good: "✓", bad: "✗", warn: "!", behind: "·", unknown: "?" };

function hopText({ mark, name, id, address, said, words: meaning }: PageHop): string {
  const title = name || id;
  const where = address === null || title.includes(address) ? "" : ` ${words(address)}`;
  return `${MARKS[mark]} ${mark === "bad" ? `**${words(title)}**` : words(title)}${where}: ${words(said === "" ? meaning : mark === "bad" ? `${said} (${meaning})` : said)}`;
}

function sectionText({ heading, blocks }: Section): string {
  return `## ${words(heading)}\n\n${blocks
    .map(blockText)
    .filter((part) => part !== "")
    .join("\n\n")}`;
}

function blockText(block: Block): string {
  switch (block.kind) {
    case "text":
      return words(block.text);
    case "page":
      return `More on ${words(block.about)}: <${block.url}>`;
    case "command":
      return fenced(block.text, "sh");
    case "config":
      return `${block.file === null ? "" : `In ${words(block.file)}:\n\n`}${fenced(block.text, block.language)}`;
    case "items":
      return block.items.map(itemText).join("\n");
    case "table":
      return tableText(block);
    case "timings":
      return block.timings
        .map(
          ({ label, phases, totalMs }) =>
            `- ${words(label)}: ${phases.map(({ name, ms }) => `${name} ${span(ms)}`).join(", ")}, total ${span(totalMs)}`,
        )
        .join("\n");
    case "series":
      return seriesText(block.series);
    case "timeouts":
      return fenced(drawChain(harmless(block.chain, printable), DRAWING).join("\n"), "text");
  }
}

function seriesText(series: FailureSeries): string {
  const plot = plotSeries(series, { columns: DRAWING.columns, rows: 5, colour: false, zoneMinutes: 0 });
  return [fenced(plot.join("\n"), "text"), ...seriesLegend(series).map((line) => words(line))].join("\n\n");
}

function itemText({ text, note, advice, command }: Item): string {
  const lines = [`- ${words(text)}${note === null ? "" : ` (${words(note)})`}`];
  if (advice !== null) lines.push(`  → ${words(advice)}`);
  if (command !== null) lines.push("", fenced(command, "sh").replace(/^/gm, "  "));
  return lines.join(command === null && advice !== null ? "  \n" : "\n");
}

function tableText({ caption, head, rows }: Extract<Block, { kind: "table" }>): string {
  const row = (cells: readonly string[]): string => `| ${cells.map((cell) => words(cell)).join(" | ")} |`;
  const table = [row(head), `|${" --- |".repeat(head.length)}`, ...rows.map(row)].join("\n");
  return caption === "" ? table : `${words(caption)}\n\n${table}`;
}

/** Addresses, mentions and references to issues: sites turn them into links and messages unless they are code. */
const ACTIVE = /\/\/|@|www\.|#\d/i;

/** Text that is nothing but text, on one line, readable where Markdown is not rendered, too. */
export function words(text: string): string {
  const line = printable(text.replace(/[\t\n\r ]+/g, " ").trim());
  const safe = line.replace(/[^\s|`]+|[\s|`]+/g, (part) => (ACTIVE.test(part) ? asCode(part) : escaped(part)));
  return safe.replace(LINE_START, (_, digits = "", sign = "") => `${digits}\\${sign}`);
}

/** Quotes, items of lists (numbered, too) and rules, at the beginning of a line. */
const LINE_START = /^(\d{0,9})(>|[-+.)](?=\s|$)|[-=](?=[-=\s]*$))/;

/** A word without blanks, bars and backticks as code, without what opens and closes a sentence around it. */
function asCode(word: string): string {
  const start = /^[(["']{1,3}/.exec(word)?.[0] ?? "";
  const end = /[.,;:!?)\]}'"]{1,3}$/.exec(word.slice(start.length))?.[0] ?? "";
  const code = word.slice(start.length, word.length - end.length);
  // Of ")//)" nothing is left that could be a link.
  return escaped(start) + (code === "" ? "" : `\`${code}\``) + escaped(end);
}

const escaped = (text: string): string =>
  text
    .replace(/[\\`*_[\]#|~$<]/g, "\\$&")
    .replace(/&(?=[#A-Za-z])/g, "&amp;")
    .replace(/\\</g, "&lt;");

/** Code in a fence that nothing within can close. */
export function fenced(code: string, language: string): string {
  const text = printable(code.replace(/\r\n?/g, "\n")).replace(/\n+$/, "");
  const longest = Math.max(2, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language.replace(/[^\w-]/g, "")}\n${text}\n${fence}`;
}
