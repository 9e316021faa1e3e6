// An explanation as a person reads it in a terminal. What was pasted is shown with control characters escaped: it may
// hold anything.

import type { Alternative, Explanation, NextStep, Range } from "../explain/explanation.ts";
import { CAUSES, isCauseId } from "../failure/causes.ts";
import { REFERENCE_BASE } from "../failure/reference.ts";
import { printable } from "../wire/printable.ts";

const BOLD = "\x1b[1m";
const DIM = "\x1b[2m";
const MARK = "\x1b[1;33m";
const CYAN = "\x1b[36m";
const RESET = "\x1b[0m";

export interface Look {
  readonly colour: boolean;
  /** Width of the terminal in characters. */
  readonly columns: number;
}

const INPUT_LINES_MAX = 12;
const INPUT_CHARS_MAX = 1600;

/** The whole answer, in the order in which a person in an outage needs it. */
export function renderExplanation(answer: Explanation, { colour, columns }: Look): string {
  const paint = painter(colour);
  const blocks: string[] = [
    `${paint(BOLD, answer.title)}\n${paint(DIM, factLine(answer))}`,
    indent(marked(answer, paint), "  "),
    wrap(answer.summary, columns),
    `${paint(BOLD, "Do this first")}\n${stepText(answer.next, columns, paint)}`,
  ];
  for (const { heading, paragraphs, steps } of answer.page?.sections.slice(1) ?? []) {
    const body = [
      ...paragraphs.map((text) => wrap(text, columns, "  ")),
      ...steps.map((step) => stepText(step, columns, paint)),
    ];
    blocks.push(`${paint(BOLD, heading)}\n${body.join("\n")}`);
  }
  if (answer.settles) blocks.push(wrap(`What would settle it: ${answer.settles}`, columns));
  if (!answer.generated && answer.alternatives.length > 0)
    blocks.push(
      `${paint(BOLD, "Could also be")}\n${answer.alternatives.map((each) => alternative(each, columns, paint)).join("\n")}`,
    );
  blocks.push(paint(DIM, pageLine(answer)));
  return `\n${blocks.join("\n\n")}\n\n`;
}

/** One line for one line. */
export function renderLine(answer: Explanation, colour: boolean): string {
  const paint = painter(colour);
  const name = (answer.class ?? "unknown").padEnd(26);
  return `${paint(BOLD, name)} ${answer.confidence.padEnd(8)} ${printable(answer.input).slice(0, 160)}\n`;
}

/** The Markdown of an entry without its head: headings bold, code as it stands. */
export function renderMarkdown(markdown: string, colour: boolean): string {
  const paint = painter(colour);
  return `${markdown
    .replace(/^---\n[\s\S]*?\n---\n/, "")
    .replace(/^#{2,4} (.+)$/gm, (_, heading: string) => paint(BOLD, heading))
    .replace(/^(`{3,})(\w*)[^\n]*$/gm, "")
    .replace(/\*\*([^*\n]+)\*\*/g, (_, words: string) => paint(BOLD, words))
    .replace(/\[([^\]\n]+)\]\([^)\n]+\)/g, "$1")
    .replace(/\n{3,}/g, "\n\n")
    .trim()}\n`;
}

type Paint = (style: string, text: string) => string;
const painter =
  (colour: boolean): Paint =>
  (style, text) =>
    colour ? `${style}${text}${RESET}` : text;

function factLine({ class: of, confidence, facts }: Explanation): string {
  const parts: string[] = [of ?? "not in the reference"];
  if (of !== null && of !== "status-only-502" && of !== "not-an-error") parts.push(confidence);
  if (of !== null && isCauseId(of))
    parts.push(`at fault: ${CAUSES[of].fault.join(" or ")}`, `retry: ${CAUSES[of].retry}`);
  if (facts.software) parts.push(`from ${facts.software}`);
  return parts.join(" · ");
}

/** The pasted text, its deciding words marked: by colour, or by a row of ^ below each line. */
function marked({ input, decisive }: Explanation, paint: Paint): string {
  const shown = input.slice(0, INPUT_CHARS_MAX);
  const lines: string[] = [];
  let at = 0;
  for (const raw of shown.split("\n").slice(0, INPUT_LINES_MAX)) {
    lines.push(...markedLine(raw.replace(/\r$/, ""), at, decisive, paint));
    at += raw.length + 1;
  }
  if (at < input.length) lines.push(paint(DIM, `… ${input.length - Math.min(at, input.length)} more characters`));
  return lines.join("\n");
}

function markedLine(line: string, at: number, decisive: readonly Range[], paint: Paint): string[] {
  let text = "";
  let carets = "";
  let plain = 0;
  for (const [start, end] of decisive) {
    const [from, to] = [Math.max(start - at, plain), Math.min(end - at, line.length)];
    if (from >= to) continue;
    const [before, words] = [printable(line.slice(plain, from)), printable(line.slice(from, to))];
    text += before + paint(MARK, words);
    carets += " ".repeat(before.length) + "^".repeat(words.length);
    plain = to;
  }
  text += printable(line.slice(plain));
  return carets === "" || paint(MARK, "") !== "" ? [text] : [text, carets];
}

function stepText({ text, command }: NextStep, columns: number, paint: Paint): string {
  const words = wrap(text, columns, "  ");
  return command === null ? words : `${words}\n    ${paint(CYAN, `$ ${printable(command)}`)}`;
}

function alternative({ class: of, separates }: Alternative, columns: number, paint: Paint): string {
  return `  ${paint(BOLD, of)}${separates === "" ? "" : `\n${wrap(separates, columns, "    ")}`}`;
}

function pageLine({ generated, entry }: Explanation): string {
  if (generated) return `Composed for this text (${entry}); the reference has no entry for it.`;
  return `Page: ${REFERENCE_BASE}/reference${entry}  (here: goodgate explain --page …)`;
}

function wrap(text: string, columns: number, prefix = ""): string {
  const rows: string[] = [];
  let row = "";
  for (const word of printable(text).split(" ")) {
    if (row !== "" && prefix.length + row.length + 1 + word.length > columns) {
      rows.push(prefix + row);
      row = word;
    } else row = row === "" ? word : `${row} ${word}`;
  }
  return [...rows, prefix + row].join("\n");
}

const indent = (text: string, prefix: string): string => text.replace(/^/gm, prefix);
