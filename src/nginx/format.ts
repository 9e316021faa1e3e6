// The formatter: one directive a line, four spaces for each block, at most one empty line in a row, comments where
// they were. Words stay as they are written, quotes included, and a directive that was written over several lines
// stays so. What has mistakes is not formatted: it would move the evidence.
import { type GapItem, gapItems } from "./comments.ts";
import type { Arg, ConfFile, Directive } from "./tree.ts";

const STEP = "    ";

interface Writer {
  readonly lines: string[];
  /** Nothing was written yet in this block, so that an empty line has no place. */
  fresh: boolean;
}

/** The file in canonical form (byte text); null where its language has mistakes. */
export function formatNginx({ directives, tail, problems }: ConfFile): string | null {
  if (problems.length > 0) return null;
  const writer: Writer = { lines: [], fresh: true };
  writeAll(writer, directives, "", true);
  writeGap(writer, tail, "", directives.length === 0);
  while (writer.lines.at(-1) === "") writer.lines.pop();
  return writer.lines.length === 0 ? "" : writer.lines.join("\n") + "\n";
}

function writeAll(writer: Writer, directives: readonly Directive[], indent: string, isFile: boolean): void {
  for (const [index, directive] of directives.entries()) {
    writeGap(writer, directive.head.gap, indent, isFile && index === 0);
    writeDirective(writer, directive, indent);
  }
}

function writeDirective(writer: Writer, directive: Directive, indent: string): void {
  const { head, args, block, code } = directive;
  let line = indent + head.raw;
  const write = (gap: string, text: string, space: string) => {
    const comments = gapItems(gap).filter((item) => item.kind === "comment");
    for (const comment of comments) {
      writer.lines.push(`${line} ${comment.text}`.trimEnd());
      line = indent + STEP.slice(1);
    }
    const wasBroken = comments.length > 0 || (space !== "" && gap.includes("\n") && text !== "{" && text !== ";");
    if (wasBroken && comments.length === 0) {
      writer.lines.push(line);
      line = indent + STEP.slice(1);
    }
    line += comments.length > 0 || wasBroken ? ` ${text}` : space + text;
  };
  for (const arg of args) write(arg.gap, arg.raw, spaceBefore(arg));
  const isEmpty = block !== null && block.directives.length === 0 && !block.tail.includes("#");
  write(directive.gap, block || code !== null ? "{" : ";", block || code !== null ? " " : "");
  writer.lines.push(isEmpty ? `${line}}` : line + (code ?? ""));
  writer.fresh = false;
  if (!block || isEmpty) return;
  writer.fresh = true;
  writeAll(writer, block.directives, indent + STEP, false);
  writeGap(writer, block.tail, indent + STEP, false);
  while (writer.lines.at(-1) === "") writer.lines.pop();
  writer.lines.push(`${indent}}`);
  writer.fresh = false;
}

/** A word directly behind a quote (`"…")`) stays there. */
function spaceBefore({ gap }: Arg): string {
  return gap === "" ? "" : " ";
}

/** Comments and empty lines in front of a directive or of the end of a block. */
function writeGap(writer: Writer, gap: string, indent: string, atStartOfLine: boolean): void {
  for (const item of gapItems(gap, atStartOfLine)) writeItem(writer, item, indent);
}

function writeItem(writer: Writer, item: GapItem, indent: string): void {
  if (item.kind === "blank-line") {
    if (!writer.fresh) writer.lines.push("");
    return;
  }
  const last = writer.lines.at(-1);
  if (item.kind === "comment" && item.sameLine && last !== undefined && last !== "")
    writer.lines[writer.lines.length - 1] = `${last} ${item.text}`;
  else {
    writer.lines.push(indent + item.text);
    writer.fresh = false;
  }
}
