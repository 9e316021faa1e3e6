// What was meant, where braces do not match. nginx can only say that the file ended too early, or which `}` is one
// too many; the way the file is indented says more: people line up a `}` with the directive that it closes, so the
// first pair that is not lined up is where one is missing or too many.

import { shown } from "./byte-text.ts";
import { lineAt, type Source } from "./source.ts";
import { complain, type Lexer } from "./statement.ts";
import type { Directive } from "./tree.ts";

/** What the indentation has shown so far. */
export interface Suspects {
  /** A block whose end seems to be missing: the `}` at `at` was read as its end. */
  unclosed: { readonly directive: Directive; readonly at: number } | null;
  /** A `}` that closed a block which began further to the left. */
  extra: { readonly directive: Directive; readonly at: number } | null;
  /** The block closed last. */
  last: { readonly directive: Directive; readonly at: number } | null;
}

/** Compares a `}` with the block that it closes, the last of `open`. */
export function lookAtIndent(suspects: Suspects, open: readonly Directive[], at: number): void {
  const directive = open.at(-1)!;
  suspects.last = { directive, at };
  const { source } = directive;
  const close = indentOf(source, at);
  const begin = indentOf(source, directive.head.start);
  if (close === null || begin === null || close === begin) return;
  if (close > begin) suspects.extra ??= { directive, at };
  else if (open.some(({ head }) => indentOf(source, head.start) === close)) suspects.unclosed ??= { directive, at };
}

/** A `}` where no block is open. */
export function complainStrayClose(lexer: Lexer, suspects: Suspects, noticedAt: number): void {
  const { extra, last } = suspects;
  const closed = extra ?? last;
  complain(lexer, {
    text: 'unexpected "}"',
    noticedAt,
    at: extra?.at ?? noticedAt,
    hint: closed ? hintForClosed(lexer, closed, extra !== null) : "no block was opened in this file",
  });
}

function hintForClosed({ source }: Lexer, { directive, at }: NonNullable<Suspects["last"]>, isExtra: boolean): string {
  if (isExtra) return `one "}" too many: this lines up with another block, but closes ${named(directive)}`;
  return `every block is closed: the "}" of line ${lineAt(source, at)} closed ${named(directive)}`;
}

/** The file has ended, and blocks are open. */
export function complainUnclosed(lexer: Lexer, suspects: Suspects, open: readonly Directive[]): void {
  const innermost = open.at(-1);
  if (!innermost) return;
  const { source } = lexer;
  const { unclosed } = suspects;
  const directive = unclosed?.directive ?? innermost;
  const others = open.length === 1 ? "" : `; ${open.length - 1} more of the blocks around it are open`;
  const seen = unclosed ? `: the "}" of line ${lineAt(source, unclosed.at)} lines up with another block` : "";
  complain(lexer, {
    text: 'unexpected end of file, expecting "}"',
    noticedAt: source.text.length,
    at: directive.head.start,
    length: Math.max(1, directive.head.raw.length),
    hint: `the block that begins here has no "}"${seen}${others}`,
  });
}

/** Whether the `{` at an offset is the beginning of a repetition in a regular expression: "{3}", "{2,}". */
export function isQuantifier(text: string, at: number): boolean {
  return /^\{\d+(?:,\d*)?\}/.test(text.slice(at, at + 24));
}

/** A directive as people point at it: `"location /api" (line 12)`. */
export function named({ source, head, args }: Directive): string {
  const words = shown([head, ...args].map(({ raw }) => raw).join(" "));
  const short = words.length > 60 ? `${words.slice(0, 59)}…` : words;
  return `"${short}" (line ${lineAt(source, head.start)})`;
}

/** How far the first text of a line stands to the right; null where something stands in front of it. */
function indentOf(source: Source, offset: number): number | null {
  const lineStart = source.lineStarts[lineAt(source, offset) - 1]!;
  if (offset - lineStart > 200) return null;
  const before = source.text.slice(lineStart, offset);
  if (before.trim() !== "") return null;
  return before.replace(/\t/g, "        ").length;
}
