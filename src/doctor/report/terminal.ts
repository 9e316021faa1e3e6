// The report in a terminal: one page, the answer in its first line. Prose is wrapped to the width; commands and
// configuration are never broken or decorated, so that they can be copied as they stand. What came from outside is
// shown with its control characters escaped.
import type { DoctorReport } from "../diagnose/model.ts";
import type { FailureSeries } from "../logs/model.ts";
import { plotSeries } from "../logs/plot.ts";
import { drawChain } from "../timeouts/draw.ts";
import type { TimeoutChain } from "../timeouts/model.ts";
import { cutTo, padded, widthOf, wrapped } from "./columns.ts";
import { type Ink, inkFor, type Shade, type TerminalOptions } from "./ink.ts";
import { type Block, type Head, type Item, pageOf, type Section, type Tone } from "./page.ts";
import { redactReport } from "./redact.ts";
import { chainLines } from "./terminal-chain.ts";
import { harmless, seriesLegend, span } from "./words.ts";

const INDENT = "  ";
const CODE_INDENT = "    ";
const CELL_MAX = 48;
const PLOT_ROWS = 5;
const ITEM_LINES = 4;

const TONE_SHADES: Readonly<Record<Tone, Shade>> = { bad: "bad", good: "good", open: "warn", notice: "warn" };
const TONE_MARKS = { bad: "bad", good: "good", open: "unknown", notice: "warn" } as const;

/** The page, ending in a line end. */
export function renderTerminal(report: DoctorReport, options: TerminalOptions): string {
  const ink = inkFor(options);
  const { title, head, chain, sections, footer } = pageOf(redactReport(report));
  const shown = sections.filter(({ depth, itemsMax }) => ink.verbose || (depth === "page" && itemsMax !== 0));
  const parts = [
    topLines(head, title, ink),
    chain.length === 0 ? [] : chainLines(chain, ink),
    ...shown.map((section) => sectionLines(section, ink)),
    prose(footer.join(` ${ink.glyphs.dot} `), "", ink).map((line) => ink.paint("dim", line)),
  ];
  return `\n${parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => line.trimEnd()).join("\n"))
    .join("\n\n")}\n\n`;
}

function topLines({ tone, label, headline, facts, summary }: Head, title: string, ink: Ink): string[] {
  const answer = headline === "" ? `${label} for ${title}` : `${label}: ${headline}`;
  const lines = hung(`${ink.glyphs.marks[TONE_MARKS[tone]]} `, answer, INDENT, ink).map((line) =>
    ink.paint(TONE_SHADES[tone], line),
  );
  // Class, hop and rate on one line; since when on its own.
  const brief = facts.filter((fact) => !fact.startsWith("since "));
  if (brief.length > 0) lines.push(...prose(brief.join(` ${ink.glyphs.dot} `), INDENT, ink));
  for (const fact of facts) if (fact.startsWith("since ")) lines.push(...prose(fact, INDENT, ink));
  if (summary !== null) lines.push(...prose(summary, INDENT, ink));
  const said = `${headline} ${summary ?? ""}`;
  if (headline !== "" && !said.includes(title))
    lines.push(...prose(title, INDENT, ink).map((line) => ink.paint("dim", line)));
  return lines;
}

/** Wrapped, each line behind the same indent. */
function prose(text: string, indent: string, ink: Ink): string[] {
  return wrapped(ink.say(text), ink.columns - indent.length - 1).map((line) => indent + line);
}

function sectionLines({ heading, blocks, itemsMax }: Section, ink: Ink): string[] {
  const lines = blocks.flatMap((block, index) => {
    // Two pieces to copy stand apart.
    const apart = isCode(block) && isCode(blocks[index - 1]) ? [""] : [];
    return [...apart, ...blockLines(block, itemsMax, ink)];
  });
  return lines.length === 0 ? [] : [ink.paint("bold", ink.say(heading)), ...lines];
}

const isCode = (block: Block | undefined): boolean => block?.kind === "command" || block?.kind === "config";

function blockLines(block: Block, itemsMax: number | null, ink: Ink): string[] {
  switch (block.kind) {
    case "text":
      return prose(block.text, INDENT, ink);
    case "page":
      return prose(`More on ${block.about}: ${block.url}`, INDENT, ink).map((line) => ink.paint("dim", line));
    case "command":
      return codeLines(block.text, ink);
    case "config":
      return [...(block.file === null ? [] : prose(`In ${block.file}:`, INDENT, ink)), ...codeLines(block.text, ink)];
    case "items":
      return itemLines(block.items, itemsMax, ink);
    case "table":
      return tableLines(block, ink);
    case "timings":
      return block.timings.flatMap(({ label, phases, totalMs }) =>
        prose(
          `${label}: ${[...phases.map(({ name, ms }) => `${name} ${span(ms)}`), `total ${span(totalMs)}`].join(", ")}`,
          INDENT,
          ink,
        ),
      );
    case "series":
      return seriesLines(block.series, ink);
    case "timeouts":
      return timeoutLines(block.chain, ink);
  }
}

function seriesLines(series: FailureSeries, ink: Ink): string[] {
  const { colour, columns } = ink;
  const plot = plotSeries(series, {
    colour,
    unicode: ink.unicode,
    columns: columns - INDENT.length - 1,
    rows: PLOT_ROWS,
    zoneMinutes: 0,
  });
  const legend = seriesLegend(series).flatMap((line) => prose(line, INDENT, ink));
  return [...plot.map((line) => INDENT + ink.drawing(line)), ...legend];
}

function timeoutLines(chain: TimeoutChain, ink: Ink): string[] {
  const { colour, verbose, columns } = ink;
  const options = { colour, notes: verbose, columns: columns - INDENT.length - 1 };
  return drawChain(harmless(chain, ink.say), options).map((line) => INDENT + ink.drawing(line));
}

const codeLines = (text: string, ink: Ink): string[] =>
  ink.lines(text.replace(/\n+$/, "")).map((line) => CODE_INDENT + ink.paint("code", line));

function itemLines(items: readonly Item[], itemsMax: number | null, ink: Ink): string[] {
  const shown = ink.verbose || itemsMax === null ? items : items.slice(0, itemsMax);
  const lines = shown.flatMap((item) => oneItem(item, ink));
  const more = items.length - shown.length;
  return more === 0 ? lines : [...lines, `${INDENT}${ink.paint("dim", `and ${more} more (--verbose)`)}`];
}

function oneItem({ text, note, advice, command }: Item, ink: Ink): string[] {
  const { bullet, next: arrow } = ink.glyphs;
  // A quoted line of a log may be long: its beginning is what tells.
  const room = ink.verbose ? Number.POSITIVE_INFINITY : ITEM_LINES * ink.columns;
  const words = note === null ? cutTo(text, room) : `${cutTo(text, room)} [${note}]`;
  const hang = INDENT + " ".repeat(widthOf(bullet) + 1);
  const lines = hung(`${INDENT}${bullet} `, words, hang, ink);
  if (advice !== null) lines.push(...hung(`${hang}${arrow} `, advice, hang + " ".repeat(widthOf(arrow) + 1), ink));
  if (command !== null) lines.push(...codeLines(command, ink));
  return lines;
}

function hung(first: string, text: string, hang: string, ink: Ink): string[] {
  return wrapped(ink.say(text), ink.columns - widthOf(hang) - 1).map((line, row) => (row === 0 ? first : hang) + line);
}

/** Columns where they fit, else a block for each row. */
function tableLines({ caption, head, rows }: Extract<Block, { kind: "table" }>, ink: Ink): string[] {
  const cells = rows.map((row) => row.map((cell) => ink.say(cell)));
  const widths = head.map((name, index) => Math.max(widthOf(name), ...cells.map((row) => widthOf(row[index] ?? ""))));
  const total = widths.reduce((sum, width) => sum + width + 2, INDENT.length);
  const lines = caption === "" ? [] : prose(caption, INDENT, ink);
  if (total <= ink.columns && widths.every((width) => width <= CELL_MAX)) {
    const row = (parts: readonly string[]): string =>
      `${INDENT}${parts.map((part, index) => padded(part, widths[index] ?? 0)).join("  ")}`;
    return [...lines, ink.paint("dim", row(head).trimEnd()), ...cells.map(row)];
  }
  for (const row of cells) {
    const parts = row
      .map((cell, index) => (cell === "" ? "" : `${head[index] ?? ""}: ${cell}`))
      .filter((part) => part !== "");
    lines.push(...hung(`${INDENT}${ink.glyphs.bullet} `, parts.join("; "), `${INDENT}  `, ink));
  }
  return lines;
}
